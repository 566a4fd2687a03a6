"""What is wrong in the data of policies is said, with the place; one wrong policy costs itself."""

from __future__ import annotations

import pytest
from commands import in_process

from distrokit_policy.engine.policies import Matcher, Selector
from distrokit_policy.engine.reading import MOST_POLICIES, NotASetError, read_policies

BODY = {"log_field": "body", "exists": True}


def log(**parts):
    return {"id": "a", "name": "n", "log": {"match": [BODY], "keep": "none", **parts}}


def metric(**parts):
    return {
        "id": "a",
        "name": "n",
        "metric": {"match": [{"metric_field": "name", "exists": True}], "keep": False, **parts},
    }


def trace(**parts):
    match = [{"trace_field": "name", "exists": True}]
    return {"id": "a", "name": "n", "trace": {"match": match, "keep": {"percentage": 5}, **parts}}


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (7, "a policy must be a mapping, not a number"),
        ({"name": "n"}, "id is missing"),
        ({"id": 5, "name": "n", "log": {}}, "id must be a text, not a number"),
        ({"id": "a", "log": {}}, "name is missing"),
        ({"id": "a", "name": "n"}, "it has no target: log, metric or trace"),
        ({"id": "a", "name": "n", "log": {}, "trace": {}}, "log and trace exclude each other"),
        ({"id": "a", "name": "n", "logs": {}}, "unknown field 'logs'. Did you mean 'log'?"),
        ({"id": "x" * 600, "name": "n", "log": {}}, "id is longer than 512 characters"),
        ({"id": "a", "name": "n", "enabled": "no", "log": {}}, "enabled must be true or false, not 'no'"),
        ({"id": "a", "name": "n", "log": 3}, "log: log must be a mapping, not a number"),
        (log(match=[]), "log: match: at least one matcher is needed"),
        (log(match={}), "log: match: at least one matcher is needed"),
        (log(match=[BODY] * 300), "log: match: there are more than 256 matchers"),
        (log(match=[{"exists": True}]), "log: match[0]: no field set"),
        (log(match=[{"log_field": "body"}]), "log: match[0]: no match condition set"),
        (log(match=[{**BODY, "regex": "a"}]), "log: match[0]: regex and exists exclude each other"),
        (log(match=[{**BODY, "log_attribute": "a"}]), "log: match[0]: log_field and log_attribute exclude each other"),
        (log(match=[{**BODY, "span_kind": "SERVER"}]), "log: match[0]: unknown field 'span_kind'"),
        (
            log(match=[{"log_field": "bodi", "exists": True}]),
            "log: match[0]: unknown field 'bodi'. Did you mean 'body'?",
        ),
        (log(match=[{"log_field": "LOG_FIELD_UNSPECIFIED", "exists": True}]), "log: match[0]: field is unspecified"),
        (log(match=[{"log_attribute": [], "exists": True}]), "log: match[0]: attribute has empty path"),
        (log(match=[{"log_attribute": {"path": []}, "exists": True}]), "log: match[0]: attribute has empty path"),
        (
            log(match=[{"log_attribute": 5, "exists": True}]),
            "log: match[0]: attribute must be a text or a list of texts",
        ),
        (
            log(match=[{"log_attribute": ["a"] * 40, "exists": True}]),
            "log: match[0]: attribute has a path of more than 32 keys",
        ),
        (log(match=[{"log_field": "body", "exists": "yes"}]), "log: match[0]: exists must be true or false, not 'yes'"),
        (log(match=[{"log_field": "body", "contains": 5}]), "log: match[0]: contains must be a text, not a number"),
        (
            log(match=[{"log_field": "body", "regex": "([bad"}]),
            'log: match[0]: invalid regex "([bad": missing closing ]',
        ),
        (log(match=[{"log_attribute": "a", "gt": "5"}]), "log: match[0]: gt takes a number, not '5'"),
        (
            log(match=[{"log_attribute": "a", "gt": {"string_value": "5"}}]),
            "log: match[0]: unknown field 'string_value'",
        ),
        (log(match=[{"log_attribute": "a", "equals": {}}]), "log: match[0]: value is unset"),
        (
            log(match=[{"log_attribute": "a", "equals": [1]}]),
            "log: match[0]: a value must be a text, a number or a boolean",
        ),
        (log(match=[{"log_attribute": "a", "equals": {"hex_value": "xyz"}}]), "log: match[0]: invalid hex_value 'xyz'"),
        (log(match=[{"log_attribute": "a", "equals": {"hex_value": "abc"}}]), "log: match[0]: invalid hex_value 'abc'"),
        (log(match=[{"log_attribute": "a", "equals": {"bytes_value": "*"}}]), "log: match[0]: invalid bytes_value '*'"),
        (log(match=[{"log_attribute": "a", "equals": {"int_value": 1 << 70}}]), "log: match[0]: invalid int_value"),
        (
            log(match=[{"log_attribute": "a", "equals": {"double_value": "x"}}]),
            "log: match[0]: invalid double_value 'x'",
        ),
        (log(match=[{"log_field": "trace_id", "equals": "not hex"}]), "log: match[0]: invalid hex_value 'not hex'"),
        (log(keep="bogus"), 'log: keep: invalid value "bogus"'),
        (log(keep="101%"), "log: keep: percentage must be between 0 and 100, not 101"),
        (log(keep="0/s"), 'log: keep: invalid value "0/s"'),
        (log(keep="1.5/s"), 'log: keep: invalid value "1.5/s"'),
        (log(keep="5/h"), 'log: keep: invalid value "5/h"'),
        (log(keep=5), "log: keep: invalid value 5"),
        (log(sample_key={}), "log: sample_key: no field set"),
        (log(sample_key={"log_field": "x"}), "log: sample_key: unknown field 'x'"),
        (log(transform=[]), "log: transform: transform must be a mapping, not a list"),
        (log(transform={"remov": []}), "log: transform: unknown field 'remov'. Did you mean 'remove'?"),
        (log(transform={"remove": {}}), "log: transform: remove: it must be a list"),
        (log(transform={"remove": [{}]}), "log: transform: remove[0]: no field set"),
        (
            log(transform={"redact": [{"log_field": "body", "regex": "("}]}),
            'log: transform: redact[0]: invalid regex "("',
        ),
        (log(transform={"rename": [{"from_log_attribute": "a", "to": ""}]}), "log: transform: rename[0]: to is empty"),
        (log(transform={"rename": [{"log_attribute": "a", "to": "b"}]}), "log: transform: rename[0]: unknown field"),
        (log(transform={"add": [{"log_attribute": "a"}]}), "log: transform: add[0]: value is missing"),
        (
            log(transform={"remove": [{"log_field": "scope_schema_url"}]}),
            "log: transform: remove[0]: scope_schema_url cannot be changed",
        ),
        (log(transform={"remove": [{"log_attribute": "a"}] * 300}), "log: transform: it has more than 256 operations"),
        (metric(keep=None), "metric: keep: keep must be true or false"),
        (metric(keep="none"), "metric: keep: invalid value 'none'"),
        (
            metric(match=[{"metric_type": "guage"}]),
            "metric: match[0]: unknown metric_type 'guage'. Did you mean 'gauge'?",
        ),
        (metric(match=[{"metric_type": "METRIC_TYPE_UNSPECIFIED"}]), "metric: match[0]: metric_type is unspecified"),
        (metric(transform={}), "metric: unknown field 'transform'"),
        (trace(keep=None), "trace: keep: keep must be a mapping, not null"),
        (trace(keep={"percentage": 101}), "trace: keep: percentage must be between 0 and 100, not 101"),
        (trace(keep={"percentage": "5"}), "trace: keep: percentage must be a number, not '5'"),
        (trace(keep={"percentage": 5, "mode": "equal"}), "trace: keep: unknown mode 'equal'"),
        (
            trace(keep={"percentage": 5, "sampling_precision": 15}),
            "trace: keep: sampling_precision must be a whole number",
        ),
        (trace(keep={"percentage": 5, "hash_seed": -1}), "trace: keep: hash_seed must be a whole number"),
        (trace(match=[{"span_kind": "SPAN_KIND_UNSPECIFIED"}]), "trace: match[0]: span_kind is unspecified"),
        (trace(match=[{"event_name": ""}]), "trace: match[0]: event_name is empty"),
        (
            trace(match=[{"event_name": "e", "regex": "a"}]),
            "trace: match[0]: event_name with a name takes no other condition",
        ),
        (trace(match=[{"link_trace_id": "xy"}]), "trace: match[0]: invalid hex_value 'xy'"),
    ],
)
def test_a_wrong_policy_is_left_out_alone(policy, text):
    good = {**log(), "id": "good"}
    read = read_policies({"policies": [good, policy]})

    assert [each.id for each in read.policies] == ["good"]
    assert len(read.errors) == 1, read.errors
    assert read.errors[0].text.startswith(text)
    assert read.errors[0].path[:2] == ("policies", 1)


def test_all_that_is_wrong_in_a_policy_is_said():
    wrong = log(match=[{"exists": True}, {"log_field": "body", "regex": "("}], keep="x", transform={"remove": [{}]})
    read = read_policies([wrong])

    assert [error.text.partition(" (")[0] for error in read.errors] == [
        "log: match[0]: no field set",
        'log: match[1]: invalid regex "(": missing closing )',
        'log: keep: invalid value "x"',
        "log: transform: remove[0]: no field set",
    ]
    assert read.errors[1].path == (0, "log", "match", 1, "regex")


def test_the_first_of_two_policies_of_one_id_is_kept():
    read = read_policies([log(keep="none"), log(keep="all")])

    assert [str(policy.keep) for policy in read.policies] == ["none"]
    assert [(error.policy_id, error.text) for error in read.errors] == [
        ("a", "another policy has this id; the first one is kept")
    ]


def test_a_disabled_policy_is_as_if_it_were_not_there():
    read = read_policies([{**log(), "enabled": False}, {**log(), "id": "b"}])

    assert ([policy.id for policy in read.policies], read.disabled) == (["b"], ["a"])


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"rules": []}, "there is no list `policies`, but rules"),
        ({}, "there is no list `policies`"),
        ("text", "the policies must be a list, not a text"),
        ({"policies": {}}, "the policies must be a list, not a mapping"),
        ([{}] * (MOST_POLICIES + 1), "there are 50,001 policies, more than 50,000"),
    ],
)
def test_what_is_no_set_is_said(data, text):
    with pytest.raises(NotASetError, match=f"^{text}$"):
        read_policies(data)


def test_the_forms_of_names_and_values_are_one():
    """The schema's, JSON's, and the short ones of people."""
    matchers = [
        [{"log_field": "LOG_FIELD_BODY", "exact": "x"}, {"logField": "body", "equals": {"stringValue": "x"}}],
        [{"log_attribute": "a", "exists": True}, {"logAttribute": {"path": ["a"]}, "exists": True}],
        [{"log_attribute": "a", "gt": 5}, {"log_attribute": ["a"], "gt": {"intValue": "5"}}],
        [
            {"log_attribute": "a", "equals": {"hex_value": "DEAD"}},
            {"log_attribute": "a", "equals": {"bytesValue": "3q0="}},
        ],
        [{"log_field": "trace_id", "exact": "AB"}, {"log_field": "trace_id", "equals": {"hex_value": "ab"}}],
    ]
    for forms in matchers:
        read = [read_policies([log(match=[form])]) for form in forms]
        assert all(not each.errors for each in read)
        assert read[0].policies[0].matchers == read[1].policies[0].matchers

    kinds = ["SERVER", "SPAN_KIND_SERVER", "server"]
    assert {read_policies([trace(match=[{"span_kind": kind}])]).policies[0].matchers for kind in kinds} == {
        (Matcher(Selector("field", "kind"), "equals", "server"),)
    }


def test_validate_prints_each_fault_with_its_place(tmp_path):
    path = tmp_path / "policies.yaml"
    path.write_text(
        "policies:\n"
        "  - id: a\n    name: n\n    log:\n      match:\n        - log_field: body\n          regex: '(['\n      keep: none\n"
        "  - {id: b, name: n, metric: {match: [{metric_field: name, exists: true}], keep: false}}\n"
        "  - {id: c, name: n, enabled: false, metric: {match: [], keep: false}}\n"
    )
    result = in_process("policy", "validate", str(path))

    assert result.returncode == 1
    assert result.stdout.splitlines() == [
        f'{path}:7:18: policy a: log: match[0]: invalid regex "([": missing closing ]',
        f"{path}: 1 valid policy, 1 disabled, 1 fault",
    ]


def test_validate_tells_a_broken_file_from_broken_policies(tmp_path):
    (tmp_path / "broken.yaml").write_text("policies:\n  - id: [a\n")
    (tmp_path / "good.json").write_text('{"policies": []}')

    result = in_process("policy", "validate", str(tmp_path / "broken.yaml"), str(tmp_path / "good.json"))

    assert result.returncode == 2
    assert result.stdout.splitlines()[0].startswith(f"{tmp_path}/broken.yaml:3:1: ")
    assert result.stdout.splitlines()[1] == f"{tmp_path}/good.json: 0 valid policies, 0 faults"
    missing = in_process("policy", "validate", "--json", str(tmp_path / "none.yaml"))
    assert (missing.returncode, "No such file" in missing.stdout) == (2, True)


def test_what_a_terminal_would_obey_is_shown(tmp_path):
    path = tmp_path / "p.json"
    path.write_text('{"policies": [{"id": "a\\u001b[31m", "name": "n"}]}')

    result = in_process("policy", "validate", str(path))

    assert "policy a\\x1b[31m: it has no target" in result.stdout
    assert "\x1b" not in result.stdout

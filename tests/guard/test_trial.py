"""``distrokit guard test``."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from commands import in_process
from hypothesis import given
from hypothesis import strategies as st
from processes import distrokit

from distrokit_guard.redaction.names import KINDS
from distrokit_guard.redaction.otlp_json import JSONRedactor
from distrokit_guard.redaction.redactor import Redactor, Rules

EMAIL = {"stringValue": "bob@example.com"}
REDACTED = {"stringValue": "[redacted:emails]"}


def trial(*arguments, env=None):
    return in_process("guard", "test", *map(str, arguments), env=env or {})


@pytest.fixture
def file(tmp_path):
    def write(text, name="input"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def request_of(signal="Spans", inner="spans", **item):
    scope = {"scope": {"name": "n", "version": "bob@example.com"}, inner: [item]}
    resource = {"attributes": [{"key": "owner", "value": EMAIL}, {"key": "n", "value": {"intValue": "1"}}]}
    return {f"resource{signal}": [{"resource": resource, f"scope{signal}": [scope]}]}


def test_a_text_is_redacted_with_the_place_of_each_rule(file):
    path = file("hello\nmail bob@example.com, card 4111111111111111\nbye\n")

    result = trial(path, "--redact", "all")

    assert result.stdout == "hello\nmail [redacted:emails], card [redacted:cards]\nbye\n"
    assert result.stderr.splitlines() == [
        "distrokit guard test: line 2, column 6: emails",
        "distrokit guard test: line 2, column 28: cards",
    ]
    assert result.returncode == 1


def test_a_text_without_secrets_is_0(file):
    result = trial(file("hello\n"), "--redact", "all")

    assert (result.returncode, result.stdout, result.stderr) == (0, "hello\n", "")


def test_the_rules_in_effect_are_used_and_options_take_their_places(file):
    path = file("bob@example.com 4111111111111111 ACME-1\n")
    env = {"DISTROKIT_GUARD_REDACT": "cards", "DISTROKIT_GUARD_REDACT_PATTERNS": "acme: ACME-[0-9]"}

    assert trial(path, env=env).stdout == "bob@example.com [redacted:cards] [redacted:acme]\n"
    assert trial(path, "--redact", "emails", "--action", "remove", env=env).stdout == " 4111111111111111 \n"


def test_patterns_of_a_file_and_keys_are_options(file, tmp_path):
    patterns = file("acme: ACME-[0-9]", "patterns")
    path = file('{"password": "x", "a": "ACME-1"}')

    result = trial(path, "--patterns-file", patterns, "--keys", "*password*", "--json")

    assert json.loads(result.stdout) == {
        "result": '{"password": "[redacted:key]", "a": "[redacted:acme]"}',
        "changes": [
            {"place": "line 1, column 15", "rules": ["key"]},
            {"place": "line 1, column 25", "rules": ["acme"]},
        ],
    }


def test_a_secret_behind_an_escape_of_json_has_no_line(file):
    result = trial(file('"bob\\u0040example.com"'), "--redact", "all")

    assert (result.returncode, result.stdout) == (1, '"[redacted:emails]"')
    assert result.stderr == "distrokit guard test: text: emails\n"


def test_each_line_may_be_a_text_of_its_own(file):
    result = trial(file("a@b.co\nx\n"), "--redact", "all", "--lines")

    assert result.stdout == "[redacted:emails]\nx\n"
    assert result.stderr == "distrokit guard test: line 1: emails\n"


def test_bytes_that_are_no_text_are_kept_apart(file):
    result = trial(file(b"\xff a@b.co"), "--redact", "all")

    assert result.stdout == "? [redacted:emails]"


def test_spans_in_otlp_are_redacted_at_every_place(file):
    attributes = [
        {"key": "a", "value": EMAIL},
        {"key": "list", "value": {"arrayValue": {"values": [EMAIL, {"boolValue": True}]}}},
        {"key": "map", "value": {"kvlistValue": {"values": [{"key": "password", "value": {"doubleValue": 1.5}}]}}},
        {"key": "bytes", "value": {"bytesValue": b64encode(b"bob@example.com").decode()}},
        {"key": "card", "value": {"intValue": "4111111111111111"}},
        {"key": "password", "value": {"intValue": 5}},
        {"key": "odd", "value": {"arrayValue": "no list"}},
        {"key": "empty", "value": {}},
        "no attribute",
    ]
    span = {
        "traceId": "4111111111111111",
        "name": "bob@example.com",
        "attributes": attributes,
        "status": {"message": "bob@example.com", "code": 2},
        "events": [{"name": "bob@example.com", "attributes": [{"key": "e", "value": EMAIL}]}],
        "links": [{"attributes": [{"key": "l", "value": EMAIL}]}],
    }

    result = trial(file(json.dumps(request_of(**span))), "--redact", "all", "--keys", "password", "--json")
    shown = json.loads(result.stdout)
    (spans,) = shown["result"]["resourceSpans"]
    (redacted,) = spans["scopeSpans"][0]["spans"]

    assert result.returncode == 1
    assert "bob@example.com" not in result.stdout
    assert redacted["traceId"] == "4111111111111111"
    assert redacted["attributes"] == [
        {"key": "a", "value": REDACTED},
        {"key": "list", "value": {"arrayValue": {"values": [REDACTED, {"boolValue": True}]}}},
        {
            "key": "map",
            "value": {"kvlistValue": {"values": [{"key": "password", "value": {"stringValue": "[redacted:key]"}}]}},
        },
        {"key": "bytes", "value": {"bytesValue": b64encode(b"[redacted:emails]").decode()}},
        {"key": "card", "value": {"stringValue": "[redacted:cards]"}},
        {"key": "password", "value": {"stringValue": "[redacted:key]"}},
        {"key": "odd", "value": {"arrayValue": "no list"}},
        {"key": "empty", "value": {}},
        "no attribute",
    ]
    places = {change["place"]: change["rules"] for change in shown["changes"]}
    base = "resourceSpans[0].scopeSpans[0].spans[0]"
    assert places[f"{base}.attributes.map"] == ["key"]
    assert places[f"{base}.events[0].name"] == ["emails"]
    assert places["resourceSpans[0].scopeSpans[0].scope.version"] == ["emails"]
    assert places["resourceSpans[0].resource.attributes.owner"] == ["emails"]


def test_attributes_are_removed():
    redactor = JSONRedactor(Redactor(Rules(kinds=KINDS, action="remove")))
    log = {"body": EMAIL, "attributes": [{"key": "a", "value": EMAIL}, {"key": "b", "value": {"intValue": "1"}}]}

    redacted = redactor.redact(request_of("Logs", "logRecords", **log))

    assert redacted["resourceLogs"][0]["scopeLogs"][0]["logRecords"] == [
        {"body": {}, "attributes": [{"key": "b", "value": {"intValue": "1"}}]}
    ]


def test_logs_and_metrics_one_a_line(file):
    log = request_of("Logs", "logRecords", body={"kvlistValue": {"values": [{"key": "a", "value": EMAIL}]}})
    point = {"attributes": [], "exemplars": [{"filteredAttributes": [{"key": "f", "value": EMAIL}]}], "asInt": "1"}
    metric = request_of("Metrics", "metrics", name="m", description="by bob@example.com", sum={"dataPoints": [point]})

    result = trial(file(f"{json.dumps(log)}\n\n{json.dumps(metric)}\n"), "--redact", "emails")

    assert [list(json.loads(line)) for line in result.stdout.splitlines()] == [["resourceLogs"], ["resourceMetrics"]]
    assert "bob" not in result.stdout
    assert "distrokit guard test: 2:.resourceMetrics[0].scopeMetrics[0].metrics[0].description: emails" in result.stderr


def test_an_item_without_secrets_stays_as_it_is(file):
    request = {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "s", "kind": 1, "attributes": []}]}]}]}

    result = trial(file(json.dumps(request)), "--redact", "all")

    assert result.returncode == 0
    assert json.loads(result.stdout) == request


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--redact", "card"], "there is no kind 'card'"),
        (["--keys", "*"], "'*' matches everything"),
        (["--redact", "all", "--action", "hash"], "it needs a key"),
        (["--patterns-file", "/nowhere"], "it cannot be read: No such file"),
        ([], "there are no rules; use --redact all"),
    ],
)
def test_a_wrong_rule_is_2(file, arguments, said):
    result = trial(file("x"), *arguments)

    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_file_that_cannot_be_read_is_2(tmp_path):
    result = trial(tmp_path / "none", "--redact", "all")

    assert (result.returncode, result.stdout) == (2, "")
    assert "it cannot be read: No such file or directory" in result.stderr


def test_standard_input_in_a_process():
    import subprocess

    from processes import BIN, clean_environ

    command = [str(BIN / "distrokit"), "guard", "test", "-", "--redact", "all"]
    ran = subprocess.run(command, input=b"a@b.co", env=clean_environ(), capture_output=True, timeout=60)

    assert (ran.returncode, ran.stdout) == (1, b"[redacted:emails]")


def test_the_help_names_the_exit_codes():
    assert "2 FILE cannot be read" in " ".join(distrokit("guard", "test", "--help").stdout.split())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["a@b.co", "4111111111111111"]),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["attributes", "key", "value", "stringValue", "intValue", "doubleValue", "bytesValue", "arrayValue",
                         "kvlistValue", "values", "body", "name", "resourceSpans"]) | st.text(), inner),
)  # fmt: skip


REDACTOR = Redactor(Rules(kinds=KINDS, keys=("*a*",)))


@given(document=JSON)
def test_no_document_makes_it_raise(document):
    redacted = JSONRedactor(REDACTOR).redact(document)

    again = JSONRedactor(REDACTOR).redact(redacted)
    assert json.dumps(again) == json.dumps(redacted)

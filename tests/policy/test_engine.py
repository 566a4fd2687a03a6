"""The engine against a slow reference: whatever policies and items, both agree, and nothing raises."""

from __future__ import annotations

import re
import time
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distrokit_policy.engine.compiling import LogPolicies, SpanPolicies, find_winner
from distrokit_policy.engine.conditions import LONGEST_SEARCH
from distrokit_policy.engine.reading import read_policies
from distrokit_policy.engine.statistics import Statistics
from distrokit_policy.runtime.sdk_fields import finished_spans
from distrokit_policy.runtime.sdk_logs import LogRecordAccess

TEXTS = [
    "",
    "a",
    "ab",
    "abc",
    "GET /health",
    "get /HEALTH",
    "error 42",
    "card 4111",
    "x" * 40,
    "über",
    "00",
    "ef",
    "abcd",
]
VALUES = st.one_of(
    st.sampled_from(TEXTS),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(-2, 2, width=16),
    st.sampled_from([b"", b"\x00", b"\xab\xcd"]),
)
NESTED = st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=2)
ATTRIBUTES = st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES | NESTED, max_size=3)
RECORDS = st.builds(
    lambda body, severity, event, own, resource, scope, trace_id: SimpleNamespace(
        log_record=SimpleNamespace(
            body=body, severity_text=severity, event_name=event, attributes=own, trace_id=trace_id, span_id=0
        ),
        resource=SimpleNamespace(attributes=resource, schema_url="https://s"),
        instrumentation_scope=SimpleNamespace(attributes=scope, name="n", version="", schema_url=""),
    ),
    st.none() | VALUES | NESTED,
    st.sampled_from(["", "DEBUG", "ERROR"]),
    st.sampled_from([None, "", "login"]),
    ATTRIBUTES,
    ATTRIBUTES,
    ATTRIBUTES,
    st.sampled_from([0, 1, 0xABCDEF]),
)
PATHS = st.one_of(st.sampled_from("abc"), st.lists(st.sampled_from("abcxyz"), min_size=1, max_size=2))
SELECTORS = st.one_of(
    *(
        st.builds(lambda path, kind=kind: {kind: path}, PATHS)
        for kind in ("log_attribute", "resource_attribute", "scope_attribute")
    ),
    st.builds(lambda name: {"log_field": name}, st.sampled_from(["body", "severity_text", "event_name", "trace_id"])),
)
REGEXES = ["^a", "a$", "[0-9]+", "^(GET|HEAD) /h", "(?i)health", "^$", "b|c", "ca?rd [0-9]{4}", "x+", ""]
CONDITIONS = st.one_of(
    *(
        st.builds(lambda text, name=name: {name: text}, st.sampled_from(TEXTS))
        for name in ("starts_with", "ends_with", "contains")
    ),
    st.builds(lambda regex: {"regex": regex}, st.sampled_from(REGEXES)),
    st.builds(lambda value: {"exists": value}, st.booleans()),
    st.builds(lambda value: {"equals": value}, st.sampled_from(TEXTS) | st.booleans() | st.integers(-3, 3)),
    st.builds(lambda name, value: {name: value}, st.sampled_from(["gt", "gte", "lt", "lte"]), st.integers(-3, 3)),
)
MATCHERS = st.builds(
    lambda selector, condition, negate, fold: {**selector, **condition, "negate": negate, "case_insensitive": fold},
    SELECTORS,
    CONDITIONS,
    st.booleans(),
    st.booleans(),
)


def value_of(record, matcher):
    """The value that a matcher's selector means."""
    log = record.log_record
    if "log_field" in matcher:
        name = matcher["log_field"]
        if name == "trace_id":
            return log.trace_id.to_bytes(16, "big") if log.trace_id else None
        value = getattr(log, name)
        return None if value == "" else value
    owners = {
        "log_attribute": log,
        "resource_attribute": record.resource,
        "scope_attribute": record.instrumentation_scope,
    }
    (kind,) = owners.keys() & matcher.keys()
    found, path = owners[kind].attributes, matcher[kind]
    for key in [path] if isinstance(path, str) else path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def holds(record, matcher):
    """What the specification says, word by word."""
    value, fold = value_of(record, matcher), matcher["case_insensitive"]
    text = value if isinstance(value, str) else value.hex() if isinstance(value, bytes) else ""
    lower = (lambda word: word.lower()) if fold else (lambda word: word)
    is_number = type(value) in (int, float)
    if "exists" in matcher:
        result = (value is not None) == matcher["exists"]
    elif "regex" in matcher:
        regex = matcher["regex"].replace("$", r"\Z")
        result = text != "" and re.search(regex, text, re.IGNORECASE if fold else 0) is not None
    elif "equals" in matcher:
        wanted = matcher["equals"]
        if type(wanted) is int:
            result = is_number and value == wanted
        else:
            result = type(value) is type(wanted) and (
                lower(value) == lower(wanted) if isinstance(wanted, str) else value == wanted
            )
    elif "starts_with" in matcher:
        result = text != "" and lower(text).startswith(lower(matcher["starts_with"]))
    elif "ends_with" in matcher:
        result = text != "" and lower(text).endswith(lower(matcher["ends_with"]))
    elif "contains" in matcher:
        result = text != "" and lower(matcher["contains"]) in lower(text)
    else:
        compare = {
            "gt": lambda a, b: a > b,
            "gte": lambda a, b: a >= b,
            "lt": lambda a, b: a < b,
            "lte": lambda a, b: a <= b,
        }
        (name,) = compare.keys() & matcher.keys()
        result = is_number and compare[name](value, matcher[name])
    return result != matcher["negate"]


def is_valid(matcher):
    # The text of an identifier is hexadecimal.
    return not (matcher.get("log_field") == "trace_id" and isinstance(matcher.get("equals"), str))


@settings(max_examples=300)
@given(
    st.lists(st.lists(MATCHERS.filter(is_valid), min_size=1, max_size=3), max_size=40), st.lists(RECORDS, max_size=5)
)
def test_the_index_finds_what_the_reference_finds(policies, records):
    data = [
        {"id": f"p{number:02}", "name": "n", "log": {"match": matchers, "keep": "none"}}
        for number, matchers in enumerate(policies)
    ]
    read = read_policies(data)
    assert read.errors == []
    compiled = LogPolicies(read.policies, LogRecordAccess(), Statistics())

    for record in records:
        expected = [f"p{n:02}" for n, matchers in enumerate(policies) if all(holds(record, each) for each in matchers)]
        assert [each.policy.id for each in compiled.match(record)] == expected


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [
        "id",
        "name",
        "enabled",
        "log",
        "metric",
        "trace",
        "match",
        "keep",
        "transform",
        "regex",
        "equals",
        "log_field",
        "log_attribute",
        "path",
        "exists",
        "percentage",
        "mode",
        "redact",
        "to",
        "hex_value",
        "int_value",
        "sample_key",
    ]
)
ALMOST = st.recursive(
    ANY, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=25
)


@given(ALMOST)
def test_no_data_make_it_raise(data):
    read = read_policies([data, {"id": "a", "name": "n", "log": {"match": [data], "keep": "none"}}])
    compiled = LogPolicies(read.policies, LogRecordAccess(), Statistics())
    record = SimpleNamespace(
        log_record=SimpleNamespace(
            body=data, severity_text=None, event_name=None, attributes={"a": data}, trace_id=0, span_id=0
        ),
        resource=None,
        instrumentation_scope=None,
    )
    compiled.apply(record)


def many(number):
    """A policy for each number, of every kind that the index knows."""
    kinds = [
        {"log_field": "body", "equals": "whole {}"},
        {"log_field": "body", "starts_with": "begin {}:"},
        {"log_field": "body", "ends_with": ":{} end"},
        {"log_field": "body", "contains": "<{}>"},
        {"log_field": "body", "regex": "^order {}-[0-9]+"},
        {"log_field": "body", "regex": "[a-z]+ =={}== [0-9]+"},
        {"log_attribute": "k{}", "exists": True},
        {"log_attribute": "key", "equals": "value {}"},
        {"log_attribute": ["map", "k{}"], "equals": 1},
        {"log_attribute": "k{}", "gt": 3},
    ]
    return [
        {
            "id": f"{n:05}",
            "name": "n",
            "log": {
                "match": [{k: fill(v, n) for k, v in kinds[n % len(kinds)].items()}],
                "keep": "none",
            },
        }
        for n in range(number)
    ]


def fill(value, number):
    if isinstance(value, list):
        return [fill(each, number) for each in value]
    return value.format(number) if isinstance(value, str) and "{}" in value else value


@pytest.mark.parametrize(
    ("number", "body", "attributes"),
    [
        (700, "whole 700", {}),
        (701, "begin 701: now", {}),
        (702, "then :702 end", {}),
        (703, "in <703> it", {}),
        (704, "order 704-1", {}),
        (705, "x ==705== 1", {}),
        (706, "", {"k706": None, "z": 1} | {"k706": "x"}),
        (707, "", {"key": "value 707"}),
        (708, "", {"map": {"k708": 1}}),
        (709, "", {"k709": 4}),
    ],
)
def test_one_of_a_thousand_is_found(number, body, attributes):
    compiled = LogPolicies(read_policies(many(1000)).policies, LogRecordAccess(), Statistics())
    record = SimpleNamespace(
        log_record=SimpleNamespace(
            body=body, severity_text="", event_name="", attributes=attributes, trace_id=0, span_id=0
        ),
        resource=None,
        instrumentation_scope=None,
    )

    assert [each.policy.id for each in compiled.match(record)] == [f"{number:05}"]
    record.log_record.body += "x" * 5000
    if attributes:
        assert [each.policy.id for each in compiled.match(record)] == [f"{number:05}"]


def test_the_cost_follows_the_policies_that_can_match():
    """Conditions are tried only where the index leads to; no clock is needed to know it."""
    compiled = LogPolicies(read_policies(many(5000)).policies, LogRecordAccess(), Statistics())
    tried = []
    for each in compiled.compiled:
        each.checks = (lambda item, each=each: bool(tried.append(each)),)
    record = SimpleNamespace(
        log_record=SimpleNamespace(
            body="order 4004-1", severity_text="", event_name="", attributes={"key": "value 7"}, trace_id=0, span_id=0
        ),
        resource=None,
        instrumentation_scope=None,
    )
    compiled.match(record)

    assert {each.policy.id for each in tried} == {"04004", "00007"}


def test_the_most_restrictive_policy_wins():
    def log(id_, keep):
        return {"id": id_, "name": "n", "log": {"match": [{"log_field": "body", "exists": True}], "keep": keep}}

    for keeps, winner in [
        (["all", "50%", "10%"], "2"),
        (["10%", "none", "0%"], "1"),
        (["all", "75%", "5/s"], "2"),
        (["all", "25%", "5/s"], "1"),
        (["all", "all"], "0"),
        (["99.99%", "all"], "0"),
    ]:
        read = read_policies([log(str(number), keep) for number, keep in enumerate(keeps)])
        compiled = LogPolicies(read.policies, LogRecordAccess(), Statistics())
        assert find_winner(compiled.compiled).policy.id == winner


def test_a_percentage_without_a_key_is_random():
    policy = {"id": "a", "name": "n", "log": {"match": [{"log_field": "body", "exists": True}], "keep": "30%"}}
    compiled = LogPolicies(read_policies([policy]).policies, LogRecordAccess(), Statistics())
    record = SimpleNamespace(
        log_record=SimpleNamespace(body="b", severity_text="", event_name="", attributes={}, trace_id=0, span_id=0),
        resource=None,
        instrumentation_scope=None,
    )
    kept = sum(compiled.apply(record) for _ in range(4000))

    # Six standard deviations.
    assert abs(kept - 1200) < 6 * (4000 * 0.3 * 0.7) ** 0.5
    assert compiled.statistics.policies["a"].hits == 4000


@pytest.mark.parametrize("mode", ["hash_seed", "proportional", "equalizing"])
@pytest.mark.parametrize("seed", [0, 7])
def test_a_percentage_of_spans_is_that_of_the_traces(mode, seed):
    import random

    keep = {"percentage": 20, "mode": mode, "hash_seed": seed}
    policy = {"id": "a", "name": "n", "trace": {"match": [{"trace_field": "name", "exists": True}], "keep": keep}}
    compiled = SpanPolicies(read_policies([policy]).policies, finished_spans(), Statistics())
    numbers = random.Random(3)
    kept = 0
    for _ in range(4000):
        context = SimpleNamespace(
            trace_id=numbers.getrandbits(128), span_id=1, trace_state=SimpleNamespace(to_header=lambda: "")
        )
        span = SimpleNamespace(
            name="s", context=context, attributes={}, parent=None, resource=None, instrumentation_scope=None
        )
        first, second = (compiled.decide(compiled.match(span), span)[1] for _ in range(2))
        assert first == second
        kept += first.kept

    assert abs(kept - 800) < 6 * (4000 * 0.2 * 0.8) ** 0.5


def test_a_regular_expression_sees_the_beginning_of_a_long_text():
    """Without a match there, it is not known whether there is one: the policy does not match, negated or not."""

    def record(body):
        log = SimpleNamespace(body=body, severity_text="", event_name="", attributes={}, trace_id=0, span_id=0)
        return SimpleNamespace(log_record=log, resource=None, instrumentation_scope=None)

    def matches(regex, body, negate=False):
        match = [{"log_field": "body", "regex": regex, "negate": negate}]
        read = read_policies([{"id": "a", "name": "n", "log": {"match": match, "keep": "none"}}])
        return bool(LogPolicies(read.policies, LogRecordAccess(), Statistics()).match(record(body)))

    long = "x" * LONGEST_SEARCH
    assert matches("needle", "needle" + long)
    assert not matches("needle", long + "needle")
    assert not matches("needle", long + "needle", negate=True)
    assert not matches("needle", long + "y", negate=True)
    assert matches("needle", "hay", negate=True)
    assert not matches("x$", long + "y")


def test_many_texts_in_a_long_one_take_no_longer_than_the_text():
    policies = [
        {
            "id": f"{n:05}",
            "name": "n",
            "log": {"match": [{"log_field": "body", "contains": f"word {n} here"}], "keep": "none"},
        }
        for n in range(5000)
    ]
    compiled = LogPolicies(read_policies(policies).policies, LogRecordAccess(), Statistics())
    log = SimpleNamespace(body="", severity_text="", event_name="", attributes={}, trace_id=0, span_id=0)
    record = SimpleNamespace(log_record=log, resource=None, instrumentation_scope=None)
    log.body = "a b c d " * 30_000 + "word 77 here"
    begin = time.process_time()

    assert [each.policy.id for each in compiled.match(record)] == ["00077"]
    # It took more than two seconds.
    assert time.process_time() - begin < 1

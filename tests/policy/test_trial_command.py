"""``distrokit policy try`` and ``show``: what becomes of items in OTLP/JSON, and which policies there are."""

from __future__ import annotations

import json

import pytest
from commands import in_process


def attribute(key, value):
    return {"key": key, "value": value}


RESOURCE = {"attributes": [attribute("service.name", {"stringValue": "cart"})]}
LOGS = {
    "resourceLogs": [
        {
            "resource": RESOURCE,
            "scopeLogs": [
                {
                    "logRecords": [
                        {"body": {"stringValue": "health check"}, "severityText": "INFO"},
                        {
                            "body": {"stringValue": "paid"},
                            "traceId": "0af7651916cd43dd8448eb211c80319c",
                            "spanId": "b7ad6b7169203331",
                            "eventName": "paid",
                            "attributes": [
                                attribute("card", {"intValue": "4"}),
                                attribute("ratio", {"doubleValue": 0.5}),
                                attribute("raw", {"bytesValue": "3q0="}),
                                attribute("list", {"arrayValue": {"values": [{"boolValue": True}]}}),
                                attribute("map", {"kvlistValue": {"values": [attribute("a", {"doubleValue": "NaN"})]}}),
                                attribute("empty", {}),
                            ],
                        },
                    ]
                }
            ],
        }
    ]
}
METRICS = {
    "resourceMetrics": [
        {
            "scopeMetrics": [
                {
                    "metrics": [
                        {
                            "name": "requests",
                            "sum": {
                                "aggregationTemporality": 2,
                                "dataPoints": [
                                    {"attributes": [attribute("user", {"stringValue": "bob"})], "asInt": "1"},
                                    {"asInt": "2"},
                                ],
                            },
                        },
                        {"name": "nothing", "gauge": {}},
                    ]
                }
            ]
        }
    ]
}
SPANS = {
    "resourceSpans": [
        {
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "name": "failed",
                            "kind": 2,
                            "status": {"code": 2},
                            "events": [
                                {"name": "exception", "attributes": [attribute("exception.type", {"stringValue": "E"})]}
                            ],
                            "links": [{"traceId": "0af7651916cd43dd8448eb211c80319c"}],
                        },
                        {"name": "fine"},
                    ]
                }
            ]
        }
    ]
}


@pytest.fixture
def attempt(tmp_path):
    def run(request, *policies, json_output=False):
        named = [{"id": f"p{number}", "name": "n", **policy} for number, policy in enumerate(policies)]
        (tmp_path / "policies.json").write_text(json.dumps({"policies": named}))
        (tmp_path / "input.json").write_text(request if isinstance(request, str) else json.dumps(request))
        options = ["--json"] if json_output else []
        return in_process("policy", "try", str(tmp_path / "policies.json"), str(tmp_path / "input.json"), *options)

    return run


def log(*match, keep="none", **more):
    return {"log": {"match": [*match], "keep": keep, **more}}


def test_each_item_is_shown_with_its_policies(attempt):
    redact = {"redact": [{"log_field": "body"}], "remove": [{"log_attribute": "card"}]}
    result = attempt(
        LOGS,
        log({"log_field": "body", "contains": "health"}),
        log({"log_field": "event_name", "equals": "paid"}, keep="all", transform=redact),
    )
    (record,) = json.loads(result.stdout)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]

    assert result.returncode == 0
    assert record["body"] == {"stringValue": "[REDACTED]"}
    assert record["attributes"] == LOGS["resourceLogs"][0]["scopeLogs"][0]["logRecords"][1]["attributes"][1:]
    assert result.stderr.splitlines() == [
        'distrokit policy try: log record {"stringValue": "health check"}: dropped by p0',
        'distrokit policy try: log record {"stringValue": "paid"}: kept by p1',
    ]


def test_points_of_a_metric_are_decided_one_by_one(attempt):
    policy = {"metric": {"match": [{"datapoint_attribute": "user", "exists": True}], "keep": False}}
    result = json.loads(attempt(METRICS, policy, json_output=True).stdout)
    first, second = result["result"]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]

    assert first["sum"]["dataPoints"] == [{"asInt": "2"}]
    assert second == {"name": "nothing", "gauge": {}}
    assert result["items"] == [{"item": "metric requests", "outcome": "kept in part", "policies": ["p0"]}]
    assert result["policies"] == {"p0": {"hits": 1, "misses": 0}}


@pytest.mark.parametrize(
    "matcher",
    [
        {"span_kind": "SERVER"},
        {"span_status": "ERROR"},
        {"event_name": "exception"},
        {"event_attribute": "exception.type", "equals": "E"},
        {"link_trace_id": "0af7651916cd43dd8448eb211c80319c"},
        {"event_name": "exception", "exists": False, "negate": True},
    ],
)
def test_spans_are_found_by_their_parts(attempt, matcher):
    result = attempt(SPANS, {"trace": {"match": [matcher], "keep": {"percentage": 0}}})

    assert [span["name"] for span in json.loads(result.stdout)["resourceSpans"][0]["scopeSpans"][0]["spans"]] == [
        "fine"
    ]
    assert result.stderr == "distrokit policy try: span failed: dropped by p0\n"


def test_identifiers_are_changed_as_identifiers(attempt):
    transform = {
        "remove": [{"log_field": "trace_id"}],
        "redact": [{"log_field": "span_id", "replacement": "not hexadecimal"}],
        "add": [{"log_attribute": ["a", "b"], "value": "c"}, {"log_field": "severity_text", "value": "LOW"}],
    }
    result = attempt(LOGS, log({"log_field": "trace_id", "exists": True}, keep="all", transform=transform))
    record = json.loads(result.stdout)["resourceLogs"][0]["scopeLogs"][0]["logRecords"][1]

    assert (record["traceId"], record["spanId"], record["severityText"]) == ("", "", "LOW")
    assert record["attributes"][-1] == {
        "key": "a",
        "value": {"kvlistValue": {"values": [attribute("b", {"stringValue": "c"})]}},
    }


@pytest.mark.parametrize(
    ("request_text", "reason"),
    [
        ("{", "Expecting property name"),
        ("[]", "no request in OTLP/JSON: there is none of resourceLogs, resourceMetrics, resourceSpans"),
        ('{"resourceLogs": [{"scopeLogs": [{"logRecords": [7]}]}]}', "no request in OTLP/JSON: "),
        ("[" * 100_000, ""),
    ],
)
def test_an_input_that_is_none_is_said(attempt, request_text, reason):
    result = attempt(request_text, log({"log_field": "body", "exists": True}))

    assert result.returncode == 2
    assert f"input.json: {reason}" in result.stderr


def test_policies_that_are_left_out_are_said(attempt, tmp_path):
    result = attempt(LOGS, log({"log_field": "bodi", "exists": True}))
    assert result.returncode == 1
    assert "policy p0 is left out: log: match[0]: unknown field 'bodi'" in result.stderr

    missing = in_process("policy", "try", str(tmp_path / "none.json"), str(tmp_path / "input.json"))
    assert (missing.returncode, "No such file" in missing.stderr) == (2, True)


def test_show_lists_the_policies_that_are_known(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("policies:\n- id: a\n  name: n\n  log: {match: [{log_field: body, exists: true}], keep: 5/s}\n")
    env = {"DISTROKIT_POLICY_FILE": str(path)}

    assert in_process("policy", "show", env=env).stdout.splitlines() == [
        "a  logs: keep 5/1s, at transform",
        f"    where logs are complete; from {path}:2:3",
    ]
    assert json.loads(in_process("policy", "show", "--json", env=env).stdout)["policies"][0]["id"] == "a"
    assert "providers: none, set DISTROKIT_POLICY_FILE" in in_process("policy", "show").stdout


def test_show_prints_what_a_process_answers(monkeypatch):
    from distrokit_policy.commands import show

    counts = {"hits": 3, "misses": 1, "redact": {"hits": 2, "misses": 1}}
    answer = {
        "errors": 2,
        "sources": [{"name": "file", "state": "applied", "errors": ["x"], "policies": {"a": counts}}],
    }
    monkeypatch.setattr(show, "_ask", lambda pid: answer)

    assert in_process("policy", "show", "--live", "7").stdout.splitlines() == [
        "file: applied",
        "    x",
        "    a: 3 hits, 1 misses, redact 2 of 3",
        "2 evaluations raised",
    ]

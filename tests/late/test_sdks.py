"""The SDKs of other vendors, beside distrokit in one process.

None of their receivers gets what a transform removes, their own features work, and nothing is sent twice. There is one
test for each SDK, in an environment of its own.
"""

from __future__ import annotations

import json
import sys
from collections import Counter

import pytest
from late_applications import APPLICATIONS
from late_plugins import REMOVED, SECRET
from late_programs import SERVED

pytestmark = [
    pytest.mark.once,
    pytest.mark.wheels,
    # Some SDKs compile thousands of modules when they are first imported.
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.version_info < (3, 11), reason="langfuse and langsmith need Python 3.11"),
]
ORDER, CHAT, ANSWER = f"order {REMOVED}", f"chat {REMOVED}", f"answer {REMOVED}"


def check_both_ways(late_runs, name, said=()):
    """Run an application with its processors behind the transforms, and in front; check what holds for each SDK.

    Args:
        said: the beginnings of lines that distrokit prints.

    Returns:
        The run behind the transforms.
    """
    behind, raw = late_runs(name), late_runs(name, "raw")

    assert (behind.code, raw.code) == (0, 0), behind.said + raw.said
    assert behind.vendor.requests
    assert behind.vendor.leaks(SECRET) == []
    assert (behind.ours.leaks(SECRET), raw.ours.leaks(SECRET)) == ([], [])
    # In front of the transforms the same program gives it away.
    assert raw.vendor.leaks(SECRET)

    for ran in (behind, raw):
        check_ours(ran, name)
    lines = [line for line in behind.said.splitlines() if line.startswith(("distrokit: ", "opentelemetry."))]
    assert [line.partition(" changes nothing")[0] for line in lines] == list(said)
    assert "Traceback" not in behind.said
    assert "asked for the host" not in behind.said
    assert SECRET not in behind.said
    return behind


def check_ours(ran, name):
    """Check that distrokit's receiver has each span and log record once."""
    spans = ran.ours.spans()
    assert Counter(span.name for span in spans) == Counter([*SERVED, *APPLICATIONS[name].own])
    assert len({span.span_id for span in spans}) == len(spans)
    assert sorted(str(record.body) for record in ran.ours.logs()) == [f"card {REMOVED}", str({"cards": [REMOVED]})]


def check_theirs(ran, name, path):
    """Check that the vendor's receiver has each span once at this path, and whole."""
    (order,) = (span for span in ran.vendor.spans() if span.name == ORDER)
    (same,) = (span for span in ran.ours.spans() if span.name == ORDER)

    assert ran.sent(path) == Counter([*SERVED, *APPLICATIONS[name].own])
    assert (order.trace_id, order.span_id, order.start, order.end) == (
        same.trace_id, same.span_id, same.start, same.end
    )  # fmt: skip
    assert order.attributes["size"] == 3
    assert order.attributes["nested"] == {"of": [{"card": REMOVED}]}
    assert [event.name for event in order.events] == [f"paid {REMOVED}", "exception"]
    assert order.events[1].attributes["exception.message"] == REMOVED
    assert (order.status, order.status_message) == ("error", REMOVED)
    assert order.resource["owner"] == REMOVED


def check_filtered(late_runs, name):
    """Run an application with a transform that raises on each span that still runs; check that it costs nothing."""
    ran = late_runs(name, "behind", "by_duration")

    assert ran.code == 0, ran.said
    assert ran.vendor.leaks(SECRET) + ran.ours.leaks(SECRET) == []
    check_ours(ran, name)
    return ran


def test_sentry_gets_spans_log_records_and_events_of_one_trace(late_runs):
    ran = check_both_ways(late_runs, "sentry-otlp")
    check_theirs(ran, "sentry-otlp", "/api/1/integration/otlp/v1/traces/")
    (envelope,) = ran.vendor.at("/api/1/envelope/")
    event = json.loads(envelope.body.splitlines()[2])
    (outgoing,) = (span for span in ran.vendor.spans() if span.name == "outgoing")

    assert len(ran.vendor.logs("/api/1/integration/otlp/v1/logs/")) == 2
    assert event["message"] == "sold out"
    assert event["contexts"]["trace"]["trace_id"] == outgoing.trace_id
    assert event["contexts"]["trace"]["span_id"] == outgoing.span_id
    # Its propagator is the process's.
    assert ran.lines == ["True"]


def test_sentry_gets_transactions(late_runs):
    ran = check_both_ways(late_runs, "sentry-transactions")
    payloads = [json.loads(envelope.body.splitlines()[2]) for envelope in ran.vendor.at("/api/1/envelope/")]
    order = next(payload for payload in payloads if payload["transaction"] == ORDER)

    assert sorted(payload["transaction"] for payload in payloads) == ["before", ORDER]
    assert all(payload["type"] == "transaction" for payload in payloads)
    # Nothing is left of the span that was dropped but its ids, kind and times.
    chat, dropped = order["spans"]
    assert (chat["description"], dropped["description"], dropped["op"]) == (CHAT, "", "")
    assert set(dropped["data"]) == {"thread.id", "thread.name", "otel.kind"}
    assert order["contexts"]["trace"]["status"] == "internal_error"
    # It waits for no span.
    assert ran.lines == ["0"]


def test_langfuse_gets_its_observations(late_runs):
    ran = check_both_ways(late_runs, "langfuse")
    path = "/api/public/otel/v1/traces"
    answer, chat = ran.attributes(ANSWER, path), ran.attributes(CHAT, path)

    assert ran.sent() == Counter([ANSWER, CHAT])
    assert answer["langfuse.observation.type"] == "generation"
    assert answer["langfuse.observation.model.name"] == "m1"
    assert answer["langfuse.observation.input"] == json.dumps({"q": REMOVED})
    assert answer["langfuse.internal.is_app_root"] is True
    assert "langfuse.internal.is_app_root" not in chat
    for attributes in (answer, chat):
        assert (attributes["langfuse.trace.name"], attributes["user.id"], attributes["session.id"]) == (
            "checkout", "u1", "s1"
        )  # fmt: skip
    # It waits for no span, although one was dropped.
    assert ran.lines == ["0"]

    filtered = check_filtered(late_runs, "langfuse")
    assert filtered.attributes(ANSWER)["langfuse.internal.is_app_root"] is True
    assert filtered.lines == ["0"]


def test_mlflow_gets_its_trace(late_runs):
    # It has metrics of its own where OTLP has an endpoint; distrokit exports them.
    meter = (
        "opentelemetry.metrics._internal: metrics.set_meter_provider() by mlflow.tracing.processor.otel_metrics_mixin"
    )
    ran = check_both_ways(late_runs, "mlflow", said=[meter])
    check_theirs(ran, "mlflow", "/v1/traces")
    (stored,) = (request.json["trace"]["trace_info"] for request in ran.vendor.at("/api/3.0/mlflow/traces"))
    answer = ran.attributes(ANSWER)

    assert (stored["request_preview"], stored["response_preview"]) == (
        json.dumps({"question": REMOVED}),
        json.dumps({"a": REMOVED}),
    )
    assert stored["tags"] == {"tier": "gold", "mlflow.traceName": ANSWER}
    assert (answer["mlflow.spanType"], answer["mlflow.spanInputs"]) == ("CHAIN", {"question": REMOVED})
    assert {span.attributes["mlflow.traceRequestId"] for span in ran.vendor.spans()} == {stored["trace_id"]}
    # distrokit's provider is still the process's, and MLflow's processor is in it once.
    assert ran.lines == ["True 1"]
    assert {point.name for point in ran.ours.points()} == {"mlflow.trace.span.duration"}

    filtered = check_filtered(late_runs, "mlflow")
    assert filtered.sent() == ran.sent()
    assert filtered.lines == ["True 1"]


def test_braintrust_gets_spans_with_their_parent(late_runs):
    ran = check_both_ways(late_runs, "braintrust")
    check_theirs(ran, "braintrust", "/otel/v1/traces")
    origin = json.loads(ran.attributes(ORDER)["braintrust.context_json"])["span_origin"]

    assert ran.attributes("gen_ai.summary")["braintrust.parent"] == "project_name:other"
    assert origin["name"] == "braintrust.sdk.python"
    # Its filter, which is the application's code, was asked, and saw no secret.
    assert ran.lines == ["True False"]


def test_traceloop_gets_workflows(late_runs):
    ran = check_both_ways(late_runs, "traceloop")
    check_theirs(ran, "traceloop", "/v1/traces")
    search = ran.attributes("search.task")

    assert {span.attributes["traceloop.workflow.name"] for span in ran.vendor.spans()} == {"checkout"}
    assert search["traceloop.association.properties.user"] == "u1"
    assert json.loads(search["traceloop.entity.input"])["args"] == [REMOVED]
    # The callback writes into the finished span; distrokit's exporters have another one.
    assert ran.attributes(CHAT)["reviewed"] == "yes"
    assert all("reviewed" not in span.attributes for span in ran.ours.spans())


def test_opik_gets_spans_below_its_own(late_runs):
    ran = check_both_ways(late_runs, "opik")
    check_theirs(ran, "opik", "/api/v1/private/otel/v1/traces")
    (tracked,) = (span for request in ran.vendor.at("/api/v1/private/spans/batch") for span in request.json["spans"])
    order, chat = ran.attributes(ORDER), ran.attributes(CHAT)

    assert {span.attributes["opik.trace_id"] for span in ran.vendor.spans()} == {tracked["trace_id"]}
    assert order["opik.parent_span_id"] == tracked["id"]
    assert chat["opik.parent_span_id"] == order["opik.span_id"]


def test_langsmith_gets_its_runs_and_metadata(late_runs):
    ran = check_both_ways(late_runs, "langsmith")
    check_theirs(ran, "langsmith", "/otel/v1/traces")
    answer = ran.attributes(ANSWER)

    assert {span.attributes["langsmith.metadata.thread_id"] for span in ran.vendor.spans()} == {"t1"}
    assert (answer["langsmith.span.kind"], answer["langsmith.metadata.card"]) == ("chain", REMOVED)
    assert json.loads(answer["gen_ai.prompt"]) == {"question": REMOVED}
    # Its own protocol would go around.
    assert ran.vendor.at("/runs") == []


def test_two_sdks_each_get_theirs(late_runs):
    ran = check_both_ways(late_runs, "langfuse-and-sentry")

    assert ran.sent("/api/public/otel/v1/traces") == Counter([ANSWER, CHAT])
    assert ran.sent("/api/1/integration/otlp/v1/traces/") == Counter([*SERVED, ANSWER])
    assert ran.attributes(ANSWER, "/api/public/otel")["langfuse.observation.type"] == "generation"

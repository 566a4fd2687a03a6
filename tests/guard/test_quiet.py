"""Chosen traffic is dropped: whole traces at the sampler, so that no orphans remain, and single log records."""

from __future__ import annotations

import json
import sys

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context
from processes import instrumented, run

import distrokit_guard.plugin
from distrokit.testing import check_plugin, in_memory, planned

GUARD = {"guard": distrokit_guard.plugin}


def request(provider, name="GET", *, remote=None, **attributes):
    """Record a request with a child; return the child's context."""
    tracer = provider.get_tracer("web")
    context = Context() if remote is None else set_span_in_context(NonRecordingSpan(remote), Context())
    keys = {key.replace("_", "."): value for key, value in attributes.items()}
    with (
        tracer.start_as_current_span(name, context, SpanKind.SERVER, keys),
        tracer.start_as_current_span("SELECT") as child,
    ):
        return child.get_span_context()


def named(telemetry):
    return sorted(span.name for span in telemetry.spans())


@pytest.mark.parametrize("sampler", ["parentbased_always_on", "always_on", "traceidratio"])
@pytest.mark.parametrize(
    "attributes",
    [
        {"url_path": "/healthz"},
        {"http_target": "/healthz?full=1"},
        {"http_route": "/internal/{name}"},
        {"url_path": "/internal/a/b"},
    ],
)
def test_a_quiet_route_leaves_nothing_behind(sampler, attributes):
    env = {"DISTROKIT_GUARD_QUIET_ROUTES": "/healthz, /internal/*", "OTEL_TRACES_SAMPLER": sampler}
    with in_memory(GUARD, env, installed=True) as telemetry:
        assert not request(telemetry.tracer_provider, **attributes).trace_flags.sampled
        assert request(telemetry.tracer_provider, "kept", url_path="/healthzz").trace_flags.sampled

    assert named(telemetry) == ["SELECT", "kept"]


def test_a_quiet_span_is_the_first_one_of_a_trace():
    with in_memory(GUARD, {"DISTROKIT_GUARD_QUIET_SPANS": "poll *,SELECT"}, installed=True) as telemetry:
        request(telemetry.tracer_provider, "poll queue")
        # In the middle of a trace, nothing may be missing.
        request(telemetry.tracer_provider, "GET")

    assert named(telemetry) == ["GET", "SELECT"]


def test_what_a_caller_samples_is_dropped_here_and_below():
    caller = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1))
    with in_memory(GUARD, {"DISTROKIT_GUARD_QUIET_ROUTES": "/healthz"}, installed=True) as telemetry:
        child = request(telemetry.tracer_provider, remote=caller, url_path="/healthz")
        request(telemetry.tracer_provider, "kept", remote=caller, url_path="/cart")

    assert (child.trace_id, child.trace_flags.sampled) == (1, False)
    assert named(telemetry) == ["SELECT", "kept"]


def test_attributes_that_are_no_text_match_nothing():
    with in_memory(GUARD, {"DISTROKIT_GUARD_QUIET_ROUTES": "/1*"}, installed=True) as telemetry:
        request(telemetry.tracer_provider, url_path=1)

    assert len(telemetry.spans()) == 2


def test_a_quiet_scope_records_no_spans_and_breaks_no_trace():
    with in_memory(GUARD, {"DISTROKIT_GUARD_QUIET_SCOPES": "redis*"}, installed=True) as telemetry:
        outer = telemetry.tracer_provider.get_tracer("web")
        quiet = telemetry.tracer_provider.get_tracer("redis.client")
        with (
            outer.start_as_current_span("GET"),
            quiet.start_as_current_span("PING"),
            outer.start_as_current_span("parse"),
        ):
            pass
        spans = {span.name: span for span in telemetry.spans()}

    assert sorted(spans) == ["GET", "parse"]
    assert spans["parse"].parent == "GET"


@pytest.mark.parametrize(
    ("env", "kept"),
    [
        ({"DISTROKIT_GUARD_QUIET_LOGGERS": "uvicorn.access,sql*"}, ["shop debug", "shop error", "shop none"]),
        (
            {"DISTROKIT_GUARD_QUIET_SEVERITY": "Warn"},
            ["shop error", "shop none", "sqlalchemy error", "sqlalchemy none"],
        ),
        (
            {"DISTROKIT_GUARD_QUIET_SEVERITY": "info", "DISTROKIT_GUARD_QUIET_LOGGERS": "sql*"},
            ["shop error", "shop none"],
        ),
    ],
)
def test_quiet_log_records(env, kept):
    severities = {"debug": SeverityNumber.DEBUG, "error": SeverityNumber.ERROR, "none": None}
    with in_memory(GUARD, env, installed=True) as telemetry:
        for scope in ("shop", "sqlalchemy"):
            for word, severity in severities.items():
                telemetry.logger_provider.get_logger(scope).emit(body=f"{scope} {word}", severity_number=severity)

    assert sorted(record.body for record in telemetry.logs()) == kept


@pytest.mark.parametrize(
    ("setting", "value", "remedy"),
    [
        ("DISTROKIT_GUARD_QUIET_ROUTES", "*", "Name what is meant."),
        ("DISTROKIT_GUARD_QUIET_SPANS", "a,**", "Name what is meant."),
        ("DISTROKIT_GUARD_QUIET_SCOPES", "?", "Name what is meant."),
        ("DISTROKIT_GUARD_QUIET_LOGGERS", "*", "Name what is meant."),
        ("DISTROKIT_GUARD_BAGGAGE_KEYS", "*", "Name what is meant."),
        ("DISTROKIT_GUARD_QUIET_SEVERITY", "infos", "info"),
    ],
)
def test_a_list_that_matches_everything_is_refused(setting, value, remedy):
    plan = planned(GUARD, {setting: value}, installed=True)

    (problem,) = plan.problems
    assert problem.subject == f"{setting}={value}"
    assert "treated as unset" in problem.outcome
    assert remedy in problem.remedy


def test_explain_and_doctor_show_it():
    env = {
        "DISTROKIT_GUARD_QUIET_ROUTES": "/healthz",
        "DISTROKIT_GUARD_QUIET_SCOPES": "redis",
        "DISTROKIT_GUARD_QUIET_LOGGERS": "sql*",
    }
    explained = run([sys.executable, "-m", "distrokit", "explain"], env).stdout
    examined = json.loads(run([sys.executable, "-m", "distrokit", "doctor", "--offline", "--json"], env).stdout)

    assert "guard-quiet(parentbased_always_on) (plugin guard" in explained
    assert "redis: off" in explained
    assert [check["verdict"] for check in examined["checks"] if check["id"] == "setting-without-effect"] == ["ok"]


def test_without_settings_nothing_is_planned():
    plan = planned(GUARD, {}, installed=True)

    assert plan.sampler is None
    assert not any(part.plugin.startswith("guard") for signal in plan.signals.values() for part in signal.processors)


def test_it_keeps_what_plugins_promise():
    check_plugin(
        distrokit_guard.plugin,
        environ={
            "DISTROKIT_GUARD_QUIET_ROUTES": "/healthz",
            "DISTROKIT_GUARD_QUIET_SCOPES": "redis",
            "DISTROKIT_GUARD_QUIET_LOGGERS": "sql*",
            "DISTROKIT_GUARD_BAGGAGE_KEYS": "tenant",
        },
    )


def test_under_the_launcher(receiver):
    program = """
        import logging
        from opentelemetry import baggage, context, trace
        from opentelemetry.trace import SpanKind
        tracer = trace.get_tracer("web")
        for path in ("/healthz", "/cart"):
            with tracer.start_as_current_span(path, kind=SpanKind.SERVER, attributes={"url.path": path}):
                token = context.attach(baggage.set_baggage("tenant", "acme", baggage.set_baggage("other", "x")))
                tracer.start_span("SELECT").end()
                logging.getLogger("shop").warning("sold")
                logging.getLogger("sqlalchemy").warning("SELECT")
                context.detach(token)
    """
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"),
        "DISTROKIT_GUARD_QUIET_ROUTES": "/healthz",
        "DISTROKIT_GUARD_QUIET_LOGGERS": "sql*",
        "DISTROKIT_GUARD_BAGGAGE_KEYS": "ten*",
    }

    ran = instrumented(program, env)

    assert ran.returncode == 0, ran.stderr
    spans = {span.name: dict(span.attributes) for span in receiver.store.spans()}
    assert spans == {"/cart": {"url.path": "/cart"}, "SELECT": {"tenant": "acme"}}
    logs = receiver.store.logs()
    assert [record.body for record in logs] == ["sold", "sold"]
    assert all(record.attributes["tenant"] == "acme" and "other" not in record.attributes for record in logs)

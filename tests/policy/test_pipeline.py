"""Policies in a pipeline: where each is applied, and what arrives."""

from __future__ import annotations

import json
from enum import Enum
from http import HTTPStatus

import pytest
from commands import in_process
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

import distrokit_policy.plugin
from distrokit import Processor, hookimpl
from distrokit.testing import check_plugin, in_memory, planned
from distrokit_policy.engine.compiling import Compiled

POLICY = {"policy": distrokit_policy.plugin}


class Level(str, Enum):
    HIGH = "high"


class Text(str):  # noqa: SLOT000  (as applications write them)
    """A class of an application."""


@pytest.fixture
def policies(tmp_path):
    """Writes policies; returns the environment in which they hold."""

    def write(*items, **more):
        path = tmp_path / "policies.json"
        named = [{"id": f"p{number}", "name": "n", **item} for number, item in enumerate(items)]
        path.write_text(json.dumps({"policies": named, **more}))
        return {"DISTROKIT_POLICY_FILE": str(path)}

    return write


class Collected:
    """A plugin that keeps what comes behind the transforms."""

    def __init__(self):
        self.items = []

    @hookimpl(trylast=True)
    def distrokit_processors(self):
        def make(context):
            def keep(item):
                self.items.append(item)
                return item

            return keep

        return [Processor("kept", ("traces", "logs"), "transform", make)]

    @property
    def trace_states(self):
        return {item.context.trace_state.to_header() for item in self.items}


def trace(*match, **keep):
    return {"trace": {"match": list(match), "keep": keep or {"percentage": 0}}}


def log(*match, keep="none", **more):
    return {"log": {"match": list(match), "keep": keep, **more}}


def metric(*match):
    return {"metric": {"match": list(match), "keep": False}}


NAME = {"trace_field": "name", "equals": "dropped"}


def names(telemetry):
    return sorted(span.name for span in telemetry.spans())


# ------------------------------------------------------------------------------------ spans


@pytest.mark.parametrize("sampler", ["parentbased_always_on", "always_on"])
@pytest.mark.parametrize(
    "matcher",
    [
        NAME,
        {"span_kind": "CLIENT"},
        {"span_attribute": "db.system", "exists": True},
        {"span_attribute": "rows", "gt": 5},
        {"trace_field": "trace_state", "contains": "acme=1"},
    ],
)
def test_what_is_known_at_the_start_is_dropped_there_with_its_children(policies, sampler, matcher):
    env = {**policies(trace(matcher)), "OTEL_TRACES_SAMPLER": sampler}
    state = TraceState.from_header(["acme=1"])
    parent = NonRecordingSpan(SpanContext(1, 2, True, TraceFlags(1), state if "trace_field" in matcher else None))
    with in_memory(POLICY, env, installed=True) as telemetry:
        tracer = telemetry.tracer_provider.get_tracer("t")
        context = set_span_in_context(parent, Context())
        attributes = {"db.system": "pg", "rows": 9}
        with tracer.start_as_current_span("dropped", context, SpanKind.CLIENT, attributes) as span:
            assert not span.is_recording()
            with tracer.start_as_current_span("child") as child:
                assert not child.is_recording()
        tracer.start_span("kept", Context()).end()

    assert names(telemetry) == ["kept"]


@pytest.mark.parametrize(
    "matcher",
    [
        {"span_status": "ERROR"},
        {"event_name": "exception"},
        {"event_name": "exc", "negate": False, "exists": True} | {"event_name": "exception"},
        {"event_attribute": "exception.type", "equals": "ValueError"},
        {"link_trace_id": f"{5:032x}"},
        {"trace_field": "scope_name", "equals": "t"},
        {"trace_field": "scope_version", "equals": "2"},
        {"scope_attribute": "owner", "equals": "shop"},
        {"trace_field": "name", "equals": "renamed"},
        {"span_attribute": "late", "equals": 1},
        {"span_attribute": "absent", "exists": False},
        {"trace_field": "span_id", "exists": True},
    ],
)
def test_what_is_known_at_the_end_is_dropped_there(policies, matcher):
    with in_memory(POLICY, policies(trace(matcher)), installed=True) as telemetry:
        tracer = telemetry.tracer_provider.get_tracer("t", "2", attributes={"owner": "shop"})
        with tracer.start_as_current_span("s", links=[Link(SpanContext(5, 6, True))]) as span:
            assert span.is_recording()
            span.set_attribute("late", 1)
            span.record_exception(ValueError("x"))
            span.set_status(Status(StatusCode.ERROR))
            span.update_name("renamed")

    assert names(telemetry) == []


EVERY = {"trace_field": "name", "exists": True}


def test_a_percentage_is_that_of_traces_and_is_noted(policies):
    collected = Collected()
    with in_memory({**POLICY, "kept": collected}, policies(trace(EVERY, percentage=50)), installed=True) as telemetry:
        tracer = telemetry.tracer_provider.get_tracer("t")
        for number in range(64):
            with tracer.start_as_current_span("a", set_span_in_context(_remote(number << 50), Context())):
                tracer.start_span("b").end()

    # Those whose last 56 bits are in the upper half.
    assert {item.context.trace_id >> 50 for item in collected.items} == {*range(32, 64)}
    assert collected.trace_states == {"ot=th:8"}
    assert len(collected.items) == len(telemetry.spans()) == 64


def test_a_proportion_is_taken_once_in_a_process(policies):
    env = policies(trace(EVERY, percentage=50, mode="proportional"))
    with in_memory(POLICY, env, installed=True) as telemetry:
        tracer = telemetry.tracer_provider.get_tracer("t")
        for number in range(256):
            parent = set_span_in_context(_remote(number << 48), Context())
            with tracer.start_as_current_span(f"{number}", parent), tracer.start_as_current_span("child"):
                tracer.start_span("grandchild").end()

    by_trace = {}
    for span in telemetry.spans():
        by_trace.setdefault(span.trace_id, []).append(span.name)
    # No trace has lost a part.
    assert {len(each) for each in by_trace.values()} == {3}
    assert len(by_trace) == 128


def _remote(trace_id, header=""):
    state = TraceState.from_header([header]) if header else None
    return NonRecordingSpan(SpanContext(trace_id or 1 << 100, 7, True, TraceFlags(1), state))


def test_what_others_have_sampled_counts_for_a_proportion(policies):
    """Upstream kept an eighth; half of that is a sixteenth."""
    collected = Collected()
    env = policies(trace(EVERY, percentage=50, mode="proportional"))
    with in_memory({**POLICY, "kept": collected}, env, installed=True) as telemetry:
        tracer = telemetry.tracer_provider.get_tracer("t")
        for number in range(224, 256):
            parent = set_span_in_context(_remote(number << 48, "ot=th:e"), Context())
            tracer.start_span("a", parent).end()

    assert {item.context.trace_id >> 48 for item in collected.items} == {*range(240, 256)}
    assert collected.trace_states == {"ot=th:f"}


# ------------------------------------------------------------------------------------- logs


def emit(telemetry, body="hello", **parts):
    logger = telemetry.logger_provider.get_logger("shop", "1", attributes={"team": "a"})
    logger.emit(LogRecord(body=body, severity_text="INFO", severity_number=SeverityNumber.INFO, **parts))


@pytest.mark.parametrize(
    "matcher",
    [
        {"log_field": "body", "contains": "ell"},
        {"log_field": "severity_text", "equals": "INFO"},
        {"log_field": "event_name", "equals": "login"},
        {"log_field": "trace_id", "equals": {"hex_value": f"{9:032x}"}},
        {"log_field": "span_id", "ends_with": "08"},
        {"log_attribute": ["user", "name"], "equals": "bob"},
        {"log_attribute": "count", "gte": 3},
        {"resource_attribute": "service.name", "equals": "cart"},
        {"resource_attribute": "service.name", "equals": "other", "negate": True},
        {"scope_attribute": "team", "equals": "a"},
    ],
)
def test_a_log_record_is_dropped_by_any_field(policies, matcher):
    env = {**policies(log(matcher)), "OTEL_SERVICE_NAME": "cart"}
    context = set_span_in_context(NonRecordingSpan(SpanContext(9, 8, False, TraceFlags(1))), Context())
    with in_memory(POLICY, env, installed=True) as telemetry:
        emit(telemetry, event_name="login", attributes={"user": {"name": "bob"}, "count": 3}, context=context)

    assert telemetry.logs() == []


def test_a_policy_of_another_service_costs_nothing(policies):
    env = {**policies(log({"resource_attribute": "service.name", "equals": "other"})), "OTEL_SERVICE_NAME": "cart"}
    with in_memory(POLICY, env, installed=True) as telemetry:
        emit(telemetry)
        service = distrokit_policy.plugin.find_parts(telemetry.plan).service
        assert service.current().logs is None

    assert len(telemetry.logs()) == 1


def test_operations_change_the_record_and_no_other(policies):
    transform = {
        "remove": [{"log_attribute": "password"}, {"log_field": "event_name"}],
        "redact": [
            {"log_field": "body", "regex": r"\d{4}-(\d{4})", "replacement": "****-$1"},
            {"log_attribute": "email"},
            {"log_attribute": ["user", "name"], "replacement": "?"},
        ],
        "rename": [{"from_log_attribute": "old", "to": "new"}, {"from_log_attribute": ["user", "id"], "to": "uid"}],
        "add": [
            {"log_attribute": "team", "value": "shop"},
            {"resource_attribute": "owner", "value": "me"},
            {"scope_attribute": "seen", "value": "yes"},
        ],
    }
    policy = log({"log_field": "body", "contains": "card"}, keep="all", transform=transform)
    user = {"name": "bob", "id": 7}
    collected = Collected()
    with in_memory({**POLICY, "kept": collected}, policies(policy), installed=True) as telemetry:
        emit(
            telemetry,
            "card 1234-5678",
            event_name="paid",
            attributes={"password": "x", "email": "a@b", "old": 1, "user": user},
        )
        emit(telemetry, "other")

    first, second = collected.items
    assert first.log_record.body == "card ****-5678"
    assert not first.log_record.event_name
    assert dict(first.log_record.attributes) == {
        "email": "[REDACTED]",
        "new": 1,
        "user": {"name": "?", "uid": 7},
        "team": "shop",
    }
    assert first.resource.attributes["owner"] == "me"
    assert first.instrumentation_scope.attributes == {"team": "a", "seen": "yes"}
    assert user == {"name": "bob", "id": 7}
    assert "owner" not in second.resource.attributes
    assert second.instrumentation_scope.attributes == {"team": "a"}


# ----------------------------------------------------------------------------------- metrics


@pytest.mark.parametrize(
    "matcher",
    [
        {"metric_field": "name", "starts_with": "debug."},
        {"metric_field": "unit", "equals": "{thing}"},
        {"metric_field": "description", "contains": "debug"},
        {"metric_type": "sum"},
        {"aggregation_temporality": "CUMULATIVE"},
        {"metric_field": "scope_name", "equals": "m"},
    ],
)
def test_a_metric_is_dropped_by_any_field(policies, matcher):
    env = {**policies(metric(matcher)), "OTEL_METRICS_EXPORTER": "memory"}
    with in_memory(POLICY, env, installed=True) as telemetry:
        meter = telemetry.meter_provider.get_meter("m")
        meter.create_counter("debug.c", "{thing}", "for debugging").add(1)
        telemetry.meter_provider.get_meter("other").create_gauge("kept").set(1)

    assert [metric.name for metric in telemetry.metrics() if not metric.name.startswith("distrokit.")] == ["kept"]


def test_points_are_dropped_one_by_one(policies):
    with in_memory(
        POLICY, policies(metric({"datapoint_attribute": "user", "exists": True})), installed=True
    ) as telemetry:
        counter = telemetry.meter_provider.get_meter("m").create_counter("c")
        counter.add(1, {"user": "bob"})
        counter.add(2, {"path": "/"})

    found = [(metric.value, metric.attributes) for metric in telemetry.metrics() if metric.name == "c"]
    assert found == [(2, {"path": "/"})]


def test_hits_and_misses_are_counted(policies):
    env = policies(log({"log_field": "body", "exists": True}, keep="all"), log({"log_field": "body", "contains": "x"}))
    with in_memory(POLICY, env, installed=True) as telemetry:
        for body in ("a", "x", "b"):
            emit(telemetry, body)

    points = [
        (metric.attributes["policy.id"], metric.attributes["policy.outcome"], metric.value)
        for metric in telemetry.metrics()
        if metric.name == "distrokit.policy.items"
    ]
    assert sorted(points) == [("p0", "hit", 2), ("p0", "miss", 1), ("p1", "hit", 1)]


# -------------------------------------------------------------------------------- plan, faults


def test_the_plan_has_each_policy_with_its_place(policies):
    env = policies(
        trace(NAME, percentage=5),
        trace({"span_status": "ERROR"}),
        trace(NAME, percentage=5, mode="proportional"),
        trace({"trace_field": "name", "equals": "x", "negate": True}),
        trace({"trace_field": "scope_name", "equals": "x"}),
        log({"log_field": "body", "exists": True}, keep="5/m"),
        log({"log_field": "body", "exists": True}, keep="all", transform={"remove": [{"log_field": "body"}]}),
        metric({"metric_field": "name", "exists": True}),
    )
    plan = planned(POLICY, env, installed=True)
    path = env["DISTROKIT_POLICY_FILE"]

    assert [(each.action, each.stages, each.why) for each in plan.policies] == [
        (
            "keep 5%",
            ("sampler", "transform"),
            "since all conditions are known at a span's start; a span that matches later, at its end",
        ),
        ("drop", ("transform",), "since status is known at a span's end"),
        ("keep 5%", ("sampler",), "since all conditions are known at a span's start; a proportion is taken once"),
        ("drop", ("transform",), "since name may still change while a span runs"),
        ("drop", ("transform",), "since a sampler does not get the scope name"),
        ("keep 5/60s", ("transform",), "where logs are complete"),
        ("remove", ("transform",), "where logs are complete"),
        ("drop", ("transform",), "where metrics are complete"),
    ]
    assert plan.policies[0].source == path
    assert plan.sampler.nested_name == "policies(parentbased_always_on)"
    assert plan.describe()["policies"][0]["id"] == "p0"


def test_without_a_provider_nothing_is_added():
    plan = planned(POLICY, {}, installed=True)

    assert (plan.sampler, plan.policies, plan.policy_providers, plan.changes) == (None, [], [], [])
    assert not any(planned.processors for planned in plan.signals.values())


def test_redaction_stands_behind_policies(policies):
    import distrokit_guard.plugin

    env = {
        **policies(
            log(
                {"log_field": "body", "exists": True},
                keep="all",
                transform={"add": [{"log_attribute": "mail", "value": "a@example.com"}]},
            )
        ),
        "DISTROKIT_GUARD_REDACT": "emails",
    }
    with in_memory({**POLICY, "guard": distrokit_guard.plugin}, env, installed=True) as telemetry:
        emit(telemetry)

    assert telemetry.logs()[0].attributes["mail"] == "[redacted:emails]"


def test_a_broken_file_leaves_everything_as_it_is(tmp_path, capsys):
    path = tmp_path / "policies.yaml"
    path.write_text("policies: [}")
    with in_memory(POLICY, {"DISTROKIT_POLICY_FILE": str(path)}, installed=True) as telemetry:
        telemetry.tracer_provider.get_tracer("t").start_span("dropped").end()
        problems = [problem for problem in telemetry.plan.problems if problem.code == "policies-unread"]

    assert names(telemetry) == ["dropped"]
    assert [problem.subject for problem in problems] == [f"policies in {path}:1:12"]
    assert problems[0].outcome == "it has no policies; everything is kept"


def test_an_evaluation_that_raises_keeps_the_item(policies, monkeypatch, capsys):
    def broken(*_):
        raise RuntimeError("broken")

    env = policies(trace({"span_status": "UNSET"}), trace(NAME), log({"log_field": "body", "exists": True}))
    monkeypatch.setattr("distrokit_policy.engine.compiling.Compiled.matches", broken)
    with in_memory(POLICY, env, installed=True) as telemetry:
        for _ in range(3):
            telemetry.tracer_provider.get_tracer("t").start_span("s").end()
            emit(telemetry)
        service = distrokit_policy.plugin.find_parts(telemetry.plan).service
        assert service.statistics.errors == 6

    assert (names(telemetry), len(telemetry.logs())) == (["s"] * 3, 3)
    said = [line.partition(";")[0] for line in capsys.readouterr().err.splitlines() if "broken" in line]
    assert said == ["distrokit: policy p0: RuntimeError: broken", "distrokit: policy p2: RuntimeError: broken"]


def test_a_policy_that_raises_costs_no_other(policies, monkeypatch):
    matches = Compiled.matches

    def some(self, item):
        if self.policy.id == "p0":
            raise RuntimeError("broken")
        return matches(self, item)

    monkeypatch.setattr(Compiled, "matches", some)
    every = {"log_field": "body", "exists": True}
    env = policies(log(every), log(every, keep="all", transform={"remove": [{"log_attribute": "password"}]}))
    with in_memory(POLICY, env, installed=True) as telemetry:
        emit(telemetry, attributes={"password": "x", "user": "bob"})

    assert [record.attributes for record in telemetry.logs()] == [{"user": "bob"}]


@pytest.mark.parametrize("value", [HTTPStatus(503), Level.HIGH, Text("high")])
def test_values_of_derived_classes_are_what_they_are_exported_as(policies, value):
    matcher = {"log_attribute": "v", "gte": 500} if isinstance(value, int) else {"log_attribute": "v", "equals": "high"}
    with in_memory(POLICY, policies(log(matcher)), installed=True) as telemetry:
        emit(telemetry, attributes={"v": value})

    assert telemetry.logs() == []


def test_a_sampler_inside_may_keep_what_no_policy_drops(policies):
    """A parent that is not sampled, and that no policy has dropped, is the inner sampler's affair."""
    env = {**policies(trace({"trace_field": "name", "equals": "other"})), "OTEL_TRACES_SAMPLER": "always_on"}
    parent = NonRecordingSpan(SpanContext(1, 2, False, TraceFlags(0)))
    with in_memory(POLICY, env, installed=True) as telemetry:
        telemetry.tracer_provider.get_tracer("t").start_span("s", set_span_in_context(parent, Context())).end()

    assert names(telemetry) == ["s"]


def test_a_threshold_is_never_lowered(policies):
    collected = Collected()
    env = policies(trace(EVERY, percentage=100))
    with in_memory({**POLICY, "kept": collected}, env, installed=True) as telemetry:
        parent = set_span_in_context(_remote(0xF << 52, "ot=th:c"), Context())
        telemetry.tracer_provider.get_tracer("t").start_span("s", parent).end()

    assert collected.trace_states == {"ot=th:c"}


def test_a_full_trace_state_stays_one(policies):
    collected = Collected()
    header = ",".join(f"v{number}=x" for number in range(32))
    with in_memory({**POLICY, "kept": collected}, policies(trace(EVERY, percentage=50)), installed=True) as telemetry:
        parent = set_span_in_context(_remote(0xF << 52, header), Context())
        telemetry.tracer_provider.get_tracer("t").start_span("s", parent).end()

    assert collected.trace_states == {f"ot=th:8,{header.rpartition(',')[0]}"}


def test_any_plugin_can_be_a_provider(policies):
    from distrokit import PolicyProvider

    class Provider:
        def load(self):
            return {"policies": [{"id": "p0", "name": "n", **trace({"trace_field": "name", "equals": "other"})}]}

        def poll(self):
            return None

    class Acme:
        @hookimpl
        def distrokit_policies(self):
            return [PolicyProvider("acme", lambda context: Provider(), priority=1)]

    class Broken:
        @hookimpl
        def distrokit_policies(self):
            return [PolicyProvider("broken", lambda context: 1 / 0)]

    plugins = {**POLICY, "acme": Acme(), "broken": Broken()}
    with in_memory(plugins, policies(trace(NAME)), installed=True) as telemetry:
        for name in ("dropped", "other"):
            telemetry.tracer_provider.get_tracer("t").start_span(name).end()
        problems = [str(problem) for problem in telemetry.plan.problems]

    # Both have a policy of one id: that of the lower number counts.
    assert names(telemetry) == ["dropped"]
    assert [provider.name for provider in telemetry.plan.policy_providers] == ["acme", "file", "broken"]
    assert any("policy provider broken" in problem and "ZeroDivisionError" in problem for problem in problems)


def test_the_doctor_checks_them(policies):
    for policy, verdict in [(trace(NAME), "ok  "), (trace({"span_kind": "x"}), "warn")]:
        result = in_process("doctor", "--offline", env=policies(policy))
        found = [line for line in result.stdout.splitlines() if " policies: " in line]
        assert len(found) == 1
        assert (
            found[0]
            .strip()
            .startswith(f"{verdict}  policies: {int(verdict == 'ok  ')} policies are known; providers: file")
        )


def test_a_setting_without_the_plugin_names_what_to_install(policies):
    plan = planned({}, policies(trace(NAME)))

    (problem,) = [problem for problem in plan.problems if problem.subject == "DISTROKIT_POLICY_FILE"]
    assert problem.cause == "the plugin that reads it is not there"
    assert "distrokit[policy]" in problem.remedy


def test_check_plugin_finds_nothing():
    check_plugin(distrokit_policy.plugin)


def test_identifiers_of_a_record_are_changed_as_identifiers(policies):
    transform = {
        "remove": [{"log_field": "span_id"}],
        "redact": [{"log_field": "trace_id", "replacement": f"{5:032x}"}],
        "add": [{"log_field": "severity_text", "value": "LOW", "upsert": True}],
    }
    context = set_span_in_context(NonRecordingSpan(SpanContext(9, 8, False, TraceFlags(1))), Context())
    policy = log({"log_field": "body", "exists": True}, keep="all", transform=transform)
    with in_memory(POLICY, policies(policy), installed=True) as telemetry:
        emit(telemetry, context=context)

    (record,) = telemetry.logs()
    assert (int(record.trace_id, 16), record.severity) == (5, "LOW")
    assert not record.span_id or int(record.span_id, 16) == 0


def test_a_sample_key_keeps_all_records_of_a_value_or_none(policies):
    policy = log({"log_field": "body", "exists": True}, keep="50%", sample_key={"log_attribute": "request"})
    with in_memory(POLICY, policies(policy), installed=True) as telemetry:
        for number in range(100):
            for value in (number, f"r{number}", number / 7, bool(number % 2)):
                emit(telemetry, attributes={"request": value})
                emit(telemetry, attributes={"request": value})
        emit(telemetry, attributes={"request": [1]})

    kept = {}
    for record in telemetry.logs():
        kept.setdefault(repr(record.attributes["request"]), []).append(record)
    # Those of booleans are all equal.
    assert {len(each) % 2 for name, each in kept.items() if name != "[1]"} == {0}
    assert len(kept["[1]"]) == 1
    # Every engine has the same hash, which is coarse for values that differ in their last bytes only.
    assert 1 < len(kept) < 300

"""Transforms in front of some exporters only: what they do is seen by those, and by nobody else."""

from __future__ import annotations

import pytest
from building import builder_of, components_of
from distributions import write_plugin
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExporter, MetricsData
from plans import assembled, planned, plugin, problems
from processes import QUIET, instrumented, said
from stage_parts import Keeping, report

from distrokit import Exporter, ExportFailure, Processor
from distrokit.cli.explain import print_text
from distrokit.cli.picture import picture_of
from distrokit.pipeline.metric_stages import StagedMetrics
from distrokit.pipeline.per_exporter import prepend_to_metrics
from distrokit.pipeline.transforms import Named, Transforms
from distrokit_dev.receiver import Receiver

PLUGIN = """
    from distrokit import Processor, hookimpl

    ELSEWHERE = ("OTLP/AppSignals",)

    def renamed(span, name, attributes):
        from opentelemetry.sdk.trace import ReadableSpan
        return ReadableSpan(name=name, context=span.context, parent=span.parent, resource=span.resource,
                            attributes=attributes, start_time=span.start_time, end_time=span.end_time,
                            instrumentation_scope=span.instrumentation_scope)

    def one_scope(context):
        def transform(data):
            for group in data.resource_metrics:
                group.scope_metrics[:] = [s for s in group.scope_metrics if s.scope.name == "signals"]
            return data
        return transform

    def redact(context):
        def span(item):
            if item.name.startswith("broken"):
                raise ValueError("cannot be redacted")
            if item.name.startswith("health"):
                return None
            return renamed(item, item.name, {"token": "****"})
        def log(item):
            item.log_record.attributes["token"] = "****"
            item.log_record.body["token"] = "****"
            return item
        return {"traces": span, "logs": log}[context.signal]

    def for_all(context):
        return lambda span: renamed(span, span.name + "!", span.attributes)

    @hookimpl
    def distrokit_processors():
        return [
            Processor("one-scope", "metrics", "transform", one_scope, exporters=ELSEWHERE),
            Processor("redact", ("traces", "logs"), "transform", redact, exporters=ELSEWHERE),
            Processor("for-all", "traces", "transform", for_all),
            Processor("nowhere", "traces", "transform", for_all, exporters=("otlp/nowhere",)),
        ]
"""

PROGRAM = """
    import os
    from opentelemetry import _logs, metrics, trace

    for scope in ("signals", "others"):
        metrics.get_meter(scope).create_counter(scope).add(1)
    tracer = trace.get_tracer("t")
    for name in ("plain", "broken", "health"):
        tracer.start_span(name, attributes={"token": "geheim"}).end()
    _logs.get_logger("l").emit(_logs.LogRecord(body={"token": "geheim"}, attributes={"token": "geheim"}))
    print(trace.get_tracer_provider().force_flush())
    if child := os.fork():
        os.waitpid(child, 0)
    else:
        tracer.start_span("child", attributes={"token": "geheim"}).end()
        trace.get_tracer_provider().force_flush()
        os._exit(0)
"""


@pytest.mark.parametrize("batch", ["distrokit", "sdk"])
def test_one_of_two_destinations_gets_less(receiver, tmp_path, batch):
    both = "otlp,otlp/appsignals"
    with Receiver() as elsewhere:
        env = {
            "OTEL_TRACES_EXPORTER": both,
            "OTEL_METRICS_EXPORTER": both,
            "OTEL_LOGS_EXPORTER": both,
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf"),
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT__APPSIGNALS": elsewhere.endpoint("grpc"),
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*",
            "DISTROKIT_BATCH": batch,
        }
        result = instrumented(PROGRAM, env, [write_plugin(tmp_path, "acme", PLUGIN)])

        assert (result.stdout, result.returncode) == ("True\n", 0)
        line, lost = said(result)
        assert "transform processor redact (plugin acme 1.0): ValueError: cannot be redacted" in line
        assert lost.startswith(
            "distrokit: otlp/appsignals traces: 1 span lost, dropped because transform processor redact"
        )
        whole, less = receiver.store, elsewhere.store
        assert {point.name for point in whole.points()} == {"signals", "others"}
        assert {point.name for point in less.points()} == {"signals"}
        names = ["broken!", "child!", "health!", "plain!"]
        assert sorted((span.name, span.attributes["token"]) for span in whole.spans()) == [(n, "geheim") for n in names]
        # The transform that is for all has run before.
        assert sorted((span.name, span.attributes["token"]) for span in less.spans()) == [
            ("child!", "****"),
            ("plain!", "****"),
        ]
        assert [(log.body, log.attributes) for log in whole.logs()] == [({"token": "geheim"}, {"token": "geheim"})]
        assert [(log.body, log.attributes) for log in less.logs()] == [({"token": "****"}, {"token": "****"})]


def transforms(*declared):
    return plugin(distrokit_processors=lambda: list(declared))


def test_the_plan_shows_in_front_of_which_exporters_a_transform_stands(capsys):
    acme = transforms(
        Processor("all", "traces", "transform", print),
        Processor("some", "traces", "transform", print, exporters=("otlp/a", "Otlp/B")),
    )
    plan = planned({"OTEL_TRACES_EXPORTER": "otlp,otlp/b"}, acme=acme)

    assert problems(plan) == []
    assert [t["exporters"] for t in plan.describe()["signals"]["traces"]["transform"]] == [[], ["otlp/a", "Otlp/B"]]
    print_text(plan)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "in front of otlp/a, which is not selected" in lines
    assert "in front of Otlp/B" in lines
    traces, *_ = picture_of(plan).lanes
    assert [[box.title.split()[0] for box in path[1:3]] for path in traces.paths()] == [
        ["all", "batch"],
        ["all", "some"],
    ]


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        (
            Processor("p", "traces", "derive", print, exporters=("otlp",)),
            "declared Processor 'p' at 'derive' with exporters; only transforms can name exporters",
        ),
        (
            Processor("p", "traces", "transform", print, exporters="otlp"),
            "declared Processor 'p' whose exporters is not a tuple of names",
        ),
        (
            Processor("p", "traces", "transform", print, exporters=(" ",)),
            "declared Processor 'p' whose exporters is not a tuple of names",
        ),
    ],
)
def test_what_cannot_stand_there_is_the_plugins_mistake(declared, says):
    (line,) = problems(planned(acme=transforms(declared)))

    assert says in line


def built(environ, **plugins):
    """What feeds the exporters of metrics, and what is said of it."""
    assembly = assembled({**QUIET, **environ}, **plugins)
    builder_of(components_of(assembly), report).build_metrics().shutdown()
    return problems(assembly.plan)


def test_a_metric_exporter_that_is_scraped_has_nothing_in_front_of_it():
    def exporters():
        return [Exporter(name, "metrics", lambda options: InMemoryMetricReader()) for name in ("scraped", "other")]

    acme = plugin(
        distrokit_exporters=exporters,
        distrokit_processors=lambda: [
            Processor("p", "metrics", "transform", lambda c: lambda data: data, exporters=("scraped",))
        ],
    )

    (line,) = built({"OTEL_METRICS_EXPORTER": "scraped,other"}, acme=acme)

    assert line.startswith("exporter scraped (plugin acme): TypeError: it is scraped, so no processor stands in front")


def test_one_that_cannot_be_built_is_left_out_and_its_exporters_are_named():
    def broken(context):
        raise RuntimeError("no")

    acme = transforms(
        Processor("p", "metrics", "transform", broken, exporters=("console",)),
        # In front of nothing that is there: not even built.
        Processor("q", "metrics", "transform", broken, exporters=("otlp",)),
    )

    (line,) = built({"OTEL_METRICS_EXPORTER": "console"}, acme=acme)

    assert "processor p (plugin acme): RuntimeError: no; it is left out; metrics are sent to console without it" in line


def test_what_is_tried_again_passes_the_transforms_of_an_exporter_once():
    seen = []

    class Waiting(Keeping):
        def attempt(self, items, timeout_seconds):
            seen.append(items)
            return ExportFailure(items, "not yet") if len(seen) < 3 else None

    def copied(data):
        return MetricsData([*data.resource_metrics])

    exporter: MetricExporter = prepend_to_metrics([Named("own", copied)], Waiting(), report)
    outer = StagedMetrics(Transforms([Named("all", copied)], MetricsData, report), [], exporter, report)
    left = outer.attempt(MetricsData([]), 1)
    while left is not None:
        left = outer.attempt(left.items, 1)

    assert len(seen) == 3
    assert seen[0] is seen[1] is seen[2]


def test_a_filter_for_one_exporter_that_lets_nothing_pass_is_nothing_to_report():
    drained = prepend_to_metrics([Named("filter", lambda data: None)], Keeping(), lambda *_: pytest.fail("reported"))
    for _ in range(200):
        drained.export(MetricsData([]))
    drained.shutdown()

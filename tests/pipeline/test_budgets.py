"""Exact budgets: what is imported, and which threads run."""

from __future__ import annotations

import json
import sys

import pytest
from processes import NOWHERE, instrumented, run

HEAVY = ("opentelemetry.sdk", "grpc", "google", "requests", "urllib3", "opentelemetry.proto", "opentelemetry.exporter")


def imported(code, env=None):
    """The modules that ``code`` brings in beyond a bare interpreter's."""
    program = f"import sys\nbefore = set(sys.modules)\n{code}\nprint(sorted(set(sys.modules) - before))"
    result = run([sys.executable, "-I", "-S", "-c", _with_path(program)], env)
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout.splitlines()[-1].replace("'", '"')))


def _with_path(program):
    # Without site, so that nothing (a coverage hook, say) is imported before us.
    return f"import sys\nsys.path[:] = {sys.path!r}\n{program}"


def of(modules, *packages):
    return {
        m for m in modules if m.partition(".")[0] in packages or any(m.startswith(p + ".") or m == p for p in packages)
    }


def test_import_distrokit_loads_pluggy_and_the_standard_library():
    assert of(imported("import distrokit"), "distrokit", "pluggy") == {"distrokit"}

    modules = imported("from distrokit import *")

    foreign = {m.partition(".")[0] for m in modules} - set(sys.stdlib_module_names)
    assert foreign == {"distrokit", "pluggy"}
    assert of(modules, "distrokit") == {
        "distrokit",
        "distrokit.declarations",
        "distrokit.diagnostics",
        "distrokit.export",
        "distrokit.hookspecs",
        "distrokit.launch",
        "distrokit.launch.start",
        "distrokit.lazy",
        "distrokit.lazy.entry_point_files",
        "distrokit.lazy.spellings",
        "distrokit.lazy.triggers",
        "distrokit.pipeline",
        "distrokit.pipeline.loss_words",
        "distrokit.pipeline.metric_arguments",
        "distrokit.pipeline.rate_limit",
        "distrokit.pipeline.sdk_messages",
        "distrokit.pipeline.spans",
        "distrokit.plan",
        "distrokit.plan.instrumentations",
        "distrokit.plan.components",
        "distrokit.plan.plan",
        "distrokit.plan.selection",
        "distrokit.plan.selection.selection",
        "distrokit.plugins",
        "distrokit.plugins.candidates",
        "distrokit.plugins.distributions",
        "distrokit.plugins.distros",
        "distrokit.plugins.entry_points",
        "distrokit.settings",
        "distrokit.settings.environ",
        "distrokit.settings.layers",
        "distrokit.settings.metric_preferences",
        "distrokit.settings.reader",
        "distrokit.settings.secret_files",
        "distrokit.settings.secret_values",
        "distrokit.settings.suggestions",
        "distrokit.settings.values",
        "distrokit.suppression",
        "distrokit.threads",
    }


def test_what_the_launcher_imports_is_the_list_of_settings_and_what_it_has_to_note():
    modules = imported("import distrokit.launch.environment_variables")

    assert of(modules, "distrokit", "pluggy") == {
        "distrokit",
        "distrokit.launch",
        "distrokit.launch.environment_variables",
        "distrokit.launch.site",
        "distrokit.launch.site.sitecustomize",
    }


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_declaring_and_planning_import_no_sdk_no_grpc_no_protobuf_no_requests(protocol):
    modules = imported(
        "from distrokit.launch.assembly import plan_for; import json; json.dumps(plan_for().plan.describe())",
        {
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_TRACES_SAMPLER": "traceidratio",
            "OTEL_PROPAGATORS": "b3,tracecontext",
            "OTEL_TRACES_EXPORTER": "console,otlp",
        },
    )

    assert of(modules, *HEAVY) == set()
    assert of(modules, "opentelemetry") == set()
    assert "distrokit_otlp.plugin" in modules
    assert "distrokit_otlp.grpc" not in modules


def test_the_launcher_imports_neither_the_plan_nor_the_other_commands():
    modules = imported("from distrokit.cli import main; main(['run', '/nope'])")

    assert (
        of(modules, "opentelemetry", "pluggy", "distrokit.plan", "distrokit.pipeline", "distrokit.hookspecs") == set()
    )
    assert of(modules, "distrokit.cli") == {
        "distrokit.cli",
        "distrokit.cli.guard",
        "distrokit.cli.guard.sitecustomize",
        "distrokit.cli.interpreter",
        "distrokit.cli.plain_command",
        "distrokit.cli.run",
        "distrokit.cli.target_process",
    }


@pytest.mark.parametrize("command", ["explain", "plugins"])
def test_the_commands_import_no_sdk_no_grpc_no_exporters(command):
    modules = imported(f"from distrokit.cli import main; main({command.split()!r})")

    assert of(modules, *HEAVY) == set()


def test_doctor_offline_builds_every_part_but_the_exporters():
    modules = imported("from distrokit.cli import main; main(['doctor', '--offline'])")

    assert of(modules, *[name for name in HEAVY if name != "opentelemetry.sdk"]) == set()
    assert "distrokit_batch.processors" in modules


ALL = ["distrokit-logs", "distrokit-metrics", "distrokit-traces"]
SDK = ["OtelBatchLogRecordProcessor", "OtelBatchSpanRecordProcessor", "OtelPeriodicExportingMetricReader"]


@pytest.mark.parametrize(
    ("env", "before", "after"),
    [
        # A thread begins with the first item of its signal: a process that records nothing has none.
        ({}, [], ALL),
        ({"OTEL_METRICS_EXPORTER": "none"}, [], ["distrokit-logs", "distrokit-traces"]),
        (
            {"OTEL_LOGS_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "DISTROKIT_TRACES_PROCESSOR": "simple"},
            [],
            [],
        ),
        ({"OTEL_SDK_DISABLED": "true"}, [], []),
        ({"DISTROKIT_BATCH": "sdk"}, [], SDK),
        ({"DISTROKIT_BATCH": "sdk", "DISTROKIT_LAZY": "0"}, SDK, SDK),
        ({"DISTROKIT_LAZY": "0"}, [], ALL),
    ],
)
def test_threads(env, before, after):
    program = """
        import threading
        from opentelemetry import _logs, metrics, trace

        def threads():
            # The last one waits for the end, on Python 3.12 only, where parts of others may hold it.
            print(sorted(t.name for t in threading.enumerate() if t.name not in ("MainThread", "distrokit-end")))

        threads()
        trace.get_tracer("t").start_span("s").end()
        _logs.get_logger("l").emit(_logs.LogRecord(body="b"))
        metrics.get_meter("m").create_counter("c").add(1)
        threads()
    """
    result = instrumented(program, {**NOWHERE, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*", **env})

    assert result.stdout == f"{before}\n{after}\n"


def test_a_thread_for_metrics_begins_with_the_first_measurement_or_with_a_callback():
    program = """
        import threading
        from opentelemetry import metrics

        def threads():
            print(any(thread.name == "distrokit-metrics" for thread in threading.enumerate()))

        meter = metrics.get_meter("m")
        histogram = meter.create_histogram("h")
        meter.create_observable_gauge("without a callback")
        threads()
        {then}
        threads()
    """
    for then in ("histogram.record(1)", "meter.create_observable_gauge('o', [lambda options: []])"):
        result = instrumented(program.replace("{then}", then), NOWHERE)

        assert result.stdout == "False\nTrue\n", result.stderr

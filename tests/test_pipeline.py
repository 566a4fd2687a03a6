"""The running pipeline, in processes of its own where it sets globals."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest
from processes import QUIET, instrumented, run, said

from distrokit import Check, Exporter, Processor, ResourceDetector
from distrokit.answers import HookError, checked

START = """
    import threading
    from distrokit.startup import Assembly

    pipeline = Assembly({environ}).start()
"""


def started(program, environ, env=None):
    source = dedent(START.replace("{environ}", repr(environ))) + dedent(program)
    return run([sys.executable, "-c", source], env)


def test_flush_sends_and_stop_ends_everything_once(receiver):
    result = started(
        """
        from opentelemetry import trace

        trace.get_tracer("t").start_span("s").end()
        print(pipeline.flush(5000))
        trace.get_tracer("t").start_span("late").end()
        pipeline.stop()
        pipeline.stop()
        print([t.name for t in threading.enumerate()])
        """,
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf"),
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        },
    )

    assert result.stdout == "True\n['MainThread']\n"
    assert result.stderr == ""
    assert [span.name for span in receiver.store.spans()] == ["s", "late"]


def test_flush_says_when_time_is_up():
    assert started("print(pipeline.flush(0))", QUIET).stdout == "False\n"


def test_a_provider_whose_shutdown_raises_does_not_keep_the_others():
    result = started(
        """
        def fails():
            raise OSError("disk")

        pipeline.tracer_provider.shutdown = fails
        pipeline.stop()
        """,
        {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "console", "OTEL_TRACES_EXPORTER": "console"},
    )

    (line,) = said(result)
    assert "shutdown of TracerProvider: OSError: disk" in line


def test_a_logger_provider_that_the_process_already_has_stays():
    program = """
        from opentelemetry import _logs, metrics
        from opentelemetry.sdk._logs import LoggerProvider
        from distrokit.startup import Assembly

        theirs = LoggerProvider(shutdown_on_exit=False)
        _logs.set_logger_provider(theirs)
        metrics.set_meter_provider(metrics.NoOpMeterProvider())
        pipeline = Assembly({"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "console"}).start()
        print(_logs.get_logger_provider() is theirs, pipeline.logger_provider, pipeline.meter_provider)
        import threading
        print(threading.active_count())
    """
    result = run([sys.executable, "-c", dedent(program)])

    assert result.stdout == "True None None\n1\n"
    assert [line.split(":")[1].strip() for line in said(result)] == ["metrics", "logs"]


def test_an_empty_list_of_propagators_means_none():
    program = "from opentelemetry import propagate; print(propagate.get_global_textmap().fields)"

    assert instrumented(program, {**QUIET, "OTEL_PROPAGATORS": "none"}).stdout == "set()\n"


def test_an_exporters_options_are_put_back_when_a_hook_raises(tmp_path, receiver):
    from distributions import write_plugin

    bad = """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_exporter_options(exporter, options):
            options.endpoint = "http://127.0.0.1:9"
            options.headers["x"] = "y"
            raise RuntimeError("half way")
    """
    program = 'from opentelemetry import trace; trace.get_tracer("t").start_span("s").end()'
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}

    result = instrumented(program, env, [write_plugin(tmp_path, "acme", bad)])

    (line,) = said(result)
    assert "distrokit_exporter_options: RuntimeError: half way" in line
    assert [span.name for span in receiver.store.spans()] == ["s"]


@pytest.mark.parametrize(
    ("hook", "answer", "complaint"),
    [
        ("distrokit_defaults", {"A": 1}, "expected a mapping of setting names to text"),
        ("distrokit_resource", {"a": object()}, "attribute 'a' of type object"),
        ("distrokit_resource", {"": 1}, "attribute ''"),
        ("distrokit_resource", 5, "returned int 5, expected a list of ResourceDetector"),
        ("distrokit_exporters", [Exporter("", "traces", print)], "name ''"),
        ("distrokit_exporters", [Exporter("a,b", "traces", print)], "without a comma"),
        ("distrokit_exporters", [Exporter("a", "trace", print)], "signals are traces, metrics, logs"),
        ("distrokit_exporters", [Exporter("a", (), print)], "for ()"),
        ("distrokit_exporters", [Exporter("a", "traces", "x:y")], "whose factory cannot be called"),
        ("distrokit_resource", [ResourceDetector("a", 5)], "whose detect cannot be called"),
        ("distrokit_processors", [Processor("a", "traces", "filter", print)], "stages are enrich, transform, derive"),
        ("distrokit_checks", [Check("a", "bad", "x")], "verdicts are ok, warn, fail"),
        ("distrokit_started", "x", "returned str, but this hook returns nothing"),
    ],
)
def test_nonsense_is_refused_in_words_that_help(hook, answer, complaint):
    with pytest.raises(HookError) as refused:
        checked(hook, answer)

    assert complaint in str(refused.value)


def test_sense_has_one_form():
    one = Exporter("a", ("traces", "logs"), print)

    assert checked("distrokit_exporters", one) == checked("distrokit_exporters", (one,)) == [one]
    assert checked("distrokit_exporters", None) is None
    assert checked("distrokit_resource", {"a": [1, 2], "b": True}) == {"a": [1, 2], "b": True}

"""The running pipeline, in processes of its own where it sets globals."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest
from distributions import write_plugin
from processes import QUIET, instrumented, run, said
from three_signals import THREE_SIGNALS

from distrokit import Check, Exporter, Processor, ResourceDetector
from distrokit.plugins.validation import HookError, validate

START = """
    import threading
    from distrokit.launch.assembly import plan_for
    from distrokit.launch.startup import start_pipeline

    pipeline = start_pipeline(plan_for({environ}))
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
        from distrokit.launch.assembly import plan_for
        from distrokit.launch.startup import start_pipeline

        theirs = LoggerProvider(shutdown_on_exit=False)
        _logs.set_logger_provider(theirs)
        metrics.set_meter_provider(metrics.NoOpMeterProvider())
        pipeline = start_pipeline(plan_for({"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "console"}))
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


@pytest.mark.once
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
        ("distrokit_exporters", [Exporter("a", "traces", "x:y")], "whose factory is not callable"),
        ("distrokit_resource", [ResourceDetector("a", 5)], "whose detect is not callable"),
        ("distrokit_processors", [Processor("a", "traces", "filter", print)], "stages are measure, enrich, transform"),
        ("distrokit_checks", [Check("a", "bad", "x")], "verdicts are ok, warn, fail"),
        ("distrokit_started", "x", "returned str, but this hook returns nothing"),
    ],
)
def test_nonsense_is_refused_in_words_that_help(hook, answer, complaint):
    with pytest.raises(HookError) as refused:
        validate(hook, answer)

    assert complaint in str(refused.value)


def test_sense_has_one_form():
    one = Exporter("a", ("traces", "logs"), print)

    assert validate("distrokit_exporters", one) == validate("distrokit_exporters", (one,)) == [one]
    assert validate("distrokit_exporters", None) is None
    assert validate("distrokit_resource", {"a": [1, 2], "b": True}) == {"a": [1, 2], "b": True}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "-1"),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "many"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "nope"),
    ],
)
def test_a_setting_that_the_sdk_would_refuse_costs_only_itself(setting, value, receiver):
    env = {setting: value, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}

    result = instrumented(THREE_SIGNALS, env)

    (line,) = said(result)
    assert line.startswith(f"distrokit: {setting}={value}: not usable: ")
    assert "it is treated as unset" in line
    store = receiver.store
    assert (len(store.spans()), len(store.points()), len(store.logs())) == (1, 1, 1)
    assert (result.stdout, result.returncode) == ("done\n", 0)


def test_a_choice_that_the_sdk_takes_in_lower_case_only_may_be_written_otherwise(receiver):
    env = {"OTEL_METRICS_EXEMPLAR_FILTER": "Always_On", "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}

    assert said(instrumented(THREE_SIGNALS, env)) == []
    assert len(receiver.store.points()) == 1


def test_a_signal_whose_provider_cannot_be_built_costs_its_signal_only(tmp_path, receiver):
    source = """
        from opentelemetry.sdk import metrics
        from distrokit import hookimpl

        def broken(*args, **kwargs):
            raise OSError("no metrics today")

        metrics.MeterProvider.__init__ = broken

        @hookimpl
        def distrokit_resource():
            return None
    """
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}

    result = instrumented(THREE_SIGNALS, env, [write_plugin(tmp_path, "acme", source)])

    (line,) = said(result)
    assert "metrics: OSError: no metrics today; this signal is left out, the others work" in line
    assert (len(receiver.store.spans()), len(receiver.store.logs())) == (1, 1)


def test_what_nobody_foresaw_is_one_line_and_instrumentations_are_applied(tmp_path):
    source = """
        from distrokit import Value, hookimpl

        @hookimpl
        def distrokit_plan(plan):
            plan.resource.timeout_millis = Value("soon", "somebody")
    """
    result = instrumented(
        "import flask; print(flask.Flask.__module__)", QUIET, [write_plugin(tmp_path, "acme", source)], lean=False
    )

    (line,) = result.stderr.splitlines()
    assert line.startswith("distrokit: start: TypeError: ")
    assert result.stdout == "opentelemetry.instrumentation.flask\n"


def test_an_empty_setting_that_the_sdk_reads_is_unset_for_it_too():
    program = """
        import logging, os
        from opentelemetry import trace
        logging.disable()
        span = trace.get_tracer("t").start_span("s", attributes={str(n): n for n in range(200)})
        print(len(span.attributes), os.environ["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"] == "")
    """
    env = {**QUIET, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "", "OTEL_METRICS_EXEMPLAR_FILTER": ""}

    result = instrumented(program, env)

    assert (result.stdout, result.stderr) == ("128 True\n", "")


def test_a_plugins_default_reaches_the_sdk_and_the_instrumentations(tmp_path):
    source = """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_defaults():
            return {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "2", "OTEL_PYTHON_FLASK_EXCLUDED_URLS": "healthz"}
    """
    program = """
        import os, flask
        from opentelemetry import trace
        from opentelemetry.instrumentation.flask import _excluded_urls_from_env

        span = trace.get_tracer("t").start_span("s", attributes={"a": 1, "b": 2, "c": 3})
        print(len(span.attributes), _excluded_urls_from_env.url_disabled("http://h/healthz"))
        print([name for name in os.environ if name.startswith("OTEL_") and "EXPORTER" not in name])
    """
    result = instrumented(program, QUIET, [write_plugin(tmp_path, "acme", source)], lean=False)

    # The instrumentation reads it per request, in some libraries; the limit was read by then.
    assert result.stdout == "2 True\n['OTEL_PYTHON_FLASK_EXCLUDED_URLS']\n"


def test_an_instrumentation_that_a_plugin_turns_on_is_applied_though_all_are_off(tmp_path):
    source = """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_plan(plan):
            plan.instrumentations["flask"].enabled = True
    """
    program = "import flask, sys; print(flask.Flask.__module__, 'requests' in sys.modules)"
    env = {**QUIET, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}

    assert instrumented(program, env, [write_plugin(tmp_path, "acme", source)]).stdout == (
        "opentelemetry.instrumentation.flask False\n"
    )


def test_options_and_a_replacement_from_the_plan(tmp_path):
    source = """
        from distrokit import hookimpl

        class Mine:
            def instrument(self, **options):
                print(sorted(options.items()))

        @hookimpl
        def distrokit_plan(plan):
            plan.instrumentations["requests"].replacement = Mine
            plan.instrumentations["requests"].options["excluded_urls"] = "x"
    """
    assert instrumented("", QUIET, [write_plugin(tmp_path, "acme", source)], lean=False).stdout == (
        "[('excluded_urls', 'x'), ('skip_dep_check', True)]\n"
    )


def test_without_propagators_requests_are_served():
    """Upstream's composite of none gives ``None`` for a context, which instrumentations attach."""
    program = """
        import flask
        app = flask.Flask("shop")
        app.get("/")(lambda: "ok")
        for _ in range(2):
            print(app.test_client().get("/").status_code)
    """
    assert instrumented(program, {**QUIET, "OTEL_PROPAGATORS": "none"}).stdout == "200\n200\n"


def test_a_header_from_a_hook_may_be_written_in_upper_case(tmp_path, receiver):
    source = """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_exporter_options(exporter, options):
            options.headers["X-Tenant"] = "acme"
    """
    program = 'from opentelemetry import trace; trace.get_tracer("t").start_span("s").end()'
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}

    result = instrumented(program, env, [write_plugin(tmp_path, "acme", source)])

    assert result.stderr == ""
    assert [span.name for span in receiver.store.spans()] == ["s"]


def test_strict_is_an_exit_where_a_program_calls_the_loader_itself(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "from opentelemetry.instrumentation.auto_instrumentation import initialize\n"
        "try:\n    initialize()\nfinally:\n    print('cleaned up')\n"
    )
    result = run([sys.executable, str(program)], {"DISTROKIT_STRICT": "1", "OTEL_TRACES_EXPORTER": "consol"})

    assert (result.stdout, result.returncode) == ("cleaned up\n", 78)
    assert "Traceback" not in result.stderr


def test_parent_and_child_of_a_fork_send_their_own_once(receiver):
    program = """
        import os, sys, warnings
        from opentelemetry import trace

        warnings.simplefilter("ignore")
        tracer = trace.get_tracer("t")
        tracer.start_span("before").end()
        child = os.fork()
        tracer.start_span("child" if child == 0 else "parent").end()
        if child:
            os.waitpid(child, 0)
    """
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf"),
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }
    result = instrumented(program, env)

    assert (result.returncode, result.stderr) == (0, "")
    spans = {span.name: span for span in receiver.store.spans()}
    assert sorted(span.name for span in receiver.store.spans()) == ["before", "child", "parent"]
    instance = "service.instance.id"
    assert spans["before"].resource[instance] == spans["parent"].resource[instance]
    assert spans["child"].resource[instance] != spans["parent"].resource[instance]


def test_without_a_receiver_the_application_runs_and_stderr_says_so():
    program = """
        from opentelemetry import trace
        trace.get_tracer("t").start_span("s").end()
        print("ran")
        raise SystemExit(7)
    """
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "300",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
    }
    result = instrumented(program, env)

    assert (result.stdout, result.returncode) == ("ran\n", 7)
    # The logging instrumentation is installed here, which would swallow it (opentelemetry-python#2594).
    assert said(result) == [
        (
            "distrokit: otlp traces: 1 batch, 1 span lost: connection refused at 127.0.0.1:9."
            " Run `distrokit doctor` to see why."
        )
    ]

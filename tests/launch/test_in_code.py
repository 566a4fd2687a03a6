"""``distrokit.start`` in programs that nobody instruments."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest
from distributions import write_distro
from processes import QUIET, instrumented, run, said

TRACES = {**QUIET, "OTEL_TRACES_EXPORTER": "console"}


def program(source, env=None):
    return run([sys.executable, "-c", dedent(source)], env)


def test_code_is_stronger_than_the_environment_and_starts_once():
    result = program(
        """
        import distrokit
        from opentelemetry import trace

        settings = {"OTEL_SERVICE_NAME": "code", "OTEL_TRACES_EXPORTER": "console"}
        pipeline = distrokit.start(settings)
        assert distrokit.start() is pipeline
        with trace.get_tracer("t").start_as_current_span("hello"):
            pass
        print("FLUSHED", pipeline.flush(timeout_millis=1000))
        import requests
        print("INSTRUMENTED", hasattr(requests.Session.send, "__wrapped__"))
        pipeline.stop()
        pipeline.stop()
        assert pipeline.stopped and distrokit.start() is pipeline
        """,
        {**QUIET, "OTEL_SERVICE_NAME": "environment"},
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert '"service.name": "code"' in result.stdout
    assert "FLUSHED True\nINSTRUMENTED True\n" in result.stdout


def test_plugins_are_given_and_instrumentations_can_be_left_out():
    result = program(
        """
        import types, distrokit
        from distrokit import Processor, hookimpl

        mine = types.ModuleType("mine")
        @hookimpl
        def distrokit_processors():
            return [Processor("drop", "traces", "transform", lambda context: lambda span: None)]
        mine.distrokit_processors = distrokit_processors

        pipeline = distrokit.start(plugins={"mine": mine}, instrument=False)
        pipeline.tracer_provider.get_tracer("t").start_span("hello").end()
        import requests
        print(hasattr(requests.Session.send, "__wrapped__"))
        """,
        TRACES,
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, "False\n", "")


def test_a_distro_is_given():
    result = program(
        """
        import distrokit
        from distrokit import Distro

        acme = Distro(name="acme", version="1.2", defaults={"OTEL_SERVICE_NAME": "acme's", "OTEL_TRACES_EXPORTER": "none"})
        pipeline = distrokit.start(distro=acme)
        attributes = pipeline.resource.attributes
        print(attributes["telemetry.distro.name"], attributes["service.name"], pipeline.plan.distro.why)
        """,
        {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"},
    )

    assert (result.stdout, result.stderr) == ("acme acme's it was given in code\n", "")


def test_settings_that_come_too_late_are_said():
    result = program("import distrokit; distrokit.start(); distrokit.start({'A': 'b'})", QUIET)

    (line,) = said(result)
    assert line.startswith("distrokit: distrokit.start: distrokit was started in this process before;")


def test_under_the_launcher_it_is_the_pipeline_that_runs():
    source = """
        import distrokit
        from opentelemetry import trace
        pipeline = distrokit.start()
        print(pipeline.tracer_provider is trace.get_tracer_provider())
    """
    result = instrumented(source, QUIET)

    assert (result.stdout, result.stderr) == ("True\n", "")


def test_disabled_it_is_a_pipeline_that_does_nothing():
    source = """
        import distrokit
        pipeline = distrokit.start({"OTEL_SDK_DISABLED": "true"})
        print(pipeline.tracer_provider, pipeline.flush())
        pipeline.stop()
    """
    result = program(source)

    assert (result.returncode, result.stdout, result.stderr) == (0, "None True\n", "")


def test_beside_a_provider_of_the_application_it_stands_aside():
    result = program(
        """
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        mine = TracerProvider()
        trace.set_tracer_provider(mine)
        import distrokit
        pipeline = distrokit.start()
        print(trace.get_tracer_provider() is mine, pipeline.tracer_provider, pipeline.logger_provider is not None)
        """,
        {**TRACES, "OTEL_LOGS_EXPORTER": "console"},
    )

    assert result.stdout == "True None True\n"
    assert "it is kept; distrokit builds none for this signal" in said(result)[0]


def test_a_worker_starts_its_own_after_a_fork():
    result = program(
        """
        import os, sys
        if child := os.fork():
            os.waitpid(child, 0)
        else:
            import distrokit
            pipeline = distrokit.start()
            pipeline.tracer_provider.get_tracer("t").start_span("in the child").end()
            pipeline.stop()
            os._exit(0)
        """,
        TRACES,
    )

    assert result.stdout.count("in the child") == 1


def test_strict_is_an_exit_of_the_program():
    result = program(
        "import distrokit; distrokit.start({'OTEL_TRACES_EXPORTER': 'consol'})", {**QUIET, "DISTROKIT_STRICT": "1"}
    )

    assert result.returncode == 78
    assert said(result)[0].startswith("distrokit: OTEL_TRACES_EXPORTER=consol: ")


@pytest.mark.parametrize("settings", ["{'A': 1}", "{1: 'a'}"])
def test_settings_are_text(settings):
    result = program(f"import distrokit; distrokit.start({settings})")

    assert "TypeError: settings must be text, as environment variables are" in result.stderr


def test_code_overrules_a_file(tmp_path):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from 1.44 on")
    (tmp_path / "otel.yaml").write_text(
        'file_format: "1.0"\ntracer_provider: {sampler: {always_off: }, processors: [{simple: {exporter: {otlp_grpc: }}}]}'
    )
    settings = {"OTEL_TRACES_SAMPLER": "always_on", "OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "console",
                "OTEL_PROPAGATORS": "baggage", "OTEL_SERVICE_NAME": "code"}  # fmt: skip
    result = program(
        f"""
        import distrokit
        from opentelemetry import propagate
        pipeline = distrokit.start({settings!r})
        pipeline.tracer_provider.get_tracer("t").start_span("hello").end()
        print(propagate.get_global_textmap().fields, pipeline.meter_provider is not None)
        """,
        {"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml")},
    )

    assert result.stderr == ""
    assert "{'baggage'} True\n" in result.stdout
    assert '"name": "hello"' in result.stdout
    assert '"service.name": "code"' in result.stdout


@pytest.mark.parametrize("name", ["A=B", "", "A\\0"])
def test_a_setting_that_no_variable_could_be(name):
    result = program(f"import distrokit; distrokit.start({{'{name}': 'x'}})")

    assert "TypeError" in result.stderr
    assert "an environment variable cannot have this name" in result.stderr


@pytest.mark.parametrize("env", [{"OTEL_PROPAGATORS": "bogus"}, {"OTEL_PROPAGATORS": "tracecontext,"}])
def test_a_wrong_propagator_costs_itself(env):
    result = program("import distrokit; print(distrokit.start() is not None)", {**QUIET, **env})

    assert (result.returncode, result.stdout) == (0, "True\n")
    assert said(result)


def test_a_plugin_that_starts_it_while_it_is_started():
    source = """
        import types, distrokit
        from distrokit import hookimpl
        mine = types.ModuleType("mine")
        @hookimpl
        def distrokit_resource():
            distrokit.start()
        @hookimpl
        def distrokit_started(pipeline):
            assert distrokit.start() is pipeline
            print("started")
        mine.distrokit_resource, mine.distrokit_started = distrokit_resource, distrokit_started
        distrokit.start(plugins={"mine": mine})
    """
    result = program(source, TRACES)

    assert (result.returncode, result.stdout) == (0, "started\n")


def test_a_fork_while_another_thread_starts_it():
    source = """
        import os, threading, time, types, distrokit
        from distrokit import hookimpl
        slow, there = types.ModuleType("slow"), threading.Event()
        @hookimpl
        def distrokit_resource():
            there.set()
            time.sleep(1)
        slow.distrokit_resource = distrokit_resource
        threading.Thread(target=distrokit.start, kwargs={"plugins": {"slow": slow}}).start()
        # In the middle of a start, and not of an import, whose lock a child would never get.
        there.wait()
        if child := os.fork():
            print(os.waitpid(child, 0)[1])
        else:
            distrokit.start()
            os._exit(0)
    """
    result = program(source, QUIET)

    assert result.stdout == "0\n"


def test_flush_takes_no_longer_than_it_may():
    source = """
        import socket, time, distrokit
        server = socket.create_server(("127.0.0.1", 0))
        address = "http://127.0.0.1:%d" % server.getsockname()[1]
        pipeline = distrokit.start({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": address,
                                    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_TIMEOUT": "20000"})
        pipeline.tracer_provider.get_tracer("t").start_span("s").end()
        began = time.monotonic()
        print(pipeline.flush(timeout_millis=300), time.monotonic() - began < 15, flush=True)
        import os
        os._exit(0)
    """
    assert program(source, QUIET).stdout == "False True\n"


def test_it_stands_aside_where_another_distro_is_in_charge(tmp_path):
    folder = write_distro(tmp_path, "acme")
    source = "import distrokit; print(distrokit.start().tracer_provider)"

    result = instrumented(source, {**TRACES, "OTEL_PYTHON_DISTRO": "acme"}, [folder])

    assert result.stdout == "None\n"
    # Of the plan that is not made nothing is said.
    (line,) = said(result)
    assert "is configuring this process; nothing is started by this call" in line

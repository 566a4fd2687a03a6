"""A distro of another make that only sets defaults, as OpenTelemetry's documentation shows it: distrokit builds from them."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest
from commands import in_process
from distributions import write_distribution
from opentelemetry.instrumentation import auto_instrumentation
from processes import BIN, EAGER, run, said

DEFAULTS = """
    import os
    from opentelemetry.instrumentation.distro import BaseDistro

    class Distro(BaseDistro):
        def _configure(self, **kwargs):
            os.environ.setdefault("OTEL_SERVICE_NAME", "from-other")
            os.environ.setdefault("OTEL_TRACES_EXPORTER", "otlp")
            os.environ.setdefault("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
"""
LOADING = """
        def load_instrumentor(self, entry_point, **kwargs):
            print("their", entry_point.name, kwargs)
            super().load_instrumentor(entry_point, **kwargs)
"""
PROGRAM = """
    from opentelemetry import trace
    import flask

    trace.get_tracer("t").start_span("s").end()
    print("ran", flask.Flask.__module__)
"""
FLASK = "ran opentelemetry.instrumentation.flask"


def other(folder, source=DEFAULTS):
    points = {"opentelemetry_distro": {"other": "other_distro:Distro"}}
    return write_distribution(folder / "other", "other-distro", "2.1", points, {"other_distro": source})


def ran(receiver, path, launcher="opentelemetry-instrument", **env):
    env = {"OTEL_PYTHON_DISTRO": "other", "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf"), **env}
    command = [sys.executable, "-c", dedent(PROGRAM)]
    if launcher == "site":
        path = [Path(auto_instrumentation.__file__).parent, *path]
    else:
        command = [*map(str, (BIN / launcher.split()[0], *launcher.split()[1:])), *command]
    result = run(command, env, path)
    assert result.returncode == 0, result.stderr
    return result


@pytest.mark.parametrize("launcher", ["opentelemetry-instrument", "distrokit run", "site"])
def test_it_configures_and_distrokit_builds_from_the_environment_that_it_left(receiver, tmp_path, launcher):
    result = ran(receiver, [other(tmp_path)], launcher)

    assert result.stdout.splitlines() == [FLASK]
    assert said(result) == []
    (span,) = receiver.store.spans()
    assert span.name == "s"
    assert dict(span.resource)["service.name"] == "from-other"


def test_its_own_way_to_load_an_instrumentation_is_used_in_the_plans_order_with_the_plans_keywords(receiver, tmp_path):
    disabled = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "requests", **EAGER}
    result = ran(receiver, [other(tmp_path, DEFAULTS + LOADING)], **disabled)

    theirs = [line.split(" {")[0] for line in result.stdout.splitlines()]
    assert theirs == ["their flask", "their logging", FLASK]


def test_one_that_raises_is_named_and_distrokit_builds(receiver, tmp_path):
    source = DEFAULTS.replace('os.environ.setdefault("OTEL_SERVICE_NAME", "from-other")', 'raise OSError("no vault")')
    result = ran(receiver, [other(tmp_path, source)], "distrokit run", OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf")

    assert [span.name for span in receiver.store.spans()] == ["s"]
    assert said(result) == [
        (
            "distrokit: distro other (other-distro 2.1): OSError: no vault; distrokit builds the pipeline from the "
            "environment as it is. Repair or uninstall it, or set OTEL_PYTHON_DISTRO=distrokit."
        )
    ]
    assert "Traceback" not in result.stderr


def test_a_configurator_that_is_named_builds_in_distrokits_place(receiver, tmp_path):
    source = """
        class Configurator:
            def configure(self, **kwargs):
                print("their configurator")
    """
    theirs = {"opentelemetry_configurator": {"theirs": "their_configurator:Configurator"}}
    path = [other(tmp_path), write_distribution(tmp_path / "c", "c", "1", theirs, {"their_configurator": source})]
    result = ran(receiver, path, OTEL_PYTHON_CONFIGURATOR="theirs")

    assert "their configurator" in result.stdout.splitlines()
    assert receiver.store.spans() == []
    # Where none is named, distrokit builds, whatever the file system lists first.
    assert ran(receiver, path).stdout.splitlines() == [FLASK]
    assert len(receiver.store.spans()) == 1


def test_explain_and_doctor_say_who_does_what(tmp_path):
    path, env = [other(tmp_path)], {"OTEL_PYTHON_DISTRO": "other", "OTEL_TRACES_EXPORTER": "none"}
    explained = in_process("explain", env=env, path=path).stdout

    assert (
        "distro other-distro has no configurator: it sets its defaults, and distrokit builds the pipeline" in explained
    )
    assert "from-other" in explained
    report = in_process("doctor", "--offline", env=env, path=path).stdout
    assert "other-distro has no configurator: it sets its defaults, and distrokit builds" in report

"""Several distros in one environment: who wins is decided by rule, whole, and in any directory order."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent

import pytest
from distributions import write_distribution
from opentelemetry.instrumentation import auto_instrumentation
from processes import BIN, run, said
from processes import under_launcher as instrumented

from distrokit.launch.distro_selection import select_distro
from distrokit.plugins.entry_points import EntryPoints
from distrokit.settings.layers import Settings

#: What upstream's distribution publishes, by its names, with its classes standing in a module of ours.
RIVAL = """
    import os
    from opentelemetry.instrumentation.distro import BaseDistro

    class Distro(BaseDistro):
        def _configure(self, **kwargs):
            print("their distro")

        def load_instrumentor(self, entry_point, **kwargs):
            print("their", entry_point.name)

    class Configurator:
        def configure(self, auto_instrumentation_version=None, **kwargs):
            from opentelemetry import trace
            from opentelemetry.sdk.trace import TracerProvider

            print("their configurator", bool(auto_instrumentation_version))
            trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
"""
PROGRAM = """
    from opentelemetry import trace
    import flask

    with trace.get_tracer("t").start_as_current_span("s"):
        print("ours" if "telemetry.distro.name" in trace.get_tracer_provider().resource.attributes else "theirs",
              flask.Flask.__module__)
"""
OURS = ["ours opentelemetry.instrumentation.flask"]
THEIRS = [
    "their distro",
    "their configurator True",
    "their django",
    "their flask",
    "their logging",
    "their requests",
    "theirs flask.app",
]


@pytest.fixture
def rival(tmp_path):
    """An upstream-like distro, found before distrokit, since ``PYTHONPATH`` comes before site-packages."""
    return write_distribution(
        tmp_path / "rival",
        "other-distro",
        entry_points={
            "opentelemetry_distro": {"distro": "rival_distro:Distro"},
            "opentelemetry_configurator": {"configurator": "rival_distro:Configurator"},
        },
        modules={"rival_distro": RIVAL},
    )


def outcome(receiver, rival, env, *, launcher):
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"), **env}
    if launcher:
        result = instrumented(PROGRAM, env, [rival], lean=False)
    else:
        # As the Kubernetes operator does it: no launcher, only a PYTHONPATH with its sitecustomize.
        site = Path(auto_instrumentation.__file__).parent
        result = run([sys.executable, "-c", dedent(PROGRAM)], env, [site, rival])
    assert result.returncode == 0, result.stderr
    return result, len(receiver.store.spans())


@pytest.mark.parametrize(
    ("env", "lines", "spans"),
    [
        ({}, OURS, 1),
        ({"OTEL_PYTHON_DISTRO": "distrokit"}, OURS, 1),
        ({"OTEL_PYTHON_DISTRO": "distro"}, THEIRS, 0),
        ({"OTEL_PYTHON_CONFIGURATOR": "configurator"}, THEIRS, 0),
        ({"OTEL_PYTHON_DISTRO": "distro", "OTEL_PYTHON_CONFIGURATOR": "configurator"}, THEIRS, 0),
        ({"OTEL_PYTHON_DISTRO": "distro", "OTEL_PYTHON_CONFIGURATOR": "distrokit"}, THEIRS, 0),
        ({"OTEL_PYTHON_DISTRO": "distrokit", "OTEL_PYTHON_CONFIGURATOR": "configurator"}, OURS, 1),
        ({"OTEL_PYTHON_DISTRO": "nope"}, OURS, 1),
    ],
)
def test_under_the_launcher_one_distro_does_everything(receiver, rival, env, lines, spans):
    result, sent = outcome(receiver, rival, env, launcher=True)

    # Theirs are handed out in directory order, ours are not.
    assert (sorted(result.stdout.splitlines()), sent) == (sorted(lines), spans)
    assert "Overriding" not in result.stderr


@pytest.mark.parametrize(
    ("env", "lines", "spans"),
    [
        ({"OTEL_PYTHON_DISTRO": "distrokit"}, OURS, 1),
        ({"OTEL_PYTHON_DISTRO": "distro"}, THEIRS, 0),
        # Their distro was loaded, our configurator is called: it takes over whole.
        ({"OTEL_PYTHON_CONFIGURATOR": "distrokit"}, ["their distro", *OURS], 1),
        ({"OTEL_PYTHON_DISTRO": "nope", "OTEL_PYTHON_CONFIGURATOR": "distrokit"}, OURS, 1),
        # Nothing of distrokit's runs at all: documented, with what to set.
        ({}, THEIRS, 0),
    ],
)
def test_without_the_launcher_too_wherever_distrokits_code_runs(receiver, rival, env, lines, spans):
    result, sent = outcome(receiver, rival, env, launcher=False)

    # Theirs are handed out in directory order, ours are not.
    assert (sorted(result.stdout.splitlines()), sent) == (sorted(lines), spans)
    assert "Overriding" not in result.stderr


def test_what_contradicts_the_outcome_is_said(receiver, rival):
    both = {"OTEL_PYTHON_DISTRO": "distrokit", "OTEL_PYTHON_CONFIGURATOR": "configurator"}

    (line,) = said(outcome(receiver, rival, both, launcher=True)[0])
    assert line == (
        "distrokit: OTEL_PYTHON_CONFIGURATOR=configurator: OTEL_PYTHON_DISTRO=distrokit names another distribution; "
        "distrokit configures the whole process. Unset OTEL_PYTHON_CONFIGURATOR, or set it to distrokit."
    )
    mirrored = {"OTEL_PYTHON_DISTRO": "distro", "OTEL_PYTHON_CONFIGURATOR": "distrokit"}
    (line,) = said(outcome(receiver, rival, mirrored, launcher=True)[0])
    assert "OTEL_PYTHON_DISTRO=distro names another distribution; distro configures the whole process" in line
    (line,) = said(outcome(receiver, rival, {"OTEL_PYTHON_DISTRO": "distrokti"}, launcher=True)[0])
    assert line == (
        "distrokit: OTEL_PYTHON_DISTRO=distrokti: nothing of this name is installed (installed: distro, distrokit); "
        "distrokit configures the process. Did you mean 'distrokit'?"
    )


def test_the_environment_of_children_is_the_users(receiver, rival):
    result = instrumented(
        "import os; print({n: t for n, t in os.environ.items() if n.startswith('OTEL_PYTHON_')})",
        {"OTEL_PYTHON_CONFIGURATOR": "distrokit", "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")},
        [rival],
        lean=False,
    )

    assert "'OTEL_PYTHON_DISABLED_INSTRUMENTATIONS'" not in result.stdout
    assert "'OTEL_PYTHON_CONFIGURATOR': 'distrokit'" in result.stdout


def test_alone_distrokit_claims_nothing(receiver):
    result = instrumented(
        "import os; print([n for n in os.environ if n.startswith('OTEL_PYTHON_')])",
        {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")},
        lean=False,
    )

    assert result.stdout == "[]\n"


def points(*triples):
    return EntryPoints(EntryPoint(name, "m:C", f"opentelemetry_{group}") for group, name in triples)


def test_an_election_without_rivals():
    installed = points(("distro", "distrokit"), ("configurator", "distrokit"))

    assert select_distro(Settings.from_environ({}), installed).ours
    distro_selection = select_distro(Settings.from_environ({"OTEL_PYTHON_CONFIGURATOR": "x"}), installed)
    assert distro_selection.ours
    assert "nothing of this name is installed" in distro_selection.problems[0].cause


@pytest.mark.once
def test_the_launcher_lists_distrokits_settings():
    text = run([str(BIN / "opentelemetry-instrument"), "--help"]).stdout

    for name in (
        "disabled_plugins",
        "strict",
        "traces_processor",
        "logs_processor",
        "metrics_reader",
        "detector_timeout",
    ):
        assert f"--distrokit_{name} " in text

"""A package's code that raises where OpenTelemetry calls it: one line that names the package, the traceback at debug only."""

from __future__ import annotations

import json
import sys

import pytest
from distributions import write_distribution, write_plugin
from processes import BIN, QUIET, instrumented, run, said

ACME = """
    from opentelemetry.sdk.resources import Resource, ResourceDetector
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter

    def before():
        raise ValueError("before")

    def after():
        raise LookupError("after")

    def observe(options):
        raise OSError("no sensor")

    class Exporter(ConsoleSpanExporter):
        def shutdown(self):
            raise RuntimeError("cannot end")

    class Raises(ResourceDetector):
        def detect(self):
            raise TimeoutError("the metadata server is busy")

    class Refused(ResourceDetector):
        def detect(self):
            found = Resource({})
            found._attributes = {"a": object()}
            return found
"""


def acme(folder, **groups):
    points = {f"opentelemetry_{group}": found for group, found in groups.items()}
    return write_distribution(folder / "acme", "acme-otel", "1.2", points, {"acme": ACME})


HOOKS = {"pre_instrument": {"acme": "acme:before"}, "post_instrument": {"acme": "acme:after", "gone": "acme:gone"}}


@pytest.mark.parametrize("launcher", ["opentelemetry-instrument", "distrokit run"])
def test_hooks_of_the_loader_cost_themselves(receiver, tmp_path, launcher):
    program = "import flask; print(flask.Flask.__module__)"
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}
    command = [str(BIN / launcher.split()[0]), *launcher.split()[1:], sys.executable, "-c", program]
    result = run(command, env, [acme(tmp_path, **HOOKS)])

    # Applied all the same.
    assert (result.returncode, result.stdout) == (0, "opentelemetry.instrumentation.flask\n"), result.stderr
    assert [line.partition(";")[0] for line in said(result)] == [
        "distrokit: pre-instrument hook acme (acme-otel 1.2): ValueError: before",
        "distrokit: post-instrument hook acme (acme-otel 1.2): LookupError: after",
        "distrokit: post-instrument hook gone (acme-otel 1.2): AttributeError: module 'acme' has no attribute 'gone'",
    ]
    assert "Traceback" not in result.stderr


def test_the_tracebacks_are_shown_at_debug(tmp_path):
    result = instrumented("print('ran')", {**QUIET, "OTEL_LOG_LEVEL": "debug"}, [acme(tmp_path, **HOOKS)])

    assert result.stdout == "ran\n"
    assert result.stderr.count("Traceback") >= 3
    assert 'raise ValueError("before")' in result.stderr


def test_under_strict_they_end_the_start(tmp_path):
    result = instrumented("print('ran')", {**QUIET, "DISTROKIT_STRICT": "1"}, [acme(tmp_path, **HOOKS)])

    assert (result.returncode, result.stdout) == (78, "")


OBSERVING = """
    import acme
    from opentelemetry import metrics
    metrics.get_meter("m").create_observable_gauge("heat", [acme.observe])
    metrics.get_meter_provider().force_flush()
"""


@pytest.mark.parametrize("level", ["warn", "debug"])
def test_a_callback_of_an_instrument(tmp_path, level):
    env = {**QUIET, "OTEL_METRICS_EXPORTER": "console", "OTEL_LOG_LEVEL": level}
    result = instrumented(OBSERVING, env, [acme(tmp_path, x={"a": "acme:observe"})])

    found = [line for line in result.stderr.splitlines() if "heat" in line]
    assert ("Traceback" in result.stderr) == (level == "debug")
    if level == "warn":
        assert found[0].endswith(
            "Callback failed for instrument heat: OSError: no sensor (acme-otel 1.2, acme.py line 12)"
        )


def test_the_applications_own_code_is_named_by_its_place(tmp_path):
    (tmp_path / "shop.py").write_text("def observe(options):\n    return 1 / 0\n")
    env = {**QUIET, "OTEL_METRICS_EXPORTER": "console"}
    result = instrumented(OBSERVING.replace("acme", "shop"), env, [tmp_path])

    assert f"ZeroDivisionError: division by zero ({tmp_path}/shop.py line 2)" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("processor", ["batch", "simple", "sdk"])
def test_an_exporters_shutdown(tmp_path, processor):
    env = {**QUIET, "OTEL_TRACES_EXPORTER": "acme"}
    env |= {"DISTROKIT_BATCH": "sdk"} if processor == "sdk" else {"DISTROKIT_TRACES_PROCESSOR": processor}
    program = "from opentelemetry import trace; trace.get_tracer('t').start_span('s').end()"
    result = instrumented(program, env, [acme(tmp_path, traces_exporter={"acme": "acme:Exporter"})])

    assert '"name": "s"' in result.stdout
    assert "Traceback" not in result.stderr
    (line,) = result.stderr.splitlines()
    assert "RuntimeError: cannot end" in line
    assert "acme-otel 1.2" in line


@pytest.mark.parametrize("launcher", ["distrokit run", "start"])
def test_a_propagator_that_cannot_be_imported(tmp_path, launcher):
    path = [
        write_distribution(
            tmp_path, "acme-otel", "1.2", {"opentelemetry_propagator": {"acme": "acme_prop:P"}}, {"acme_prop": "1/0"}
        )
    ]
    command = [sys.executable, "-c", "import distrokit; distrokit.start(); print('ran')"]
    if launcher == "distrokit run":
        command = [str(BIN / "distrokit"), "run", *command]
    result = run(command, {**QUIET, "OTEL_PROPAGATORS": "tracecontext,acme"}, path)

    assert (result.returncode, result.stdout) == (0, "ran\n")
    (line,) = result.stderr.splitlines()
    assert "propagator acme (acme-otel 1.2" in line
    assert "ZeroDivisionError" in line


def test_detectors_that_are_refused_or_raise_or_are_late(tmp_path):
    late = """
        from distrokit import ResourceDetector, hookimpl
        import time

        @hookimpl
        def distrokit_resource():
            return [ResourceDetector("late", lambda: time.sleep(30))]
    """
    points = {"raises": "acme:Raises", "refused": "acme:Refused"}
    path = [acme(tmp_path, resource_detector=points), write_plugin(tmp_path / "late", "late", late)]
    env = {"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "raises,refused", "DISTROKIT_DETECTOR_TIMEOUT": "200"}
    asked = instrumented("", {**QUIET, **env}, path)
    unasked = instrumented("", {**QUIET, "DISTROKIT_DETECTOR_TIMEOUT": "200"}, path)

    named = "take it out of OTEL_EXPERIMENTAL_RESOURCE_DETECTORS."
    assert said(asked) == [
        (
            "distrokit: resource detector raises (acme-otel 1.2): TimeoutError: the metadata server is busy; its attributes "
            f"are missing. Repair acme-otel 1.2, or {named}"
        ),
        (
            "distrokit: resource detector refused (acme-otel 1.2): it returned attribute 'a' of type object; its attributes "
            f"are missing. Repair acme-otel 1.2 (values must be strings, numbers, booleans, or lists of one of these), or {named}"
        ),
    ]
    assert said(unasked) == [
        (
            "distrokit: resource detector late (plugin late 1.0): TimeoutError: no answer within 200 ms; its attributes are "
            "missing. Raise DISTROKIT_DETECTOR_TIMEOUT (milliseconds), or set DISTROKIT_DISABLED_PLUGINS=late."
        )
    ]


OPAMP = """
    import os
    from opentelemetry.instrumentation.distro import BaseDistro

    class Distro(BaseDistro):
        def _configure(self, **kwargs):
            pass

    def before(resource):
        print("before", resource.attributes["service.instance.id"])
        os.environ["OTEL_TRACES_EXPORTER"] = "console"

    def after(resource):
        from opentelemetry import trace
        print("after", resource.attributes["service.instance.id"], type(trace.get_tracer_provider()).__name__)

    def raises(resource):
        raise OSError("no server")
"""


def opamp(folder, before, after, **more):
    points = {"pre_sdk_init_function": f"agent:{before}", "post_sdk_init_function": f"agent:{after}"}
    return write_distribution(
        folder / "agent", "agent", "3", {"_opentelemetry_opamp": points, **more}, {"agent": OPAMP}
    )


def test_functions_of_opamp_agents_are_called_around_the_build(tmp_path):
    program = "from opentelemetry import trace; trace.get_tracer('t').start_span('s').end()"
    result = instrumented(program, QUIET, [opamp(tmp_path, "before", "after")])

    first, second, *rest = result.stdout.splitlines()
    span = json.loads("".join(rest))
    sent = span["resource"]["attributes"]["service.instance.id"]
    assert first == f"before {sent}"
    assert second == f"after {sent} ScopedTracerProvider"
    # What the agent said before is what was built.
    assert span["name"] == "s"
    assert said(result) == []


def test_the_agent_of_another_distro_is_not_started_unless_that_is_named(tmp_path):
    agent = opamp(tmp_path, "before", "after", opentelemetry_distro={"theirs": "agent:Distro"})

    def lines(env):
        return instrumented("print('ran')", {**QUIET, **env}, [agent]).stdout.splitlines()

    assert lines({}) == ["ran"]
    assert [line.partition(" ")[0] for line in lines({"OTEL_PYTHON_DISTRO": "theirs"})] == ["before", "after", "ran"]


def test_one_that_raises_costs_itself(tmp_path):
    result = instrumented("print('ran')", QUIET, [opamp(tmp_path, "raises", "raises")])

    assert result.stdout == "ran\n"
    assert said(result) == [
        f"distrokit: OpAMP {name} (agent 3): OSError: no server; telemetry works without it. Repair or uninstall its package."
        for name in ("pre_sdk_init_function", "post_sdk_init_function")
    ]


def test_what_was_reported_before_an_agent_changed_a_variable_is_said(tmp_path):
    env = {**QUIET, "OTEL_PYTHON_DISTRO": "nothere"}

    alone, changed = (
        [line for line in said(instrumented("print('ran')", env, path)) if "nothere" in line]
        for path in ([], [opamp(tmp_path, "before", "after")])
    )

    assert changed == alone
    assert len(changed) == 1

"""Every hook: specified, documented, called in order, and effective, each shown with a real plugin."""

from __future__ import annotations

import importlib.util
import inspect
import re
import types
from pathlib import Path

import pytest
from commands import in_process
from distributions import write_plugin
from plans import plugin
from processes import QUIET, distrokit, instrumented, said

from distrokit import Distro
from distrokit.hookspecs import PROJECT
from distrokit.launch.assembly import plan_for
from distrokit.plugins.entry_points import EntryPoints
from distrokit.plugins.manager import DECLARE_HOOKS, Plugins
from distrokit.settings.layers import Settings

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("render_hooks", ROOT / "docs" / "render_hooks.py")
render_hooks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(render_hooks)
HOOKS = {hook.__name__: hook for hook in render_hooks.hooks()}


def test_the_reference_and_the_specifications_are_equal():
    assert render_hooks.PAGE.read_text() == render_hooks.render()


def test_these_are_the_hooks_of_the_design():
    assert list(HOOKS) == [
        "distrokit_settings",
        "distrokit_defaults",
        "distrokit_configuration",
        "distrokit_overrides",
        "distrokit_resource",
        "distrokit_samplers",
        "distrokit_id_generators",
        "distrokit_propagators",
        "distrokit_response_propagators",
        "distrokit_exporters",
        "distrokit_processors",
        "distrokit_views",
        "distrokit_policies",
        "distrokit_plan",
        "distrokit_exporter_options",
        "distrokit_started",
        "distrokit_instrumented",
        "distrokit_late_processor",
        "distrokit_forked",
        "distrokit_stopping",
        "distrokit_checks",
        "distrokit_commands",
    ]


@pytest.mark.parametrize("name", HOOKS)
def test_a_specification_says_when_what_and_what_if_it_raises(name):
    hook = HOOKS[name]
    doc = inspect.cleandoc(hook.__doc__)

    assert name.startswith(f"{PROJECT}_")
    for section in ("When:", "Process:", "Returns:", "On an exception:", "Example::"):
        assert f"\n{section}" in doc
    signature = inspect.signature(hook)
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(p.annotation is not p.empty for p in signature.parameters.values())
    assert ("``None``:" in doc) == (signature.return_annotation != "None")


@pytest.mark.parametrize("name", HOOKS)
def test_the_example_of_a_hook_is_a_plugin_that_loads(name):
    module = types.ModuleType("example")
    exec(render_hooks.examples(HOOKS[name]), vars(module))

    plugins = Plugins.load(Settings.from_environ({}), EntryPoints(), {"example": module})

    assert plugins.problems == []
    (plugin,) = plugins.candidates
    assert plugin.hooks == (name,)


@pytest.mark.parametrize("name", [n for n in HOOKS if n not in ("distrokit_checks", "distrokit_commands")])
def test_the_example_of_a_hook_runs_in_a_real_process(name, receiver, tmp_path):
    path = [write_plugin(tmp_path, "example", render_hooks.examples(HOOKS[name]))]

    result = instrumented(
        """
        import os
        from opentelemetry import trace

        with trace.get_tracer("t").start_as_current_span("s"):
            pass
        if child := os.fork():
            os.waitpid(child, 0)
        else:
            os._exit(0)
        """,
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf"),
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_TRACES_SAMPLER": "half" if name == "distrokit_samplers" else "always_on",
            "OTEL_PYTHON_ID_GENERATOR": "mine" if name == "distrokit_id_generators" else "random",
            "OTEL_TRACES_EXPORTER": "memory,otlp" if name == "distrokit_exporters" else "otlp",
        },
        path,
    )

    assert said(result) == []
    assert result.returncode == 0, result.stderr
    if name != "distrokit_samplers":
        assert "s" in [span.name for span in receiver.store.spans()]
    if name == "distrokit_stopping":
        assert "stopped by exit" in [span.name for span in receiver.store.spans()]
    if name == "distrokit_started":
        assert [point.name for point in receiver.store.points()] == ["acme.starts"]
    if name == "distrokit_instrumented":
        (span,) = [span for span in receiver.store.spans() if span.name == "instrumented"]
        assert span.attributes["acme.applied"] == ["logging"]
    if name == "distrokit_resource":
        assert receiver.store.spans()[0].resource["deployment.environment.name"] == "development"


RECORDER = """
    from distrokit import (BuildContext, Check, Command, Exporter, IdGenerator, Processor, Propagator,
                           ResourceDetector, ResponsePropagator, Sampler, Value, hookimpl)

    def note(*words):
        print(*words, flush=True)

    @hookimpl
    def distrokit_defaults(environ):
        note("defaults", environ["MARK"])
        return {"OTEL_TRACES_SAMPLER": "recorder", "OTEL_PYTHON_ID_GENERATOR": "recorder",
                "OTEL_PROPAGATORS": "recorder", "OTEL_TRACES_EXPORTER": "recorder",
                "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}

    @hookimpl
    def distrokit_resource(settings):
        note("resource", settings.get("MARK"))
        return [ResourceDetector("recorder", lambda: {"recorder": 1})]

    @hookimpl
    def distrokit_samplers():
        note("samplers")
        def make(context):
            from opentelemetry.sdk.trace.sampling import ALWAYS_ON
            note("build sampler", context.arguments)
            return ALWAYS_ON
        return [Sampler("recorder", make)]

    @hookimpl
    def distrokit_id_generators():
        note("id_generators")
        def make(context):
            from opentelemetry.sdk.trace.id_generator import IdGenerator as Base
            class Ones(Base):
                def generate_span_id(self): return 0x1111111111111111
                def generate_trace_id(self): return 0x11111111111111111111111111111111
            return Ones()
        return [IdGenerator("recorder", make)]

    @hookimpl
    def distrokit_propagators():
        note("propagators")
        def make(context):
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
            note("build propagator")
            return TraceContextTextMapPropagator()
        return [Propagator("recorder", make)]

    @hookimpl
    def distrokit_response_propagators():
        note("response_propagators")
        def make(context):
            from opentelemetry.instrumentation.propagators import TraceResponsePropagator
            note("build response propagator")
            return TraceResponsePropagator()
        return [ResponsePropagator("recorder", make)]

    @hookimpl
    def distrokit_exporters():
        note("exporters")
        def make(options):
            from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
            note("build exporter", options.headers)
            class Printer(SpanExporter):
                def export(self, spans):
                    for span in spans:
                        note("exported", span.name, dict(span.attributes))
                    return SpanExportResult.SUCCESS
            return Printer()
        return [Exporter("recorder", "traces", make)]

    @hookimpl
    def distrokit_processors():
        note("processors")
        def redact(context):
            from opentelemetry.sdk.trace import ReadableSpan
            def transform(span):
                return ReadableSpan(name=span.name, context=span.context, parent=span.parent,
                                    resource=span.resource, attributes={"email": "****"})
            return transform
        return [Processor("redact", "traces", "transform", redact)]

    @hookimpl
    def distrokit_views(settings):
        note("views", settings.get("MARK"))
        return []

    @hookimpl
    def distrokit_plan(plan):
        note("plan", plan.sampler.name)

    @hookimpl
    def distrokit_exporter_options(exporter, options):
        note("exporter_options", exporter.name, options.signal)
        options.headers["x"] = "y"

    @hookimpl
    def distrokit_started(pipeline):
        note("started", pipeline.resource.attributes["recorder"])

    @hookimpl
    def distrokit_instrumented(pipeline):
        note("instrumented", pipeline.plan.instrumentations["logging"].applied)

    @hookimpl
    def distrokit_late_processor(processor, signal, added_by):
        note("late_processor", type(processor).__name__, signal, added_by)
        return "refuse"

    @hookimpl
    def distrokit_forked(pipeline):
        note("forked")

    @hookimpl
    def distrokit_stopping(pipeline, reason):
        note("stopping", reason)
"""


def test_the_hooks_are_called_in_the_order_of_the_reference_and_each_takes_effect(tmp_path):
    path = [write_plugin(tmp_path, "recorder", RECORDER)]

    result = instrumented(
        """
        import os, warnings
        from opentelemetry import trace

        warnings.simplefilter("ignore")  # Python 3.12 warns of fork() beside threads
        with trace.get_tracer("t").start_as_current_span("s", attributes={"email": "a@b.c"}) as span:
            print(f"{span.get_span_context().trace_id:x}", flush=True)
        from opentelemetry.sdk.trace import SpanProcessor
        trace.get_tracer_provider().add_span_processor(SpanProcessor())
        if child := os.fork():
            os.waitpid(child, 0)
        else:
            os._exit(0)
        """,
        {"MARK": "m"},
        path,
    )

    assert result.stdout.splitlines() == [
        "defaults m",
        "resource m",
        "samplers",
        "id_generators",
        "propagators",
        "response_propagators",
        "exporters",
        "processors",
        "views m",
        "plan recorder",
        "build propagator",
        "build sampler {}",
        "exporter_options recorder traces",
        "build exporter {'x': 'y'}",
        "build response propagator",
        "started 1",
        "instrumented True",
        "1" * 32,
        "late_processor SpanProcessor traces __main__",
        "forked",
        "stopping exit",
        "exported s {'email': '****'}",
    ]
    assert "plugin recorder" in result.stderr
    assert "refuses it; it gets nothing" in result.stderr


@pytest.mark.parametrize("hook", ["started", "instrumented", "stopping", "forked"])
def test_a_hook_that_raises_while_running_is_named_and_disturbs_nothing(hook, receiver, tmp_path):
    source = f"""
        from distrokit import hookimpl

        @hookimpl
        def distrokit_{hook}(pipeline):
            raise RuntimeError("tripped")

        @hookimpl
        def distrokit_resource():
            return {{"acme": 1}}
    """
    result = instrumented(
        """
        import os
        from opentelemetry import trace

        with trace.get_tracer("t").start_as_current_span("s"):
            pass
        if child := os.fork():
            os.waitpid(child, 0)
        else:
            os._exit(0)
        raise SystemExit(7)
        """,
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf"),
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        },
        [write_plugin(tmp_path, "acme", source)],
    )

    (line,) = said(result)
    assert (
        f"plugin acme (distrokit-acme 1.0): distrokit_{hook}: RuntimeError: tripped; its hooks are no longer called"
        in line
    )
    assert "; its declarations stay. Repair it, or " in line
    assert [(span.name, span.resource["acme"]) for span in receiver.store.spans()] == [("s", 1)]
    assert result.returncode == 7


def test_a_plugin_that_fails_in_one_hook_contributes_nothing_at_all(tmp_path):
    source = """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_defaults():
            return {"OTEL_PROPAGATORS": "b3"}

        @hookimpl
        def distrokit_resource():
            return {"acme": 1}

        @hookimpl
        def distrokit_processors():
            raise RuntimeError("late")
    """

    result = in_process("explain", env=QUIET, path=[write_plugin(tmp_path, "acme", source)])

    assert "b3" not in result.stdout.partition("problems")[0]
    assert "acme" not in result.stdout.partition("problems")[0]
    assert re.search(r"plugin acme .* distrokit_processors: RuntimeError: late", result.stdout)


def test_a_check_decides_doctors_exit_code(tmp_path):
    path = [write_plugin(tmp_path, "example", render_hooks.examples(HOOKS["distrokit_checks"]))]

    bad = in_process("doctor", "--offline", path=path)
    good = in_process("doctor", "--offline", env={"ACME_TOKEN": "abc"}, path=path)

    assert bad.returncode == 1
    assert "  FAIL  acme-token: ACME_TOKEN is not set\n        → export ACME_TOKEN=…\n" in bad.stdout
    assert good.returncode == 0, good.stdout + good.stderr
    assert "ok    acme-token: ACME_TOKEN is set" in good.stdout


def test_a_command_is_added(tmp_path):
    path = [write_plugin(tmp_path, "example", render_hooks.examples(HOOKS["distrokit_commands"]))]

    assert distrokit("hello", path=path).stdout == "hello\n"
    assert "say hello" in in_process("--help", path=path).stdout


@pytest.mark.parametrize("name", ["distrokit_defaults", *DECLARE_HOOKS])
def test_what_is_given_in_code_or_by_the_distro_every_hook_that_declares_can_go_by(name):
    seen = []

    def hook(settings):
        seen.append((settings.get("FROM_CODE"), settings.get("FROM_DISTRO"), settings.get("FROM_ENVIRON")))

    distro = Distro(name="acme", version="1", defaults={"FROM_DISTRO": "d"})
    plan_for({"FROM_ENVIRON": "e"}, {"acme": plugin(**{name: hook})}, settings={"FROM_CODE": "c"}, distro=distro)

    assert seen == [("c", "d", "e")]

"""A plugin that keeps its promises passes; one that breaks one is told which, where, and what to do."""

from __future__ import annotations

import importlib
import itertools
import re
import types
from textwrap import dedent

import pytest

from distrokit import Sampler, hookimpl
from distrokit.testing import check_plugin

NUMBERS = itertools.count()

PRELUDE = """
    import os, sys, threading, time
    from distrokit import *

    @hookimpl
    def distrokit_settings():
        return [Setting(name="ACME_TOKEN", consumer="acme", meaning="who sends")]
"""

GOOD = """
    class Worker:
        # Has a thread, ends it, and makes it anew in a child.
        def __init__(self):
            self.forked()

        def forked(self):
            self.end = threading.Event()
            self.thread = threading.Thread(target=self.end.wait)
            self.thread.start()

        def __call__(self, span):
            assert self.thread.is_alive()
            return span

        def shutdown(self):
            self.end.set()
            self.thread.join()

    def make_exporter(options):
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        if not options.settings.get("ACME_TOKEN"):
            raise ValueError("ACME_TOKEN is not set")
        return ConsoleSpanExporter()

    def make_grpc(options):
        raise ModuleNotFoundError("it needs a package of its own: pip install acme-grpc")

    def make_sampler(context):
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON

        return ALWAYS_ON

    @hookimpl
    def distrokit_exporters():
        return [Exporter("acme", "traces", make_exporter), Exporter("acme_grpc", "logs", make_grpc)]

    @hookimpl
    def distrokit_samplers(entry_points):
        return [Sampler("acme", make_sampler), Sampler("acme2", make_sampler)]

    @hookimpl
    def distrokit_resource():
        return [ResourceDetector("acme", lambda: {"acme": 1})]

    @hookimpl
    def distrokit_processors():
        return [
            Processor("fresh", "logs", "transform", lambda context: lambda record: record),
            Processor("in-files-only", "metrics", "derive", lambda context: lambda data: None, default=False),
        ]
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A function that makes a module of this source, which another process can import."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(source, prelude=PRELUDE):
        name = f"acme{next(NUMBERS)}_plugin"
        (tmp_path / f"{name}.py").write_text(dedent(prelude) + dedent(source))
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return write


def findings(module, **options):
    with pytest.raises(AssertionError) as raised:
        check_plugin(module, **options)
    title, *found = str(raised.value).split("\n- ")
    assert title == f"plugin {module.__name__.removesuffix('_plugin')}: " + (
        "1 finding" if len(found) == 1 else f"{len(found)} findings"
    )
    return found


def test_a_good_plugin_passes(written):
    check_plugin(written(GOOD))


def test_what_it_is_given_is_on_no_command_line(written):
    look = """
        def look(context):
            file = sys.argv[1]
            assert "hush-hush" in open(file).read()
            assert not any("hush-hush" in argument for argument in sys.argv)
            assert not os.stat(file).st_mode & 0o077
            from opentelemetry.sdk.trace.sampling import ALWAYS_ON
            return ALWAYS_ON
    """
    module = written(dedent(look) + dedent(sampler("look")))

    check_plugin(module, environ={"ACME_TOKEN": "hush-hush"})


@pytest.mark.parametrize("name", ["batch", "otlp", "resource", "components", "spool", "yaml", "dev"])
def test_our_own_plugins_pass(name, tmp_path):
    environ = {
        "components": {"OTEL_EXPORTER_PROMETHEUS_PORT": "0"},
        "spool": {"DISTROKIT_SPOOL_DIRECTORY": str(tmp_path)},
    }

    check_plugin(importlib.import_module(f"distrokit_{name}.plugin"), environ=environ.get(name))


def sampler(factory="lambda context: None", more=""):
    return f"""
        {more}
        @hookimpl
        def distrokit_samplers():
            return [Sampler("acme", {factory})]
    """


def exporter(body):
    return f"""
        def make(options):
            from opentelemetry.sdk.trace.export import ConsoleSpanExporter
            {body}

        @hookimpl
        def distrokit_exporters():
            return [Exporter("acme", "traces", make)]
    """


def transform(body, before=""):
    return f"""
        def make(context):
            {before or "pass"}
            def transform(span):
                {body}
            return transform

        @hookimpl
        def distrokit_processors():
            return [Processor("acme", "traces", "transform", make)]
    """


BAD = {
    "a hook that does not exist": (
        "@hookimpl\ndef distrokit_sampler(): return []",
        ["registration: HookError: there is no hook 'distrokit_sampler'. Did you mean 'distrokit_samplers'?"],
    ),
    "an argument that does not exist": (
        "@hookimpl\ndef distrokit_samplers(setings): return []",
        ["Argument(s) {'setings'} are declared in the hookimpl but can not be found in the hookspec"],
    ),
    "a hook without its marker": ("def distrokit_samplers(): return []", ["is defined but not marked with @hookimpl"]),
    "an answer of the wrong kind": (
        "@hookimpl\ndef distrokit_samplers(): return [1]",
        ["distrokit_samplers: HookError"],
    ),
    "heavy to import": (
        "import requests",
        [
            "importing {module} imports requests ({file}:8); every process with this plugin would pay for it. Import it inside"
        ],
    ),
    "heavy to ask": (
        "@hookimpl\ndef distrokit_samplers():\n    from opentelemetry.sdk.trace import sampling\n    return []",
        ["declaring and planning imports opentelemetry.sdk ({file}:10)"],
    ),
    "another answer each time": (
        "@hookimpl\ndef distrokit_defaults(): return {'ACME': str(time.perf_counter())}",
        ["distrokit_defaults returns different results when it is called twice: [{'ACME': '"],
    ),
    "one name twice": (
        "def make(context): pass\n@hookimpl\ndef distrokit_samplers(): return [Sampler('a', make), Sampler('A', make)]",
        ["sampler a: plugin {name} (code) declares this name twice; none of them is used. Rename one."],
    ),
    "a name of somebody else's": (
        "@hookimpl(trylast=True)\ndef distrokit_exporters(): return [Exporter('otlp', 'logs', print)]",
        ["plugin {name} (code) and plugin otlp (distrokit-otlp", "exporter for logs otlp"],
    ),
    "a default that cannot be used": (
        "@hookimpl\ndef distrokit_defaults(): return {'OTEL_BSP_SCHEDULE_DELAY': 'soon'}",
        ["OTEL_BSP_SCHEDULE_DELAY"],
    ),
    "parameters that raise": (
        (
            "def read(reader): raise KeyError('x')\n"
            "@hookimpl\ndef distrokit_samplers(): return [Sampler('a', print, read)]"
        ),
        ["parameters of 'a': KeyError: 'x'"],
    ),
    "a factory that fails": (
        exporter('raise KeyError("endpoint")'),
        [
            "exporter acme (plugin {name}): KeyError: 'endpoint'; it is left out. Repair its factory: it must",
            " work without settings, or its error must name the setting or the `pip install` that it needs.",
        ],
    ),
    "a factory that imports what there is not": (
        exporter("import opentelemetry.sdk.tracee"),
        ["ModuleNotFoundError: No module named 'opentelemetry.sdk.tracee'; it is left out."],
    ),
    "a factory that returns something else": (
        sampler(),
        [
            "sampler acme (plugin {name}): TypeError: the factory returned NoneType, expected Sampler; parentbased_",
            "always_on is used. Repair its factory: it must work without settings, or its",
        ],
    ),
    "a detector that fails": (
        (
            "def detect(): raise OSError('no metadata')\n"
            "@hookimpl\ndef distrokit_resource(): return [ResourceDetector('acme', detect, default=False)]"
        ),
        ["resource detector acme (plugin {name}): OSError: no metadata"],
    ),
    "a transform that raises": (
        transform("return span.name / 2"),
        ["transform processor acme (plugin {name}): TypeError"],
    ),
    "a hook that raises while it runs": (
        "@hookimpl\ndef distrokit_started(pipeline): raise LookupError('x')",
        ["distrokit_started: LookupError: x"],
    ),
    "an exporter that raises when it ends": (
        exporter(
            """
            class Ends(ConsoleSpanExporter):
                def shutdown(self):
                    raise OSError("already closed")
            return Ends()
            """.strip()
        ),
        ["exporter acme for traces: shutdown() raised OSError: already closed"],
    ),
    "threads that stay": (
        exporter(
            """
            threading.Thread(target=time.sleep, args=(60,), name="acme-sender", daemon=True).start()
            return ConsoleSpanExporter()
            """.strip()
        ),
        [
            "threads are left after everything was shut down: 'acme-sender'; every pipeline that is built would leave one."
        ],
    ),
    "items that a child loses": (
        transform("return span if os.getpid() == parent else None", "parent = os.getpid()"),
        ["a forked child recorded traces but exported none; its parent exported some. Create locks, threads"],
    ),
    "an end of the child": (
        "@hookimpl\ndef distrokit_forked(pipeline): os._exit(3)",
        ["a forked child exited without a result"],
    ),
    "a fork that it does not survive": (
        transform("return span").replace("return transform", "return Part()")
        + """
        class Part:
            def __call__(self, span):
                return span

            def forked(self):
                raise OSError("no socket")

        @hookimpl
        def distrokit_forked(pipeline):
            raise LookupError("x")
        """,
        [
            "in a forked child: forked of processor acme (plugin {name}): OSError: no socket (",
            "in a forked child: plugin {name} (code): distrokit_forked: LookupError: x; its hooks are no longer called;",
        ],
    ),
    "samplers and id generators that do not do their work": (
        """
        def make_sampler(context):
            from opentelemetry.sdk.trace.sampling import Sampler as Base

            class Unsure(Base):
                def should_sample(self, *given):
                    return None

                def get_description(self):
                    return "Unsure"

            return Unsure()

        def make_ids(context):
            from opentelemetry.sdk.trace.id_generator import IdGenerator as Base

            class Ids(Base):
                def generate_trace_id(self):
                    return 1 << 128

                def generate_span_id(self):
                    return 0

            return Ids()

        @hookimpl
        def distrokit_samplers():
            return [Sampler("acme", make_sampler)]

        @hookimpl
        def distrokit_id_generators():
            return [IdGenerator("acme", make_ids)]
        """,
        [
            "sampler acme (plugin {name}): TypeError: should_sample() returned NoneType, not SamplingResult; spans that",
            f"id generator acme: generate_trace_id() returned {1 << 128}; a span with this id cannot be sent. Return a",
            "id generator acme: generate_span_id() returned 0; a span with this id cannot be sent. Return a number from",
        ],
    ),
    "checks that raise": (
        "@hookimpl\ndef distrokit_checks(plan): raise LookupError('x')",
        ["distrokit_checks: LookupError: x; its hooks are no longer called; its declarations stay. Repair it; docs"],
    ),
    "commands that cannot be used": (
        """
        def add(parser):
            raise ZeroDivisionError("x")

        @hookimpl
        def distrokit_commands():
            return [Command("doctor", "look", print), Command("acme", "look", print, add)]
        """,
        [
            "plugin {name} (code): there is already a command 'doctor'; the plugin's command is left out. Rename it.",
            "command acme: ZeroDivisionError: x; it has no arguments",
        ],
    ),
    "what is left in the process": (
        """
        from opentelemetry import trace

        def linger(name):
            threading.Thread(target=time.sleep, args=(60,), daemon=True, name=name).start()

        # Not in the process of these tests, which imports it as well.
        if "pytest" not in sys.modules:
            linger("acme-imported")
            print("hello")
            os.environ["ACME_STARTED"] = "1"
            trace.set_tracer_provider(trace.NoOpTracerProvider())

        @hookimpl
        def distrokit_defaults():
            linger("acme-asked")
            print("hello again")
            return {}
        """,
        [
            "importing {module} starts threads that stay: 'acme-imported'; every process with this plugin would have",
            "importing {module} prints to stdout, which is the program's. Write to stderr, or log.",
            "importing {module} writes ACME_STARTED into os.environ; the application and its children would have it.",
            "importing {module} sets the process's tracer provider, so distrokit cannot.",
            "declaring and planning starts threads that stay: 'acme-asked'; every process",
            "declaring and planning prints to stdout",
        ],
    ),
    "a secret that is printed": (
        exporter('print(options.settings.get("ACME_TOKEN"), file=sys.stderr); return ConsoleSpanExporter()'),
        ["the value of ACME_TOKEN is in the output; it is a secret. Leave it out, or show only its name and length."],
    ),
    "a secret that is sent": (
        "@hookimpl\ndef distrokit_resource(settings): return {'acme.who': settings.get('ACME_TOKEN', '?')}",
        ["the value of ACME_TOKEN is in the telemetry itself"],
    ),
    "the end of the process": (
        exporter("os._exit(3)"),
        ["the process ended with exit code 3 while building exporter acme for traces"],
    ),
}


@pytest.mark.parametrize("promise", BAD)
def test_a_broken_promise_is_found(promise, written):
    source, words = BAD[promise]
    module = written(source)
    there = {"module": module.__name__, "name": module.__name__.removesuffix("_plugin"), "file": module.__file__}

    found = findings(module)

    for text in words:
        wanted = re.sub(r"\{(module|name|file)\}", lambda match: there[match[1]], text)
        assert any(wanted in finding for finding in found), found


def test_a_filter_that_drops_everything_is_told_and_forked(written):
    with pytest.warns(
        UserWarning, match=r"transform acme for traces dropped all 2 items, so processors after it were not checked"
    ):
        check_plugin(written(transform("return None")))

    # What a child does before it is seen all the same.
    lost = """
        def make(context):
            parent = os.getpid()
            return lambda span: span if os.getpid() == parent else None

        @hookimpl
        def distrokit_processors():
            return [
                Processor("first", "traces", "transform", make),
                Processor("filter", "traces", "transform", lambda context: lambda span: None),
            ]
    """
    (finding,) = findings(written(lost))
    assert finding.startswith(
        "a forked child recorded traces but none reached transform filter for traces; its parent's"
    )


def test_what_hangs_costs_a_stage_and_everything_else_is_found(written):
    hangs = """
        import requests

        def make(context):
            event = threading.Event()
            if not context.settings.get("ACME_TOKEN"):
                event.wait()
            print(context.settings.get("ACME_TOKEN"))

        @hookimpl
        def distrokit_samplers():
            return [Sampler("acme", make)]
    """

    found = findings(written(hangs), timeout_seconds=8)

    assert [text.partition(" imports ")[2][:8] for text in found[:1]] == ["requests"]
    assert found[1].startswith("it hung and was killed while running pipeline 1, with acme; the rest of this stage")
    assert found[2].startswith("the value of ACME_TOKEN is in the output")
    assert len(found) == 3


def test_a_child_that_hangs_is_not_waited_for_long(written):
    waits = """
        def make(context):
            asked, answered = threading.Event(), threading.Event()
            def answer():
                while asked.wait():
                    asked.clear()
                    answered.set()
            threading.Thread(target=answer, daemon=True).start()
            def transform(span):
                answered.clear()
                asked.set()
                answered.wait()
                return span
            return transform

        @hookimpl
        def distrokit_processors():
            return [Processor("acme", "traces", "transform", make)]
    """

    (child, threads) = findings(written(waits), timeout_seconds=12)

    assert child.startswith("a forked child did not end within 3 s; every pre-forking server would hang.")
    assert threads.startswith("threads are left")


def test_a_setting_that_is_given_is_an_excuse_no_more(written):
    module = written(exporter('raise ValueError("ACME_TOKEN is not valid")'))

    check_plugin(module)
    (finding,) = findings(module, environ={"ACME_TOKEN": "x"})
    assert "ValueError: ACME_TOKEN is not valid" in finding


def test_a_module_that_another_process_cannot_import(written):
    module = written("if 'pytest' not in sys.modules: raise OSError('not here')")

    (finding,) = findings(module)
    assert finding == f"{module.__name__} cannot be imported in a new process: OSError: not here. Repair it."


def test_what_has_no_module_is_looked_at_as_far_as_it_can_be():
    class Plugin:
        @hookimpl
        def distrokit_samplers(self):
            return [Sampler("a", print), Sampler("a", print)]

    made = types.ModuleType("made_plugin")
    made.distrokit_settings = hookimpl(lambda: None)

    with (
        pytest.warns(UserWarning, match="plugin acme cannot be imported by name in another process"),
        pytest.raises(AssertionError, match=r"plugin acme: 1 finding\n- sampler a: .* declares this name twice"),
    ):
        check_plugin(Plugin(), "acme")
    with pytest.warns(UserWarning, match="plugin made cannot be imported"):
        check_plugin(made)
    with pytest.raises(ValueError, match="Plugin is not a module and has no name: pass one"):
        check_plugin(Plugin())

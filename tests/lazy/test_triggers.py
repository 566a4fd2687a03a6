"""An instrumentation is applied when its library is imported: whole, once, in the plan's order, and never in the way."""

from __future__ import annotations

import json
import sys
from textwrap import dedent

import pytest
from distributions import write_distribution
from processes import BIN, QUIET, distrokit, run

LAUNCHERS = {"run": [str(BIN / "distrokit"), "run"], "upstream": [str(BIN / "opentelemetry-instrument")]}
INSTRUMENTOR = """
    from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
    {imports}

    class Instrumentor(BaseInstrumentor):
        def instrumentation_dependencies(self):
            return ()

        def _instrument(self, **kwargs):
            {body}

        def _uninstrument(self, **kwargs):
            pass
"""


@pytest.fixture
def site(tmp_path):
    """Write libraries and their instrumentations; ``site.run`` runs a program with them."""
    return Site(tmp_path / "site")


class Site:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def library(self, name, files, *, version="1.0", names=()):
        info = write_distribution(self.folder, name, version) / f"{name.replace('-', '_')}-{version}.dist-info"
        for file, source in files.items():
            path = self.folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(source))
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
        if names:
            (info / "top_level.txt").write_text("\n".join(names))

    def instrumentation(self, name, body, library="", *, imports="", group=None):
        module = f"{name}_otel"
        source = INSTRUMENTOR.format(imports=imports, body=body)
        points = {"opentelemetry_instrumentor": {name: f"{module}:Instrumentor"}, **(group or {})}
        write_distribution(self.folder, f"{name}-otel", "1.0", points, {module: source})
        if library:
            with (self.folder / f"{name}_otel-1.0.dist-info" / "METADATA").open("a") as metadata:
                metadata.write(f'Requires-Dist: {library}; extra == "instruments"\n')

    def run(self, program, env=None, launcher="run"):
        return run(
            [*LAUNCHERS[launcher], sys.executable, "-c", dedent(program)], {**QUIET, **(env or {})}, [self.folder]
        )


PATCH = "import {0}; {0}.work = lambda: 'patched'"
WORK = {"acme_lib/__init__.py": "def work(): return 'plain'"}


@pytest.mark.parametrize("launcher", list(LAUNCHERS))
def test_it_is_applied_before_the_importing_code_goes_on(site, launcher):
    site.library("acme-lib", WORK)
    site.instrumentation("acme", PATCH.format("acme_lib"), "acme_lib>=1")

    result = site.run("from acme_lib import work; print(work())", launcher=launcher)
    other = site.run(
        "import sys, json; print('acme_otel' in sys.modules, 'acme_lib' in sys.modules)", launcher=launcher
    )
    eager = site.run("import sys; print('acme_lib' in sys.modules)", {"DISTROKIT_LAZY": "0"}, launcher)

    assert (result.stdout, result.stderr) == ("patched\n", "")
    assert other.stdout == "False False\n"
    assert eager.stdout == "True\n"


def test_the_module_is_found_by_the_metadata_of_the_library(site):
    # Neither the distribution's name nor a submodule or a test folder is the module.
    site.library("acme-client-python", {"acme/__init__.py": WORK["acme_lib/__init__.py"], "acme/sub.py": ""})
    site.instrumentation("acme", PATCH.format("acme"), "acme.client_python (>=1.0)")

    result = site.run("import acme; print(acme.work())")

    assert result.stdout == "patched\n", result.stderr
    assert (
        "acme      on  acme-otel 1.0, applied when acme is imported" in distrokit("explain", path=[site.folder]).stdout
    )


def test_a_library_that_is_still_importing_is_not_touched(site):
    # As urllib3 inside of requests, starlette inside of fastapi, click inside of flask.
    site.library("outer", {"outer/__init__.py": "import inner\nclass Thing(inner.Base): pass\nworks = inner.work()"})
    site.library("inner", {"inner/__init__.py": "class Base: pass\ndef work(): return 'plain'"})
    site.instrumentation(
        "aa", "import outer; print('outer', outer.Thing.__mro__[1] is inner.Base)", "outer", imports="import inner"
    )
    site.instrumentation(
        "bb", "import inner, outer; inner.Base = type('New', (inner.Base,), {}); print('inner')", "inner"
    )

    result = site.run("import outer; print(outer.works, outer.Thing.__mro__[1].__name__)")

    assert (result.stdout, result.stderr) == ("outer True\ninner\nplain Base\n", "")


def test_what_an_instrumentation_imports_is_applied_after_it(site):
    site.library("one", {"one.py": ""}, names=["one"])
    site.library("two", {"two.py": ""}, names=["two"])
    site.instrumentation("one", "print('one')", "one", imports="import two; print('imports two')")
    site.instrumentation("two", "print('two')", "two")

    assert site.run("import one; print('goes on')").stdout == "imports two\none\ntwo\ngoes on\n"


def test_a_failing_instrumentation_is_named_and_the_import_goes_on(site):
    site.library("acme-lib", WORK)
    site.instrumentation("acme", "raise ValueError('broken')", "acme-lib")

    result = site.run("import acme_lib; print(acme_lib.work())")

    assert (result.stdout, result.returncode) == ("plain\n", 0)
    assert "instrumentation acme (acme-otel 1.0): ValueError: broken" in result.stderr


def test_a_library_that_does_not_fit_is_left_alone(site):
    site.library("acme-lib", WORK)
    site.instrumentation("acme", PATCH.format("acme_lib"), "acme-lib>=2")

    result = site.run("import acme_lib; print(acme_lib.work())")
    requested = site.run("import logging; logging.error('x')", {"DISTROKIT_INSTRUMENTATION_ACME": "on"})

    assert (result.stdout, result.stderr) == ("plain\n", "")
    # Said when telemetry starts, not when the library is imported, which may never be.
    assert "it is requested by name, but not applied" in requested.stderr


def test_an_import_that_raises_and_is_tried_again(site):
    site.library(
        "acme-lib",
        {
            "acme_lib/__init__.py": "import os\nif os.environ.pop('FAIL', ''): raise ImportError\ndef work(): return 'plain'"
        },
    )
    site.instrumentation("acme", PATCH.format("acme_lib"), "acme-lib")

    program = "try: import acme_lib\nexcept ImportError: print('raised')\nimport acme_lib; print(acme_lib.work())"

    assert site.run(program, {"FAIL": "1"}).stdout == "raised\npatched\n"


@pytest.mark.usefixtures("without_coverage")
def test_imports_in_threads_at_once(site):
    for name in "abcd":
        site.library(
            name,
            {f"lib_{name}.py": f"import time; time.sleep(0.2)\ndef work(): return '{name}'"},
            names=[f"lib_{name}"],
        )
        site.instrumentation(f"i{name}", PATCH.format(f"lib_{name}"), name)
    program = """
        import importlib, threading
        import distrokit.lazy.on_demand
        # A slow machine starts telemetry in more than the usual wait.
        distrokit.lazy.on_demand._WAIT_IN_IMPORT = 60
        found = {}
        def use(name):
            found[name] = importlib.import_module(f"lib_{name}").work()
        threads = [threading.Thread(target=use, args=(name,)) for name in "abcd"]
        [t.start() for t in threads], [t.join() for t in threads]
        print(*[found[name] for name in "abcd"])
    """

    result = site.run(program)

    # Each thread has used its library at once.
    assert (result.stdout, result.stderr) == ("patched patched patched patched\n", "")


def test_a_library_takes_functions_of_pythons_own_library_by_name(site):
    group = {"distrokit.triggers": {"colorsys": "colors_otel:Instrumentor"}}
    site.instrumentation("colors", "import colorsys; colorsys.rgb_to_hls = lambda *rgb: 'patched'", group=group)
    site.library("outer", {"outer.py": "from colorsys import rgb_to_hls\nworks = rgb_to_hls(0, 0, 0)"}, names=["outer"])
    site.instrumentation("outer", "pass", "outer")

    result = site.run("import outer; print(outer.works)")

    assert (result.stdout, result.stderr) == ("patched\n", "")


def test_reload_and_namespace_packages(site):
    site.library("acme-lib", {"acme/deep/__init__.py": "def work(): return 'plain'"})
    group = {"distrokit.triggers": {"acme.deep": "acme_otel:Instrumentor"}}
    site.instrumentation("acme", "import acme.deep; acme.deep.work = lambda: 'patched'", "acme-lib", group=group)
    program = """
        import acme
        from acme import deep
        import importlib
        print(deep.work())
        print(importlib.reload(deep).work())
    """

    result = site.run(program)

    # As at the start: what is loaded again is not instrumented.
    assert (result.stdout, result.stderr) == ("patched\nplain\n", "")


def test_the_author_declares_triggers_in_metadata(site):
    site.library("acme-lib", {"acme_a.py": "", "acme_b.py": ""}, names=["acme_a", "acme_b", "acme_c"])
    declared = {"acme_b": "acme_otel:Instrumentor", "acme_c": "acme_otel:Instrumentor"}
    site.instrumentation("acme", "print('applied')", "acme-lib", group={"distrokit.triggers": declared})

    assert site.run("import acme_a; print('a'); import acme_b; print('b')").stdout == "a\napplied\nb\n"
    planned = json.loads(distrokit("explain", "--json", path=[site.folder]).stdout)["instrumentations"]["acme"]
    assert planned["triggers"] == ["acme_b", "acme_c"]


def test_a_plugin_changes_the_triggers_of_the_plan(site):
    site.library("acme-lib", {"acme_a.py": "", "acme_b.py": ""}, names=["acme_a"])
    site.instrumentation("acme", "print('applied')", "acme-lib")
    plugin = """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_plan(plan):
            plan.instrumentations["acme"].triggers = ("acme_b",)
    """
    write_distribution(site.folder, "acme-plugin", "1", {"distrokit": {"p": "acme_plugin"}}, {"acme_plugin": plugin})

    assert site.run("import acme_a; print('a'); import acme_b; print('b')").stdout == "a\napplied\nb\n"


def test_an_instrumentation_without_a_library_is_applied_at_the_start_and_explain_says_why(site):
    site.instrumentation("profiler", "print('applied')")

    result = site.run("print('runs')")
    off = site.run("print('runs')", {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "profiler"})

    assert result.stdout == "applied\nruns\n", result.stderr
    assert off.stdout == "runs\n"
    explained = distrokit("explain", path=[site.folder]).stdout
    assert "at once           instrumentation profiler, whose package names no library" in explained


def test_an_application_that_applies_it_itself_applies_it_once(site):
    site.library("acme-lib", WORK)
    site.instrumentation("acme", "print('applied')", "acme-lib")

    result = site.run("from acme_otel import Instrumentor; Instrumentor().instrument(); import acme_lib")

    assert result.stdout == "applied\n"
    assert "already instrumented" in result.stderr


def test_a_module_in_c(site):
    # Python's own library is in C, too, but this module is imported by nothing else.
    site.library("acme-lib", {}, names=["_lsprof"])
    site.instrumentation("acme", "import _lsprof; print('applied')", "acme-lib")

    assert site.run("import _lsprof; print('goes on')").stdout == "applied\ngoes on\n"


def test_a_library_that_was_imported_before_is_instrumented_at_once(site):
    site.library("acme-lib", WORK)
    site.instrumentation("acme", PATCH.format("acme_lib"), "acme-lib")

    result = run(
        [sys.executable, "-c", "import acme_lib, distrokit; distrokit.start(); print(acme_lib.work())"],
        QUIET,
        [site.folder],
    )

    assert result.stdout == "patched\n", result.stderr


def test_debug_says_when_each_was_applied_and_what_it_cost(site):
    site.library("acme-lib", WORK)
    site.instrumentation("acme", PATCH.format("acme_lib"), "acme-lib")

    result = site.run("import acme_lib", {"OTEL_LOG_LEVEL": "debug"})

    lines = [
        line
        for line in result.stderr.splitlines()
        if "instrumentation acme: applied when acme_lib is imported, in" in line
    ]
    assert len(lines) == 1, result.stderr


def test_strict_applies_all_at_the_start(site):
    site.library("acme-lib", WORK)
    site.instrumentation("acme", "raise ValueError('broken')", "acme-lib")

    result = site.run("print('runs')", {"DISTROKIT_STRICT": "1"})

    assert (result.stdout, result.returncode) == ("", 78)
    assert "instrumentation acme" in result.stderr


def test_modules_look_as_without_a_launcher(site):
    site.library(
        "acme-lib", {"acme_lib/__init__.py": "loader = __loader__, __spec__.loader, type(__loader__).__name__"}
    )
    site.instrumentation("acme", "pass", "acme-lib")

    program = "import acme_lib as m; print(m.loader[0] is m.loader[1], m.loader[2], m.__spec__.loader is m.__loader__)"

    assert site.run(program).stdout == "True SourceFileLoader True\n"

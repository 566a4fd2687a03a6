"""Exact budgets: what each stage of a start imports, beyond what an interpreter has imported by itself."""

from __future__ import annotations

import ast
import json
import os
import sys

from processes import BIN, QUIET, run

LAZY = {
    "distrokit",
    "distrokit.attached",
    "distrokit.attached.program",
    "distrokit.lazy",
    "distrokit.lazy.bootstrap",
    "distrokit.lazy.eager_reasons",
    "distrokit.lazy.entry_point_files",
    "distrokit.lazy.first_use",
    "distrokit.lazy.import_hook",
    "distrokit.lazy.monkey_patching",
    "distrokit.lazy.on_demand",
    "distrokit.lazy.spellings",
    "distrokit.lazy.triggers",
}
#: In a process that imports threading.
SIGNALS = {
    "distrokit.pipeline",
    "distrokit.pipeline.hidden_handler",
    "distrokit.pipeline.os_signals",
    "distrokit.threads",
}
SLEEP = "from distrokit.lazy.bootstrap import sleep_until_used; assert sleep_until_used()"
HEAVY = ("wrapt", "asyncio", "grpc", "google", "requests", "urllib3", "packaging", "ssl")


def imported(code, env=None):
    """The modules that ``code`` imports, in an interpreter without ``site``, so that nothing is imported before."""
    program = f"import sys\nsys.path[:] = {sys.path!r}\nbefore = set(sys.modules)\n{code}\n"
    program += "after = sorted(set(sys.modules) - before)\nimport json\nprint(json.dumps(after))"
    result = run([sys.executable, "-I", "-S", "-c", program], {**QUIET, **(env or {})}, cwd=os.sep)
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout.splitlines()[-1]))


def of(modules, *packages):
    return {module for module in modules if module.startswith(packages)}


def test_the_launcher():
    program = """
import os, sys
os.execve = lambda path, words, environ: (_ for _ in ()).throw(KeyboardInterrupt)
from distrokit.cli import main
try:
    main(["run", sys.executable, "app.py"])
except KeyboardInterrupt:
    pass
"""
    modules = imported(program)

    assert of(modules, "distrokit") == {
        "distrokit",
        "distrokit.cli",
        "distrokit.cli.plain_command",
        "distrokit.launch",
        "distrokit.launch.site",
        "distrokit.launch.site.sitecustomize",
    }
    assert modules - of(modules, "distrokit") <= {"__future__", "os", "posixpath", "genericpath", "stat", "_stat", "os.path",
                                                  "_collections_abc"}  # fmt: skip


def test_a_process_that_uses_nothing():
    modules = imported(SLEEP)

    assert of(modules, "distrokit") == LAZY
    # os is not imported yet without site.
    assert modules - LAZY <= {"__future__", "atexit", "os", "posixpath", "genericpath", "stat", "_stat", "os.path",
                              "_collections_abc"}  # fmt: skip


def test_a_program_under_opentelemetry_instrument():
    program = "import sys; print(sorted(m for m in sys.modules if m.startswith(('distrokit', 'opentelemetry'))))"

    result = run([str(BIN / "opentelemetry-instrument"), sys.executable, "-c", program], QUIET)

    # Coverage, where it is measured, has imported threading before.
    found = set(ast.literal_eval(result.stdout))
    assert found - LAZY <= SIGNALS, result.stderr
    assert found >= LAZY


def test_a_process_that_imports_threading():
    modules = imported(f"{SLEEP}\nimport threading")
    plain = imported("import threading")

    assert of(modules, "distrokit") - LAZY == SIGNALS
    heavy = {"typing", "dataclasses", "re", "logging", "importlib.metadata", "opentelemetry", "pluggy"}
    assert not (modules - plain) & heavy


def test_the_first_span():
    use = "from opentelemetry import trace; trace.get_tracer('a').start_span('a')"
    modules = imported(
        f"{SLEEP}\n{use}", {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}
    )

    assert "opentelemetry.sdk.trace" in modules
    assert of(modules, *HEAVY) == set()
    assert of(
        modules, "opentelemetry.instrumentation.", "opentelemetry.exporter.otlp.proto.common", "opentelemetry.proto"
    ) <= {"opentelemetry.instrumentation.version"}


def test_disabled_telemetry_that_is_used_needs_no_exporter():
    use = "from opentelemetry.propagate import inject; inject({})"
    modules = imported(f"{SLEEP}\n{use}", {"OTEL_SDK_DISABLED": "true", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"})

    assert of(modules, *HEAVY, "opentelemetry.exporter", "opentelemetry.proto") == set()

"""Exporters whose export ends only when they are shut down: that is done within the time for the end, by all processors."""

from __future__ import annotations

import signal

import pytest
from applications import run, start
from distributions import write_plugin

PLUGIN = """
import os, threading
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from distrokit import Exporter, hookimpl

def tell(text):
    with open(os.environ["TOLD"], "a") as file:
        file.write(text + "\\n")

def waiting(kind, results, signal):
    class Waiting(kind):
        def __init__(self):
            super().__init__()
            self.over = threading.Event()

        def export(self, items, *args, **kwargs):
            tell(signal + " export")
            if not self.over.wait(60):
                return results.FAILURE
            tell(signal + " delivered")
            return results.SUCCESS

        def shutdown(self, *args, **kwargs):
            tell(signal + " shutdown")
            self.over.set()

        def force_flush(self, *args, **kwargs):
            return True

    return Waiting()

KINDS = {
    "traces": (SpanExporter, SpanExportResult),
    "metrics": (MetricExporter, MetricExportResult),
    "logs": (LogRecordExporter, LogRecordExportResult),
}

@hookimpl
def distrokit_exporters():
    return [Exporter("waiting", tuple(KINDS), lambda options: waiting(*KINDS[options.signal], options.signal))]
"""
SIGNALS = ("logs", "metrics", "traces")


@pytest.fixture
def told(tmp_path):
    """What the exporters told, in lines; and the environment for it."""
    path = write_plugin(tmp_path, "acme", PLUGIN)
    file = tmp_path / "told"
    file.touch()
    env = {f"OTEL_{name.upper()}_EXPORTER": "waiting" for name in SIGNALS}
    return file, {**env, "PYTHONPATH": str(path), "TOLD": str(file), "DISTROKIT_EXIT_TIMEOUT": "4000"}


def each(*words: str) -> list[str]:
    return sorted(f"{name} {word}" for name in SIGNALS for word in words)


@pytest.mark.parametrize("how", ["distrokit", "sdk", "spool", "SIGTERM"])
def test_what_they_hold_is_delivered(told, tmp_path, how):
    file, env = told
    env["DISTROKIT_BATCH"] = "sdk" if how == "sdk" else "distrokit"
    if how == "spool":
        env["DISTROKIT_SPOOL_DIRECTORY"] = str(tmp_path / "spool")
    program = "emit(3)\n" + ("time.sleep(60)" if how == "SIGTERM" else "")
    app = start(program, "http://127.0.0.1:9", "http/protobuf", tmp_path, env)
    if how == "SIGTERM":
        app.until_emitted(3)
        app.signal(signal.SIGTERM)
    app.end()

    assert sorted(file.read_text().splitlines()) == each("export", "shutdown", "delivered"), app.err
    assert app.said == []
    assert app.process.returncode == (-signal.SIGTERM if how == "SIGTERM" else 0)


def test_an_exporter_that_is_idle_is_shut_down_once(told, tmp_path):
    file, env = told
    run("pass", "http://127.0.0.1:9", "http/protobuf", tmp_path, env)

    assert sorted(file.read_text().splitlines()) == each("shutdown")


def test_an_exporter_that_its_processor_forgets_is_shut_down(told, tmp_path):
    file, env = told
    path = write_plugin(
        tmp_path / "more",
        "forgetful",
        """
        from opentelemetry.sdk.trace import SpanProcessor
        from distrokit import Processor, hookimpl

        class Forgetful(SpanProcessor):
            pass

        @hookimpl
        def distrokit_processors():
            return [Processor("forgetful", "traces", "export", lambda exporter, context: Forgetful())]
        """,
    )
    env["PYTHONPATH"] += f":{path}"
    env["DISTROKIT_TRACES_PROCESSOR"] = "forgetful"
    app = run("emit(0)", "http://127.0.0.1:9", "http/protobuf", tmp_path, env)

    assert sorted(file.read_text().splitlines()) == each("shutdown"), app.err

"""The parts of ``hooks.md`` that are about no single hook say what happens."""

from __future__ import annotations

import re
import threading
from types import ModuleType

import pytest
from interpreters import ROOT

from distrokit.testing import in_memory

PAGE = (ROOT / "docs/hooks.md").read_text()


def plugin(code):
    module = ModuleType("example")
    exec(code, vars(module))
    return {"example": module}


def test_a_log_record_is_changed_as_the_page_does_it():
    _, section = PAGE.split("## What each stage is given\n")
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)

    with in_memory(plugin(code)) as telemetry:
        logger = telemetry.logger_provider.get_logger("shop")
        logger.emit(body="paid with 4000 1234", attributes={"card": "4000 1234", "amount": 3})
        logger.emit(body={"kind": "event"}, attributes=None)
        logs = telemetry.logs()

    assert [(log.body, log.attributes) for log in logs] == [
        ("paid with ****", {"amount": 3}),
        ({"kind": "event"}, {}),
    ]


SEEN = """
from distrokit import Processor, hookimpl
import threading

SEEN = []

def make(context):
    from opentelemetry.sdk.trace import SpanProcessor

    class Both(SpanProcessor):
        def on_start(self, span, parent_context=None):
            SEEN.append(("on_start", hasattr(span, "set_attribute"), threading.current_thread().name))

        def on_end(self, span):
            SEEN.append(("on_end", hasattr(span, "set_attribute"), threading.current_thread().name))

    return Both()

@hookimpl
def distrokit_processors():
    return [Processor("seen", "traces", "enrich", make)]
"""


def test_the_stages_of_spans_run_on_the_applications_thread():
    plugins = plugin(SEEN)
    with in_memory(plugins) as telemetry:
        worker = threading.Thread(
            target=lambda: telemetry.tracer_provider.get_tracer("t").start_span("s").end(), name="application"
        )
        worker.start()
        worker.join()

    assert plugins["example"].SEEN == [("on_start", True, "application"), ("on_end", False, "application")]


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_every_signal_has_its_column(signal):
    assert f"| {signal} " in PAGE.partition("## What each stage is given")[2]

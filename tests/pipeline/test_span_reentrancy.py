"""Signal handlers that change the span which their thread is just changing."""

from __future__ import annotations

import pytest
from processes import instrumented

PROGRAM = """
import faulthandler, os, signal, sys, time
from opentelemetry import trace

# Its thread would take the first signals.
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
faulthandler.dump_traceback_later(90, exit=True)
signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
tracer = trace.get_tracer("t")
calls = rounds = 0
spans = []

def done(right):
    os.write(2, f"done: {right}\\n".encode())

def handler(*_):
    global calls
    calls += 1
    span = spans[-1]
    {handler}
    # Once more, when this one is over: a slow machine would come to nothing else.
    signal.setitimer(signal.ITIMER_REAL, 0.0002)

signal.signal(signal.SIGALRM, handler)
spans.append(tracer.start_span("s"))
signal.setitimer(signal.ITIMER_REAL, 0.0002)
until = time.monotonic() + 20
while calls < 200 and time.monotonic() < until:
    rounds += 1
    span = spans[-1]
    {work}
signal.signal(signal.SIGALRM, signal.SIG_IGN)
{after}
sys.stdout.flush()
os._exit(0)
"""
NONE = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "console"}


@pytest.mark.parametrize(
    ("handler", "work", "after"),
    [
        (
            'span.set_attribute(f"h{calls}", 1); span.add_event(f"e{calls}")',
            'span.set_attribute("k", rounds); span.add_event("w")',
            'done(span.attributes["k"] == rounds and all(f"h{n + 1}" in span.attributes for n in range(calls)))',
        ),
        (
            "span.end()",
            'span.set_attribute("k", 1); span.end(); spans.append(tracer.start_span("s"))',
            "done(calls > 0)",
        ),
    ],
)
def test_a_handler_in_the_middle_of_a_change(handler, work, after):
    program = PROGRAM.replace("{handler}", handler).replace("{work}", work)
    result = instrumented(
        program.replace("{after}", after),
        {**NONE, "OTEL_LOG_LEVEL": "error", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "9999"},
    )

    assert ("done: True\n" in result.stderr, result.returncode) == (True, 0), result.stderr
    assert "Timeout" not in result.stderr


def test_every_change_of_a_handler_is_made():
    program = PROGRAM.replace("{handler}", 'span.add_event(f"e{calls}")').replace(
        "{work}", 'span.set_attribute("k", rounds)'
    )
    after = 'print(sorted({event.name for event in span.events}) == sorted({f"e{n + 1}" for n in range(calls)}))'
    result = instrumented(program.replace("{after}", after), {**NONE, "OTEL_SPAN_EVENT_COUNT_LIMIT": "1000"})

    assert result.stdout == "True\n", result.stderr


def test_a_patched_method_changes_its_span_at_once():
    program = """
        import os, sys
        from opentelemetry import trace
        from opentelemetry.sdk.trace import Span

        end = Span.end

        def patched(self, *args, **kwargs):
            self.set_attribute("patched", True)
            end(self, *args, **kwargs)

        Span.end = patched
        span = trace.get_tracer("t").start_span("s")
        span.end()
        print(dict(span.attributes))
        sys.stdout.flush()
        os._exit(0)
    """
    result = instrumented(program, NONE)

    assert result.stdout == "{'patched': True}\n", result.stderr


def test_a_handler_while_another_thread_changes_the_span_too():
    program = """
        import faulthandler, os, signal, sys, threading, time
        from opentelemetry import trace

        faulthandler.dump_traceback_later(60, exit=True)

        class Slow(dict):
            def __init__(self, name, call):
                super().__init__({name: 1})
                self.call = call

            def items(self):
                self.call()
                return super().items()

        def interrupted():
            # By now the other thread has finished its change.
            other.join()
            signal.raise_signal(signal.SIGUSR1)
            time.sleep(0.01)

        span = trace.get_tracer("t").start_span("s")
        signal.signal(signal.SIGUSR1, lambda *_: span.set_attribute("handler", 1))
        begun = threading.Event()
        other = threading.Thread(target=lambda: span.set_attributes(Slow("other", lambda: (begun.set(), time.sleep(0.3)))))
        other.start()
        begun.wait()
        span.set_attributes(Slow("main", interrupted))
        print(sorted(span.attributes))
        sys.stdout.flush()
        os._exit(0)
    """

    result = instrumented(program, NONE)

    assert result.stdout == "['handler', 'main', 'other']\n", result.stderr


def test_a_call_before_the_lock_does_not_take_the_mark_from_the_call_it_interrupts():
    program = """
        import faulthandler, os
        from collections.abc import Sequence
        from opentelemetry import trace
        from opentelemetry.sdk.trace import Span

        faulthandler.dump_traceback_later(20, exit=True)
        original = Span.set_attribute

        def patched(self, key, value):
            self.add_event("before")
            original(self, key, value)

        class Interrupting(Sequence):
            def __len__(self):
                return 1

            def __getitem__(self, at):
                if at:
                    raise IndexError(at)
                span.add_event("inside")
                return "x"

        Span.set_attribute = patched
        span = trace.get_tracer("t").start_span("s")
        span.set_attribute("k", Interrupting())
        print([event.name for event in span.events], flush=True)
        os._exit(0)
    """
    result = instrumented(program, {**NONE, "OTEL_TRACES_EXPORTER": "none"})

    assert result.stdout == "['before', 'inside']\n", result.stderr

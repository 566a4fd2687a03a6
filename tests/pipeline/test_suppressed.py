"""Plugin code in the stages, in samplers and in id generators uses instrumented libraries: none of that is telemetry."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from applications import start
from distributions import write_plugin
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled, is_instrumentation_enabled
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from peers import http_peer

from distrokit.pipeline.suppressed import suppress_in, suppress_part

PLUGIN = """
import os, requests
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler as SDKSampler
from distrokit import IdGenerator, Processor, Sampler, hookimpl

def ask(what):
    requests.get(os.environ["ELSEWHERE"] + "/" + what)

class Spans(SpanProcessor):
    def __init__(self, what):
        self.what = what

    def on_start(self, span, parent_context=None):
        ask(self.what + "-start")

    def on_end(self, span):
        ask(self.what + "-end")

class Records(LogRecordProcessor):
    def __init__(self, what):
        self.what = what

    def on_emit(self, record):
        ask(self.what)

    def shutdown(self):
        pass

    def force_flush(self, timeout_millis=30_000):
        return True

class Sync(SpanProcessor):
    '''Exports by itself, in the application's thread.'''

    def __init__(self, exporter):
        self.exporter = exporter

    def on_end(self, span):
        self.exporter.export([span])

    def shutdown(self):
        self.exporter.shutdown()

def transform(what):
    def asking(item):
        ask(what)
        return item
    return asking

class Sampling(SDKSampler):
    def should_sample(self, *arguments, **keywords):
        ask("sampler")
        return ALWAYS_ON.should_sample(*arguments, **keywords)

    def get_description(self):
        return "asking"

class Ids(RandomIdGenerator):
    def generate_span_id(self):
        ask("ids")
        return super().generate_span_id()

@hookimpl
def distrokit_processors():
    found = [Processor("sync", "traces", "export", lambda exporter, context: Sync(exporter))]
    for signal in ("traces", "metrics", "logs"):
        made = {"traces": Spans, "metrics": transform, "logs": Records}[signal]
        for stage in ("enrich", "derive"):
            found.append(Processor(f"{stage}-{signal}", signal, stage, lambda context, w=f"{signal}-{stage}", m=made: m(w)))
        found.append(Processor(f"t-{signal}", signal, "transform", lambda context, w=signal + "-transform": transform(w)))
        found.append(
            Processor(f"some-{signal}", signal, "transform", lambda context, w=signal + "-some": transform(w), exporters=("otlp",))
        )
    return found

@hookimpl
def distrokit_samplers():
    return [Sampler("asking", lambda context: Sampling())]

@hookimpl
def distrokit_id_generators():
    return [IdGenerator("asking", lambda context: Ids())]
"""


@pytest.fixture
def elsewhere() -> Iterator[ThreadingHTTPServer]:
    """A server that keeps the paths that it is asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path[1:])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Quiet."""

    asked: list[str] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked = asked
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("processor", ["batch", "sync"])
def test_one_item_is_one_request_of_each_part(elsewhere, tmp_path, processor):
    path = write_plugin(tmp_path, "acme", PLUGIN)
    env = {
        "PYTHONPATH": str(path),
        "ELSEWHERE": f"http://127.0.0.1:{elsewhere.server_address[1]}",
        "OTEL_TRACES_SAMPLER": "asking",
        "OTEL_PYTHON_ID_GENERATOR": "asking",
        "DISTROKIT_TRACES_PROCESSOR": processor,
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask",
    }
    program = f"""
        import requests
        emit(1)
        # The instrumentation is there: this one is the application's.
        requests.get("{env["ELSEWHERE"]}/own")
    """
    with http_peer() as peer:
        app = start(program, peer.endpoint, "http/protobuf", tmp_path, env).end()

        assert app.process.returncode == 0, app.err
        assert app.said == []
        # The one that it emits, and the request.
        assert peer.ledger.spans.total() == 2
        assert peer.ledger.logs.total() == 1
    counts = {what: elsewhere.asked.count(what) for what in set(elsewhere.asked)}
    two = [
        "sampler",
        "ids",
        *(f"traces-{part}" for part in ("enrich-start", "enrich-end", "derive-start", "derive-end")),
    ]
    two += ["traces-transform", "traces-some"]
    one = ["own", *(f"logs-{part}" for part in ("enrich", "transform", "derive", "some"))]
    # Of metrics there is one collection, at the end.
    one += [f"metrics-{part}" for part in ("enrich", "transform", "derive", "some")]
    assert counts == {**dict.fromkeys(two, 2), **dict.fromkeys(one, 1)}


def test_a_callback_of_an_observable_instrument_is_application_code(elsewhere, tmp_path):
    """Its calls make spans, as with the SDK's own reader; only the export is suppressed."""
    program = f"""
        import requests
        from opentelemetry import metrics

        def observe(options):
            requests.get("http://127.0.0.1:{elsewhere.server_address[1]}/observed")
            return [metrics.Observation(1)]

        metrics.get_meter("m").create_observable_gauge("g", [observe])
        metrics.get_meter_provider().force_flush()
    """
    with http_peer() as peer:
        app = start(
            program, peer.endpoint, "http/protobuf", tmp_path, {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask"}
        ).end()

        assert (app.process.returncode, app.said) == (0, []), app.err
        # The last collection is at the end, when no span could be sent any more.
        assert (peer.ledger.spans.total(), elsewhere.asked.count("observed")) == (1, 2)


LOGGING = """
import logging
from opentelemetry.sdk._logs import LogRecordProcessor
from distrokit import Processor, hookimpl

class Records(LogRecordProcessor):
    def on_emit(self, record):
        logging.getLogger("acme").warning("enriching")

    def shutdown(self):
        pass

    def force_flush(self, timeout_millis=30_000):
        return True

def transform(record):
    logging.getLogger("acme").warning("transforming")
    return record

@hookimpl
def distrokit_processors():
    return [
        Processor("enriching", "logs", "enrich", lambda context: Records()),
        Processor("transforming", "logs", "transform", lambda context: transform),
        Processor("some", "logs", "transform", lambda context: transform, exporters=("otlp",)),
    ]
"""


def test_a_part_that_logs_is_not_called_for_that(tmp_path):
    path = write_plugin(tmp_path, "acme", LOGGING)
    with http_peer() as peer:
        app = start("emit(2)", peer.endpoint, "http/protobuf", tmp_path, {"PYTHONPATH": str(path)}).end()

        assert app.process.returncode == 0, app.err
        assert peer.ledger.lost(app.emitted, "logs") == []
        assert not peer.ledger.duplicated("logs")
        records = sum(request.items for request in peer.ledger.requests if request.signal == "logs")
    assert app.said == []
    assert 2 <= records <= 10
    assert "RecursionError" not in app.err


class Watching(SpanProcessor):
    def __init__(self) -> None:
        self.seen: list[tuple[object, ...]] = []

    def on_start(self, span, parent_context=None):
        enabled = is_instrumentation_enabled() or is_http_instrumentation_enabled()
        self.seen.append((enabled, baggage.get_baggage("tenant"), trace.get_current_span().get_span_context().span_id))


class Attaching(SpanProcessor):
    def on_start(self, span, parent_context=None):
        self.token = context.attach(baggage.set_baggage("from", "a processor"))

    def on_end(self, span):
        context.detach(self.token)


def test_the_rest_of_the_context_is_as_it_was():
    watching = Watching()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(suppress_part(watching))
    before = context.get_current()
    token = context.attach(baggage.set_baggage("tenant", "seven"))
    with provider.get_tracer("t").start_as_current_span("outer") as outer:
        provider.get_tracer("t").start_span("inner").end()
    context.detach(token)

    assert watching.seen == [(False, "seven", 0), (False, "seven", outer.get_span_context().span_id)]
    assert context.get_current() == before


def test_a_context_that_a_processor_attaches_stays_until_it_detaches_it():
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(suppress_part(Attaching()))
    before = context.get_current()
    span = provider.get_tracer("t").start_span("outer")
    assert baggage.get_baggage("from") == "a processor"
    assert is_instrumentation_enabled()
    assert is_http_instrumentation_enabled()
    span.end()
    assert context.get_current() == before


def test_a_processor_that_makes_spans_is_not_called_for_them():
    class Making(SpanProcessor):
        def on_end(self, span):
            tracer.start_span(f"of {span.name}").end()

    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(suppress_part(Making()))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("t")
    tracer.start_span("one").end()

    assert [span.name for span in memory.get_finished_spans()] == ["of one", "one"]


def test_what_is_the_sdks_own_is_left_alone_and_others_are_changed_once():
    class Mine(RandomIdGenerator):
        pass

    mine, sdks = Mine(), RandomIdGenerator()
    for part in (mine, mine, sdks, ALWAYS_ON, object()):
        suppress_in(part)
    assert not vars(sdks)
    assert "should_sample" not in vars(ALWAYS_ON)
    assert set(vars(mine)) == {"generate_trace_id", "generate_span_id"}
    assert vars(mine)["generate_trace_id"].__wrapped__.__self__ is mine
    assert mine.generate_trace_id()

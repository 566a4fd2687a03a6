"""Planted secrets of all kinds at every place: none arrives. Look-alikes arrive as they are."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from guard_corpus import KEYS, PATTERNS, SECRETS, Maker, look_alikes
from guard_places import PLACES
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from processes import instrumented

from distrokit import hookimpl
from distrokit.testing import in_memory
from distrokit_guard import plugin
from distrokit_otlp.wire.json_form import JsonForm
from distrokit_otlp.wire.logs import LogWriter
from distrokit_otlp.wire.metrics import MetricWriter
from distrokit_otlp.wire.repairs import Repairs
from distrokit_otlp.wire.spans import SpanWriter

RULES = {
    "DISTROKIT_GUARD_REDACT": "all",
    "DISTROKIT_GUARD_REDACT_KEYS": KEYS,
    "DISTROKIT_GUARD_REDACT_PATTERNS": PATTERNS,
}
#: Places of metrics; that of the exemplars has a span, too.
MEASURED = {"counter attribute", "histogram attribute", "observed attribute", "description"}


class Views:
    """Takes an attribute away, so that exemplars have it."""

    @hookimpl
    def distrokit_views(self):
        return [{"selector": {"instrument_name": "viewed.*"}, "stream": {"attribute_keys": {"included": ["kept"]}}}]


def sent(telemetry) -> str:
    """All items as an exporter would send them, in JSON."""
    telemetry._flush()
    written = []
    for options, keeper in telemetry._kept:
        if options.signal == "traces":
            written.append(JsonForm("ExportTraceServiceRequest")(SpanWriter(Repairs())(keeper._kept)))
        elif options.signal == "logs":
            written.append(JsonForm("ExportLogsServiceRequest")(LogWriter(Repairs())(keeper._kept)))
        else:
            write = JsonForm("ExportMetricsServiceRequest")
            written += [write(MetricWriter(Repairs())(data)) for data in keeper._kept]
    return b"\n".join(written).decode()


class LateExporters:
    """Exporters of another SDK, added late; and a processor that keeps running spans and reads them in the end."""

    def __init__(self, telemetry) -> None:
        self._spans, self._logs, self._running = InMemorySpanExporter(), InMemoryLogRecordExporter(), []
        keeping = SpanProcessor()
        keeping.on_start = lambda span, parent_context=None: self._running.append(span)
        telemetry.tracer_provider.add_span_processor(SimpleSpanProcessor(self._spans))
        telemetry.tracer_provider.add_span_processor(keeping)
        telemetry.logger_provider.add_log_record_processor(SimpleLogRecordProcessor(self._logs))

    def sent(self) -> str:
        """All that they got, in JSON."""
        spans = JsonForm("ExportTraceServiceRequest")
        written = [
            spans(SpanWriter(Repairs())(self._spans.get_finished_spans())),
            spans(SpanWriter(Repairs())([span for span in self._running if not span.is_recording()])),
            JsonForm("ExportLogsServiceRequest")(LogWriter(Repairs())(self._logs.get_finished_logs())),
        ]
        return b"\n".join(written).decode()


def planted() -> list[tuple[str, str, str, str]]:
    """Place, kind, text and secret: each secret is in one place only."""
    maker = Maker()
    return [(place, kind, *make(maker)) for place in PLACES for kind, make in SECRETS.items()]


def plant(providers, rows) -> None:
    for number, (place, _, text, _) in enumerate(rows):
        PLACES[place](providers, number, text)


def found(rows, text: str) -> list[tuple[str, str, str]]:
    """The planted secrets that are in a text, in any of the forms in which they may be."""
    return [
        (place, kind, secret)
        for place, kind, _, secret in rows
        if any(
            form in text
            for form in (secret, json.dumps(secret)[1:-1], secret.splitlines()[-1], secret.replace(" ", ""))
        )
        or secret.splitlines()[len(secret.splitlines()) // 2] in text
    ]


@pytest.mark.parametrize("action", ["mask", "hash", "remove"])
def test_no_planted_secret_is_sent(action):
    rows = planted()
    resource = {f"secret.{kind}": make(Maker(5)) for kind, make in SECRETS.items()}
    environ = {
        **RULES,
        "DISTROKIT_GUARD_REDACT_ACTION": action,
        "DISTROKIT_GUARD_HASH_SECRET": "0123456789abcdef",
        "OTEL_RESOURCE_ATTRIBUTES": ",".join(f"{name}={quote(text)}" for name, (text, _) in resource.items()),
    }

    with in_memory({"guard": plugin, "views": Views()}, environ) as telemetry:
        late = LateExporters(telemetry)
        plant(telemetry, rows)
        arrived = sent(telemetry)

    assert len(rows) >= 400
    assert late.sent().count('"span ') >= 400
    assert found(rows, late.sent()) == []
    assert telemetry.problems == []
    # Each place is there, without its secret.
    assert arrived.count('"span ') >= 200
    assert arrived.count('"metric.') >= 80
    assert found(rows, arrived) == []
    assert [name for name, (_, secret) in resource.items() if secret in arrived] == []


def test_without_rules_all_planted_secrets_are_sent():
    rows = planted()

    with in_memory({"guard": plugin, "views": Views()}) as telemetry:
        late = LateExporters(telemetry)
        plant(telemetry, rows)
        arrived = sent(telemetry)

    # Bytes are sent in base64; a text in JSON in JSON has its line breaks escaped twice.
    plain = [row for row in rows if "bytes" not in row[0]]
    assert len(found(plain, arrived)) == len(plain)
    of_spans_and_logs = [row for row in plain if row[0] not in MEASURED and "exemplar" not in row[0]]
    assert len(found(of_spans_and_logs, late.sent())) == len(of_spans_and_logs)


def test_look_alikes_are_sent_as_they_are():
    texts = look_alikes()

    with in_memory({"guard": plugin}, RULES) as telemetry:
        tracer = telemetry.tracer_provider.get_tracer("shop")
        for text in texts:
            tracer.start_span(text, attributes={"value": text, "sentence": f"saw {text}, and went on"}).end()
        spans = telemetry.spans()

    assert len(texts) >= 400
    assert [span.name for span in spans if span.name not in texts] == []
    changed = [
        (name, span.attributes)
        for name, span in zip(texts, spans, strict=True)
        if span.attributes != {"value": name, "sentence": f"saw {name}, and went on"}
    ]
    assert changed == []


def test_whole_numbers_that_are_cards_are_redacted_and_others_are_not():
    ids = [1_790_000_000_000_000_000, 4111111111111112, 2**63 - 1, -5, 10**15]

    with in_memory({"guard": plugin}, RULES) as telemetry:
        tracer = telemetry.tracer_provider.get_tracer("shop")
        tracer.start_span("s", attributes={"card": 4111111111111111, "cards": [5105105105105100], "ids": ids}).end()
        (span,) = telemetry.spans()

    assert span.attributes == {"card": "[redacted:cards]", "cards": ["[redacted:cards]"], "ids": ids}


PROGRAM = """
    from types import SimpleNamespace

    from guard_corpus import SECRETS, Maker
    from guard_places import PLACES
    from opentelemetry import _logs, metrics, trace

    providers = SimpleNamespace(
        tracer_provider=trace.get_tracer_provider(),
        meter_provider=metrics.get_meter_provider(),
        logger_provider=_logs.get_logger_provider(),
    )
    maker, number = Maker(), 0
    for place, put in PLACES.items():
        for kind, make in SECRETS.items():
            put(providers, number, make(maker)[0])
            number += 1
"""


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_no_planted_secret_arrives(receiver, protocol, request):
    rows = planted()
    support = request.config.rootpath / "tests" / "support"

    ran = instrumented(
        PROGRAM,
        {
            **RULES,
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint(protocol),
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_BSP_MAX_QUEUE_SIZE": "10000",
            "OTEL_BLRP_MAX_QUEUE_SIZE": "10000",
        },
        path=[support],
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    requests = []
    while (taken := receiver.store.take(0)) is not None:
        requests.append(taken)
    spans = sum(len(s.spans) for r in requests for rs in getattr(r, "resource_spans", ()) for s in rs.scope_spans)
    logs = sum(len(s.log_records) for r in requests for rs in getattr(r, "resource_logs", ()) for s in rs.scope_logs)
    # All items arrive, each without its secret.
    assert spans == sum(not place.startswith("log ") and place not in MEASURED for place, *_ in rows)
    assert logs == sum(place.startswith("log ") for place, *_ in rows)
    arrived = b"".join(request.SerializeToString() for request in requests).decode("utf-8", "replace")
    assert found(rows, arrived) == []

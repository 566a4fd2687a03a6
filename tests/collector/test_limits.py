"""The real Collector, alone and behind nginx: what is too large is split, and all of it arrives."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from applications import run
from collector import Collector
from exporting import exporting
from nginx import NGINX, Nginx

pytestmark = pytest.mark.once
PROTOCOLS = pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])

#: A thousand items of each signal, of some 6 kB each.
LARGE = """
from opentelemetry.metrics import Observation

def item(number):
    return {"id": str(number), "text": chr(97 + number % 26) * 6_000}

for number in range(1000):
    tracer.start_span("s", attributes=item(number)).end()
    logger.info("record", extra=item(number))
observations = [Observation(number, item(number)) for number in range(1000)]
metrics.get_meter("m").create_observable_gauge("g", [lambda options: observations])
"""
WANTED = Counter(map(str, range(1000)))


def until(collector: Collector, signal: str, wanted: Counter[str]) -> Counter[str]:
    """What arrives, as soon as it is all that is wanted; at most 10 seconds."""
    end = time.monotonic() + 10
    while (found := collector.ids(signal)) != wanted and time.monotonic() < end:
        time.sleep(0.1)
    return found


@PROTOCOLS
def test_a_collector_that_takes_little_at_once(protocol, tmp_path):
    with Collector(tmp_path, largest=1) as collector:
        env = {"DISTROKIT_EXIT_TIMEOUT": "30000"}
        app = run(LARGE, collector.endpoint(protocol), protocol, tmp_path, env)
        assert app.said == []
        for signal in ("traces", "logs", "metrics"):
            assert until(collector, signal, WANTED) == WANTED, (signal, app.err)


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
@PROTOCOLS
def test_nginx_that_takes_little_at_once(protocol, tmp_path):
    (tmp_path / "nginx").mkdir()
    with (
        Collector(tmp_path / "collector", largest=64) as collector,
        Nginx(tmp_path / "nginx", protocol, collector.ports[protocol], 1_000_000) as ingress,
    ):
        app = run(LARGE, ingress.endpoint, protocol, tmp_path, {"DISTROKIT_EXIT_TIMEOUT": "30000"})
        assert app.said == []
        for signal in ("traces", "logs", "metrics"):
            assert until(collector, signal, WANTED) == WANTED, (signal, app.err)


@PROTOCOLS
def test_only_what_is_too_large_alone_is_lost_and_the_size_is_remembered(protocol, tmp_path):
    with Collector(tmp_path, largest=1) as collector:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint(protocol)}
        with exporting(protocol, "traces", collector, env) as sent:
            padding = {**dict.fromkeys(range(300), 6_000), 40: 1_500_000}
            assert sent.left(sent.attempt(range(300), padding=padding)) == 0
            ((items, reason, cause),) = sent.lost
            assert (items, reason) == (1, "too_large")
            assert cause.startswith("span 'a span', 1,5")
            limit = sent.exporter._largest.limit()
            assert limit <= 1_100_000
            assert sent.attempt(range(300, 600), padding=6_000) is None
            assert sent.exporter._largest.limit() == limit
        wanted = Counter(str(number) for number in range(600) if number != 40)
        assert until(collector, "traces", wanted) == wanted

"""The real Collector: what is too large for it is split."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from applications import run
from collector import Collector, NotBuiltError, collector_binary

PROTOCOLS = ["grpc", "http/protobuf"]


@pytest.fixture(scope="session")
def _built() -> None:
    try:
        collector_binary()
    except NotBuiltError as why:
        pytest.skip(str(why))


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


def ids(collector: Collector, signal: str) -> Counter[str]:
    """Times each id has arrived."""
    items = collector.received(signal)
    if signal == "metrics":
        items = [point for metric in items for point in metric.get("gauge", {}).get("dataPoints", ())]
    attributes = (attribute for item in items for attribute in item.get("attributes", ()))
    return Counter(each["value"]["stringValue"] for each in attributes if each["key"] == "id")


@pytest.mark.usefixtures("_built")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_everything_arrives_at_a_collector_that_takes_little_at_once(protocol, tmp_path):
    with Collector(tmp_path, largest=1) as collector:
        env = {"DISTROKIT_EXIT_TIMEOUT": "30000"}
        app = run(LARGE, collector.endpoint(protocol), protocol, tmp_path, env)
        end = time.monotonic() + 10
        wanted = Counter(map(str, range(1000)))
        while any(ids(collector, name) != wanted for name in ("traces", "logs", "metrics")) and time.monotonic() < end:
            time.sleep(0.1)

        assert app.said == []
        for signal in ("traces", "logs", "metrics"):
            found = ids(collector, signal)
            assert (sorted(wanted - found), sorted(found - wanted)) == ([], []), (signal, app.err)

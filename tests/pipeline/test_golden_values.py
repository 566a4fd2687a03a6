"""Whatever an application records costs itself at most: its neighbours in the batch arrive, once, and it is counted."""

from __future__ import annotations

from importlib.metadata import version

import golden
import pytest
from made import SIGNALS
from peers import PEERS
from piping import piped

#: All in as few batches as there may be, and time for all of them.
LARGE = {
    "OTEL_BSP_MAX_QUEUE_SIZE": "5000",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "5000",
    "OTEL_BSP_SCHEDULE_DELAY": "60000",
    "OTEL_BLRP_MAX_QUEUE_SIZE": "5000",
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "5000",
    "OTEL_BLRP_SCHEDULE_DELAY": "60000",
    "DISTROKIT_EXIT_TIMEOUT": "60000",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "60000",
}
CASES = {"traces": golden.spans, "metrics": golden.metrics, "logs": golden.logs}
#: What a callback observes that cannot be hashed, or is no number, ends the whole collection in OpenTelemetry 1.43 and 1.44.
ENDS_ALL = ("attribute=mixed", "attribute=nested", "attribute=cyclic", "value=text", "value=none")


def cases_of(signal: str) -> list[golden.Case]:
    cases = CASES[signal]()
    if signal == "metrics" and version("opentelemetry-sdk").startswith(("1.43.", "1.44.")):
        return [c for c in cases if "observable" not in c.name or not any(one in c.name for one in ENDS_ALL)]
    return cases


@pytest.mark.parametrize("encoder", ["distrokit", "upstream"])
@pytest.mark.parametrize("protocol", list(PEERS))
@pytest.mark.parametrize("signal", SIGNALS)
def test_neighbours_arrive(protocol, signal, encoder):
    cases = cases_of(signal)
    neighbours = []
    with PEERS[protocol]() as peer, piped(protocol, signal, peer, {**LARGE, "DISTROKIT_OTLP_ENCODER": encoder}) as pipe:
        for number, case in enumerate(cases):
            pipe.put(f"before {number}")
            case.record(pipe.provider)
            pipe.put(f"after {number}")
            neighbours += [f"before {number}", f"after {number}"]
        pipe.provider.shutdown()

        arrived = pipe.arrived
        assert {name: arrived[name] for name in neighbours if arrived[name] != 1} == {}
        good = [case.name for case in cases if case.poisoned is False]
        assert {name: arrived[name] for name in good if arrived[name] != 1} == {}
        assert peer.ledger.duplicated(signal) == {}
        # Not one of those that did not arrive is missing in the tally, and no other one is in it.
        assert pipe.recorded - arrived.total() == sum(pipe.lost.values())
        if encoder == "upstream":
            assert set(pipe.lost) == {"unencodable"}
            line = next(line for line in pipe.said if "not encodable" in line)
            assert f"{sum(pipe.lost.values())} " in line
        else:
            # Sent in another form, and said once for each kind.
            assert pipe.lost == {}
        assert len(cases) > 100
        # They were together in one batch: otherwise this would show nothing.
        assert max(request.items for request in peer.ledger.requests) > 3

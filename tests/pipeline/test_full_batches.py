"""A batch that is full is sent at once, whatever the schedule: the first one of a process and of its child as well."""

from __future__ import annotations

import pytest
from applications import start
from peers import PEERS
from piping import piped

WAYS = pytest.mark.parametrize(("protocol", "signal"), [("grpc", "traces"), ("http/protobuf", "logs")])


def sizes(queue: int, batch: int) -> dict[str, str]:
    return {
        f"OTEL_{prefix}_{name}": str(value)
        for prefix in ("BSP", "BLRP")
        for name, value in (
            ("MAX_QUEUE_SIZE", queue),
            ("MAX_EXPORT_BATCH_SIZE", batch),
            ("SCHEDULE_DELAY", 3_600_000),
        )
    }


@pytest.mark.parametrize(("queue", "batch"), [(2048, 1), (1, 1), (3, 3), (2048, 3)])
@WAYS
def test_the_first_full_batch_is_sent_at_once(protocol, signal, queue, batch):
    with PEERS[protocol]() as peer, piped(protocol, signal, peer, sizes(queue, batch)) as pipe:
        pipe.put(*range(batch))
        assert peer.ledger.wait_for(batch, signal, 10)
        pipe.put(*range(batch, 2 * batch))
        assert peer.ledger.wait_for(2 * batch, signal, 10)
        assert pipe.lost.total() == 0


@pytest.mark.parametrize("protocol", list(PEERS))
def test_in_a_process_and_in_its_child(protocol, tmp_path):
    program = """
        emit(1)
        child = os.fork()
        if not child:
            emit(1)
        time.sleep(30)
    """
    with PEERS[protocol]() as peer:
        app = start(program, peer.endpoint, protocol, tmp_path, sizes(2048, 1))
        try:
            for signal in ("traces", "logs"):
                assert peer.ledger.wait_for(2, signal, 20)
        finally:
            app.kill()

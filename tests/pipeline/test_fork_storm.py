"""A program that forks while its own exports, and those of its children, are under way: every fork, and every item."""

from __future__ import annotations

import pytest
from answering import Authority
from applications import everything_once, start
from peers import PEERS, TLS

#: Each fork comes at another moment of an export; each child exports, and ends in order.
STORM = """
import threading
FORKS = 200

def export():
    while not over.is_set():
        emit(1)
        trace.get_tracer_provider().force_flush(5000)

over = threading.Event()
thread = threading.Thread(target=export)
thread.start()
from opentelemetry import _logs
children = []
for number in range(FORKS):
    child = os.fork()
    if child == 0:
        emit(1)
        os._exit(0 if trace.get_tracer_provider().force_flush(20_000) and _logs.get_logger_provider().force_flush(20_000) else 3)
    children.append(child)
    time.sleep(0.0005 * (number % 7))
    if number % 4 == 3:
        say(str([os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in children]))
        children.clear()
over.set()
thread.join()
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("tls", [False, pytest.param(True, marks=pytest.mark.once)], ids=["plaintext", "tls"])
@pytest.mark.parametrize("protocol", list(PEERS))
def test_two_hundred_forks_with_exports_under_way_on_both_sides(tmp_path, protocol, tls):
    authority = Authority(tmp_path)
    with PEERS[protocol](tls=TLS(authority) if tls else None) as peer:
        env = {
            "OTEL_EXPORTER_OTLP_CERTIFICATE": str(tmp_path / "ca.pem") if tls else "",
            "OTEL_METRICS_EXPORTER": "none",
            "DISTROKIT_EXIT_TIMEOUT": "30000",
        }
        app = start(STORM, peer.endpoint, protocol, tmp_path, env).end(200)

        assert app.process.returncode == 0, app.err
        assert app.out.count("0") == 200
        assert set(app.out) <= set("[]0, \n")
        everything_once(app, peer, points=False)

"""What all peers have: a behaviour, a ledger, a port that stays, and TLS."""

from __future__ import annotations

import datetime as dt
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import grpc
import trustme
from answering import Authority
from behaviours import Answer, Behaviour, accept
from ledger import Ledger
from otlp_items import SERVICES


@dataclass(frozen=True)
class TLS:
    """A peer's certificate, of an authority or of one that nobody knows.

    Args:
        names: whom it is for.
        days: until it ends.
        mutual: asks for a client's certificate.
        unknown: of another authority than the one whose ``ca.pem`` the client has.
    """

    authority: Authority
    names: tuple[str, ...] = ("127.0.0.1", "localhost")
    days: int = 300
    mutual: bool = False
    unknown: bool = False

    def context(self) -> ssl.SSLContext:
        """For HTTP."""
        return self._signer().context(*self.names, days=self.days, mutual=self.mutual)

    def credentials(self) -> grpc.ServerCredentials:
        """For gRPC."""
        until = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=self.days)
        ca = self._signer().ca
        cert = ca.issue_cert(*self.names, not_before=until - dt.timedelta(days=400), not_after=until)
        chain = b"".join(blob.bytes() for blob in cert.cert_chain_pems)
        root = ca.cert_pem.bytes() if self.mutual else None
        return grpc.ssl_server_credentials([(cert.private_key_pem.bytes(), chain)], root, self.mutual)

    def _signer(self) -> Authority:
        if not self.unknown:
            return self.authority
        other = object.__new__(Authority)
        other.ca = trustme.CA()
        return other


def tls_faults(authority: Authority) -> dict[str, TLS]:
    """What a client with this authority's ``ca.pem`` and no certificate of its own must refuse, or be refused by."""
    good = TLS(authority)
    return {
        "wrong host": replace(good, names=("elsewhere.example",)),
        "expired": replace(good, days=-1),
        "unknown CA": replace(good, unknown=True),
        "client certificate required": replace(good, mutual=True),
    }


class Peer:
    """A receiver on loopback; a context manager that listens from its begin to its end.

    Attributes:
        port: the same after each restart.
        ledger: what it counted, over all restarts.
    """

    def __init__(self, behaviour: Behaviour | None, port: int, tls: TLS | None) -> None:
        self.ledger = Ledger()
        self.port = port
        self.tls = tls
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._running = False
        self.behave(behaviour or accept())

    @property
    def endpoint(self) -> str:
        """For ``OTEL_EXPORTER_OTLP_ENDPOINT``."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    def behave(self, behaviour: Behaviour) -> None:
        """From the next request on."""
        with self._lock:
            self._behaviour, self._numbers = behaviour, dict.fromkeys(SERVICES, 0)

    def answer(self, signal: str, items: Callable[[], list[str]]) -> Answer:
        with self._lock:
            self._numbers[signal] += 1
            behaviour, number = self._behaviour, self._numbers[signal]
        return behaviour(signal, number, items)

    def start(self) -> None:
        """Listen. Raises ``OSError`` when the port is taken and stays so for 2 seconds."""
        if self._running:
            return
        self.stopping = threading.Event()
        end = time.monotonic() + 2
        while True:
            try:
                self._listen()
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
        self._running = True

    def stop(self) -> None:
        """Listen no more, drop the connections, end what hangs; takes at most some 3 seconds."""
        if self._running:
            self._running = False
            self.stopping.set()
            self._close()

    def restart(self) -> None:
        """On the same port."""
        self.stop()
        self.start()

    def wait(self, stopping: threading.Event, seconds: float, here: Callable[[], bool]) -> bool:
        """Whether the time passed with the client ``here`` and the peer not stopped."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if stopping.wait(min(left, 0.05)) or not here():
                return False
        return not stopping.is_set()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _listen(self) -> None:
        raise NotImplementedError

    def _close(self) -> None:
        raise NotImplementedError

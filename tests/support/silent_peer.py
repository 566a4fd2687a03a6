"""A peer that takes connections, and no more."""

from __future__ import annotations

import contextlib
import socket
import threading

from http_peer import RST
from peer import Peer


class SilentPeer(Peer):
    """Takes connections, reads nothing, says nothing; or resets each at once. Its ledger has connections only."""

    def __init__(self, *, port: int = 0, reset: bool = False) -> None:
        super().__init__(None, port, None)
        self._reset = reset

    def _listen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                one, _ = self._listener.accept()
                self.ledger.failed(connections=1)
                if self._reset:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
                    one.close()
                else:
                    self._taken.append(one)

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            # Closing alone does not wake who waits in accept().
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(2)
        self._listener.close()
        for one in self._taken:
            one.close()

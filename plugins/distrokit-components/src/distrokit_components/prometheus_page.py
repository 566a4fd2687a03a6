"""The page that Prometheus scrapes. The process that measures serves it, not its parent.

A server's main process (gunicorn, uvicorn with ``--workers``) also starts OpenTelemetry but measures nothing. If it
took the port, its page would be empty, and its workers could not listen.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from typing import Any

from distrokit import block_signals, start_thread

# A child of OpenTelemetry's logger: its messages reach stderr whatever the application logs.
_logger = logging.getLogger("opentelemetry.exporter.prometheus.distrokit")

#: Seconds that a worker which this one replaces may take to exit.
_GRACE = 2.0
#: Seconds between two attempts to listen.
_PAUSE = 2.0


class PrometheusPage:
    """Serves the page on one port; waits until the port is free.

    Args:
        host, port: the address to listen on.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._begun = False

    def begin(self) -> None:
        """Listen, once per process."""
        if self._begun:
            return
        self._begun = True
        try:
            self._listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                waiting = threading.Thread(target=self._wait, name="distrokit-prometheus", daemon=True)
                start_thread(waiting)
            else:
                _logger.warning("%s; Prometheus cannot scrape this process. %s", error, _CORRECT)

    def forked(self) -> None:
        """Close the inherited socket in a forked child, so that the child does not block the parent's port."""
        if self._server is not None:
            self._server.server_close()
        self._server = self._thread = None
        self._ended, self._begun = threading.Event(), False

    def end(self, seconds: float) -> None:
        """Stop listening."""
        self._ended.set()
        server, thread = self._server, self._thread
        if server is None or thread is None:
            return
        if thread.is_alive():
            server.shutdown()
        server.server_close()
        thread.join(seconds)

    def _listen(self) -> None:
        # Imported here: the package is optional, and make_prometheus reports its absence.
        from prometheus_client import start_http_server

        with block_signals():
            self._server, self._thread = start_http_server(port=self._port, addr=self._host)

    def _wait(self) -> None:
        pause, logged = _GRACE, False
        while not self._ended.wait(pause):
            try:
                self._listen()
                if self._ended.is_set():
                    # The end came while the port was being opened.
                    self.end(0)
                return
            except OSError as error:
                if not logged:
                    _logger.warning(
                        "OTEL_EXPORTER_PROMETHEUS_PORT=%s: %s; Prometheus cannot scrape process %s. %s",
                        self._port,
                        error.strerror or error,
                        os.getpid(),
                        _SEVERAL,
                    )
                pause, logged = _PAUSE, True


_CORRECT = "Correct OTEL_EXPORTER_PROMETHEUS_HOST and OTEL_EXPORTER_PROMETHEUS_PORT."
_SEVERAL = (
    "A port serves the metrics of one process: use another port if another program has it; for several workers set "
    "OTEL_METRICS_EXPORTER=otlp, which needs no port."
)

"""The page that Prometheus scrapes. The process that measures has it, and not its parent.

A server's main process (gunicorn's, uvicorn's with ``--workers``) starts OpenTelemetry as well and measures nothing.
If it took the port, its page would be empty, and its workers could not listen.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from typing import Any

# Below OpenTelemetry's own, which reaches stderr whatever the application's logging does.
_logger = logging.getLogger("opentelemetry.exporter.prometheus.distrokit")

#: Seconds: a worker whose place this one takes needs so long to end; then nobody can scrape this process.
_GRACE = 2.0
#: Seconds between two looks at whether the port is free.
_PAUSE = 2.0


class PrometheusPage:
    """The server on one port, which waits until the port is free.

    Args:
        host, port: where it listens.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._begun = False

    def begin(self) -> None:
        """Listen; called once in a process."""
        if self._begun:
            return
        self._begun = True
        try:
            self._listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                waiting = threading.Thread(target=self._wait, name="distrokit-prometheus", daemon=True)
                waiting.start()
            else:
                _logger.warning("%s; nobody can scrape the metrics of this process. %s", error, _CORRECT)

    def forked(self) -> None:
        """In a child: the parent's server is not this process's, and its port must not stay taken by this one."""
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
        # Here, and not above: the package is optional, and make_prometheus says so.
        from prometheus_client import start_http_server

        self._server, self._thread = start_http_server(port=self._port, addr=self._host)

    def _wait(self) -> None:
        pause, said = _GRACE, False
        while not self._ended.wait(pause):
            try:
                self._listen()
                return
            except OSError as error:
                if not said:
                    _logger.warning(
                        "OTEL_EXPORTER_PROMETHEUS_PORT=%s: %s, so that nobody can scrape the metrics of process %s. %s",
                        self._port,
                        error.strerror or error,
                        os.getpid(),
                        _SEVERAL,
                    )
                pause, said = _PAUSE, True


_CORRECT = "Correct OTEL_EXPORTER_PROMETHEUS_HOST and OTEL_EXPORTER_PROMETHEUS_PORT."
_SEVERAL = (
    "A port has the metrics of one process: use another one if a foreign program has it; for several workers set "
    "OTEL_METRICS_EXPORTER=otlp, which needs no port."
)

"""The check ``prometheus-port`` of ``distrokit doctor``: is the port free, and how many processes need it?"""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from distrokit import Check

_OTLP = "export OTEL_METRICS_EXPORTER=otlp"
#: The servers' options for the number of workers.
_WORKERS = {
    "gunicorn": ("-w", "--workers"),
    "uvicorn": ("--workers",),
    "hypercorn": ("-w", "--workers"),
    "uwsgi": ("-p", "--processes", "--workers"),
}


def checks(plan: Any, argv: Sequence[str] | None = None) -> Iterator[Check]:
    """Yield one check per Prometheus exporter.

    Args:
        argv: the command line; ``None`` for that of this process.
    """
    words = list(sys.orig_argv if argv is None else argv)
    for planned in plan.signals["metrics"].exporters:
        exporter = planned.exporter
        if exporter.name.partition("/")[0] == "prometheus":
            yield _check(exporter.arguments["host"], exporter.arguments["port"], words)


def _check(host: str, port: int, words: Sequence[str]) -> Check:
    server, workers = _workers(words)
    where = f"{host}:{port}"
    if workers > 1 and port:
        evidence = f"{server} has {workers} workers, and {where} shows the metrics of one of them"
        return Check("prometheus-port", "warn", evidence, _OTLP)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            # Like the server: a connection that was just closed must not block the port.
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except OSError as error:
        remedy = "Stop the program that uses it, or: export OTEL_EXPORTER_PROMETHEUS_PORT=<a free port>"
        return Check("prometheus-port", "warn", f"cannot listen on {where}: {error.strerror or error}", remedy)
    return Check("prometheus-port", "ok", f"{where} is free; a process opens it at its first measurement")


def _workers(words: Sequence[str]) -> tuple[str, int]:
    """Return the server on a command line, and its number of workers; 1 by default."""
    names = [PurePath(word).name for word in words]
    server = next((name for name in names if name in _WORKERS), "")
    if not server:
        return "", 1
    count = os.environ.get("WEB_CONCURRENCY", "") if server != "uwsgi" else ""
    options = _WORKERS[server]
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in options:
            count = following
        elif word.startswith(tuple(f"{option}=" for option in options)) or re.fullmatch(r"-[wp]\d+", word):
            count = word.lstrip("-wp").rpartition("=")[2]
    return server, int(count) if count.isdecimal() else 1

"""For ``distrokit doctor``: the way to the receiver, then one real item through the exporter, and what was answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from distrokit import Check, ExporterOptions, Sent
from distrokit_otlp.answers import Answers, GrpcAnswers, HttpAnswers
from distrokit_otlp.route import Route, default_port, proxy_of

_FILES = ("certificate", "client_key", "client_certificate")


def probe(options: ExporterOptions, send: Callable[[Any], Sent]) -> Iterator[Check]:
    """Name, proxy, connection, TLS, and one item of ``options.signal``."""
    grpc = options.arguments.get("protocol") == "grpc"
    route = _route(options, grpc=grpc)
    if route is not None:
        for step in route.steps():
            yield step
            if step.verdict == "fail":
                return
    yield _sent(options, route, send, grpc=grpc)


def _sent(options: ExporterOptions, route: Route | None, send: Callable[[Any], Sent], *, grpc: bool) -> Check:
    answers: Answers = GrpcAnswers(options, route) if grpc else HttpAnswers(options, route)
    exporter = answers.watched()
    try:
        sent = send(exporter)
    finally:
        exporter.shutdown()
    return answers.verdict(sent)


def _route(options: ExporterOptions, *, grpc: bool) -> Route | None:
    """``None`` for what is no name and port: a Unix socket."""
    url = options.endpoint if "://" in options.endpoint else f"//{options.endpoint}"
    parts = urlsplit(url)
    if parts.scheme in ("unix", "dns") or not parts.hostname:
        return None
    tls = not options.arguments.get("insecure") if grpc else parts.scheme == "https"
    port = parts.port or (443 if grpc else default_port(parts.scheme))
    files = {name: str(options.arguments.get(name) or "") for name in _FILES}
    return Route(parts.hostname, port, tls, proxy_of(options.endpoint, grpc=grpc), _setting(options), files)


def _setting(options: ExporterOptions) -> str:
    """The variable to change: the signal's own where it is set, else the general one."""
    own = f"OTEL_EXPORTER_OTLP_{options.signal.upper()}_ENDPOINT"
    instance = options.name.partition("/")[2].upper()
    suffix = f"__{instance}" if instance else ""
    return f"{own if options.settings.get(own + suffix) else 'OTEL_EXPORTER_OTLP_ENDPOINT'}{suffix}"


def probe_file(options: ExporterOptions, send: Callable[[Any], Sent]) -> Iterator[Check]:
    """Whether the file can be written; nothing is written into it."""
    stream = str(options.arguments.get("output_stream") or "stdout")
    name = f"{options.name} {options.signal}"
    if stream == "stdout":
        yield Check("otlp-file", "ok", f"{name}: printed by the process itself; nothing is tried here")
        return
    path = Path(unquote(urlsplit(stream).path))
    try:
        with path.open("ab"):
            pass
    except OSError as error:
        yield Check("otlp-file", "fail", f"{name}: {path}: {error.strerror}", f"mkdir -p {path.parent}")
    else:
        yield Check("otlp-file", "ok", f"{name}: {path} can be written")

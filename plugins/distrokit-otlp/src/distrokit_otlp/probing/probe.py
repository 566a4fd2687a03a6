"""Probes for ``distrokit doctor``: check the way to the receiver, then send one real item and explain the response."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from distrokit import Check, ExporterOptions, Sent
from distrokit_otlp.diagnosis.route import Route
from distrokit_otlp.probing.file_checks import check_files, check_headers
from distrokit_otlp.probing.grpc_probe import GrpcProbe
from distrokit_otlp.probing.http_probe import HttpProbe
from distrokit_otlp.probing.response_probe import ResponseProbe
from distrokit_otlp.remedies import Remedies
from distrokit_otlp.tls.files import TlsFiles
from distrokit_otlp.tls.loading import TlsFileError


def probe(options: ExporterOptions, send: Callable[[Any], Sent]) -> Iterator[Check]:
    """Check proxy, name, connection and TLS, then send one item of ``options.signal``."""
    grpc = options.arguments.get("protocol") == "grpc"
    remedies = Remedies.of(options)
    files = TlsFiles.of(options)
    try:
        files.load()
    except TlsFileError as error:
        problem = error.problem
        yield Check("otlp-tls", "fail", f"{problem.subject}: {problem.cause}", problem.remedy)
        return
    name = f"{options.name} {options.signal}"
    yield from check_files(name, files, remedies)
    yield from check_headers(name, options, remedies)
    route = Route.of(options, remedies, files.paths)
    if route is not None:
        steps = list(route.steps())
        yield from steps
        if any(step.verdict == "fail" for step in steps):
            return
    response_probe: ResponseProbe = (GrpcProbe if grpc else HttpProbe)(options, route, remedies)
    try:
        sent = send(response_probe.exporter)
    finally:
        response_probe.exporter.shutdown()
    yield response_probe.judge(sent)


def probe_file(options: ExporterOptions, send: Callable[[Any], Sent]) -> Iterator[Check]:
    """Check that the file can be written; nothing is written, and no file is made."""
    stream = str(options.arguments.get("output_stream") or "stdout")
    name = f"{options.name} {options.signal}"
    if stream == "stdout":
        yield Check("otlp-file", "ok", f"{name}: printed by the process itself; nothing is tried here")
        return
    path = Path(unquote(urlsplit(stream).path))
    if not path.parent.is_dir():
        yield Check("otlp-file", "fail", f"{name}: there is no folder {path.parent}", f"mkdir -p {path.parent}")
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        yield Check(
            "otlp-file", "fail", f"{name}: {path} cannot be written by this user", f"ls -ld {path.parent} {path}"
        )
    else:
        yield Check("otlp-file", "ok", f"{name}: {path} can be written")

"""Checks of ``distrokit doctor`` for settings that are valid and probably wrong; they only read the plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from distrokit import Check
from distrokit_otlp.connection.endpoints import host_and_port
from distrokit_otlp.remedies import Remedies

#: The default port of each transport (specification, *OTLP*, "Default port").
_PORTS = {4317: "grpc", 4318: "http/protobuf"}


def checks(plan: Any) -> Iterator[Check]:
    """Check ports, paths and headers of every OTLP exporter in the plan."""
    ports: list[Check] = []
    paths: list[Check] = []
    headers: list[Check] = []
    for planned in plan.signals.values():
        for item in planned.exporters:
            if "protocol" in item.exporter.parameters:
                remedies = _remedies(item.exporter, planned.signal, plan.settings)
                ports += _check_port(item.exporter, remedies)
                paths += _check_path(item.exporter, remedies)
    for name in sorted(plan.settings.names_set()):
        if name.partition("__")[0].endswith("_HEADERS") and name.startswith("OTEL_EXPORTER_OTLP"):
            headers += _check_spaces(name, plan.settings.get(name))
    yield from ports or [Check("otlp-port", "ok", "ports match protocols")]
    yield from paths or [Check("otlp-path", "ok", "no path is missing or duplicated")]
    yield from headers or [Check("otlp-header-space", "ok", "no header has a space that should be %20")]


def _remedies(exporter: Any, signal: str, settings: Any) -> Remedies:
    sources = {**{name: value.source for name, value in exporter.parameters.items()}, "exporter": exporter.source}
    return Remedies(exporter.name, signal, sources, settings)


def _check_port(exporter: Any, remedies: Remedies) -> Iterator[Check]:
    protocol, endpoint = exporter.parameters["protocol"], exporter.parameters["endpoint"]
    found = host_and_port(str(endpoint.value), grpc=protocol.value == "grpc")
    port = found[1] if found else 0
    usual = _PORTS.get(port)
    if usual is None or usual.partition("/")[0] == str(protocol.value).partition("/")[0]:
        return
    evidence = (
        f"port {port} ({endpoint.source}) is the default port of {usual}, and the protocol is {protocol.value}"
        f" ({protocol.source})"
    )
    yield Check("otlp-port", "warn", evidence, remedies.protocol(usual))


def _check_path(exporter: Any, remedies: Remedies) -> Iterator[Check]:
    endpoint = exporter.parameters["endpoint"]
    remedy = "" if exporter.parameters["protocol"].value == "grpc" else remedies.path(str(endpoint.value))
    if remedy:
        where = f"{endpoint.printable()} ({endpoint.source})"
        yield Check("otlp-path", "warn", f"{where} is probably not where a receiver accepts this signal", remedy)


def _check_spaces(name: str, text: str) -> Iterator[Check]:
    for item in text.split(","):
        key, _, value = item.strip().partition("=")
        if " " in value.strip():
            # The value is a secret; the remedy needs only its first word, a scheme such as "Basic".
            scheme = value.strip().partition(" ")[0] if value.strip().count(" ") == 1 else "…"
            evidence = f"{name}: the value of {key.strip()!r} contains a space; other SDKs reject it"
            yield Check("otlp-header-space", "warn", evidence, f"export {name}='{key.strip()}={scheme}%20…'")

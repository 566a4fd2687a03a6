"""For ``distrokit doctor``: what in the settings is legal and hardly meant; reads the plan, opens nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from distrokit import Check
from distrokit_otlp.remedies import Remedies

#: The port that OTLP has for each transport (specification, *OTLP*, "Default port").
_PORTS = {4317: "grpc", 4318: "http/protobuf"}


def checks(plan: Any) -> Iterator[Check]:
    """Of every OTLP exporter in the plan."""
    ports: list[Check] = []
    headers: list[Check] = []
    for planned in plan.signals.values():
        for item in planned.exporters:
            if "protocol" in item.exporter.parameters:
                ports += _port(item.exporter, planned.signal, plan.settings)
    for name in sorted(plan.settings.names_set()):
        if name.partition("__")[0].endswith("_HEADERS") and name.startswith("OTEL_EXPORTER_OTLP"):
            headers += _spaces(name, plan.settings.get(name))
    if not ports:
        ports.append(Check("otlp-port", "ok", "ports and protocols belong together"))
    yield from ports
    yield from headers or [Check("otlp-header-space", "ok", "no header has a space that should be %20")]


def _port(exporter: Any, signal: str, settings: Any) -> Iterator[Check]:
    protocol, endpoint = exporter.parameters["protocol"], exporter.parameters["endpoint"]
    text = str(endpoint.value)
    port = urlsplit(text if "://" in text else f"//{text}").port
    usual = _PORTS.get(port or 0)
    if usual is None or usual.partition("/")[0] == str(protocol.value).partition("/")[0]:
        return
    evidence = (
        f"port {port} ({endpoint.source}) is where receivers take {usual}, and the protocol is {protocol.value}"
        f" ({protocol.source})"
    )
    sources = {**{name: value.source for name, value in exporter.parameters.items()}, "exporter": exporter.source}
    remedies = Remedies(exporter.name, signal, sources, settings)
    yield Check("otlp-port", "warn", evidence, remedies.protocol(usual))


def _spaces(name: str, text: str) -> Iterator[Check]:
    for item in text.split(","):
        key, _, value = item.strip().partition("=")
        if " " in value.strip():
            # The value is a secret; its first word, a scheme such as "Basic", is what the remedy needs.
            scheme = value.strip().partition(" ")[0] if value.strip().count(" ") == 1 else "…"
            evidence = f"{name}: the value of {key.strip()!r} has a space; other SDKs refuse it"
            yield Check("otlp-header-space", "warn", evidence, f"export {name}='{key.strip()}={scheme}%20…'")

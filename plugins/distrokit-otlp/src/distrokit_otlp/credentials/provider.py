"""Upstream's credential providers: packages that make a session or channel credentials."""

from __future__ import annotations

from typing import Any

from distrokit import EntryPoints, ExporterOptions


def provider_name(options: ExporterOptions, transport: str) -> str:
    """Return the name of the exporter's credential provider; empty when no setting names one.

    Args:
        transport: ``GRPC`` or ``HTTP``.
    """
    variable = f"OTEL_PYTHON_EXPORTER_OTLP_{transport}_{{}}CREDENTIAL_PROVIDER"
    names = (variable.format(f"{options.signal.upper()}_"), variable.format(""))
    # The provider is not for a second destination.
    return next(filter(None, map(options.settings.get, names)), "") if "/" not in options.name else ""


def load_credentials(name: str) -> Any:
    """Return what a provider makes.

    Raises:
        LookupError: no package has a provider of this name.
    """
    for point in EntryPoints.scan().group("opentelemetry_otlp_credential_provider"):
        if point.name == name:
            return point.load()()
    raise LookupError(f"no package offers the credential provider {name!r}")

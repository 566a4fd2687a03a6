"""Azure Monitor's pipeline in miniature: the distro as data, and the same in one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from distrokit import Distro

if TYPE_CHECKING:
    from azure_example.credentials import Credential

DISTRO = Distro(
    name="azure-example",
    version="1.0",
    # Agents first: what others set may rest on whose work a span is.
    plugins=("azure-example-agents", "azure-example", "batch", "resource", "components", "spool"),
    defaults={
        "OTEL_TRACES_EXPORTER": "azure_example",
        "OTEL_METRICS_EXPORTER": "azure_example",
        "OTEL_LOGS_EXPORTER": "azure_example",
        "OTEL_TRACES_SAMPLER": "azure_example.rate_limited",
        "DISTROKIT_ENABLED_INSTRUMENTATIONS": "django,fastapi,flask,logging,psycopg2,requests,urllib,urllib3",
    },
    opentelemetry=">=1.43,<2",
)


def configure(
    connection_string: str = "",
    *,
    credential: Credential | None = None,
    instrumentation_options: Mapping[str, Mapping[str, bool]] | None = None,
    settings: Mapping[str, str] | None = None,
) -> Any:
    """Start the same pipeline from code; everything that is not given is read as ever.

    Args:
        connection_string: ``InstrumentationKey=…;IngestionEndpoint=…``.
        credential: asked for a token before every request; ``None`` for none.
        instrumentation_options: ``{"flask": {"enabled": False}}``.
        settings: any others, by the names of their variables.

    Returns: the pipeline, with ``flush()`` and ``stop()``.
    """
    from azure_example.credentials import Given
    from distrokit import start

    given = dict(settings or {})
    if connection_string:
        given["AZURE_EXAMPLE_CONNECTION_STRING"] = connection_string
    for name, options in (instrumentation_options or {}).items():
        given[f"DISTROKIT_INSTRUMENTATION_{name.upper()}"] = "on" if options.get("enabled", True) else "off"
    return start(given, {"azure-example-credential": Given(credential)} if credential else None, distro=DISTRO)

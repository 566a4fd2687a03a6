"""The settings of this distro, and the defaults that depend on other settings."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distrokit import Reader, Setting, Settings, Value

#: The exporter, for all three signals.
NAME = "azure_example"
CONNECTION = "AZURE_EXAMPLE_CONNECTION_STRING"
TOKEN_FILE = "AZURE_EXAMPLE_TOKEN_FILE"  # noqa: S105  (a name)
STORAGE, STORAGE_DIRECTORY = "AZURE_EXAMPLE_OFFLINE_STORAGE", "AZURE_EXAMPLE_STORAGE_DIRECTORY"
LOGGER, FORMAT = "AZURE_EXAMPLE_LOGGER_NAME", "AZURE_EXAMPLE_LOGGING_FORMAT"
SAMPLED_LOGS = "AZURE_EXAMPLE_TRACE_BASED_LOGS"
LIVE = "AZURE_EXAMPLE_LIVE_METRICS"
STATUS = "AZURE_EXAMPLE_STATUS_DIRECTORY"


def _setting(name: str, meaning: str, default: str = "", kind: str = "text") -> Setting:
    return Setting(name=name, kind=kind, default=default, consumer="azure-example", meaning=meaning)


ROWS = (
    _setting(CONNECTION, "whose telemetry it is, and where it goes", kind="InstrumentationKey=…;IngestionEndpoint=…"),
    _setting(TOKEN_FILE, "holds a bearer token; read again before every request", kind="path"),
    _setting(STORAGE, "what cannot be delivered waits on disk", "true", "boolean"),
    _setting(
        STORAGE_DIRECTORY, "where it waits; default a directory of the user's below the temporary one", kind="path"
    ),
    _setting(LOGGER, "the logger whose records are sent, with those below it; default all", kind="name"),
    _setting(FORMAT, "how their text is made, as `logging.Formatter` has it"),
    _setting(SAMPLED_LOGS, "records of traces that are not sampled are not sent", "false", "boolean"),
    _setting(LIVE, "what the process uses, as metrics", "true", "boolean"),
    _setting(STATUS, "where a file for each process says how it started", kind="path"),
)


def off(settings: Settings, name: str) -> bool:
    """True if the user has switched off a setting whose default is on."""
    return settings.get(name).lower() in ("false", "0", "no", "off")


def defaults(settings: Settings) -> Mapping[str, str]:
    """Offline storage is distrokit's spool, in front of any exporter."""
    if off(settings, STORAGE) or not settings.get(CONNECTION):
        return {}
    # By number: in a container a user may have no name.
    own = Path(tempfile.gettempdir()) / f"azure-example-{os.getuid() if hasattr(os, 'getuid') else 0}"
    return {
        "DISTROKIT_SPOOL_DIRECTORY": settings.get(STORAGE_DIRECTORY, str(own)),
        "DISTROKIT_SPOOL_MAX_SIZE": str(50 * 1024 * 1024),
        "DISTROKIT_SPOOL_MAX_AGE": str(48 * 60 * 60 * 1000),
    }


def parts_of(text: str) -> dict[str, str]:
    """A connection string's parts, names in lower case.

    Raises: ``ValueError`` for what is none; the message does not repeat it.
    """
    parts = {name.strip().lower(): part.strip() for name, _, part in (p.partition("=") for p in text.split(";"))}
    if not parts.get("instrumentationkey"):
        raise ValueError("it is InstrumentationKey=…;IngestionEndpoint=…, and has no InstrumentationKey")
    endpoint = parts.get("ingestionendpoint", "")
    if not endpoint.startswith(("http://", "https://")):
        raise ValueError("its IngestionEndpoint begins with https://")
    return parts


def exporter_parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Read for each signal; in a configuration file the key is ``connection_string``."""
    none: dict[str, str] = {}
    parts = reader.parsed(CONNECTION, parts_of, none, key="connection_string", secret=True)
    found = dict(parts.value)
    endpoint = f"{found['ingestionendpoint'].rstrip('/')}/v2.1/track" if found else ""
    return {
        "endpoint": Value(endpoint, parts.source, key="connection_string"),
        "instrumentation_key": Value(reader.secret(found.get("instrumentationkey", "")), parts.source, secret=True),
        # The distro's name and version take its place.
        "user_agent": reader.default(""),
    }


def ratio(reader: Reader) -> dict[str, Value[Any]]:
    """A share of all traces."""
    return {"ratio": reader.number("OTEL_TRACES_SAMPLER_ARG", 1.0, minimum=0, maximum=1, key="ratio")}


def rate(reader: Reader) -> dict[str, Value[Any]]:
    """Traces a second. No default of ``OTEL_TRACES_SAMPLER_ARG``: another sampler would take it for its own."""
    key = "traces_per_second"
    return {key: reader.number("OTEL_TRACES_SAMPLER_ARG", 5.0, minimum=0, maximum=1_000_000, key=key)}

"""Reads the OTLP exporter's parameters for which OpenTelemetry has no settings.

Standard library only: this runs while the plan is made.
"""

from __future__ import annotations

from typing import Any

from distrokit import EntryPoints, Reader, Value, did_you_mean
from distrokit_otlp.credentials.files import FILES, HeadersFile, describe_fault

#: The mean age of a connection in milliseconds.
DEFAULT_AGE = 300_000
OWN_PARAMETERS = (
    *FILES,
    "balancing",
    "connection_age_millis",
    "transport",
    "http_transport",
    "encoder",
)
BALANCING = ("pick_first", "round_robin")
GRPC_TRANSPORTS = ("h2", "grpcio")
#: The name of our own transport among those of other packages.
HTTP_TRANSPORT = "distrokit"
OWN_ENCODER = "distrokit"
ENCODERS = (OWN_ENCODER, "upstream")
TRANSPORT_GROUP = "opentelemetry_http_transport"


def own_parameters(reader: Reader, *, grpc: bool) -> dict[str, Value[Any]]:
    """Read the parameters; a configuration file has them under ``distribution: distrokit``."""
    read: dict[str, Value[Any]] = {}
    for parameter in FILES:
        path = reader.text(_own_names(reader, parameter.upper()))
        if path.value:
            read[parameter] = path
            _check_credentials(reader, parameter, path, grpc=grpc)
    read["encoder"] = reader.choice("DISTROKIT_OTLP_ENCODER", ENCODERS, OWN_ENCODER)
    if grpc:
        read["transport"] = reader.choice("DISTROKIT_OTLP_GRPC", GRPC_TRANSPORTS, GRPC_TRANSPORTS[0])
    else:
        read["http_transport"] = reader.parsed("DISTROKIT_OTLP_HTTP_TRANSPORT", _parse_transport, HTTP_TRANSPORT)
    if not grpc or read["transport"].value != "grpcio":
        # grpcio has its own balancing and ages.
        read["balancing"] = reader.choice("DISTROKIT_OTLP_BALANCING", BALANCING, BALANCING[0])
        read["connection_age_millis"] = reader.integer("DISTROKIT_OTLP_CONNECTION_AGE", DEFAULT_AGE)
    return read


def _parse_transport(text: str) -> str:
    names = [HTTP_TRANSPORT, *sorted({point.name for point in EntryPoints.scan().group(TRANSPORT_GROUP)})]
    if text in names:
        return text
    raise ValueError(f"valid values are {', '.join(names)}", did_you_mean(text, names))


def _check_credentials(reader: Reader, parameter: str, path: Value[str], *, grpc: bool) -> None:
    """Report a file that holds no credentials; it is read again when it changes."""
    file = FILES[parameter](path.value, path.source.name)
    try:
        for value in file().values():
            reader.secret(value)
            reader.secret(value.rpartition(" ")[2])
        for fault in file.faults(grpc=grpc) if isinstance(file, HeadersFile) else ():
            reader.problem(
                code="header-invalid",
                setting=str(path.source),
                value=path.value,
                cause=fault,
                outcome="that header is left out",
                remedy="Write one name=value per line, with special characters percent-encoded.",
            )
    except (OSError, ValueError) as error:
        reader.problem(
            code="credentials-file-unusable",
            setting=str(path.source),
            value=path.value,
            cause=describe_fault(error),
            outcome="requests are sent without its headers until it can be read",
            remedy=f"Correct the file, or change {path.source}.",
        )


def _own_names(reader: Reader, suffix: str) -> tuple[str, str]:
    return f"DISTROKIT_OTLP_{(reader.signal or 'traces').upper()}_{suffix}", f"DISTROKIT_OTLP_{suffix}"

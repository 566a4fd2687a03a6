"""Reads the OTLP exporter's settings, per signal first, then general.

Source: specification, *OpenTelemetry Protocol Exporter*. Standard library only: this runs while the
plan is made.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from distrokit import Reader, Value, __version__

PROTOCOLS = ("grpc", "http/protobuf")
COMPRESSIONS = {"grpc": ("none", "gzip"), "http/protobuf": ("none", "gzip", "deflate")}

#: Every variable that is read here. The exporters would read them once more when they are constructed,
#: and refuse values (``none`` as a compression, text as a timeout) that are dealt with.
READ_HERE = tuple(
    f"OTEL_EXPORTER_OTLP_{signal}{suffix}"
    for signal in ("", "TRACES_", "METRICS_", "LOGS_")
    for suffix in (
        "PROTOCOL",
        "ENDPOINT",
        "HEADERS",
        "TIMEOUT",
        "COMPRESSION",
        "INSECURE",
        "CERTIFICATE",
        "CLIENT_KEY",
        "CLIENT_CERTIFICATE",
    )
)

_GRPC_SCHEMES = ("", "http", "https", "unix", "dns")

#: What is below this cannot be meant in milliseconds; upstream reads seconds.
_SECONDS_BELOW = 100


def parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Everything the exporter of ``reader.signal`` is made with."""
    protocol = _protocol(reader)
    endpoint = _endpoint(reader, protocol.value)
    grpc = protocol.value == "grpc"
    read: dict[str, Value[Any]] = {
        "protocol": protocol,
        "endpoint": endpoint,
        "headers": reader.parsed(_names(reader, "HEADERS"), _headers(reader), {}, secret=True),
        "timeout_millis": _timeout(reader),
        "compression": reader.choice(_names(reader, "COMPRESSION"), COMPRESSIONS[protocol.value], "none"),
        "user_agent": reader.default(f"distrokit/{__version__}"),
    }
    if grpc:
        read["insecure"] = _insecure(reader, endpoint)
    if endpoint.value.startswith("https:") or (grpc and not read["insecure"].value):
        for name in ("CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE"):
            read[name.lower()] = reader.text(_names(reader, name))
    return read


def _names(reader: Reader, suffix: str) -> tuple[str, str]:
    signal = (reader.signal or "traces").upper()
    return f"OTEL_EXPORTER_OTLP_{signal}_{suffix}", f"OTEL_EXPORTER_OTLP_{suffix}"


def _given(reader: Reader, suffix: str) -> str:
    """The variable that was read: the signal's own, or else the general one."""
    own, general = _names(reader, suffix)
    return own if reader.settings.get(own) else general


def _protocol(reader: Reader) -> Value[str]:
    fixed = {"otlp_proto_grpc": "grpc", "otlp_proto_http": "http/protobuf"}.get(reader.name)
    if fixed:
        return reader.default(fixed)
    return reader.choice(_names(reader, "PROTOCOL"), PROTOCOLS, "grpc")


def _endpoint(reader: Reader, protocol: str) -> Value[str]:
    """For HTTP a signal's own endpoint is used as it is, and the general one gets the signal's path."""
    own, general = _names(reader, "ENDPOINT")
    path = f"v1/{reader.signal}"
    if protocol == "grpc":
        return reader.parsed((own, general), _grpc_url, "http://localhost:4317")
    found = reader.text((own, general))
    if found.source.kind == "plugin default" and not found.value:
        return reader.default(f"http://localhost:4318/{path}")
    if reader.settings.get(own) == found.value:
        return reader.parsed(own, lambda text: _http_url(text, ""), f"http://localhost:4318/{path}")
    return reader.parsed(general, lambda text: _http_url(text, path), f"http://localhost:4318/{path}")


def _grpc_url(text: str) -> str:
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    if scheme not in _GRPC_SCHEMES:
        raise ValueError("a grpc endpoint begins with http:// (plaintext) or https:// (TLS)")
    if scheme not in ("unix", "dns"):
        _reject_broken(text)
    return text


def _http_url(text: str, path: str) -> str:
    _reject_broken(text)
    if urlsplit(text).scheme not in ("http", "https"):
        raise ValueError("an http/protobuf endpoint begins with http:// or https://")
    if path:
        return f"{text.rstrip('/')}/{path}"
    return text if urlsplit(text).path else f"{text}/"


def _reject_broken(text: str) -> None:
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        broken = not parts.hostname or parts.port == 0
    except ValueError:
        broken = True
    if broken or any(c.isspace() for c in text):
        raise ValueError("it is not a URL such as http://collector:4317")


def _insecure(reader: Reader, endpoint: Value[str]) -> Value[bool]:
    """The scheme decides; ``INSECURE`` only speaks where the endpoint has none."""
    scheme = endpoint.value.partition("://")[0].lower() if "://" in endpoint.value else ""
    if scheme in ("http", "https", "unix"):
        return Value(scheme != "https", endpoint.source)
    names = _names(reader, "INSECURE")
    insecure = reader.flag(names, False)
    if not any(reader.settings.get(name) for name in names):
        reader.problem(
            code="endpoint-without-scheme",
            setting=_given(reader, "ENDPOINT"),
            value=endpoint.value,
            cause="the endpoint has no scheme",
            outcome="TLS is used",
            remedy=f"Write http://{endpoint.value} for plaintext, https://{endpoint.value} to confirm TLS.",
        )
    return insecure


def _timeout(reader: Reader) -> Value[int]:
    """Milliseconds, as the specification has it; 0 means no limit there, which no exporter here can do."""
    names = _names(reader, "TIMEOUT")
    found = reader.integer(names, 10_000, minimum=1)
    if 0 < found.value < _SECONDS_BELOW:
        reader.problem(
            code="timeout-in-seconds",
            setting=_given(reader, "TIMEOUT"),
            value=str(found.value),
            cause="the specification's unit is the millisecond, and this is too short to be meant so",
            outcome=f"it is read as {found.value} seconds",
            remedy=f"Write {found.value * 1000}.",
        )
        return Value(found.value * 1000, found.source, found.overruled)
    return found


def _headers(reader: Reader) -> Any:
    def parse(text: str) -> dict[str, str]:
        headers: dict[str, str] = {}
        for position, item in enumerate(text.split(","), 1):
            name, equals, value = item.partition("=")
            name, value = unquote(name).strip().lower(), unquote(value).strip()
            if not item.strip():
                continue
            if not (equals and name and _sendable(name) and _sendable(value)):
                # Never the text itself: it is a credential more often than not.
                reader.problem(
                    code="header-invalid",
                    setting=_given(reader, "HEADERS"),
                    value="****",
                    cause=f"item {position} is not name=value in plain ASCII",
                    outcome="that header is left out",
                    remedy="Write name=value,name=value with special characters percent-encoded.",
                )
                continue
            headers[name] = value
        return headers

    return parse


def _sendable(text: str) -> bool:
    return text.isascii() and text.isprintable()

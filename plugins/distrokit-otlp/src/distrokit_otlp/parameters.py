"""Reads the OTLP exporter's settings: the signal's own, else the general ones.

Source: specification, *OpenTelemetry Protocol Exporter*. Standard library only: this runs while the
plan is made.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from distrokit import Reader, Value, __version__, did_you_mean, metric_parameters
from distrokit_otlp.connection.endpoints import (
    basic_authorization,
    check_grpc_target,
    is_for_grpcio,
    is_grpc_target,
    is_local_socket,
    scheme_of,
)
from distrokit_otlp.credentials.headers import read_headers, read_headers_file
from distrokit_otlp.own_parameters import own_parameters
from distrokit_otlp.remedies import Remedies
from distrokit_otlp.tls.files import KEYS, TlsFiles
from distrokit_otlp.tls.loading import TlsFileError

PROTOCOLS = ("grpc", "http/protobuf", "http/json")
COMPRESSIONS = {
    "grpc": ("none", "gzip"),
    "http/protobuf": ("none", "gzip", "deflate"),
    "http/json": ("none", "gzip", "deflate"),
}

TEMPORALITY = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
AGGREGATION = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"

#: Every variable that is read here. Upstream's exporters would read them again in their constructors, and reject values
#: (``none`` as a compression, text as a timeout) that are handled here.
READ_HERE = (
    TEMPORALITY,
    AGGREGATION,
    *(
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
    ),
)

#: A smaller timeout is probably in seconds, which is upstream's unit.
_SHORTEST_MILLIS = 100

#: The protocol of exporters whose names include it: upstream's names, and the configuration schema's.
_PROTOCOL_BY_NAME = {
    "otlp_grpc": "grpc",
    "otlp_proto_grpc": "grpc",
    "otlp_proto_http": "http/protobuf",
    "otlp_json_http": "http/json",
}


def parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Read all parameters of the exporter of ``reader.signal``."""
    if reader.in_file and reader.name == "otlp":
        # The schema has no such name; an endpoint means different things over grpc and HTTP.
        reader.refuse(
            "in a configuration file, the exporter's name includes the transport", "Write otlp_http or otlp_grpc."
        )
        return {}
    protocol = _protocol(reader)
    grpc = protocol.value == "grpc"
    reader.file_name = "otlp_grpc" if grpc else "otlp_http"
    endpoint = _grpc_endpoint(reader) if grpc else _http_endpoint(reader)
    if credentials := basic_authorization(endpoint.value):
        # The endpoint is masked where it is shown; the password and the header made of it must be masked, too.
        reader.secret(urlsplit(endpoint.value).password or "")
        reader.secret(credentials.removeprefix("Basic "))
    read: dict[str, Value[Any]] = {
        "protocol": protocol,
        "endpoint": endpoint,
        "headers": read_headers(reader, grpc=grpc),
        "timeout_millis": _timeout(reader),
        "compression": reader.choice(
            _names(reader, "COMPRESSION"), COMPRESSIONS[protocol.value], "none", key="compression"
        ),
        "user_agent": reader.default(f"distrokit/{__version__}"),
    }
    if headers_file := read_headers_file(reader, read["headers"]):
        # A header that leaves the file is no longer sent.
        read["refresh_headers"] = headers_file
    if grpc or is_grpc_target(endpoint.value):
        read["insecure"] = _insecure(reader, endpoint)
    if protocol.value == "http/json":
        read["encoding"] = Value("json", protocol.source, key="encoding")
    read.update(own_parameters(reader, grpc=grpc))
    tls = reader.node("tls")
    insecure = read["insecure"].value if "insecure" in read else not endpoint.value.startswith("https:")
    if not insecure:
        for parameter, key in KEYS.items():
            read[parameter] = reader.text(_names(reader, parameter.upper()), key=key)
        _check_files(reader, read)
    elif tls is not None:
        _report_tls_without_effect(reader, tls, endpoint)
    if reader.signal == "metrics":
        read.update(metric_parameters(reader, TEMPORALITY, AGGREGATION))
    return read


def _names(reader: Reader, suffix: str) -> tuple[str, str]:
    signal = (reader.signal or "traces").upper()
    return f"OTEL_EXPORTER_OTLP_{signal}_{suffix}", f"OTEL_EXPORTER_OTLP_{suffix}"


def _protocol(reader: Reader) -> Value[str]:
    if reader.name in _PROTOCOL_BY_NAME:
        return reader.default(_PROTOCOL_BY_NAME[reader.name])
    if reader.name == "otlp_http":
        encoding = reader.choice((), ("protobuf", "json"), "protobuf", key="encoding")
        return Value(f"http/{encoding.value}", encoding.source)
    # A configuration file has the protocol in the exporter's name.
    return reader.parsed(_names(reader, "PROTOCOL"), _parse_protocol, "grpc")


def _parse_protocol(text: str) -> str:
    if text.lower() in PROTOCOLS:
        return text.lower()
    raise ValueError(f"valid values are {', '.join(PROTOCOLS)}", _suggest_protocol(text))


def _suggest_protocol(text: str) -> str:
    """Return a hint; http/json, the larger encoding, is suggested only for a text that mentions JSON."""
    if "js" in text.lower():
        return "Did you mean 'http/json'?"
    if re.search(r"http|proto", text, re.IGNORECASE) and "rp" not in text.lower():
        return "Did you mean 'http/protobuf'?"
    return did_you_mean(text.partition("/")[0], ("grpc", "http/protobuf"))


def _grpc_endpoint(reader: Reader) -> Value[str]:
    return reader.parsed(_names(reader, "ENDPOINT"), _parse_grpc_url, "http://localhost:4317", key="endpoint")


def _http_endpoint(reader: Reader) -> Value[str]:
    """Read the endpoint: a signal's own, or a file's, is used as it is; the general one gets the signal's path."""
    own_name, general_name = _names(reader, "ENDPOINT")
    path = f"v1/{reader.signal}"
    own = reader.parsed(own_name, lambda text: _parse_http_url(text, ""), "", key="endpoint")
    general = reader.parsed(general_name, lambda text: _parse_http_url(text, path), "")
    if own.value and not (general.value and general.source.strength > own.source.strength):
        return own
    return (
        Value(general.value, general.source, general.overridden, key="endpoint")
        if general.value
        else (reader.default(f"http://localhost:4318/{path}", "endpoint"))
    )


def _parse_grpc_url(text: str) -> str:
    if is_grpc_target(text):
        check_grpc_target(text)
        return text
    if scheme_of(text) not in ("", "http", "https"):
        raise ValueError("a grpc endpoint begins with http:// (plaintext) or https:// (TLS)")
    _reject_broken(text)
    return text


def _parse_http_url(text: str, path: str) -> str:
    if is_grpc_target(text) and not is_for_grpcio(text):
        # Several addresses, or a Unix socket: requests go to the signal's path.
        check_grpc_target(text)
        return text
    _reject_broken(text)
    if urlsplit(text).scheme not in ("http", "https"):
        hint = f", as in http://{text}" if "://" not in text else ""
        raise ValueError(f"an http/protobuf endpoint begins with http:// or https://{hint}")
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


def _setting_name(reader: Reader, value: Value[Any], suffix: str, key: str) -> str:
    """Return the name of the setting that was read, for a problem."""
    return f"{value.source} {key}" if value.source.kind == "file" else reader.given(*_names(reader, suffix))


def _insecure(reader: Reader, endpoint: Value[str]) -> Value[bool]:
    """Decide between plaintext and TLS: by the endpoint's scheme, or by ``INSECURE`` without a scheme."""
    scheme = scheme_of(endpoint.value)
    insecure = reader.flag(_names(reader, "INSECURE"), False, key="tls.insecure")
    if scheme in ("http", "https") or is_local_socket(endpoint.value):
        return Value(scheme != "https", endpoint.source)
    if not insecure.source.chosen and insecure.source.kind != "override":
        remedy = f"Write http://{endpoint.value} for plaintext, https://{endpoint.value} to confirm TLS."
        if scheme:
            remedy = "Set OTEL_EXPORTER_OTLP_INSECURE=true for plaintext, false to confirm TLS."
        reader.problem(
            code="endpoint-without-scheme",
            setting=_setting_name(reader, endpoint, "ENDPOINT", "endpoint"),
            value=endpoint.value,
            cause="the endpoint does not say whether to use TLS" if scheme else "the endpoint has no scheme",
            outcome="TLS is used",
            remedy=remedy,
        )
    return insecure


def _check_files(reader: Reader, read: dict[str, Value[Any]]) -> None:
    """Report a file that TLS cannot use; the exporter stays in the plan, but cannot be built."""
    sources = {name: value.source for name, value in read.items()}
    if reader.properties is not None:
        sources["exporter"] = reader.properties.source
    name = f"{reader.name}/{reader.instance}" if reader.instance else reader.name
    signal = reader.signal or "traces"
    paths = {parameter: str(read[parameter].value) for parameter in KEYS}
    lenient = "transport" in read and read["transport"].value == "grpcio"
    files = TlsFiles(name, signal, paths, Remedies(name, signal, sources, reader.settings), lenient=lenient)
    if files:
        try:
            files.load()
        except TlsFileError as error:
            reader.problems.append(error.problem)


def _report_tls_without_effect(reader: Reader, tls: Value[Any], endpoint: Value[str]) -> None:
    files = [key for key in ("ca_file", "key_file", "cert_file") if tls.at(key) is not None]
    if files:
        reader.problem(
            code="tls-without-effect",
            setting=f"{tls.source} tls",
            value="",
            cause=f"{', '.join(files)}, and the endpoint {endpoint.value} is plaintext",
            outcome="no TLS is used",
            remedy="Write https:// in the endpoint, or remove tls.",
        )


def _timeout(reader: Reader) -> Value[int]:
    """Read the timeout in milliseconds, as the specification has it; 0 means no limit."""
    found = reader.integer(_names(reader, "TIMEOUT"), 10_000, key="timeout")
    if 0 < found.value < _SHORTEST_MILLIS and found.source.kind != "file":
        reader.problem(
            code="timeout-in-seconds",
            setting=_setting_name(reader, found, "TIMEOUT", "timeout"),
            value=str(found.value),
            cause="the unit is milliseconds; the value is so small that seconds were probably meant",
            outcome=f"it is read as {found.value} seconds",
            remedy=f"Write {found.value * 1000}.",
        )
        return Value(found.value * 1000, found.source, found.overridden, key="timeout")
    return found

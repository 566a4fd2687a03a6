"""Reads the headers of an exporter: from variables, from a file that holds them, from a configuration file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from distrokit import Reader, Value
from distrokit_otlp.credentials.files import HeadersFile
from distrokit_otlp.credentials.header_list import is_header, parse_headers
from distrokit_otlp.credentials.header_rules import find_fault

Headers = dict[str, str]
_FORM = "Write name=value,name=value with special characters percent-encoded."


def read_headers(reader: Reader, *, grpc: bool) -> Value[Mapping[str, str]]:
    """Read the headers that the transport can send. A configuration file's ``headers`` override its ``headers_list``.

    Names are in lower case.
    """
    read = _read(reader)
    headers = dict(read.value)
    where = read.source
    setting = f"{where}=****" if where.kind == "environment" else f"{where} headers"
    for name, value in read.value.items():
        if why := find_fault(name, value, grpc=grpc):
            _refuse(reader, setting, why, f"Correct {where}.")
            del headers[name]
    return Value(MappingProxyType(headers), where, read.overridden, secret=True, key=read.key)


def _read(reader: Reader) -> Value[Mapping[str, str]]:
    names = _names(reader)
    listed: Value[Any] = reader.parsed(names, _parser(reader, names), {}, key="headers_list", secret=True)
    single = reader.node("headers")
    if single is None or listed.source.kind in ("code", "override"):
        return listed
    headers = dict(listed.value)
    written = dict.fromkeys(headers, "****")
    for item in single.value:
        name, value = item.at("name"), item.at("value")
        if name is not None and value is not None:
            text = reader.secret(str(value.value))
            if is_header(str(name.value).strip(), text):
                headers[str(name.value).strip().lower()] = text
                written[str(name.value).strip().lower()] = value.source.written or "****"
            else:
                _refuse(reader, f"{item.source} headers", "it is not a valid header in plain ASCII")
    source = replace(single.source, written=[{"name": name, "value": text} for name, text in written.items()])
    return Value(MappingProxyType(headers), source, secret=True, key="headers")


def read_headers_file(reader: Reader, headers: Value[Mapping[str, str]]) -> Value[HeadersFile] | None:
    """Return a value that rereads the headers' file when it changes; ``None`` when they do not come from a file."""
    if not headers.source.name.partition("__")[0].endswith("_HEADERS_FILE"):
        return None
    path = reader.settings.get(headers.source.name)
    return Value(HeadersFile(path, headers.source.name, headers.value), headers.source, secret=True)


def _names(reader: Reader) -> tuple[str, str]:
    return f"OTEL_EXPORTER_OTLP_{(reader.signal or 'traces').upper()}_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"


def _parser(reader: Reader, names: tuple[str, str]) -> Callable[[str], Headers]:
    files = tuple(f"{name}_FILE" for name in names)

    def parse(text: str) -> Headers:
        headers, refused = parse_headers(text)
        for position in refused:
            # Never the text itself: it is usually a credential.
            node = reader.node("headers_list")
            setting = f"{node.source} headers_list" if node else f"{reader.given(*names, *files)}=****"
            _refuse(reader, setting, f"item {position} is not name=value in plain ASCII")
        return headers

    return parse


def _refuse(reader: Reader, setting: str, cause: str, remedy: str = _FORM) -> None:
    reader.problem(
        code="header-invalid",
        setting=setting,
        value="",
        cause=cause,
        outcome="that header is left out",
        remedy=remedy,
    )

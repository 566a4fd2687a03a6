"""Reads the headers of an exporter: from variables, from a file that holds them, from a configuration file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from distrokit import Reader, Value
from distrokit_otlp.live_headers import HeadersFile

Headers = dict[str, str]


def read_headers(reader: Reader) -> Value[Mapping[str, str]]:
    """Names in lower case. A configuration file's ``headers`` are stronger than its ``headers_list``."""
    names = _names(reader)
    listed: Value[Any] = reader.parsed(names, _parser(reader, names), {}, key="headers_list", secret=True)
    single = reader.node("headers")
    if single is None or listed.source.strength > single.source.strength:
        return listed
    headers = dict(listed.value)
    for item in single.value:
        name, value = item.at("name"), item.at("value")
        if name is not None and value is not None:
            text = reader.secret(str(value.value))
            if sendable(str(name.value)) and sendable(text):
                headers[str(name.value).strip().lower()] = text
            else:
                _refuse(reader, f"{item.source} headers", "it is not plain ASCII")
    return Value(MappingProxyType(headers), single.source, secret=True, key="headers_list")


def refreshed(reader: Reader) -> Value[HeadersFile] | None:
    """Reads ``OTEL_EXPORTER_OTLP_HEADERS_FILE`` again when it changes; ``None`` when it is not what counts."""
    for name in _names(reader):
        if reader.settings.get(reader.spelt(name)):
            return None
        path = reader.settings.value(reader.spelt(name) + "_FILE")
        if path is not None:
            return Value(HeadersFile(path.value, _quietly), path.source, secret=True)
    return None


def sendable(text: str) -> bool:
    """Whether a header may hold it."""
    return text.isascii() and text.isprintable()


def _names(reader: Reader) -> tuple[str, str]:
    return f"OTEL_EXPORTER_OTLP_{(reader.signal or 'traces').upper()}_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"


def _parser(reader: Reader, names: tuple[str, str]) -> Callable[[str], Headers]:
    def parse(text: str) -> Headers:
        headers, refused = parse_headers(text)
        for position in refused:
            # Never the text itself: it is a credential more often than not.
            _refuse(reader, f"{reader.given(*names)}=****", f"item {position} is not name=value in plain ASCII")
        return headers

    return parse


def _quietly(text: str) -> Headers:
    return parse_headers(text)[0]


def parse_headers(text: str) -> tuple[Headers, list[int]]:
    """``name=value,name=value`` with special characters percent-encoded.

    Returns: the headers, and the positions of the items that are none, from 1.
    """
    headers: Headers = {}
    refused = []
    for position, item in enumerate(text.split(","), 1):
        name, equals, value = item.partition("=")
        name, value = unquote(name).strip().lower(), unquote(value).strip()
        if not item.strip():
            continue
        if equals and name and sendable(name) and sendable(value):
            headers[name] = value
        else:
            refused.append(position)
    return headers, refused


def _refuse(reader: Reader, setting: str, cause: str) -> None:
    reader.problem(
        code="header-invalid",
        setting=setting,
        value="",
        cause=cause,
        outcome="that header is left out",
        remedy="Write name=value,name=value with special characters percent-encoded.",
    )

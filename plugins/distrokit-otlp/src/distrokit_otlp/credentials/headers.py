"""Reads the headers of an exporter: from variables, from a file that holds them, from a configuration file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from distrokit import Reader, Value
from distrokit_otlp.credentials.files import HeadersFile
from distrokit_otlp.credentials.header_rules import find_fault

Headers = dict[str, str]
#: Size of a file in characters, as for any secret.
_LARGEST = 65_536
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
    return Value(HeadersFile(path, headers.source.name, parse_silently, headers.value), headers.source, secret=True)


_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def is_header(name: str, value: str) -> bool:
    """True if a request may contain the header (RFC 9110: a name is a token; a value is plain ASCII here)."""
    return bool(_TOKEN.fullmatch(name)) and value.isascii() and value.isprintable()


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


def parse_silently(text: str) -> Headers:
    """Return the valid headers of a file's text."""
    return parse_headers(text)[0]


def parse_headers(text: str) -> tuple[Headers, list[int]]:
    """Parse ``name=value,name=value`` with special characters percent-encoded.

    Returns: the headers, and the positions of invalid items, from 1.
    """
    headers: Headers = {}
    refused = []
    # A file has one header per line; a variable separates them by commas.
    text = text.strip()
    for position, item in enumerate(text.splitlines() if "\n" in text else text.split(","), 1):
        name, equals, value = item.partition("=")
        name, value = unquote(name).strip().lower(), unquote(value).strip()
        if not item.strip():
            continue
        if equals and is_header(name, value):
            headers[name] = value
        else:
            refused.append(position)
    return headers, refused


def file_faults(path: str, *, grpc: bool) -> list[str]:
    """Return what a headers' file holds that is not sent, without any value.

    Raises: ``OSError`` or ``ValueError`` when it cannot be read.
    """
    with Path(path).open(encoding="utf-8") as file:
        headers, refused = parse_headers(file.read(_LARGEST))
    faults = [f"line {position} is not name=value in plain ASCII" for position in refused]
    return [*faults, *filter(None, (find_fault(name, value, grpc=grpc) for name, value in headers.items()))]


def _refuse(reader: Reader, setting: str, cause: str, remedy: str = _FORM) -> None:
    reader.problem(
        code="header-invalid",
        setting=setting,
        value="",
        cause=cause,
        outcome="that header is left out",
        remedy=remedy,
    )

"""Parses lists of headers: ``name=value,name=value`` in a variable, one ``name=value`` per line in a file."""

from __future__ import annotations

import re
from urllib.parse import unquote

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def is_header(name: str, value: str) -> bool:
    """True if a request may contain the header (RFC 9110: a name is a token; a value is plain ASCII here)."""
    return bool(_TOKEN.fullmatch(name)) and value.isascii() and value.isprintable()


def parse_headers(text: str) -> tuple[dict[str, str], list[int]]:
    """Parse headers whose special characters are percent-encoded.

    Returns: the headers, names in lower case, and the positions of invalid items, from 1.
    """
    headers: dict[str, str] = {}
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

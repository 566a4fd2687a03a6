"""Lets a plugin's ``requests.auth.AuthBase`` sign each complete request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def signed(
    sign: Callable[[Any], Any], url: str, headers: Mapping[str, str], body: bytes
) -> tuple[dict[str, str], bytes]:
    """Return the headers, names in lower case, and the body of a signed request.

    Args:
        sign: gets a ``requests.PreparedRequest``, and returns it.
        url: of the request.
        headers: all headers of the request.
        body: of the request, compressed.

    Raises: ``ValueError`` for an invalid header value, without the value, which is usually a credential; and whatever
        ``sign`` raises.
    """
    import requests

    request = requests.Request("POST", url, headers=dict(headers), data=body).prepare()
    before = dict(request.headers)
    request = sign(request)
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        # A token that was read from a file often ends with a line feed.
        text = (value.decode("latin-1") if isinstance(value, bytes) else str(value)).strip()
        if before.get(name) != value and not _is_sendable(text):
            raise ValueError(f"the auth gives {name} an invalid value")
        found[str(name).lower()] = text
    found.pop("content-length", None)
    new_body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
    return found, new_body


def _is_sendable(value: str) -> bool:
    """True if a header value is one line of Latin-1 without control characters."""
    try:
        found = value.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return not any((byte < 32 and byte != 9) or byte == 127 for byte in found)

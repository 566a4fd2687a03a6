"""Reads until when certificates are valid (RFC 5280, 4.1), which the standard library tells of servers only."""

from __future__ import annotations

import re
import ssl
from datetime import datetime, timezone

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _UTC_TIME = 0x30, 0x17


def read_ends(pem: bytes) -> list[datetime]:
    """Return the end of each certificate of a PEM file, in order; one that cannot be read is left out."""
    ends = []
    for block in _BLOCK.findall(pem):
        try:
            ends.append(_read_end(ssl.PEM_cert_to_DER_cert(block.decode("ascii"))))
        except (ValueError, IndexError):
            continue
    return ends


def _read_end(certificate: bytes) -> datetime:
    (outer,) = _parts(certificate)[:1]
    (signed, *_) = _parts(outer[1])
    fields = _parts(signed[1])
    # Serial number, algorithm, issuer, validity; before them a version in most.
    validity = [content for tag, content in fields if tag == _SEQUENCE][2]
    tag, text = _parts(validity)[1]
    form = "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(text.decode("ascii"), form).replace(tzinfo=timezone.utc)


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    """Return tag and content of each value of a DER sequence."""
    found, place = [], 0
    while place < len(data):
        tag, length, place = data[place], data[place + 1], place + 2
        if length & 0x80:
            size = length & 0x7F
            length, place = int.from_bytes(data[place : place + size], "big"), place + size
        if place + length > len(data):
            raise ValueError("the certificate is cut")
        found.append((tag, data[place : place + length]))
        place += length
    return found

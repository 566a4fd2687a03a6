"""The built-in kinds of secrets. Each module has the detectors of one family; each detector takes linear time.

``quick_test`` finds out at little cost that a text has none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from distrokit_guard.redaction.detectors.addresses import find_emails
from distrokit_guard.redaction.detectors.banking import find_cards, find_ibans
from distrokit_guard.redaction.detectors.credentials import find_cloud_keys, find_private_keys, find_tokens
from distrokit_guard.redaction.detectors.urls import find_url_credentials, find_url_parameters

#: Returns start and end of each secret in a text.
Detector = Callable[[str], Iterable[tuple[int, int]]]

#: By the name of the kind.
DETECTORS: dict[str, Detector] = {
    "cards": find_cards,
    "tokens": find_tokens,
    "url-credentials": find_url_credentials,
    "url-parameters": find_url_parameters,
    "emails": find_emails,
    "ibans": find_ibans,
    "private-keys": find_private_keys,
    "cloud-keys": find_cloud_keys,
}

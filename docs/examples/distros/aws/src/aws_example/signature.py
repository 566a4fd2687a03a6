"""One signature for each request, as SigV4 does it, with less: whoever changes a byte on the way is found out."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase


class Signature(AuthBase):
    """Given each request when its headers and its body are complete, compressed if it is to be.

    Args:
        key_id, key: who signs, and with what.
        scope: ``region/service``.
    """

    def __init__(self, key_id: str, key: str, scope: str) -> None:
        self._key_id, self._key, self._scope = key_id, key, scope

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        signature = signed(self._key, self._scope, moment, str(request.method), str(request.url), request.body or b"")
        request.headers["X-Amz-Date"] = moment
        request.headers["Authorization"] = (
            f"EXAMPLE-HMAC-SHA256 Credential={self._key_id}/{self._scope}, Signature={signature}"
        )
        return request


def signed(key: str, scope: str, moment: str, method: str, url: str, body: Any) -> str:
    """The signature of one request, in hexadecimal."""
    content = body.encode() if isinstance(body, str) else bytes(body)
    parts = urlsplit(url)
    text = "\n".join([method, parts.netloc, parts.path, moment, scope, hashlib.sha256(content).hexdigest()])
    for_scope = hmac.digest(key.encode(), scope.encode(), "sha256")
    return hmac.new(for_scope, text.encode(), "sha256").hexdigest()

"""The exporter's HTTP session, whose CA and credentials come only from the exporter's settings.

``requests`` lets ``REQUESTS_CA_BUNDLE`` override a session's own CA, and sends credentials from ``.netrc``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import requests

from distrokit_otlp.deadline import DeadlineAdapter
from distrokit_otlp.header_rules import HeaderFilter
from distrokit_otlp.live_headers import LiveHeaders


class OTLPSession(requests.Session):
    """A session that ignores ``REQUESTS_CA_BUNDLE`` when it has a CA, and ``.netrc``.

    Args:
        header_filter: selects the refreshed headers that can be sent.
        refresh: returns headers before every request; ``None`` for none.
        sign: called last with each request, when it has all headers and the body; ``None`` for no signature.
    """

    def __init__(
        self,
        header_filter: HeaderFilter,
        refresh: Callable[[], Mapping[str, str]] | None = None,
        sign: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__()
        fresh = refreshing_auth(refresh, header_filter) if refresh else _unchanged
        # An auth of its own, even one that does nothing, keeps requests from .netrc.
        self.auth = signing_auth(sign, fresh) if sign else fresh
        for scheme in ("http://", "https://"):
            self.mount(scheme, DeadlineAdapter())

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Take proxies from the environment, but keep a CA that was set."""
        while True:
            try:
                merged: Any = super().merge_environment_settings(url, proxies, stream, verify, cert)
                break
            except KeyError:
                # Another thread removed a variable while the standard library iterated over the environment.
                continue
        named = verify if isinstance(verify, str) else self.verify
        return {**merged, "verify": named} if isinstance(named, str) else merged


def refreshing_auth(refresh: Callable[[], Mapping[str, str]], header_filter: HeaderFilter) -> Callable[[Any], Any]:
    """Return an auth that sets the current headers of each request."""
    live = LiveHeaders({}, refresh, header_filter)

    def refresh_request(request: Any) -> Any:
        request.headers.update(live.current())
        return request

    return refresh_request


def signing_auth(sign: Callable[[Any], Any], fresh: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return an auth that calls ``sign`` last with each request, and checks the headers that it changed.

    The auth raises ``ValueError`` for an invalid header value. The standard library's own message would contain the
    value, which is usually a credential.
    """

    def sign_request(request: Any) -> Any:
        request = fresh(request)
        before = dict(request.headers)
        request = sign(request)
        for name, value in list(request.headers.items()):
            if isinstance(value, (str, bytes)) and before.get(name) != value:
                # A token that was read from a file often ends with a line feed.
                request.headers[name] = value.strip()
                if not _is_sendable(value.strip()):
                    raise ValueError(f"the auth gives {name} an invalid value")
        return request

    return sign_request


def _is_sendable(value: str | bytes) -> bool:
    """True if a header value is one line of Latin-1 without control characters."""
    try:
        found = value.encode("latin-1") if isinstance(value, str) else value
    except UnicodeEncodeError:
        return False
    return not any((byte < 32 and byte != 9) or byte == 127 for byte in found)


def _unchanged(request: Any) -> Any:
    return request

"""The HTTP session of the exporter: only its own settings decide whom it trusts and who it is.

``requests`` lets ``REQUESTS_CA_BUNDLE`` win over a session's own CA, and sends what it finds in ``.netrc``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import requests

from distrokit_otlp.deadline import DeadlineAdapter
from distrokit_otlp.header_rules import HeaderFilter
from distrokit_otlp.live_headers import LiveHeaders


class OTLPSession(requests.Session):
    """See the module.

    Args:
        header_filter: keeps those of the refreshed headers that can be sent.
        refresh: headers that are asked for before every request; ``None`` for none.
        sign: given each request last, when it has all its headers and its body; ``None`` for nobody.
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
        """Proxies are the environment's business; a CA that was named is not."""
        while True:
            try:
                merged: Any = super().merge_environment_settings(url, proxies, stream, verify, cert)
                break
            except KeyError:
                # The standard library lists the environment, and another thread took a variable out meanwhile.
                continue
        named = verify if isinstance(verify, str) else self.verify
        return {**merged, "verify": named} if isinstance(named, str) else merged


def refreshing_auth(refresh: Callable[[], Mapping[str, str]], header_filter: HeaderFilter) -> Callable[[Any], Any]:
    """An auth that puts the headers of the moment into each request."""
    live = LiveHeaders({}, refresh, header_filter)

    def refresh_request(request: Any) -> Any:
        request.headers.update(live.current())
        return request

    return refresh_request


def signing_auth(sign: Callable[[Any], Any], fresh: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """An auth that lets ``sign`` have each request last, and looks at the headers that it changed.

    Raises, when called: ``ValueError`` for a header that no request can carry. The standard library's own message has
        its value, which is a credential more often than not.
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
                    raise ValueError(f"the auth gives {name} a value that no request can carry")
        return request

    return sign_request


def _is_sendable(value: str | bytes) -> bool:
    """Whether it is one line in what HTTP is written in."""
    try:
        found = value.encode("latin-1") if isinstance(value, str) else value
    except UnicodeEncodeError:
        return False
    return not any((byte < 32 and byte != 9) or byte == 127 for byte in found)


def _unchanged(request: Any) -> Any:
    return request

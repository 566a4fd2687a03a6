"""Policies from a control plane, which is polled over HTTP.

One request at a time, on the thread of the policies. A response is bounded in time and size, redirects lead to the same
server only, and after a failure the time between two requests doubles, up to a limit.
"""

from __future__ import annotations

import http.client
import json
import random
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from distrokit import shorten_cause
from distrokit_policy.documents import DocumentError, read_document
from distrokit_policy.providers.cache import PolicyCache
from distrokit_policy.providers.deadline import OpenConnection

#: The largest response, in bytes, and the longest pause after failures, in seconds.
MOST_BYTES, LONGEST_PAUSE = 4_000_000, 300.0
_CHUNK = 65_536
_MOST_REDIRECTS = 3


class ControlPlaneError(Exception):
    """A request that brought no policies.

    Args:
        reason: why.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason, self.place = reason, ""

    #: It is no fault of the policies, and may end by itself.
    is_transient = True


class BadResponseError(ControlPlaneError):
    """A response that has no policies."""

    is_transient = False


@dataclass(frozen=True)
class Request:
    """What is asked for, and how.

    Attributes:
        url: with ``http`` or ``https``.
        headers: secret.
        timeout_seconds: for the whole exchange.
        certificate, client_certificate, client_key: paths of PEM files; empty for none.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_seconds: float = 10.0
    certificate: str = ""
    client_certificate: str = ""
    client_key: str = ""


class HTTPProvider:
    """Polls an address.

    Args:
        request: what is asked for.
        interval_seconds: the time between two requests.
        cache: has the last good copy.
    """

    def __init__(self, request: Request, interval_seconds: float, cache: PolicyCache) -> None:
        self._request, self._cache = request, cache
        self._usual, self._failures = interval_seconds, 0
        self._etag = ""
        self._text: str | None = None
        self._good: object = None

    @property
    def interval_seconds(self) -> float:
        """The time until the next request; longer after failures, and never the same in all processes."""
        pause = min(self._usual * 2**self._failures, max(LONGEST_PAUSE, self._usual))
        return float(pause * random.uniform(0.9, 1.1))  # noqa: S311  (no secret depends on it)

    @property
    def warning(self) -> str:
        """Why there is no copy; empty if there is one."""
        return self._cache.problem

    def load(self) -> object:
        """Return the last good copy; ``None`` without one."""
        return self._cache.read()

    def poll(self) -> object:
        """Return the policies if they have changed; else ``None``.

        Raises:
            ControlPlaneError: they could not be fetched.
        """
        try:
            data = self._fetch()
        except ControlPlaneError:
            self._failures = min(self._failures + 1, 16)
            raise
        self._failures = 0
        return data

    def _fetch(self) -> object:
        response = self._exchange()
        if response is None:
            return None
        data, etag = response
        self._etag = etag
        if data == self._text:
            return None
        try:
            document = read_document(data.encode())
        except DocumentError as error:
            place = f" at {error.place}" if error.place else ""
            raise BadResponseError(f"the response cannot be read{place}: {error.reason}") from None
        if document.data is None:
            raise BadResponseError("the response is empty")
        self._text, self._good = data, document.data
        return document.data

    def accepted(self) -> None:
        """Keep a copy of the set, which is not on trial."""
        if self._good is not None:
            self._cache.write(json.dumps(self._good))
            self._good = None

    def _exchange(self) -> tuple[str, str] | None:
        """Return text and ETag of a response; ``None`` if nothing has changed."""
        headers = {"Accept": "application/json, application/yaml", **self._request.headers}
        if self._etag:
            headers["If-None-Match"] = self._etag
        request = urllib.request.Request(self._request.url, headers=headers)  # noqa: S310  (the scheme is checked)
        connection = OpenConnection()
        timer = connection.close_after(self._request.timeout_seconds)
        try:
            with self._open(request, connection) as response:
                text = _read(response)
            if connection.closed:
                # What looks like the end of the response is not its end.
                raise TimeoutError
            return text, response.headers.get("ETag", "")
        except urllib.error.HTTPError as error:
            with error:
                if error.code == http.HTTPStatus.NOT_MODIFIED:
                    return None
                raise ControlPlaneError(f"the server responded {error.code} {error.reason}") from None
        except TimeoutError:
            raise ControlPlaneError(f"no response within {self._request.timeout_seconds:g} s") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            if connection.closed or isinstance(getattr(error, "reason", None), TimeoutError):
                raise ControlPlaneError(f"no response within {self._request.timeout_seconds:g} s") from None
            cause = getattr(error, "reason", None) or error
            raise ControlPlaneError(f"no response: {shorten_cause(str(cause)) or type(cause).__name__}") from None
        finally:
            timer.cancel()

    def _open(self, request: urllib.request.Request, connection: OpenConnection) -> Any:
        opener = _make_opener(self._request, connection)
        return opener.open(request, timeout=self._request.timeout_seconds)

    def forked(self) -> None:
        """Ask again soon, and not at the same moment as the siblings."""
        self._failures = 0


def _read(response: Any) -> str:
    """Return the body within its size."""
    parts, size = [], 0
    while True:
        part = response.read1(_CHUNK)
        if not part:
            break
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise ControlPlaneError(f"the response has more than {MOST_BYTES:,} bytes")
    try:
        return b"".join(parts).decode("utf-8")
    except UnicodeDecodeError:
        raise ControlPlaneError("the response is not UTF-8") from None


class _SameServer(urllib.request.HTTPRedirectHandler):
    """Follows redirects to the same server, since others must not get the credentials."""

    max_redirections = _MOST_REDIRECTS

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        if (before.scheme, before.netloc) != (after.scheme, after.netloc):
            raise ControlPlaneError(f"the server responded {code}, a redirect to another one, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _make_opener(request: Request, connection: OpenConnection) -> urllib.request.OpenerDirector:
    handlers: list[Any] = [_SameServer(), connection.handler()]
    if urlsplit(request.url).scheme == "https":
        try:
            context = ssl.create_default_context(cafile=request.certificate or None)
            if request.client_certificate:
                context.load_cert_chain(request.client_certificate, request.client_key or None)
        except (OSError, ssl.SSLError) as error:
            raise ControlPlaneError(f"its certificates cannot be read: {error}") from None
        handlers.append(connection.tls_handler(context))
    return urllib.request.build_opener(*handlers)

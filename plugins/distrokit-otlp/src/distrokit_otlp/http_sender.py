"""OTLP over http/protobuf: sends one request and judges the response.

The response is not trusted: it is read up to one deadline and one size, and a web page is never a success, whatever
its status.
"""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from distrokit_otlp.deadline import limit_exchange
from distrokit_otlp.diagnosis import Diagnosis, place_of
from distrokit_otlp.exporter import Sender
from distrokit_otlp.http_response import HttpResponse, is_otlp, is_web_page, read_rejected, read_text
from distrokit_otlp.send_result import SendResult, mentions_size
from distrokit_otlp.tls_files import TlsFiles

#: Size of a response in bytes. A receiver's response has a few dozen.
LARGEST_RESPONSE = 4 * 1024 * 1024
#: Statuses after which a retry may succeed (specification, *OTLP/HTTP*, "Retryable Response Codes").
RETRYABLE = frozenset({429, 502, 503, 504})
_TOO_LARGE = 413


class HttpSender(Sender):
    """A transport over one HTTP session.

    Args:
        session: makes a session; called with the first request of each process.
        url: the endpoint.
        headers: sent with every request.
        compression: ``none``, ``gzip`` or ``deflate``.
        response: the class of the responses.
        files: the TLS files of the connections.
        diagnosis: explains failed connections; ``None`` for no explanation.

    Attributes:
        on_response: called with each response; ``None`` for no callback.
    """

    def __init__(
        self,
        session: Callable[[], Any],
        url: str,
        headers: Mapping[str, str],
        compression: str,
        response: Any,
        files: TlsFiles | None = None,
        diagnosis: Diagnosis | None = None,
    ) -> None:
        self._make, self._url, self._response, self._files = session, url, response, files
        self._diagnosis = diagnosis
        self._compress = _COMPRESS[compression]
        encoding = {} if compression == "none" else {"Content-Encoding": compression}
        # A compressed response may expand a thousandfold.
        own = {"Content-Type": "application/x-protobuf", "Accept-Encoding": "identity", **encoding}
        self._headers = {**own, **headers}
        self._session: Any = None
        self.on_response: Callable[[HttpResponse], None] | None = None

    def send(self, request: Any, seconds: float) -> SendResult:
        body = self._compress(request.SerializeToString())
        deadline = time.monotonic() + max(0.001, seconds)
        try:
            response = self._post(body, deadline)
        except requests.exceptions.SSLError as error:
            return self._file_fault() or self._explain(_tls_failure(error, self._diagnosis), deadline)
        except requests.exceptions.InvalidHeader as error:
            return SendResult("refused", _describe_header_error(error))
        except (requests.exceptions.RequestException, HTTPError, OSError) as error:
            if type(error) is OSError and (fault_result := self._file_fault()):
                # requests raises a plain OSError for a missing file.
                return fault_result
            reached = not _caused_by(error, (NewConnectionError, ConnectTimeoutError))
            return self._explain(SendResult("later", _describe(error), reached=reached, unsure=reached), deadline)
        except Exception as error:
            # For example an invalid header, or a hook's auth that raises.
            text = f"{type(error).__name__}: {error}"
            header_error = isinstance(error, ValueError) and str(error).startswith("Invalid header")
            return SendResult("refused", _describe_header_error(error) if header_error else text)
        if self._diagnosis is not None:
            self._diagnosis.reset()
        if self.on_response is not None:
            self.on_response(response)
        return self._judge(response)

    def _file_fault(self) -> SendResult | None:
        """Return ``later`` when a TLS file is unusable, since it may be being renewed; else ``None``."""
        fault = self._files.fault() if self._files else ""
        return SendResult("later", fault, reached=False) if fault else None

    def _explain(self, result: SendResult, deadline: float) -> SendResult:
        if self._diagnosis is None:
            return result
        return replace(result, cause=self._diagnosis.explain(result.cause, deadline - time.monotonic()))

    def _post(self, body: bytes, deadline: float) -> HttpResponse:
        if self._session is None:
            self._session = self._make()
        left = deadline - time.monotonic()
        with (
            limit_exchange(deadline),
            self._session.post(
                self._url, data=body, headers=self._headers, timeout=(left, left), stream=True, allow_redirects=False
            ) as response,
        ):
            content = response.raw.read(LARGEST_RESPONSE + 1, decode_content=False)
            return HttpResponse(
                response.status_code, response.reason or "", dict(response.headers), content[:LARGEST_RESPONSE],
                whole=len(content) <= LARGEST_RESPONSE,
            )  # fmt: skip

    def _judge(self, response: HttpResponse) -> SendResult:
        status = f"the receiver answered {response.status_code} {response.reason}".rstrip()
        if response.ok:
            return self._judge_success(response, status)
        text, wait = read_text(response), _retry_delay(response.header("retry-after"))
        if _is_too_large(response.status_code, text, wait):
            # A proxy's web page says no more than its status.
            return SendResult("too_large", status + (f": {text}" if text and not text.startswith("<") else ""))
        if response.status_code in RETRYABLE:
            # With these two, the server behind a gateway may have accepted the request.
            unsure = response.status_code in (502, 504)
            return SendResult("later", status, wait, unsure=unsure)
        if 300 <= response.status_code < 400:
            where = response.header("location")
            hint = f", which redirects to {where}; {self._endpoint()} needs the final address"
            return SendResult("refused", status + (hint if where else ""))
        hint = ""
        if response.status_code in (401, 403):
            hint = f" (it does not accept these credentials: {place_of('headers', self._diagnosis)})"
        elif response.status_code == 404:
            hint = f" (the path is wrong: {self._endpoint()})"
        return SendResult("refused", status + (f": {text}" if text else "") + hint)

    def _judge_success(self, response: HttpResponse, status: str) -> SendResult:
        """Judge a response with a status of success; a web page or a response without end is a failure."""
        if response.whole and is_otlp(response):
            rejected, text = read_rejected(response, self._response)
            return SendResult("taken", text or "the receiver gave no reason", rejected=rejected)
        if not response.whole or is_web_page(response):
            return SendResult("refused", f"{status}, which is not an OTLP response; correct {self._endpoint()}")
        remark = (
            f"{status}: {read_text(response)!r}, which is not an OTLP response; the items are counted as delivered; "
            f"if they are missing at the receiver, correct {self._endpoint()}"
        )
        return SendResult("taken", remark=remark)

    def _endpoint(self) -> str:
        return place_of("endpoint", self._diagnosis)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()

    def forked(self) -> None:
        # Not closed: parent and child share the descriptors, and TLS would send a close alert for the parent.
        self._session = None


#: Statuses that never mean a request's size, whatever the text.
_NOT_ABOUT_SIZE = frozenset({401, 403, 404, 405, 407, 431, 502, 503, 504})
_COMPRESS: dict[str, Callable[[bytes], bytes]] = {"none": bytes, "gzip": gzip.compress, "deflate": zlib.compress}


def _is_too_large(status: int, text: str, wait: float | None) -> bool:
    """True if a request was refused for its size.

    The Collector responds with 400 above its ``max_request_body_size``; a gateway in front of a grpc service forwards
    that service's message with 429 or 500.
    """
    if status == _TOO_LARGE:
        return True
    return status >= 400 and status not in _NOT_ABOUT_SIZE and wait is None and mentions_size(text)


def _tls_failure(error: Exception, diagnosis: Diagnosis | None) -> SendResult:
    """Return ``refused`` for a rejected certificate, ``later`` for a broken connection."""
    text = _describe(error)
    final = ("certificate", "hostname", "wrong_version", "wrong version", "alert", "unknown_ca")
    if any(word in text.lower() for word in final):
        settings = " and ".join(place_of(name, diagnosis) for name in ("certificate", "client_certificate"))
        return SendResult("refused", f"{text} ({settings})")
    return SendResult("later", text, unsure=True)


def _causes(error: BaseException | None) -> list[BaseException]:
    """Return an exception and all that it wraps: urllib3 and requests use arguments as well as causes."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and not any(one is seen for seen in found):
            found.append(one)
            waiting += [getattr(one, "reason", None), one.__cause__, one.__context__, *one.args]
    return found


def _caused_by(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    return any(isinstance(one, kinds) for one in _causes(error))


def _describe_header_error(error: Exception) -> str:
    """Describe an invalid header without the exception's message, which contains the value."""
    return f"{type(error).__name__}: a request header is invalid"


def _describe(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _retry_delay(text: str) -> float | None:
    """Parse ``Retry-After`` (RFC 9110, 10.2.3) to seconds; ``None`` when it is missing or invalid."""
    try:
        return max(0.0, min(float(text), 86_400.0)) if text.strip() else None
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return max(0.0, min(moment.timestamp() - time.time(), 86_400.0))

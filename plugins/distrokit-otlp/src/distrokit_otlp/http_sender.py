"""OTLP over http/protobuf: one request and its answer.

The answer is the peer's, and is not trusted: it is read against one deadline, up to a size, and a web page is no
success, whatever its status.
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

from distrokit_otlp.deadline import until
from distrokit_otlp.diagnosis import Diagnosis
from distrokit_otlp.exporter import Sender
from distrokit_otlp.http_response import HttpResponse, is_otlp, is_page, rejected_by, text_of
from distrokit_otlp.send_result import SendResult, names_a_size
from distrokit_otlp.tls_files import TlsFiles

#: Of an answer, in bytes. A receiver's own is a few dozen.
LARGEST_ANSWER = 4 * 1024 * 1024
#: Statuses after which another try may succeed (specification, *OTLP/HTTP*, "Retryable Response Codes").
RETRYABLE = frozenset({429, 502, 503, 504})
_TOO_LARGE = 413


class HttpSender(Sender):
    """See the module.

    Args:
        session: makes one; called when the first request is sent, in each process anew.
        url: where to.
        headers: sent with every request.
        compression: ``none``, ``gzip`` or ``deflate``.
        response: the class of the answers.
        files: those that connections are made with.
        diagnosis: finds out why a connection fails.

    Attributes:
        watch: told each answer that came; ``None`` for nobody.
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
        # An answer in a compressed form may be a thousand times its size.
        own = {"Content-Type": "application/x-protobuf", "Accept-Encoding": "identity", **encoding}
        self._headers = {**own, **headers}
        self._session: Any = None
        self.watch: Callable[[HttpResponse], None] | None = None

    def send(self, request: Any, seconds: float) -> SendResult:
        body = self._compress(request.SerializeToString())
        deadline = time.monotonic() + max(0.001, seconds)
        try:
            answer = self._post(body, deadline)
        except requests.exceptions.SSLError as error:
            return self._without_files() or self._diagnosed(_tls_failure(error), deadline)
        except requests.exceptions.InvalidHeader as error:
            return SendResult("refused", _of_a_header(error))
        except (requests.exceptions.RequestException, HTTPError, OSError) as error:
            if type(error) is OSError and (without := self._without_files()):
                # So requests says that a file is gone.
                return without
            reached = not _has(error, (NewConnectionError, ConnectTimeoutError))
            return self._diagnosed(SendResult("later", _said(error), reached=reached, unsure=reached), deadline)
        except Exception as error:
            # A header that cannot be sent, an auth of a hook's that raises.
            text = f"{type(error).__name__}: {error}"
            of_a_header = isinstance(error, ValueError) and str(error).startswith("Invalid header")
            return SendResult("refused", _of_a_header(error) if of_a_header else text)
        if self._diagnosis is not None:
            self._diagnosis.connected()
        if self.watch is not None:
            self.watch(answer)
        return self._judged(answer)

    def _without_files(self) -> SendResult | None:
        """The answer where a file cannot be used any more: it may be renewed at this very moment."""
        fault = self._files.fault() if self._files else ""
        return SendResult("later", fault, reached=False) if fault else None

    def _diagnosed(self, answer: SendResult, deadline: float) -> SendResult:
        if self._diagnosis is None:
            return answer
        return replace(answer, cause=self._diagnosis.of(answer.cause, deadline - time.monotonic()))

    def _post(self, body: bytes, deadline: float) -> HttpResponse:
        if self._session is None:
            self._session = self._make()
        left = deadline - time.monotonic()
        with (
            until(deadline),
            self._session.post(
                self._url, data=body, headers=self._headers, timeout=(left, left), stream=True, allow_redirects=False
            ) as response,
        ):
            content = response.raw.read(LARGEST_ANSWER + 1, decode_content=False)
            return HttpResponse(
                response.status_code, response.reason or "", dict(response.headers), content[:LARGEST_ANSWER],
                whole=len(content) <= LARGEST_ANSWER,
            )  # fmt: skip

    def _judged(self, answer: HttpResponse) -> SendResult:
        status = f"the receiver answered {answer.status_code} {answer.reason}".rstrip()
        if answer.ok:
            return self._taken(answer, status)
        said, wait = text_of(answer), _wait_of(answer.header("retry-after"))
        if _is_too_large(answer.status_code, said, wait):
            # The page of a proxy says no more than its status.
            return SendResult("too_large", status + (f": {said}" if said and not said.startswith("<") else ""))
        if answer.status_code in RETRYABLE:
            # A gateway says these two of what is behind it, and that may have taken it.
            unsure = answer.status_code in (502, 504)
            return SendResult("later", status, wait, unsure=unsure)
        if 300 <= answer.status_code < 400:
            where = answer.header("location")
            hint = f", and points to {where}; write the address that takes the data into OTEL_EXPORTER_OTLP_ENDPOINT"
            return SendResult("refused", status + (hint if where else ""))
        hint = _HINTS.get(answer.status_code, "")
        return SendResult("refused", status + (f": {said}" if said else "") + hint)

    def _taken(self, answer: HttpResponse, status: str) -> SendResult:
        """Judge an answer with a status of success: a web page, or an answer without end, is a failure all the same."""
        if answer.whole and is_otlp(answer):
            rejected, said = rejected_by(answer, self._response)
            return SendResult("taken", said or "it does not say why", rejected=rejected)
        if not answer.whole or is_page(answer):
            return SendResult("refused", f"{status}, and not as an OTLP receiver does: OTEL_EXPORTER_OTLP_ENDPOINT")
        remark = (
            f"{status}: {text_of(answer)!r}, which is no OTLP answer; the items count as delivered; if they are "
            "missing at the receiver, correct OTEL_EXPORTER_OTLP_ENDPOINT"
        )
        return SendResult("taken", remark=remark)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()

    def forked(self) -> None:
        # Not closed: the descriptors are shared with the parent, and TLS would say good-bye for it.
        self._session = None


_HINTS = {
    401: " (it does not accept these credentials: OTEL_EXPORTER_OTLP_HEADERS)",
    403: " (it does not accept these credentials: OTEL_EXPORTER_OTLP_HEADERS)",
    404: " (the path is wrong: OTEL_EXPORTER_OTLP_ENDPOINT)",
}
#: Statuses that are about other things, whatever the text.
_NOT_OF_SIZE = frozenset({401, 403, 404, 405, 407, 431, 502, 503, 504})
_COMPRESS: dict[str, Callable[[bytes], bytes]] = {"none": bytes, "gzip": gzip.compress, "deflate": zlib.compress}


def _is_too_large(status: int, said: str, wait: float | None) -> bool:
    """Return true if a request was refused for its size.

    The Collector answers 400 above its ``max_request_body_size``; a gateway in front of a grpc service passes on
    that service's words with 429 or 500.
    """
    if status == _TOO_LARGE:
        return True
    return status >= 400 and status not in _NOT_OF_SIZE and wait is None and names_a_size(said)


def _tls_failure(error: Exception) -> SendResult:
    """A certificate that was not accepted will not be the next time; a connection that broke may work."""
    text = _said(error)
    final = ("certificate", "hostname", "wrong_version", "wrong version", "alert", "unknown_ca")
    if any(word in text.lower() for word in final):
        return SendResult("refused", f"{text} (OTEL_EXPORTER_OTLP_CERTIFICATE, and _CLIENT_CERTIFICATE)")
    return SendResult("later", text, unsure=True)


def _chain(error: BaseException | None) -> list[BaseException]:
    """An exception and what it was made of: urllib3 and requests wrap, by arguments and by cause."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and not any(one is seen for seen in found):
            found.append(one)
            waiting += [getattr(one, "reason", None), one.__cause__, one.__context__, *one.args]
    return found


def _has(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    return any(isinstance(one, kinds) for one in _chain(error))


def _of_a_header(error: Exception) -> str:
    """Without its message, which has the header's value."""
    return f"{type(error).__name__}: a header of the request cannot be sent as it is"


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _wait_of(text: str) -> float | None:
    """``Retry-After`` (RFC 9110, 10.2.3) in seconds; ``None`` when it says nothing of use."""
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

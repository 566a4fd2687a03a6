"""Judges the response to a request.

The response is not trusted: a web page is never a success, whatever its status.
"""

from __future__ import annotations

import re
import time
from datetime import timezone
from email.utils import parsedate_to_datetime

from distrokit_otlp.diagnosis.diagnosis import Diagnosis
from distrokit_otlp.http.response import HttpResponse, is_otlp, is_web_page, read_rejected, read_text
from distrokit_otlp.send_result import SendResult, mentions_size

#: Size of a response in bytes. A receiver's response has a few dozen.
LARGEST_RESPONSE = 4 * 1024 * 1024
#: Statuses after which a retry may succeed (specification, *OTLP/HTTP*, "Retryable Response Codes").
RETRYABLE = frozenset({429, 502, 503, 504})
_TOO_LARGE = 413
#: Statuses that never mean a request's size, whatever the text.
_NOT_ABOUT_SIZE = frozenset({401, 403, 404, 405, 407, 431, 502, 503, 504})
#: Words of Go's servers and of nginx for plaintext at a port of TLS.
_TLS_EXPECTED = re.compile(r"HTTP request (?:was sent )?to (?:an )?HTTPS (?:server|port)", re.IGNORECASE)


class ResponseJudge:
    """Turns responses into results.

    Args:
        diagnosis: names the settings to correct.
    """

    def __init__(self, diagnosis: Diagnosis) -> None:
        self._diagnosis = diagnosis

    def judge(self, response: HttpResponse) -> SendResult:
        """Return the result for a response."""
        status = f"the receiver answered {response.status_code} {response.reason}".rstrip()
        if response.ok:
            return self._judge_success(response, status)
        text, wait = read_text(response), retry_delay(response.header("retry-after"))
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
            hint = f" (it does not accept these credentials: {self._diagnosis.credentials_place()})"
        elif _TLS_EXPECTED.search(text):
            hint = f" (it speaks TLS: write https:// in {self._endpoint()})"
        elif response.status_code == 404:
            hint = f" (the path is wrong: {self._endpoint()})"
        credentials = response.status_code == 401
        return SendResult("refused", status + (f": {text}" if text else "") + hint, credentials=credentials)

    def _judge_success(self, response: HttpResponse, status: str) -> SendResult:
        """Judge a response with a status of success; a web page or a response without end is a failure."""
        if response.whole and is_otlp(response):
            rejected, text = read_rejected(response)
            return SendResult("taken", text or "the receiver gave no reason", rejected=rejected)
        if not response.whole or is_web_page(response):
            return SendResult("refused", f"{status}, which is not an OTLP response; correct {self._endpoint()}")
        remark = (
            f"{status}: {read_text(response)!r}, which is not an OTLP response; the items are counted as delivered; "
            f"if they are missing at the receiver, correct {self._endpoint()}"
        )
        return SendResult("taken", remark=remark)

    def _endpoint(self) -> str:
        return self._diagnosis.place("endpoint")


def _is_too_large(status: int, text: str, wait: float | None) -> bool:
    """True if a request was refused for its size.

    The Collector responds with 400 above its ``max_request_body_size``; a gateway in front of a grpc service forwards
    that service's message with 429 or 500.
    """
    if status == _TOO_LARGE:
        return True
    return status >= 400 and status not in _NOT_ABOUT_SIZE and wait is None and mentions_size(text)


def retry_delay(text: str) -> float | None:
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

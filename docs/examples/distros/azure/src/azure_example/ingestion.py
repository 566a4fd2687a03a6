"""Sends envelopes, and tells what may be tried again: the processors, and the spool on disk, go by it."""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.instrumentation.utils import suppress_instrumentation

from distrokit import ExporterOptions, ExportFailure

_logger = logging.getLogger("opentelemetry.azure_example")

#: Answers after which another try may succeed.
_LATER = frozenset({401, 403, 408, 429, 439, 500, 502, 503, 504})


class Ingestion:
    """One signal's way to the ingestion endpoint; a connection for each request, so a fork finds none."""

    def __init__(self, options: ExporterOptions) -> None:
        self._options = options
        self._refreshed: Mapping[str, str] = {}

    def deliver(
        self, items: Any, envelopes: Sequence[Mapping[str, Any]], timeout_seconds: float
    ) -> ExportFailure | None:
        """One request.

        Args:
            items: what the envelopes were made of; a list has one for each of them.
        """
        if not envelopes:
            return None
        body = json.dumps(envelopes, default=str).encode()
        request = urllib.request.Request(self._options.endpoint, body, self._headers())  # noqa: S310  (checked)
        try:
            with suppress_instrumentation(), urllib.request.urlopen(request, timeout=timeout_seconds) as answer:  # noqa: S310
                return self._partly(items, len(envelopes), answer.read()) if answer.status == 206 else None
        except urllib.error.HTTPError as error:
            with error:
                return self._refused(items, len(envelopes), error)
        except (OSError, ValueError) as error:
            return ExportFailure(items, str(getattr(error, "reason", error)), reached=False)

    def _headers(self) -> dict[str, str]:
        options = self._options
        if options.refresh_headers is not None:
            try:
                self._refreshed = options.refresh_headers()
            except Exception as error:
                # Somebody else's, and the last ones may still be good.
                _logger.warning("no token: %s: %s; the last one is sent", type(error).__name__, error)
        agent = {"User-Agent": options.user_agent} if options.user_agent else {}
        return {"Content-Type": "application/json", **agent, **options.headers, **self._refreshed}

    def _partly(self, items: Any, count: int, answer: bytes) -> ExportFailure | None:
        """Some were taken; of those that were not, some may be sent again."""
        errors = {int(error["index"]): int(error["statusCode"]) for error in json.loads(answer).get("errors", ())}
        again = [index for index, status in errors.items() if status in _LATER and index < count]
        if isinstance(items, list):
            refused = len(errors) - len(again)
            left = [items[index] for index in again]
        else:
            refused, left = len(errors), []
        if refused:
            self._options.lost(refused, "rejected")
        return ExportFailure(left, "the receiver took a part") if left else None

    def _refused(self, items: Any, count: int, error: urllib.error.HTTPError) -> ExportFailure:
        cause = f"the receiver answered {error.code}"
        if error.code in _LATER:
            wait = error.headers.get("Retry-After", "")
            return ExportFailure(items, cause, float(wait) if wait.isdecimal() else None)
        self._options.lost(count, "failed", cause)
        return ExportFailure(None, cause)

"""The headers of each request: fixed ones, and those that change while the exporter runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from distrokit_otlp.credentials.files import CredentialFile, HeadersFile, describe_fault
from distrokit_otlp.credentials.header_rules import HeaderFilter

# Below OpenTelemetry's own logger, which reaches stderr whatever the application's logging does.
_logger = logging.getLogger("opentelemetry.exporter.distrokit_otlp")

#: Shorter values are no secrets, and may stand in any message.
_SHORTEST_SECRET = 6

Refresh = Callable[[], Mapping[str, str]]


class LiveHeaders:
    """The headers of an exporter's requests.

    Args:
        fixed: headers that do not change.
        sources: each returns headers that do; later ones override earlier ones and the fixed ones. When one raises, its
            last headers are used, and one warning is logged until it works again.
        header_filter: selects the headers that the transport can send.
    """

    def __init__(self, fixed: Mapping[str, str], sources: Sequence[Refresh], header_filter: HeaderFilter) -> None:
        self._fixed = {name.lower(): value for name, value in fixed.items()}
        self._sources = [_Source(source, header_filter) for source in sources]
        self._sent: dict[str, str] = {}

    @property
    def live(self) -> bool:
        """True if headers can change."""
        return bool(self._sources)

    @property
    def waiting(self) -> bool:
        """True if a source has not given any headers yet, such as a file that is not there."""
        return any(source.waiting for source in self._sources)

    def current(self) -> dict[str, str]:
        """Return all current headers, names in lower case."""
        headers = dict(self._fixed)
        for source in self._sources:
            headers.update(source.current())
        self._sent = headers
        return dict(headers)

    def mask(self, text: str) -> str:
        """Return a text without the values of the headers that were sent last, which a receiver may repeat."""
        secrets = {part for value in self._sent.values() for part in (value, value.rpartition(" ")[2])}
        for secret in sorted(secrets, key=len, reverse=True):
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "****")
        return text

    def reload(self) -> bool:
        """Read files again, even those that look unchanged; true if headers differ from those returned last."""
        before = self._sent
        for source in self._sources:
            source.forget()
        return self.live and self.current() != before


class _Source:
    """Headers that change, with their last values."""

    def __init__(self, refresh: Refresh, header_filter: HeaderFilter) -> None:
        self._refresh, self._filter = refresh, header_filter
        self._last: dict[str, str] = {}
        self._failed = False
        # The first faults of a file were reported with the plan.
        self._mute_first = isinstance(refresh, HeadersFile)
        if isinstance(refresh, CredentialFile):
            try:
                refresh()
            except (OSError, ValueError):
                self._failed = True

    @property
    def waiting(self) -> bool:
        return self._failed and not self._last

    def current(self) -> dict[str, str]:
        try:
            fresh = _normalize(self._refresh())
            if self._mute_first:
                self._filter.mute(fresh)
                self._mute_first = False
            self._last = self._filter(fresh)
            self._failed = False
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # An export with an expired token fails visibly; an export that is never attempted does not.
            if not self._failed:
                self._failed = True
                self._report(error)
        return self._last

    def forget(self) -> None:
        if isinstance(self._refresh, CredentialFile):
            self._refresh.forget()

    def _report(self, error: BaseException) -> None:
        # A plugin's message may contain a secret.
        source, why = "refresh_headers", f"raised {type(error).__name__}"
        if isinstance(self._refresh, CredentialFile) and isinstance(error, Exception):
            source, why = f"{self._refresh.place}={self._refresh.path}:", describe_fault(error)
        if self._last:
            _logger.warning("%s %s; the previous headers are sent", source, why)
        else:
            _logger.warning("%s %s; requests are sent without its headers until it works", source, why)


def _normalize(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers in lower case and stripped: a token that was read from a file often ends with a line feed."""
    normalized = {name.strip().lower(): value.strip() for name, value in headers.items()}
    for name, value in normalized.items():
        if not (name and value.isascii() and value.isprintable()):
            raise ValueError("a header must be plain ASCII")
    return normalized


def exclude_refreshed(headers: Mapping[str, str], refresh: Refresh | None) -> dict[str, str]:
    """Return the headers without those that a file had at first, since the file's current headers replace them."""
    first = refresh.first if isinstance(refresh, HeadersFile) else {}
    # A plugin may have added headers, or changed some.
    return {name: value for name, value in headers.items() if first.get(name) != value}

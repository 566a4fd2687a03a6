"""Headers that change while the exporter runs: credentials that expire, a file that is rewritten."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from distrokit_otlp.header_rules import HeaderFilter, to_metadata

# Below OpenTelemetry's own logger, which reaches stderr whatever the application's logging does.
_logger = logging.getLogger("opentelemetry.exporter.distrokit_otlp")

#: Size of a file in characters, as for any secret.
_LARGEST = 65_536


class LiveHeaders:
    """Headers as pairs of name and value, refreshed with every request.

    Args:
        fixed: headers that do not change.
        refresh: returns the headers that do; they override the fixed ones. When it raises, its last headers are used,
            and one warning is logged.
        header_filter: selects the headers that the transport can send.
    """

    def __init__(
        self, fixed: Mapping[str, str], refresh: Callable[[], Mapping[str, str]], header_filter: HeaderFilter
    ) -> None:
        self._fixed = dict(fixed)
        self._filter = header_filter
        self._refresh = refresh
        self._last: dict[str, str] = {}
        self._failed = False
        # The first faults of a file were reported with the plan.
        self._mute_first = isinstance(refresh, HeadersFile)

    def current(self) -> dict[str, str]:
        """Return all current headers, names in lower case."""
        try:
            fresh = _normalize(self._refresh())
            if self._mute_first:
                self._filter.mute(fresh)
                self._mute_first = False
            self._last = self._filter(fresh)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # An export with an expired token fails visibly; an export that is never attempted does not.
            if not self._failed:
                self._failed = True
                # The exception's message may contain a secret.
                _logger.warning("refresh_headers raised %s; the previous headers are sent", type(error).__name__)
        return {**self._fixed, **self._last}

    def __iter__(self) -> Iterator[tuple[str, str | bytes]]:
        return iter(to_metadata(self.current()))

    def __bool__(self) -> bool:
        # With false, an exporter would read the variable itself.
        return True


def _normalize(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers in lower case and stripped: a token that was read from a file often ends with a line feed."""
    normalized = {name.strip().lower(): value.strip() for name, value in headers.items()}
    for name, value in normalized.items():
        if not (name and value.isascii() and value.isprintable()):
            raise ValueError("a header must be plain ASCII")
    return normalized


class HeadersFile:
    """The headers of a file, read again when it changes.

    Args:
        path: one header per line.
        parse: turns the file's text into headers.
        first: the headers that were read for the plan.
    """

    def __init__(self, path: str, parse: Callable[[str], dict[str, str]], first: Mapping[str, str]) -> None:
        self.first = first
        self._path = Path(path)
        self._parse = parse
        self._seen: tuple[int, int] | None = None
        self._headers: dict[str, str] = {}

    def __call__(self) -> dict[str, str]:
        """Return the file's current headers.

        Raises: ``OSError`` when it cannot be read; ``ValueError`` when it has no header.
        """
        status = self._path.stat()
        seen = (status.st_mtime_ns, status.st_ino)
        if seen != self._seen:
            with self._path.open(encoding="utf-8") as file:
                headers = self._parse(file.read(_LARGEST))
            if not headers:
                raise ValueError("the file has no header")
            self._headers, self._seen = headers, seen
        return self._headers


def exclude_refreshed(headers: Mapping[str, str], refresh: Callable[[], Mapping[str, str]] | None) -> dict[str, str]:
    """Return the headers without those that a file had at first, since the file's current headers replace them."""
    first = refresh.first if isinstance(refresh, HeadersFile) else {}
    # A plugin may have added headers, or changed some.
    return {name: value for name, value in headers.items() if first.get(name) != value}

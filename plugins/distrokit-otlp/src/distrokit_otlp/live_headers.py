"""Headers that change while the exporter runs: credentials that expire, a file that is rewritten."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from distrokit_otlp.header_rules import HeaderFilter, to_metadata

# Below OpenTelemetry's own logger, which reaches stderr whatever the application's logging does.
_logger = logging.getLogger("opentelemetry.exporter.distrokit_otlp")

#: In characters, as for any secret.
_LARGEST = 65_536


class LiveHeaders:
    """Pairs of a header's name and value, asked for anew with every request.

    Args:
        fixed: those that do not change.
        refresh: those that do; stronger. When it raises, what it returned last counts, and it is said once.
        header_filter: keeps those that the transport can send.
    """

    def __init__(
        self, fixed: Mapping[str, str], refresh: Callable[[], Mapping[str, str]], header_filter: HeaderFilter
    ) -> None:
        self._fixed = dict(fixed)
        self._filter = header_filter
        self._refresh = refresh
        self._last: dict[str, str] = {}
        self._failed = False
        # What a file has at first was reported with the plan.
        self._mute_first = isinstance(refresh, HeadersFile)

    def current(self) -> dict[str, str]:
        """All headers as they are now, names in lower case."""
        try:
            fresh = _normalize(self._refresh())
            if self._mute_first:
                self._filter.mute(fresh)
                self._mute_first = False
            self._last = self._filter(fresh)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # An export with yesterday's token fails loudly; one that is never tried does not.
            if not self._failed:
                self._failed = True
                # Its message is not repeated: it may hold what must not be shown.
                _logger.warning("refresh_headers raised %s; the last headers it gave are sent", type(error).__name__)
        return {**self._fixed, **self._last}

    def __iter__(self) -> Iterator[tuple[str, str | bytes]]:
        return iter(to_metadata(self.current()))

    def __bool__(self) -> bool:
        # An exporter that finds none goes and reads the variable.
        return True


def _normalize(headers: Mapping[str, str]) -> dict[str, str]:
    """What a request can carry: a token read from a file often ends with a line feed."""
    normalized = {name.strip().lower(): value.strip() for name, value in headers.items()}
    for name, value in normalized.items():
        if not (name and value.isascii() and value.isprintable()):
            raise ValueError("a header is plain ASCII")
    return normalized


class HeadersFile:
    """The headers in a file, read again when it changes.

    Args:
        path: one header per line.
        parse: its text to headers.
        first: what was read of it while the plan was made.
    """

    def __init__(self, path: str, parse: Callable[[str], dict[str, str]], first: Mapping[str, str]) -> None:
        self.first = first
        self._path = Path(path)
        self._parse = parse
        self._seen: tuple[int, int] | None = None
        self._headers: dict[str, str] = {}

    def __call__(self) -> dict[str, str]:
        """The headers as the file has them now.

        Raises: ``OSError`` when it cannot be read; ``ValueError`` when it has no header any more.
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
    """The headers without those that a file had at first: its headers are those of the moment."""
    first = refresh.first if isinstance(refresh, HeadersFile) else {}
    # A plugin may have added some of its own.
    return {name: value for name, value in headers.items() if first.get(name) != value}

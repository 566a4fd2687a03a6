"""Headers that change while the exporter runs: credentials that expire, a file that is rewritten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path


class LiveHeaders:
    """Pairs of a header's name and value, asked for anew with every request.

    Args:
        fixed: those that do not change.
        refresh: those that do; stronger. When it raises, what it returned last counts.
    """

    def __init__(self, fixed: Mapping[str, str], refresh: Callable[[], Mapping[str, str]]) -> None:
        self._fixed = dict(fixed)
        self._refresh = refresh
        self._last: dict[str, str] = {}

    def current(self) -> dict[str, str]:
        """All headers as they are now, names in lower case."""
        try:
            self._last = {name.lower(): value for name, value in self._refresh().items()}
        except Exception:
            # An export with yesterday's token fails loudly; one that is never tried does not.
            return {**self._fixed, **self._last}
        return {**self._fixed, **self._last}

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.current().items())

    def __bool__(self) -> bool:
        # An exporter that finds none goes and reads the variable.
        return True


class HeadersFile:
    """The headers in a file, read again when it changes.

    Args:
        path: one header per line.
        parse: its text to headers.
    """

    def __init__(self, path: str, parse: Callable[[str], dict[str, str]]) -> None:
        self._path = Path(path)
        self._parse = parse
        self._seen: tuple[int, int] | None = None
        self._headers: dict[str, str] = {}

    def __call__(self) -> dict[str, str]:
        """The headers as the file has them now.

        Raises: ``OSError`` when it cannot be read.
        """
        status = self._path.stat()
        seen = (status.st_mtime_ns, status.st_ino)
        if seen != self._seen:
            self._headers = self._parse(",".join(self._path.read_text(encoding="utf-8").splitlines()))
            self._seen = seen
        return self._headers

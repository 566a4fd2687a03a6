"""Files with credentials, which are read again when they change."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path

#: Size of a file in characters, as for any secret.
_LARGEST = 65_536


class CredentialFile(ABC):
    """A file whose content gives headers.

    Args:
        path: of the file.
        place: the setting that names it, for messages.
    """

    def __init__(self, path: str, place: str) -> None:
        self.path, self.place = path, place
        self._seen: tuple[int, ...] | None = None
        self._headers: dict[str, str] = {}

    def __call__(self) -> dict[str, str]:
        """Return the file's current headers, names in lower case.

        Raises: ``OSError`` when it cannot be read; ``ValueError`` when its content is not usable, without the content.
        """
        path = Path(self.path)
        status = path.stat()
        seen = status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size
        if seen != self._seen:
            if not path.is_file():
                # Reading a pipe or device might never end.
                raise ValueError("it is not a regular file")
            with path.open(encoding="utf-8") as file:
                self._headers = self.parse(file.read(_LARGEST))
            self._seen = seen
        return self._headers

    def forget(self) -> None:
        """Read the file again with the next call, even if it looks unchanged."""
        self._seen = None

    @abstractmethod
    def parse(self, text: str) -> dict[str, str]:
        """Return the headers of the file's text. Raises ``ValueError``, without the text."""


class HeadersFile(CredentialFile):
    """A file with one header per line.

    Args:
        path: of the file.
        place: the setting that names it, for messages.
        parse: turns the file's text into headers.
        first: the headers that were read for the plan, which the file's current headers replace.
    """

    def __init__(
        self, path: str, place: str, parse: Callable[[str], dict[str, str]], first: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(path, place)
        self.first, self._parse = first or {}, parse

    def parse(self, text: str) -> dict[str, str]:
        headers = self._parse(text)
        if not headers:
            raise ValueError("it has no header")
        return headers


class BearerTokenFile(CredentialFile):
    """A file with a token, such as Kubernetes writes for a service account (RFC 6750)."""

    def parse(self, text: str) -> dict[str, str]:
        token = text.strip()
        if not token:
            raise ValueError("it is empty")
        if token.lower().startswith("bearer "):
            raise ValueError("it begins with 'Bearer'; it must hold the token alone")
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise ValueError("it is not one token in plain ASCII")
        return {"authorization": f"Bearer {token}"}


def describe_fault(error: Exception) -> str:
    """Return why a file cannot be used, without any of its content."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not text"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) if isinstance(error, ValueError) else type(error).__name__

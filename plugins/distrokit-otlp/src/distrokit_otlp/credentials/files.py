"""Files with credentials, which are read again when they change."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from distrokit_otlp.credentials.header_list import parse_headers
from distrokit_otlp.credentials.header_rules import find_fault
from distrokit_otlp.file_stamps import FileStamp, read_stamp

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
        self._seen: FileStamp | None = None
        self._headers: dict[str, str] = {}

    def __call__(self) -> dict[str, str]:
        """Return the file's current headers, names in lower case.

        Raises: ``OSError`` when it cannot be read; ``ValueError`` when its content is not usable, without the content.
        """
        seen = read_stamp(self.path)
        if seen != self._seen:
            self._headers = self.parse(self._read())
            self._seen = seen
        return self._headers

    def _read(self) -> str:
        path = Path(self.path)
        if not path.is_file():
            # Reading a pipe or device might never end.
            raise ValueError("it is not a regular file")
        with path.open(encoding="utf-8") as file:
            return file.read(_LARGEST)

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
        first: the headers that were read for the plan, which the file's current headers replace.
    """

    def __init__(self, path: str, place: str, first: Mapping[str, str] | None = None) -> None:
        super().__init__(path, place)
        self.first = first or {}

    def parse(self, text: str) -> dict[str, str]:
        headers = parse_headers(text)[0]
        if not headers:
            raise ValueError("it has no header")
        return headers

    def faults(self, *, grpc: bool) -> list[str]:
        """Return what the file holds that is not sent, without any value.

        Args:
            grpc: true for grpc, false for HTTP.

        Raises: ``OSError`` or ``ValueError`` when it cannot be read.
        """
        headers, refused = parse_headers(self._read())
        faults = [f"line {position} is not name=value in plain ASCII" for position in refused]
        return [*faults, *filter(None, (find_fault(name, value, grpc=grpc) for name, value in headers.items()))]


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


#: By the parameter that names the file; later ones override earlier ones.
FILES: dict[str, type[HeadersFile | BearerTokenFile]] = {
    "headers_file": HeadersFile,
    "bearer_token_file": BearerTokenFile,
}


def describe_fault(error: Exception) -> str:
    """Return why a file cannot be used, without any of its content."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not text"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) if isinstance(error, ValueError) else type(error).__name__

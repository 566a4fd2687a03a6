"""Policies in a file, or in the files of a folder."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from distrokit_policy.documents import MOST_BYTES, Document, DocumentError, read_document

_ENDINGS = (".yaml", ".yml", ".json")
#: The most files of a folder.
MOST_FILES = 2000


#: Files, each with time of modification and of change, size and inode.
Seen: TypeAlias = list[tuple[Path, tuple[int, int, int, int]]]
#: A file that was modified so lately, in seconds, may not be complete.
_YOUNG = 0.2


class PolicyFileError(ValueError):
    """A file that cannot be used.

    Args:
        place: the file, with line and column if they are known.
        reason: why.
    """

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place, self.reason = place, reason


class FileProvider:
    """Reads a file, or all files of a folder in the order of their names, whenever one of them has changed.

    Args:
        path: of file or folder.
    """

    interval_seconds = 0.5

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._seen: object = None
        self._is_first = True
        #: The file and the number of policies before each of its own, to find a place again.
        self._parts: list[tuple[Path, Document, int]] = []

    def load(self) -> Mapping[str, Any] | None:
        """Read it at the start. Raises :class:`PolicyFileError`."""
        return self.poll()

    def poll(self) -> Mapping[str, Any] | None:
        """Return all policies if a file has changed; else ``None``. One that is being written is read a moment later.

        Raises:
            PolicyFileError: a file cannot be read; once for each change.
        """
        seen = self._look()
        if seen == self._seen or (not self._is_first and _is_young(seen)):
            return None
        self._is_first = False
        if isinstance(seen, str):
            self._seen = seen
            raise PolicyFileError(str(self._path), seen)
        try:
            data = self._read([file for file, _ in seen])
        except PolicyFileError:
            self._seen = seen
            raise
        if self._look() != seen:
            # It has changed meanwhile.
            return None
        self._seen = seen
        return data

    def forget(self) -> None:
        """Free the memory that places need."""
        for _, document, _ in self._parts:
            document.forget()

    def _look(self) -> Seen | str:
        """Return the files with what changes when they do; the reason if they cannot be found."""
        file = self._path
        states = []
        try:
            for file in self._files():
                states.append((file, file.stat()))
        except OSError as error:
            what = f"{file.name}: " if file != self._path else ""
            return f"{what}{error.strerror or error}"
        if len(states) > MOST_FILES:
            return f"the folder has more than {MOST_FILES:,} files of policies"
        other = next((file for file, state in states if not stat.S_ISREG(state.st_mode)), None)
        if other is not None:
            # A pipe would make the application wait for somebody who writes to it.
            return f"{other.name} is no regular file"
        return [(file, (state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino)) for file, state in states]

    def _files(self) -> list[Path]:
        if not self._path.is_dir():
            return [self._path]
        with os.scandir(self._path) as entries:
            names = sorted(entry.name for entry in entries)
        return [self._path / name for name in names if name.endswith(_ENDINGS) and not name.startswith(".")]

    def _read(self, files: list[Path]) -> Mapping[str, Any]:
        policies: list[Any] = []
        parts: list[tuple[Path, Document, int]] = []
        rest: dict[str, Any] = {}
        for file in files:
            document = _read_file(file)
            parts.append((file, document, len(policies)))
            for each, more in map(_split, _documents(document.data, file)):
                policies += each
                rest.update(more)
                if "rollout" in more and len(files) > 1:
                    raise PolicyFileError(str(file), "rollout is for a set in a single file, and here are several")
        self._parts = parts
        return {**rest, "policies": policies}

    def locate(self, path: tuple[str | int, ...]) -> str:
        """Return ``/etc/otel/policies.yaml:12:7`` for a part of the last set."""
        if len(path) < 2 or not isinstance(path[1], int):
            return str(self._path)
        number, inner = path[1], path[2:]
        file, document, before = max(
            (part for part in self._parts if part[2] <= number), key=lambda part: part[2], default=(self._path, None, 0)
        )
        place = ""
        if document is not None and inner:
            place = document.locate(_path_in(document.data, number - before, inner))
        elif document is not None and number - before < len(document.places):
            place = document.places[number - before]
        return f"{file}:{place}" if place else str(file)


def _read_file(file: Path) -> Document:
    try:
        with file.open("rb") as opened:
            # A file that grows meanwhile, or a device, has no end.
            data = opened.read(MOST_BYTES + 1)
        return read_document(data, is_json=file.suffix == ".json")
    except OSError as error:
        raise PolicyFileError(str(file), error.strerror or str(error)) from None
    except DocumentError as error:
        place = f"{file}:{error.place}" if error.place else str(file)
        raise PolicyFileError(place, error.reason) from None


def _is_young(seen: Seen | str) -> bool:
    """Tell whether a file was modified a moment ago; not if its time is in the future."""
    now = time.time()
    return not isinstance(seen, str) and any(0 <= now - times[0] / 1e9 < _YOUNG for _, times in seen)


def _documents(data: Any, file: Path) -> list[Any]:
    """Return the sets of a file: itself, or each document of YAML; a list of policies is one set."""
    if data is None:
        # A file that is being written is empty at first; one without policies says so.
        raise PolicyFileError(str(file), "it is empty; write `policies: []` for no policies")
    if isinstance(data, list) and data and all(isinstance(each, Mapping) and "policies" in each for each in data):
        return data
    if not isinstance(data, (list, Mapping)) or (isinstance(data, Mapping) and not {"policies", "id"} & data.keys()):
        raise PolicyFileError(str(file), "it has no policies: neither a list `policies` nor a policy with an `id`")
    return [data]


def _split(data: Any) -> tuple[list[Any], Mapping[str, Any]]:
    """Return the policies of a set, and what it has beside them."""
    if isinstance(data, list):
        return data, {}
    if "policies" not in data:
        return [data], {}
    policies = data["policies"]
    if policies is not None and not isinstance(policies, list):
        # Reported where policies are read.
        return [policies], {}
    return policies or [], {key: value for key, value in data.items() if key != "policies"}


def _path_in(data: Any, number: int, inner: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return the path of a part of a policy in its document."""
    if isinstance(data, Mapping):
        return ("policies", number, *inner) if "policies" in data else inner
    if data and isinstance(data[0], Mapping) and "policies" in data[0]:
        for at, each in enumerate(data):
            count = len(each["policies"] or ())
            if number < count:
                return (at, "policies", number, *inner)
            number -= count
    return (number, *inner)

"""Secrets in files of their own: ``NAME_FILE`` in place of ``NAME``, as container platforms mount them."""

from __future__ import annotations

from pathlib import Path

from distrokit.diagnostics import Problem, describe_exception
from distrokit.settings.values import Source

#: In characters; a longer file is refused, since secrets are short.
LARGEST = 65_536


def read_secret(name: str, paths: list[tuple[str, Source]], problems: list[Problem]) -> list[tuple[str, str, Source]]:
    """Read secrets from files, as candidates for a value: (name, text, source).

    Args:
        name: the variable, for example ``OTEL_EXPORTER_OTLP_HEADERS_FILE``.
        paths: its values with their sources.
        problems: receives files that cannot be read; then the next weaker value counts.
    """
    found = []
    for path, source in paths:
        try:
            text = content(path)
        except (OSError, ValueError) as error:
            problems.append(
                Problem(
                    code="secret-file-unreadable",
                    # A common mistake is a secret in place of the path.
                    subject=f"{name}={path if Path(path).is_absolute() else '****'}",
                    cause=describe_exception(error) if isinstance(error, ValueError) else str(error.strerror),
                    outcome="it is treated as unset",
                    remedy="Name a text file that this process may read.",
                )
            )
            continue
        if text:
            found.append((name, text, source))
    return found


def content(path: str) -> str:
    """Read a file's text, without blanks at its end.

    Raises: ``OSError``; ``ValueError`` if it is not text, not a regular file, or too long for a secret.
    """
    file = Path(path)
    # Reading a pipe may never end.
    if file.exists() and not file.is_file():
        raise ValueError("it is not a regular file")
    with file.open(encoding="utf-8") as opened:
        text = opened.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise ValueError(f"it is longer than {LARGEST} characters")
    return text.rstrip()

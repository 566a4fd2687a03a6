"""Secrets that stand in a file of their own: ``NAME_FILE`` beside ``NAME``, as container platforms mount them."""

from __future__ import annotations

from pathlib import Path

from distrokit.diagnostics import Problem, describe_exception
from distrokit.settings.values import Source

#: In characters; a secret is short, and what is longer is not one.
LARGEST = 65_536


def read_secret(name: str, given: list[tuple[str, Source]], problems: list[Problem]) -> list[tuple[str, str, Source]]:
    """The content of the files that ``given`` names, as candidates for a value.

    Args:
        name: the variable, for example ``OTEL_EXPORTER_OTLP_HEADERS_FILE``.
        given: its values, each a path.
        problems: receives files that cannot be read; then the next weaker value counts.
    """
    found = []
    for path, source in given:
        try:
            text = content(path)
        except (OSError, ValueError) as error:
            problems.append(
                Problem(
                    code="secret-file-unreadable",
                    # A secret in the place of the path is a mistake that people make.
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
    """The file's text, without blanks at its end.

    Raises: ``OSError``; ``ValueError`` when it is no text, no regular file, or too long for a secret.
    """
    file = Path(path)
    # A pipe has no end, and would be waited for.
    if file.exists() and not file.is_file():
        raise ValueError("it is not a regular file")
    with file.open(encoding="utf-8") as opened:
        text = opened.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise ValueError(f"it is longer than {LARGEST} characters")
    return text.rstrip()

"""Reads a configuration file; each mistake becomes a problem with line and column.

A file that cannot be read disables telemetry. A part that does not match the schema is left out, and the rest applies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distrokit import Configuration, Problem, Source, Value
from distrokit_yaml.nodes import UnusableFileError, nodes_of
from distrokit_yaml.schema import fitting

#: In bytes, four times the schema's largest example.
LARGEST = 262_144

#: Newest supported minor version of schema 1.x.
NEWEST_MINOR = 1

_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")

_SUFFIXES = (".yaml", ".yml", ".json")


def read_configuration(path: str, environ: Mapping[str, str]) -> Configuration:
    """Read a configuration file.

    Args:
        path: as the user wrote it; problems and sources repeat it.
        environ: variables for the references in the file.
    """
    try:
        text = _text(path)
        problems: list[Problem] = []
        model = nodes_of(text, path, environ, problems)
        _check_format(model, problems)
        return Configuration(path, fitting(model, problems), tuple(problems))
    except UnusableFileError as unusable:
        return Configuration(path, None, (_unusable(path, unusable),))
    except RecursionError:
        return Configuration(path, None, (_unusable(path, UnusableFileError("it is nested too deeply")),))


def _text(path: str) -> str:
    file = Path(path)
    if file.suffix.lower() not in _SUFFIXES:
        raise UnusableFileError(f"its name must end in {', '.join(_SUFFIXES)}")
    try:
        if not file.is_file():
            where = "" if file.is_absolute() else f" in {Path.cwd()}"
            raise UnusableFileError("it is not a file" if file.exists() else f"there is no such file{where}")
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        raise UnusableFileError(f"it cannot be read: {error.strerror or error}") from error
    if len(content) > LARGEST:
        raise UnusableFileError(f"it is larger than {LARGEST:,} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnusableFileError(f"it is not UTF-8 (byte {error.start:,})") from error
    return _json(text) if file.suffix.lower() == ".json" else text


def _json(text: str) -> str:
    """Convert JSON to YAML: only tabs between tokens and surrogate pairs differ."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise UnusableFileError(f"it is not JSON: {error.msg}", error.lineno, error.colno) from error
    # JSON escapes characters beyond 16 bits as surrogate pairs, which YAML does not join.
    text = _PAIR.sub(lambda match: json.loads(f'"{match.group()}"'), text)
    return text.replace("\t", " ").replace("\x7f", "\\u007f")


def _check_format(model: Value[Any], problems: list[Problem]) -> None:
    """Refuse another major version, warn about a newer minor version (specification, *VERSIONING*)."""
    if not isinstance(model.value, dict):
        raise UnusableFileError("it is not a mapping")
    version = model.at("file_format")
    if version is None:
        raise UnusableFileError('it has no file_format; write file_format: "1.0" at the top')
    major = str(version.value).partition(".")[0].partition("-")[0]
    if major != "1":
        *_, line, column = version.source.name.rsplit(":", 2)
        raise UnusableFileError(f"file_format {version.value} is not supported, only 1.x", int(line), int(column))
    minor = re.match(r"1\.([0-9]+)", str(version.value))
    if minor is not None and int(minor[1]) > NEWEST_MINOR:
        problems.append(
            Problem(
                code="file-format-newer",
                subject=f"{version.source} file_format={version.value}",
                cause=f"the newest supported version is 1.{NEWEST_MINOR}",
                outcome="new keys may have no effect",
                remedy=f"Upgrade distrokit-yaml and opentelemetry-configuration, or write 1.{NEWEST_MINOR}.",
                severity="warning",
            )
        )


def _unusable(path: str, unusable: UnusableFileError) -> Problem:
    place = f":{unusable.line}:{unusable.column}" if unusable.line else ""
    return Problem(
        code="file-unusable",
        subject=str(Source("file", path + place)),
        cause=str(unusable),
        outcome="telemetry is disabled because the file cannot be read",
        remedy="Correct the file (`distrokit config validate` checks it), or unset OTEL_CONFIG_FILE."
        if Path(path).is_file()
        else "Correct the path in OTEL_CONFIG_FILE, or unset it.",
    )

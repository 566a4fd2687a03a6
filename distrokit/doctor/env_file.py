"""The check of ``.env`` files, which an application loads itself after telemetry has started."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator
from pathlib import Path

from distrokit.declarations import Check
from distrokit.plan.plan import Plan

#: Looked for by python-dotenv, ``flask run`` and others, in the working directory and above.
_NAMES = (".env", ".flaskenv")
_LARGEST = 1_000_000
_LINE = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*(.*)")
_OURS = ("OTEL_", "DISTROKIT_")


def check_env_files(plan: Plan) -> Iterator[Check]:
    """Report settings in such files that this process lacks, or has with another value; values are not shown."""
    environ = plan.settings.environ
    known = {setting.name for setting in plan.known}
    found = False
    for path in _files():
        given = {name: text for name, text in _variables(path).items() if name.startswith(_OURS) or name in known}
        missing = sorted(name for name in given if name not in environ)
        other = sorted(name for name, text in given.items() if name in environ and environ[name] != text)
        if not missing and not other:
            continue
        found = True
        yield Check(
            "env-file",
            "warn",
            f"{path} has {_differences(missing, other)}; an application that loads it (python-dotenv, flask run,"
            " django-environ) does so after telemetry has started",
            f"set -a; . {shlex.quote(str(path))}; set +a  # before the program is started",
        )
    if not found:
        yield Check("env-file", "ok", "no .env file has settings that this process lacks")


def _differences(missing: Collection[str], other: Collection[str]) -> str:
    parts = []
    if missing:
        parts.append(f"{', '.join(missing)}, which this process was started without")
    if other:
        parts.append(f"{'another value' if len(other) == 1 else 'other values'} of {', '.join(other)}")
    return ", and ".join(parts)


def _files() -> Iterator[Path]:
    try:
        here = Path.cwd()
    except OSError:
        # The working directory was deleted.
        return
    for name in _NAMES:
        # The nearest one, as python-dotenv does.
        near = next((folder / name for folder in (here, *here.parents) if (folder / name).is_file()), None)
        if near is not None:
            yield near


def _variables(path: Path) -> dict[str, str]:
    """Read the variables of a file: one line each, without quotes and comments; other syntax is ignored."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace") if path.stat().st_size <= _LARGEST else ""
    except OSError:
        return {}
    found = {}
    for line in text.splitlines():
        if variable := _LINE.fullmatch(line):
            found[variable[1]] = _value(variable[2])
    return found


def _value(text: str) -> str:
    if text[:1] in ("'", '"'):
        return text[1:].partition(text[0])[0]
    return re.split(r"[ \t]+#", text)[0].strip()

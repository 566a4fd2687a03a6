"""The writer of ``os.environ``, for code that can be configured in no other way.

:func:`lend` sets a variable for a while: it is restored before the application goes on. The files that run before
anything of distrokit is imported write it themselves: ``launch/site/sitecustomize.py`` and ``lazy/on_demand.py``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module

#: No settings, but marks for child processes: digests of the messages that were printed; and the request of
#: ``distrokit doctor -- COMMAND`` to the process of COMMAND.
SAID, ASKED = "_DISTROKIT_SAID", "_DISTROKIT_ASKED"

#: No setting either: the ``OTEL_PYTHON_DISTRO`` that the launcher set, not the user.
CLAIMED = "_DISTROKIT_CLAIMED"

#: No setting either: the variables that :func:`keep` set, as JSON: name to the new text and the text before.
KEPT = "_DISTROKIT_KEPT"


def settable(name: str, text: str) -> bool:
    """Tell whether an environment variable can have this name and this text."""
    try:
        os.fsencode(name + text)
    except UnicodeEncodeError:
        return False
    return bool(name) and "=" not in name and "\0" not in name + text


def apply(changes: Mapping[str, str | None]) -> None:
    """Set these variables; remove those whose text is ``None``."""
    for name, text in changes.items():
        if text is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = text


#: Prefixes of variables that are about telemetry.
_PREFIXES = ("OTEL_", "DISTROKIT_", "_DISTROKIT_")


def without_telemetry(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without the variables that OpenTelemetry and distrokit read.

    Args:
        environ: ``None`` reads ``os.environ``.
    """
    return {
        name: text for name, text in (os.environ if environ is None else environ).items() if not _is_telemetry(name)
    }


@contextmanager
def only(environ: Mapping[str, str], also: Collection[str] = ()) -> Iterator[None]:
    """Replace the variables about telemetry in ``os.environ`` by these, for a while; for tests.

    Args:
        environ: variables to set, about telemetry or not.
        also: more names to remove, unless ``environ`` has them.
    """

    def collect() -> dict[str, str]:
        return {n: text for n, text in os.environ.items() if _is_telemetry(n) or n in also or n in environ}

    before = collect()
    try:
        apply({**dict.fromkeys(before), **environ})
        yield
    finally:
        apply({**dict.fromkeys(collect()), **before})


def telemetry_in_environ() -> dict[str, str]:
    """Return the variables of ``os.environ`` that OpenTelemetry and distrokit read."""
    return {name: text for name, text in os.environ.items() if _is_telemetry(name)}


def _is_telemetry(name: str) -> bool:
    return name.startswith(_PREFIXES)


def lend(name: str, value: str | None) -> Callable[[], None]:
    """Set a variable for a while, for code that reads ``os.environ`` only; ``None`` removes it.

    Returns: a function that restores the variable; child processes must not take it for the user's choice.
    """
    before = os.environ.get(name)
    apply({name: value})
    return lambda: apply({name: before})


def import_propagate() -> None:
    """Import ``opentelemetry.propagate`` without ``OTEL_PROPAGATORS``: it raises on unknown names.

    The plan resolves the variable itself: a wrong name is left out alone, and propagators of plugins are found.
    """
    if "opentelemetry.propagate" not in sys.modules:
        restore = lend("OTEL_PROPAGATORS", None)
        try:
            import_module("opentelemetry.propagate")
        finally:
            restore()


def put(name: str, value: str | None) -> None:
    """Set a variable for the rest of the process; ``None`` removes it."""
    apply({name: value})


def claim(name: str, value: str) -> None:
    """Set a variable for this process and its children, unless it is set, and mark it as not set by the user."""
    if not os.environ.get(name, "").strip():
        apply({name: value, CLAIMED: f"{name}={value}"})


def keep(texts: Mapping[str, str]) -> None:
    """Set variables for the rest of the process, and mark them: a child must not take them for the user's choice.

    Args:
        texts: by name. A variable that the parent process kept, and that is not in ``texts``, is restored.
    """
    before = as_given(os.environ)
    changes: dict[str, str | None] = {name: before.get(name) for name in _read_kept(os.environ)}
    mark = {name: [text, before.get(name)] for name, text in texts.items()}
    apply({**changes, **texts, KEPT: json.dumps(mark) if mark else None})


def as_given(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment as the user set it, without variables that a parent process set by :func:`keep`."""
    given = dict(environ)
    for name, (text, before) in _read_kept(environ).items():
        # A variable that was set again since then was set by the user or the application.
        if given.get(name) == text:
            del given[name]
            given.update({} if before is None else {name: before})
    return given


def _read_kept(environ: Mapping[str, str]) -> dict[str, tuple[str, str | None]]:
    try:
        return {str(name): (text, before) for name, (text, before) in json.loads(environ.get(KEPT, "{}")).items()}
    except (ValueError, TypeError, AttributeError):
        # Not written by distrokit: anybody can write to the environment.
        return {}

"""What is written to ``os.environ``: for code that can be told in no other way.

What is only lent is taken back before the application's first line.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module

#: No settings, but what one process leaves for those it starts: what it has said, as digests; and what
#: ``distrokit doctor -- COMMAND`` asks in the process of COMMAND.
SAID, ASKED = "_DISTROKIT_SAID", "_DISTROKIT_ASKED"

#: No setting either: the ``OTEL_PYTHON_DISTRO`` that the launcher set, which is not the user's word.
CLAIMED = "_DISTROKIT_CLAIMED"

#: No setting either: the variables that :func:`keep` has set, as JSON: name to the text it set and the text before.
KEPT = "_DISTROKIT_KEPT"


def settable(name: str, text: str) -> bool:
    """Whether an environment variable can be called so, and hold this."""
    try:
        os.fsencode(name + text)
    except UnicodeEncodeError:
        return False
    return bool(name) and "=" not in name and "\0" not in name + text


def apply(changes: Mapping[str, str | None]) -> None:
    """Set these variables, and take out those whose text is ``None``."""
    for name, text in changes.items():
        if text is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = text


#: What variables that are about telemetry begin with.
_OURS = ("OTEL_", "DISTROKIT_", "_DISTROKIT_")


def without_telemetry(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment without the variables that OpenTelemetry and distrokit read.

    Args:
        environ: ``None`` reads ``os.environ``.
    """
    return {name: text for name, text in (os.environ if environ is None else environ).items() if not _ours(name)}


@contextmanager
def only(environ: Mapping[str, str], also: Collection[str] = ()) -> Iterator[None]:
    """Let ``os.environ`` have these variables about telemetry and no others, for a while; for tests.

    Args:
        environ: what is to be there, whatever it is about.
        also: more names that are taken out, unless ``environ`` has them.
    """

    def concerned() -> dict[str, str]:
        return {n: text for n, text in os.environ.items() if _ours(n) or n in also or n in environ}

    before = concerned()
    try:
        apply({**dict.fromkeys(before), **environ})
        yield
    finally:
        apply({**dict.fromkeys(concerned()), **before})


def telemetry_in_environ() -> dict[str, str]:
    """The variables of ``os.environ`` that OpenTelemetry and distrokit read."""
    return {name: text for name, text in os.environ.items() if _ours(name)}


def _ours(name: str) -> bool:
    return name.startswith(_OURS)


def lend(name: str, value: str) -> Callable[[], None]:
    """Set a variable for OpenTelemetry's loader, which can be told what to do in no other way.

    Returns: takes it back; children must not take it for the user's choice.
    """
    before = os.environ.get(name)
    apply({name: value})
    return lambda: apply({name: before})


def import_propagate() -> None:
    """OpenTelemetry resolves ``OTEL_PROPAGATORS`` while it is imported, and raises on what it does not know.

    The plan resolves it anew: a wrong name costs itself, and a plugin's own is found.
    """
    if "opentelemetry.propagate" not in sys.modules:
        take_back = lend("OTEL_PROPAGATORS", "tracecontext,baggage")
        try:
            import_module("opentelemetry.propagate")
        finally:
            take_back()


def put(name: str, value: str | None) -> None:
    """Set a variable in this process's environment for good; ``None`` takes it out."""
    apply({name: value})


def claim(name: str, value: str) -> None:
    """Set a variable for this process and its children, unless it is set, and note that it was not the user."""
    if not os.environ.get(name, "").strip():
        apply({name: value, CLAIMED: f"{name}={value}"})


def keep(texts: Mapping[str, str]) -> None:
    """Set variables for good, and note which: a child process must not take them for the user's choice.

    Args:
        texts: by name. A variable that the parent process kept, and that is not in it, is put back.
    """
    before = as_given(os.environ)
    changes: dict[str, str | None] = {name: before.get(name) for name in _kept(os.environ)}
    mark = {name: [text, before.get(name)] for name, text in texts.items()}
    apply({**changes, **texts, KEPT: json.dumps(mark) if mark else None})


def as_given(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment as the user made it, without the variables that :func:`keep` of a parent process has set."""
    given = dict(environ)
    for name, (text, before) in _kept(environ).items():
        # A variable that was set anew since then is somebody's choice.
        if given.get(name) == text:
            del given[name]
            given.update({} if before is None else {name: before})
    return given


def _kept(environ: Mapping[str, str]) -> dict[str, tuple[str, str | None]]:
    try:
        return {str(name): (text, before) for name, (text, before) in json.loads(environ.get(KEPT, "{}")).items()}
    except (ValueError, TypeError, AttributeError):
        # Not our own mark: anybody can write to the environment.
        return {}

"""Settings with their sources. The only room that reads or writes ``os.environ``.

A setting is an environment variable's name, wherever its value came from: see :data:`STRENGTH`. An
empty value means unset, as the OpenTelemetry specification says.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

from distrokit.diagnostics import LOG_LEVELS, Mask, Problem
from distrokit.values import Source, Value, as_text

#: No settings, but what one process leaves for those it starts: what it has said, as digests; and what
#: ``distrokit doctor -- COMMAND`` asks in the process of COMMAND.
SAID, ASKED = "_DISTROKIT_SAID", "_DISTROKIT_ASKED"

#: No setting either: the ``OTEL_PYTHON_DISTRO`` that the launcher set, which is not the user's word.
CLAIMED = "_DISTROKIT_CLAIMED"

#: The prefix under which ``opentelemetry-instrument`` offers distrokit's settings as options: its
#: parser only takes variables that begin with ``OTEL_``.
LAUNCHER_PREFIX = "OTEL_PYTHON_"

#: Variables whose values are never shown, whoever invented them.
_SECRET_NAME = re.compile(
    r"HEADERS|TOKEN|SECRET|PASSW|API[_-]?KEY|ACCESS[_-]?KEY|CREDENTIAL|AUTHORIZATION", re.IGNORECASE
)

#: See :func:`environment_only`.
ENVIRONMENT_ONLY = ("DISTROKIT_FROZEN", "DISTROKIT_PLUGIN_FILES")

_TRUE = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True)
class Layer:
    """Settings of one source; in :class:`Settings`, stronger layers win.

    Attributes:
        source: of all of them, where ``sources`` does not know better.
        sources: of single settings: their lines in a file.
    """

    source: Source
    values: Mapping[str, str]
    sources: Mapping[str, Source] = field(default_factory=dict)


class Settings:
    """An immutable stack of layers.

    Args:
        layers: weakest first; see :data:`STRENGTH`.
        ignored: environment variables that do not count, because a configuration file takes their place.
    """

    def __init__(self, layers: tuple[Layer, ...] = (), ignored: Collection[str] = ()) -> None:
        self._layers = layers
        self.ignored = frozenset(ignored)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None, code: Mapping[str, str] | None = None) -> Settings:
        """Read the environment once; ``None`` reads ``os.environ``. ``code`` is what a caller gives."""
        layers = [Layer(Source("environment", ""), dict(os.environ if environ is None else environ))]
        if code:
            named = {name: Source("code", name) for name in code}
            layers.append(Layer(Source("code", "settings"), dict(code), named))
        return cls(tuple(layers))

    def with_defaults(self, layers: tuple[Layer, ...]) -> Settings:
        """These settings on top of plugin defaults; of two plugins the first one given wins."""
        return self.with_layers(*reversed(layers))

    def with_layers(self, *layers: Layer, ignored: Collection[str] = ()) -> Settings:
        """These settings and more, each layer where its source belongs; of equals the last one wins."""
        stack = sorted((*layers, *self._layers), key=lambda layer: layer.source.strength)
        return Settings(tuple(stack), self.ignored | frozenset(ignored))

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment as it was read; it cannot be changed."""
        for layer in self._layers:
            if layer.source.kind == "environment":
                return MappingProxyType(dict(layer.values))
        return MappingProxyType({})

    def names_set(self) -> set[str]:
        """Every setting that has a value somewhere, ignored variables left out."""
        return {
            name
            for layer in self._layers
            for name, text in layer.values.items()
            if text.strip() and not (layer.source.kind == "environment" and name in self.ignored)
        }

    def set_in_vain(self) -> list[str]:
        """The environment variables that are set, and that a configuration file takes the place of."""
        return sorted(name for name in self.ignored if self.environ.get(name, "").strip())

    def lookup(self, name: str) -> list[tuple[str, Source]]:
        """Every non-empty value of a setting with its source, strongest first; blanks stripped."""
        found = []
        for layer in reversed(self._layers):
            from_environ = layer.source.kind == "environment"
            if from_environ and name in self.ignored:
                continue
            for spelling in _spellings(name):
                text = layer.values.get(spelling, "").strip()
                if text:
                    source = Source("environment", spelling) if from_environ else layer.source
                    found.append((text, layer.sources.get(spelling, source)))
                    break
        return found

    def value(self, name: str, secret: bool = False) -> Value[str] | None:
        """The strongest value of a setting; ``None`` when unset or empty everywhere."""
        found = self.lookup(name)
        if not found:
            return None
        (text, source), *rest = found
        return Value(text, source, () if secret else tuple(rest), secret)

    def get(self, name: str, default: str = "") -> str:
        """The strongest value as text, ``default`` when unset."""
        found = self.lookup(name)
        return found[0][0] if found else default

    def flag(self, name: str) -> bool:
        """True for ``1``, ``true``, ``yes`` and ``on`` in any case; unset and all else is false."""
        return self.get(name).lower() in _TRUE

    def names(self, name: str) -> tuple[str, ...]:
        """A comma-separated setting as its non-blank items, in order, each once."""
        return tuple(dict.fromkeys(item.strip() for item in self.get(name).split(",") if item.strip()))

    @property
    def sdk_disabled(self) -> bool:
        """``OTEL_SDK_DISABLED``: only ``true``, in any case, disables (specification, general)."""
        return self.get("OTEL_SDK_DISABLED").lower() == "true"

    @property
    def strict(self) -> bool:
        """``DISTROKIT_STRICT``."""
        return self.flag("DISTROKIT_STRICT")

    @property
    def log_level(self) -> int | None:
        """``OTEL_LOG_LEVEL`` as a :mod:`logging` level; ``None`` when unset or not a level."""
        return LOG_LEVELS.get(self.get("OTEL_LOG_LEVEL").lower())

    @cached_property
    def mask(self) -> Mask:
        """Knows every secret in these settings, and takes it out of a text."""
        return Mask(
            secret
            for layer in self._layers
            for name, text in layer.values.items()
            if is_secret(name)
            for secret in _secrets_in(text)
        )

    def learn_secret(self, text: str) -> None:
        """Have a text masked, and where it is a list of headers, each value in it."""
        self.mask.learn(_secrets_in(text))

    @contextmanager
    def exposed(self, changes: Mapping[str, str | None] | None = None) -> Iterator[None]:
        """Let code that reads ``os.environ`` itself see these settings, for a while.

        The SDK, third-party exporters and instrumentations read variables when they are imported or
        constructed. Inside this context a plugin's default is in ``os.environ``; afterwards it is gone,
        so that a child process does not take it for the user's choice (contrib#2439).

        Args:
            changes: what they shall find instead of the text that is there; ``None`` for nothing.
        """
        hidden = dict.fromkeys(self.ignored)
        shown: dict[str, str | None] = {
            **self._empty_in_environ(),
            **hidden,
            **self._beside_environ(),
            **(changes or {}),
        }
        before = {name: os.environ.get(name) for name in shown}
        try:
            _apply(shown)
            yield
        finally:
            # What a component changed meanwhile is its own doing, and stays.
            _apply({name: before[name] for name, text in shown.items() if os.environ.get(name) == text})

    @staticmethod
    def _empty_in_environ() -> dict[str, None]:
        """The SDK takes an empty limit for "unlimited", and an empty filter for an unknown one."""
        return {name: None for name, text in os.environ.items() if name.startswith("OTEL_") and not text.strip()}

    def _beside_environ(self) -> dict[str, str]:
        """What components should find in ``os.environ`` and would not."""
        shown: dict[str, str] = {}
        for layer in self._layers:
            for name, text in layer.values.items():
                if layer.source.kind == "environment" and text.strip() and name not in self.ignored:
                    shown.pop(name, None)
                elif layer.source.kind != "environment" and text:
                    shown[name] = text
        return shown


def is_secret(name: str) -> bool:
    """Whether values of this name are never shown."""
    plain = name.partition("__")[0]
    # What names a secret, or says how many there may be, is none.
    other = (
        "_PROVIDER",
        "_FILE",
        "_CLIENT_REQUEST",
        "_CLIENT_RESPONSE",
        "_SERVER_REQUEST",
        "_SERVER_RESPONSE",
        "_FIELDS",
    )
    return bool(_SECRET_NAME.search(name)) and not plain.upper().endswith(other)


def own_name(short: str) -> str:
    """The variable of a setting of distrokit's own that a file calls by its short name."""
    return "DISTROKIT_" + short.upper().replace("-", "_")


def environment_only(name: str, source: Source) -> Problem | None:
    """Why neither ``pyproject.toml`` nor a configuration file may have a setting; ``None`` when it may.

    They decide what code is run, before a file is read.
    """
    return runs_code(name, source) if name in ENVIRONMENT_ONLY else None


def runs_code(name: str, source: Source) -> Problem:
    """The problem of a setting that names code, in a file that must not.

    A file in the working directory, or above it, must not run what plain Python would not.
    """
    return Problem(
        code="setting-ignored",
        subject=str(source),
        cause="it decides what code is run, and that is not for a file to say",
        outcome="it has no effect",
        remedy=f"Set the environment variable {name}.",
    )


#: What the settings of a single instrumentation begin with; and the one that begins so and is about all of them.
INSTRUMENTATION, INSTRUMENTATION_ORDER = own_name("instrumentation_"), own_name("instrumentation_order")


def is_of_one_instrumentation(name: str) -> bool:
    """Whether a name, without the launcher's prefix, is about a single instrumentation."""
    return name.startswith(INSTRUMENTATION) and name != INSTRUMENTATION_ORDER


def own_text(name: str, value: Any) -> str:
    """What a file has for a setting of distrokit's own, as a variable would say it.

    A keyword of an instrumentation may be of any type: there lists are JSON, and a text that would be taken for
    something else (``"8"``) is quoted.
    """
    if not is_of_one_instrumentation(name) or isinstance(value, (bool, int, float)):
        return as_text(value)
    import json

    try:
        if isinstance(value, str):
            return value if value[:1] not in ("[", "{") and json.loads(value) is None else json.dumps(value)
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return as_text(value)


def settable(name: str, text: str) -> bool:
    """Whether an environment variable can be called so, and hold this."""
    try:
        os.fsencode(name + text)
    except UnicodeEncodeError:
        return False
    return bool(name) and "=" not in name and "\0" not in name + text


def _apply(changes: Mapping[str, str | None]) -> None:
    for name, text in changes.items():
        if text is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = text


def _secrets_in(text: str) -> Iterator[str]:
    """The text, and where it is a list of headers, each value, encoded and decoded."""
    yield text.strip()
    for item in text.split(","):
        for value in (item.partition("=")[2], unquote(item.partition("=")[2])):
            yield value.strip()
            # "Bearer abc": the scheme is no secret, what follows is.
            yield value.strip().rpartition(" ")[2]


def _spellings(name: str) -> tuple[str, ...]:
    """A setting of distrokit's own also answers to the name the launcher's option sets."""
    return (LAUNCHER_PREFIX + name, name) if name.startswith("DISTROKIT_") else (name,)


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
        _apply({**dict.fromkeys(before), **environ})
        yield
    finally:
        _apply({**dict.fromkeys(concerned()), **before})


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
    _apply({name: value})
    return lambda: _apply({name: before})


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
    _apply({name: value})


def claim(name: str, value: str) -> None:
    """Set a variable for this process and its children, unless it is set, and note that it was not the user."""
    if not os.environ.get(name, "").strip():
        _apply({name: value, CLAIMED: f"{name}={value}"})


def named_by_user(settings: Settings, name: str) -> str:
    """A setting, unless it was claimed."""
    value = settings.get(name)
    return "" if settings.environ.get(CLAIMED) == f"{name}={value}" else value

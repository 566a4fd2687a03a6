"""Settings with their sources. The only room that reads or writes ``os.environ``.

A setting is an environment variable's name, wherever its value came from: the environment or a
plugin's default. An empty value means unset, as the OpenTelemetry specification says.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import unquote

from distrokit.diagnostics import LOG_LEVELS, Mask

T_co = TypeVar("T_co", covariant=True)

SourceKind = Literal["default", "plugin default", "environment", "plugin"]

#: The prefix under which ``opentelemetry-instrument`` offers distrokit's settings as options: its
#: parser only takes variables that begin with ``OTEL_``.
LAUNCHER_PREFIX = "OTEL_PYTHON_"

#: Variables whose values are never shown, whoever invented them.
_SECRET_NAME = re.compile(r"HEADERS|TOKEN|SECRET|PASSW|API_?KEY|ACCESS_?KEY|CREDENTIAL|AUTHORIZATION", re.IGNORECASE)

_TRUE = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True)
class Source:
    """Where a value came from.

    Attributes:
        kind: the layer.
        name: what to show: ``OTEL_TRACES_SAMPLER``, ``batch 0.1.0``, ``distrokit``.
    """

    kind: SourceKind
    name: str

    def __str__(self) -> str:
        if self.kind == "default":
            return f"default of {self.name}"
        if self.kind == "plugin default":
            return f"default of plugin {self.name}"
        if self.kind == "plugin":
            return f"plugin {self.name}"
        return self.name


#: The source of what distrokit itself decides when nobody else did.
BUILT_IN = Source("default", "distrokit")


@dataclass(frozen=True)
class Value(Generic[T_co]):
    """A value that knows its source.

    Attributes:
        value: the value, parsed.
        source: where it came from.
        overruled: the weaker sources that had an opinion, strongest first: (raw text, source).
        secret: when true, every printed form of the value is masked.
    """

    value: T_co
    source: Source
    overruled: tuple[tuple[str, Source], ...] = ()
    secret: bool = False

    def printable(self) -> Any:
        """The value as it may be shown: masked when secret or when it is a URL with a secret part."""
        if not self.secret:
            return Mask()(self.value) if isinstance(self.value, str) else self.value
        if isinstance(self.value, Mapping):
            return dict.fromkeys(self.value, "****")
        return "****" if self.value else self.value

    def __repr__(self) -> str:
        return f"Value({self.printable()!r}, {str(self.source)!r})"


@dataclass(frozen=True)
class Layer:
    """Settings of one source; in :class:`Settings`, later layers win."""

    source: Source
    values: Mapping[str, str]


class Settings:
    """An immutable stack of layers, weakest first.

    Args:
        layers: plugin defaults, then the environment.
    """

    def __init__(self, layers: tuple[Layer, ...] = ()) -> None:
        self._layers = layers

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the environment once; ``None`` reads ``os.environ``."""
        return cls((Layer(Source("environment", ""), dict(os.environ if environ is None else environ)),))

    def with_defaults(self, layers: tuple[Layer, ...]) -> Settings:
        """These settings on top of plugin defaults; of two plugins the first one given wins."""
        return Settings((*reversed(layers), *self._layers))

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment as it was read; it cannot be changed."""
        for layer in self._layers:
            if layer.source.kind == "environment":
                return MappingProxyType(dict(layer.values))
        return MappingProxyType({})

    def lookup(self, name: str) -> list[tuple[str, Source]]:
        """Every non-empty value of a setting with its source, strongest first; blanks stripped."""
        found = []
        for layer in reversed(self._layers):
            for spelling in _spellings(name):
                text = layer.values.get(spelling, "").strip()
                if text:
                    from_environ = layer.source.kind == "environment"
                    found.append((text, Source("environment", spelling) if from_environ else layer.source))
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
            if _SECRET_NAME.search(name) and not name.endswith("_CREDENTIAL_PROVIDER")
            for secret in _secrets_in(text)
        )

    @contextmanager
    def exposed(self, changes: Mapping[str, str | None] | None = None) -> Iterator[None]:
        """Let code that reads ``os.environ`` itself see these settings, for a while.

        The SDK, third-party exporters and instrumentations read variables when they are imported or
        constructed. Inside this context a plugin's default is in ``os.environ``; afterwards it is gone,
        so that a child process does not take it for the user's choice (contrib#2439).

        Args:
            changes: what they shall find instead of the text that is there; ``None`` for nothing.
        """
        shown: dict[str, str | None] = {**self._empty_in_environ(), **self._beside_environ(), **(changes or {})}
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
                if layer.source.kind == "environment" and text.strip():
                    shown.pop(name, None)
                elif layer.source.kind != "environment" and text:
                    shown[name] = text
        return shown


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


def lend(name: str, value: str) -> Callable[[], None]:
    """Set a variable for OpenTelemetry's loader, which can be told what to do in no other way.

    Returns: takes it back; children must not take it for the user's choice.
    """
    before = os.environ.get(name)
    _apply({name: value})
    return lambda: _apply({name: before})


def hide(name: str) -> None:
    """Take a variable that nobody can use out of this process's environment, for good."""
    _apply({name: None})


def claim(name: str, value: str) -> None:
    """Set a variable for this process and its children, unless it is set."""
    if not os.environ.get(name, "").strip():
        _apply({name: value})

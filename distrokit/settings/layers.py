"""Settings with their sources. What ``os.environ`` says is read here, and written in :mod:`distrokit.settings.environ`.

A setting is an environment variable's name, wherever its value came from: see :data:`STRENGTH`. An
empty value means unset, as the OpenTelemetry specification says.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from urllib.parse import unquote

from distrokit.diagnostics import LOG_LEVELS, Mask
from distrokit.settings.environ import CLAIMED, apply, as_given
from distrokit.settings.values import Source, Value

#: The prefix under which ``opentelemetry-instrument`` offers distrokit's settings as options: its
#: parser only takes variables that begin with ``OTEL_``.
LAUNCHER_PREFIX = "OTEL_PYTHON_"

#: Variables whose values are never shown, whoever invented them.
_SECRET_NAME = re.compile(
    r"HEADERS|TOKEN|SECRET|PASSW|API[_-]?KEY|ACCESS[_-]?KEY|CREDENTIAL|AUTHORIZATION", re.IGNORECASE
)

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
        layers = [Layer(Source("environment", ""), as_given(os.environ if environ is None else environ))]
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
            apply(shown)
            yield
        finally:
            # What a component changed meanwhile is its own doing, and stays.
            apply({name: before[name] for name, text in shown.items() if os.environ.get(name) == text})

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


def named_by_user(settings: Settings, name: str) -> str:
    """A setting, unless it was claimed."""
    value = settings.get(name)
    return "" if settings.environ.get(CLAIMED) == f"{name}={value}" else value

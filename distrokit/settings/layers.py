"""Settings with their sources. ``os.environ`` is read here, and written in :mod:`distrokit.settings.environ`.

A setting has the name of an environment variable, whatever the source of its value: see :data:`STRENGTH`. An
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
from distrokit.lazy.spellings import LAUNCHER_PREFIX
from distrokit.settings.environ import CLAIMED, apply, as_given
from distrokit.settings.values import BOOLEANS, Source, Value

#: Names of variables whose values are masked, whoever reads them.
_SECRET_NAME = re.compile(
    r"HEADERS|TOKEN|SECRET|PASSW|API[_-]?KEY|ACCESS[_-]?KEY|CREDENTIAL|AUTHORIZATION", re.IGNORECASE
)


@dataclass(frozen=True)
class Layer:
    """Settings of one source; in :class:`Settings`, stronger layers win.

    Attributes:
        source: of every setting that is not in ``sources``.
        sources: of single settings, by name: their lines in a file.
    """

    source: Source
    values: Mapping[str, str]
    sources: Mapping[str, Source] = field(default_factory=dict)


class Settings:
    """An immutable stack of layers.

    Args:
        layers: weakest first; see :data:`STRENGTH`.
        ignored: environment variables that are ignored because a configuration file replaces them.
    """

    def __init__(self, layers: tuple[Layer, ...] = (), ignored: Collection[str] = ()) -> None:
        self._layers = layers
        self.ignored = frozenset(ignored)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None, code: Mapping[str, str] | None = None) -> Settings:
        """Read the environment once.

        Args:
            environ: ``None`` reads ``os.environ``.
            code: settings that the caller gives, by name; stronger than the environment.
        """
        layers = [Layer(Source("environment", ""), as_given(os.environ if environ is None else environ))]
        if code:
            named = {name: Source("code", name) for name in code}
            layers.append(Layer(Source("code", "settings"), dict(code), named))
        return cls(tuple(layers))

    def with_defaults(self, layers: tuple[Layer, ...]) -> Settings:
        """Return these settings on top of plugin defaults; of two layers the first wins."""
        return self.with_layers(*reversed(layers))

    def with_layers(self, *layers: Layer, ignored: Collection[str] = ()) -> Settings:
        """Return these settings and more, each layer placed by its source's strength; of equals the last wins."""
        stack = sorted((*layers, *self._layers), key=lambda layer: layer.source.strength)
        return Settings(tuple(stack), self.ignored | frozenset(ignored))

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment as it was read; read-only."""
        for layer in self._layers:
            if layer.source.kind == "environment":
                return MappingProxyType(dict(layer.values))
        return MappingProxyType({})

    def names_set(self) -> set[str]:
        """Return the name of every setting that has a value in any layer, without ignored variables."""
        return {
            name
            for layer in self._layers
            for name, text in layer.values.items()
            if text.strip() and not (layer.source.kind == "environment" and name in self.ignored)
        }

    def set_in_vain(self) -> list[str]:
        """Return the environment variables that are set, but replaced by the configuration file."""
        return sorted(name for name in self.ignored if self.environ.get(name, "").strip())

    def lookup(self, name: str) -> list[tuple[str, Source]]:
        """Return every non-empty value of a setting with its source, strongest first; blanks stripped."""
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
        """Return the strongest value of a setting; ``None`` if it is unset or empty in every layer."""
        found = self.lookup(name)
        if not found:
            return None
        (text, source), *rest = found
        return Value(text, source, () if secret else tuple(rest), secret)

    def get(self, name: str, default: str = "") -> str:
        """Return the strongest value as text; ``default`` if it is unset."""
        found = self.lookup(name)
        return found[0][0] if found else default

    def flag(self, name: str) -> bool:
        """Return true for ``1``, ``true``, ``yes`` and ``on`` in any case; false for all else, and if unset."""
        return BOOLEANS.get(self.get(name).lower(), False)

    def names(self, name: str) -> tuple[str, ...]:
        """Split a comma-separated setting into its non-blank items, in order, each once."""
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
        """``OTEL_LOG_LEVEL`` as a :mod:`logging` level; ``None`` if unset or not a level."""
        return LOG_LEVELS.get(self.get("OTEL_LOG_LEVEL").lower())

    @cached_property
    def mask(self) -> Mask:
        """The mask that replaces every secret of these settings in a text."""
        return Mask(
            secret
            for layer in self._layers
            for name, text in layer.values.items()
            if is_secret(name)
            for secret in _secrets_in(text)
        )

    def learn_secret(self, text: str) -> None:
        """Mask a text from now on; of a list of headers also each value."""
        self.mask.learn(_secrets_in(text))

    @contextmanager
    def exposed(self, changes: Mapping[str, str | None] | None = None) -> Iterator[None]:
        """Write these settings to ``os.environ`` for a while, for code that reads it itself.

        The SDK, third-party exporters and instrumentations read variables when they are imported or
        constructed. Inside this context a plugin's default is in ``os.environ``; afterwards it is removed,
        so that a child process does not take it for the user's choice (contrib#2439).

        Args:
            changes: variables to replace, by name; the text ``None`` removes one.
        """
        hidden = dict.fromkeys(self.ignored)
        shown: dict[str, str | None] = {
            **self._blank_variables(),
            **hidden,
            **self._texts_beside_environ(),
            **(changes or {}),
        }
        before = {name: os.environ.get(name) for name in shown}
        try:
            apply(shown)
            yield
        finally:
            # A change that a component made meanwhile stays.
            apply({name: before[name] for name, text in shown.items() if os.environ.get(name) == text})

    @staticmethod
    def _blank_variables() -> dict[str, None]:
        """Find blank variables: the SDK takes an empty limit for "unlimited" and an empty filter for unknown."""
        return {name: None for name, text in os.environ.items() if name.startswith("OTEL_") and not text.strip()}

    def _texts_beside_environ(self) -> dict[str, str]:
        """Collect the texts of all layers that ``os.environ`` lacks."""
        shown: dict[str, str] = {}
        for layer in self._layers:
            for name, text in layer.values.items():
                if layer.source.kind == "environment" and text.strip() and name not in self.ignored:
                    shown.pop(name, None)
                elif layer.source.kind != "environment" and text:
                    shown[name] = text
        return shown


def is_secret(name: str) -> bool:
    """Tell whether values of this name are secrets, which are masked wherever they are shown."""
    plain = name.partition("__")[0]
    # Names of files, of credential providers and of headers to record: they are about secrets and hold none.
    harmless = (
        "_PROVIDER",
        "_FILE",
        "_CLIENT_REQUEST",
        "_CLIENT_RESPONSE",
        "_SERVER_REQUEST",
        "_SERVER_RESPONSE",
        "_FIELDS",
    )
    return bool(_SECRET_NAME.search(name)) and not plain.upper().endswith(harmless)


def _secrets_in(text: str) -> Iterator[str]:
    """Yield the text, and of a list of headers each value, encoded and decoded."""
    yield text.strip()
    for item in text.split(","):
        for value in (item.partition("=")[2], unquote(item.partition("=")[2])):
            yield value.strip()
            # "Bearer abc": the scheme is no secret, the rest is.
            yield value.strip().rpartition(" ")[2]


def _spellings(name: str) -> tuple[str, ...]:
    """Return the variables of a setting: distrokit's own also have the name that the launcher's option sets."""
    return (LAUNCHER_PREFIX + name, name) if name.startswith("DISTROKIT_") else (name,)


def named_by_user(settings: Settings, name: str) -> str:
    """Return a setting as text; empty if it is unset, or if the launcher set it (:func:`environ.claim`)."""
    value = settings.get(name)
    return "" if settings.environ.get(CLAIMED) == f"{name}={value}" else value

"""Values that know their source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from distrokit.diagnostics import Mask
from distrokit.lazy.spellings import FALSE, TRUE

T_co = TypeVar("T_co", covariant=True)

#: The words for true and false in settings, in lower case; any case is accepted.
BOOLEANS: Mapping[str, bool] = {
    **dict.fromkeys(TRUE, True),
    **dict.fromkeys(FALSE, False),
}

SourceKind = Literal[
    "default", "plugin default", "distro", "project", "file", "environment", "code", "override", "plugin"
]

#: The kinds of sources, weakest first. ``distro`` is a distro's defaults, ``project`` is ``pyproject.toml``,
#: ``file`` the configuration file, ``code`` the caller of ``distrokit.start``,
#: ``override`` a plugin's ``distrokit_overrides``.
STRENGTH: tuple[SourceKind, ...] = (
    "default",
    "plugin default",
    "distro",
    "project",
    "file",
    "environment",
    "code",
    "override",
    "plugin",
)


@dataclass(frozen=True)
class Source:
    """The source of a value.

    Attributes:
        kind: the layer.
        name: the text to show: ``OTEL_TRACES_SAMPLER``, ``otel.yaml:12:9``, ``batch 0.1.0``, ``distrokit``.
        written: in a file: the reference to the variables that hold the value, such as ``${API_KEY}``. Empty if there
            is none, and if the text contains more than may be shown.
    """

    kind: SourceKind
    name: str
    written: Any = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return _SHOWN.get(self.kind, "{}").format(self.name)

    @property
    def strength(self) -> int:
        """Position in :data:`STRENGTH`; the higher overrides the lower."""
        return STRENGTH.index(self.kind)

    @property
    def chosen(self) -> bool:
        """True if the user chose the value, not a plugin or distrokit."""
        return self.kind in ("project", "file", "environment", "code")


_SHOWN = {
    "default": "default of {}",
    "plugin default": "default of plugin {}",
    "distro": "distro {}",
    "code": "{} given in code",
    "override": "override of plugin {}",
    "plugin": "plugin {}",
}


#: The source of distrokit's own defaults.
BUILT_IN = Source("default", "distrokit")


@dataclass(frozen=True)
class Value(Generic[T_co]):
    """A value that knows its source.

    Attributes:
        value: the value, parsed.
        source: its source.
        overridden: the values of weaker sources, strongest first: (raw text, source).
        secret: when true, every printed form of the value is masked.
        key: its key in a configuration file, dotted (``tls.ca_file``); empty if a file cannot have it.
    """

    value: T_co
    source: Source
    overridden: tuple[tuple[str, Source], ...] = ()
    secret: bool = False
    key: str = field(default="", compare=False)

    def printable(self) -> Any:
        """Return the value as it may be shown: masked if it is secret, or a URL with a secret part."""
        if not self.secret:
            return Mask()(self.value) if isinstance(self.value, str) else self.value
        if isinstance(self.value, Mapping):
            return dict.fromkeys(self.value, "****")
        return "****" if self.value else self.value

    def plain(self) -> Any:
        """Return the value without sources; of a node of a configuration file, all the way down."""
        if isinstance(self.value, Mapping):
            return {name: _plain(value) for name, value in self.value.items()}
        if isinstance(self.value, (list, tuple)):
            return [_plain(value) for value in self.value]
        return self.value

    def at(self, *path: str) -> Value[Any] | None:
        """Return the node at a path below this one; ``None`` if there is none, or if it is null."""
        node: Any = self
        for name in path:
            children = node.value if isinstance(node, Value) else None
            node = children.get(name) if isinstance(children, Mapping) else None
        return node if isinstance(node, Value) and node.value is not None else None

    def __repr__(self) -> str:
        return f"Value({self.printable()!r}, {str(self.source)!r})"


def as_text(value: Any) -> str:
    """Convert a plain value to the text of an environment variable: lists with commas, booleans in lower case."""
    if isinstance(value, (list, tuple)):
        return ",".join(as_text(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(value: Any) -> Any:
    return value.plain() if isinstance(value, Value) else value

"""Values that know where they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from distrokit.diagnostics import Mask

T_co = TypeVar("T_co", covariant=True)

SourceKind = Literal[
    "default", "plugin default", "distro", "project", "file", "environment", "code", "override", "plugin"
]

#: Who overrules whom, weakest first. ``distro`` is what a distro has as defaults, ``project`` is ``pyproject.toml``,
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
    """Where a value came from.

    Attributes:
        kind: the layer.
        name: what to show: ``OTEL_TRACES_SAMPLER``, ``otel.yaml:12:9``, ``batch 0.1.0``, ``distrokit``.
        written: of a file: how it refers to the variables that hold the value, such as ``${API_KEY}``. Empty where it
            does not, and where there is more in it than may be shown.
    """

    kind: SourceKind
    name: str
    written: Any = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return _SHOWN.get(self.kind, "{}").format(self.name)

    @property
    def strength(self) -> int:
        """Position in :data:`STRENGTH`; higher overrules lower."""
        return STRENGTH.index(self.kind)

    @property
    def chosen(self) -> bool:
        """Whether the user wrote it, rather than a plugin or distrokit."""
        return self.kind in ("project", "file", "environment", "code")


_SHOWN = {
    "default": "default of {}",
    "plugin default": "default of plugin {}",
    "distro": "distro {}",
    "code": "{} given in code",
    "override": "override of plugin {}",
    "plugin": "plugin {}",
}


#: The source of what distrokit itself decides when nobody else did.
BUILT_IN = Source("default", "distrokit")


@dataclass(frozen=True)
class Value(Generic[T_co]):
    """A value that knows its source.

    Attributes:
        value: the value, parsed.
        source: where it came from.
        overridden: the weaker sources that had an opinion, strongest first: (raw text, source).
        secret: when true, every printed form of the value is masked.
        key: how the configuration file calls it, dotted (``tls.ca_file``); empty where it cannot.
    """

    value: T_co
    source: Source
    overridden: tuple[tuple[str, Source], ...] = ()
    secret: bool = False
    key: str = field(default="", compare=False)

    def printable(self) -> Any:
        """The value as it may be shown: masked when secret or when it is a URL with a secret part."""
        if not self.secret:
            return Mask()(self.value) if isinstance(self.value, str) else self.value
        if isinstance(self.value, Mapping):
            return dict.fromkeys(self.value, "****")
        return "****" if self.value else self.value

    def plain(self) -> Any:
        """The value without sources: of a node of a configuration file, all the way down."""
        if isinstance(self.value, Mapping):
            return {name: _plain(value) for name, value in self.value.items()}
        if isinstance(self.value, (list, tuple)):
            return [_plain(value) for value in self.value]
        return self.value

    def at(self, *path: str) -> Value[Any] | None:
        """A node further down; ``None`` where there is none, or where it is null."""
        node: Any = self
        for name in path:
            children = node.value if isinstance(node, Value) else None
            node = children.get(name) if isinstance(children, Mapping) else None
        return node if isinstance(node, Value) and node.value is not None else None

    def __repr__(self) -> str:
        return f"Value({self.printable()!r}, {str(self.source)!r})"


def as_text(value: Any) -> str:
    """A plain value as an environment variable would say it: lists with commas, booleans in lower case."""
    if isinstance(value, (list, tuple)):
        return ",".join(as_text(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(value: Any) -> Any:
    return value.plain() if isinstance(value, Value) else value

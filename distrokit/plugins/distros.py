"""Distros as data: a name, an ordered list of plugins and defaults, in a distribution of their own.

Each is an entry point in the group ``distrokit.distro``. Several may be installed; one is in charge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from distrokit.settings.layers import Layer
from distrokit.settings.values import Source

#: The entry-point group; each value is a :class:`Distro`.
GROUP = "distrokit.distro"

#: OpenTelemetry's own group, for distros of any make; and where those that are made of plugins point to in it.
DISTRO_GROUP, OUR_CLASS = "opentelemetry_distro", "distrokit.launch.distro:DistrokitDistro"
OUR_CONFIGURATOR = "distrokit.launch.distro:DistrokitConfigurator"

#: OpenTelemetry's own variable; its loader reads it, too.
CHOSEN_BY = "OTEL_PYTHON_DISTRO"

#: The distro that is in charge where no other is: every installed plugin, no defaults of its own.
DEFAULT = "distrokit"


@dataclass(frozen=True, kw_only=True)
class Distro:
    """What a distro is made of. Everything else is its plugins' business.

    Attributes:
        name: the name of its entry point, what ``OTEL_PYTHON_DISTRO`` says, and ``telemetry.distro.name``.
        version: ``telemetry.distro.version``.
        plugins: names, in the order in which their hooks are called; those that are not listed come after them, by
            name. ``tryfirst`` and ``trylast`` of an implementation are stronger than the list. One that is not
            installed is a problem, and the rest goes on.
        optional: more names, in order behind those of ``plugins``; one that is not installed is no problem.
        closed: whether the listed plugins are all there are. What is named in ``DISTROKIT_PLUGIN_FILES`` or given in
            code is loaded all the same: that is the user's own doing.
        defaults: setting to text: weaker than whatever the user set, stronger than a plugin's ``distrokit_defaults``.
        opentelemetry: the releases of ``opentelemetry-sdk`` it is made for, such as ``>=1.43,<1.47``; with another one
            it works, and says so. Empty for all.
    """

    name: str
    version: str
    plugins: tuple[str, ...] = ()
    closed: bool = False
    defaults: Mapping[str, str] = field(default_factory=dict)
    opentelemetry: str = ""
    optional: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what could not be used, where it was written.

        Raises:
            TypeError: something is not what it must be.
        """
        for attribute in ("name", "version", "opentelemetry"):
            if not isinstance(getattr(self, attribute), str):
                raise TypeError(f"Distro.{attribute} is text, not {type(getattr(self, attribute)).__name__}")
        for attribute in ("plugins", "optional"):
            names = getattr(self, attribute)
            if isinstance(names, str) or not all(isinstance(name, str) for name in names):
                raise TypeError(f"Distro.{attribute} is a tuple of names")
        for setting, text in self.defaults.items():
            if not (isinstance(setting, str) and isinstance(text, str)):
                raise TypeError(f"Distro.defaults are text, as variables are; {setting!r} is {type(text).__name__}")


@dataclass(frozen=True)
class ActiveDistro:
    """The distro whose plan it is.

    Attributes:
        distro: its data.
        distribution: who has it; ``code`` for one that was given in code.
        why: in words.
        others: the distros that are installed besides, of any make, by name.
        called: what ``OTEL_PYTHON_DISTRO`` knows it by; empty for one that was given in code.
        foreign: the distributions that have distros, with their names; their plugins are loaded for these only.
    """

    distro: Distro
    distribution: str = DEFAULT
    why: str = "no other distro made of plugins is installed"
    others: tuple[str, ...] = ()
    called: str = DEFAULT
    foreign: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def default(self) -> bool:
        """Whether it is distrokit's own."""
        return self.distro.name == DEFAULT and self.distribution == DEFAULT

    @property
    def label(self) -> str:
        """``acme 1.0``."""
        return f"{self.distro.name} {self.distro.version}".strip()

    @property
    def user_agent(self) -> str:
        """What stands in front of an exporter's own User-Agent."""
        own = f"{DEFAULT}/{_own_version()}"
        return own if self.default else f"{self.distro.name}/{self.distro.version} {own}".replace("/ ", " ")

    def describe(self) -> dict[str, Any]:
        """As JSON-ready data."""
        return {
            "name": self.distro.name,
            "version": self.distro.version,
            "distribution": self.distribution,
            "why": self.why,
            "closed": self.distro.closed,
            "plugins": list(self.distro.plugins),
            "optional": list(self.distro.optional),
            "opentelemetry": self.distro.opentelemetry,
            "others": list(self.others),
        }

    @property
    def listed(self) -> tuple[str, ...]:
        """The plugins that it lists, in order, whether they must be installed or not."""
        return tuple(dict.fromkeys((*self.distro.plugins, *self.distro.optional)))

    def layer(self) -> Layer:
        """Its defaults."""
        return Layer(Source("distro", self.label), self.distro.defaults)

    def keeps_out(self, plugin: str, distribution: str) -> str:
        """Why an installed plugin is not loaded; empty when it is."""
        listed = plugin in self.listed
        if self.distro.closed and not listed:
            return f"distro {self.distro.name} is closed and does not list it"
        owners = self.foreign.get(distribution, ())
        own = distribution == self.distribution or (not self.called and self.distro.name in owners)
        if owners and not own and not listed:
            return f"it belongs to distro {' and '.join(owners)}, which is not active"
        return ""

    def position(self, plugin: str) -> int:
        """Where a plugin stands in the distro's list; behind it when it is not in it."""
        return self.listed.index(plugin) if plugin in self.listed else len(self.listed)


def default() -> ActiveDistro:
    """The distro that distrokit itself is."""
    return ActiveDistro(Distro(name=DEFAULT, version=_own_version()))


def _own_version() -> str:
    from distrokit import __version__

    return __version__

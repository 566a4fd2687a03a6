"""Distros as data: a name, an ordered list of plugins and defaults, in a distribution of their own.

Each is an entry point in the group ``distrokit.distro``. Several may be installed; one is active.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from distrokit.settings.layers import Layer
from distrokit.settings.values import Source

#: The entry-point group; each value is a :class:`Distro`.
GROUP = "distrokit.distro"

#: OpenTelemetry's own group, for distros of any vendor; and the class that distros made of plugins name in it.
DISTRO_GROUP, OUR_CLASS = "opentelemetry_distro", "distrokit.launch.distro:DistrokitDistro"
OUR_CONFIGURATOR = "distrokit.launch.distro:DistrokitConfigurator"

#: OpenTelemetry's own variable; its loader reads it, too.
CHOSEN_BY = "OTEL_PYTHON_DISTRO"

#: The distro that is active if no other is: every installed plugin, no defaults of its own.
DEFAULT = "distrokit"


@dataclass(frozen=True, kw_only=True)
class Distro:
    """A distro made of plugins. It holds data only; its plugins do the work.

    Attributes:
        name: the name of its entry point, its name in ``OTEL_PYTHON_DISTRO``, and ``telemetry.distro.name``.
        version: ``telemetry.distro.version``.
        plugins: names, in the order in which their hooks are called; plugins that are not listed come after them, by
            name. ``tryfirst`` and ``trylast`` of an implementation are stronger than the list. A plugin that is not
            installed is a problem; the others are loaded.
        optional: more names, in order after those of ``plugins``; a plugin that is not installed is no problem.
        closed: true if only listed plugins are loaded. Plugins in ``DISTROKIT_PLUGIN_FILES`` or given in code are
            loaded anyway, since the user chose them.
        defaults: setting to text: weaker than values that the user set, stronger than a plugin's
            ``distrokit_defaults``.
        required: names of processors without which the signals that they are declared for are not exported; all signals
            for one that no plugin declares. They stand at a stage before ``export``, such as a redactor.
        opentelemetry: the releases of ``opentelemetry-sdk`` it is made for, such as ``>=1.43,<1.47``; with another
            release it works, and a problem is reported. Empty for all.
    """

    name: str
    version: str
    plugins: tuple[str, ...] = ()
    closed: bool = False
    defaults: Mapping[str, str] = field(default_factory=dict)
    opentelemetry: str = ""
    optional: tuple[str, ...] = ()
    required: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the types of all fields.

        Raises:
            TypeError: a field has another type.
        """
        for attribute in ("name", "version", "opentelemetry"):
            if not isinstance(getattr(self, attribute), str):
                raise TypeError(f"Distro.{attribute} is text, not {type(getattr(self, attribute)).__name__}")
        for attribute in ("plugins", "optional", "required"):
            names = getattr(self, attribute)
            if isinstance(names, str) or not all(isinstance(name, str) for name in names):
                raise TypeError(f"Distro.{attribute} is a tuple of names")
        for setting, text in self.defaults.items():
            if not (isinstance(setting, str) and isinstance(text, str)):
                raise TypeError(f"Distro.defaults are text, as variables are; {setting!r} is {type(text).__name__}")


@dataclass(frozen=True)
class ActiveDistro:
    """The active distro: the one whose plan is made.

    Attributes:
        distro: its data.
        distribution: the distribution that has it; ``code`` for a distro that was given in code.
        why: the reason why it is active, as text.
        others: the names of the other installed distros, of any vendor.
        called: its name in ``OTEL_PYTHON_DISTRO``; empty for a distro that was given in code.
        foreign: the distributions that have distros, with the names of these; their plugins are loaded for these only.
    """

    distro: Distro
    distribution: str = DEFAULT
    why: str = "no other distro made of plugins is installed"
    others: tuple[str, ...] = ()
    called: str = DEFAULT
    foreign: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def default(self) -> bool:
        """True if it is distrokit's own."""
        return self.distro.name == DEFAULT and self.distribution == DEFAULT

    @property
    def label(self) -> str:
        """Name and version: ``acme 1.0``."""
        return f"{self.distro.name} {self.distro.version}".strip()

    @property
    def user_agent(self) -> str:
        """The text in front of an exporter's own User-Agent."""
        own = f"{DEFAULT}/{_own_version()}"
        return own if self.default else f"{self.distro.name}/{self.distro.version} {own}".replace("/ ", " ")

    def describe(self) -> dict[str, Any]:
        """Return JSON-ready data."""
        return {
            "name": self.distro.name,
            "version": self.distro.version,
            "distribution": self.distribution,
            "why": self.why,
            "closed": self.distro.closed,
            "plugins": list(self.distro.plugins),
            "optional": list(self.distro.optional),
            "required": list(self.distro.required),
            "opentelemetry": self.distro.opentelemetry,
            "others": list(self.others),
        }

    @property
    def listed(self) -> tuple[str, ...]:
        """The plugins that it lists, in order, required and optional ones."""
        return tuple(dict.fromkeys((*self.distro.plugins, *self.distro.optional)))

    def layer(self) -> Layer:
        """Return its defaults as a layer."""
        return Layer(Source("distro", self.label), self.distro.defaults)

    def keeps_out(self, plugin: str, distribution: str) -> str:
        """Return the reason why an installed plugin is not loaded; empty if it is loaded."""
        listed = plugin in self.listed
        if self.distro.closed and not listed:
            return f"distro {self.distro.name} is closed and does not list it"
        owners = self.foreign.get(distribution, ())
        own = distribution == self.distribution or (not self.called and self.distro.name in owners)
        if owners and not own and not listed:
            return f"it belongs to distro {' and '.join(owners)}, which is not active"
        return ""

    def position(self, plugin: str) -> int:
        """Return a plugin's position in the distro's list; the list's length if it is not in it."""
        return self.listed.index(plugin) if plugin in self.listed else len(self.listed)


def default() -> ActiveDistro:
    """Return distrokit's own distro as the active one."""
    return ActiveDistro(Distro(name=DEFAULT, version=_own_version()))


def _own_version() -> str:
    from distrokit import __version__

    return __version__

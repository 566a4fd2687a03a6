"""A plan from exactly these plugins and this environment."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from distrokit.hookspecs import PROJECT
from distrokit.launch.startup import Assembly
from distrokit.plan.plan import Plan
from distrokit.plugins.distros import Distro
from distrokit.plugins.entry_points import EntryPoints

#: Plugins by name; or modules, whose names are :func:`name_of` theirs.
Plugins: TypeAlias = Mapping[str, object] | Iterable[types.ModuleType]


def planned(
    plugins: Plugins | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    installed: bool = False,
    distro: Distro | None = None,
) -> Plan:
    """The plan, made in this process: nothing is built, opened or sent, and no OpenTelemetry is imported.

    Neither ``os.environ`` nor ``pyproject.toml`` is looked at; what is wrong is in ``plan.problems`` and is not
    printed.

    Args:
        plugins: modules or objects with hook implementations by name; or modules, each called by the last part of its
            name without ``_plugin``, or by the one before ``.plugin``: ``acme`` for ``acme_plugin`` and
            ``acme.plugin``. ``None``: none.
        environ: the whole environment; ``None`` for an empty one.
        installed: whether installed plugins, and OpenTelemetry's entry points, are there as well. A plugin that is
            given takes the place of an installed one of its name. Without it there is no exporter and no processor but
            those of the plugins given.
        distro: whose plan it is; ``None`` for distrokit's own, or, with ``installed``, the one that is in charge.

    Raises:
        ValueError: two modules have one name.
    """
    return assembled(plugins, environ, installed=installed, distro=distro).plan


def assembled(
    plugins: Plugins | None,
    environ: Mapping[str, str] | None,
    *,
    installed: bool,
    settings: Mapping[str, str] | None = None,
    distro: Distro | None = None,
) -> Assembly:
    """The plan and what is needed to build it; ``settings`` are stronger than ``environ``."""
    named = by_name(plugins)
    scanned = there(named) if installed else EntryPoints()
    return Assembly(dict(environ or {}), named, scanned, settings=settings, project=False, distro=distro)


def by_name(plugins: Plugins | None) -> dict[str, object]:
    """Plugins by name, however they were given."""
    named: dict[str, object] = {}
    if isinstance(plugins, Mapping):
        named.update({str(name): plugin for name, plugin in plugins.items()})
        return named
    for module in plugins or ():
        name = name_of(module)
        if name in named:
            raise ValueError(f"two modules are called {name!r}: give a mapping of name to module")
        named[name] = module
    return named


def name_of(module: object) -> str:
    """``acme`` for ``acme_plugin``, ``acme.plugin``, ``acme`` and ``company.acme_plugin``.

    Raises:
        ValueError: it is no module.
    """
    if not isinstance(module, types.ModuleType):
        raise ValueError(f"{type(module).__name__} is no module and has no name: give one")  # noqa: TRY004  # as for two of one name
    last = module.__name__.removesuffix(".plugin").rpartition(".")[2]
    return last.removesuffix("_plugin") or last


def there(named: Iterable[str]) -> EntryPoints:
    """What is installed, without the plugins of these names."""
    return EntryPoints.scan().without(PROJECT, named)

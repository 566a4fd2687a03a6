"""Makes a plan from exactly the given plugins and environment."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from distrokit.hookspecs import PROJECT
from distrokit.launch.assembly import Assembly, plan_for
from distrokit.plan.plan import Plan
from distrokit.plugins.distros import Distro
from distrokit.plugins.entry_points import EntryPoints

#: Plugins by name; or modules, which :func:`name_of` names.
Plugins: TypeAlias = Mapping[str, object] | Iterable[types.ModuleType]


def planned(
    plugins: Plugins | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    installed: bool = False,
    distro: Distro | None = None,
) -> Plan:
    """Make a plan in this process: nothing is built, opened or sent, and OpenTelemetry is not imported.

    ``os.environ`` and ``pyproject.toml`` are not read; problems are in ``plan.problems`` and are not printed.

    Args:
        plugins: modules or objects with hook implementations, by name; or modules, named by the last part of the
            module's name without ``_plugin``, or the part before ``.plugin``: ``acme`` for ``acme_plugin`` and
            ``acme.plugin``. ``None``: none.
        environ: the whole environment; ``None``: empty.
        installed: use installed plugins and OpenTelemetry's entry points as well. A given plugin replaces an
            installed one of the same name. If false, only the given plugins provide exporters and processors.
        distro: the distro to plan for; ``None``: distrokit's own, or, with ``installed``, the active one.

    Raises:
        ValueError: two modules have one name.
    """
    return assemble(plugins, environ, installed=installed, distro=distro).plan


def assemble(
    plugins: Plugins | None,
    environ: Mapping[str, str] | None,
    *,
    installed: bool,
    settings: Mapping[str, str] | None = None,
    distro: Distro | None = None,
) -> Assembly:
    """Plan, and return what is needed to build the plan; ``settings`` override ``environ``."""
    named = name_plugins(plugins)
    scanned = installed_without(named) if installed else EntryPoints()
    return plan_for(dict(environ or {}), named, scanned, settings=settings, project=False, distro=distro)


def name_plugins(plugins: Plugins | None) -> dict[str, object]:
    """Return plugins by name.

    Raises:
        ValueError: two modules have one name.
    """
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
    """Return ``acme`` for ``acme_plugin``, ``acme.plugin``, ``acme`` and ``company.acme_plugin``.

    Raises:
        ValueError: it is not a module.
    """
    if not isinstance(module, types.ModuleType):
        raise ValueError(f"{type(module).__name__} is not a module and has no name: pass one")  # noqa: TRY004  # as for two modules of one name
    last = module.__name__.removesuffix(".plugin").rpartition(".")[2]
    return last.removesuffix("_plugin") or last


def installed_without(named: Iterable[str]) -> EntryPoints:
    """Return the installed entry points without the plugins of these names."""
    return EntryPoints.scan().without(PROJECT, named)

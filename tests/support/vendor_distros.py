"""The distros under ``docs/examples/distros``: as an installer leaves them, or as a plan in this process."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from distributions import write_distribution
from interpreters import ROOT
from plans import DEFAULTS, INSTALLED

from distrokit import Distro
from distrokit.launch.assembly import Assembly, plan_for
from distrokit.plan.plan import Plan
from distrokit.plugins.entry_points import EntryPoints

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EXAMPLES = ROOT / "docs" / "examples" / "distros"


@dataclass(frozen=True)
class Example:
    """One of them, by the name of its folder."""

    name: str

    @property
    def folder(self) -> Path:
        return EXAMPLES / self.name

    @property
    def source(self) -> Path:
        """What is put on ``sys.path``."""
        return self.folder / "src"

    @cached_property
    def project(self) -> dict[str, Any]:
        """The table ``project`` of its pyproject."""
        return tomllib.loads((self.folder / "pyproject.toml").read_text())["project"]

    @property
    def entry_points(self) -> dict[str, dict[str, str]]:
        return self.project["entry-points"]

    def published(self, folder: Path) -> list[Path]:
        """Write the metadata that an installer makes of its pyproject; returns what to put on ``PYTHONPATH``."""
        name, version = self.project["name"], self.project["version"]
        return [write_distribution(folder / name, name, version, self.entry_points), self.source]

    def _loaded(self, group: str) -> dict[str, Any]:
        """What its entry points of a group are."""
        if str(self.source) not in sys.path:
            sys.path.append(str(self.source))
        points = self.entry_points.get(group, {})
        return {name: EntryPoint(name, value, group).load() for name, value in points.items()}

    @property
    def distro(self) -> Distro:
        (distro,) = self._loaded("distrokit.distro").values()
        return distro

    def module(self, name: str) -> Any:
        """One of its modules, for example ``splunk_example.realm``."""
        self._loaded("distrokit")
        return import_module(name)

    @property
    def plugins(self) -> dict[str, object]:
        """The default plugins and its own."""
        return {**DEFAULTS, **self._loaded("distrokit")}

    @property
    def installed(self) -> EntryPoints:
        """What is installed here, and what it publishes itself, without plugins and distros."""
        others = {g: p for g, p in self.entry_points.items() if not g.startswith(("distrokit", "opentelemetry_distro"))}
        own = [EntryPoint(name, value, group) for group, points in others.items() for name, value in points.items()]
        return EntryPoints([*INSTALLED, *own])

    def assembled(self, environ: Mapping[str, str] | None = None, **plugins: object) -> Assembly:
        """Its plan with its distro in charge, in this process: no globals, no network."""
        given = {**self.plugins, **plugins}
        return plan_for(environ or {}, given, self.installed, project=False, distro=self.distro)

    def planned(self, environ: Mapping[str, str] | None = None, **plugins: object) -> Plan:
        """The plan of :meth:`assembled`."""
        return self.assembled(environ, **plugins).plan


def examples() -> list[str]:
    """The names of those that are there."""
    return sorted(path.parent.name for path in EXAMPLES.glob("*/pyproject.toml"))

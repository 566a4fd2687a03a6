"""The plugins that were found, before any is imported: blocked, refused. Failed ones: ``manager.leave_out``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from distrokit.diagnostics import Problem
from distrokit.plugins.distros import ActiveDistro
from distrokit.settings.layers import Settings
from distrokit.settings.suggestions import did_you_mean

Status = Literal["loaded", "blocked", "failed", "refused"]


@dataclass
class Plugin:
    """A plugin that was found, loaded or not.

    Attributes:
        name: the entry point's name.
        distribution: the distribution that has it; ``code`` for a plugin given in code, the path for a file.
        version: the distribution's version; empty without a distribution.
        status: ``refused`` if several plugins have the name.
        cause: the reason why it is not loaded; empty if it is.
        hooks: the hooks that it implements; empty if it is not loaded.
        installed: true if a distribution has it; false for code and files.
    """

    name: str
    distribution: str = "code"
    version: str = ""
    status: Status = "loaded"
    cause: str = ""
    hooks: tuple[str, ...] = ()
    installed: bool = False

    @property
    def label(self) -> str:
        """Its name in sources: ``otlp 0.1.0``."""
        return f"{self.name} {self.version}".strip()

    @property
    def is_file(self) -> bool:
        """True if ``DISTROKIT_PLUGIN_FILES`` names it."""
        return not self.installed and self.distribution != "code"

    @property
    def instruction_to_disable(self) -> str:
        """The instruction to disable it, for a remedy."""
        if self.is_file:
            return "take it out of DISTROKIT_PLUGIN_FILES"
        return f"set DISTROKIT_DISABLED_PLUGINS={self.name}"

    @property
    def title(self) -> str:
        """Its name in problems: ``plugin otlp (distrokit-otlp 0.1.0)``."""
        return f"plugin {self.name} ({self.distribution} {self.version}".rstrip() + ")"


def block(candidates: list[Plugin], settings: Settings) -> list[Problem]:
    """Apply ``DISTROKIT_DISABLED_PLUGINS``: blocked plugins are never imported.

    Returns: a problem for each name that no plugin has.
    """
    problems: list[Problem] = []
    known = [plugin.name for plugin in candidates]
    for name in settings.names("DISTROKIT_DISABLED_PLUGINS"):
        matches = [p for p in candidates if p.name.lower() == name.lower() or (name == "*" and p.installed)]
        for plugin in matches:
            plugin.status, plugin.cause = "blocked", f"DISTROKIT_DISABLED_PLUGINS has {name!r}"
        if not matches and name != "*":
            problems.append(
                Problem(
                    code="plugin-unknown",
                    subject=f"DISTROKIT_DISABLED_PLUGINS={name}",
                    cause=f"no plugin has this name (there are {', '.join(known) or 'none'})",
                    outcome="it has no effect",
                    remedy=did_you_mean(name, known) or "Run `distrokit plugins` for the list.",
                    severity="warning",
                )
            )
    return problems


def keep_out(candidates: list[Plugin], active_distro: ActiveDistro) -> None:
    """Block installed plugins that the active distro leaves out; never plugins given in code or files."""
    for plugin in candidates:
        cause = active_distro.keeps_out(plugin.name, plugin.distribution) if plugin.installed else ""
        if cause and plugin.status == "loaded":
            plugin.status, plugin.cause = "blocked", cause


def refuse_duplicates(candidates: list[Plugin]) -> list[Problem]:
    """Refuse all plugins that have the same name: the choice of one would depend on the file system.

    Files are refused alone if one other plugin has the name: a file must not disable an installed plugin.
    """
    problems: list[Problem] = []
    active = [plugin for plugin in candidates if plugin.status == "loaded"]
    for name in dict.fromkeys(plugin.name for plugin in active):
        rivals = [plugin for plugin in active if plugin.name == name]
        if len(rivals) < 2:
            continue
        files = [plugin for plugin in rivals if plugin.is_file]
        refused = files if len(rivals) - len(files) == 1 else rivals
        who = " and ".join(sorted(f"{plugin.distribution} {plugin.version}".strip() for plugin in rivals))
        for plugin in refused:
            plugin.status, plugin.cause = "refused", f"{who} all use the name {name!r}"
        problems.append(
            Problem(
                code="plugin-name-taken",
                subject=f"plugin {name}",
                cause=f"{who} use the same name",
                outcome="the file is left out" if refused is files else "all of them are left out",
                remedy="Give the file another name." if files else "Uninstall all but one.",
            )
        )
    return problems

"""The plugins there are, before any of them is imported: who is blocked, and who is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from distrokit.diagnostics import Problem, did_you_mean
from distrokit.plugins.distros import ActiveDistro
from distrokit.settings.layers import Settings

Status = Literal["loaded", "blocked", "failed", "refused"]


@dataclass
class Plugin:
    """A candidate, whatever became of it.

    Attributes:
        name: the entry point's name.
        distribution: the distribution that has it; ``code`` for one that was passed in, the path for one that is
            a file.
        version: of the distribution; empty where there is none.
        status: ``refused`` means that several claim the name.
        cause: why it is not loaded; empty when it is.
        hooks: the hooks it implements, when loaded.
        installed: whether a distribution has it, rather than code or a file.
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
        """``otlp 0.1.0``: how sources name it."""
        return f"{self.name} {self.version}".strip()

    @property
    def is_file(self) -> bool:
        """Whether ``DISTROKIT_PLUGIN_FILES`` names it."""
        return not self.installed and self.distribution != "code"

    @property
    def way_out(self) -> str:
        """How to do without it, for a remedy."""
        if self.is_file:
            return "take it out of DISTROKIT_PLUGIN_FILES"
        return f"set DISTROKIT_DISABLED_PLUGINS={self.name}"

    @property
    def title(self) -> str:
        """``plugin otlp (distrokit-otlp 0.1.0)``: how problems name it."""
        return f"plugin {self.name} ({self.distribution} {self.version}".rstrip() + ")"


def block(candidates: list[Plugin], settings: Settings) -> list[Problem]:
    """Apply ``DISTROKIT_DISABLED_PLUGINS``: what is blocked is never imported; names that fit nothing are problems."""
    problems: list[Problem] = []
    known = [plugin.name for plugin in candidates]
    for name in settings.names("DISTROKIT_DISABLED_PLUGINS"):
        hit = [p for p in candidates if p.name.lower() == name.lower() or (name == "*" and p.installed)]
        for plugin in hit:
            plugin.status, plugin.cause = "blocked", f"DISTROKIT_DISABLED_PLUGINS has {name!r}"
        if not hit and name != "*":
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
    """Block what the distro in charge does not have; never what code or a file names."""
    for plugin in candidates:
        cause = active_distro.keeps_out(plugin.name, plugin.distribution) if plugin.installed else ""
        if cause and plugin.status == "loaded":
            plugin.status, plugin.cause = "blocked", cause


def refuse_duplicates(candidates: list[Plugin]) -> list[Problem]:
    """Of several that claim one name none is loaded: which one it were would depend on the file system.

    But a file gives way to what is installed: nobody who drops a file somewhere means to turn a plugin off.
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

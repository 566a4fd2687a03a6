"""Finds, orders, blocks and isolates plugins. The only room that knows pluggy's manager."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

import pluggy

from distrokit import hookspecs
from distrokit.declarations import Check, Command, Configuration, Exporter, ExporterOptions, Setting
from distrokit.diagnostics import Problem, contain, describe_exception, trace_of
from distrokit.hookspecs import PROJECT, StopReason
from distrokit.plugins import tracing
from distrokit.plugins.active_distro import missing
from distrokit.plugins.candidates import Plugin, block, keep_out, refuse_duplicates
from distrokit.plugins.distros import ActiveDistro, default
from distrokit.plugins.entry_points import EntryPoints, distribution_of, version_of
from distrokit.plugins.files import PluginFile, plugin_files
from distrokit.plugins.shape import check_shape, deprecated, hooks_of
from distrokit.plugins.tracing import traced
from distrokit.plugins.validation import HookError, checked
from distrokit.settings.layers import Settings

__all__ = ["DECLARE_HOOKS", "Answer", "Plugin", "Plugins"]

if TYPE_CHECKING:
    from distrokit.pipeline.pipeline import Pipeline
    from distrokit.plan.plan import Plan

#: The hooks that declare, in the order they are called.
DECLARE_HOOKS = (
    "distrokit_resource",
    "distrokit_samplers",
    "distrokit_id_generators",
    "distrokit_propagators",
    "distrokit_response_propagators",
    "distrokit_exporters",
    "distrokit_processors",
    "distrokit_views",
)


def _new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


@dataclass(frozen=True)
class Answer:
    """What one plugin returned from one hook.

    Attributes:
        plugin: the owner.
        value: in the form :func:`distrokit.plugins.validation.checked` gives it.
        rank: 1 for ``tryfirst``, 0 plain, -1 for ``trylast``.
    """

    plugin: Plugin
    value: Any
    rank: int


@dataclass
class Plugins:
    """The plugins of one start.

    Attributes:
        installed: where they were looked for.
        trace: whether each call of a hook is printed.
        charge: the distro whose plugins they are.
        candidates: all that were found, by name.
        problems: what went wrong with them so far; the plan shares the list.
        declared: the settings that they read, each with its owner; filled by :meth:`settings`.
    """

    installed: EntryPoints = field(default_factory=EntryPoints)
    candidates: list[Plugin] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    trace: bool = False
    active_distro: ActiveDistro = field(default_factory=default)
    declared: list[tuple[Plugin, Setting]] = field(default_factory=list)
    _manager: pluggy.PluginManager = field(default_factory=_new_manager)

    @classmethod
    def load(
        cls,
        settings: Settings,
        installed: EntryPoints,
        extra: Mapping[str, object] | None = None,
        active_distro: ActiveDistro | None = None,
    ) -> Plugins:
        """Find the plugins and register them, each under guard.

        Args:
            settings: ``DISTROKIT_DISABLED_PLUGINS`` is read, where ``*`` blocks all that are installed, and
                ``DISTROKIT_PLUGIN_FILES``.
            installed: where to look for plugins; the hooks that declare are given it, too.
            extra: plugins given in code, by name; they are never blocked by ``*``.
            charge: the distro in charge; ``None`` for distrokit's own.
        """
        plugins = cls(installed, trace=settings.flag(tracing.SETTING), active_distro=active_distro or default())
        sources: list[tuple[Plugin, EntryPoint | object]] = [
            (Plugin(point.name, distribution_of(point) or "unknown", version_of(point), installed=True), point)
            for point in installed.group(PROJECT)
        ]
        sources += [(Plugin(file.name, str(file.path)), file) for file in plugin_files(settings, plugins.problems)]
        sources += [(Plugin(name), module) for name, module in (extra or {}).items()]
        sources.sort(key=lambda source: source[0].name)
        plugins.candidates = [plugin for plugin, _ in sources]
        plugins.problems += block(plugins.candidates, settings)
        keep_out(plugins.candidates, plugins.active_distro)
        plugins.problems += missing(plugins.active_distro, [plugin.name for plugin in plugins.candidates])
        plugins.problems += refuse_duplicates(plugins.candidates)
        for plugin, source in sources:
            if plugin.status == "loaded":
                plugins._register(plugin, source)
        return plugins

    # One typed method per hook: here, and nowhere else, hooks are called.

    def defaults(self, settings: Settings) -> list[Answer]:
        """``distrokit_defaults``: mappings of setting to text."""
        return self._call("distrokit_defaults", environ=settings.environ, settings=settings)

    def settings(self) -> list[Setting]:
        """``distrokit_settings``: what plugins read."""
        answers = self._call("distrokit_settings")
        self.declared = [(answer.plugin, setting) for answer in answers for setting in answer.value]
        return [setting for _, setting in self.declared]

    def configuration(self, settings: Settings) -> Configuration | None:
        """``distrokit_configuration``: the first answer there is."""
        answers = self._call("distrokit_configuration", settings=settings)
        return answers[0].value if answers else None

    def overrides(self, settings: Settings) -> list[Answer]:
        """``distrokit_overrides``: mappings of setting to text."""
        return self._call("distrokit_overrides", settings=settings)

    def block(self, settings: Settings) -> None:
        """Block more of them: a configuration file is read by a plugin, and may block others."""
        self.problems += [problem for problem in block(self.candidates, settings) if problem not in self.problems]
        for plugin in self.candidates:
            if plugin.status == "blocked" and self._manager.has_plugin(plugin.name):
                self._manager.unregister(name=plugin.name)

    def declarations(self, settings: Settings) -> dict[str, list[Answer]]:
        """Every declaring hook's answers, by hook; those of plugins that failed in any are not in it."""
        answers = {hook: self._call(hook, settings=settings, entry_points=self.installed) for hook in DECLARE_HOOKS}
        # One that failed in a later hook is taken back from the earlier ones, too.
        return {
            hook: [answer for answer in given if answer.plugin.status == "loaded"] for hook, given in answers.items()
        }

    def modify(self, plugin: Plugin, plan: Plan) -> bool:
        """``distrokit_plan`` of one plugin; false when it failed."""
        return self._call_one(plugin, "distrokit_plan", plan=plan)

    def exporter_options(self, plugin: Plugin, exporter: Exporter, options: ExporterOptions) -> bool:
        """``distrokit_exporter_options`` of one plugin; false when it failed."""
        return self._call_one(plugin, "distrokit_exporter_options", exporter=exporter, options=options)

    def started(self, pipeline: Pipeline) -> None:
        """``distrokit_started``."""
        self._call("distrokit_started", pipeline=pipeline)

    def instrumented(self, pipeline: Pipeline) -> None:
        """``distrokit_instrumented``."""
        self._call("distrokit_instrumented", pipeline=pipeline)

    def forked(self, pipeline: Pipeline) -> None:
        """``distrokit_forked``."""
        self._call("distrokit_forked", pipeline=pipeline)

    def stopping(self, plugin: Plugin, pipeline: Pipeline, reason: StopReason) -> None:
        """``distrokit_stopping`` of one plugin."""
        self._call_one(plugin, "distrokit_stopping", pipeline=pipeline, reason=reason)

    def checks(self, plan: Plan) -> list[tuple[Plugin, Check]]:
        """``distrokit_checks``."""
        return [(a.plugin, check) for a in self._call("distrokit_checks", plan=plan) for check in a.value]

    def commands(self) -> list[tuple[Plugin, Command]]:
        """``distrokit_commands``."""
        return [(a.plugin, command) for a in self._call("distrokit_commands") for command in a.value]

    def implementing(self, hook: str) -> list[Plugin]:
        """The loaded plugins that implement a hook, in call order."""
        names = dict.fromkeys(impl.plugin_name for impl in self._implementations(hook))
        # Of those that are refused, one of the same name may be loaded.
        found = [plugin for plugin in self.candidates if plugin.status != "refused"]
        return [plugin for name in names for plugin in found if plugin.name == name]

    def leave_out(self, plugin: Plugin, hook: str, error: BaseException, remedy: str = "") -> None:
        """Take a plugin out of everything that follows, and say so: of a plan that is made it stays a part."""
        late = hook in hookspecs.AFTER_PLAN
        plugin.status, plugin.cause = "failed", describe_exception(error)
        if self._manager.has_plugin(plugin.name):
            self._manager.unregister(name=plugin.name)
        self.problems.append(
            Problem(
                code="plugin-failed",
                subject=plugin.title,
                cause=f"{hook}: {plugin.cause}",
                outcome="its hooks are no longer called; its declarations stay" if late else "the plugin is left out",
                remedy=f"{remedy or 'Repair it'}, or {plugin.way_out}.",
                detail=trace_of(error),
            )
        )

    # ------------------------------------------------------------------------------ calling

    def _implementations(self, hook: str) -> list[pluggy.HookImpl]:
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        # Not pluggy's own order, which is that of registration, and backwards for those with trylast.
        return sorted(caller.get_hookimpls(), key=self._position)

    def _position(self, impl: pluggy.HookImpl) -> tuple[int, int, str]:
        return impl.trylast - impl.tryfirst, self.active_distro.position(impl.plugin_name), impl.plugin_name

    def _call(self, hook: str, **arguments: Any) -> list[Answer]:
        """Call each implementation by itself, so its owner is known and its fault stays its own.

        pluggy stops at the first exception and does not say whose it was (pluggy#419, #485).
        """
        answers = []
        for impl in self._implementations(hook):
            plugin = self._owner(impl)
            if plugin.status != "loaded":
                continue
            try:
                value = checked(hook, self._invoke(plugin, impl, hook, arguments))
            except BaseException as error:
                contain(error)
                self.leave_out(plugin, hook, error)
                continue
            if value is not None:
                answers.append(Answer(plugin, value, int(impl.tryfirst) - int(impl.trylast)))
        return answers

    def _call_one(self, plugin: Plugin, hook: str, **arguments: Any) -> bool:
        for impl in self._implementations(hook):
            if impl.plugin_name == plugin.name and plugin.status == "loaded":
                try:
                    checked(hook, self._invoke(plugin, impl, hook, arguments))
                except BaseException as error:
                    contain(error)
                    self.leave_out(plugin, hook, error)
        return plugin.status == "loaded"

    def _invoke(self, plugin: Plugin, impl: pluggy.HookImpl, hook: str, arguments: dict[str, Any]) -> Any:
        if self.trace:
            return traced(plugin, hook, lambda: _invoke(impl, arguments))
        return _invoke(impl, arguments)

    def _owner(self, impl: pluggy.HookImpl) -> Plugin:
        return next(p for p in self.candidates if p.name == impl.plugin_name and p.status not in ("blocked", "refused"))

    # -------------------------------------------------------------------------- registering

    def _register(self, plugin: Plugin, source: EntryPoint | object) -> None:
        try:
            module = source.load() if isinstance(source, (EntryPoint, PluginFile)) else source
        except BaseException as error:
            contain(error)
            self.leave_out(plugin, "import", error, "Repair or uninstall it" if plugin.installed else "")
            return
        try:
            self._manager.register(module, name=plugin.name)
            plugin.hooks = hooks_of(self._manager, plugin.name)
            check_shape(self._manager, plugin, module)
            self._manager.check_pending()
            self.problems += deprecated(self._manager, plugin)
        except (pluggy.PluginValidationError, HookError, ValueError) as error:
            self.leave_out(plugin, "registration", error, "Compare with docs/hooks.md")


def _invoke(impl: pluggy.HookImpl, arguments: dict[str, Any]) -> Any:
    wanted = {name: arguments[name] for name in (*impl.argnames, *impl.kwargnames) if name in arguments}
    result: Any = impl.function(**wanted)
    # A generator's faults surface while it is read, so it is read here, under guard.
    return list(result) if hasattr(result, "__next__") else result

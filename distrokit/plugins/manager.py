"""Finds, orders, blocks, calls and isolates plugins. The only module that uses pluggy's manager."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

import pluggy

from distrokit import hookspecs
from distrokit.declarations import Check, Command, Configuration, Exporter, ExporterOptions, Setting, Signal
from distrokit.diagnostics import Problem, contain, describe_exception, trace_of
from distrokit.hookspecs import PROJECT, StopReason
from distrokit.plugins import tracing
from distrokit.plugins.active_distro import find_missing
from distrokit.plugins.candidates import Plugin, block, keep_out, refuse_duplicates
from distrokit.plugins.distros import ActiveDistro, default
from distrokit.plugins.entry_points import EntryPoints, distribution_of, version_of
from distrokit.plugins.files import PluginFile, plugin_files
from distrokit.plugins.shape import check_shape, find_deprecated, hooks_of
from distrokit.plugins.tracing import call_traced
from distrokit.plugins.validation import HookError, validate
from distrokit.settings.layers import Settings

__all__ = ["DECLARE_HOOKS", "HookResult", "Plugin", "Plugins"]

if TYPE_CHECKING:
    from distrokit.pipeline.pipeline import Pipeline
    from distrokit.plan.plan import Plan

#: The hooks that declare, in the order of calls.
DECLARE_HOOKS = (
    "distrokit_resource",
    "distrokit_samplers",
    "distrokit_id_generators",
    "distrokit_propagators",
    "distrokit_response_propagators",
    "distrokit_exporters",
    "distrokit_processors",
    "distrokit_views",
    "distrokit_policies",
)


def _new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


@dataclass(frozen=True)
class HookResult:
    """The result of one plugin's hook.

    Attributes:
        plugin: the owner.
        value: in the form that :func:`distrokit.plugins.validation.validate` returns.
        rank: 1 for ``tryfirst``, 0 plain, -1 for ``trylast``.
    """

    plugin: Plugin
    value: Any
    rank: int


@dataclass
class Plugins:
    """The plugins of one start.

    Attributes:
        installed: the entry points among which plugins were looked for.
        candidates: all plugins that were found, by name.
        problems: the problems so far; the plan shares the list.
        trace: true if each call of a hook is printed.
        active_distro: the distro whose plugins are loaded.
        declared: the settings that plugins declare, each with its owner; filled by :meth:`settings`.
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
            settings: ``DISTROKIT_DISABLED_PLUGINS``, where ``*`` blocks all installed plugins, and
                ``DISTROKIT_PLUGIN_FILES`` are read.
            installed: the entry points to look in; hooks that declare get them as an argument.
            extra: plugins given in code, by name; ``*`` never blocks them.
            active_distro: ``None`` for distrokit's own.
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
        plugins.problems += find_missing(plugins.active_distro, [plugin.name for plugin in plugins.candidates])
        plugins.problems += refuse_duplicates(plugins.candidates)
        for plugin, source in sources:
            if plugin.status == "loaded":
                plugins._register(plugin, source)
        return plugins

    # One typed method per hook: hooks are called here only.

    def defaults(self, settings: Settings) -> list[HookResult]:
        """``distrokit_defaults``: mappings of setting to text."""
        return self._call("distrokit_defaults", environ=settings.environ, settings=settings)

    def settings(self) -> list[Setting]:
        """``distrokit_settings``: the settings that plugins declare."""
        answers = self._call("distrokit_settings")
        self.declared = [(answer.plugin, setting) for answer in answers for setting in answer.value]
        return [setting for _, setting in self.declared]

    def configuration(self, settings: Settings) -> Configuration | None:
        """``distrokit_configuration``: the first result; ``None`` if no plugin returns one."""
        answers = self._call("distrokit_configuration", settings=settings)
        return answers[0].value if answers else None

    def overrides(self, settings: Settings) -> list[HookResult]:
        """``distrokit_overrides``: mappings of setting to text."""
        return self._call("distrokit_overrides", settings=settings)

    def block(self, settings: Settings) -> None:
        """Block more plugins: a configuration file may block plugins, and is read after they are loaded."""
        self.problems += [problem for problem in block(self.candidates, settings) if problem not in self.problems]
        for plugin in self.candidates:
            if plugin.status == "blocked" and self._manager.has_plugin(plugin.name):
                self._manager.unregister(name=plugin.name)

    def declarations(self, settings: Settings) -> dict[str, list[HookResult]]:
        """Return the results of every declaring hook, by hook, without plugins that failed in one."""
        results = {hook: self._call(hook, settings=settings, entry_points=self.installed) for hook in DECLARE_HOOKS}
        # A plugin that failed in a later hook is left out of the earlier ones, too.
        return {
            hook: [answer for answer in answers if answer.plugin.status == "loaded"]
            for hook, answers in results.items()
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

    def late_processor(self, processor: object, signal: Signal, added_by: str) -> HookResult | None:
        """``distrokit_late_processor``: return the first plugin's choice; ``None`` if none chooses."""
        answers = self._call("distrokit_late_processor", processor=processor, signal=signal, added_by=added_by)
        return answers[0] if answers else None

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
        """Return the loaded plugins that implement a hook, in call order."""
        names = dict.fromkeys(impl.plugin_name for impl in self._implementations(hook))
        # A loaded plugin may have the name of a refused one.
        found = [plugin for plugin in self.candidates if plugin.status != "refused"]
        return [plugin for name in names for plugin in found if plugin.name == name]

    def leave_out(self, plugin: Plugin, hook: str, error: BaseException, remedy: str = "") -> None:
        """Call no further hooks of a plugin, and report it. After planning its declarations stay in the plan."""
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
                remedy=f"{remedy or 'Repair it'}, or {plugin.instruction_to_disable}.",
                detail=trace_of(error),
            )
        )

    # ------------------------------------------------------------------------------ calling

    def _implementations(self, hook: str) -> list[pluggy.HookImpl]:
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        # pluggy's order is that of registration, and reversed for trylast.
        return sorted(caller.get_hookimpls(), key=self._position)

    def _position(self, impl: pluggy.HookImpl) -> tuple[int, int, str]:
        return impl.trylast - impl.tryfirst, self.active_distro.position(impl.plugin_name), impl.plugin_name

    def _call(self, hook: str, **arguments: Any) -> list[HookResult]:
        """Call each implementation by itself, so that an exception costs its own plugin only.

        pluggy stops at the first exception and does not name the plugin (pluggy#419, #485).
        """
        answers = []
        for impl in self._implementations(hook):
            plugin = self._owner(impl)
            if plugin.status != "loaded":
                continue
            try:
                value = validate(hook, self._invoke(plugin, impl, hook, arguments))
            except BaseException as error:
                contain(error)
                self.leave_out(plugin, hook, error)
                continue
            if value is not None:
                answers.append(HookResult(plugin, value, int(impl.tryfirst) - int(impl.trylast)))
        return answers

    def _call_one(self, plugin: Plugin, hook: str, **arguments: Any) -> bool:
        for impl in self._implementations(hook):
            if impl.plugin_name == plugin.name and plugin.status == "loaded":
                try:
                    validate(hook, self._invoke(plugin, impl, hook, arguments))
                except BaseException as error:
                    contain(error)
                    self.leave_out(plugin, hook, error)
        return plugin.status == "loaded"

    def _invoke(self, plugin: Plugin, impl: pluggy.HookImpl, hook: str, arguments: dict[str, Any]) -> Any:
        if self.trace:
            return call_traced(plugin, hook, lambda: _invoke(impl, arguments))
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
            self.problems += find_deprecated(self._manager, plugin)
        except (pluggy.PluginValidationError, HookError, ValueError) as error:
            self.leave_out(plugin, "registration", error, "Compare with docs/hooks.md")


def _invoke(impl: pluggy.HookImpl, arguments: dict[str, Any]) -> Any:
    wanted = {name: arguments[name] for name in (*impl.argnames, *impl.kwargnames) if name in arguments}
    result: Any = impl.function(**wanted)
    # A generator raises while it is read, so it is read here, under guard.
    return list(result) if hasattr(result, "__next__") else result

"""The running pipeline: start, fork, flush, stop."""

from __future__ import annotations

import atexit
import logging
import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk._logs import LoggerProvider

from distrokit.diagnostics import Channel, Problem
from distrokit.hookspecs import StopReason
from distrokit.pipeline.builder import Builder, Providers
from distrokit.pipeline.component_factory import ComponentFactory
from distrokit.pipeline.error_boundary import ErrorBoundary
from distrokit.pipeline.forks import (
    UWSGIWatch,
    call_at_end_of_child,
    call_at_end_of_this_child,
    renew_metrics,
    watch_forks,
)
from distrokit.pipeline.interrupted import keep_cause
from distrokit.pipeline.late_processors import LateProcessors
from distrokit.pipeline.lazy_start import LazyStart
from distrokit.pipeline.meter_boundary import MeterBoundary
from distrokit.pipeline.os_signals import OSSignals
from distrokit.pipeline.process_globals import ProcessGlobals
from distrokit.pipeline.propagation import build_propagator
from distrokit.pipeline.reports import Reports
from distrokit.pipeline.resource import build_resource
from distrokit.pipeline.runtime_services import RuntimeServices
from distrokit.pipeline.sampler_errors import SamplerErrors
from distrokit.pipeline.sdk_messages import SDKMessages, listen_to_sdk
from distrokit.pipeline.shutdown import Shutdown
from distrokit.plan.plan import Plan
from distrokit.plugins.manager import Plugins
from distrokit.settings import sdk_settings
from distrokit.settings.environ import put

if TYPE_CHECKING:
    from opentelemetry.propagators.textmap import TextMapPropagator
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    from distrokit.declarations import LatePlacement, Signal
    from distrokit.lazy.on_demand import Exits, OnDemand
    from distrokit.pipeline.process_resource import ProcessResource


class Pipeline:
    """The running pipeline of a plan.

    Args:
        on_demand: what has started it at the first use of telemetry; ``None`` if nothing has waited for that.
        isolated: leave the process alone: no OpenTelemetry globals, no ``atexit``, no logger. For tests, which build
            many pipelines and stop each one themselves.

    Attributes:
        plan: the plan that was built; ``plan.problems`` grows while the pipeline runs.
    """

    def __init__(
        self,
        plan: Plan,
        plugins: Plugins,
        channel: Channel,
        on_demand: OnDemand | None = None,
        *,
        isolated: bool = False,
    ) -> None:
        self.plan = plan
        self._exits: Exits = atexit if on_demand is None else on_demand.exits
        self._in_child = on_demand is not None and on_demand.forked
        self._isolated = isolated
        self._resource: ProcessResource | None = None
        self._providers = Providers()
        self._propagator: TextMapPropagator | None = None
        self._globals = ProcessGlobals(plan.problems, isolated=isolated)
        self._components = ComponentFactory(plan, plugins)
        self._plugins = plugins
        self._channel = channel
        self._reports = Reports(plan, channel)
        seconds = plan.exit_timeout_millis.value / 1000
        # A process that prints doctor's report has printed it before any processor comes.
        level = logging.WARNING if plan.settings.get("DISTROKIT_DOCTOR") else logging.DEBUG
        keep, report = self._components.keep, self._reports.problem
        self._late = LateProcessors(plan.late_processors, self._ask_about, report, channel.say, keep, level)
        self._shutdown = Shutdown(seconds, self._reports.part_failed)
        waiting = on_demand.signals if on_demand is not None else None
        self._signals = (waiting or OSSignals()).connect(
            lambda: self.stop("signal"),
            lambda: self.flush(plan.exit_timeout_millis.value),
            lambda: self._shutdown.runs_here,
        )
        self._messages: SDKMessages | None = None
        self._look_for_uwsgi = UWSGIWatch(self.after_fork, self.report)

    @property
    def resource(self) -> Resource | None:
        """The process's resource; ``None`` before :meth:`start` and when telemetry is disabled."""
        return self._resource

    @property
    def tracer_provider(self) -> TracerProvider | None:
        """The tracer provider; ``None`` when traces are not built."""
        return self._providers.traces

    @property
    def meter_provider(self) -> MeterProvider | None:
        """The meter provider; ``None`` when metrics are not built, as without an exporter or processor."""
        return self._providers.metrics

    @property
    def logger_provider(self) -> LoggerProvider | None:
        """The logger provider; ``None`` when logs are not built."""
        return self._providers.logs

    @property
    def propagator(self) -> TextMapPropagator | None:
        """The propagator; ``None`` when the plan leaves OpenTelemetry's own."""
        return self._propagator

    def describe(self) -> dict[str, Any]:
        """Return the running pipeline as JSON-ready data: the plan, and the processors that were added late."""
        return {**self.plan.describe(), "late": [late.describe() for late in self._late.all]}

    @property
    def lost_items(self) -> int:
        """The number of spans, log records and points that the exporters have lost in this process so far."""
        return sum(getattr(part, "lost_items", 0) for part in self._components.parts)

    # ------------------------------------------------------------------------------- start

    def start(
        self, resource_attributes: Mapping[str, Any] | None = None, resource: ProcessResource | None = None
    ) -> None:
        """Build everything, make it the process's globals (unless isolated), and call ``distrokit_started``.

        Args:
            resource_attributes: attributes that only the caller knows, such as ``telemetry.auto.version``.
            resource: a resource that was built already; ``None`` to build one with these attributes.
        """
        # First, so that a start that fails half-way still flushes what was built.
        if not self._isolated:
            self._exits.register(self._at_exit)
            self.listen()
        services = self._make_services()
        self._components.keep(services.lazy_start)
        self._components.keep(self._late)
        with self.plan.settings.exposed(self.plan.sdk_settings):
            self._set_propagator()
            self._resource = resource or build_resource(self.plan, resource_attributes or {})
            components = self._components.with_resource(self._resource)
            builder = Builder(components, services, self._globals)
            # One after the other: hooks may ask for a provider while the next one is built.
            self._providers.traces = builder.build_traces()
            self._providers.metrics = builder.build_metrics()
            self._providers.logs = builder.build_logs()
            self._set_response_propagator(components)
        self._put_late(LoggerProvider)
        self._keep_threads_ready()
        watch_forks(self._before_fork, self._forked_in_parent, self.after_fork)
        if self._in_child:
            call_at_end_of_this_child(lambda: self.stop("process"), self)
        self._plugins.started(self)

    def propagate(self) -> None:
        """Start a disabled plan: build and set the propagators only."""
        with self.plan.settings.exposed(self.plan.sdk_settings):
            self._set_propagator()
            self._set_response_propagator(self._components)
        self._put_late(None)

    def _make_services(self) -> RuntimeServices:
        reports, name_of = self._reports, self._components.name_of
        lazy_start = LazyStart(self._start_failed, self._look_for_uwsgi, self._keep_threads_for_exporters)
        return RuntimeServices(
            reports.part_failed,
            reports.lost,
            lazy_start,
            self._messages,
            ErrorBoundary(reports.misused, SamplerErrors(name_of, reports.part_failed)),
            MeterBoundary(reports.misused, lazy_start, reports.lost),
            self._late,
        )

    def _ask_about(self, processor: object, signal: Signal, added_by: str) -> tuple[LatePlacement, str] | None:
        """Ask the plugins about a processor that is added late; return their choice, and whose it is."""
        chosen = self._plugins.late_processor(processor, signal, added_by)
        self._channel.problems(self.plan.problems)
        return (chosen.value, f"plugin {chosen.plugin.label}") if chosen else None

    def _start_failed(self, reader: object, error: Exception) -> None:
        name = self._components.name_of(reader) or type(reader).__name__
        self._reports.part_failed(name, error, "its metrics are not sent")

    def _set_propagator(self) -> None:
        self._propagator = build_propagator(self._components)
        if self._propagator is not None:
            self._globals.set_propagator(self._propagator)

    def _set_response_propagator(self, components: ComponentFactory) -> None:
        """Set the planned response propagators, after one that the application has set."""
        if not self.plan.response_propagators:
            return
        # Imported here, since most plans have none.
        from distrokit.pipeline.response_propagators import build_response_propagator

        present = self._globals.response_propagator()
        built = build_response_propagator(components, self._reports.part_failed, present)
        if built is not None:
            self._globals.set_response_propagator(built)

    def _put_late(self, logger_provider: type | None) -> None:
        for name, text in sdk_settings.read_late(self.plan.sdk_settings, self.plan.settings, logger_provider).items():
            put(name, text)

    def _keep_threads_ready(self) -> None:
        if self._isolated:
            # Its owner stops it before the interpreter ends.
            return
        parts = self._components.parts
        foreign = [part for part in parts if hasattr(part, "shutdown") and not hasattr(part, "begin_shutdown")]
        hooks = self._plugins.implementing("distrokit_stopping")
        # Exports of these may last until their shutdown is called, and that call may hang.
        providers = self._providers.all() if foreign else []
        self._shutdown.bounded.keep_ready(len(providers) + len(hooks))

    def _keep_threads_for_exporters(self) -> None:
        """Keep a thread for each exporter that may hang until it is shut down; not before it exports anything."""
        blind = [part for part in self._components.parts if getattr(part, "is_blind", False)]
        if blind and not self._isolated:
            self._shutdown.bounded.keep_ready(len(self._providers.all()) + len(blind))

    def handle_os_signals(self) -> None:
        """Flush on SIGTERM and SIGHUP, unless the application handles them. Call this as the last step of the start."""
        if not self.stopped and self._providers.all():
            self._signals.install()

    def listen(self) -> SDKMessages:
        """Print on stderr what OpenTelemetry logs with the loggers that exist by now."""
        self._messages = listen_to_sdk(self._channel, self.plan.settings.log_level is not None)
        return self._messages

    def set_log_level(self, level: int) -> None:
        """Set the level of distrokit's and OpenTelemetry's messages on stderr, as ``OTEL_LOG_LEVEL`` does at the start.

        Args:
            level: a :mod:`logging` level; above ``CRITICAL`` nothing is printed.
        """
        self._channel.level = level
        self._messages = listen_to_sdk(self._channel, explicit=True)

    # --------------------------------------------------------------------------------- run

    def flush(self, timeout_millis: int = 30_000) -> bool:
        """Export everything that is queued.

        Args:
            timeout_millis: the timeout for all signals together, in milliseconds.

        Returns:
            True when the queues are empty. The SDK does not tell whether the receiver accepted the items; a failed
            export is reported on stderr. False when a provider reports failure or the timeout expires; export then
            continues in the background.
        """
        deadline = time.monotonic() + timeout_millis / 1000
        left = max(1, timeout_millis)
        # Each in its own thread: not every exporter heeds a timeout.
        running = [
            (provider, self._shutdown.bounded.begin(partial(provider.force_flush, timeout_millis=left)))
            for provider in self._providers.all()
        ]
        done = timeout_millis > 0
        for provider, call in running:
            done = call.ended(deadline) and bool(call.result) and done
            if call.error is not None:
                name = f"flush of {type(provider).__name__}"
                self._reports.part_failed(name, call.error, "the other signals are flushed")
        return done

    def stop(self, reason: StopReason = "code") -> None:
        """Call ``distrokit_stopping``, then flush and shut down every provider, within ``DISTROKIT_EXIT_TIMEOUT``.

        This happens once; a later call waits until the first one has finished.
        """
        plugins = (
            [] if self._shutdown.begun or self.plan.disabled.value else self._plugins.implementing("distrokit_stopping")
        )
        hooks = [
            (f"distrokit_stopping of {plugin.title}", partial(self._plugins.stopping, plugin, self, reason))
            for plugin in plugins
        ]
        parts, after = self._components.parts, partial(self._after_stop, reason)
        self._shutdown.run(hooks, parts, self._providers.all(), after)
        self._signals.end()

    def _after_stop(self, reason: StopReason) -> None:
        self._exits.unregister(self._at_exit)
        if reason == "code":
            self._signals.remove()
        if self._messages is not None:
            self._messages.finish()
        self._channel.problems(self.plan.problems)

    @property
    def stopped(self) -> bool:
        """True once :meth:`stop` was called."""
        return self._shutdown.begun

    def report(self, problem: Problem) -> None:
        """Report a problem that was found while the pipeline runs, once."""
        self._reports.problem(problem)

    def _at_exit(self) -> None:
        try:
            self.stop("exit")
        except KeyboardInterrupt:
            # A second Ctrl-C asks to end at once.
            self._call_parts("finish")
            self._channel.say(logging.WARNING, "interrupted during shutdown: undelivered items are lost")
        finally:
            keep_cause()

    def after_fork(self) -> None:
        """Renew the pipeline in a forked child, which sends, counts and shares nothing of its parent."""
        self._shutdown.forked()
        self._signals.forked()
        if self.stopped:
            return
        if self._resource is not None:
            self._resource.renew()
            self._resource.settle()
        self._call_parts("forked")
        if self.meter_provider is not None:
            try:
                renew_metrics(self.meter_provider, self._components.parts)
            except Exception as error:
                self._reports.part_failed("metrics of a forked child", error, "this process continues without it")
        call_at_end_of_child(lambda: self.stop("process"), self)
        self._plugins.forked(self)
        self._keep_threads_ready()
        self._channel.problems(self.plan.problems)

    def _before_fork(self) -> None:
        if not self.stopped:
            self._call_parts("before_fork")

    def _forked_in_parent(self) -> None:
        # Also during a shutdown, which waits for the parts that were paused for the fork.
        self._call_parts("forked_in_parent")

    def _call_parts(self, method: str) -> None:
        self._components.call_parts(method, self._reports.part_failed)

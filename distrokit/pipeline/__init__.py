"""The running pipeline: start, fork, flush, stop. The only room that sets OpenTelemetry's globals."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, propagate, trace
from opentelemetry._logs import get_logger_provider, set_logger_provider
from opentelemetry.sdk._logs import LoggerProvider

from distrokit import sdk_settings
from distrokit.diagnostics import Channel, Problem, describe_exception, trace_of
from distrokit.hookspecs import StopReason
from distrokit.pipeline.build import Builder
from distrokit.pipeline.resource import build_resource
from distrokit.pipeline.stages import DroppedAll
from distrokit.plan import Plan
from distrokit.plugins import Plugins
from distrokit.sdk_messages import SDKMessages, listen_to_sdk, note
from distrokit.settings import put

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider


class Pipeline:
    """What a plan became.

    Attributes:
        plan: what was built; ``plan.problems`` grows while it runs.
        resource: the process's resource; ``None`` before :meth:`start` and when disabled.
        tracer_provider: ``None`` when the signal is not built.
        meter_provider: likewise: without exporters and processors nothing is built for metrics.
        logger_provider: likewise, for logs.
    """

    def __init__(self, plan: Plan, plugins: Plugins, channel: Channel) -> None:
        self.plan = plan
        self.resource: Resource | None = None
        self.tracer_provider: TracerProvider | None = None
        self.meter_provider: MeterProvider | None = None
        self.logger_provider: LoggerProvider | None = None
        self._plugins = plugins
        self._channel = channel
        self._stopping = threading.Lock()
        self._stopped = False
        self._raised: set[tuple[str, type[BaseException]]] = set()

    # ------------------------------------------------------------------------------- start

    def start(self, resource_attributes: Mapping[str, Any] | None = None) -> None:
        """Build everything, make it the process's globals, and tell the plugins.

        Args:
            resource_attributes: known only to the caller, such as ``telemetry.auto.version``.
        """
        # First, so that whatever has been built by then is flushed, whatever happens next.
        atexit.register(self._at_exit)
        builder = Builder(self.plan, self._plugins, self._part_failed, self._lost, self.listen())
        with self.plan.settings.exposed(self.plan.sdk_settings):
            self._install_propagator(builder)
            builder.resource = self.resource = build_resource(self.plan, resource_attributes or {})
            self._guarded("traces", self._start_traces, builder)
            self._guarded("metrics", self._start_metrics, builder)
            self._guarded("logs", self._start_logs, builder)
        for name, text in sdk_settings.read_late(self.plan.sdk_settings, self.plan.settings, LoggerProvider).items():
            put(name, text)
        _watch_forks(self)
        self._plugins.started(self)

    def listen(self) -> SDKMessages:
        """See to it that what OpenTelemetry logs, with the loggers there are by now, reaches stderr."""
        return listen_to_sdk(self._channel, self.plan.settings.log_level is not None)

    def _install_propagator(self, builder: Builder) -> None:
        propagator = builder.propagator()
        if propagator is not None:
            propagate.set_global_textmap(propagator)

    def _guarded(self, signal: str, start: Callable[[Builder], None], builder: Builder) -> None:
        """The SDK's providers read settings themselves, and raise on what they do not like."""
        try:
            start(builder)
        except Exception as error:
            self.plan.problems.append(
                Problem(
                    code="signal-failed",
                    subject=signal,
                    cause=describe_exception(error),
                    outcome="this signal is left out, the others work",
                    remedy="Correct the setting that is named; OTEL_LOG_LEVEL=debug shows where it was read.",
                    detail=trace_of(error),
                )
            )

    # Each provider is made the global before its exporters are built: when somebody was quicker,
    # there is never a second pipeline, not even its threads.

    def _start_traces(self, builder: Builder) -> None:
        # Built even without exporters, as upstream does: ids for log correlation and for the next
        # service come from it.
        if not self.plan.signals["traces"].built:
            return
        provider = builder.tracer_provider()
        trace.set_tracer_provider(provider)
        if self._is_global("traces", provider, trace.get_tracer_provider()):
            builder.add_span_processors(provider)
            self.tracer_provider = provider

    def _start_metrics(self, builder: Builder) -> None:
        if self._wanted("metrics"):
            if self._taken("metrics", metrics.get_meter_provider(), "opentelemetry.metrics"):
                return
            provider = builder.meter_provider()
            metrics.set_meter_provider(provider)
            if self._is_global("metrics", provider, metrics.get_meter_provider()):
                self.meter_provider = provider
            else:
                provider.shutdown()

    def _start_logs(self, builder: Builder) -> None:
        if self._wanted("logs"):
            provider = builder.logger_provider()
            set_logger_provider(provider)
            if self._is_global("logs", provider, get_logger_provider()):
                builder.add_log_processors(provider)
                self.logger_provider = provider

    def _wanted(self, signal: Any) -> bool:
        planned = self.plan.signals[signal]
        return planned.built and bool(planned.exporters or planned.processors)

    def _is_global(self, signal: str, ours: object, current: object) -> bool:
        if ours is not current:
            self._already_set(signal, current)
        return ours is current

    def _taken(self, signal: str, current: object, api_package: str) -> bool:
        """For metrics the readers exist before the provider does, so this is asked before."""
        taken = not type(current).__module__.startswith(api_package)
        if taken:
            self._already_set(signal, current)
        return taken

    def _already_set(self, signal: str, current: object) -> None:
        self.plan.problems.append(
            Problem(
                code="provider-already-set",
                subject=signal,
                cause=f"the process already has a {type(current).__module__}.{type(current).__qualname__}",
                outcome="that one stays and distrokit builds none for this signal",
                remedy="Let only one of the two configure the process.",
            )
        )

    # --------------------------------------------------------------------------------- run

    def flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what is queued.

        Args:
            timeout_millis: for all signals together, in milliseconds.

        Returns:
            false when a provider said it could not, or the time was up; what is not sent by then goes on being
            sent in the background. True means that the queues are empty: whether the receiver took what was in
            them, the SDK does not say; an export that fails is reported on stderr.
        """
        deadline = time.monotonic() + timeout_millis / 1000
        done = True
        for provider in self._providers():
            left = deadline - time.monotonic()
            done = left > 0 and self._flushed(provider, left) and done
        return done

    def _flushed(self, provider: Any, seconds: float) -> bool:
        """Flush one provider in a thread of its own: the SDK's exporters heed no limit but their own."""
        answers: list[bool] = []

        def flush() -> None:
            try:
                answers.append(bool(provider.force_flush(timeout_millis=int(seconds * 1000))))
            except Exception as error:
                self._part_failed(f"flush of {type(provider).__name__}", error, "the other signals are flushed")

        thread = threading.Thread(target=flush, name="distrokit-flush", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The interpreter is at its end, and starts no more threads.
            flush()
        else:
            thread.join(seconds)
        return bool(answers and answers[0])

    def stop(self, reason: StopReason = "code") -> None:
        """Tell the plugins, then flush and shut down every provider; once, later calls do nothing."""
        with self._stopping:
            if self._stopped:
                return
            self._stopped = True
        atexit.unregister(self._at_exit)
        self._plugins.stopping(self, reason)
        for provider in self._providers():
            try:
                provider.shutdown()
            except Exception as error:
                outcome = "its last items may be lost, the other signals are shut down"
                self._part_failed(f"shutdown of {type(provider).__name__}", error, outcome)
        if reason == "exit" and self.logger_provider is not None and (3, 12) <= sys.version_info < (3, 12, 2):
            # logging.shutdown() comes after us and has OpenTelemetry's log handler flush in a thread
            # (opentelemetry-python#4636), which these releases cannot start at exit (cpython#113964): every
            # program would end with a traceback. What is shut down has nothing left to flush.
            vars(self.logger_provider)["force_flush"] = None
        self._channel.problems(self.plan.problems)

    @property
    def stopped(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stopped

    def report(self, problem: Problem) -> None:
        """Say a problem that turned up while the pipeline runs, once."""
        self.plan.problems.append(problem)
        self._channel.problems([problem])

    def _lost(self, text: str) -> None:
        self._channel.say(logging.ERROR, text, again=True)
        note(self._channel.mask(text))

    def _providers(self) -> list[Any]:
        return [p for p in (self.tracer_provider, self.meter_provider, self.logger_provider) if p is not None]

    def _at_exit(self) -> None:
        self.stop("exit")

    def after_fork(self) -> None:
        """In the child of a fork: tell the plugins."""
        if not self._stopped:
            self._plugins.forked(self)
            self._channel.problems(self.plan.problems)

    def _part_failed(self, name: str, error: BaseException, outcome: str = "") -> None:
        """A part raised while the application runs; said once per part and kind of error."""
        if (name, type(error)) in self._raised:
            return
        self._raised.add((name, type(error)))
        if isinstance(error, DroppedAll):
            problem = Problem(
                code="transform-drops-all",
                subject=name,
                cause=str(error),
                outcome="they were not sent",
                remedy="If that is not meant: a transform returns the item that goes on.",
                severity="warning",
            )
        else:
            problem = Problem(
                code="part-raised",
                subject=name,
                cause=describe_exception(error),
                outcome=outcome or "a transform drops the item, any other part only misses it",
                remedy="Repair it, or block its plugin with DISTROKIT_DISABLED_PLUGINS.",
                detail=trace_of(error),
            )
        self._channel.problems([problem])


def _watch_forks(pipeline: Pipeline) -> None:
    """Handlers cannot be taken back, so this one does not keep a stopped pipeline alive."""
    if hasattr(os, "register_at_fork"):
        reference = weakref.ref(pipeline)

        def after_in_child() -> None:
            alive = reference()
            if alive is not None:
                alive.after_fork()

        os.register_at_fork(after_in_child=after_in_child)

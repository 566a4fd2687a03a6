"""Providers that return no-op tracers, meters and loggers for disabled scopes.

Upstream's mechanism is private (``_tracer_configurator``); ``get_tracer`` and its siblings are public.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from opentelemetry._logs import Logger, NoOpLogger
from opentelemetry.metrics import Meter, NoOpMeter
from opentelemetry.sdk._logs import LoggerProvider, ReadWriteLogRecord
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NoOpTracer, Tracer
from opentelemetry.util.types import Attributes

from distrokit.pipeline.error_boundary import ErrorBoundary
from distrokit.pipeline.meter_boundary import MeterBoundary
from distrokit.pipeline.recording.tracer import record_spans
from distrokit.pipeline.sdk_messages import exporting
from distrokit.pipeline.stages import StagedLogs, StagedSpans
from distrokit.plan.selection.selection import ScopeRule

#: Upstream's configurators: scope to a configuration with ``is_enabled``.
Configurator = Callable[[InstrumentationScope], Any]


class Scopes:
    """The rules that enable and disable instrumentation scopes.

    Args:
        rules: the first one whose pattern matches the scope's name applies.
        configurator: decides if no rule matches; ``None`` for none.
    """

    def __init__(self, rules: Sequence[ScopeRule] = (), configurator: Configurator | None = None) -> None:
        self._rules = tuple(rules)
        self._configurator = configurator

    def __bool__(self) -> bool:
        """True if there is a rule or a configurator."""
        return bool(self._rules or self._configurator)

    def rule(self, name: str) -> ScopeRule | None:
        """Return the rule for a scope of this name; ``None`` if none matches."""
        return next((rule for rule in self._rules if fnmatchcase(name, rule.pattern)), None)

    def enabled(self, name: str, version: str | None, schema_url: str | None, attributes: Attributes) -> bool:
        """Tell whether a scope is enabled."""
        rule = self.rule(name)
        if rule is not None or self._configurator is None:
            return rule is None or rule.enabled
        try:
            configured = self._configurator(InstrumentationScope(name, version, schema_url, attributes))
        except Exception:
            # As upstream: if the configurator raises, the scope is enabled.
            return True
        return bool(getattr(configured, "is_enabled", True))

    def filter_record(self, record: ReadWriteLogRecord) -> ReadWriteLogRecord | None:
        """Drop a log record by ``minimum_severity`` and ``trace_based``; a transform of the logs signal."""
        scope = record.instrumentation_scope
        rule = self.rule(scope.name) if scope is not None else None
        if rule is None:
            return record
        data = record.log_record
        severity = data.severity_number.value if data.severity_number is not None else 0
        # A record without a severity passes, as does one outside any trace (specification, LoggerConfig).
        if 0 < severity < rule.minimum_severity:
            return None
        in_trace, sampled = bool(data.trace_id), bool(data.trace_flags and data.trace_flags.sampled)
        return None if rule.trace_based and in_trace and not sampled else record

    @property
    def filters_records(self) -> bool:
        """True if a rule filters single log records."""
        return any(rule.minimum_severity or rule.trace_based for rule in self._rules)


def drop_export_records(record: ReadWriteLogRecord) -> ReadWriteLogRecord | None:
    """Drop log records that are emitted during an export; a transform of the logs signal.

    The next export would send them and emit others, so that a flush would never end (opentelemetry-python#4261).
    Records that the application emits while it suppresses instrumentation are kept.
    """
    return None if exporting() else record


class ScopedTracerProvider(TracerProvider):
    """A tracer provider that returns no-op tracers for disabled scopes.

    Attributes:
        guard: the error boundary around its tracers; ``None`` for none.
        by_sdk: true to leave the recording of spans to the SDK's tracers.

    Args:
        stages: the processor that it calls.
        arguments: of the SDK's provider.
    """

    scopes = Scopes()
    guard: ErrorBoundary | None = None
    by_sdk = False

    def __init__(self, stages: StagedSpans, **arguments: Any) -> None:
        super().__init__(active_span_processor=stages, **arguments)
        self.stages = stages

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer:
        version = instrumenting_library_version
        if self.scopes and not self.scopes.enabled(instrumenting_module_name, version, schema_url, attributes):
            return NoOpTracer()
        tracer = super().get_tracer(instrumenting_module_name, version, schema_url, attributes)
        # The provider returns the same tracer for the same scope.
        if self.guard is None or "start_span" in vars(tracer):
            return tracer
        guarded: Tracer = self.guard.tracer(tracer)
        return guarded if self.by_sdk else record_spans(guarded, self.guard.misused)


class ScopedMeterProvider(MeterProvider):
    """A meter provider that returns no-op meters for disabled scopes.

    Attributes:
        on_meter: called on each ``get_meter``; ``None`` for nothing.
        readers: its readers, except those that are added later.
        measuring: the error boundary around its meters and readers; ``None`` for none.
    """

    scopes = Scopes()
    on_meter: Callable[[], None] | None = None
    readers: Sequence[MetricReader] = ()
    measuring: MeterBoundary | None = None

    def add_metric_reader(self, metric_reader: MetricReader) -> None:
        super().add_metric_reader(metric_reader)
        if self.measuring is not None:
            self.measuring.reader(metric_reader)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Flush all readers; true if all succeeded. The SDK's method ignores their results."""
        deadline = time.monotonic() + timeout_millis / 1000
        done = True
        for reader in self.readers:
            left = max(0.0, deadline - time.monotonic())
            done = reader.force_flush(timeout_millis=left * 1000) is not False and done
        return done

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Meter:
        if self.scopes and not self.scopes.enabled(name, version, schema_url, attributes):
            return NoOpMeter(name, version, schema_url)
        if self.on_meter is not None:
            self.on_meter()
        get = partial(super().get_meter, name, version, schema_url, attributes)
        return get() if self.measuring is None else self.measuring.meter_by(get)


class ScopedLoggerProvider(LoggerProvider):
    """A logger provider that returns no-op loggers for disabled scopes.

    OpenTelemetry's own messages go through :mod:`logging`, where :mod:`distrokit.pipeline.sdk_messages` keeps them out
    of telemetry. So no scope is excluded here by name.

    Attributes:
        guard: the error boundary around its loggers; ``None`` for none.

    Args:
        stages: the processor that it calls.
        arguments: of the SDK's provider.
    """

    scopes = Scopes()
    guard: ErrorBoundary | None = None

    def __init__(self, stages: StagedLogs, **arguments: Any) -> None:
        # It has the methods that the provider calls; the SDK's class has no public name in 1.43.
        multi: Any = stages
        super().__init__(multi_log_record_processor=multi, **arguments)
        self.stages = stages

    def get_logger(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Logger:
        if self.scopes and not self.scopes.enabled(name, version, schema_url, attributes):
            return NoOpLogger(name, version, schema_url, attributes)
        logger = super().get_logger(name, version, schema_url, attributes)
        return self.guard.logger(logger) if self.guard else logger

"""The stages of one signal, built: what every item passes, and what feeds each exporter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

from opentelemetry.sdk.metrics.export import MetricReader, MetricsData

from distrokit.declarations import Exporter, Processor, Signal
from distrokit.export import LossReporter
from distrokit.pipeline.components import Components, Kind
from distrokit.pipeline.export_monitor import counted, points
from distrokit.pipeline.lazy_start import LazyStart
from distrokit.pipeline.losses import Losses, losses_of
from distrokit.pipeline.sdk_messages import SDKMessages
from distrokit.pipeline.self_metrics import self_metrics_of
from distrokit.pipeline.stages import Named, Report, StagedMetrics, Transforms
from distrokit.pipeline.suppressed import suppressed_part
from distrokit.pipeline.transform_losses import LostItem, count_losses
from distrokit.plan.plan import Component, ExporterPlan, Plan, SignalPlan

Staged = dict[str, list[Named[Any]]]


class Stages:
    """Builds them for one plan.

    Args:
        report: told when a part raises later, while the application runs.
        say: prints a line about what did not arrive.
        messages: what OpenTelemetry logs; ``None`` where nobody listens.
        parts: receives every exporter, behind what counts for it, and every reader and processor that feeds one.
        in_use: called before each export.
    """

    def __init__(
        self,
        plan: Plan,
        components: Components,
        report: Report,
        say: Callable[[str], None],
        messages: SDKMessages | None,
        parts: list[Any],
        lazy_start: LazyStart,
    ) -> None:
        self._plan, self._components = plan, components
        self._report, self._say, self._messages = report, say, messages
        self._parts, self._lazy_start = parts, lazy_start
        self._causes: dict[str, str] = {}
        self._losses: dict[Signal, list[Losses]] = defaultdict(list)

    def before_exporters(self, planned: SignalPlan, kind: Kind) -> Staged:
        """The parts of the first three stages that every item passes, by stage."""
        staged: Staged = {"enrich": [], "transform": [], "derive": []}
        for component in planned.for_all():
            stage = component.declaration.stage
            expected = Callable if stage == "transform" or planned.signal == "metrics" else kind
            outcome = f"it is left out; {planned.signal} are sent without it"
            part = self._components.component(component, expected, outcome, planned.signal)
            if part is not None:
                staged[stage].append(_named(component, part))
        return staged

    def lost_by_transforms(self, signal: Signal) -> LostItem:
        """Counts, for every exporter of the signal, what a transform lost that stands before all of them."""
        return count_losses(self._losses[signal])

    def exporting(self, planned: SignalPlan, kind: Kind) -> list[Named[Any]]:
        """What feeds each exporter; for metrics with the first three stages between it and the exporter."""
        staged = self.before_exporters(planned, kind) if planned.signal == "metrics" and planned.for_all() else None
        for_some = self._for_some(planned)
        built = []
        for item in planned.exporters:
            endpoint = item.exporter.arguments.get("endpoint")
            losses = losses_of(item.exporter.name, planned.signal, endpoint, self._say, self._causes)
            exporter = self._components.exporter(item.exporter, planned.signal, losses.dropped)
            if exporter is None:
                continue
            self._losses[planned.signal].append(losses)
            name = f"exporter {item.exporter.name} (plugin {item.exporter.plugin})"
            in_front = [part for own, part in for_some if own.declaration.stands_before(item.exporter.name)]
            if isinstance(exporter, MetricReader):
                if staged or in_front:
                    self._components.failed(
                        item.exporter,
                        TypeError("it is scraped, so no processor stands in front of it"),
                        "metrics processors do not apply to it",
                    )
                built.append(Named(name, exporter))
                self._parts.append(exporter)
                continue
            own = losses.self_metrics = self_metrics_of(
                self._plan.settings, planned.signal, item.exporter.name, item.exporter.arguments
            )
            if own is not None and hasattr(exporter, "attempt"):
                # The SDK's own classes, and exporters that go by them, count by themselves.
                size = points if planned.signal == "metrics" else len
                exporter.attempt = own.watched(exporter.attempt, size, partial(getattr, losses, "totals"))
            exporter = counted(planned.signal, exporter, losses, self._messages, self._lazy_start)
            exporter.shutdown_failed = partial(self._shutdown_failed, item.exporter)
            self._components.named(exporter, item.exporter)
            self._parts.append(exporter)
            if planned.signal == "metrics":
                exporter = self._metrics_stages(staged, in_front, exporter, count_losses([losses], points))
            processor = self._processor(item, exporter, planned.signal, kind, losses.dropped)
            if processor is not None:
                self._parts.append(processor)
                built.append(self._behind(in_front, Named(name, processor), planned.signal, losses))
        return built

    def _shutdown_failed(self, exporter: Component[Exporter], error: Exception) -> None:
        self._report(
            f"shutdown of exporter {exporter.name} ({exporter.origin})", error, "the process ends all the same"
        )

    def _for_some(self, planned: SignalPlan) -> list[tuple[Component[Processor], Named[Any]]]:
        """The transforms that stand in front of some exporters only, each built once; those of no exporter are not."""
        built = []
        for component in planned.for_some():
            names = ", ".join(component.declaration.exporters)
            outcome = f"it is left out; {planned.signal} are sent to {names} without it"
            part = self._components.component(component, Callable, outcome, planned.signal)
            if part is not None:
                built.append((component, _named(component, part)))
        return built

    def _metrics_stages(self, staged: Staged | None, in_front: list[Named[Any]], exporter: Any, lost: LostItem) -> Any:
        """The exporter behind its own transforms, and those behind the stages that are for all."""
        if in_front:
            # Here, and not above: most plans have none.
            from distrokit.pipeline.per_exporter import metrics_in_front

            exporter = metrics_in_front(in_front, exporter, self._report, lost)
        if staged and any(staged.values()):
            before = Transforms([*staged["enrich"], *staged["transform"]], MetricsData, self._report, lost=lost)
            exporter = StagedMetrics(before, staged["derive"], exporter, self._report)
        return exporter

    def _behind(self, in_front: list[Named[Any]], fed: Named[Any], signal: Signal, losses: Losses) -> Named[Any]:
        """What feeds an exporter of spans or log records, behind the exporter's own transforms."""
        if not in_front or signal == "metrics":
            # Those of metrics stand between reader and exporter.
            return fed
        from distrokit.pipeline.per_exporter import logs_in_front, spans_in_front

        lost = count_losses([losses])
        if signal == "traces":
            return Named(fed.name, spans_in_front(in_front, fed, self._report, lost))
        return Named(fed.name, logs_in_front(in_front, fed, self._report, lost))

    def _processor(self, item: ExporterPlan, exporter: object, signal: Signal, kind: Kind, lost: LossReporter) -> Any:
        component = item.processor
        if component is None:
            return None
        with self._components.reported(component, f"{item.exporter.name!r} gets nothing"):
            context = self._components.context(component, signal, lost)
            return self._components.accept(component, component.declaration.factory(exporter, context), kind)
        return None


def _named(component: Component[Processor], part: Any) -> Named[Any]:
    name = f"{component.declaration.stage} processor {component.name} (plugin {component.plugin})"
    return Named(name, suppressed_part(part))

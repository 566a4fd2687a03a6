"""Builds the stages of one signal: the processors for every item, the exporters and the processors that feed them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

from opentelemetry.sdk.metrics.export import MetricReader, MetricsData

from distrokit.declarations import Exporter, Processor, Signal
from distrokit.export import LossReporter, count_items
from distrokit.pipeline.component_factory import ComponentFactory, Kind
from distrokit.pipeline.export_monitor import monitor_exporter
from distrokit.pipeline.losses import Losses, losses_of
from distrokit.pipeline.metric_stages import StagedMetrics
from distrokit.pipeline.runtime_services import RuntimeServices
from distrokit.pipeline.self_metrics import self_metrics_of
from distrokit.pipeline.suppressed import suppress_part
from distrokit.pipeline.transform_losses import LostItem, count_losses
from distrokit.pipeline.transforms import Named, Transforms
from distrokit.plan.plan import Component, ExporterPlan, SignalPlan

Staged = dict[str, list[Named[Any]]]


class StageBuilder:
    """Builds the stages of one plan.

    Args:
        components: builds each component, and keeps every exporter, wrapped by its export monitor, and every reader and
            processor that feeds one.
        services: what the stages call while the application runs.
    """

    def __init__(self, components: ComponentFactory, services: RuntimeServices) -> None:
        self._components, self._services, self._report = components, services, services.report
        self._causes: dict[str, str] = {}
        self._losses: dict[Signal, list[Losses]] = defaultdict(list)

    def build_common(self, planned: SignalPlan, kind: Kind) -> Staged:
        """Build the parts of ``enrich``, ``transform`` and ``derive`` that apply to all exporters, by stage."""
        staged: Staged = {"enrich": [], "transform": [], "derive": []}
        for component in _behind_measure(planned):
            stage = component.declaration.stage
            expected = Callable if stage == "transform" or planned.signal == "metrics" else kind
            outcome = f"it is left out; {planned.signal} are sent without it"
            part = self._build(component, expected, outcome, planned)
            if part is not None:
                staged[stage].append(_name_part(component, part))
        return staged

    def build_measure(self, planned: SignalPlan) -> list[Named[Any]]:
        """Build the parts of the stage ``measure``; call it before :meth:`build_exporters`."""
        outcome = f"it is left out; {planned.signal} are sent without it"
        built = [(each, self._build(each, Callable, outcome, planned)) for each in planned.at("measure")]
        return [_name_part(component, part) for component, part in built if part is not None]

    def _leave_out_scraped(self, exporter: Component[Exporter], planned: SignalPlan) -> bool:
        """Report a scraped exporter that processors should stand before; tell whether one of them is required."""
        required = any(map(self._is_required, _behind_measure(planned)))
        error = TypeError("it is scraped, so no processor stands in front of it")
        outcome = "it is left out, since one is required" if required else "metrics processors do not apply to it"
        self._components.report_failure(exporter, error, outcome)
        return required

    def _is_required(self, component: Component[Processor]) -> bool:
        return component.declaration.required or component.name.lower() in self._components.plan.required

    def _build(self, component: Component[Processor], expected: Kind, outcome: str, planned: SignalPlan) -> Any:
        """Build a processor; ``None`` if it cannot be built. If it is required, nothing of the signal is exported."""
        required = self._is_required(component)
        outcome = f"it is required, so {planned.signal} are not exported" if required else outcome
        part = self._components.component(component, expected, outcome, planned.signal)
        if part is None and required:
            planned.withheld = f"required processor {component.name} could not be built"
        return part

    def transform_loss_counter(self, signal: Signal) -> LostItem:
        """Return a function that counts an item lost by a common transform, for every exporter of the signal."""
        return count_losses(self._losses[signal])

    def build_exporters(self, planned: SignalPlan, kind: Kind) -> list[Named[Any]]:
        """Build the exporters; return the processor or reader of each, with the stages between them."""
        staged = self.build_common(planned, kind) if planned.signal == "metrics" and _behind_measure(planned) else None
        restricted = self._restricted_transforms(planned)
        built: list[Named[Any]] = []
        if planned.withheld:
            return built
        for item in planned.exporters:
            endpoint = item.exporter.arguments.get("endpoint")
            losses = losses_of(item.exporter.name, planned.signal, endpoint, self._services.say, self._causes)
            exporter = self._components.exporter(item.exporter, planned.signal, losses.add)
            if exporter is None:
                continue
            self._losses[planned.signal].append(losses)
            name = f"exporter {item.exporter.name} (plugin {item.exporter.plugin})"
            transforms = [
                part for component, part in restricted if component.declaration.stands_before(item.exporter.name)
            ]
            if isinstance(exporter, MetricReader):
                if (staged or transforms) and self._leave_out_scraped(item.exporter, planned):
                    continue
                built.append(Named(name, exporter))
                self._components.keep(exporter)
                continue
            own = losses.self_metrics = self_metrics_of(
                self._components.plan.settings, planned.signal, item.exporter.name, item.exporter.arguments
            )
            if own is not None and hasattr(exporter, "attempt"):
                # Exporters without `attempt` are the SDK's or derived from them, and count by themselves.
                try:
                    exporter.attempt = own.count_attempts(exporter.attempt, partial(getattr, losses, "totals"))
                except AttributeError as error:
                    # A frozen class, or one with slots.
                    self._components.report_failure(item.exporter, error, "its exports are not among the SDK's metrics")
            exporter = monitor_exporter(
                planned.signal, exporter, losses, self._services.messages, self._services.lazy_start
            )
            exporter.shutdown_failed = partial(self._shutdown_failed, item.exporter)
            self._components.register_name(exporter, item.exporter)
            self._components.keep(exporter)
            if planned.signal == "metrics":
                exporter = self._metrics_stages(staged, transforms, exporter, count_losses([losses], count_items))
            processor = self._processor(item, exporter, planned.signal, kind, losses.add)
            if processor is not None:
                self._components.keep(processor)
                built.append(self._prepend(transforms, Named(name, processor), planned.signal, losses))
        return built

    def _shutdown_failed(self, exporter: Component[Exporter], error: Exception) -> None:
        self._report(f"shutdown of exporter {exporter.name} ({exporter.origin})", error, "the process exits anyway")

    def _restricted_transforms(self, planned: SignalPlan) -> list[tuple[Component[Processor], Named[Any]]]:
        """Build the transforms for some exporters only, each once; skip those whose exporters are not in the plan."""
        built = []
        for component in planned.for_some():
            names = ", ".join(component.declaration.exporters)
            outcome = f"it is left out; {planned.signal} are sent to {names} without it"
            part = self._build(component, Callable, outcome, planned)
            if part is not None:
                built.append((component, _name_part(component, part)))
        return built

    def _metrics_stages(
        self, staged: Staged | None, transforms: list[Named[Any]], exporter: Any, lost: LostItem
    ) -> Any:
        """Return the exporter with the common stages, then its own transforms, in front of it."""
        if transforms:
            # Imported here, since most plans have none.
            from distrokit.pipeline.per_exporter import prepend_to_metrics

            exporter = prepend_to_metrics(transforms, exporter, self._report, lost)
        if staged and any(staged.values()):
            before = Transforms([*staged["enrich"], *staged["transform"]], MetricsData, self._report, lost=lost)
            exporter = StagedMetrics(before, staged["derive"], exporter, self._report)
        return exporter

    def _prepend(
        self, transforms: list[Named[Any]], processor: Named[Any], signal: Signal, losses: Losses
    ) -> Named[Any]:
        """Return the processor of spans or log records with its exporter's own transforms in front of it."""
        if not transforms or signal == "metrics":
            # Transforms of metrics run between reader and exporter.
            return processor
        from distrokit.pipeline.per_exporter import prepend_to_logs, prepend_to_spans

        lost = count_losses([losses])
        if signal == "traces":
            return Named(processor.name, prepend_to_spans(transforms, processor, self._report, lost))
        return Named(processor.name, prepend_to_logs(transforms, processor, self._report, lost))

    def _processor(self, item: ExporterPlan, exporter: object, signal: Signal, kind: Kind, lost: LossReporter) -> Any:
        component = item.processor
        if component is None:
            return None
        with self._components.reported(component, f"{item.exporter.name!r} gets nothing"):
            context = self._components.context(component, signal, lost)
            return self._components.accept(component, component.declaration.factory(exporter, context), kind)
        return None


def _behind_measure(planned: SignalPlan) -> list[Component[Processor]]:
    """Return the processors that apply to all exporters, without those at ``measure``."""
    return [processor for processor in planned.for_all() if processor.declaration.stage != "measure"]


def _name_part(component: Component[Processor], part: Any) -> Named[Any]:
    name = f"{component.declaration.stage} processor {component.name} (plugin {component.plugin})"
    return Named(name, suppress_part(part))

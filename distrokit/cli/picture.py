"""The plan as boxes in lanes, for the Mermaid and SVG output: one lane per signal, from resource to destination."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from distrokit.declarations import Processor
from distrokit.plan.plan import Component, ExporterPlan, Plan, SignalPlan
from distrokit.plugins.entry_points import origin_of

BoxKind = Literal["resource", "sampler", "processor", "exporter", "destination", "nothing"]


@dataclass(frozen=True)
class Box:
    """One part.

    Attributes:
        kind: decides its shape and colour.
        title: its name.
        lines: more about it: the plugin that declared it, the setting that selected it.
    """

    kind: BoxKind
    title: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lane:
    """One signal.

    Attributes:
        boxes: the parts that every item passes, in order.
        branches: one per exporter: its processors, the exporter, its destination.
    """

    signal: str
    boxes: tuple[Box, ...]
    branches: tuple[tuple[Box, ...], ...]

    def paths(self) -> Iterator[tuple[Box, ...]]:
        """Yield every path of an item through the lane."""
        for branch in self.branches:
            yield (*self.boxes, *branch)


@dataclass(frozen=True)
class Picture:
    """The whole picture.

    Attributes:
        title: one line.
        resource: the first box of every lane.
        lanes: one per signal.
        notes: lines below the lanes: instrumentations, problems.
    """

    title: str
    resource: Box
    lanes: tuple[Lane, ...]
    notes: tuple[str, ...]


def picture_of(plan: Plan) -> Picture:
    """Draw the plan; secrets are masked."""
    mask = plan.settings.mask
    attributes = plan.resource.attributes
    name = attributes.get("service.name")
    title = str(name.printable()) if name else "unknown_service"
    known = [f"{key} = {value.printable()}" for key, value in attributes.items() if key != "service.name"]
    detectors = [detector.name for detector in plan.resource.detectors]
    lines = [str(name.source)] if name else []
    lines += known[:4] + ([f"and {len(known) - 4} more"] if len(known) > 4 else [])
    lines += [f"detectors: {', '.join(detectors)}"] if detectors else []
    on = [key for key, item in plan.instrumentations.items() if item.enabled]
    off = [key for key, item in plan.instrumentations.items() if not item.enabled]
    notes = [f"instrumented: {', '.join(on) or 'nothing'}"]
    notes += [f"not instrumented: {', '.join(off)}"] if off else []
    responses = [propagator.name for propagator in plan.response_propagators]
    notes += [f"response propagators: {', '.join(responses)}"] if responses else []
    notes += [mask(str(problem)) for problem in plan.problems]
    if plan.disabled.value:
        notes.insert(0, f"DISABLED by {plan.disabled.source}: only propagators and instrumentations are active")
    return Picture(
        mask(title),
        Box("resource", mask(title), tuple(map(mask, lines))),
        tuple(_lane(plan, signal, planned) for signal, planned in plan.signals.items()),
        tuple(notes),
    )


def _lane(plan: Plan, signal: str, planned: SignalPlan) -> Lane:
    boxes = []
    if signal == "traces":
        sampler = plan.sampler
        default = Box("sampler", "parentbased_always_on", ("sampler", "default of opentelemetry-sdk"))
        boxes.append(_box("sampler", sampler, "sampler") if sampler else default)
    boxes += [_box("processor", part, part.declaration.stage) for part in planned.for_all()]
    exported = () if planned.withheld else planned.exporters
    branches = tuple(_branch(item, planned.before(item)) for item in exported)
    why = planned.withheld or (str(planned.source) if planned.source else "no exporter was selected")
    return Lane(signal, tuple(boxes), branches or ((Box("nothing", "nowhere", (why,)),),))


def _branch(item: ExporterPlan, before: list[Component[Processor]]) -> tuple[Box, ...]:
    # An exporter that is scraped has no processors.
    feeds = tuple(_box("processor", part, part.declaration.stage) for part in before if item.processor)
    feeds += (_box("processor", item.processor, "feeds the exporter"),) if item.processor else ()
    endpoint = item.exporter.parameters.get("endpoint") or item.exporter.parameters.get("output_stream")
    if endpoint is None or not endpoint.value:
        return (*feeds, _box("exporter", item.exporter, "exporter"))
    destination = Box("destination", str(endpoint.printable()), (str(endpoint.source),))
    return (*feeds, _box("exporter", item.exporter, "exporter"), destination)


def _box(kind: BoxKind, component: Component[Any], role: str) -> Box:
    origin = origin_of(component.declaration) or f"plugin {component.plugin}"
    return Box(kind, _title(component), (f"{role}, {origin}", str(component.source)))


def _title(component: Component[Any]) -> str:
    protocol = component.parameters.get("protocol")
    argument = component.parameters.get("arg") or component.parameters.get("ratio")
    title = component.name + (f" {protocol.value}" if protocol else "")
    title += f" {argument.printable()}" if argument and argument.value not in ("", None) else ""
    return f"{title}({_title(component.inner)})" if component.inner else title

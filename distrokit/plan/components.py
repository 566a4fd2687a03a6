"""The components of a plan, and its parts by signal; see :class:`distrokit.plan.plan.Plan`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint
from typing import Any, Generic, TypeVar

from distrokit.declarations import (
    STAGES,
    BuildContext,
    D,
    Exporter,
    Processor,
    Propagator,
    ResourceDetector,
    Sampler,
    Signal,
)
from distrokit.diagnostics import Mask
from distrokit.plan.selection.selection import ScopeRule
from distrokit.plugins.entry_points import origin_of
from distrokit.settings.values import BUILT_IN, Source, Value


@dataclass
class Component(Generic[D]):
    """A selected declaration with its parameters.

    Attributes:
        declaration: the declaration to build.
        plugin: label of the plugin that declared it: ``otlp 0.1.0``.
        source: where it was selected.
        parameters: passed to its factory.
        overridden: the declarations of the same name that it overrides; each is a callable that returns its origin,
            because that reads files.
        instance: ``backup`` of ``otlp/backup``; empty for the plain one.
        file_name: its name in a configuration file; empty when that is the declaration's name.
        wraps: true for a sampler that :meth:`Plan.wrap_sampler` put around its parameter ``inner``.
    """

    declaration: D
    plugin: str
    source: Source = BUILT_IN
    parameters: dict[str, Value[Any]] = field(default_factory=dict)
    overridden: tuple[Callable[[], str], ...] = ()
    instance: str = ""
    file_name: str = ""
    wraps: bool = False

    @property
    def name(self) -> str:
        """The name that selects it: ``otlp``, or ``otlp/backup`` for an instance."""
        return f"{self.declaration.name}/{self.instance}" if self.instance else self.declaration.name

    @property
    def origin(self) -> str:
        """``plugin otlp 0.1.0``, or the distribution that publishes it; looking that up reads a file."""
        return origin_of(self.declaration) or f"plugin {self.plugin}"

    @property
    def inner(self) -> Component[D] | None:
        """The sampler that this one wraps; ``None`` for any other component."""
        value = self.parameters.get("inner") if self.wraps else None
        return value.value if value is not None and isinstance(value.value, Component) else None

    @property
    def innermost(self) -> Component[D]:
        """The selected sampler without the wrappers that plugins added; any other component itself."""
        return self.inner.innermost if self.inner else self

    @property
    def nested_name(self) -> str:
        """``always-record(parentbased_always_on)``: its name with the sampler that it wraps."""
        return f"{self.name}({self.inner.nested_name})" if self.inner else self.name

    @property
    def arguments(self) -> dict[str, Any]:
        """The parameters as plain values; a component inside this one is a :class:`Component`."""
        return {name: value.value for name, value in self.parameters.items()}

    def describe(self) -> dict[str, Any]:
        """Return it as JSON-ready data with secrets masked."""
        return {
            "name": self.name,
            "plugin": self.plugin,
            "origin": origin_of(self.declaration) or None,
            "source": str(self.source),
            "parameters": {name: describe_value(value) for name, value in self.parameters.items()},
            "overridden": [origin() for origin in self.overridden],
            **(
                {"exporters": list(self.declaration.exporters)}
                if isinstance(self.declaration, Processor) and self.declaration.stage == "transform"
                else {}
            ),
        }


@dataclass
class ExporterPlan:
    """An exporter and the processor that feeds it.

    Attributes:
        processor: ``None`` for an exporter that is scraped, or when there is no processor to feed it.
        cardinality_limits: of its metric reader in a configuration file: limits by kind of instrument, and
            ``default``; ``None`` if there are none.
    """

    exporter: Component[Exporter]
    processor: Component[Processor] | None = None
    cardinality_limits: Value[Any] | None = None

    def describe(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        limits = self.cardinality_limits
        return {
            **self.exporter.describe(),
            "processor": self.processor.describe() if self.processor else None,
            **({"cardinality_limits": limits.plain()} if limits else {}),
        }


@dataclass
class SignalPlan:
    """One signal's pipeline.

    Attributes:
        processors: of the stages before ``export``, in the order in which they run.
        exporters: each receives every item.
        source: where the exporters were selected; ``None`` when no setting or file selects any.
        built: false when a configuration file has no provider for it: OpenTelemetry's no-op stays.
        withheld: why nothing of it is exported, although it is built: a required processor is missing. Empty if it is.
        scopes: rules for instrumentation scopes; the first that matches applies.
        configurator: upstream's ``OTEL_PYTHON_TRACER_CONFIGURATOR`` and its siblings; called when no rule matches.
    """

    signal: Signal
    processors: list[Component[Processor]] = field(default_factory=list)
    exporters: list[ExporterPlan] = field(default_factory=list)
    source: Source | None = None
    built: bool = True
    withheld: str = ""
    scopes: list[ScopeRule] = field(default_factory=list)
    configurator: EntryPoint | None = None

    def for_all(self) -> list[Component[Processor]]:
        """Return the processors that apply to all exporters."""
        return [processor for processor in self.processors if not processor.declaration.exporters]

    def before(self, item: ExporterPlan) -> list[Component[Processor]]:
        """Return the transforms that apply to this exporter and not to all."""
        own = [processor for processor in self.processors if processor.declaration.exporters]
        return [processor for processor in own if processor.declaration.stands_before(item.exporter.name)]

    def for_some(self) -> list[Component[Processor]]:
        """Return the transforms that apply to some of the planned exporters only."""
        needed = [id(processor) for item in self.exporters for processor in self.before(item)]
        return [processor for processor in self.processors if id(processor) in needed]

    def at(self, stage: str) -> list[Component[Processor]]:
        """Return the processors of one stage."""
        return [processor for processor in self.processors if processor.declaration.stage == stage]

    def _stages(self) -> list[str]:
        """Return the stages before ``export``."""
        only_others = ("export",) if self.signal == "metrics" else ("export", "measure")
        return [stage for stage in STAGES if stage not in only_others]

    def describe(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            "source": str(self.source) if self.source else None,
            "built": self.built,
            "withheld": self.withheld or None,
            "configurator": self.configurator.name if self.configurator else None,
            "scopes": [{**vars(rule), "source": str(rule.source)} for rule in self.scopes],
            **{stage: [p.describe() for p in self.at(stage)] for stage in self._stages()},
            "export": [exporter.describe() for exporter in self.exporters],
        }


@dataclass(frozen=True)
class PolicyPlan:
    """A telemetry policy that is known when the plan is made.

    Attributes:
        id: of the policy.
        signal: what it is for.
        source: the provider, and the place where it is written: ``file /etc/otel/policies.yaml:3``.
        action: what it does with matching items: ``keep 5%``, ``drop``, ``redact``.
        stages: where it is applied: ``sampler``, ``transform``, or both.
        why: why there.
    """

    id: str
    signal: Signal
    source: str
    action: str
    stages: tuple[str, ...]
    why: str

    def describe(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {**vars(self), "stages": list(self.stages)}


@dataclass
class ResourcePlan:
    """The resource: the attributes of this process.

    Attributes:
        attributes: known while planning.
        detectors: weaker than ``attributes``; a later one overrides an earlier one.
        timeout_millis: timeout for all detectors together, in milliseconds.
        schema_url: of the resource; ``None`` for none.
        included, excluded: patterns (``*``, ``?``) of the attributes that detectors may add; an empty ``included``
            means all; ``excluded`` wins over ``included``.
    """

    attributes: dict[str, Value[Any]] = field(default_factory=dict)
    detectors: list[Component[ResourceDetector]] = field(default_factory=list)
    timeout_millis: Value[int] = field(default_factory=lambda: Value(2000, BUILT_IN))
    schema_url: Value[str] | None = None
    included: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def describe(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            "attributes": {name: describe_value(value) for name, value in self.attributes.items()},
            "detectors": [detector.describe() for detector in self.detectors],
            "timeout_millis": describe_value(self.timeout_millis),
            "schema_url": describe_value(self.schema_url) if self.schema_url else None,
            "included": list(self.included),
            "excluded": list(self.excluded),
        }


@dataclass
class ViewPlan:
    """A view of the metrics signal.

    Attributes:
        definition: a ``views`` item of the configuration model: ``{"selector": {…}, "stream": {…}}``.
    """

    definition: dict[str, Any]
    source: Source = BUILT_IN

    def describe(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {**self.definition, "source": str(self.source)}


@dataclass(frozen=True)
class Change:
    """One change that a plugin's ``distrokit_plan`` made.

    Attributes:
        plugin: its label.
        path: dotted path in :meth:`Plan.describe`.
        before, after: values in :meth:`Plan.describe`; ``None`` when absent.
    """

    plugin: str
    path: str
    before: Any
    after: Any


def _built_by_the_pipeline(context: BuildContext) -> Any:
    raise NotImplementedError


#: The SDK's default. Inside another sampler, the pipeline builds it.
DEFAULT_SAMPLER = Sampler("parentbased_always_on", _built_by_the_pipeline, origin="opentelemetry-sdk")


def default_sampler() -> Component[Sampler]:
    """Return the SDK's default sampler as a component, for use inside another one."""
    return Component(DEFAULT_SAMPLER, "", Source("default", "opentelemetry-sdk"))


#: The default propagators of OpenTelemetry's API.
_DEFAULT_PROPAGATORS = {
    "tracecontext": "opentelemetry.trace.propagation.tracecontext:TraceContextTextMapPropagator",
    "baggage": "opentelemetry.baggage.propagation:W3CBaggagePropagator",
}


def default_propagators() -> list[Component[Propagator]]:
    """Return OpenTelemetry's default propagators as components, for use beside another one."""
    source = Source("default", "opentelemetry-api")
    points = [EntryPoint(name, value, "opentelemetry_propagator") for name, value in _DEFAULT_PROPAGATORS.items()]
    return [Component(Propagator(p.name, _make_factory(p), origin="opentelemetry-api"), "", source) for p in points]


def _make_factory(point: EntryPoint) -> Callable[[BuildContext], Any]:
    return lambda context: point.load()()


N = TypeVar("N")


def copy_node(node: N) -> N:
    """Copy a node with its dicts and lists; declarations and values are immutable and shared."""
    if node is None:
        return node
    twin = copy(node)
    for name, value in vars(node).items():
        if isinstance(value, (dict, list)):
            setattr(twin, name, copy(value))
    if isinstance(twin, Component):
        for name, value in twin.parameters.items():
            if isinstance(value, Value) and isinstance(value.value, Component):
                twin.parameters[name] = replace(value, value=copy_node(value.value))
    return twin


def describe_value(value: Value[Any]) -> dict[str, Any]:
    """Return a value with its source as JSON-ready data, secrets masked."""
    if isinstance(value.value, Component):
        return {"value": value.value.describe(), "source": str(value.source), "overridden": []}
    shown = value.printable()
    if isinstance(shown, Mapping):
        shown = dict(shown)
    if not isinstance(shown, (str, int, float, bool, list, tuple, Mapping, type(None))):
        shown = repr(shown)
    return {
        "value": shown,
        "source": str(value.source),
        "overridden": [{"value": Mask()(text), "source": str(source)} for text, source in value.overridden],
    }

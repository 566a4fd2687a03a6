"""The values that plugins return: frozen declarations, each a name and a factory.

Declaring is cheap. A factory does its own imports, and is called later, under guard, only if the plan
selected it. In the specification's words a declaration is a *plugin component
provider* (configuration, "Register PluginComponentProvider": type, name, create).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    import argparse
    from importlib.metadata import EntryPoint

    from opentelemetry.instrumentation.propagators import ResponsePropagator as SDKResponsePropagator
    from opentelemetry.propagators.textmap import TextMapPropagator
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.id_generator import IdGenerator as SDKIdGenerator
    from opentelemetry.sdk.trace.sampling import Sampler as SDKSampler

    from distrokit.diagnostics import Problem
    from distrokit.export import LossReporter
    from distrokit.settings.layers import Settings
    from distrokit.settings.reader import Reader
    from distrokit.settings.values import Source, Value

Signal = Literal["traces", "metrics", "logs"]
ComponentKind = Literal[
    "exporter",
    "processor",
    "sampler",
    "id generator",
    "propagator",
    "response propagator",
    "resource detector",
    "policy provider",
]
Stage = Literal["measure", "enrich", "transform", "derive", "export"]
InstrumentKind = Literal[
    "counter",
    "up_down_counter",
    "histogram",
    "gauge",
    "observable_counter",
    "observable_up_down_counter",
    "observable_gauge",
]
LatePlacement = Literal["behind", "refuse", "raw"]
AttributeValue: TypeAlias = "str | bool | int | float | list[str] | list[bool] | list[int] | list[float]"

SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")
STAGES: tuple[Stage, ...] = ("measure", "enrich", "transform", "derive", "export")
#: Values of ``DISTROKIT_LATE_PROCESSORS``, and of the hook ``distrokit_late_processor``.
LATE_PLACEMENTS: tuple[LatePlacement, ...] = ("behind", "refuse", "raw")

#: Checks an exporter's connection; see :class:`Exporter`.
Probe: TypeAlias = "Callable[[ExporterOptions, Callable[[Any], Sent]], Iterable[Check]]"

#: Reads the parameters of a component while the plan is made: stdlib only, no I/O.
Parameters: TypeAlias = "Callable[[Reader], Mapping[str, Value[Any]]]"


def _not_counted(items: int, reason: str, cause: str = "") -> None:
    """Ignore the loss."""


@dataclass(frozen=True, kw_only=True)
class BuildContext:
    """The argument of a factory.

    Attributes:
        name: the name by which the component was selected.
        signal: the signal it is built for; ``None`` for a sampler, an id generator, a propagator of either kind.
        arguments: the values that its ``parameters`` read.
        settings: all settings, read-only.
        resource: the process's resource; ``None`` for a propagator, which is built before it.
        lost: for a processor at ``export``: call it with the number of lost items and the reason
            (:class:`~distrokit.export.LossReporter`); they are counted, and summed up on stderr.
        exit_timeout_millis: time limit for the whole end of the process, in milliseconds.
    """

    name: str
    signal: Signal | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    settings: Settings
    resource: Resource | None = None
    lost: LossReporter = _not_counted
    exit_timeout_millis: int = 5000


@dataclass(kw_only=True)
class ExporterOptions:
    """The argument of an exporter's factory, after all ``distrokit_exporter_options`` hooks.

    Attributes:
        name: the name by which the exporter was selected.
        signal: the signal it is built for.
        endpoint: the destination; empty for an exporter without one (``console``).
        headers: sent with every request; values are secret and never printed.
        timeout_millis: time limit of one export, in milliseconds; 0 for no limit.
        refresh_headers: for credentials that expire. Called before every request, on the exporting thread, so it
            must be fast if nothing has changed. Its headers are added to ``headers`` and replace those of the same
            name. If it raises, the last headers that it returned are sent. ``None``: ``headers`` never change.
        compression: ``none``, ``gzip`` or ``deflate``.
        user_agent: prefix of the exporter's own User-Agent.
        credentials: of the type that the exporter takes; ``None`` for its default. ``otlp`` takes
            ``grpc.ChannelCredentials`` over grpc; over HTTP a ``requests.auth.AuthBase``, which is called with each
            complete request, to sign it, or a ``requests.Session``, which is used unchanged, in forked children, too.
        arguments: all other parameters of the exporter, and keywords that hooks add.
        sources: the source of each parameter, by its name; and of ``exporter`` itself.
        settings: all settings, read-only.
        resource: the process's resource.
        lost: call it with the number of items that are lost for good and the reason
            (:class:`~distrokit.export.LossReporter`): in an exporter with ``attempt``, and in any exporter for items
            that are missing in a batch that arrives. Items of a failed ``export`` are counted without it.
    """

    name: str
    signal: Signal
    endpoint: str = ""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    timeout_millis: int = 10_000
    refresh_headers: Callable[[], Mapping[str, str]] | None = field(default=None, repr=False)
    compression: str = "none"
    user_agent: str = ""
    credentials: Any = field(default=None, repr=False)
    arguments: dict[str, Any] = field(default_factory=dict, repr=False)
    sources: Mapping[str, Source] = field(default_factory=dict, repr=False)
    settings: Settings
    resource: Resource | None = None
    lost: LossReporter = field(default=_not_counted, repr=False)


@dataclass(frozen=True)
class Sent:
    """The result of a probe's test item.

    Attributes:
        ok: whether the exporter reports that it arrived.
        messages: messages that loggers below ``opentelemetry`` logged during the export, in order.
        seconds: duration of the export.
    """

    ok: bool
    messages: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Exporter:
    """An exporter, selected by ``OTEL_{TRACES,METRICS,LOGS}_EXPORTER``.

    Attributes:
        name: the name in the setting, for example ``otlp``.
        signals: one signal, or several that the same factory serves.
        factory: returns a ``SpanExporter``, ``MetricExporter`` or ``LogRecordExporter``, by
            ``options.signal``; or a ``MetricReader``, for a metric exporter that is scraped. An exporter with
            ``attempt`` (:class:`~distrokit.export.RetryAwareExporter`) is called again for items that it could not
            deliver. The factory may raise; an attribute ``problem`` of the exception, a
            :class:`~distrokit.diagnostics.Problem`, is reported in place of the exception, once.
        parameters: reads its parameters for the plan; names that are fields of :class:`ExporterOptions` are set
            there, all others in ``options.arguments``.
        hides: variables that the factory must not find in ``os.environ``, since ``parameters`` has read
            them and many exporters would read, and refuse, them again.
        fallback: whether any other exporter of this name overrides it.
        origin: its author, if that is not the plugin's own distribution: a text, or the adapted entry point
            (read only when it is shown).
        processor: the name of the processor that feeds it by default, one that a plugin declares at ``export``,
            such as ``simple`` for an exporter that must not wait. Empty for the general default.
        probe: for ``distrokit doctor``: checks the connection step by step and sends one item.
            ``probe(options, send)`` yields a :class:`Check` per step; ``send(exporter)`` sends a real item of
            ``options.signal`` through an exporter that the probe has made. ``None``: doctor makes an exporter with
            the factory and sends one item.
    """

    name: str
    signals: Signal | tuple[Signal, ...]
    factory: Callable[[ExporterOptions], Any]
    parameters: Parameters | None = None
    hides: tuple[str, ...] = ()
    fallback: bool = False
    origin: str | EntryPoint = ""
    probe: Probe | None = None
    processor: str = ""


@dataclass(frozen=True)
class Instrument:
    """An instrument of the metrics API that an application has made: what a filter at the stage ``measure`` is for.

    Attributes:
        name: in lower case.
        kind: for example ``observable_up_down_counter``.
        unit: empty for none.
        scope: name of its instrumentation scope.
        views: definitions of the plan's views that select it: ``views`` items of the configuration model, such as
            ``{"selector": {…}, "stream": {"attribute_keys": {…}, "aggregation_cardinality_limit": 500}}``. Each makes a
            stream of its own. Empty if there is none; then the SDK makes one stream with all attributes.
    """

    name: str
    kind: InstrumentKind
    unit: str = ""
    scope: str = ""
    views: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Processor:
    """A processor at one stage of one or several signals' pipelines.

    What ``factory`` returns depends on the stage:

    =========== =============================================== =========================================
    stage       traces, logs                                    metrics
    =========== =============================================== =========================================
    measure     (none)                                          callable: :class:`Instrument` → a filter
                                                                of its measurements, or ``None``
    enrich      ``SpanProcessor`` / ``LogRecordProcessor``,     callable: ``MetricsData`` → the same or
                run first                                       a new one, before the transforms
    transform   callable: finished item → item to go on with,   callable: ``MetricsData`` →
                or ``None`` to drop it                          ``MetricsData`` or ``None``
    derive      ``SpanProcessor`` / ``LogRecordProcessor``,     callable: ``MetricsData`` → ``None``
                gets the transformed items
    export      ``factory(exporter, context)`` → the            ``factory(exporter, context)`` → the
                processor that feeds the exporter               ``MetricReader`` that feeds the exporter
    =========== =============================================== =========================================

    The callable at ``measure`` is called once for each instrument that an application makes. The filter takes the
    attributes of a measurement, a mapping or ``None``, and returns the attributes to record instead; the same object
    if it changes nothing. It runs before the measurement is aggregated, on the application's thread, which it delays;
    for an observable instrument it runs for each observation, on the thread that collects. It cannot drop a
    measurement, must not change the mapping that it is given, and must not record measurements. Exporters that are
    scraped get its result, too. If it raises, the measurement is recorded without attributes. Several filters run in
    plugin order.

    Instrumentation is suppressed around the parts before ``export``. One that only computes, and calls nothing that may
    record telemetry, saves that cost with an attribute ``records_nothing = True``.

    An ``export`` processor gets an exporter that counts lost items and delegates everything else to the exporter of
    the factory. It always has ``attempt`` (:class:`~distrokit.export.RetryAwareExporter`).

    Attributes:
        name: at ``export``, the name in ``DISTROKIT_{TRACES,LOGS}_PROCESSOR`` and ``DISTROKIT_METRICS_READER``; at
            other stages, the name in a configuration file. Every declared processor of the stages before ``export``
            runs, in plugin order.
        signals: one signal, or several that the same factory serves.
        stage: its place in the pipeline.
        factory: see above.
        parameters: reads its parameters for the plan; they are in ``context.arguments``.
        default: at the stages before ``export``, whether it runs if no configuration file names it.
        exporters: at ``transform``: it runs for these exporters only, by the names by which they are selected
            (``otlp``, ``otlp/archive``), in upper or lower case; ``otlp`` is only the unnamed one. A configuration file
            may have other names for them (``otlp_http``). Empty for all.
        required: at a stage before ``export``: whether its signals are not exported if it cannot be built, or if its
            plugin fails. A plugin that is blocked or not installed declares nothing: for that case a distro, or
            ``DISTROKIT_REQUIRED``, names the processor.
    """

    name: str
    signals: Signal | tuple[Signal, ...]
    stage: Stage
    factory: Callable[..., Any]
    parameters: Parameters | None = None
    fallback: bool = False
    origin: str | EntryPoint = ""
    default: bool = True
    exporters: tuple[str, ...] = ()
    required: bool = False

    def stands_before(self, exporter: str) -> bool:
        """True if it runs for the exporter that was selected by this name."""
        return not self.exporters or exporter.lower() in [name.strip().lower() for name in self.exporters]


@dataclass(frozen=True)
class Sampler:
    """A sampler, selected by ``OTEL_TRACES_SAMPLER``.

    ``context.arguments["arg"]`` is ``OTEL_TRACES_SAMPLER_ARG`` as text, if it is set and the
    declaration has no ``parameters`` of its own.

    A sampler around another one may have an attribute ``passes_to``: the inner sampler while the outer one decides
    nothing, else ``None``. It saves the cost of a call for each span.
    """

    name: str
    factory: Callable[[BuildContext], SDKSampler]
    parameters: Parameters | None = None
    fallback: bool = False
    origin: str | EntryPoint = ""


@dataclass(frozen=True)
class IdGenerator:
    """An id generator, selected by ``OTEL_PYTHON_ID_GENERATOR``."""

    name: str
    factory: Callable[[BuildContext], SDKIdGenerator]
    parameters: Parameters | None = None
    fallback: bool = False
    origin: str | EntryPoint = ""


@dataclass(frozen=True)
class Propagator:
    """A propagator, selected by ``OTEL_PROPAGATORS``."""

    name: str
    factory: Callable[[BuildContext], TextMapPropagator]
    parameters: Parameters | None = None
    fallback: bool = False
    origin: str | EntryPoint = ""


@dataclass(frozen=True)
class ResponsePropagator:
    """A response propagator: adds headers to each response of an instrumented server.

    Attributes:
        name: the name in ``DISTROKIT_RESPONSE_PROPAGATORS``.
        factory: returns an ``opentelemetry.instrumentation.propagators.ResponsePropagator``.
        default: whether it runs when that setting is unset.
    """

    name: str
    factory: Callable[[BuildContext], SDKResponsePropagator]
    default: bool = True
    parameters: Parameters | None = None
    fallback: bool = False
    origin: str | EntryPoint = ""


@dataclass(frozen=True)
class ResourceDetector:
    """A resource detector: finds resource attributes, on its own thread and with a timeout.

    Attributes:
        name: the name in ``OTEL_EXPERIMENTAL_RESOURCE_DETECTORS``.
        detect: returns the attributes; called in the instrumented process. Its keywords are the parameters that
            ``parameters`` read, or that a configuration file has.
        default: whether it runs when that setting is unset.
    """

    name: str
    detect: Callable[..., Mapping[str, AttributeValue]]
    default: bool = True
    fallback: bool = False
    origin: str | EntryPoint = ""
    parameters: Parameters | None = None


@dataclass(frozen=True)
class PolicyProvider:
    """A provider of telemetry policies, which the plugin ``distrokit-policy`` applies.

    Its object is made while the plan is made, so the factory opens nothing. It has these methods; all but the first are
    optional, and are called on a thread of its own:

    - ``poll()``: returns the whole set in plain data, ``{"policies": [{"id": …}, …]}`` as in a file of policies, if it
      has changed since the last call; else ``None``. If it raises, the last set stays, and the error is reported once;
      an exception with ``is_transient = True`` is no fault of the set, such as a server that cannot be reached.
      It is called every ``interval_seconds``, an attribute (1 without it).
    - ``load()``: called once, while the plan is made: returns the set that is known without a network, or ``None``.
    - ``locate(path)``: returns the place of a part of the last set for messages, such as ``policies.yaml:12:7``.
      ``path`` has its keys and indices.
    - ``report(status)``: what became of a set: a mapping with ``state`` (``applied``, ``partly applied``, ``refused``,
      ``trial``, ``held back``, ``rolled back``, ``unreachable``), ``errors``, a list of texts, and ``policies``,
      counts of hits and misses by id.
    - ``accepted()``: the last set is in use, and not on trial.
    - ``started(wake)``: ``wake()`` makes the thread poll at once; it may be called on any thread.
    - ``forked()`` in a forked child, on its only thread, and ``shutdown()`` at the end, which does not wait for it.

    Attributes:
        name: of the source, as it is shown.
        factory: returns the object.
        parameters: reads its parameters for the plan; they are in ``context.arguments``, where
            ``resource_attributes`` has those of the resource that are known while the plan is made.
        priority: if two providers have a policy of one id, the one with the lower number counts.
    """

    name: str
    factory: Callable[[BuildContext], Any]
    parameters: Parameters | None = None
    priority: int = 10
    fallback: bool = False
    origin: str | EntryPoint = ""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A setting: for the documentation, and to find misspelt names.

    Attributes:
        name: of the environment variable.
        kind: type of its text: ``integer``, ``boolean``, ``one of grpc, http/protobuf``, ``list of names`` … A value
            outside ``one of`` is reported; the consumer decides what to do with it.
        default: the default as text; empty for none.
        unit: ``ms``, ``items``, ``bytes``; empty for none.
        consumer: its reader: ``distrokit``, ``opentelemetry-sdk``, a plugin's name. ``instrumentations``: a value of a
            plugin, a file or code stays in ``os.environ``, since instrumentations may read it at any time.
        meaning: one sentence.
        spec: URL of its specification; empty for a setting that only distrokit has.
        parameter: whether it becomes a parameter of a component; then ``distrokit doctor`` warns if it is set and no
            part of the pipeline uses it.
        ignored_with_file: whether a configuration file replaces it (specification, *Declarative configuration*: every
            variable that the file does not name is ignored).
        required: whether it must have a value, from any source; a missing value is a problem at the start, in
            ``explain`` and in ``doctor``. Not required with a configuration file that replaces it. A secret may be in
            the file that ``NAME_FILE`` names.
        remedy: the remedy for a missing value, as one sentence; empty for "Set NAME."
        deprecated: the replacement and the release that removes the setting, as one sentence; logged if it is set.
            Empty for a setting that is not deprecated.
    """

    name: str
    kind: str = "text"
    default: str = ""
    unit: str = ""
    consumer: str = "distrokit"
    meaning: str = ""
    spec: str = ""
    parameter: bool = False
    ignored_with_file: bool = False
    required: bool = False
    remedy: str = ""
    deprecated: str = ""


@dataclass(frozen=True)
class Configuration:
    """A configuration file that was read.

    Attributes:
        name: the path as the user wrote it.
        model: OpenTelemetry's configuration model (``file_format`` 1.x): a mapping in which every node is a
            :class:`~distrokit.settings.values.Value` with its line; ``None`` if the file cannot be used at all.
        problems: its faults.
    """

    name: str
    model: Value[Any] | None
    problems: tuple[Problem, ...] = ()


Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Check:
    """One finding of ``distrokit doctor``.

    Attributes:
        id: stable, for example ``acme-token``.
        verdict: ``fail`` makes the command's exit code 1.
        evidence: the observed facts, without secrets.
        remedy: a line to type; empty for ``ok``.
    """

    id: str
    verdict: Verdict
    evidence: str
    remedy: str = ""


@dataclass(frozen=True)
class Command:
    """A subcommand of ``distrokit``.

    Attributes:
        name: as typed.
        help: one line for ``distrokit --help``.
        run: runs it and returns the exit code.
        arguments: adds its arguments to the parser; ``None`` if it has none.
    """

    name: str
    help: str
    run: Callable[[argparse.Namespace], int]
    arguments: Callable[[argparse.ArgumentParser], None] | None = None


#: A declaration of any one kind.
D = TypeVar(
    "D",
    Exporter,
    Processor,
    Sampler,
    IdGenerator,
    Propagator,
    ResponsePropagator,
    ResourceDetector,
    PolicyProvider,
)

Declaration: TypeAlias = (
    Exporter | Processor | Sampler | IdGenerator | Propagator | ResponsePropagator | ResourceDetector | PolicyProvider
)


def signals_of(declaration: Exporter | Processor) -> tuple[Signal, ...]:
    """Return ``signals`` as a tuple."""
    signals = declaration.signals
    return (signals,) if isinstance(signals, str) else tuple(signals)

"""What plugins hand over: frozen declarations, each a name and a factory.

Declaring is cheap. A factory imports what it needs inside itself, and is called later, under guard,
only when the plan picked it. In the specification's words a declaration is a *plugin component
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
    "exporter", "processor", "sampler", "id generator", "propagator", "response propagator", "resource detector"
]
Stage = Literal["enrich", "transform", "derive", "export"]
AttributeValue: TypeAlias = "str | bool | int | float | list[str] | list[bool] | list[int] | list[float]"

SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")
STAGES: tuple[Stage, ...] = ("enrich", "transform", "derive", "export")

#: Tries an exporter; see :class:`Exporter`.
Probe: TypeAlias = "Callable[[ExporterOptions, Callable[[Any], Sent]], Iterable[Check]]"

#: Reads the parameters of a component while the plan is made: stdlib only, no I/O.
Parameters: TypeAlias = "Callable[[Reader], Mapping[str, Value[Any]]]"


def _not_counted(items: int, reason: str, cause: str = "") -> None:
    """Nobody counts."""


@dataclass(frozen=True, kw_only=True)
class BuildContext:
    """What a factory is given.

    Attributes:
        name: the name the component was picked by.
        signal: the signal it is built for; ``None`` for a sampler, an id generator, a propagator of either kind.
        arguments: what its ``parameters`` read, as plain values.
        settings: all settings, for reading.
        resource: the process's resource; ``None`` for a propagator, which is built before it.
        lost: for a processor at ``export``: told how many items are lost, and why (:class:`~distrokit.export.Lost`);
            they are counted, and summed up on stderr.
        exit_timeout_millis: what the whole end of the process may take, in milliseconds.
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
    """What an exporter's factory is given, after every ``distrokit_exporter_options`` hook.

    Attributes:
        name: the name the exporter was picked by.
        signal: the signal it is built for.
        endpoint: where it sends to; empty where that means nothing (``console``).
        headers: sent with every request; values are secret and never printed.
        timeout_millis: of one export, in milliseconds; 0 for no limit.
        refresh_headers: for credentials that expire: called before every request, from the exporting
            thread, and so to be quick where nothing has changed; what it returns is sent besides, and in
            place of, ``headers``. It may raise: then the last headers it returned are sent. ``None``: the
            headers stay as they are.
        compression: ``none``, ``gzip`` or ``deflate``.
        user_agent: put in front of the exporter's own User-Agent.
        credentials: as the exporter takes it; ``None`` for its own. ``otlp`` takes ``grpc.ChannelCredentials`` over
            grpc; over HTTP a ``requests.auth.AuthBase``, which is given each request when its headers and its body are
            complete, to sign it, or a ``requests.Session``, which is used as it is, by the children of a fork, too.
        arguments: every other parameter of the exporter, and whatever keyword a hook adds.
        sources: who decided each parameter, by its name; and ``exporter`` itself.
        settings: all settings, for reading.
        resource: the process's resource.
        lost: told how many items are lost for good, and why (:class:`~distrokit.export.Lost`), by an exporter that
            has ``attempt``, and by any for items whose batch arrives without them; what a failed ``export`` loses
            is counted without it.
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
    """What became of the item that a probe sent.

    Attributes:
        ok: whether the exporter says that it arrived.
        messages: what was logged meanwhile below ``opentelemetry``, in order.
        seconds: how long it took.
    """

    ok: bool
    messages: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Exporter:
    """An exporter, picked by ``OTEL_{TRACES,METRICS,LOGS}_EXPORTER``.

    Attributes:
        name: what the setting says, for example ``otlp``.
        signals: one signal, or several that the same factory serves.
        factory: returns a ``SpanExporter``, ``MetricExporter`` or ``LogRecordExporter``, by
            ``options.signal``; or a ``MetricReader``, for a metric exporter that is scraped. One that has
            ``attempt`` (:class:`~distrokit.export.RetryAwareExporter`) is asked again for what it could not deliver.
            It may raise; an attribute ``problem`` of the exception, a :class:`~distrokit.diagnostics.Problem`, is
            reported in place of the exception, once.
        parameters: what the plan shows of it; names that are fields of
            :class:`ExporterOptions` arrive there, all others in ``options.arguments``.
        hides: variables the factory must not find in ``os.environ``, since ``parameters`` has read
            them and exporters tend to read, and refuse, them a second time.
        fallback: gives way to any other exporter of this name.
        origin: whom it comes from, where that is not the plugin's own distribution: a text, or
            the entry point that was adapted (read only when it is shown).
        processor: the name of the processor that feeds it where the user chose none: one that a plugin declares at
            ``export``, such as ``simple`` for an exporter that must not wait. Empty for the default.
        probe: for ``distrokit doctor``: looks at the way to the destination, step by step, and sends one item:
            ``probe(options, send)`` yields a :class:`Check` per step; ``send(exporter)`` sends a real item of
            ``options.signal`` through an exporter that the probe has made. ``None``: an exporter is made by the
            factory, and one item is sent.
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
class Processor:
    """A processor at one stage of one or several signals' pipelines.

    What ``factory`` returns depends on the stage:

    =========== =============================================== =========================================
    stage       traces, logs                                    metrics
    =========== =============================================== =========================================
    enrich      ``SpanProcessor`` / ``LogRecordProcessor``,     callable: ``MetricsData`` → the same or
                run first                                       a new one, before the transforms
    transform   callable: finished item → item to go on with,   callable: ``MetricsData`` →
                or ``None`` to drop it                          ``MetricsData`` or ``None``
    derive      ``SpanProcessor`` / ``LogRecordProcessor``,     callable: ``MetricsData`` → ``None``
                sees what the transforms left
    export      ``factory(exporter, context)`` → the            ``factory(exporter, context)`` → the
                processor that feeds the exporter               ``MetricReader`` that feeds the exporter
    =========== =============================================== =========================================

    The exporter that an ``export`` processor is given counts what it could not send, and delegates everything else
    to the one that was made. It has ``attempt`` (:class:`~distrokit.export.RetryAwareExporter`), whatever that one has.

    Attributes:
        name: at ``export``, what ``DISTROKIT_{TRACES,LOGS}_PROCESSOR`` and
            ``DISTROKIT_METRICS_READER`` say; elsewhere what a configuration file calls it. Every
            declared processor of the first three stages runs, in plugin order.
        signals: one signal, or several that the same factory serves.
        stage: where it stands.
        factory: see above.
        parameters: what the plan shows of it; arrives in ``context.arguments``.
        default: at the first three stages, whether it runs when no configuration file names it.
        exporters: at ``transform``: it stands in front of these exporters only, by the names they are picked by
            (``otlp``, ``otlp/archive``), whatever the case; ``otlp`` is the plain one alone. A configuration file may
            have other names for them (``otlp_http``). Empty for all.
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

    def stands_before(self, exporter: str) -> bool:
        """Whether it stands in front of the exporter that was picked by this name."""
        return not self.exporters or exporter.lower() in [name.strip().lower() for name in self.exporters]


@dataclass(frozen=True)
class Sampler:
    """A sampler, picked by ``OTEL_TRACES_SAMPLER``.

    ``context.arguments["arg"]`` is ``OTEL_TRACES_SAMPLER_ARG`` as text when it is set and the
    declaration has no ``parameters`` of its own.
    """

    name: str
    factory: Callable[[BuildContext], SDKSampler]
    parameters: Parameters | None = None
    fallback: bool = False
    origin: str | EntryPoint = ""


@dataclass(frozen=True)
class IdGenerator:
    """An id generator, picked by ``OTEL_PYTHON_ID_GENERATOR``."""

    name: str
    factory: Callable[[BuildContext], SDKIdGenerator]
    parameters: Parameters | None = None
    fallback: bool = False
    origin: str | EntryPoint = ""


@dataclass(frozen=True)
class Propagator:
    """A propagator, picked by ``OTEL_PROPAGATORS``."""

    name: str
    factory: Callable[[BuildContext], TextMapPropagator]
    parameters: Parameters | None = None
    fallback: bool = False
    origin: str | EntryPoint = ""


@dataclass(frozen=True)
class ResponsePropagator:
    """A response propagator: adds to the headers of each response that an instrumented server sends.

    Attributes:
        name: what ``DISTROKIT_RESPONSE_PROPAGATORS`` says.
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
    """Finds resource attributes, in a thread of its own and against a deadline.

    Attributes:
        name: what ``OTEL_EXPERIMENTAL_RESOURCE_DETECTORS`` says.
        detect: returns the attributes; run in the process being started, with what ``parameters`` read,
            or a configuration file has, as keywords.
        default: whether it runs when that setting is unset.
    """

    name: str
    detect: Callable[..., Mapping[str, AttributeValue]]
    default: bool = True
    fallback: bool = False
    origin: str | EntryPoint = ""
    parameters: Parameters | None = None


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One variable that somebody reads: for the documentation, and for finding misspelt names.

    Attributes:
        name: of the environment variable.
        kind: what its text is: ``integer``, ``boolean``, ``one of grpc, http/protobuf``, ``list of names`` … A value
            outside ``one of`` is said; whoever reads it decides what to do with it.
        default: as it would be written; empty where there is none.
        unit: ``ms``, ``items``, ``bytes``; empty where there is none.
        consumer: who reads it: ``distrokit``, ``opentelemetry-sdk``, a plugin's name. ``instrumentations``: it stays in
            ``os.environ`` where a plugin, a file or code gives it, since instrumentations may read it at any time.
        meaning: one sentence.
        spec: where it is specified, a URL; empty for what only exists here.
        parameter: whether it becomes a parameter of a component; then ``distrokit doctor`` can tell when nothing
            in the pipeline comes from it.
        ignored_with_file: whether a configuration file takes its place (specification, *Declarative
            configuration*: every variable the file does not name is ignored).
        required: whether it must have a value, wherever that comes from; a missing one is a problem at the start, in
            ``explain`` and in ``doctor``. Not asked for with a configuration file that takes its place. A secret may
            stand in the file that ``NAME_FILE`` names.
        remedy: what to do about a missing one, as one sentence; empty for "Set NAME."
        deprecated: what to set instead and from which release on it has to be, as one sentence; said when somebody
            sets it. Empty for a setting that stays.
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
        model: OpenTelemetry's configuration model (``file_format`` 1.x): a mapping whose every node is a
            :class:`~distrokit.settings.values.Value` with its line; ``None`` when the file cannot be used at all.
        problems: what is wrong with it.
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
        evidence: what was seen, without secrets.
        remedy: a line to type; empty when all is well.
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
        run: does it and returns the exit code.
        arguments: adds the command's arguments; ``None`` when it has none.
    """

    name: str
    help: str
    run: Callable[[argparse.Namespace], int]
    arguments: Callable[[argparse.ArgumentParser], None] | None = None


#: For what holds a declaration of any one kind.
D = TypeVar("D", Exporter, Processor, Sampler, IdGenerator, Propagator, ResponsePropagator, ResourceDetector)

Declaration: TypeAlias = (
    Exporter | Processor | Sampler | IdGenerator | Propagator | ResponsePropagator | ResourceDetector
)


def signals_of(declaration: Exporter | Processor) -> tuple[Signal, ...]:
    """``signals`` as a tuple, whichever way it was written."""
    signals = declaration.signals
    return (signals,) if isinstance(signals, str) else tuple(signals)

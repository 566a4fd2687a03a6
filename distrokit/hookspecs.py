"""Every hook, in the order they are called. This file is the manual; ``docs/hooks.md`` is made of it.

Common to all: hooks are called in plugin-name order, once per process unless it says otherwise; the
declaring ones and ``distrokit_plan`` once more when a plugin failed in one of them. An implementation
may leave out arguments it does not need. One that raises while the plan is made is left out with its whole plugin,
which is named on stderr; everything else goes on. From the build on, what a plugin declared stays, and a plugin
that raises is called no more. A hook wrapper is refused: to change what others declared, amend the
plan in ``distrokit_plan``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import pluggy

if TYPE_CHECKING:
    from distrokit.declarations import (
        AttributeValue,
        Check,
        Command,
        Configuration,
        Exporter,
        ExporterOptions,
        IdGenerator,
        Processor,
        Propagator,
        ResourceDetector,
        ResponsePropagator,
        Sampler,
        Setting,
    )
    from distrokit.pipeline.pipeline import Pipeline
    from distrokit.plan.plan import Plan
    from distrokit.plugins.entry_points import EntryPoints
    from distrokit.settings.layers import Settings

#: The name of the marker, of the plugin manager, and of the entry-point group.
PROJECT = "distrokit"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

StopReason = Literal["exit", "signal", "process", "code"]


# ------------------------------------------------------------------------------------- settings


@hookspec
def distrokit_settings() -> Iterable[Setting] | None:
    """The variables that this plugin reads.

    When: first of all; they are listed in the documentation, and a variable that nobody lists and whose
    name is close to one that is listed is reported as a misspelling. One that is ``required`` and has no value is
    reported with its ``remedy``.
    Process: the one being instrumented, on the thread that starts it; and the ``distrokit`` command's, for a look.
    Returns: declarations.
    ``None``: none.
    On an exception: the plugin is left out.

    Example::

        from distrokit import Setting, hookimpl


        @hookimpl
        def distrokit_settings():
            return [Setting(name="ACME_TENANT", consumer="acme", meaning="whom the telemetry belongs to")]
    """


@hookspec
def distrokit_defaults(environ: Mapping[str, str], settings: Settings) -> Mapping[str, str] | None:
    """Defaults for settings; always weaker than what the user set.

    When: before the configuration file is read, and before anything is declared.
    Process: the one being instrumented, on the thread that starts it; and the ``distrokit`` command's, for a look.
    Arguments: ``environ``, the environment as it was read; do not change it. ``settings``, for reading: the environment
    with what is given in code, in ``pyproject.toml`` and by the distro, and without any plugin's default.
    Returns: setting name to text. Of two plugins that default one setting the first in order wins.
    ``None``: no defaults.
    On an exception: the plugin is left out.

    Example::

        from distrokit import hookimpl


        @hookimpl
        def distrokit_defaults(environ):
            return {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}
    """


@hookspec
def distrokit_configuration(settings: Settings) -> Configuration | None:
    """The configuration file, read; OpenTelemetry's model, each node with its line.

    When: after ``distrokit_defaults``. The first plugin with an answer wins. With a file, the variables
    it takes the place of are ignored (``docs/settings.md`` marks them).
    Process: the one being instrumented, on the thread that starts it; and the ``distrokit`` command's, for a look.
    Arguments: ``settings``, the environment, what is given in code, and plugins' defaults.
    Returns: a :class:`~distrokit.Configuration`. Without a model the file cannot be used, and nothing is
    built: what it would have said is unknown, and the environment alone might send data elsewhere.
    ``None``: there is no file.
    On an exception: the plugin is left out.

    Example::

        from distrokit import Configuration, Source, Value, hookimpl


        @hookimpl
        def distrokit_configuration(settings):
            if not settings.get("ACME_CONFIG"):
                return None
            source = Source("file", "acme.ini:1:1")
            model = {"file_format": Value("1.0", source), "disabled": Value(True, source)}
            return Configuration("acme.ini", Value(model, source))
    """


@hookspec
def distrokit_overrides(settings: Settings) -> Mapping[str, str] | None:
    """Settings that this plugin insists on: stronger than the file, the environment and code.

    When: after ``distrokit_defaults``. Meant for a distro: an endpoint that must be the company's gateway.
    ``distrokit explain`` shows whom it overridden.
    Process: the one being instrumented, on the thread that starts it; and the ``distrokit`` command's, for a look.
    Arguments: ``settings``, everything the user and the plugins' defaults say.
    Returns: setting name to text. Of two plugins that insist on one setting the first in order wins. It is too
    late for ``OTEL_CONFIG_FILE`` and ``DISTROKIT_DISABLED_PLUGINS``: give those in ``distrokit_defaults``.
    ``None``: nothing.
    On an exception: the plugin is left out.

    Example::

        from distrokit import hookimpl


        @hookimpl
        def distrokit_overrides(settings):
            return {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}
    """


# -------------------------------------------------------------------------------------- declare


@hookspec
def distrokit_resource(
    settings: Settings, entry_points: EntryPoints
) -> Mapping[str, AttributeValue] | Iterable[ResourceDetector] | None:
    """Resource attributes, or detectors that will find them.

    When: while declaring; detectors run later, at build, side by side and against
    ``DISTROKIT_DETECTOR_TIMEOUT`` milliseconds: 2,000 for all of them together, on threads of their own, while the
    start waits. One that is late, raises or returns nonsense is left out alone.
    Process: the one being instrumented, on the thread that starts it; and the ``distrokit`` command's, for a look.
    Arguments: ``settings``, all settings, for reading; ``entry_points`` as in ``distrokit_samplers``.
    Returns: attributes that are known at once, or detectors. ``OTEL_RESOURCE_ATTRIBUTES`` and
    ``OTEL_SERVICE_NAME`` are stronger than both; attributes are stronger than detectors; of two
    plugins the first in order wins. Detectors that ``OTEL_EXPERIMENTAL_RESOURCE_DETECTORS`` or a file names are
    stronger than those that run unasked, and of two that are named the later one wins, as with OpenTelemetry's SDK.
    ``None``: nothing to add.
    On an exception: the plugin is left out.

    Example::

        from distrokit import hookimpl


        @hookimpl
        def distrokit_resource(settings):
            return {"deployment.environment.name": settings.get("STAGE", "development")}
    """


@hookspec
def distrokit_samplers(settings: Settings, entry_points: EntryPoints) -> Iterable[Sampler] | None:
    """Samplers by name, for ``OTEL_TRACES_SAMPLER`` to pick from.

    When: while declaring; the factory is called at build, if picked.
    Process: the one being instrumented, on the thread that starts it; and the ``distrokit`` command's, for a look.
    Arguments: ``settings``, all settings, for reading: what one of yours turns off need not be declared;
    ``entry_points``, those of all installed distributions, for a plugin that speaks for others; do not scan again.
    Returns: declarations. Two plugins of equal rank that declare one name lose it both; a
    ``trylast`` implementation gives way to any other.
    ``None``: none.
    On an exception: the plugin is left out. If the factory raises, the default sampler is used. If the sampler does
    when a span begins, or answers something else than a ``SamplingResult``, that span is not recorded, and it is named.
    Mind: it is called on the application's threads, with instrumentation suppressed.

    Example::

        from distrokit import Sampler, hookimpl


        def half(context):
            from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

            return TraceIdRatioBased(0.5)


        @hookimpl
        def distrokit_samplers():
            return [Sampler("half", half)]
    """


@hookspec
def distrokit_id_generators(settings: Settings, entry_points: EntryPoints) -> Iterable[IdGenerator] | None:
    """Id generators by name, for ``OTEL_PYTHON_ID_GENERATOR`` to pick from.

    When: while declaring; the factory is called at build, if picked.
    Process: the one being instrumented, on the thread that starts it; and the ``distrokit`` command's, for a look.
    Arguments: as ``distrokit_samplers``.
    Returns: declarations, with names as in ``distrokit_samplers``.
    ``None``: none.
    On an exception: the plugin is left out. If the factory raises, random ids are used; if the id generator does when a
    span begins, that span has a random id, and it is named.
    Mind: it is called on the application's threads, with instrumentation suppressed.

    Example::

        from distrokit import IdGenerator, hookimpl


        def make(context):
            from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

            return RandomIdGenerator()


        @hookimpl
        def distrokit_id_generators():
            return [IdGenerator("mine", make)]
    """


@hookspec
def distrokit_propagators(settings: Settings, entry_points: EntryPoints) -> Iterable[Propagator] | None:
    """Propagators by name, for ``OTEL_PROPAGATORS`` to pick from.

    When: while declaring; the factory is called at build, if picked.
    Process: the one being instrumented, on the thread that starts it; and the ``distrokit`` command's, for a look.
    Arguments: as ``distrokit_samplers``.
    Returns: declarations, with names as in ``distrokit_samplers``.
    ``None``: none.
    On an exception: the plugin is left out. If the factory raises, the others are used.
    Mind: OpenTelemetry resolves the variable while it is imported, before any distro is asked, and only
    among propagators published as entry points ``opentelemetry_propagator``, by exact name; others stop
    ``opentelemetry-instrument`` itself. A plugin's default may name any propagator.

    Example::

        from distrokit import Propagator, hookimpl


        def make(context):
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

            return TraceContextTextMapPropagator()


        @hookimpl
        def distrokit_propagators():
            return [Propagator("w3c", make)]
    """


@hookspec
def distrokit_response_propagators(
    settings: Settings, entry_points: EntryPoints
) -> Iterable[ResponsePropagator] | None:
    """Response propagators: what a server's instrumentation adds to the headers of each response.

    When: while declaring; the factory is called at build.
    Process: the one being instrumented, on the thread that starts it; and the ``distrokit`` command's, for a look.
    Arguments: as ``distrokit_samplers``.
    Returns: declarations, with names as in ``distrokit_samplers``. All that are ``default=True`` run, in plugin order,
    unless ``DISTROKIT_RESPONSE_PROPAGATORS`` names others. Together they become OpenTelemetry's global response
    propagator; one that is there already stays, and runs before them.
    ``None``: none. Where nobody declares any, nothing is set.
    On an exception: the plugin is left out. If a factory raises, or a response propagator does while the application
    runs, the others run.

    Example::

        from distrokit import ResponsePropagator, hookimpl


        def make(context):
            from opentelemetry.instrumentation import propagators
            from opentelemetry.trace import get_current_span

            class Acme(propagators.ResponsePropagator):
                def inject(self, carrier, context=None, setter=propagators.default_setter):
                    trace_id = get_current_span(context).get_span_context().trace_id
                    setter.set(carrier, "x-acme-trace", f"{trace_id:032x}")

            return Acme()


        @hookimpl
        def distrokit_response_propagators():
            return [ResponsePropagator("acme", make)]
    """


@hookspec
def distrokit_exporters(settings: Settings, entry_points: EntryPoints) -> Iterable[Exporter] | None:
    """Exporters by signal and name, for ``OTEL_{TRACES,METRICS,LOGS}_EXPORTER`` to pick from.

    When: while declaring; the factory is called at build, once per signal that picked it.
    Process: the one being instrumented, on the thread that starts it; and the ``distrokit`` command's, for a look.
    Arguments: as ``distrokit_samplers``.
    Returns: declarations, with names as in ``distrokit_samplers``. A metric exporter that is
    scraped returns its ``MetricReader`` from the factory. ``distrokit doctor`` sends one item through an
    exporter; with a ``probe`` the declaration says more about the way.
    ``attempt``: an exporter that has this method beside ``export`` is asked with it, once per try:
    ``attempt(items, timeout_seconds)`` returns ``None`` when all has arrived, else an :class:`~distrokit.ExportFailure`
    with the items that may be tried again, the cause, and how long the receiver asked to wait. The default processors
    keep these and try again with growing pauses. What ``export`` alone reports as a failure is lost. Items that are
    lost for good are reported with ``options.lost(number, reason, cause)``, and counted.
    ``None``: none.
    On an exception: the plugin is left out. If the factory raises, that exporter is left out.

    Example::

        from distrokit import Exporter, hookimpl


        def make(options):
            from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

            return InMemorySpanExporter()


        @hookimpl
        def distrokit_exporters():
            return [Exporter("memory", "traces", make)]
    """


@hookspec
def distrokit_processors(settings: Settings, entry_points: EntryPoints) -> Iterable[Processor] | None:
    """Processors by signal and stage: ``enrich``, ``transform``, ``derive``, ``export``.

    When: while declaring; the factory is called at build.
    Process: the one being instrumented, on the thread that starts it; and the ``distrokit`` command's, for a look.
    Arguments: as ``distrokit_samplers``.
    Returns: declarations. All processors of the first three stages run, in plugin order; of the
    last stage the settings ``DISTROKIT_TRACES_PROCESSOR``, ``DISTROKIT_LOGS_PROCESSOR`` and
    ``DISTROKIT_METRICS_READER`` pick one by name. A ``transform`` with ``exporters=("otlp/archive",)`` stands in
    front of those exporters only, after the transforms and the ``derive`` processors that are for all.
    ``None``: none.
    On an exception: the plugin is left out. If a factory raises, that processor is left out and its
    signal is sent without it, which the message says. If a ``transform`` raises on an item, that item is
    dropped: what a redactor could not redact is not sent.
    Mind: the first three stages of traces and logs, and a ``transform`` with ``exporters``, run on the application's
    threads, inside ``start_span()``, ``span.end()`` and ``logger.info()``, and take the application's time. Those of
    metrics run on the thread that collects. Instrumentation is suppressed in all of them, as in exporters: an HTTP
    client that a part uses makes no spans and no metrics. What a part itself records in there does not come back to
    the same part: its processor is not called for it, its ``transform`` drops it.

    Example::

        from distrokit import Processor, hookimpl


        def make(context):
            def drop_health_checks(span):
                return None if span.attributes.get("url.path") == "/healthz" else span

            return drop_health_checks


        @hookimpl
        def distrokit_processors():
            return [Processor("no-health-checks", "traces", "transform", make)]
    """


@hookspec
def distrokit_views(settings: Settings, entry_points: EntryPoints) -> Iterable[Mapping[str, Any]] | None:
    """Views of the metrics signal, as OpenTelemetry's configuration model has them.

    When: while declaring; the SDK's views are made of them at build.
    Process: the one being instrumented, on the thread that starts it; and the ``distrokit`` command's, for a look.
    Arguments: as ``distrokit_samplers``.
    Returns: views, each ``{"selector": {…}, "stream": {…}}`` in plain data: mappings, lists, texts, numbers, booleans.
    They come after those of a configuration file, in plugin order; where several views fit one instrument, each makes
    a stream of its own. One that the SDK could not use is left out alone; one that is there already is not added again.
    ``None``: none.
    On an exception: the plugin is left out.

    Example::

        from distrokit import hookimpl


        @hookimpl
        def distrokit_views(settings):
            boundaries = [0.01, 0.1, 1, 10]
            return [
                {
                    "selector": {"instrument_name": "http.server.request.duration"},
                    "stream": {"aggregation": {"explicit_bucket_histogram": {"boundaries": boundaries}}},
                }
            ]
    """


# ----------------------------------------------------------------------------------------- plan


@hookspec
def distrokit_plan(plan: Plan) -> None:
    """Amend the draft plan: the last word before anything is built.

    When: after settings have picked among the declarations.
    Process: the one being instrumented, on the thread that starts it; and the ``distrokit`` command's, for a look.
    Arguments: ``plan``, to be changed in place; every change is recorded as this plugin's doing. Instrumentations are
    applied in the order of ``plan.instrumentations``; an :class:`~distrokit.InstrumentationPlan` with a replacement
    adds one that no package publishes.
    Returns: nothing; anything else is a mistake.
    On an exception: the plugin is left out, and the plan is made anew without all it contributed.
    Mind: ``plan.wrap_sampler(Sampler("mine", make))`` puts a sampler around whatever samples by then; its factory finds
    it built, as ``context.arguments["inner"]``. ``plan.add_propagator(Propagator("mine", make))`` adds one to whichever
    run by then.

    Example::

        from distrokit import hookimpl


        @hookimpl
        def distrokit_plan(plan):
            if "flask" in plan.instrumentations:
                plan.instrumentations["flask"].options["excluded_urls"] = "healthz"
    """


# ---------------------------------------------------------------------------------------- build


@hookspec
def distrokit_exporter_options(exporter: Exporter, options: ExporterOptions) -> None:
    """Change the options of one exporter: headers, credentials, user agent, compression.

    When: at build, just before the exporter's factory is called; once for every exporter and signal.
    Process: the one being instrumented, on the thread that starts it.
    Arguments: ``exporter``, the declaration; ``options``, to be changed in place.
    Returns: nothing.
    On an exception: the options are put back as they were before this plugin, and the plugin's hooks
    are called no more.

    Example::

        from distrokit import hookimpl


        @hookimpl
        def distrokit_exporter_options(exporter, options):
            if exporter.name == "otlp":
                options.headers["x-tenant"] = options.settings.get("TENANT", "none")
    """


# ------------------------------------------------------------------------------------------ run


@hookspec
def distrokit_started(pipeline: Pipeline) -> None:
    """The providers are built and are the process's globals; instrumentations follow.

    When: at the end of the start.
    Process: the one being instrumented, on the thread that starts it.
    Arguments: ``pipeline``, with its plan, resource and providers.
    Returns: nothing.
    On an exception: the plugin is named, and its hooks are called no more; the pipeline runs.

    Example::

        from distrokit import hookimpl


        @hookimpl
        def distrokit_started(pipeline):
            meter = pipeline.meter_provider.get_meter("acme") if pipeline.meter_provider else None
            if meter is not None:
                meter.create_counter("acme.starts").add(1)
    """


@hookspec
def distrokit_instrumented(pipeline: Pipeline) -> None:
    """Every instrumentation has been applied, or could not be: the start is over, and the application follows.

    When: last of the start. ``pipeline.plan.instrumentations`` says what became of each (``applied``, ``why``),
    ``pipeline.plan.problems`` what went wrong. Those that need modules of the application are applied later, and
    ``why`` says when: ``django``, when ``django.setup()`` is called, and ``aws-lambda``. With
    ``distrokit.start(instrument=False)`` none was to be applied.
    Process: the one being instrumented, on the thread that starts it.
    Arguments: ``pipeline``, with its plan, resource and providers.
    Returns: nothing.
    On an exception: the plugin is named, and its hooks are called no more; the pipeline runs.

    Example::

        from distrokit import hookimpl


        @hookimpl
        def distrokit_instrumented(pipeline):
            applied = [name for name, item in pipeline.plan.instrumentations.items() if item.applied]
            if pipeline.tracer_provider:
                span = pipeline.tracer_provider.get_tracer("acme").start_span("instrumented")
                span.set_attribute("acme.applied", applied)
                span.end()
    """


@hookspec
def distrokit_forked(pipeline: Pipeline) -> None:
    """This process is the child of a fork.

    When: in every forked child, when the pipeline itself is ready there: what was queued, counted and connected is the
    parent's, and this process has a ``service.instance.id`` of its own. Be quick and take no lock that the parent might
    have held. A part that a plugin has built needs no hook: its method ``forked()``, if it has one, is called before.
    Process: every forked child of the one being instrumented, on its only thread.
    Arguments: ``pipeline``, the child's copy.
    Returns: nothing.
    On an exception: the plugin is named, and its hooks are called no more; the child runs.

    Example::

        from distrokit import hookimpl


        @hookimpl
        def distrokit_forked(pipeline):
            import random

            random.seed()
    """


@hookspec
def distrokit_stopping(pipeline: Pipeline, reason: StopReason) -> None:
    """The pipeline is about to flush and shut down.

    When: once per process, before the providers are shut down; what is recorded here is still sent.
    Process: the one being instrumented, and each forked child that ends by itself.
    Arguments: ``pipeline``; ``reason``: ``exit`` (the interpreter ends), ``signal`` (SIGTERM or SIGHUP, which the
    application does not handle; this is a thread of distrokit's, and the main thread waits), ``process`` (a child of
    ``multiprocessing`` or celery ends) or ``code`` (somebody called ``pipeline.stop()``).
    Time: all plugins together have half of ``DISTROKIT_EXIT_TIMEOUT``; one that takes longer is named and left behind.
    Returns: nothing.
    On an exception: the plugin is named, and its hooks are called no more; the pipeline is shut down.

    Example::

        from distrokit import hookimpl


        @hookimpl
        def distrokit_stopping(pipeline, reason):
            if pipeline.tracer_provider is not None:
                pipeline.tracer_provider.get_tracer("acme").start_span(f"stopped by {reason}").end()
    """


# ---------------------------------------------------------------------------------------- tools


@hookspec
def distrokit_checks(plan: Plan) -> Iterable[Check] | None:
    """Findings for ``distrokit doctor``.

    When: by ``distrokit doctor``, after the plan is made; with ``DISTROKIT_DOCTOR``, at the end of a start.
    Process: the command's own, or that of the COMMAND it is given, which have built nothing; or the one that started.
    Arguments: ``plan``, for reading.
    Returns: one :class:`~distrokit.Check` per thing looked at, good ones too.
    ``None``: nothing to check.
    On an exception: the plugin is named, and doctor fails; what it declared is looked at.

    Example::

        from distrokit import Check, hookimpl


        @hookimpl
        def distrokit_checks(plan):
            if plan.settings.get("ACME_TOKEN"):
                return [Check("acme-token", "ok", "ACME_TOKEN is set")]
            return [Check("acme-token", "fail", "ACME_TOKEN is not set", "export ACME_TOKEN=…")]
    """


@hookspec
def distrokit_commands() -> Iterable[Command] | None:
    """More subcommands of ``distrokit``.

    When: by the ``distrokit`` command, before its arguments are parsed.
    Process: the command's own.
    Returns: declarations; a name that exists is refused.
    ``None``: none.
    On an exception: the plugin is named; the other commands work.

    Example::

        from distrokit import Command, hookimpl


        def run(arguments):
            print("hello")
            return 0


        @hookimpl
        def distrokit_commands():
            return [Command("hello", "say hello", run)]
    """


#: Hooks that will be gone, and arguments that will, as ``distrokit_plan(plan)``: each with what to write instead, and
#: from which release on, as one sentence. docs/compatibility.md promises how long they stay.
DEPRECATED: Mapping[str, str] = {}

#: Every hook's name, in the order they are called.
HOOKS = tuple(name for name in list(globals()) if name.startswith("distrokit_"))

#: Those that are called when the plan is made: what their plugins have declared is in it.
AFTER_PLAN = HOOKS[HOOKS.index("distrokit_plan") + 1 :]

"""Every hook, in call order. This file is the manual; ``docs/hooks.md`` is generated from it.

Common to all: plugins are called in the order of their names, once per process unless the hook says otherwise. The
``distrokit`` command also calls the hooks up to ``distrokit_plan``, in its own process: it makes the plan to show it,
and builds nothing. An implementation may leave out arguments that it does not need. If a plugin raises while the plan
is made, the whole plugin is left out and reported on stderr, and the hooks that declare, and ``distrokit_plan``, are
called again without it. From the build on, the declarations of a plugin that raises stay, and its hooks are not called
any more. Hook wrappers are refused: to change the declarations of others, modify the plan in ``distrokit_plan``.
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
        LatePlacement,
        PolicyProvider,
        Processor,
        Propagator,
        ResourceDetector,
        ResponsePropagator,
        Sampler,
        Setting,
        Signal,
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
    """Declare the settings that this plugin reads.

    When: first of all. A variable that is not declared, with a name close to a declared one, is reported as a
    misspelling. A ``required`` setting without a value is reported with its ``remedy``.
    Process: the instrumented one, on the thread that starts it.
    Returns: declarations.
    ``None``: no declarations.
    On an exception: the plugin is left out.

    Example::

        from distrokit import Setting, hookimpl


        @hookimpl
        def distrokit_settings():
            return [Setting(name="ACME_TENANT", consumer="acme", meaning="whom the telemetry belongs to")]
    """


@hookspec
def distrokit_defaults(environ: Mapping[str, str], settings: Settings) -> Mapping[str, str] | None:
    """Set defaults of settings; the user's values override them.

    When: before the configuration file is read, and before anything is declared.
    Process: the instrumented one, on the thread that starts it.
    Arguments: ``environ``: the environment as it was read; do not change it. ``settings``: the settings of code,
    environment, ``pyproject.toml`` and distro, without any plugin's defaults; read-only.
    Returns: setting name to text. If two plugins set one default, the first in order wins.
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
    """Read the configuration file into OpenTelemetry's configuration model.

    When: after ``distrokit_defaults``. The first result that is not ``None`` wins. The variables that a file replaces
    are ignored (``docs/settings.md`` marks them).
    Process: the instrumented one, on the thread that starts it.
    Arguments: ``settings``: all settings so far, plugins' defaults included; read-only.
    Returns: a :class:`~distrokit.Configuration`, in which each node of the model has its line. One without a model
    means that the file cannot be used. Then nothing is built, since the environment alone might send data elsewhere.
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
    """Override settings of the file, the environment and code.

    When: after ``distrokit_defaults``. Meant for a distro, for example for an endpoint that must be the company's
    gateway. ``distrokit explain`` shows the overridden values.
    Process: the instrumented one, on the thread that starts it.
    Arguments: ``settings``: all settings so far, plugins' defaults included; read-only.
    Returns: setting name to text. If two plugins override one setting, the first in order wins.
    ``OTEL_CONFIG_FILE`` and ``DISTROKIT_DISABLED_PLUGINS`` have been read before: set them in ``distrokit_defaults``.
    ``None``: no overrides.
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
    """Declare resource attributes, or detectors that find them.

    When: while declaring. Detectors run at build, each on its own thread, while the start waits. All of them together
    have ``DISTROKIT_DETECTOR_TIMEOUT`` milliseconds (2,000). A detector that is late, raises or returns something else
    than attributes is left out alone.
    Process: the instrumented one, on the thread that starts it.
    Arguments: ``settings``: all settings, read-only. ``entry_points``: those of all installed distributions; use them
    instead of a scan of your own.
    Returns: attributes that are known at once, or detectors. ``OTEL_RESOURCE_ATTRIBUTES`` and ``OTEL_SERVICE_NAME``
    override both. Attributes override detectors; of two plugins the first in order wins. Detectors that
    ``OTEL_EXPERIMENTAL_RESOURCE_DETECTORS`` or a file names override those that run by default; of two named ones the
    later wins, as with OpenTelemetry's SDK.
    ``None``: no attributes.
    On an exception: the plugin is left out.

    Example::

        from distrokit import hookimpl


        @hookimpl
        def distrokit_resource(settings):
            return {"deployment.environment.name": settings.get("STAGE", "development")}
    """


@hookspec
def distrokit_samplers(settings: Settings, entry_points: EntryPoints) -> Iterable[Sampler] | None:
    """Declare samplers; ``OTEL_TRACES_SAMPLER`` selects one by name.

    When: while declaring. The factory is called at build, if the component is selected.
    Process: the instrumented one, on the thread that starts it.
    Arguments: ``settings``: all settings, read-only. ``entry_points``: those of all installed distributions; use them
    instead of a scan of your own.
    Returns: declarations. If two plugins of equal rank declare one name, both are left out; a ``trylast``
    implementation is overridden by any other.
    ``None``: no declarations.
    On an exception: the plugin is left out. If the factory raises, the default sampler is used. If the sampler
    raises when a span starts, or returns something other than a ``SamplingResult``, that span is not recorded, and the
    sampler is reported.
    Mind: a sampler is called on the application's threads, with instrumentation suppressed.

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
    """Declare id generators; ``OTEL_PYTHON_ID_GENERATOR`` selects one by name.

    When: while declaring. The factory is called at build, if the component is selected.
    Process: the instrumented one, on the thread that starts it.
    Arguments: ``settings``: all settings, read-only. ``entry_points``: those of all installed distributions; use them
    instead of a scan of your own.
    Returns: declarations. If two plugins of equal rank declare one name, both are left out; a ``trylast``
    implementation is overridden by any other.
    ``None``: no declarations.
    On an exception: the plugin is left out. If the factory raises, random ids are used. If the id generator
    raises when a span starts, that span gets a random id, and the id generator is reported.
    Mind: an id generator is called on the application's threads, with instrumentation suppressed.

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
    """Declare propagators; ``OTEL_PROPAGATORS`` selects them by name.

    When: while declaring. The factory is called at build, if the component is selected.
    Process: the instrumented one, on the thread that starts it.
    Arguments: ``settings``: all settings, read-only. ``entry_points``: those of all installed distributions; use them
    instead of a scan of your own.
    Returns: declarations. If two plugins of equal rank declare one name, both are left out; a ``trylast``
    implementation is overridden by any other.
    ``None``: no declarations.
    On an exception: the plugin is left out. If the factory raises, the others are used.
    Mind: OpenTelemetry resolves the variable when it is imported, before any distro is called. It knows only
    propagators that are published as entry points ``opentelemetry_propagator``, by their exact names; any other name in
    the variable stops ``opentelemetry-instrument`` itself. A plugin's default may name any propagator.

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
    """Declare response propagators, which add headers to each response of an instrumented server.

    When: while declaring. The factory is called at build.
    Process: the instrumented one, on the thread that starts it.
    Arguments: ``settings``: all settings, read-only. ``entry_points``: those of all installed distributions; use them
    instead of a scan of your own.
    Returns: declarations. If two plugins of equal rank declare one name, both are left out; a ``trylast``
    implementation is overridden by any other. All with ``default=True`` run, in plugin order, unless
    ``DISTROKIT_RESPONSE_PROPAGATORS`` names others. Together they become OpenTelemetry's global response propagator; an
    existing one is kept and runs first.
    ``None``: no declarations. Without any, no global response propagator is set.
    On an exception: the plugin is left out. If a factory raises, or a response propagator while the application runs,
    the others run.

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
    """Declare exporters; ``OTEL_{TRACES,METRICS,LOGS}_EXPORTER`` selects them by name.

    When: while declaring. The factory is called at build, once per signal that selected the exporter.
    Process: the instrumented one, on the thread that starts it.
    Arguments: ``settings``: all settings, read-only. ``entry_points``: those of all installed distributions; use them
    instead of a scan of your own.
    Returns: declarations. If two plugins of equal rank declare one name, both are left out; a ``trylast``
    implementation is overridden by any other. The factory of a metric exporter that is scraped returns its
    ``MetricReader``. ``distrokit doctor`` sends one item through each exporter; a ``probe`` in the declaration adds
    checks of the connection.
    ``attempt``: an exporter with this method beside ``export`` supports retries; it is called once per attempt.
    ``attempt(items, timeout_seconds)`` returns ``None`` if all items arrived, else an :class:`~distrokit.ExportFailure`
    with the items that may be retried, the cause, and the delay that the receiver asked for. The default processors
    queue these items and retry with growing delays. Without ``attempt``, a batch whose ``export`` fails is lost. An
    exporter reports items that are lost for good with ``options.lost(number, reason, cause)``; they are counted.
    ``None``: no declarations.
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
    """Declare processors for the stages ``measure``, ``enrich``, ``transform``, ``derive`` and ``export``.

    When: while declaring. The factory is called at build.
    Process: the instrumented one, on the thread that starts it.
    Arguments: ``settings``: all settings, read-only. ``entry_points``: those of all installed distributions; use them
    instead of a scan of your own.
    Returns: declarations. All processors of the stages before ``export`` run, in plugin order. Of the last stage, the
    settings ``DISTROKIT_TRACES_PROCESSOR``, ``DISTROKIT_LOGS_PROCESSOR`` and ``DISTROKIT_METRICS_READER`` select one by
    name. A ``transform`` with ``exporters=("otlp/archive",)`` runs for those exporters only, after the transforms and
    ``derive`` processors that run for all.
    ``None``: no declarations.
    On an exception: the plugin is left out. If a factory raises, that processor is left out, and a message says that
    its signal is sent without it; with ``required=True`` the signal is not exported. If a ``transform`` raises on an
    item, that item is dropped, so that an item that could not be redacted is not sent. If a filter at ``measure``
    raises, the measurement is recorded without attributes.
    Mind: ``measure``, the first stages of traces and logs, and a ``transform`` with ``exporters``, run on the
    application's threads, inside ``counter.add()``, ``start_span()``, ``span.end()`` and ``logger.info()``, and delay
    it. The other stages of metrics run on the thread that collects. Instrumentation is suppressed in all of them but
    ``measure``, as in exporters: an HTTP client that they use makes no spans and no metrics. Items that a part records
    itself are not passed to the same part again: its processor is not called for them, its ``transform`` drops them.

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
    """Declare metric views, in the shape of OpenTelemetry's configuration model.

    When: while declaring. At build they become the SDK's views.
    Process: the instrumented one, on the thread that starts it.
    Arguments: ``settings``: all settings, read-only. ``entry_points``: those of all installed distributions; use them
    instead of a scan of your own.
    Returns: views, each ``{"selector": {…}, "stream": {…}}`` in plain data: mappings, lists, texts, numbers, booleans.
    They follow those of a configuration file, in plugin order. If several views match one instrument, each makes its
    own stream. A view that the SDK cannot use is left out alone; a duplicate is not added again.
    ``None``: no views.
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


@hookspec
def distrokit_policies(settings: Settings, entry_points: EntryPoints) -> Iterable[PolicyProvider] | None:
    """Declare providers of telemetry policies, which the plugin ``distrokit-policy`` applies.

    When: while declaring. The factory is called while the plan is made, by that plugin, and opens nothing. Without the
    plugin nothing is called.
    Process: the instrumented one, on the thread that starts it.
    Arguments: ``settings``: all settings, read-only. ``entry_points``: those of all installed distributions; use them
    instead of a scan of your own.
    Returns: declarations. If two plugins of equal rank declare one name, both are left out; a ``trylast``
    implementation is overridden by any other. All run. If two have a policy of the same id, the one with the lower
    ``priority`` counts.
    ``None``: no declarations.
    On an exception: the plugin is left out. If the factory raises, the provider is left out. If ``poll`` raises, the
    last set stays.
    Mind: :class:`~distrokit.PolicyProvider` lists the methods of a provider's object. They are called on a thread of
    its own, which starts with the first item.

    Example::

        from distrokit import PolicyProvider, hookimpl


        class ControlPlane:
            interval_seconds = 30

            def poll(self):
                return {"policies": []}


        @hookimpl
        def distrokit_policies():
            return [PolicyProvider("acme", lambda context: ControlPlane())]
    """


# ----------------------------------------------------------------------------------------- plan


@hookspec
def distrokit_plan(plan: Plan) -> None:
    """Modify the plan before anything is built.

    When: after the settings have selected components among the declarations.
    Process: the instrumented one, on the thread that starts it.
    Arguments: ``plan``: change it in place; each change is recorded with the plugin's name. Instrumentations are
    applied in the order of ``plan.instrumentations``; an :class:`~distrokit.InstrumentationPlan` with a replacement
    adds one that no package publishes.
    Returns: nothing; any other result is an error.
    On an exception: the plugin is left out, and the plan is made again without its contributions.
    Mind: ``plan.wrap_sampler(Sampler("mine", make))`` wraps the current sampler, which the factory finds as
    ``context.arguments["inner"]``. ``plan.add_propagator(Propagator("mine", make))`` adds a propagator to the current
    ones.

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

    When: at build, immediately before the exporter's factory is called; once for each exporter and signal.
    Process: the instrumented one, on the thread that starts it.
    Arguments: ``exporter``: the declaration. ``options``: change them in place.
    Returns: nothing.
    On an exception: this plugin's changes are undone, and its hooks are not called any more.

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
    """React to the start: the providers are built and are the process's globals.

    When: after the build, before instrumentations are applied. The process's first use of telemetry starts it: a plugin
    that must run from the start of the process has an entry point in the group ``distrokit.eager``.
    Process: the instrumented one, on the thread that starts it.
    Arguments: ``pipeline``: has the plan, the resource and the providers.
    Returns: nothing.
    On an exception: the plugin is reported, and its hooks are not called any more; the pipeline runs.

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
    """React to the end of the start: the instrumentations that need no library have been applied or have failed.

    When: at the end of the start, at the process's first use of telemetry. ``pipeline.plan.instrumentations`` has the
    state of each (``applied``, ``why``), ``pipeline.plan.problems`` all problems. Others are applied when their
    libraries are imported, and ``why`` says which. With ``DISTROKIT_LAZY=0`` all of them have been applied, before the
    application starts; with ``distrokit.start(instrument=False)`` none is.
    Process: the instrumented one, on the thread that starts it.
    Arguments: ``pipeline``: has the plan, the resource and the providers.
    Returns: nothing.
    On an exception: the plugin is reported, and its hooks are not called any more; the pipeline runs.

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
def distrokit_late_processor(processor: object, signal: Signal, added_by: str) -> LatePlacement | None:
    """Decide about a processor that the application or another SDK adds to a provider after the start.

    When: at each ``add_span_processor`` and ``add_log_record_processor`` on distrokit's providers. Not if the user has
    set ``DISTROKIT_LATE_PROCESSORS``, which is stronger.
    Process: the instrumented one, on the thread that adds the processor.
    Arguments: ``processor``: as it was given. ``signal``: ``traces`` or ``logs``. ``added_by``: the name of the module
    that adds it; empty if unknown.
    Returns: ``behind``: it gets what the exporters get, after all transforms. ``refuse``: it gets nothing. ``raw``: it
    gets every item unchanged, as with the SDK alone. The first plugin that returns one decides.
    ``None``: the next plugin decides, at last ``DISTROKIT_LATE_PROCESSORS``.
    On an exception: the plugin is reported, and its hooks are not called any more; the next one decides.

    Example::

        from distrokit import hookimpl


        @hookimpl
        def distrokit_late_processor(processor, signal, added_by):
            return "behind" if added_by.startswith("sentry_sdk") else "refuse"
    """


@hookspec
def distrokit_forked(pipeline: Pipeline) -> None:
    """React to a fork, in the child.

    When: in every forked child, after the pipeline is renewed there: queues, counts and connections stay with the
    parent, and the child has its own ``service.instance.id``. Be quick, and take no lock that the parent may have held.
    A part that a plugin built needs no hook: its method ``forked()``, if it has one, is called before.
    Process: every forked child of the instrumented one, on its only thread.
    Arguments: ``pipeline``: the child's copy.
    Returns: nothing.
    On an exception: the plugin is reported, and its hooks are not called any more; the child runs.

    Example::

        from distrokit import hookimpl


        @hookimpl
        def distrokit_forked(pipeline):
            import random

            random.seed()
    """


@hookspec
def distrokit_stopping(pipeline: Pipeline, reason: StopReason) -> None:
    """React to the end, before the pipeline flushes and shuts down.

    When: once per process, before the providers are shut down; items recorded here are still sent.
    Process: the instrumented one, and each forked child that ends by itself.
    Arguments: ``pipeline``: still running. ``reason``: ``exit`` (the interpreter ends), ``signal`` (SIGTERM or SIGHUP
    without a handler of the application; the hook runs on a thread of distrokit, and the main thread waits),
    ``process`` (a child of ``multiprocessing`` or celery ends) or ``code`` (``pipeline.stop()`` was called).
    Time: all plugins together have half of ``DISTROKIT_EXIT_TIMEOUT``; a plugin that takes longer is reported and not
    waited for.
    Returns: nothing.
    On an exception: the plugin is reported, and its hooks are not called any more; the pipeline is shut down.

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
    """Add checks to ``distrokit doctor``.

    When: by ``distrokit doctor``, after the plan is made; with ``DISTROKIT_DOCTOR``, at the end of a start.
    Process: that of ``distrokit doctor`` or of its COMMAND, where nothing runs; with ``DISTROKIT_DOCTOR``, the
    instrumented one.
    Arguments: ``plan``: read-only.
    Returns: one :class:`~distrokit.Check` for each thing that was checked, also if it is ok.
    ``None``: no checks.
    On an exception: the plugin is reported, and doctor fails; the plugin's declarations are still checked.

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
    """Add subcommands to ``distrokit``.

    When: by the ``distrokit`` command, before its arguments are parsed.
    Process: the command's own.
    Returns: declarations; an existing name is refused.
    ``None``: no declarations.
    On an exception: the plugin is reported; the other commands work.

    Example::

        from distrokit import Command, hookimpl


        def run(arguments):
            print("hello")
            return 0


        @hookimpl
        def distrokit_commands():
            return [Command("hello", "say hello", run)]
    """


#: Deprecated hooks and arguments (``distrokit_plan(plan)``), each with its replacement and the release that removes it,
#: as one sentence. docs/compatibility.md says how long they are supported.
DEPRECATED: Mapping[str, str] = {}

#: Every hook's name, in call order.
HOOKS = tuple(name for name in list(globals()) if name.startswith("distrokit_"))

#: Hooks that are called after the plan is made.
AFTER_PLAN = HOOKS[HOOKS.index("distrokit_plan") + 1 :]

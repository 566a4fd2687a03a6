"""An OpenTelemetry Python distro made of plugins, and the kit other distros are made of.

``hookspecs`` and ``declarations`` are a plugin's side; ``settings``, ``plugins``, ``plan``, ``pipeline``,
``instrumentation`` and ``launch`` are the way of a start; ``doctor``, ``cli`` and ``testing`` stand beside it.

These names are all that a plugin needs. Each is imported on first use, since OpenTelemetry's launcher imports this
package in every process only to list distrokit's settings. They load pluggy and the standard library, nothing else.
"""

# Not imported from typing, since processes that never use telemetry import this package, too.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from distrokit.declarations import (
        BuildContext,
        Check,
        Command,
        Configuration,
        Exporter,
        ExporterOptions,
        IdGenerator,
        Instrument,
        PolicyProvider,
        Processor,
        Propagator,
        ResourceDetector,
        ResponsePropagator,
        Sampler,
        Sent,
        Setting,
        Signal,
    )
    from distrokit.diagnostics import Problem
    from distrokit.export import (
        ExporterWrapper,
        ExportFailure,
        FinishAware,
        ForkAware,
        ForkPausing,
        LazyMetricReader,
        LossReason,
        LossReporter,
        RenewableMetricReader,
        RetryAwareExporter,
        ShutdownAware,
        count_items,
        is_failure,
    )
    from distrokit.hookspecs import hookimpl
    from distrokit.launch.start import start
    from distrokit.pipeline.loss_words import shorten_cause
    from distrokit.pipeline.metric_arguments import metric_arguments
    from distrokit.pipeline.pipeline import Pipeline as Pipeline  # see _FOR_TYPES
    from distrokit.pipeline.sdk_messages import capture_sdk_messages
    from distrokit.pipeline.spans import replace_span
    from distrokit.plan.plan import InstrumentationPlan, Plan, PolicyPlan
    from distrokit.plan.selection.selection import ScopeRule
    from distrokit.plugins.distros import Distro
    from distrokit.plugins.entry_points import EntryPoints
    from distrokit.settings.layers import Settings, is_secret
    from distrokit.settings.metric_preferences import metric_parameters
    from distrokit.settings.reader import Reader
    from distrokit.settings.suggestions import did_you_mean
    from distrokit.settings.values import Source, Value
    from distrokit.suppression import suppress_instrumentation
    from distrokit.threads import block_signals, start_thread, uses_greenlets

__version__ = "0.1.0"

__all__ = [
    "BuildContext",
    "Check",
    "Command",
    "Configuration",
    "Distro",
    "EntryPoints",
    "ExportFailure",
    "Exporter",
    "ExporterOptions",
    "ExporterWrapper",
    "FinishAware",
    "ForkAware",
    "ForkPausing",
    "IdGenerator",
    "Instrument",
    "InstrumentationPlan",
    "LazyMetricReader",
    "LossReason",
    "LossReporter",
    "Plan",
    "PolicyPlan",
    "PolicyProvider",
    "Problem",
    "Processor",
    "Propagator",
    "Reader",
    "RenewableMetricReader",
    "ResourceDetector",
    "ResponsePropagator",
    "RetryAwareExporter",
    "Sampler",
    "ScopeRule",
    "Sent",
    "Setting",
    "Settings",
    "ShutdownAware",
    "Signal",
    "Source",
    "Value",
    "__version__",
    "block_signals",
    "capture_sdk_messages",
    "count_items",
    "did_you_mean",
    "hookimpl",
    "is_failure",
    "is_secret",
    "metric_arguments",
    "metric_parameters",
    "replace_span",
    "shorten_cause",
    "start",
    "start_thread",
    "suppress_instrumentation",
    "uses_greenlets",
]

#: The module of each name that is not in ``declarations``.
_MODULES = {
    "Distro": "plugins.distros",
    "EntryPoints": "plugins.entry_points",
    "ExportFailure": "export",
    "ExporterWrapper": "export",
    "FinishAware": "export",
    "ForkAware": "export",
    "ForkPausing": "export",
    "InstrumentationPlan": "plan.plan",
    "LazyMetricReader": "export",
    "LossReason": "export",
    "LossReporter": "export",
    "Pipeline": "pipeline.pipeline",
    "Plan": "plan.plan",
    "PolicyPlan": "plan.plan",
    "Problem": "diagnostics",
    "Reader": "settings.reader",
    "RenewableMetricReader": "export",
    "RetryAwareExporter": "export",
    "ScopeRule": "plan.selection.selection",
    "Settings": "settings.layers",
    "ShutdownAware": "export",
    "Source": "settings.values",
    "Value": "settings.values",
    "block_signals": "threads",
    "capture_sdk_messages": "pipeline.sdk_messages",
    "count_items": "export",
    "did_you_mean": "settings.suggestions",
    "hookimpl": "hookspecs",
    "is_failure": "export",
    "is_secret": "settings.layers",
    "metric_arguments": "pipeline.metric_arguments",
    "metric_parameters": "settings.metric_preferences",
    "replace_span": "pipeline.spans",
    "shorten_cause": "pipeline.loss_words",
    "start": "launch.start",
    "start_thread": "threads",
    "suppress_instrumentation": "suppression",
    "uses_greenlets": "threads",
}

#: Public for annotations, but not part of ``import *``, since it imports the SDK.
_FOR_TYPES = ("Pipeline",)


def __getattr__(name: str) -> "Any":
    """Import a public name from its module (PEP 562)."""
    if name not in (*__all__, *_FOR_TYPES):
        raise AttributeError(f"module 'distrokit' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"distrokit.{_MODULES.get(name, 'declarations')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

"""Declares the parts of the guard. Each is off until its setting is set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from distrokit import (
    BuildContext,
    Command,
    Plan,
    Processor,
    Reader,
    Sampler,
    ScopeRule,
    Setting,
    Settings,
    Signal,
    __version__,
    hookimpl,
)
from distrokit_guard.activation import is_on
from distrokit_guard.cardinality_parameters import cardinality_parameters
from distrokit_guard.redaction_parameters import MAX_ITEM_BYTES, RULES, shrinking_parameters
from distrokit_guard.redaction_parts import RedactionParts
from distrokit_guard.settings import SETTINGS
from distrokit_guard.traffic_parameters import (
    BAGGAGE_KEYS,
    LOGGERS,
    ROUTES,
    SCOPES,
    SEVERITY,
    SPANS,
    baggage_parameters,
    log_record_parameters,
    read_globs,
    sampler_parameters,
)
from distrokit_guard.trial_arguments import add_arguments

if TYPE_CHECKING:
    import argparse

SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")


@hookimpl
def distrokit_settings() -> list[Setting]:
    """Return the settings of the guard."""
    return list(SETTINGS)


# trylast: behind the parts of other plugins, which may add what a rule must find.
@hookimpl(trylast=True)
def distrokit_processors(settings: Settings) -> list[Processor]:
    """Return the processors; each runs by default if its settings are set."""
    has = {name: bool(settings.get(name)) for name in (BAGGAGE_KEYS, LOGGERS, SEVERITY)}
    quiet_logs = has[LOGGERS] or has[SEVERITY]
    redaction, redacts = RedactionParts(), any(map(settings.get, RULES))
    return [
        Processor(
            "guard-baggage", ("traces", "logs"), "enrich", _make_baggage, baggage_parameters, default=has[BAGGAGE_KEYS]
        ),
        Processor("guard-quiet", "logs", "transform", _make_quiet_logs, log_record_parameters, default=quiet_logs),
        Processor(
            "guard-redact",
            SIGNALS,
            "transform",
            redaction.make_transform,
            redaction.parameters,
            default=redacts,
            required=True,
        ),
        Processor(
            "guard-redact-measurements",
            "metrics",
            "measure",
            redaction.make_measurement_filter,
            redaction.parameters,
            default=redacts,
            required=True,
        ),
        # Behind redaction: a text that was cut is not scanned for what was cut.
        Processor(
            "guard-shrink",
            ("traces", "logs"),
            "transform",
            _make_shrinker,
            shrinking_parameters,
            default=bool(settings.get(MAX_ITEM_BYTES)),
        ),
        # Behind what redacts the attributes of measurements. Limits in a configuration file or a view select it, too.
        Processor(
            "cardinality", "metrics", "measure", _make_cardinality, cardinality_parameters, default=is_on(settings)
        ),
    ]


@hookimpl
def distrokit_commands() -> list[Command]:
    """Add ``distrokit guard test``."""
    return [Command("guard", "show what redaction makes of a text, or of items in OTLP/JSON", _run, add_arguments)]


def _run(arguments: argparse.Namespace) -> int:
    from distrokit_guard.trial import run

    return run(arguments)


def _make_shrinker(context: BuildContext) -> Any:
    from distrokit_guard.shrinking.parts import make_shrinker

    return make_shrinker(context.signal, context.arguments["max_item_bytes"])


def _make_cardinality(context: BuildContext) -> Any:
    from distrokit_guard.cardinality import CardinalityLimiter

    return CardinalityLimiter(context)


# trylast: outside of other samplers, so that none of them sees a quiet trace.
@hookimpl(trylast=True)
def distrokit_plan(plan: Plan) -> None:
    """Wrap the sampler for quiet routes and spans, and disable quiet scopes."""
    settings = plan.settings
    if settings.get(ROUTES) or settings.get(SPANS):
        plan.wrap_sampler(Sampler("guard-quiet", _make_quiet_sampler, sampler_parameters))
    if settings.get(SCOPES):
        reader = Reader(settings, f"guard {__version__}")
        scopes = read_globs(reader, SCOPES)
        plan.problems.extend(reader.problems)
        planned = plan.signals["traces"]
        planned.scopes = [*(ScopeRule(scope, False, scopes.source) for scope in scopes.value), *planned.scopes]


def _make_baggage(context: BuildContext) -> Any:
    from distrokit_guard.baggage_processors import BaggageToLogRecords, BaggageToSpans

    keys = context.arguments["keys"]
    return BaggageToSpans(keys) if context.signal == "traces" else BaggageToLogRecords(keys)


def _make_quiet_logs(context: BuildContext) -> Any:
    from distrokit_guard.quiet_log_records import drop_quiet_log_records

    return drop_quiet_log_records(context.arguments["loggers"], context.arguments["severity"])


def _make_quiet_sampler(context: BuildContext) -> Any:
    from distrokit_guard.quiet_sampler import QuietSampler

    return QuietSampler(context.arguments["inner"], context.arguments["routes"], context.arguments["spans"])

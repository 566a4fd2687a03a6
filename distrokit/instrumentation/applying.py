"""Applies one instrumentation as planned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from importlib.metadata import Distribution, EntryPoint
from typing import Any

from distrokit.diagnostics import Problem, contain, describe_exception, trace_of
from distrokit.instrumentation.callables import HOOK, load_value
from distrokit.instrumentation.deferred import moment
from distrokit.instrumentation.hooks import Report, guard_hook
from distrokit.instrumentation.log_capture import LogCapture
from distrokit.plan.instrumentation_planning import DISABLED
from distrokit.plan.plan import InstrumentationPlan
from distrokit.settings.object_references import ObjectNotFoundError, load_object
from distrokit.settings.secret_values import without_secrets
from distrokit.settings.values import Source


def apply(
    item: InstrumentationPlan,
    problems: list[Problem],
    report: Report,
    capture: LogCapture,
    load: Callable[..., Any] | None = None,
    defer: Callable[[str], bool] = lambda name: False,
) -> None:
    """Apply one instrumentation as planned; contain its errors, so that the next one is still applied.

    Args:
        problems: receives the problems found now.
        report: receives problems that occur later, in a hook.
        capture: holds the log handlers that the instrumentation puts on loggers.
        load: a distro's ``load_instrumentor``; gets the entry point of an installed instrumentation.
        defer: arranges that an instrumentation is applied later; returns false if it must be applied now.
    """
    instance = None
    try:
        if leave_out_unfit(item, problems):
            return
        if defer(item.name):
            item.why = f"applied {moment(item.name)}"
            return
        instrumentor = _load_class(item, problems)
        if instrumentor is None:
            item.enabled, item.why = False, f"there is no {item.replaced_by}"
            return
        # Without an entry point there was no requirement to check above, so it checks its own.
        checks: dict[str, Any] = {"skip_dep_check": True} if item.point else {"raise_exception_on_conflict": True}
        options = _import_callables(item, "", item.options, problems)
        for keyword, value in options.items():
            if keyword.endswith(HOOK) and value is not None:
                place = item.options[keyword] if isinstance(item.options[keyword], str) else ""
                name = f"{_keyword_name(item, item.sources.get(keyword, item.source), keyword)}={place}".rstrip("=")
                options[keyword] = guard_hook(value, name, report)
        instance = _make_instrumentor(instrumentor, item, problems)
        with capture.around(instance, item.name):
            if load is not None and item.point is not None and item.replacement is None and not item.init_options:
                load(item.point, **{"skip_dep_check": True, **options})
            else:
                instance.instrument(**{**checks, **options})
        item.applied, item.why = True, ""
    except ModuleNotFoundError as error:
        _take_back(instance)
        _leave_out(item, str(error), problems)
    except BaseException as error:
        contain(error)
        _take_back(instance)
        if _is_conflict(error):
            _leave_out(item, str(error), problems)
        else:
            item.enabled, item.why = False, describe_exception(error)
            described = _describe_keywords(item, item.keywords)
            last = f"epair or uninstall it, or set {DISABLED}={item.name}."
            remedy = f"Correct or unset these first; if that does not help, r{last}" if described else f"R{last}"
            problems.append(_failure(item, error, described, "it is left out, the others are applied", remedy))


def leave_out_unfit(item: InstrumentationPlan, problems: list[Problem]) -> bool:
    """Leave out an instrumentation that does not fit the installed libraries; return true if so."""
    reason = conflict(item.point) if item.point is not None else ""
    if reason:
        _leave_out(item, reason, problems)
    return bool(reason)


def _leave_out(item: InstrumentationPlan, reason: str, problems: list[Problem]) -> None:
    """Leave out an instrumentation whose library is not installed or has an unsupported version.

    That is normal where many instrumentations are installed (contrib#3421). It is a problem only if a user requested
    this one; `explain` shows it in any case.
    """
    item.enabled, item.why = False, reason
    if item.asked is not None:
        problems.append(
            Problem(
                code="instrumentation-unfit",
                subject=f"instrumentation {item.name} ({item.asked})",
                cause=reason.rstrip(" ."),
                outcome="it is requested by name, but not applied",
                remedy="Install the library that it instruments, or do not request it.",
                severity="warning",
            )
        )


def _take_back(instance: Any) -> None:
    """Undo the changes of an ``instrument()`` that raised.

    The public ``uninstrument()`` does nothing unless ``instrument()`` has returned.
    """
    undo = getattr(instance, "_uninstrument", None)
    if callable(undo):
        with suppress(Exception):
            undo()


def conflict(point: EntryPoint) -> str:
    """Return why an instrumentation does not fit the installed libraries; an empty string if it does.

    The check is OpenTelemetry's own (``opentelemetry.instrumentation.dependencies``). OpenTelemetry's loader makes it,
    too, and logs a version that does not fit.
    """
    from opentelemetry.instrumentation.dependencies import get_dist_dependency_conflicts

    if not isinstance(point.dist, Distribution):
        return ""
    found = get_dist_dependency_conflicts(point.dist)
    return str(found).strip() if found else ""


def _is_conflict(error: BaseException) -> bool:
    from opentelemetry.instrumentation.dependencies import DependencyConflictError

    return isinstance(error, DependencyConflictError)


def _load_class(item: InstrumentationPlan, problems: list[Problem]) -> Any:
    """Return the instrumentor's class, or its replacement; ``None`` if there is neither."""
    if isinstance(item.replacement, str):
        try:
            return load_object(item.replacement, to_call=True)
        except ObjectNotFoundError as error:
            outcome = "its own class is applied" if item.point else "it is not applied"
            problems.append(_unusable_callable(item, item.source, "replaced_by", item.replacement, error, outcome))
    elif item.replacement is not None:
        return item.replacement
    return item.point.load() if item.point else None


def _make_instrumentor(instrumentor: Any, item: InstrumentationPlan, problems: list[Problem]) -> Any:
    """Make the instrumentor; if its class raises, make it without its keywords, since nothing is instrumented yet.

    ``instrument()`` itself is never called twice: the first call may have changed half of the library.
    """
    init = _import_callables(item, "init.", item.init_options, problems)
    try:
        return instrumentor(**init)
    except ModuleNotFoundError:
        raise
    except Exception as error:
        if not init:
            raise
        instance = instrumentor()
        described = _describe_keywords(item, [f"init.{keyword}" for keyword in init])
        problems.append(
            _failure(item, error, described, f"{item.name} is applied without these", "Correct or unset these.")
        )
        return instance


def _describe_keywords(item: InstrumentationPlan, keywords: Iterable[str]) -> str:
    """Describe keywords with their sources; an empty string for none."""
    named = [f"{keyword} from {item.sources.get(keyword, item.source)}" for keyword in keywords]
    return f", with {', '.join(named)}" if named else ""


def _failure(item: InstrumentationPlan, error: BaseException, described: str, outcome: str, remedy: str) -> Problem:
    where = f"{item.distribution} {item.version}" if item.point else str(item.source)
    return Problem(
        code="instrumentation-failed",
        subject=f"instrumentation {item.name} ({where})",
        cause=describe_exception(error) + described,
        outcome=outcome,
        remedy=remedy,
        detail=trace_of(error),
    )


def _import_callables(
    item: InstrumentationPlan, prefix: str, keywords: Mapping[str, Any], problems: list[Problem]
) -> dict[str, Any]:
    """Return the keywords with every callable imported; leave out a keyword whose callable cannot be."""
    options = {}
    for keyword, value in keywords.items():
        try:
            options[keyword] = load_value(keyword, value)
        except ObjectNotFoundError as error:
            shown = str(without_secrets(value, keyword))
            source = item.sources.get(prefix + keyword, item.source)
            outcome = f"{item.name} is applied without it"
            problems.append(_unusable_callable(item, source, prefix + keyword, shown, error, outcome))
    return options


def _unusable_callable(
    item: InstrumentationPlan, source: Source, keyword: str, shown: str, error: ObjectNotFoundError, outcome: str
) -> Problem:
    return Problem(
        code="callable-unusable",
        subject=f"{_keyword_name(item, source, keyword)}={shown}",
        cause=str(error),
        outcome=outcome,
        remedy=error.remedy,
        detail=trace_of(error),
    )


def _keyword_name(item: InstrumentationPlan, source: Source, keyword: str) -> str:
    return str(source) if source.kind == "environment" else f"{source} {item.name}.{keyword}"

"""Applies instrumentations as the plan has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from functools import partial
from importlib.metadata import Distribution, EntryPoint
from typing import Any

from distrokit.diagnostics import Problem, contain, describe_exception, trace_of
from distrokit.instrumentation import deferred
from distrokit.instrumentation.callables import HOOK, loaded
from distrokit.instrumentation.hooks import Report, guarded
from distrokit.instrumentation.log_capture import LogCapture
from distrokit.plan.instrumentation_planning import DISABLED, LOGGING_SWITCH
from distrokit.plan.plan import InstrumentationPlan, Plan
from distrokit.settings.object_references import ObjectNotFoundError, load_object
from distrokit.settings.secret_values import without_secrets
from distrokit.settings.values import Source


def apply(
    item: InstrumentationPlan,
    problems: list[Problem],
    report: Report,
    capture: LogCapture,
    load: Callable[..., Any] | None = None,
    later: Callable[[], None] | None = None,
) -> None:
    """Apply one instrumentation as planned; whatever it does wrong, the next one is still applied.

    Args:
        problems: receives what goes wrong.
        report: told what goes wrong later, in a hook.
        capture: holds the log handlers that it puts on loggers.
        load: a distro's ``load_instrumentor``, which is given what its own package publishes.
        later: applies it, where that must wait for the application; ``None`` where it has waited.
    """
    made = None
    try:
        if reason := _conflict(item):
            _leave_out(item, reason, problems)
            return
        if later is not None and deferred.wait(item.name, later):
            item.why = f"applied {deferred.moment(item.name)}"
            return
        instrumentor = _instrumentor(item, problems)
        if instrumentor is None:
            item.enabled, item.why = False, f"there is no {item.replaced_by}"
            return
        # What no package publishes has no requirements that were looked at above: it looks itself.
        looked: dict[str, Any] = {"skip_dep_check": True} if item.point else {"raise_exception_on_conflict": True}
        options = _imported(item, "", item.options, problems)
        for keyword, value in options.items():
            if keyword.endswith(HOOK) and value is not None:
                place = item.options[keyword] if isinstance(item.options[keyword], str) else ""
                name = f"{_called(item, item.sources.get(keyword, item.source), keyword)}={place}".rstrip("=")
                options[keyword] = guarded(value, name, report)
        made = _made(instrumentor, item, problems)
        with capture.around(made, item.name):
            if load is not None and item.point is not None and item.replacement is None and not item.init_options:
                load(item.point, **{"skip_dep_check": True, **options})
            else:
                made.instrument(**{**looked, **options})
        item.applied, item.why = True, ""
    except ModuleNotFoundError as error:
        _take_back(made)
        _leave_out(item, str(error), problems)
    except BaseException as error:
        contain(error)
        _take_back(made)
        if _does_not_fit(error):
            _leave_out(item, str(error), problems)
        else:
            item.enabled, item.why = False, describe_exception(error)
            given = _given(item, item.keywords)
            last = f"epair or uninstall it, or set {DISABLED}={item.name}."
            remedy = f"Correct or unset these first; if that does not help, r{last}" if given else f"R{last}"
            problems.append(_failed(item, error, given, "it is left out, the others are applied", remedy))


def _leave_out(item: InstrumentationPlan, reason: str, problems: list[Problem]) -> None:
    """One whose library is not installed, or in another version.

    That is the normal case of a broad set of instrumentations (contrib#3421), and no problem unless somebody asked for
    this very one; `explain` can say it.
    """
    item.enabled, item.why = False, reason
    if item.asked is not None:
        problems.append(
            Problem(
                code="instrumentation-unfit",
                subject=f"instrumentation {item.name} ({item.asked})",
                cause=reason.rstrip(" ."),
                outcome="it is asked for by name, and not applied",
                remedy="Install the library that it is for, or do not ask for it.",
                severity="warning",
            )
        )


def apply_all(plan: Plan, report: Report | None = None, load: Callable[..., Any] | None = None) -> None:
    """Apply every planned instrumentation that fits the libraries installed here, in the plan's order.

    Args:
        report: told when a hook raises while the application runs; ``None`` adds it to the plan's problems.
        load: a distro's ``load_instrumentor``; ``None`` when it has none of its own.
    """
    told = report or plan.problems.append
    capture = LogCapture(told)
    # They read variables of their own while they are imported and applied.
    with _exposed(plan):
        for item in plan.instrumentations.values():
            if item.enabled and not item.applied:
                late = partial(_apply_late, plan, item, told, capture, load)
                apply(item, plan.problems, told, capture, load, late)


def _apply_late(
    plan: Plan, item: InstrumentationPlan, report: Report, capture: LogCapture, load: Callable[..., Any] | None
) -> None:
    """Apply one that has waited, in the middle of the application, which sees nothing of what goes wrong."""
    problems: list[Problem] = []
    with _exposed(plan):
        apply(item, problems, report, capture, load)
    for problem in problems:
        report(problem)


def _exposed(plan: Plan) -> AbstractContextManager[None]:
    return plan.settings.exposed({**plan.sdk_settings, LOGGING_SWITCH: None})


def _take_back(made: Any) -> None:
    """Undo what an ``instrument()`` that raised has done by then.

    The public ``uninstrument()`` does nothing unless ``instrument()`` has come to its end.
    """
    undo = getattr(made, "_uninstrument", None)
    if callable(undo):
        with suppress(Exception):
            undo()


def conflict(point: EntryPoint) -> str:
    """Why an instrumentation does not fit the libraries installed here; empty when it does.

    The check is OpenTelemetry's own (``opentelemetry.instrumentation.dependencies``); its loader, which
    makes it too, is who logs a version that does not fit.
    """
    from opentelemetry.instrumentation.dependencies import get_dist_dependency_conflicts

    if not isinstance(point.dist, Distribution):
        return ""
    found = get_dist_dependency_conflicts(point.dist)
    return str(found).strip() if found else ""


def _conflict(item: InstrumentationPlan) -> str:
    return conflict(item.point) if item.point is not None else ""


def _does_not_fit(error: BaseException) -> bool:
    from opentelemetry.instrumentation.dependencies import DependencyConflictError

    return isinstance(error, DependencyConflictError)


def _instrumentor(item: InstrumentationPlan, problems: list[Problem]) -> Any:
    """The class, or what stands in its place; ``None`` when there is neither."""
    if isinstance(item.replacement, str):
        try:
            return load_object(item.replacement, to_call=True)
        except ObjectNotFoundError as error:
            outcome = "its own class is applied" if item.point else "it is not applied"
            problems.append(_unusable(item, item.source, "replaced_by", item.replacement, error, outcome))
    elif item.replacement is not None:
        return item.replacement
    return item.point.load() if item.point else None


def _made(instrumentor: Any, item: InstrumentationPlan, problems: list[Problem]) -> Any:
    """The instrumentor. Nothing is instrumented yet, so one that refuses its keywords is made without them.

    Its ``instrument()`` is not called twice: the first call may have changed half of the library.
    """
    init = _imported(item, "init.", item.init_options, problems)
    try:
        return instrumentor(**init)
    except ModuleNotFoundError:
        raise
    except Exception as error:
        if not init:
            raise
        made = instrumentor()
        given = _given(item, [f"init.{keyword}" for keyword in init])
        problems.append(_failed(item, error, given, f"{item.name} is applied without these", "Correct or unset these."))
        return made


def _given(item: InstrumentationPlan, keywords: Iterable[str]) -> str:
    """Keywords and who gave them; empty for none."""
    named = [f"{keyword} from {item.sources.get(keyword, item.source)}" for keyword in keywords]
    return f", with {', '.join(named)}" if named else ""


def _failed(item: InstrumentationPlan, error: BaseException, given: str, outcome: str, remedy: str) -> Problem:
    where = f"{item.distribution} {item.version}" if item.point else str(item.source)
    return Problem(
        code="instrumentation-failed",
        subject=f"instrumentation {item.name} ({where})",
        cause=describe_exception(error) + given,
        outcome=outcome,
        remedy=remedy,
        detail=trace_of(error),
    )


def _imported(
    item: InstrumentationPlan, prefix: str, keywords: Mapping[str, Any], problems: list[Problem]
) -> dict[str, Any]:
    """The keywords with every callable in its place; one that is not there costs its keyword."""
    options = {}
    for keyword, value in keywords.items():
        try:
            options[keyword] = loaded(keyword, value)
        except ObjectNotFoundError as error:
            shown = str(without_secrets(value, keyword))
            source = item.sources.get(prefix + keyword, item.source)
            outcome = f"{item.name} is applied without it"
            problems.append(_unusable(item, source, prefix + keyword, shown, error, outcome))
    return options


def _unusable(
    item: InstrumentationPlan, source: Source, keyword: str, shown: str, error: ObjectNotFoundError, outcome: str
) -> Problem:
    return Problem(
        code="callable-unusable",
        subject=f"{_called(item, source, keyword)}={shown}",
        cause=str(error),
        outcome=outcome,
        remedy=error.remedy,
        detail=trace_of(error),
    )


def _called(item: InstrumentationPlan, source: Source, keyword: str) -> str:
    return str(source) if source.kind == "environment" else f"{source} {item.name}.{keyword}"

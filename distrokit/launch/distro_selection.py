"""Selects one of several installed distros by rule, not by directory order.

OpenTelemetry's loader takes the first distro and the first configurator that it finds, in the order of
``os.listdir``, and takes the two independently (contrib#551, contrib#2144). distrokit selects one distribution
for both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from typing import Any

from distrokit.diagnostics import Problem, contain, describe_exception, trace_of
from distrokit.launch.upstream_entry_points import answer_lookups, given_entry_points
from distrokit.plugins import active_distro as kit
from distrokit.plugins.distros import CHOSEN_BY, DEFAULT, DISTRO_GROUP, GROUP, OUR_CLASS, OUR_CONFIGURATOR
from distrokit.plugins.entry_points import EntryPoints, distribution_of, title_of
from distrokit.settings.environ import claim
from distrokit.settings.layers import Settings, named_by_user
from distrokit.settings.suggestions import did_you_mean

NAME, DISTRO = DEFAULT, CHOSEN_BY
CONFIGURATOR, CONFIGURATOR_GROUP = "OTEL_PYTHON_CONFIGURATOR", "opentelemetry_configurator"


@dataclass(frozen=True)
class DistroSelection:
    """The selection between distrokit and distros that are not made of its plugins.

    Attributes:
        distro: the winner's ``opentelemetry_distro`` entry point; ``None`` for distrokit.
        configurator: the winner's ``opentelemetry_configurator`` entry point; ``None`` if it has none,
            and for distrokit.
        problems: settings that contradict the selection.
    """

    distro: EntryPoint | None = None
    configurator: EntryPoint | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def name(self) -> str:
        """Return the winner's distribution, or ``distrokit``."""
        winner = self.distro or self.configurator
        return (distribution_of(winner) or winner.name) if winner else NAME

    @property
    def ours(self) -> bool:
        """True if distrokit is selected."""
        return self.distro is None and self.configurator is None

    @property
    def builds(self) -> bool:
        """True if distrokit builds the pipeline: it is selected, or the winner has a distro and no configurator."""
        return self.configurator is None


def select_distro(settings: Settings, installed: EntryPoints) -> DistroSelection:
    """Select the distro of this process.

    ``OTEL_PYTHON_DISTRO`` names the winner; if it is unset, ``OTEL_PYTHON_CONFIGURATOR`` does; if both are unset, or
    name nothing that is installed, distrokit wins: it was installed on purpose. :mod:`distrokit.plugins.active_distro`
    then selects one of the distros made of plugins.
    """
    all_distros, all_configurators = installed.group(DISTRO_GROUP), installed.group(CONFIGURATOR_GROUP)
    distro, configurator = named_by_user(settings, DISTRO), named_by_user(settings, CONFIGURATOR)
    outcome = kit.chosen(settings, installed)
    problems: tuple[Problem, ...] = ()
    if distro:
        named = _first(all_distros, distro)
        if distro in kit.names(installed) or (named and named.value == OUR_CLASS):
            problems = _contradiction(distro, configurator, NAME)
            if distro not in (NAME, *kit.names(installed)):
                problems += (_undeclared(distro, outcome),)
            return DistroSelection(problems=problems)
        if named is not None:
            partner = _of_same_distribution(named, all_configurators)
            if partner is None:
                return _without_configurator(named, configurator, all_configurators)
            return DistroSelection(named, partner, _contradiction(distro, configurator, partner.name))
        # Treated as unset.
        problems = (_unknown(DISTRO, distro, [*all_distros, *installed.group(GROUP)], outcome),)
    if configurator and configurator != NAME:
        named = _first(all_configurators, configurator)
        if named is None:
            return DistroSelection(
                problems=(*problems, _unknown(CONFIGURATOR, configurator, all_configurators, outcome))
            )
        winner = distribution_of(named) or named.name
        problems = tuple(replace(problem, outcome=f"{winner} configures the process") for problem in problems)
        return DistroSelection(_of_same_distribution(named, all_distros), named, problems)
    return DistroSelection(problems=problems)


def claim_loader() -> None:
    """Make OpenTelemetry's loader call distrokit, if distrokit builds; called before the loader chooses."""
    settings = Settings.from_environ()
    installed = EntryPoints.scan()
    if all(point.value == OUR_CLASS for point in installed.group(DISTRO_GROUP)):
        # The loader has no other choice.
        return
    if select_distro(settings, installed).builds:
        # OTEL_PYTHON_DISTRO, if set, names a missing distro or one without a configurator: claim the configurator.
        claim(*((CONFIGURATOR, NAME) if settings.get(DISTRO) else (DISTRO, kit.chosen(settings, installed))))


def prepare_lookups() -> None:
    """Let OpenTelemetry find the entry points of distrokit's scan; called before OpenTelemetry looks for any."""
    if given_entry_points() is not None:
        return
    settings = Settings.from_environ()
    installed = EntryPoints.scan()
    distro_selection = select_distro(settings, installed)
    instead = None
    if distro_selection.distro is not None and distro_selection.builds:
        # distrokit's distro calls its configure(), under guard.
        instead = EntryPoint(distro_selection.distro.name, OUR_CLASS, DISTRO_GROUP)
    answer_lookups(installed, instead=instead)


def _without_configurator(named: EntryPoint, configurator: str, configurators: list[EntryPoint]) -> DistroSelection:
    """Select the builder for a distro that only sets defaults: the named configurator, else distrokit."""
    if configurator in ("", NAME):
        return DistroSelection(named)
    other = _first(configurators, configurator)
    if other is None:
        return DistroSelection(named, None, (_unknown(CONFIGURATOR, configurator, configurators, NAME),))
    return DistroSelection(named, None if other.value == OUR_CONFIGURATOR else other)


def configure_other(distro_selection: DistroSelection, **kwargs: Any) -> tuple[Any, tuple[Problem, ...]]:
    """Let a distro without a configurator set its defaults in ``os.environ``; distrokit builds even if that fails.

    Returns: the distro, ``None`` if there is none; and its problems.
    """
    point = distro_selection.distro
    if point is None or not distro_selection.builds:
        return None, ()
    try:
        other = point.load()()
        other.configure(**kwargs)
    except BaseException as error:
        contain(error)
        problem = Problem(
            code="distro-failed",
            subject=f"distro {point.name} ({title_of(point)})",
            cause=describe_exception(error),
            outcome="distrokit builds the pipeline from the environment as it is",
            remedy=f"Repair or uninstall it, or set {DISTRO}={NAME}.",
            detail=trace_of(error),
        )
        return None, (problem,)
    return other, ()


def load_instrumentor_of(distro_selection: DistroSelection, other: Any) -> Callable[..., Any] | None:
    """Return the ``load_instrumentor`` of a distro without a configurator; ``None`` if it only inherits one.

    Args:
        other: the distro; ``None`` if the loader made it: distros are singletons, so loading it finds it again.
    """
    if distro_selection.distro is None:
        return None
    try:
        other = other or distro_selection.distro.load()()
    except Exception:
        # Its configure() has failed too, which is reported.
        return None
    method: Callable[..., Any] | None = getattr(other, "load_instrumentor", None)
    from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]  # its file is untyped

    inherited = getattr(type(other), "load_instrumentor", None) is BaseDistro.load_instrumentor
    return None if inherited else method


def _first(points: list[EntryPoint], name: str) -> EntryPoint | None:
    return next((point for point in points if point.name == name), None)


def _of_same_distribution(point: EntryPoint, points: list[EntryPoint]) -> EntryPoint | None:
    return next((other for other in points if distribution_of(other) == distribution_of(point)), None)


def _contradiction(distro: str, configurator: str, expected: str) -> tuple[Problem, ...]:
    if not configurator or configurator == expected:
        return ()
    return (
        Problem(
            code="distro-contradiction",
            subject=f"{CONFIGURATOR}={configurator}",
            cause=f"{DISTRO}={distro} names another distribution",
            outcome=f"{distro} configures the whole process",
            remedy=f"Unset {CONFIGURATOR}" + (f", or set it to {expected}." if expected else "."),
            severity="warning",
        ),
    )


def _undeclared(name: str, outcome: str) -> Problem:
    return Problem(
        code="distro-undeclared",
        subject=f"{DISTRO}={name}",
        cause=f"its package has no entry point {name!r} in the group {GROUP}",
        outcome=f"distro {outcome} configures the process",
        remedy="Let it point to a distrokit.Distro.",
    )


def _unknown(setting: str, name: str, points: list[EntryPoint], outcome: str) -> Problem:
    names = sorted({point.name for point in points})
    called = sorted({point.name for point in points if distribution_of(point) == name})
    return Problem(
        code="distro-unknown",
        subject=f"{setting}={name}",
        cause=f"nothing of this name is installed (installed: {', '.join(names)})",
        outcome=f"{outcome} configures the process",
        remedy=f"Its name is {called[0]!r}." if called else did_you_mean(name, names) or f"Unset {setting}.",
        severity="warning",
    )

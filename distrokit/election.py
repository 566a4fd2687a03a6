"""Several distros in one environment: who is in charge, decided by rule and not by directory order.

OpenTelemetry's loader takes the first distro and the first configurator that it comes across, in the
order of ``os.listdir``, and takes the two independently (contrib#551, contrib#2144). Wherever
distrokit's code runs, it asks here, and the answer is one distribution for both halves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint

from distrokit.diagnostics import Problem, did_you_mean
from distrokit.distros import CHOSEN_BY, DEFAULT, DISTRO_GROUP, GROUP, OUR_CLASS
from distrokit.distros import installed as kit
from distrokit.entry_points import EntryPoints, distribution_of
from distrokit.environ import claim
from distrokit.frozen import find
from distrokit.settings import Settings, named_by_user

NAME, DISTRO = DEFAULT, CHOSEN_BY
CONFIGURATOR, CONFIGURATOR_GROUP = "OTEL_PYTHON_CONFIGURATOR", "opentelemetry_configurator"


@dataclass(frozen=True)
class Election:
    """The outcome, between distrokit and distros that are not made of its plugins.

    Attributes:
        distro: the winner's ``opentelemetry_distro`` entry point; ``None`` when it is distrokit.
        configurator: the winner's ``opentelemetry_configurator`` entry point; ``None`` when it has
            none, or is distrokit.
        problems: what in the settings contradicts the outcome.
    """

    distro: EntryPoint | None = None
    configurator: EntryPoint | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def name(self) -> str:
        """The winner: its distribution, or ``distrokit``."""
        winner = self.distro or self.configurator
        return (distribution_of(winner) or winner.name) if winner else NAME

    @property
    def ours(self) -> bool:
        """Whether distrokit is in charge."""
        return self.distro is None and self.configurator is None


def elect(settings: Settings, installed: EntryPoints) -> Election:
    """Decide.

    ``OTEL_PYTHON_DISTRO`` names the winner; where it is unset, ``OTEL_PYTHON_CONFIGURATOR`` does; where
    both are unset, or name nothing that is installed, distrokit wins: it was installed on purpose. Which of the
    distros made of plugins is in charge then is the business of :mod:`distrokit.distros`.
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
            return Election(problems=problems)
        if named is not None:
            partner = _of_same_distribution(named, all_configurators)
            return Election(named, partner, _contradiction(distro, configurator, partner.name if partner else ""))
        # As if it were not set.
        problems = (_unknown(DISTRO, distro, [*all_distros, *installed.group(GROUP)], outcome),)
    if configurator and configurator != NAME:
        named = _first(all_configurators, configurator)
        if named is None:
            return Election(problems=(*problems, _unknown(CONFIGURATOR, configurator, all_configurators, outcome)))
        winner = distribution_of(named) or named.name
        problems = tuple(replace(problem, outcome=f"{winner} configures the process") for problem in problems)
        return Election(_of_same_distribution(named, all_distros), named, problems)
    return Election(problems=problems)


def settle() -> None:
    """In the launcher, before the loader chooses: if distrokit is in charge, see to it that it is called."""
    settings = Settings.from_environ()
    installed = find(settings)
    if all(point.value == OUR_CLASS for point in installed.group(DISTRO_GROUP)):
        # Whichever the loader takes, it takes ours.
        return
    if elect(settings, installed).ours:
        # Where the first one names something that is not there, the second still brings us in.
        claim(*((CONFIGURATOR, NAME) if settings.get(DISTRO) else (DISTRO, kit.chosen(settings, installed))))


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
        cause=f"nothing of this name is installed (there are {', '.join(names)})",
        outcome=f"{outcome} configures the process",
        remedy=f"Its name is {called[0]!r}." if called else did_you_mean(name, names) or f"Unset {setting}.",
        severity="warning",
    )

"""Several distros in one environment: who is in charge, decided by rule and not by directory order.

OpenTelemetry's loader takes the first distro and the first configurator that it comes across, in the
order of ``os.listdir``, and takes the two independently (contrib#551, contrib#2144). Wherever
distrokit's code runs, it asks here, and the answer is one distribution for both halves.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint

from distrokit.diagnostics import Problem, did_you_mean
from distrokit.entry_points import EntryPoints, distribution_of
from distrokit.settings import Settings, claim

#: distrokit's name in both groups.
NAME = "distrokit"
DISTRO, DISTRO_GROUP = "OTEL_PYTHON_DISTRO", "opentelemetry_distro"
CONFIGURATOR, CONFIGURATOR_GROUP = "OTEL_PYTHON_CONFIGURATOR", "opentelemetry_configurator"


@dataclass(frozen=True)
class Election:
    """The outcome.

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
    both are unset, or name nothing that is installed, distrokit wins: it was installed on purpose.
    """
    all_distros, all_configurators = installed.group(DISTRO_GROUP), installed.group(CONFIGURATOR_GROUP)
    distro, configurator = settings.get(DISTRO), settings.get(CONFIGURATOR)
    if distro:
        named = _first(all_distros, distro)
        if named is None:
            return Election(problems=(_unknown(DISTRO, distro, all_distros),))
        problems = _contradiction(distro, configurator, named, all_configurators)
        if distro == NAME:
            return Election(problems=problems)
        return Election(named, _of_same_distribution(named, all_configurators), problems)
    if configurator and configurator != NAME:
        named = _first(all_configurators, configurator)
        if named is None:
            return Election(problems=(_unknown(CONFIGURATOR, configurator, all_configurators),))
        return Election(_of_same_distribution(named, all_distros), named)
    return Election()


def settle() -> None:
    """In the launcher, before the loader chooses: if distrokit is in charge, see to it that it is called."""
    settings, installed = Settings.from_environ(), EntryPoints.scan()
    if elect(settings, installed).ours:
        # Where the first one names something that is not there, the second still brings us in.
        claim(CONFIGURATOR if settings.get(DISTRO) else DISTRO, NAME)


def _first(points: list[EntryPoint], name: str) -> EntryPoint | None:
    return next((point for point in points if point.name == name), None)


def _of_same_distribution(point: EntryPoint, points: list[EntryPoint]) -> EntryPoint | None:
    return next((other for other in points if distribution_of(other) == distribution_of(point)), None)


def _contradiction(
    distro: str, configurator: str, named: EntryPoint, configurators: list[EntryPoint]
) -> tuple[Problem, ...]:
    partner = _of_same_distribution(named, configurators)
    expected = partner.name if partner else ""
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


def _unknown(setting: str, name: str, points: list[EntryPoint]) -> Problem:
    names = sorted({point.name for point in points})
    return Problem(
        code="distro-unknown",
        subject=f"{setting}={name}",
        cause=f"nothing of this name is installed (there are {', '.join(names)})",
        outcome="distrokit configures the process",
        remedy=did_you_mean(name, names) or f"Unset {setting}.",
        severity="warning",
    )

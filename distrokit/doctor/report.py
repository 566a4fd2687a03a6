"""What ``distrokit doctor`` looks at, in the order of the way data takes: packages, settings, process, the way out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from distrokit.declarations import Check
from distrokit.diagnostics import Mask, contain, describe_exception, quantity, visible
from distrokit.doctor.packages import packages
from distrokit.doctor.process import process
from distrokit.doctor.settings import settings
from distrokit.launch.distro_selection import DistroSelection
from distrokit.launch.startup import Assembly

#: Version of the shape of :meth:`Report.describe`.
SCHEMA = 1


@dataclass(frozen=True)
class Report:
    """All findings.

    Attributes:
        groups: checks by the name of their group, in the order in which they are shown.
        strict: whether a warning counts as a failure, as it does where ``DISTROKIT_STRICT`` is set.
    """

    groups: Mapping[str, Sequence[Check]]
    strict: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing fails."""
        failing = {"fail", "warn"} if self.strict else {"fail"}
        return not any(check.verdict in failing for checks in self.groups.values() for check in checks)

    def describe(self) -> dict[str, Any]:
        """As JSON-ready data; ``schema`` says which shape."""
        checks = [{"group": group, **vars(check)} for group, checks in self.groups.items() for check in checks]
        return {"schema": SCHEMA, "ok": self.ok, "checks": checks}

    def lines(self) -> list[str]:
        """For a reader: a line per check, and a second one with what to do."""
        shown: list[str] = []
        for group, checks in self.groups.items():
            shown += ["", group] if shown else [group]
            for check, after in zip(checks, [*checks[1:], None], strict=True):
                mark = "FAIL" if check.verdict == "fail" else check.verdict.ljust(4)
                shown.append(f"  {mark}  {check.id}: {check.evidence}")
                # Findings of one kind with one remedy have it once, behind the last of them.
                once = after is not None and (after.id, after.remedy) == (check.id, check.remedy)
                if check.remedy and not once:
                    shown.append(f"        → {check.remedy}")
        return [*shown, "", self._summary()]

    def _summary(self) -> str:
        verdicts = [check.verdict for checks in self.groups.values() for check in checks]
        fails, warns = verdicts.count("fail"), verdicts.count("warn")
        if not fails and not warns:
            return f"all {len(verdicts)} checks are ok"
        strict = " (under DISTROKIT_STRICT a warning is a failure)" if self.strict and warns else ""
        return f"{quantity(len(verdicts), 'check')}: {fails} fail, {warns} warn{strict}"


def examine(assembly: Assembly, distro_selection: DistroSelection, *, online: bool = True) -> Report:
    """Look at everything.

    Args:
        assembly: made with ``plan_when_disabled``.
        online: false leaves out whatever uses the network.
    """
    plan = assembly.plan
    found: dict[str, list[Check]] = {
        "packages": _guarded("packages", lambda: packages(distro_selection, assembly.installed, plan)),
        "settings": [],
        "process": _guarded("process", lambda: process(plan)),
    }
    stopped = any(problem.code == "propagator-stops-launcher" for problem in plan.problems)
    if not stopped and not plan.disabled.value:
        _look_by_building(assembly, found, online=online)
    # Plugins before the settings: one that fails in its checks adds a problem to the plan.
    from_plugins: dict[str, list[Check]] = {}
    for plugin, check in assembly.plugins.checks(plan):
        from_plugins.setdefault(f"plugin {plugin.name}", []).append(check)
    found["settings"] = _guarded("settings", lambda: settings(plan))
    return Report(
        {group: masked(plan.settings.mask, checks) for group, checks in {**found, **from_plugins}.items() if checks},
        plan.settings.strict,
    )


def _look_by_building(assembly: Assembly, found: dict[str, list[Check]], *, online: bool) -> None:
    """What is seen only when parts are built; a process in which they run has built them, and said what was wrong."""
    settings, resource = assembly.plan.settings, None

    def build() -> Iterator[Check]:
        nonlocal resource
        # The SDK reads settings while it is imported.
        with settings.exposed(assembly.plan.sdk_settings):
            from distrokit.doctor.building import building
        checks, resource = building(assembly, online=online)
        yield from checks

    def send() -> Iterator[Check]:
        with settings.exposed(assembly.plan.sdk_settings):
            from distrokit.doctor.way_out import way_out
        yield from way_out(assembly, resource)

    if assembly.pipeline is None:
        found["parts"] = _guarded("parts", build)
    if online:
        found["way out"] = _guarded("way-out", send)


def _guarded(group: str, look: Callable[[], Iterable[Check]]) -> list[Check]:
    """A check that fails itself is a finding, and the others are made."""
    found: list[Check] = []
    try:
        found.extend(look())
    except BaseException as error:
        contain(error)
        remedy = "Report it; the other checks stand."
        found.append(Check(f"{group}-check-failed", "fail", f"this check failed: {describe_exception(error)}", remedy))
    return found


def masked(mask: Mask, checks: Iterable[Check]) -> list[Check]:
    """Each finding once, in order, without secrets."""
    return list(
        dict.fromkeys(Check(c.id, c.verdict, visible(mask(c.evidence)), visible(mask(c.remedy))) for c in checks)
    )

"""All checks of ``distrokit doctor``, in the order in which data flows: packages, settings, process, parts, export."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from distrokit.declarations import Check
from distrokit.diagnostics import Mask, contain, describe_exception, quantity, visible
from distrokit.doctor.attached import check_attached
from distrokit.doctor.packages import check_packages
from distrokit.doctor.process import check_process
from distrokit.doctor.settings import check_settings
from distrokit.launch.assembly import Assembly
from distrokit.launch.distro_selection import DistroSelection

#: Version of the shape of :meth:`DoctorReport.describe`.
SCHEMA = 1


@dataclass(frozen=True)
class DoctorReport:
    """All findings.

    Attributes:
        groups: checks by the name of their group, in the order in which they are shown.
        strict: whether a warning counts as a failure; true when ``DISTROKIT_STRICT`` is set.
    """

    groups: Mapping[str, Sequence[Check]]
    strict: bool = False

    @property
    def ok(self) -> bool:
        """True if nothing fails."""
        failing = {"fail", "warn"} if self.strict else {"fail"}
        return not any(check.verdict in failing for checks in self.groups.values() for check in checks)

    def describe(self) -> dict[str, Any]:
        """Return the report as JSON-ready data; ``schema`` is the version of its shape."""
        checks = [{"group": group, **vars(check)} for group, checks in self.groups.items() for check in checks]
        return {"schema": SCHEMA, "ok": self.ok, "checks": checks}

    def lines(self) -> list[str]:
        """Return the report as text: a line per check, and a second one with the remedy."""
        shown: list[str] = []
        for group, checks in self.groups.items():
            shown += ["", group] if shown else [group]
            for check, after in zip(checks, [*checks[1:], None], strict=True):
                mark = "FAIL" if check.verdict == "fail" else check.verdict.ljust(4)
                shown.append(f"  {mark}  {check.id}: {check.evidence}")
                # Findings of one kind with one remedy show it once, after the last of them.
                repeated = after is not None and (after.id, after.remedy) == (check.id, check.remedy)
                if check.remedy and not repeated:
                    shown.append(f"        → {check.remedy}")
        return [*shown, "", self._summary()]

    def _summary(self) -> str:
        verdicts = [check.verdict for checks in self.groups.values() for check in checks]
        fails, warns = verdicts.count("fail"), verdicts.count("warn")
        if not fails and not warns:
            return f"all {len(verdicts)} checks are ok"
        strict = " (under DISTROKIT_STRICT a warning is a failure)" if self.strict and warns else ""
        return f"{quantity(len(verdicts), 'check')}: {fails} fail, {warns} warn{strict}"


def examine(assembly: Assembly, distro_selection: DistroSelection, *, online: bool = True) -> DoctorReport:
    """Run all checks.

    Args:
        assembly: the plan to examine, with its plugins.
        online: false skips the checks that use the network.
    """
    plan = assembly.plan
    found: dict[str, list[Check]] = {
        "attached": _guarded("attached", check_attached),
        "packages": _guarded("packages", lambda: check_packages(distro_selection, assembly.installed, plan)),
        "settings": [],
        "process": _guarded("process", lambda: check_process(plan)),
    }
    stopped = any(problem.code == "propagator-stops-launcher" for problem in plan.problems)
    if not stopped and not plan.disabled.value:
        _build_and_send(assembly, found, online=online)
    # Plugins before the settings: a plugin that fails in its checks adds a problem to the plan.
    from_plugins: dict[str, list[Check]] = {}
    for plugin, check in assembly.plugins.checks(plan):
        from_plugins.setdefault(f"plugin {plugin.name}", []).append(check)
    found["settings"] = _guarded("settings", lambda: check_settings(plan))
    return DoctorReport(
        {
            group: mask_checks(plan.settings.mask, checks)
            for group, checks in {**found, **from_plugins}.items()
            if checks
        },
        plan.settings.strict,
    )


def _build_and_send(assembly: Assembly, found: dict[str, list[Check]], *, online: bool) -> None:
    """Build the parts, unless this process has done so at its start, and send an item through each exporter."""
    settings, resource = assembly.plan.settings, None

    def build() -> Iterator[Check]:
        nonlocal resource
        # The SDK reads settings while it is imported.
        with settings.exposed(assembly.plan.sdk_settings):
            from distrokit.doctor.building import check_parts
        checks, resource = check_parts(assembly, online=online)
        yield from checks

    def send() -> Iterator[Check]:
        with settings.exposed(assembly.plan.sdk_settings):
            from distrokit.doctor.export_check import check_exports
        yield from check_exports(assembly, resource)

    if assembly.pipeline is None:
        found["parts"] = _guarded("parts", build)
    if online:
        found["export"] = _guarded("export", send)


def _guarded(group: str, look: Callable[[], Iterable[Check]]) -> list[Check]:
    """Run a group's checks; an exception in them is a finding of its own."""
    found: list[Check] = []
    try:
        found.extend(look())
    except BaseException as error:
        contain(error)
        remedy = "Report it; the other checks are not affected."
        found.append(Check(f"{group}-check-failed", "fail", f"this check failed: {describe_exception(error)}", remedy))
    return found


def mask_checks(mask: Mask, checks: Iterable[Check]) -> list[Check]:
    """Return each finding once, in order, with secrets masked."""
    return list(
        dict.fromkeys(Check(c.id, c.verdict, visible(mask(c.evidence)), visible(mask(c.remedy))) for c in checks)
    )

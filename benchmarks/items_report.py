"""The tables of ``python -m benchmarks.items``: each number beside its ratio to upstream's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.distros import BASE, NONE, Distro
from benchmarks.item_runs import Run, find_busy_receiver
from benchmarks.item_scenarios import BURST_RUNS, COSTS, EXIT, LATENCY, LOOP, LOSSES, REQUESTS, SCENARIOS, Scenario

#: For each scenario's name and each distro's, its runs.
Measured = Mapping[str, Mapping[str, Sequence[Run]]]
#: Lines of stderr that are printed of one scenario and distro.
_LINES = 4


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    label: str
    scenario: Scenario
    of: Callable[[Mapping[str, float]], float]
    decimals: int = 1


def _rows(scenarios: Sequence[Scenario], key: str, decimals: int = 1) -> list[Row]:
    return [Row(scenario.name, scenario, lambda numbers: numbers[key], decimals) for scenario in scenarios]


def _export_us(numbers: Mapping[str, float]) -> float:
    return numbers["cpu_us"] - numbers["recording_us"]


TABLES: tuple[tuple[str, list[Row]], ...] = (
    ("CPU of the whole process, µs an item", _rows(COSTS, "cpu_us")),
    ("CPU of the recording thread, µs an item", _rows(COSTS, "recording_us")),
    (
        "CPU of all else, export above all, µs an item",
        [Row(scenario.name, scenario, _export_us) for scenario in COSTS if scenario.name != "add"],
    ),
    (
        "A call, µs of wall time",
        [
            Row("counter.add in a tight loop", LOOP, lambda numbers: numbers["wall_us"], 2),
            Row("a nested span at 4,000 spans/s, p50", LATENCY, lambda numbers: numbers["p50_us"]),
            Row("a nested span at 4,000 spans/s, p99", LATENCY, lambda numbers: numbers["p99_us"]),
        ],
    ),
    (
        "A service in a closed loop: 50 µs of work and three spans a request",
        [
            Row("requests a second", REQUESTS, lambda numbers: numbers["per_second"], 0),
            Row("CPU of a request, all threads, µs", REQUESTS, lambda numbers: numbers["cpu_us"]),
            Row("p50 of a request, µs", REQUESTS, lambda numbers: numbers["p50_us"]),
            Row("p99 of a request, µs", REQUESTS, lambda numbers: numbers["p99_us"]),
            Row("its spans that are lost, %", REQUESTS, lambda numbers: numbers["lost_percent"]),
        ],
    ),
    ("Lost at a rate, % of the spans recorded in 5 s", _rows(LOSSES, "lost_percent", 2)),
    ("The rate that was reached, spans/s", _rows(LOSSES, "per_second", 0)),
    ("Lost in a burst, % of the spans recorded", _rows(BURST_RUNS, "lost_percent", 2)),
    ("Wall time in a burst, µs a span", _rows(BURST_RUNS, "wall_us")),
    ("Peak memory in a burst, MiB", _rows(BURST_RUNS, "peak_mib")),
    (
        "The end of the process with 2,000 spans in the queue",
        [Row("from the end of main to its death, ms", EXIT, lambda numbers: numbers["ending_ms"])],
    ),
)


def as_text(about: Mapping[str, Any], measured: Measured, distros: Sequence[Distro]) -> str:
    """Return circumstances, tables, and what the processes said about losses."""
    parts = ["\n".join(f"- {line}" for line in _describe(about, distros))]
    for title, rows in TABLES:
        found = [row for row in rows if measured.get(row.scenario.name)]
        if found:
            parts.append("\n".join(_table(title, found, measured, distros)))
    if said := _said(measured):
        parts.append("\n".join(["What the processes said, in the last run of each:", "", *said]))
    return "\n\n".join(parts)


def _describe(about: Mapping[str, Any], distros: Sequence[Distro]) -> list[str]:
    remarks = [f"{distro.name}: {'; '.join((*distro.packages, distro.remark))}" for distro in distros if distro.remark]
    return [
        f"{about['date']}; {about['machine']}; load {about['load']} before the first run",
        f"{about['python']}; distrokit {about['distrokit']}; OTLP over {about['protocol']}",
        ", ".join(f"{name} {version}" for name, version in about["upstream"].items()),
        f"Medians of {about['runs']} runs in turns, {about['few']} of losses and bursts; in brackets: against upstream",
        *remarks,
    ]


def _table(title: str, rows: Sequence[Row], measured: Measured, distros: Sequence[Distro]) -> list[str]:
    # Only some scenarios are measured without telemetry, too.
    shown = [*([NONE] if any(row.scenario.without for row in rows) else []), *distros]
    lines = [f"| {title} | {' | '.join(distro.name for distro in shown)} |", f"|---|{'---:|' * len(shown)}"]
    for row in rows:
        values = {distro.name: _median(row, measured[row.scenario.name].get(distro.name, ())) for distro in shown}
        lines.append(f"| {row.label} | {' | '.join(_cell(row, distro.name, values) for distro in shown)} |")
    return lines


def _median(row: Row, runs: Sequence[Run]) -> float | None:
    try:
        return median(row.of(run.numbers) for run in runs) if runs else None
    except KeyError:  # Without telemetry nothing is lost.
        return None


def _cell(row: Row, distro: str, values: Mapping[str, float | None]) -> str:
    value, base = values[distro], values.get(BASE.name)
    if value is None:
        return "-"
    text = f"{value:,.{row.decimals}f}"
    return text if distro in (BASE.name, NONE.name) or not base else f"{text} ({value / base:.2f}x)"


def _said(measured: Measured) -> list[str]:
    """Return the lines on stderr, equal ones once, of the scenarios in which items may be lost."""
    lines = []
    for scenario in SCENARIOS:
        for name, runs in measured.get(scenario.name, {}).items():
            if scenario.complete or not runs or name == NONE.name:
                continue
            counter = Counter(line for line in runs[-1].said if line.strip())
            for line, times in list(counter.items())[:_LINES]:
                lines.append(f"- {scenario.name}, {name}: {line[:200]}{f' ({times} times)' if times > 1 else ''}")
            if len(counter) > _LINES:
                lines.append(f"- {scenario.name}, {name}: … and {len(counter) - _LINES} more lines")
    return lines


def find_warnings(measured: Measured) -> list[str]:
    """Return a line for each scenario in which the receiver was so busy that it may have slowed a program down."""
    return [
        f"{scenario}, {name}: the receiver used {max(busy):.2f} of a core; the numbers may be its own"
        for scenario, by_distro in measured.items()
        for name, runs in by_distro.items()
        if (busy := [cores for run in runs if (cores := find_busy_receiver(run))])
    ]


def as_json(about: Mapping[str, Any], measured: Measured, failures: Mapping[str, str]) -> dict[str, Any]:
    """Return everything: the circumstances and every run's numbers."""
    runs = {
        scenario: {name: [run.numbers for run in runs] for name, runs in by_distro.items()}
        for scenario, by_distro in measured.items()
    }
    return {"about": about, "runs": runs, "failures": failures}

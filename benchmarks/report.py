"""Turns results into numbers, tables and JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from benchmarks.launchers import BARE, UPSTREAM
from benchmarks.measuring import Result, Sample

#: Below this many of a measure's unit upstream adds too little for a ratio.
SMALLEST = 1.0


@dataclass(frozen=True)
class Measure:
    """A column of numbers that every run has.

    Attributes:
        of: returns a run's number in ``unit``; ``None`` if the run does not have it.
        decimals: of the printed number.
    """

    key: str
    title: str
    unit: str
    of: Callable[[Sample], float | None]
    decimals: int = 1


MEASURES = (
    Measure("wall", "Wall time", "ms", lambda sample: sample.wall * 1000),
    Measure("cpu", "CPU time, all processes of the program", "ms", lambda sample: sample.cpu * 1000),
    Measure("peak", "Peak memory", "MiB", lambda sample: None if sample.peak is None else sample.peak / 2**20),
)
MODULES = Measure("modules", "Modules at exit", "modules", lambda _: None, 0)


@dataclass(frozen=True)
class Row:
    """One measure of one case.

    Attributes:
        bare: the median without telemetry.
        added: for each other launcher, the median of what it adds to ``bare`` in the same round.
        ratios: for each of distrokit's launchers, what it adds divided by what upstream adds.
    """

    case: str
    title: str
    bare: float
    added: dict[str, float]
    ratios: dict[str, float | None]


def rows(measure: Measure, results: Sequence[Result]) -> list[Row]:
    """Return the rows of a table; a case without this measure has none."""
    return [row for result in results if (row := _row(measure, result))]


def _row(measure: Measure, result: Result) -> Row | None:
    rounds: dict[str, list[float]] = {}
    for launcher, samples in result.samples.items():
        values = [result.modules[launcher]] if measure is MODULES else [measure.of(sample) for sample in samples]
        numbers = [float(value) for value in values if value is not None]
        if not numbers:
            return None
        rounds[launcher] = numbers
    bare = rounds.pop(BARE.name)
    added = {
        launcher: median(value - base for value, base in zip(values, bare, strict=True))
        for launcher, values in rounds.items()
    }
    upstream = added[UPSTREAM.name]
    ratios = {
        launcher: value / upstream if upstream >= SMALLEST else None
        for launcher, value in added.items()
        if launcher != UPSTREAM.name
    }
    return Row(result.case.name, result.case.title, median(bare), added, ratios)


def tables(results: Sequence[Result], *, markdown: bool) -> str:
    """Return all tables as text."""
    if not results:
        return ""
    launchers = [name for name in results[0].samples if name not in (BARE.name, UPSTREAM.name)]
    head = ["program", BARE.name, UPSTREAM.name, *launchers]
    parts = []
    for measure in (*MEASURES, MODULES):
        found = rows(measure, results)
        if not found:
            continue
        unit = "" if measure is MODULES else f", {measure.unit}"
        lines = [[row.title, *_cells(row, launchers, measure.decimals)] for row in found]
        parts.append(_table(f"{measure.title}{unit}", [head, *lines], markdown=markdown))
    received = [[result.case.title, "0 / 0 / 0", *_received(result, [UPSTREAM.name, *launchers])] for result in results]
    title = "Received in one run: spans / metrics / log records"
    parts.append(_table(title, [head, *received], markdown=markdown))
    return "\n\n".join(parts)


def _cells(row: Row, launchers: Sequence[str], decimals: int) -> list[str]:
    cells = [_number(row.bare, decimals), f"+{_number(row.added[UPSTREAM.name], decimals)}"]
    for launcher in launchers:
        ratio = row.ratios[launcher]
        times = "-" if ratio is None else f"{ratio:.3f}x" if abs(ratio) < 0.1 else f"{ratio:.2f}x"
        cells.append(f"{row.added[launcher]:+.{_decimals(row.added[launcher], decimals)}f} ({times})")
    return cells


def _number(value: float, decimals: int) -> str:
    return f"{value:.{_decimals(value, decimals)}f}"


def _decimals(value: float, decimals: int) -> int:
    return decimals if abs(value) < 100 else 0


def _received(result: Result, launchers: Sequence[str]) -> list[str]:
    return [
        " / ".join(str(sum(result.delivered[launcher][signal].values())) for signal in ("spans", "metrics", "logs"))
        for launcher in launchers
    ]


def differences(result: Result) -> list[str]:
    """Return a line for each of distrokit's launchers under which other telemetry arrived than with upstream."""
    lines = []
    upstream = _names(result, UPSTREAM.name)
    for launcher in result.delivered:
        names = _names(result, launcher)
        if launcher in (BARE.name, UPSTREAM.name) or names == upstream:
            continue
        sides = (("upstream", upstream - names), (launcher, names - upstream))
        words = "; ".join(f"only {side}: {', '.join(sorted(only))}" for side, only in sides if only)
        lines.append(f"{result.case.name}: upstream and {launcher} deliver different telemetry: {words}")
    return lines


def _names(result: Result, launcher: str) -> set[str]:
    return {f"{name} ({signal})" for signal, names in result.delivered[launcher].items() for name in names}


def _table(title: str, lines: Sequence[Sequence[str]], *, markdown: bool) -> str:
    if markdown:
        body = ["| " + " | ".join(line) + " |" for line in lines]
        body.insert(1, "|---|" + "---:|" * (len(lines[0]) - 1))
        return f"### {title}\n\n" + "\n".join(body)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    body = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    return f"{title}\n" + "\n".join(f"  {line.rstrip()}" for line in body)


def as_json(results: Sequence[Result], about: dict[str, Any]) -> dict[str, Any]:
    """Return everything: the circumstances, the tables' numbers, every run, and the names of what arrived."""
    return {
        "about": about,
        "measures": {
            measure.key: {"unit": measure.unit, "rows": [asdict(row) for row in rows(measure, results)]}
            for measure in (*MEASURES, MODULES)
        },
        "cases": {
            result.case.name: {
                "samples": {
                    launcher: [asdict(sample) for sample in samples] for launcher, samples in result.samples.items()
                },
                "modules": result.modules,
                "delivered": result.delivered,
            }
            for result in results
        },
    }

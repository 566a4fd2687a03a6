"""Formats metrics as a table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from distrokit_dev.tail.metrics import Series
from distrokit_dev.tail.typeface import Typeface

_HEAD = ("service", "metric", "attributes", "count", "value")
_GAP = 2


def show_metrics(series: Sequence[Series], unseen: int, width: int, typeface: Typeface) -> list[Text]:
    """Return the lines of a table, at most ``width`` columns wide.

    Args:
        unseen: number of series that are not shown, for the last line.
    """
    distinct = _find_distinct(series)
    processes = Counter(service for service, _ in {(item.service, item.instance) for item in series})
    cells = [
        _cells(item, distinct[item.service, item.name], typeface, several=processes[item.service] > 1)
        for item in series
    ]
    # Numbers are never cut; the other columns share the remaining width.
    right = [max(cell_len(row[column]) for row in [_HEAD, *cells]) for column in (3, 4)]
    shown = [column for column in range(5) if column < 2 or any(row[column] for row in cells)]
    room = width - sum(right[column - 3] for column in shown if column > 2) - _GAP * (len(shown) - 1)
    left = _share_width(
        [max(cell_len(row[column]) for row in [_HEAD, *cells]) if column in shown else 0 for column in range(3)], room
    )
    widths = [*left, *right]
    lines = [_row(_HEAD, shown, widths, typeface, "bold")]
    lines += [_row(row, shown, widths, typeface, "") for row in cells]
    if unseen:
        rest = f"{typeface.glyphs.cut} and {unseen} more"
        lines.append(Text(typeface.clean(rest, width), style="dim"))
    for line in lines:
        line.truncate(width)
    return lines


def _find_distinct(series: Sequence[Series]) -> dict[tuple[str, str], set[str]]:
    """Return for each metric the attributes that differ between its series."""
    values: dict[tuple[str, str], dict[str, Counter[str]]] = {}
    sizes = Counter((item.service, item.name) for item in series)
    for item in series:
        of_metric = values.setdefault((item.service, item.name), {})
        for name, value in item.attributes:
            of_metric.setdefault(name, Counter())[value] += 1
    return {
        metric: {name for name, seen in of_metric.items() if max(seen.values()) < sizes[metric]}
        for metric, of_metric in values.items()
    }


def _cells(item: Series, distinct: set[str], typeface: Typeface, *, several: bool) -> tuple[str, ...]:
    average = "avg " if item.count is not None else ""
    value = "" if item.value is None else f"{average}{_number(item.value)} {_unit(item.unit)}".rstrip()
    count = "" if item.count is None else str(item.count)
    # Distinct attributes first: there is rarely room for all.
    pairs = sorted(item.attributes, key=lambda pair: pair[0] not in distinct)
    process = [("instance", item.instance[:8])] if several else []
    attributes = " ".join(f"{name}={text}" for name, text in [*process, *pairs])
    return item.service, item.name, attributes, count, typeface.clean(value, 28)


def _row(cells: Sequence[str], shown: Sequence[int], widths: Sequence[int], typeface: Typeface, style: str) -> Text:
    line = Text()
    for column in shown:
        text = typeface.clean(cells[column], max(1, widths[column]))
        space = " " * (widths[column] - cell_len(text))
        line.append(" " * _GAP if line.plain else "")
        line.append(
            space + text if column > 2 else text + space, style=style or ("", "cyan", "dim", "", "bold")[column]
        )
    line.rstrip()
    return line


def _share_width(wanted: list[int], room: int) -> list[int]:
    """Share the width among service, metric and attributes; the attributes get the rest."""
    service = min(wanted[0], max(8, room // 4))
    metric = min(wanted[1], max(8, (room - service) * 3 // 5), max(8, room - service))
    if sum(wanted) <= room:
        return wanted
    if not wanted[2]:
        return [service, max(8, min(wanted[1], room - service)), 0]
    spare = max(0, room - service - metric - wanted[2])
    return [service, metric + spare, max(1, room - service - metric - spare)]


def _number(value: float) -> str:
    if isinstance(value, int) or not math.isfinite(value):
        return str(value)
    return f"{value:.6g}" if value < 1e6 else f"{value:.0f}" if value < 1e15 else f"{value:g}"


def _unit(unit: str) -> str:
    return "" if unit == "1" else unit.strip("{}")

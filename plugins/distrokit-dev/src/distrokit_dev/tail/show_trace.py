"""Formats a trace: a header, and a tree of spans with time bars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from distrokit_dev.received import ReceivedLog, ReceivedSpan, service_of
from distrokit_dev.tail.show_log import clock, show_log_of_span
from distrokit_dev.tail.traces import Part
from distrokit_dev.tail.tree import MAX_RAILS, Row, rows
from distrokit_dev.tail.typeface import Glyphs, Typeface, as_text

#: Columns: indentation, duration, and maximum of a bar.
_INDENT, _DURATION, _BAR = 2, 9, 48

#: Minimum columns for bars.
_NARROW = 40


@dataclass(frozen=True)
class _Layout:
    """Layout of one trace. ``start`` and ``end`` are its bounds in nanoseconds; the other numbers are columns."""

    typeface: Typeface
    width: int
    label: int
    bar: int
    start: int
    end: int


def show_trace(part: Part, width: int, typeface: Typeface) -> Iterator[Text]:
    """Yield the lines of a trace, at most ``width`` columns wide unless the trace id is wider.

    Args:
        part: has at least one span.
    """
    services = list(dict.fromkeys(service_of(span) for span in sorted(part.spans, key=lambda span: span.start)))
    start = min(span.start for span in part.spans)
    end = max(max(span.start, span.end) for span in part.spans)
    yield from _header(part, services, end - start, width, typeface)
    tree = list(rows(part.spans, max(1, min(MAX_RAILS, (width - 40) // 5))))
    labels = [typeface.clean(_label(row, part, typeface.glyphs, several=len(services) > 1), width) for row in tree]
    layout = _layout(tree, labels, (start, end), width, typeface)
    logs: dict[str, list[ReceivedLog]] = {}
    for log in sorted(part.logs, key=lambda log: log.time):
        logs.setdefault(log.span_id, []).append(log)
    for row, text in zip(tree, labels, strict=True):
        lines = [_line(row, text, layout)]
        if row.span is not None:
            lines += _details(row, row.span, logs.pop(row.span.span_id, []), layout)
        for line in lines:
            line.truncate(width)
            yield line
    for of_no_span in logs.values():
        for log in of_no_span:
            yield show_log_of_span(log, " " * _INDENT, width, typeface)
    if part.left_out:
        note = f"{typeface.glyphs.cut} {part.left_out} more spans and log records of this trace were left out"
        yield Text(" " * _INDENT + typeface.clean(note, width - _INDENT), style="yellow")


def _layout(tree: list[Row], labels: list[str], bounds: tuple[int, int], width: int, typeface: Typeface) -> _Layout:
    wanted = max(
        (len(_guides(row, typeface)) + cell_len(label) for row, label in zip(tree, labels, strict=True) if row.span),
        default=0,
    )
    fixed = _INDENT + _DURATION + 3
    bar = max(min(_BAR, width - fixed - wanted), width // 4) if width >= _NARROW else 0
    return _Layout(typeface, width, max(4, min(wanted, width - fixed - bar)), bar, *bounds)


def _header(part: Part, services: list[str], total: int, width: int, typeface: Typeface) -> Iterator[Text]:
    start = min(span.start for span in part.spans)
    errors = sum(span.status == "error" for span in part.spans)
    facts = [_count(len(part.spans), "span"), typeface.duration(total)]
    if errors:
        facts.insert(1, _count(errors, "error"))
    behind = f"  {', '.join(facts)}"
    line = Text().append(f"{clock(start)} ", style="dim")
    trace_id = f"  {part.trace_id[:32] or 'no trace id'}"
    room = width - line.cell_len - len(behind) - len(trace_id)
    names = ", ".join(services)
    # In a narrow terminal the id has its own line.
    alone = room < min(12, cell_len(names))
    line.append(typeface.clean(names, max(4, room + (len(trace_id) if alone else 0))), style="bold cyan")
    line.append(behind, style="bold red" if errors else "")
    if not alone:
        line.append(trace_id, style="dim")
    line.truncate(width)
    yield line
    if alone:
        yield Text(trace_id, style="dim")
    notes = ["continues a trace shown before" if part.shown_before else "continues a trace that was hidden"]
    notes = notes if part.continued else [] if part.rooted else ["root not received"]
    for note in notes:
        yield Text("  " + typeface.clean(note, width - 2), style="yellow")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _label(row: Row, part: Part, glyphs: Glyphs, *, several: bool) -> str:
    """Return the full label behind the tree's lines."""
    if row.span is None:
        name = part.before.get(row.missing)
        return f"{name} (received before)" if name is not None else f"parent {row.missing} not received"
    mark = f"{glyphs.mark} " if row.span.status == "error" else ""
    service = f" ({service_of(row.span)})" if several else ""
    return f"{mark}{row.span.name or '(no name)'}{service}"


def _guides(row: Row, typeface: Typeface) -> str:
    if not row.depth:
        return ""
    glyphs = typeface.glyphs
    undrawn = row.depth - 1 - len(row.rails)
    deep = f"+{undrawn} " if undrawn else ""
    return _rails(row.rails, typeface) + (glyphs.corner if row.last else glyphs.branch) + deep


def _rails(rails: tuple[bool, ...], typeface: Typeface) -> str:
    return "".join(typeface.glyphs.rail if goes_on else "   " for goes_on in rails)


def _line(row: Row, label: str, layout: _Layout) -> Text:
    typeface = layout.typeface
    line = Text(" " * _INDENT)
    line.append(_guides(row, typeface), style="dim")
    failed = row.span is not None and row.span.status == "error"
    if row.span is None:
        return line.append(typeface.clean(label, max(1, layout.width - line.cell_len)), style="yellow")
    style = "bold red" if failed else "" if row.depth else "bold"
    room = max(4, layout.label + _INDENT - line.cell_len)
    line.append(typeface.clean(label, room), style=style)
    line.append(" " * (layout.label + _INDENT - line.cell_len + 1))
    duration = "no end" if not row.span.end else typeface.duration(row.span.end - row.span.start)
    line.append(f"{duration:>{_DURATION}}  ", style="red" if failed else "dim")
    return line.append(_bar(row.span, layout), style="red" if failed else "green")


def _bar(span: ReceivedSpan, layout: _Layout) -> str:
    """Return the span's bar in the trace; at least one character."""
    total, glyphs = layout.end - layout.start, layout.typeface.glyphs
    if total <= 0 or not layout.bar:
        return glyphs.instant if layout.bar else ""
    first = min(layout.bar - 1, (span.start - layout.start) * layout.bar // total)
    length = max(0, span.end - span.start) * layout.bar / total
    return " " * first + (glyphs.bar * min(layout.bar - first, round(length)) or glyphs.instant)


def _details(row: Row, span: ReceivedSpan, logs: list[ReceivedLog], layout: _Layout) -> Iterator[Text]:
    """Yield the lines below a span: errors and log records."""
    glyphs = layout.typeface.glyphs
    above = _rails((*row.rails, not row.last) if row.depth else (), layout.typeface)
    prefix = " " * _INDENT + above + (glyphs.rail if row.grows else "   ")
    for reason in _reasons(span):
        line = Text().append(prefix, style="dim")
        yield line.append(layout.typeface.clean(reason, max(1, layout.width - line.cell_len)), style="red")
    for log in logs:
        yield show_log_of_span(log, prefix, layout.width, layout.typeface)


def _reasons(span: ReceivedSpan) -> list[str]:
    """Return the status message, and the exception if the message differs."""
    reasons = [span.status_message] if span.status_message and span.status == "error" else []
    for event in span.events:
        kind = as_text(event.attributes.get("exception.type"))
        message = as_text(event.attributes.get("exception.message"))
        exception = f"{kind}: {message}" if kind and message else kind or message
        if exception and exception not in reasons and not any(exception.endswith(f".{reason}") for reason in reasons):
            reasons.append(exception)
    return reasons

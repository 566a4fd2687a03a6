"""The picture as an SVG document: self-contained and readable on any background."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from html import escape

from distrokit.cli.picture import Box, Lane, Picture

#: Pixels. A character of the fixed-width font is 0.6 of its size wide, so the size of each text is known here.
_FONT, _WIDE, _LINE = 12, 7.25, 16
_WIDTH, _GAP, _PAD, _MARGIN = 236, 36, 10, 24
_CHARS = int((_WIDTH - 2 * _PAD) / _WIDE)
#: Placeholder for the second column of a wide character; not a Unicode character, so no text contains it.
_SECOND = "\uffff"
#: Largest number of lines of a text in a box; a longer text is cut, and complete in the tooltip.
_MOST = 4
_FILL = {
    "resource": "#e8eefc",
    "sampler": "#fdf3d8",
    "processor": "#eef0f2",
    "exporter": "#e3f3e6",
    "destination": "#d5ebf7",
    "nothing": "#f8e1e1",
}
_STYLE = (
    f"text{{font:{_FONT}px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace;fill:#1b1f24}}"
    ".t{font-weight:bold}.s{fill:#57606a}.box{stroke:#8c959f}.way{stroke:#57606a;stroke-width:1.5;fill:none}"
)


def svg(picture: Picture) -> str:
    """Return the document."""
    column: float = _MARGIN + _WIDTH + _GAP
    parts: list[str] = []
    y: float = _MARGIN + 2 * _LINE
    entries: list[float] = []
    widest = column
    for lane in picture.lanes:
        drawn = _Lane(lane, column, y)
        parts += drawn.parts
        entries.append(drawn.entry)
        widest = max(widest, drawn.right)
        y = drawn.bottom + _LINE
    middle = (entries[0] + entries[-1]) / 2
    height = _height(picture.resource)
    parts += _box(picture.resource, _MARGIN, middle - height / 2)
    parts += [_way(_MARGIN + _WIDTH, middle, column, entry) for entry in entries]
    y = max(y, middle + height / 2 + _LINE)
    chars = int((widest - 2 * _MARGIN) / _WIDE)
    for note in picture.notes:
        for line in textwrap.wrap(note, chars, subsequent_indent="  "):
            parts.append(_text(line, _MARGIN, y + _FONT, "s"))
            y += _LINE
    width, total = round(widest + _MARGIN), round(y + _MARGIN)
    title = f"The telemetry pipeline of {picture.title}"
    return "\n".join([*_head(title, width, total), *parts, "</svg>\n"])


def _head(title: str, width: int, height: int) -> Iterator[str]:
    size = f'width="{width}" height="{height}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {height}" role="img">'
    yield f"<title>{_safe(title)}</title>"
    yield f"<style>{_STYLE}</style>"
    tip = '<path d="M0 0L8 4L0 8z" fill="#57606a"/>'
    place = 'viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"'
    yield f'<defs><marker id="tip" {place}>{tip}</marker></defs>'
    yield f'<rect {size} fill="#ffffff"/>'
    yield _text(_cut(title, int((width - 2 * _MARGIN) / _WIDE)), _MARGIN, _MARGIN + _FONT, "t")


class _Lane:
    """One signal: a title, the boxes in a row, and the branches below one another."""

    def __init__(self, lane: Lane, x: float, y: float) -> None:
        self.parts: list[str] = []
        rows = max(sum(self._row(branch) for branch in lane.branches), self._row(lane.boxes))
        top = y + _LINE
        self.parts.append(_text(lane.signal, x, y + _FONT, "t"))
        self.entry = middle = top + rows / 2
        self.right = x
        for box in lane.boxes:
            if self.right > x:
                self.parts.append(_way(self.right - _GAP, middle, self.right, middle))
            self.parts += _box(box, self.right, middle - _height(box) / 2)
            self.right += _WIDTH + _GAP
        begin, at = self.right, top
        ends = [begin]
        for branch in lane.branches:
            row = self._row(branch)
            line = at + row / 2
            ends.append(self._branch(branch, begin, line))
            if begin > x:
                self.parts.append(_way(begin - _GAP, middle, begin, line))
            at += row
        self.right, self.bottom = max(ends), top + rows

    @staticmethod
    def _row(boxes: Sequence[Box]) -> float:
        return max((_height(box) for box in boxes), default=0) + _LINE

    def _branch(self, branch: Sequence[Box], x: float, line: float) -> float:
        for number, box in enumerate(branch):
            if number:
                self.parts.append(_way(x - _GAP, line, x, line))
            self.parts += _box(box, x, line - _height(box) / 2)
            x += _WIDTH + _GAP
        return x - _GAP


def _wrapped(text: str) -> list[str]:
    # Counted in columns: East Asian characters and emoji are two wide.
    spread = "".join(c + _SECOND if unicodedata.east_asian_width(c) in "WF" else c for c in text)
    lines = textwrap.wrap(spread, _CHARS, break_on_hyphens=False) or [""]
    if len(lines) > _MOST:
        lines = [*lines[: _MOST - 1], _cut(lines[_MOST - 1] + "…" * 2, _CHARS)]
    return [line.replace(_SECOND, "") for line in lines]


def _rows(box: Box) -> Iterator[tuple[str, str]]:
    for line in _wrapped(box.title):
        yield line, "t"
    for text in box.lines:
        for line in _wrapped(text):
            yield line, "s"


def _height(box: Box) -> float:
    return len(list(_rows(box))) * _LINE + 2 * _PAD


def _box(box: Box, x: float, y: float) -> Iterator[str]:
    yield f"<g><title>{_safe(' · '.join((box.title, *box.lines)))}</title>"
    yield (
        f'<rect class="box" x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_height(box):g}" rx="6"'
        f' fill="{_FILL[box.kind]}"/>'
    )
    for number, (line, style) in enumerate(_rows(box)):
        yield _text(line, x + _PAD, y + _PAD + _FONT + number * _LINE, style)
    yield "</g>"


def _text(text: str, x: float, y: float, style: str) -> str:
    return f'<text class="{style}" x="{x:g}" y="{y:g}">{_safe(text)}</text>'


def _way(x1: float, y1: float, x2: float, y2: float) -> str:
    half = (x1 + x2) / 2
    return (
        f'<path class="way" marker-end="url(#tip)" d="M{x1:g} {y1:g}C{half:g} {y1:g} {half:g} {y2:g} {x2:g} {y2:g}"/>'
    )


def _cut(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: max(chars - 1, 0)] + "…"


def _safe(text: str) -> str:
    """Escape a text for XML; control characters become ``?``."""
    return escape("".join(c if c.isprintable() else "?" for c in text))

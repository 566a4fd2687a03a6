"""The picture as a Mermaid flowchart, which ticket systems and Markdown viewers draw."""

from __future__ import annotations

from collections.abc import Iterator

from distrokit.cli.picture import Box, Picture

_SHAPES = {"destination": ('[("', '")]'), "resource": ('(["', '"])')}


def mermaid(picture: Picture) -> str:
    """Return the text of a ``flowchart LR``."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    yield "flowchart LR"
    yield f"  resource{_label(picture.resource)}"
    for lane in picture.lanes:
        yield f"  subgraph {lane.signal}"
        edges = []
        common = [f"{lane.signal}{at}" for at in range(len(lane.boxes))]
        for name, box in zip(common, lane.boxes, strict=True):
            yield f"    {name}{_label(box)}"
        edges.append(" --> ".join(["resource", *common]))
        for number, branch in enumerate(lane.branches):
            names = [f"{lane.signal}_{number}_{at}" for at in range(len(branch))]
            for name, box in zip(names, branch, strict=True):
                yield f"    {name}{_label(box)}"
            edges.append(" --> ".join([(["resource", *common])[-1], *names]))
        yield "  end"
        yield from (f"  {edge}" for edge in edges if "-->" in edge)
    for at, note in enumerate(picture.notes):
        yield f'  note{at}>"{_text(note)}"]'


def _label(box: Box) -> str:
    left, right = _SHAPES.get(box.kind, ('["', '"]'))
    return f"{left}{'<br/>'.join(map(_text, (box.title, *box.lines)))}{right}"


def _text(text: str) -> str:
    """Escape characters that Mermaid reads as syntax, by their number."""
    return "".join(f"#{ord(c)};" if c in '"<>#;&`{}[]|\\' or not c.isprintable() else c for c in text)

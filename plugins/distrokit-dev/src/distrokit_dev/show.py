"""Prints received spans: resource, scope, and a tree."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime, timezone
from typing import TypeVar

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from distrokit_dev.received import ReceivedSpan

Key = TypeVar("Key", bound=Hashable)

_STATUS_STYLE = {"ok": "green", "error": "bold red"}


def show_demo(
    protocol: str, program: str, stdout: str, stderr: str, spans: Sequence[ReceivedSpan], complaint: str
) -> None:
    """Print the demo: the program, its output, the received spans, and the next step."""
    console = Console(highlight=False, soft_wrap=True)
    console.print("[bold]opentelemetry-instrument python no_configuration.py[/]\n")
    for line in program.splitlines():
        console.print(f"    {escape(line)}", style="dim")
    console.print(f"\nstdout       {escape(stdout.strip())}")
    if stderr.strip():
        console.print(f"stderr       {escape(stderr.strip())}", style="yellow")
    console.print(f"received     {len(spans)} spans over OTLP, {protocol}\n")
    show_spans(console, spans)
    if complaint:
        console.print(f"\n[bold red]Failed:[/] {escape(complaint)}")
        console.print("Run `distrokit doctor` to find the reason.")
        return
    console.print("\n[bold]Your own program:[/] with an OTLP receiver on localhost:4317,")
    console.print("    OTEL_SERVICE_NAME=my-service opentelemetry-instrument python app.py")


def show_spans(console: Console, spans: Sequence[ReceivedSpan]) -> None:
    """Print spans by resource and scope; below these each trace as a tree."""
    for of_resource in _group_by(spans, lambda span: tuple(sorted(map(str, span.resource.items())))).values():
        console.print("[bold]resource[/]")
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
        for name, value in sorted(of_resource[0].resource.items()):
            table.add_row(name, escape(str(value)))
        console.print(table)
        for scope, of_scope in _group_by(of_resource, lambda span: span.scope).items():
            console.print(f"[bold]scope[/]  {escape(scope.name)} {escape(scope.version)}".rstrip())
            for trace_id, of_trace in _group_by(of_scope, lambda span: span.trace_id).items():
                console.print(_tree(trace_id, of_trace))


def _tree(trace_id: str, spans: Sequence[ReceivedSpan]) -> Tree:
    tree = Tree(f"[bold]trace[/]  {trace_id}", guide_style="dim")
    ids = {span.span_id for span in spans}
    by_parent = _group_by(spans, lambda span: span.parent_span_id)

    def grow(branch: Tree, children: Sequence[ReceivedSpan]) -> None:
        for span in sorted(children, key=lambda child: child.start):
            grow(branch.add(_label(span)), by_parent.get(span.span_id, []))

    grow(tree, [span for span in spans if span.parent_span_id not in ids])
    return tree


def _label(span: ReceivedSpan) -> str:
    start = datetime.fromtimestamp(span.start / 1e9, tz=timezone.utc)
    style = _STATUS_STYLE.get(span.status, "default")
    status = f"status {span.status}" + (f" ({span.status_message})" if span.status_message else "")
    # Two lines, to fit into 80 columns.
    return (
        f"[bold]{escape(span.name)}[/]  {span.duration_ms:.3f} ms  [{style}]{escape(status)}[/]\n"
        f"[dim]id {span.span_id}  start {start:%Y-%m-%d %H:%M:%S.%f} UTC[/]"
    )


def _group_by(spans: Iterable[ReceivedSpan], key: Callable[[ReceivedSpan], Key]) -> dict[Key, list[ReceivedSpan]]:
    groups: dict[Key, list[ReceivedSpan]] = {}
    for span in spans:
        groups.setdefault(key(span), []).append(span)
    return groups

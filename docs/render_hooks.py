"""Writes ``docs/hooks.md`` from the hook specifications: ``uv run python docs/render_hooks.py``.

A test compares the two.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from textwrap import dedent
from types import FunctionType

from distrokit import hookspecs

PAGE = Path(__file__).with_name("hooks.md")

HEAD = """# Hooks

<!-- Made from distrokit/hookspecs.py by `uv run python docs/render_hooks.py`; change it there. -->

A plugin is a module with functions marked `@hookimpl`, published under the entry-point group `distrokit`.
These are all hooks, in call order.

"""


TAIL = """
## What each stage is given

| stage | traces | logs | metrics |
|---|---|---|---|
| `enrich` | `on_start(span, parent_context)`: the span, to be written to. `on_end(span)` of it is called as well | `on_emit(record)`: a `ReadWriteLogRecord`, to be written to | a function: `MetricsData` to `MetricsData` |
| `transform` | a function: the finished `ReadableSpan` to itself, to `replace_span(span, …)`, or to `None` | a function: the `ReadWriteLogRecord` to itself, or to `None` | a function: `MetricsData` to `MetricsData`, or to `None` |
| `derive` | `on_end(span)`: what the transforms left | `on_emit(record)`: likewise | a function: `MetricsData` to nothing |
| `export` | the exporter; returns the `SpanProcessor` that feeds it | the exporter; returns the `LogRecordProcessor` | the exporter; returns the `MetricReader` |

`None` drops the item. A transform that raises, or returns a value of another type, also drops it, and is reported once.

- **A span** that has ended is read-only. `replace_span(span, attributes=…, name=…, …)` returns a changed copy.
- **A log record** is changed in place, and returned. `record.log_record` has `body`, `attributes`, `severity_text`,
  `severity_number` and the ids of the span; replace `attributes` by a new mapping, do not write into it. A transform for single
  exporters (`exporters=…`) gets a copy of the record, so that the other exporters get the original.
- **Metrics** come as one `MetricsData` per collection. Its parts are frozen dataclasses: `dataclasses.replace` makes new ones.

```python
from distrokit import Processor, hookimpl


def make(context):
    def without_card(record):
        log = record.log_record
        attributes = dict(log.attributes or {})
        if attributes.pop("card", None) is not None:
            log.attributes = attributes
        if isinstance(log.body, str):
            log.body = log.body.replace("4000 1234", "****")
        return record

    return without_card


@hookimpl
def distrokit_processors():
    return [Processor("acme-no-cards-in-logs", "logs", "transform", make)]
```

## Threads and time

| code of a plugin | runs on | time limit |
|---|---|---|
| hooks up to `distrokit_instrumented`, factories | the thread that starts the process | none: the application's start waits |
| resource detectors | a thread each | `DISTROKIT_DETECTOR_TIMEOUT`, 2,000 ms for all; a late one is left out |
| samplers, id generators, propagators | the application's thread, for every span or request | none: the application waits |
| `measure`, and `enrich`, `transform`, `derive` of traces and logs | the application's thread, inside `counter.add()`, `span.end()` or `logger.info()` | none: the application waits; any number of threads call them at the same time |
| the others of metrics | the reader's thread, or the one that flushes | the interval of the reader |
| exporters | the thread of the processor that feeds them, or the one that flushes; with `simple` the application's | the timeout they are given |
| `distrokit_stopping` | the thread that ends the process, or one of distrokit's | half of `DISTROKIT_EXIT_TIMEOUT`, for all plugins together |

Do not wait for a network, a lock or a disk on the application's thread. Put the item into a queue for a thread of your own. Start the
thread with the first item, with `distrokit.start_thread`, so that it takes no signal away from the application; renew both in `forked()`.

## What a plugin cannot do

- **Decide about a whole trace after the fact.** A span passes the stages when it ends, children before the root, and never together
  with the spans of other services. Decide when the trace starts: a [sampler](#distrokit_samplers), or one that wraps the current
  sampler (`plan.wrap_sampler` in [`distrokit_plan`](#distrokit_plan)), gets the name, kind and first attributes, and its decision
  applies to the children. To keep failed or slow traces only, send everything and use the tail-sampling processor of a
  Collector. A `transform` may drop single spans, which leaves incomplete traces. An `export` processor of your own can
  hold the spans of this process until the local root ends; it must then limit memory and time, and handle the end of the process.
- **Add attributes to single measurements.** `counter.add(1, {…})` is aggregated immediately, and the stages get sums and histograms.
  Attributes that are the same for the whole process belong on the resource ([`distrokit_resource`](#distrokit_resource)). For fewer attributes, other
  buckets or another name, declare a [view](#distrokit_views). A `transform` can add an attribute that follows from existing ones to
  each point. An attribute of a single request must be given with the measurement: by the application, or by a hook of the
  instrumentation if it has one.
- **Run stages for an exporter that is scraped**, such as `prometheus`: it reads the meter provider itself. Views do apply.
- **Start where no launcher works**: `python -I`, a pex file, a frozen executable. See [programs that carry their
  libraries](frozen-programs.md).
- **Prevent the application from starting.** Only the user's `DISTROKIT_STRICT=1` does.
"""


def hooks() -> list[FunctionType]:
    """Return the specifications, in the order of the file, which is call order."""
    return [f for n, f in vars(hookspecs).items() if n.startswith("distrokit_") and inspect.isfunction(f)]


def signature(hook: FunctionType) -> str:
    """Return, for example, ``distrokit_plan(plan)``."""
    return f"{hook.__name__}({', '.join(inspect.signature(hook).parameters)})"


def examples(hook: FunctionType) -> str:
    """Return the code after ``Example::``."""
    return dedent((hook.__doc__ or "").partition("Example::")[2]).strip() + "\n"


def render() -> str:
    """Return the whole page."""
    common = inspect.cleandoc(hookspecs.__doc__ or "").partition("Common to all:")[2].strip()
    parts = [HEAD, common[0].upper() + _markdown(common[1:]), "\n"]
    for hook in hooks():
        text = inspect.cleandoc(hook.__doc__ or "").partition("Example::")[0].strip()
        lines = re.sub(
            r"^(When|Process|Arguments|Returns|``attempt``|``None``|On an exception|Mind):",
            r"- **\1:**",
            text,
            flags=re.MULTILINE,
        )
        returns = str(inspect.signature(hook).return_annotation)
        # Links point to the heading, so it has no arguments, which may change.
        parts.append(f"\n## `{hook.__name__}`\n\n`{signature(hook)}`\n\n{_markdown(lines)}\n")
        parts.append(f"- **Result type:** `{returns}`\n")
        parts.append(f"\n```python\n{examples(hook)}```\n")
    return "".join([*parts, TAIL])


def _markdown(text: str) -> str:
    """Convert reStructuredText roles and literals to Markdown."""
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")

"""Writes ``docs/hooks.md`` from the hook specifications: ``uv run python docs/render_hooks.py``.

A test holds the two equal.
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
These are all the hooks, in the order they are called.

"""


TAIL = """
## What each stage is given

| stage | traces | logs | metrics |
|---|---|---|---|
| `enrich` | `on_start(span, parent_context)`: the span, to be written to. `on_end(span)` of it is called as well | `on_emit(record)`: a `ReadWriteLogRecord`, to be written to | a function: `MetricsData` to `MetricsData` |
| `transform` | a function: the finished `ReadableSpan` to itself, to `replace_span(span, …)`, or to `None` | a function: the `ReadWriteLogRecord` to itself, or to `None` | a function: `MetricsData` to `MetricsData`, or to `None` |
| `derive` | `on_end(span)`: what the transforms left | `on_emit(record)`: likewise | a function: `MetricsData` to nothing |
| `export` | the exporter; returns the `SpanProcessor` that feeds it | the exporter; returns the `LogRecordProcessor` | the exporter; returns the `MetricReader` |

`None` drops the item. A transform that raises, or returns something of another type, drops it as well, and is named once.

- **A span** that has ended cannot be written to. `replace_span(span, attributes=…, name=…, …)` makes another one of it.
- **A log record** is changed in place, and returned. `record.log_record` has `body`, `attributes`, `severity_text`,
  `severity_number` and the ids of the span; `attributes` is replaced by a new mapping, and not written into. In front of single
  exporters (`exporters=…`) the record is a copy of its own, so that the others get it as it was.
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

| code of a plugin | runs on | may take |
|---|---|---|
| hooks up to `distrokit_instrumented`, factories | the thread that starts the process; the application waits | as long as it takes: the start waits |
| resource detectors | a thread each | `DISTROKIT_DETECTOR_TIMEOUT`, 2,000 ms for all; what is late is left out |
| samplers, id generators, propagators | the application's thread, for every span or request | no limit: the application waits |
| `enrich`, `transform`, `derive` of traces and logs | the application's thread, inside `span.end()` or `logger.info()` | likewise; any number of threads at a time |
| the same of metrics | the reader's thread, or the one that flushes | the interval of the reader |
| exporters | the thread of the processor that feeds them, or the one that flushes; with `simple` the application's | the timeout they are given |
| `distrokit_stopping` | the thread that ends the process, or one of distrokit's | half of `DISTROKIT_EXIT_TIMEOUT`, for all plugins together |

What waits for a network, a lock or a disk has no place on the application's thread: hand the item to a queue and a thread of your own,
started with the first item, and made anew in `forked()`.

## What a plugin cannot do

- **Decide about a whole trace after the fact.** A span passes the stages when it ends, the children before the root, and the spans
  of other services never come by. Decide when the trace begins: a [sampler](#distrokit_samplers), or one around whatever samples
  (`plan.wrap_sampler` in [`distrokit_plan`](#distrokit_plan)), sees the name, kind and first attributes, and its decision holds for
  the children. Where the end must decide (keep what failed or was slow), send everything and let the tail-sampling processor of a
  Collector choose. A `transform` may drop single spans, which leaves traces with holes. An `export` processor of your own can
  hold the spans of this process until the local root ends; memory, time and the end of the process are its business then.
- **Add attributes to single measurements.** `counter.add(1, {…})` is aggregated at once, and the stages see sums and histograms.
  What is the same for the process belongs on the resource ([`distrokit_resource`](#distrokit_resource)). Fewer attributes, other
  buckets, another name: a [view](#distrokit_views). An attribute that follows from those that are there can be added to each point by a
  `transform`. What only the request knows must be given where it is measured: by the application, or by a hook of the
  instrumentation that takes one.
- **Stand in front of an exporter that is scraped**, such as `prometheus`: it reads the meter provider by itself. Views take effect there.
- **Start where no launcher comes**: `python -I`, a pex file, a frozen executable. See [programs that carry their
  libraries](frozen-programs.md).
- **Keep the application from starting.** Only the user's `DISTROKIT_STRICT=1` does.
"""


def hooks() -> list[FunctionType]:
    """The specifications, in the order of the file, which is the order of the calls."""
    return [f for n, f in vars(hookspecs).items() if n.startswith("distrokit_") and inspect.isfunction(f)]


def signature(hook: FunctionType) -> str:
    """``distrokit_plan(plan)``."""
    return f"{hook.__name__}({', '.join(inspect.signature(hook).parameters)})"


def examples(hook: FunctionType) -> str:
    """The code after ``Example::``."""
    return dedent((hook.__doc__ or "").partition("Example::")[2]).strip() + "\n"


def render() -> str:
    """The whole page."""
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
        # The heading is what links lead to; a hook may gain an argument.
        parts.append(f"\n## `{hook.__name__}`\n\n`{signature(hook)}`\n\n{_markdown(lines)}\n")
        parts.append(f"- **Type of the answer:** `{returns}`\n")
        parts.append(f"\n```python\n{examples(hook)}```\n")
    return "".join([*parts, TAIL])


def _markdown(text: str) -> str:
    """reStructuredText's few marks as Markdown's."""
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")

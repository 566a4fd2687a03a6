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
            r"^(When|Process|Arguments|Returns|``None``|On an exception|Mind):", r"- **\1:**", text, flags=re.MULTILINE
        )
        returns = str(inspect.signature(hook).return_annotation)
        # The heading is what links lead to; a hook may gain an argument.
        parts.append(f"\n## `{hook.__name__}`\n\n`{signature(hook)}`\n\n{_markdown(lines)}\n")
        parts.append(f"- **Type of the answer:** `{returns}`\n")
        parts.append(f"\n```python\n{examples(hook)}```\n")
    return "".join(parts)


def _markdown(text: str) -> str:
    """reStructuredText's few marks as Markdown's."""
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")

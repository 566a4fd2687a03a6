"""Print the names of the instrumentations that are applied in this process, as JSON."""

from __future__ import annotations

import json
import sys
from importlib.metadata import entry_points


def main() -> None:
    """Ask each of them."""
    active: list[str] = [
        entry_point.name
        for entry_point in entry_points(group="opentelemetry_instrumentor")
        if entry_point.load()().is_instrumented_by_opentelemetry
    ]
    sys.stdout.write(json.dumps(sorted(active)) + "\n")


if __name__ == "__main__":
    main()

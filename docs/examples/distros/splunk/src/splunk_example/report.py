"""Reports the running pipeline; written to a file, where an OpAMP client would send it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from distrokit import Plan


def write_report(plan: Plan, resource: dict[str, Any], path: str) -> None:
    """Write the effective plan, which shows no secret, with the resource as it was found.

    Raises: ``OSError``.
    """
    described = plan.describe()
    parts = {name: described[name] for name in ("distro", "sampler", "propagators", "signals", "problems")}
    Path(path).write_text(json.dumps({"resource": resource, **parts}, indent=2, default=str), encoding="utf-8")

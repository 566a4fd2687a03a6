"""The circumstances of a measurement: machine, Python, packages, date."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.environments import INSTRUMENTATIONS, Environments, versions

_PACKAGES = (
    "opentelemetry-distro",
    "opentelemetry-sdk",
    "opentelemetry-instrumentation",
    "opentelemetry-exporter-otlp-proto-grpc",
    "grpcio",
    "protobuf",
)


def describe(environments: Environments, project: Path, protocol: str, runs: int) -> dict[str, Any]:
    """Return the circumstances as plain data. The load is the machine's at this moment."""
    upstream, ours = versions(environments.none.upstream), versions(environments.none.ours)
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {_memory()}, {platform.system()} {platform.release()}",
        "load": f"{os.getloadavg()[0]:.2f}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "protocol": protocol,
        "runs": runs,
        "instrumentations": INSTRUMENTATIONS,
        "distrokit": f"{ours['distrokit']}{_commit(project)}",
        "upstream": {name: upstream[name] for name in _PACKAGES if name in upstream},
        "project": str(project),
    }


def as_text(about: dict[str, Any], *, markdown: bool) -> str:
    """Return the circumstances and the key to the tables as a few lines."""
    packages = ", ".join(f"{name} {version}" for name, version in about["upstream"].items())
    lines = [
        f"{about['date']}; {about['machine']}; load {about['load']} before the first run",
        f"{about['python']}; {packages}",
        f"distrokit {about['distrokit']}; OTLP over {about['protocol']}; {about['instrumentations']} instrumentations",
        f"Medians of {about['runs']} runs in turns. Column bare: the program without telemetry.",
        "Other columns: what the launcher adds to that.",
        "In brackets: what distrokit adds, divided by what upstream adds.",
    ]
    if markdown:
        return "\n".join(f"- {line}" for line in lines)
    return "\n".join(lines)


def _processor() -> str:
    try:
        lines: Sequence[str] = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = ()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> str:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{pages / 2**30:.0f} GiB"


def _commit(project: Path) -> str:
    """Return the project's commit in words; empty if it is no clone."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(project), *words]
        try:
            result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (git)
        except OSError:
            return ""
        return result.stdout.strip() if result.returncode == 0 else ""

    commit = git("rev-parse", "--short", "HEAD")
    changed = " with changes" if git("status", "--porcelain", "--", "distrokit", "plugins") else ""
    return f" at {commit}{changed}" if commit else ""

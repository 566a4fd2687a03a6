"""Declares the detectors for service instance, host, operating system, process and container.

Each detector reads the standard library or ``/proc``, within microseconds. The command line is left out, because it
often holds secrets (opentelemetry-python#5364).
"""

from __future__ import annotations

import os
import platform
import re
import socket
import sys
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from distrokit import ResourceDetector, Settings, __version__, hookimpl

Attributes = dict[str, "str | int"]

_CONTAINER_ID = re.compile(r"(?:^|[/:-])([0-9a-f]{64})(?:$|[/.])")


@hookimpl(trylast=True)
def distrokit_resource(settings: Settings) -> list[ResourceDetector]:
    """Declare the detectors; ``OTEL_EXPERIMENTAL_RESOURCE_DETECTORS`` selects, by default all but ``service``."""
    # From the environment: a configuration file replaces this variable, but the schema's detector is defined by it.
    name = settings.environ.get("OTEL_SERVICE_NAME", "").strip()
    return [
        ResourceDetector("service", lambda: service(name), default=False),
        ResourceDetector("service_instance", service_instance),
        ResourceDetector("host", host),
        ResourceDetector("os", operating_system),
        ResourceDetector("process", process),
        ResourceDetector("container", container),
        ResourceDetector("distro", distro),
    ]


def service_instance() -> Attributes:
    """Return a random id per process (semantic conventions, ``service.instance.id``)."""
    return {"service.instance.id": str(uuid.uuid4())}


def service(name: str) -> Attributes:
    """Return instance id, and ``OTEL_SERVICE_NAME`` if set (configuration schema, ``service`` detector)."""
    return {**service_instance(), **({"service.name": name} if name else {})}


def host() -> Attributes:
    """Return name and architecture of the machine."""
    return {"host.name": socket.gethostname(), "host.arch": platform.machine().lower()}


def operating_system() -> Attributes:
    """Return type and version of the operating system."""
    return {"os.type": platform.system().lower(), "os.version": platform.release()}


def process() -> Attributes:
    """Return process id, executable and Python version; no command line, see above.

    In a forked child the pipeline replaces the process id.
    """
    return {
        "process.pid": os.getpid(),
        "process.executable.path": sys.executable or "",
        "process.executable.name": os.path.basename(sys.executable or ""),
        "process.runtime.name": sys.implementation.name,
        "process.runtime.version": platform.python_version(),
    }


def container() -> Attributes:
    """Return the container's id, from the cgroup (v1) or the mounts (v2); empty outside a container."""
    for path in ("/proc/self/cgroup", "/proc/self/mountinfo"):
        try:
            lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for found in container_ids(lines):
            return {"container.id": found}
    return {}


def container_ids(lines: Iterable[str]) -> Iterator[str]:
    """Yield the ids in lines of ``/proc/self/cgroup`` or ``/proc/self/mountinfo``."""
    for line in lines:
        # A mount line has many paths; the container's files are below its id.
        words = [word for word in line.split() if "/containers/" in word] if " - " in line else [line.strip()]
        for word in words:
            yield from _CONTAINER_ID.findall(word)


def distro() -> Attributes:
    """Return name and version of the distro (semantic conventions, ``telemetry.distro``)."""
    return {"telemetry.distro.name": "distrokit", "telemetry.distro.version": __version__}

"""Declares the detectors for service instance, host, operating system, process and container.

Every one reads what the standard library or ``/proc`` says in microseconds. The command line is left
out on purpose: it holds secrets too often (opentelemetry-python#5364).
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
    """The detectors, all on by default but ``service``; ``OTEL_EXPERIMENTAL_RESOURCE_DETECTORS`` picks among them."""
    # A file takes the place of this variable, but for its detector of this name, which is defined by it.
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
    """A random id per process (semantic conventions, ``service.instance.id``)."""
    return {"service.instance.id": str(uuid.uuid4())}


def service(name: str) -> Attributes:
    """The configuration schema's ``service`` detector: instance id, and ``OTEL_SERVICE_NAME`` if it is set."""
    return {**service_instance(), **({"service.name": name} if name else {})}


def host() -> Attributes:
    """Name and architecture of the machine."""
    return {"host.name": socket.gethostname(), "host.arch": platform.machine().lower()}


def operating_system() -> Attributes:
    """Kind and version of the operating system."""
    return {"os.type": platform.system().lower(), "os.version": platform.release()}


def process() -> Attributes:
    """This process's program and its Python.

    Without the command line, see above. In a forked child the pipeline puts in the child's id.
    """
    return {
        "process.pid": os.getpid(),
        "process.executable.path": sys.executable or "",
        "process.executable.name": os.path.basename(sys.executable or ""),
        "process.runtime.name": sys.implementation.name,
        "process.runtime.version": platform.python_version(),
    }


def container() -> Attributes:
    """The container's id, from the cgroup (v1) or the mounts (v2); nothing outside a container."""
    for path in ("/proc/self/cgroup", "/proc/self/mountinfo"):
        try:
            lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        for found in container_ids(lines):
            return {"container.id": found}
    return {}


def container_ids(lines: Iterable[str]) -> Iterator[str]:
    """The ids named in lines of ``/proc/self/cgroup`` or ``/proc/self/mountinfo``."""
    for line in lines:
        # A mount line names many paths; the container's own files are the ones under its id.
        words = [word for word in line.split() if "/containers/" in word] if " - " in line else [line.strip()]
        for word in words:
            yield from _CONTAINER_ID.findall(word)


def distro() -> Attributes:
    """Who assembled the pipeline (semantic conventions, ``telemetry.distro``)."""
    return {"telemetry.distro.name": "distrokit", "telemetry.distro.version": __version__}

"""The distros that are measured side by side, each as its users start it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.environments import Environments, prepare_other
from benchmarks.installer import BenchmarkError
from benchmarks.launchers import BARE, RUN, UPSTREAM, Environ, Launcher


@dataclass(frozen=True)
class Distro:
    """A distro, or a way to use one.

    Attributes:
        name: for ``--distro`` and the tables.
        launcher: starts a program under it.
        packages: another vendor's packages; empty for upstream and distrokit, which have environments anyway.
        environ: more environment variables.
        protocol: the only one that it sends with; ``None`` if it has both.
        remark: for the head of the tables.
    """

    name: str
    launcher: Launcher
    packages: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    protocol: str | None = None
    remark: str = ""

    def find_environment(self, environments: Environments, others: Mapping[str, Path]) -> Path:
        """Return the folder of its environment."""
        pair = environments.none
        return others[self.name] if self.packages else pair.ours if self.launcher.ours else pair.upstream


def _start_logfire(environment: Path, command: list[str], environ: Environ) -> tuple[list[str], Environ]:
    """Start the program with the one beside it that starts Logfire: Logfire has no launcher that exports to OTLP."""
    python, program, *arguments = command
    return [python, str(Path(program).with_name("with_logfire.py")), program, *arguments], environ


#: Two vendors' packages bring instrumentations along. The others are measured without any.
_NO_INSTRUMENTATIONS = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "logging,system_metrics"}

NONE = Distro("no telemetry", BARE)
BASE = Distro("upstream", UPSTREAM)
DISTROS = (
    BASE,
    Distro("distrokit", RUN),
    Distro("distrokit-sdk", RUN, environ={"DISTROKIT_TRACER": "sdk"}, remark="DISTROKIT_TRACER=sdk"),
    Distro(
        "splunk",
        UPSTREAM,
        ("splunk-opentelemetry==2.13.2",),
        # Its limits stay as they are: any number of attributes, and values of up to 12,000 characters.
        environ=_NO_INSTRUMENTATIONS,
        remark="without the instrumentations that it brings",
    ),
    Distro(
        "elastic",
        UPSTREAM,
        ("elastic-opentelemetry==1.18.0",),
        environ={
            **_NO_INSTRUMENTATIONS,
            # Its own sampler keeps no attributes that a span is started with, so it would record and send less.
            "OTEL_TRACES_SAMPLER": "parentbased_always_on",
            # Its own without those that ask a cloud's address for metadata at each start.
            "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "process_runtime,os,telemetry_distro,service_instance,otel",
        },
        remark="with upstream's sampler, and without instrumentations and cloud detectors",
    ),
    Distro(
        "logfire",
        Launcher("logfire", ours=False, apply=_start_logfire),
        ("logfire==5.4.0",),
        # Its exporters to other receivers send over HTTP only.
        protocol="http/protobuf",
        remark="send_to_logfire=False, always over http/protobuf",
    ),
)


def prepare_distros(
    folder: Path, distros: Sequence[Distro], log: Callable[[str], None]
) -> tuple[list[Distro], dict[str, Path]]:
    """Make the environments of other vendors' distros.

    Returns: the distros that can be measured, and by name the environments that were made. A distro that cannot be
    installed from wheels is left out, and the reason is logged.
    """
    found, others = [], {}
    for distro in distros:
        if distro.packages:
            try:
                others[distro.name] = prepare_other(folder, distro.name, distro.packages, log)
            except BenchmarkError as error:
                log(f"{distro.name} is left out: {' '.join(str(error).split())[:500]}")
                continue
        found.append(distro)
    return found, others

"""Runs the applications of :mod:`late_applications` beside distrokit, with a receiver for each side."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interpreters import Environment
from late_applications import APPLICATIONS
from late_plugins import BY_DURATION, REDACTOR, SECRET
from late_programs import SHOP
from late_receivers import LateReceiver

#: cuid, which Traceloop needs, has no wheel; it is pure Python.
_ONLY_WHEELS = ("--only-binary", ":all:", "--no-binary", "cuid")


@dataclass(frozen=True)
class Outcome:
    """A run: what it printed, and what distrokit's receiver (``ours``) and the vendor's got."""

    ours: LateReceiver
    vendor: LateReceiver
    lines: list[str]
    said: str
    code: int

    def sent(self, path: str = "/") -> Counter[str]:
        """The names of the spans that the vendor got at a path, or below it."""
        return Counter(span.name for span in self.vendor.spans(path))

    def attributes(self, name: str, path: str = "/") -> dict[str, Any]:
        """The attributes of the only span of this name."""
        (span,) = (span for span in self.vendor.spans(path) if span.name == name)
        return span.attributes


class LateRuns:
    """An environment with distrokit and one SDK, and runs in it.

    Args:
        folder: of the environment.
        wheels: distrokit's.
    """

    def __init__(self, folder: Path, wheels: Path) -> None:
        self._environment = Environment(folder, wheels)
        self._packages: tuple[str, ...] = ()

    def __call__(self, name: str, placement: str = "behind", *plugins: str) -> Outcome:
        """Run an application under the launcher, with the redactor and more plugin files.

        Args:
            name: of the application. All applications of one environment have the same packages.
            placement: of late processors.
            plugins: names of plugin files.
        """
        application, folder = APPLICATIONS[name], self._environment.folder
        if self._packages != application.packages:
            self._install(application.packages)
        # Not named like the SDK's package, which it imports.
        program = folder / f"with_{name}.py"
        program.write_text(application.program)
        with LateReceiver() as ours, LateReceiver() as vendor:
            env = {
                # Both, since some SDKs look for the one or the other.
                "OTEL_EXPORTER_OTLP_ENDPOINT": ours.url,
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{ours.url}/v1/traces",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_RESOURCE_ATTRIBUTES": f"owner={SECRET}",
                "DISTROKIT_PLUGIN_FILES": ",".join(str(folder / f"{plugin}.py") for plugin in ("redactor", *plugins)),
                "DISTROKIT_LATE_PROCESSORS": placement,
                "VENDOR_URL": vendor.url,
                **application.environ(vendor.url),
            }
            ran = self._environment.run("opentelemetry-instrument", "python", program.name, env=env)
        return Outcome(ours, vendor, ran.stdout.splitlines(), ran.stderr, ran.returncode)

    def _install(self, packages: tuple[str, ...]) -> None:
        assert not self._packages, "make another environment"
        self._packages = packages
        own = ("distrokit[otlp]", "opentelemetry-instrumentation-logging")
        self._environment.install(*own, *packages, options=_ONLY_WHEELS)
        for module, text in {"shop": SHOP, "redactor": REDACTOR, "by_duration": BY_DURATION}.items():
            (self._environment.folder / f"{module}.py").write_text(text)

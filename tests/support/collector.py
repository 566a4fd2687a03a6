"""The OpenTelemetry Collector as a receiver: built once with Go, kept in the user's cache folder.

``python tests/support/collector.py`` builds it beforehand.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from other_receivers import OtherReceiver
from processes import clean_environ

BUILDER = "go.opentelemetry.io/collector/cmd/builder@v0.165.0"
MANIFEST = """
dist:
  name: collector
  output_path: ./source
receivers:
  - gomod: go.opentelemetry.io/collector/receiver/otlpreceiver v0.165.0
processors:
  - gomod: go.opentelemetry.io/collector/processor/batchprocessor v0.165.0
  - gomod: go.opentelemetry.io/collector/processor/memorylimiterprocessor v0.165.0
exporters:
  - gomod: go.opentelemetry.io/collector/exporter/debugexporter v0.165.0
  - gomod: go.opentelemetry.io/collector/exporter/otlpexporter v0.165.0
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter v0.161.0
extensions:
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/extension/bearertokenauthextension v0.165.1
providers:
  - gomod: go.opentelemetry.io/collector/confmap/provider/envprovider v1.71.0
  - gomod: go.opentelemetry.io/collector/confmap/provider/fileprovider v1.71.0
  - gomod: go.opentelemetry.io/collector/confmap/provider/yamlprovider v1.71.0
"""
#: Of the lines in each signal's file.
_KEYS = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
}


class NotBuiltError(Exception):
    """Why there is no Collector here."""


@functools.cache
def collector_binary() -> Path:
    """Its path; the first time it takes minutes. Raises :class:`NotBuiltError`."""
    digest = hashlib.sha256(f"{BUILDER}{MANIFEST}".encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "distrokit-tests"
    binary = cache / f"collector-{digest}"
    if binary.exists():
        return binary
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin:/usr/lib/go/bin:/opt/homebrew/bin")
    if go is None:
        raise NotBuiltError("the Collector is built with Go, which is not installed")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        # Other processes of the same test run want it as well.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                _build(go, Path(folder)).replace(binary)
    return binary


def _build(go: str, folder: Path) -> Path:
    (folder / "manifest.yaml").write_text(MANIFEST)
    environ = {**os.environ, "GOBIN": str(folder), "PATH": f"{Path(go).parent}{os.pathsep}{os.environ['PATH']}"}
    steps = [
        ([go, "install", BUILDER], folder),
        ([str(folder / "builder"), "--config", "manifest.yaml", "--skip-compilation"], folder),
        ([go, "build", "-trimpath", "-ldflags=-s -w", "-o", str(folder / "collector"), "."], folder / "source"),
    ]
    for command, where in steps:
        done = subprocess.run(
            ["nice", "-n", "19", *command], cwd=where, env=environ, capture_output=True, text=True, timeout=1800
        )
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise NotBuiltError(f"the Collector cannot be built: {' '.join(last)}")
    return folder / "collector"


class Collector(OtherReceiver):
    """It keeps what it takes in a file for each signal.

    Args:
        folder: for its files.
        largest: of a request, in MiB over grpc and in MB over HTTP; ``None`` for its defaults (4 and 20).
        both: more of the receiver's settings, for both protocols: ``tls``, ``auth``.
        grpc: more of them, for grpc.
        more: more of the whole configuration: ``extensions``, ``processors``.
    """

    starts = 20.0

    def __init__(
        self,
        folder: Path,
        largest: int | None = None,
        *,
        both: Mapping[str, Any] | None = None,
        grpc: Mapping[str, Any] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        folder.mkdir(exist_ok=True)
        self._folder, self._secure = folder, "tls" in (both or {})
        protocols: dict[str, dict[str, Any]] = {
            "grpc": {"endpoint": f"127.0.0.1:{self.ports['grpc']}", **(both or {}), **(grpc or {})},
            "http": {"endpoint": f"127.0.0.1:{self.ports['http/protobuf']}", **(both or {})},
        }
        if largest is not None:
            protocols["grpc"]["max_recv_msg_size_mib"] = largest
            protocols["http"]["max_request_body_size"] = largest * 1_000_000
        more = more or {}
        processors = list(more.get("processors", ()))
        exporters = {f"file/{name}": {"path": str(self._file(name)), "flush_interval": "100ms", "append": True}
                     for name in _KEYS}  # fmt: skip
        self._configuration = {
            "receivers": {"otlp": {"protocols": protocols}},
            "exporters": exporters,
            **more,
            "service": {
                "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "error"}},
                "extensions": list(more.get("extensions", ())),
                "pipelines": {
                    name: {"receivers": ["otlp"], "processors": processors, "exporters": [f"file/{name}"]}
                    for name in _KEYS
                },
            },
        }

    def end(self) -> None:
        """End it so that it writes all that it has taken."""
        self.signal(signal.SIGTERM)
        self.process.wait(15)

    def endpoint(self, protocol: str) -> str:
        port = self.ports["grpc" if protocol == "grpc" else "http/protobuf"]
        return f"http{'s' if self._secure else ''}://127.0.0.1:{port}"

    def ids(self, signal: str = "traces") -> Counter[str]:
        """Times each id has arrived."""
        items = self.received(signal)
        if signal == "metrics":
            items = [point for metric in items for point in metric.get("gauge", {}).get("dataPoints", ())]
        attributes = (attribute for item in items for attribute in item.get("attributes", ()))
        return Counter(each["value"]["stringValue"] for each in attributes if each["key"] == "id")

    def command(self) -> list[str]:
        # JSON is YAML.
        file = self._folder / "collector.yaml"
        file.write_text(json.dumps(self._configuration))
        return [str(collector_binary()), "--config", str(file)]

    def environ(self) -> dict[str, str]:
        return clean_environ()

    def received(self, signal: str) -> list[dict[str, Any]]:
        """The spans, log records or metrics that it has taken, as JSON."""
        resource, scope, items = _KEYS[signal]
        file = self._file(signal)
        # It may be writing the last line.
        lines = file.read_text().split("\n")[:-1] if file.exists() else []
        return [
            item
            for line in lines
            for each in json.loads(line).get(resource, ())
            for one in each.get(scope, ())
            for item in one.get(items, ())
        ]

    def _file(self, signal: str) -> Path:
        return self._folder / f"{signal}.json"


if __name__ == "__main__":
    print(collector_binary())

"""Lines to type for ``distrokit doctor``: each names the place that decides, a variable or a line of the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from distrokit import Settings, Source
from distrokit_otlp.endpoints import is_grpc_target

_FIXED = {"grpc": "otlp_grpc", "http/protobuf": "otlp_http", "http/json": "otlp_http"}


class Remedies:
    """Of one exporter.

    Args:
        name: of the exporter, as it was picked: ``otlp``, ``otlp/backup``, ``otlp_http``.
        sources: who decided each parameter, and ``exporter`` itself.
        settings: all of them.
    """

    def __init__(self, name: str, signal: str, sources: Mapping[str, Source], settings: Settings) -> None:
        self._name, _, self._instance = name.partition("/")
        self._signal, self._sources, self._settings = signal, sources, settings

    def place(self, parameter: str) -> str:
        """What to correct: the variable that decided or would decide, or the position in the file."""
        source = self._sources.get(parameter)
        if source is not None and (source.kind == "file" or source.chosen):
            return str(source)
        if self._file():
            return f"{parameter} of the exporter at {self._sources.get('exporter', self._file())}"
        if source is not None and source.kind in ("plugin", "override"):
            return str(source)
        suffix = f"__{self._instance.upper()}" if self._instance else ""
        return f"OTEL_EXPORTER_OTLP_{parameter.upper()}{suffix}"

    def change(self, parameter: str, value: str) -> str:
        """The line that gives a parameter this value."""
        place = self.place(parameter)
        if place.startswith("OTEL_") and " " not in place:
            return f"export {place}={value}"
        return f"Write {value} as {place}." if self._file() in place else f"Let {place} give {value}."

    def protocol(self, wanted: str) -> str:
        """The line that makes another transport of it; some exporters have it in their name."""
        source = self._sources.get("protocol")
        by_name = self._name != "otlp"
        if self._file() and (by_name or source is None or source.kind != "file"):
            return f"Write {_FIXED[wanted]} in place of {self._name} at {self._sources.get('exporter', self._file())}."
        if by_name:
            setting = f"OTEL_{self._signal.upper()}_EXPORTER"
            names = [name.strip() for name in self._settings.get(setting, self._name).split(",")]
            others = ",".join("otlp" if name.lower() == self._name else name for name in names)
            return f"export {setting}={others} OTEL_EXPORTER_OTLP_PROTOCOL={wanted}"
        return self.change("protocol", wanted)

    def leave_out(self) -> str:
        """The line by which this signal is not sent to where it is not taken."""
        if self._file():
            return f"Take the exporter at {self._sources.get('exporter', self._file())} out."
        return f"export OTEL_{self._signal.upper()}_EXPORTER=none"

    def path(self, endpoint: str) -> str:
        """The line that mends the path of an HTTP endpoint; empty when it is as it should be.

        The general variable gets the signal's path, and the signal's own is used as it is (specification, *OTLP
        exporter*, "Endpoint URLs for OTLP/HTTP"): people give a path to the first, and none to the second.
        """
        parts = urlsplit(endpoint)
        wanted = f"/v1/{self._signal}"
        twice = re.fullmatch(r"(.*)/v1/\w+" + wanted, parts.path)
        if twice:
            return self.change("endpoint", parts._replace(path=twice[1]).geturl())
        own = self._sources.get("endpoint")
        if parts.path in ("", "/") and own is not None and (own.chosen or own.kind == "file"):
            return self.change("endpoint", parts._replace(path=wanted).geturl())
        return ""

    def scheme(self, endpoint: str, scheme: str) -> str:
        """The line that gives the endpoint another scheme, and leaves the rest."""
        if is_grpc_target(endpoint):
            return self.change("insecure", "false" if scheme == "https" else "true")
        parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")._replace(scheme=scheme)
        general = self.place("endpoint").partition("__")[0] == "OTEL_EXPORTER_OTLP_ENDPOINT"
        if general:
            # It gets the signal's path by itself.
            parts = parts._replace(path=parts.path.removesuffix(f"/v1/{self._signal}"))
        return self.change("endpoint", parts.geturl())

    def _file(self) -> str:
        return self._settings.get("OTEL_CONFIG_FILE")

"""Remedies for ``distrokit doctor``: each names the setting to change, a variable or a line of the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from distrokit import ExporterOptions, Settings, Source
from distrokit_otlp.connection.endpoints import is_grpc_target

_FIXED = {"grpc": "otlp_grpc", "http/protobuf": "otlp_http", "http/json": "otlp_http"}


class Remedies:
    """The remedies of one exporter.

    Args:
        name: the exporter's name as selected: ``otlp``, ``otlp/backup``, ``otlp_http``.
        signal: the exporter's signal.
        sources: the source of each parameter, and of ``exporter`` itself.
        settings: all settings.
    """

    def __init__(self, name: str, signal: str, sources: Mapping[str, Source], settings: Settings) -> None:
        self._name, _, self._instance = name.partition("/")
        self._signal, self._sources, self._settings = signal, sources, settings

    @classmethod
    def of(cls, options: ExporterOptions) -> Remedies:
        """Return the remedies of the exporter with these options."""
        return cls(options.name, options.signal, options.sources, options.settings)

    def place(self, parameter: str) -> str:
        """Return the setting to correct: the variable that decides, or the position in the file."""
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
        """Return the line that gives a parameter this value."""
        place = self.place(parameter)
        if place.startswith("OTEL_") and " " not in place:
            return f"export {place}={value}"
        source = self._sources.get(parameter)
        by_plugin = source is not None and source.kind in ("plugin", "override") and place == str(source)
        return f"Let {place} give {value}." if by_plugin else f"Write {value} as {place}."

    def protocol(self, wanted: str) -> str:
        """Return the line that selects another transport; some exporters have it in their name."""
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
        """Return the line that stops the export of this signal."""
        if self._file():
            return f"Remove the exporter at {self._sources.get('exporter', self._file())}."
        return f"export OTEL_{self._signal.upper()}_EXPORTER=none"

    def path(self, endpoint: str) -> str:
        """Return the line that corrects the path of an HTTP endpoint; empty when it is correct.

        The general variable gets the signal's path, and the signal's own is used as it is (specification, *OTLP
        exporter*, "Endpoint URLs for OTLP/HTTP"). A common mistake is a path in the former, and none in the latter.
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
        """Return the line that changes only the endpoint's scheme."""
        if is_grpc_target(endpoint):
            return self.change("insecure", "false" if scheme == "https" else "true")
        parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")._replace(scheme=scheme)
        general = self.place("endpoint").partition("__")[0] == "OTEL_EXPORTER_OTLP_ENDPOINT"
        if general:
            # The general endpoint gets the signal's path.
            parts = parts._replace(path=parts.path.removesuffix(f"/v1/{self._signal}"))
        return self.change("endpoint", parts.geturl())

    def _file(self) -> str:
        return self._settings.get("OTEL_CONFIG_FILE")

"""Real distributions on disk: a folder with modules and ``*.dist-info``, as an installer leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent


def write_distribution(
    folder: Path,
    name: str,
    version: str = "1.0",
    entry_points: Mapping[str, Mapping[str, str]] | None = None,
    modules: Mapping[str, str] | None = None,
) -> Path:
    """Write one distribution into ``folder`` and return the folder, to be put on ``PYTHONPATH``."""
    folder.mkdir(parents=True, exist_ok=True)
    for module, source in (modules or {}).items():
        folder.joinpath(f"{module}.py").write_text(dedent(source))
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = []
    for group, points in (entry_points or {}).items():
        lines += [f"[{group}]", *(f"{point} = {value}" for point, value in points.items()), ""]
    info.joinpath("entry_points.txt").write_text("\n".join(lines))
    return folder


def write_distro(folder: Path, name: str = "other") -> Path:
    """A distribution ``other-distro`` with a distro of this name, and a configurator, that configure nothing."""
    source = """
        from opentelemetry.instrumentation.distro import BaseDistro

        class Distro(BaseDistro):
            def _configure(self, **kwargs):
                pass

        class Configurator:
            def configure(self, **kwargs):
                pass
    """
    module = f"{name}_distro"
    points = {
        "opentelemetry_distro": {name: f"{module}:Distro"},
        "opentelemetry_configurator": {f"{name}_configurator": f"{module}:Configurator"},
    }
    return write_distribution(folder, f"{name}-distro", entry_points=points, modules={module: source})


def write_plugin(folder: Path, name: str, source: str, distribution: str = "", version: str = "1.0") -> Path:
    """A distribution with one distrokit plugin, ``name``, made of one module."""
    module = f"{(distribution or name).replace('-', '_')}_plugin"
    return write_distribution(
        folder, distribution or f"distrokit-{name}", version, {"distrokit": {name: module}}, {module: source}
    )

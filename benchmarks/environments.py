"""The environments: upstream's distro, distrokit, and an attached folder, with fifty instrumentations and with none.

They are kept in a folder and used again. A folder's name has a hash of all that decides its contents, except distrokit:
if its source has changed, only distrokit is installed again. Other vendors' distros have an environment each.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.installer import BenchmarkError, create_environment, install, plain_environ, python_of, run_quietly

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
LISTS = {name: HERE / f"{name}.txt" for name in ("instrumentations", "libraries", "constraints")}
#: The number of instrumentations that have to be active. Each is an entry point; some packages have several.
INSTRUMENTATIONS = 50
SYSTEM_METRICS = ("opentelemetry-instrumentation-system-metrics", "psutil")
#: Runs `distrokit build`, whose plugin is not installed in the environments.
_BUILD = """
import argparse
from distrokit_build.plugin import distrokit_commands
(command,) = distrokit_commands()
parser = argparse.ArgumentParser()
command.arguments(parser)
raise SystemExit(command.run(parser.parse_args()))
"""
_VERSIONS = """
import json
from importlib.metadata import distributions
print(json.dumps({d.metadata["Name"].lower().replace("_", "-").replace(".", "-"): d.version for d in distributions()}))
"""


@dataclass(frozen=True)
class Pair:
    """Two environments with the same libraries; and one without telemetry, with a folder to attach to it."""

    upstream: Path
    ours: Path
    without: Path
    folder: Path


@dataclass(frozen=True)
class Environments:
    """All environments.

    Attributes:
        fifty: with fifty instrumentations; ``None`` if no program needs them.
        none: without instrumentations.
        system_metrics: a folder for PYTHONPATH with one more instrumentation.
    """

    fifty: Pair | None
    none: Pair
    system_metrics: Path


def default_folder() -> Path:
    """Return where environments are kept unless the user names another folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "distrokit-benchmarks"


def prepare(folder: Path, project: Path, *, fifty: bool, log: Callable[[str], None]) -> Environments:
    """Make the environments that are missing or outdated; use the others as they are.

    Raises: :class:`BenchmarkError`.
    """
    root = _root(folder)
    source = hash_source(project)
    distros = ("upstream", "ours", "without")
    names = [f"{distro}-{number}" for number in (("none", "50") if fifty else ("none",)) for distro in distros]

    def prepare_one(name: str) -> None:
        distro, _, number = name.partition("-")
        if _marker(root / name) is None:
            log(f"making {root / name}")
            _make(root / name, distro, fifty=number == "50")
        if distro == "ours" and _marker(root / name) != source:
            log(f"installing {project} in {root / name}")
            _install_project(root / name, project)
            _mark(root / name, source)

    # Two at a time: installers use several cores themselves.
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(prepare_one, names))
    none = _pair(root, "none", project, log)
    pair = _pair(root, "50", project, log) if fifty else None
    if pair:
        _compare(pair)
    return Environments(pair, none, _system_metrics(root, none.upstream))


def _pair(root: Path, number: str, project: Path, log: Callable[[str], None]) -> Pair:
    pair = Pair(*(root / f"{name}-{number}" for name in ("upstream", "ours", "without", "folder")))
    mark, source = root / f"folder-{number}-of", hash_source(project)
    if not mark.is_file() or mark.read_text("utf-8") != source:
        log(f"building {pair.folder}")
        python = str(python_of(pair.ours))
        environ = plain_environ(PYTHONPATH=str(project / "plugins" / "distrokit-build" / "src"))
        run_quietly([python, "-c", _BUILD, "--target", str(pair.folder), "--python", python], environ=environ)
        mark.write_text(source, "utf-8")
    return pair


def prepare_other(folder: Path, name: str, packages: Sequence[str], log: Callable[[str], None]) -> Path:
    """Make an environment with another distro, without instrumentations, if it is missing; return its folder.

    It gets OpenTelemetry, grpcio and protobuf in the versions that all environments have. Its other libraries are as
    the distro wants them: one distro refuses the fifty instrumentations' version of wrapt.

    Raises: :class:`BenchmarkError`.
    """
    root = _root(folder)
    environment = root / f"{name}-{_hash(packages)}"
    if _marker(environment) is None:
        log(f"making {environment}")
        create_environment(environment)
        shared = environment / "constraints.txt"
        lines = [line for line in _lines() if line.startswith(("opentelemetry-", "grpcio==", "protobuf=="))]
        shared.write_text("\n".join(lines), "utf-8")
        install(environment, [*packages, "-c", str(shared)])
        _mark(environment, "made")
    return environment


def _root(folder: Path) -> Path:
    return folder.absolute() / _hash([sys.version, sys.platform, *_lines()])


def _lines() -> list[str]:
    return [line for path in LISTS.values() for line in path.read_text("utf-8").splitlines() if line[:1] != "#"]


def versions(environment: Path) -> dict[str, str]:
    """Return the packages in an environment and their versions."""
    found: dict[str, str] = json.loads(run_quietly([str(python_of(environment)), "-I", "-c", _VERSIONS]))
    return found


def hash_source(project: Path) -> str:
    """Return a hash of what is built from the project."""
    patterns = ("pyproject.toml", "distrokit/**/*", "plugins/*/pyproject.toml", "plugins/*/src/**/*")
    files = sorted({file for pattern in patterns for file in project.glob(pattern) if file.is_file()})
    return _hash(
        text
        for file in files
        if "__pycache__" not in file.parts
        for text in (str(file.relative_to(project)), hashlib.sha256(file.read_bytes()).hexdigest())
    )


def _make(environment: Path, distro: str, *, fifty: bool) -> None:
    create_environment(environment)
    lists = ["-c", str(LISTS["constraints"])]
    if fifty:
        lists += ["-r", str(LISTS["libraries"])]
        lists += ["-r", str(LISTS["instrumentations"])] if distro != "without" else []
    if distro == "upstream":
        install(environment, ["opentelemetry-distro[otlp]", *lists])
    elif fifty:
        install(environment, lists)
    if distro == "upstream" and fifty:
        _count_active(environment)
    _mark(environment, "made")


def _install_project(environment: Path, project: Path) -> None:
    """Install distrokit with the plugins of its extra ``otlp``, as a user gets them: no links to the source."""
    text = (project / "pyproject.toml").read_text("utf-8")
    extra = re.search(r"^otlp = \[(.*?)\]", text, re.DOTALL | re.MULTILINE)
    if extra is None:
        raise BenchmarkError(f"{project / 'pyproject.toml'} has no extra `otlp`")
    plugins = re.findall(r'"(distrokit-[\w-]+)', extra[1])
    folders = [str(project / "plugins" / plugin) for plugin in plugins]
    arguments = [f"{project}[otlp]", *folders, "-c", str(LISTS["constraints"])]
    if shutil.which("uv"):
        # uv keeps what it built as long as pyproject.toml stays as it is.
        for name in ("distrokit", *plugins):
            arguments += ["--reinstall-package", name]
    elif "distrokit" in versions(environment):
        run_quietly([str(python_of(environment)), "-m", "pip", "uninstall", "--quiet", "--yes", "distrokit", *plugins])
    install(environment, arguments, from_source=True)


def _count_active(environment: Path) -> None:
    """Check that upstream's distro applies all fifty."""
    launcher = environment / "bin" / "opentelemetry-instrument"
    command = [str(launcher), str(python_of(environment)), str(PROGRAMS / "active_instrumentations.py")]
    exporters = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}
    active: list[str] = json.loads(run_quietly(command, environ=plain_environ(**exporters)))
    if len(active) != INSTRUMENTATIONS:
        names = ", ".join(active)
        raise BenchmarkError(f"{len(active)} instrumentations are active, not {INSTRUMENTATIONS}: {names}")


def _compare(pair: Pair) -> None:
    """Check that both environments have the same instrumentations and libraries."""
    upstream, ours = versions(pair.upstream), versions(pair.ours)
    # The distros themselves, and what they bring: these may be missing from the other environment.
    own = ("distrokit", "pluggy", "h2", "hpack", "hyperframe", "opentelemetry-distro", "opentelemetry-exporter-")
    different = sorted(
        name
        for name in upstream.keys() | ours.keys()
        if upstream.get(name) != ours.get(name)
        and not ((name not in upstream or name not in ours) and name.startswith(own))
    )
    if different:
        both = ", ".join(
            f"{name} {upstream.get(name, 'missing')} and {ours.get(name, 'missing')}" for name in different
        )
        raise BenchmarkError(f"{pair.upstream} and {pair.ours} differ: {both}. Remove both folders and try again")


def _system_metrics(root: Path, environment: Path) -> Path:
    """Return a folder with the instrumentation that is not among the fifty."""
    folder = root / "system-metrics"
    if _marker(folder) is None:
        shutil.rmtree(folder, ignore_errors=True)
        arguments = ["--no-deps", "--target", str(folder), *SYSTEM_METRICS, "-c", str(LISTS["constraints"])]
        install(environment, arguments)
        _mark(folder, "made")
    return folder


def _marker(environment: Path) -> str | None:
    """Return what the environment was completed with; ``None`` if it is not complete."""
    try:
        return (environment / "benchmark-complete").read_text("utf-8")
    except OSError:
        return None


def _mark(environment: Path, text: str) -> None:
    (environment / "benchmark-complete").write_text(text, "utf-8")


def _hash(texts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]

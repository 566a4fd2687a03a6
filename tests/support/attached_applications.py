"""Applications with environments of their own, the ways to attach a folder to them, and what they see of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipapp
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from attached_programs import LOOPBACK
from attached_service_programs import LISTING
from interpreters import SUPPORTED, Environment, find
from processes import clean_environ

#: Each with the protocol that it is tested with.
WAYS = {"pythonpath": "grpc", "injector": "http/protobuf", "operator": "http/protobuf", "run": "grpc"}

SCHEMA = """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
message Order { string name = 1; int32 count = 2; google.protobuf.Timestamp at = 3; }
service Shop { rpc Buy(Order) returns (Order); }
"""


@dataclass(frozen=True)
class Application:
    """A row of the table.

    Attributes:
        requirements: of its environment; wheels only.
        program: its ``app.py``.
        pythons: those on which these packages work.
        spans: the names of all spans that arrive when it is attached, sorted.
        alone: the names of all spans that arrive without it.
        points: names of metrics that arrive, among others.
        logs: bodies of log records that arrive, among others.
        line: what every process prints on stderr when it is attached; ``{folder}`` is the folder.
        said: what the program prints on stderr when it is attached, beside that.
        command: ``{python}``, ``{bin}`` and ``{app}`` are the environment's and the program's folder; in ``env``, too.
        files: more files beside the program.
        generator: requirements of an environment that generates ``shop_pb2`` beside the program.
        bundled: requirements that are in an archive with the program, ``app.pyz``.
        protocol: of the receiver; empty for that of the way.
    """

    name: str
    requirements: tuple[str, ...]
    program: str
    pythons: tuple[str, ...] = SUPPORTED
    spans: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    line: str = ""
    said: str = ""
    command: tuple[str, ...] = ("{python}", "{app}/app.py")
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    generator: tuple[str, ...] = ()
    bundled: tuple[str, ...] = ()
    protocol: str = ""


class Environments:
    """Makes each environment, and each application in it, once."""

    def __init__(self, folder: Path, wheels: Path) -> None:
        self._folder, self._wheels = folder, wheels
        self._made: dict[tuple[str, tuple[str, ...]], Environment] = {}
        self._applications: dict[tuple[str, str], Made] = {}
        self.listings: dict[tuple[Path, bool], dict[str, object]] = {}

    def make(self, row: Application, version: str) -> Made:
        """An application, with its files, on this Python."""
        if (row.name, version) not in self._applications:
            folder = self._folder / f"{row.name}-{version}" / "app"
            self._applications[row.name, version] = _make(row, version, self, folder)
        return self._applications[row.name, version]

    def get(self, version: str, requirements: tuple[str, ...]) -> Environment:
        """An environment of this Python with these requirements."""
        if (version, requirements) not in self._made:
            python = find(version)
            assert python is not None
            made = Environment(self._folder / str(len(self._made)), self._wheels, python)
            if requirements:
                made.install(*requirements, options=["--no-build"])
            self._made[version, requirements] = made
        return self._made[version, requirements]


@dataclass(frozen=True)
class Made:
    """An application that can be run.

    Attributes:
        folder: has the program.
    """

    row: Application
    environment: Environment
    folder: Path

    def run(
        self, command: tuple[str, ...], endpoint: str, protocol: str, attached: tuple[str, Path] | None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of it, alone or with a way and a folder."""
        places = {"python": self.environment.bin / "python", "bin": self.environment.bin, "app": self.folder}
        words = [word.format(**places) for word in command]
        environ = clean_environ({name: text.format(**places) for name, text in self.row.env.items()})
        environ = {name: text for name, text in environ.items() if not name.startswith("COV")}
        environ |= {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
        if attached is not None:
            words, environ = attach(*attached, words, environ)
        return subprocess.run(words, env=environ, cwd=self.folder, capture_output=True, text=True, timeout=100)

    def list_modules(
        self, file: Path, endpoint: str, protocol: str, attached: tuple[str, Path] | None, *, is_reversed: bool
    ) -> dict[str, object]:
        """Tell what a process sees of the environment, and what it prints."""
        program = self.folder.with_name("listing.py")
        program.write_text(LISTING.replace("REVERSED", str(is_reversed)))
        ran = self.run(("{python}", str(program), str(file)), endpoint, protocol, attached)
        assert file.exists(), ran.stderr
        return {**json.loads(file.read_text()), "stdout": ran.stdout, "stderr": ran.stderr}


def attach(way: str, folder: Path, words: list[str], environ: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """A command and an environment with a folder in front."""
    if way == "run":
        # With `-E` it does not run a `sitecustomize` of the application itself.
        return [sys.executable, "-E", "-m", "distrokit", "run", "--attach", str(folder), *words], environ
    first = {
        "pythonpath": [folder],
        "injector": [folder / "glibc"],
        "operator": [folder / "opentelemetry/instrumentation/auto_instrumentation", folder],
    }[way]
    path = [*map(str, first), *filter(None, [environ.get("PYTHONPATH")])]
    return words, {**environ, "PYTHONPATH": os.pathsep.join(path)}


def _make(row: Application, version: str, environments: Environments, folder: Path) -> Made:
    made = Made(row, environments.get(version, row.requirements), folder)
    for name, text in {"app.py": row.program, "loopback.py": LOOPBACK, **row.files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    if row.generator:
        _generate(environments.get("3.10", row.generator), folder)
    if row.bundled:
        source = folder.with_name("bundle")
        made.environment.install(*row.bundled, options=["--no-build", "--target", str(source)])
        (folder / "app.py").rename(source / "__main__.py")
        (folder / "loopback.py").rename(source / "loopback.py")
        zipapp.create_archive(source, folder / "app.pyz")
    return made


def _generate(environment: Environment, folder: Path) -> None:
    (folder / "shop.proto").write_text(SCHEMA)
    words = ["-m", "grpc_tools.protoc", f"-I{folder}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    ran = environment.run("python", *words, str(folder / "shop.proto"))
    assert ran.returncode == 0, ran.stderr

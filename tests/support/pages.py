"""Runs a page of the documentation: writes its files, types its commands, compares what they print.

A fenced block is one of these, or the page is refused:

- a file: it begins with a comment that holds nothing but its name, ``# src/acme/plugin.py``
- ``console``: each ``$ command`` is typed in one shell after the other (``cd`` and ``export`` last), succeeds, and what it
  prints, on both streams, is what stands under it. ``…`` stands for anything in a line, and alone in one for any lines.
- ``text`` and ``mermaid``: to be looked at
- any other, under ``<!-- not run: why -->``
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from textwrap import dedent

from interpreters import ROOT
from processes import clean_environ

BLOCK = re.compile(
    r"(?P<not_run><!-- not run: [^\n]+ -->\n+)?^(?P<indent> *)```(?P<kind>\w+)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
FILE = re.compile(r"# ([\w./-]+\.\w+|[\w./-]*Dockerfile)\n")
#: Where a page has an absolute path, its folder is put in front.
ABSOLUTE = ("/etc/otel",)
#: Where programs send to that a page starts by itself.
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
#: What is put behind the output of a command that did not succeed.
FAILED = "(exit code"
#: As ``pip``, from the registry as it was on the project's day, and never distrokit itself, which is there.
PIP = """#!/bin/sh
command=$1; shift
for word; do shift; case $word in distrokit|distrokit\\[*|distrokit-*) ;; *) set -- "$@" "$word";; esac; done
[ $# != 0 ] || exit 0
[ $command = uninstall ] || set -- --no-deps --exclude-newer {day} "$@"
exec uv pip "$command" --quiet --no-config --python {python} "$@"
"""


class Page:
    """One page, in a folder and an environment of its own, on top of the environment that runs the tests."""

    def __init__(self, path: Path, folder: Path, receiver: str) -> None:
        self.path, self.folder, self._receiver = path, folder, receiver
        self._state = folder.parent / f"{folder.name}.state"
        self._venv = folder.parent / f"{folder.name}.venv"

    def run(self) -> Iterator[tuple[str, str, str]]:
        """Each command, what it should print and what it prints."""
        self._make()
        page = self.path.read_text()
        if page.count("```") != 2 * len(BLOCK.findall(page)):
            raise AssertionError(f"{self.path.name}: a fence is in no block")
        for block in BLOCK.finditer(page):
            kind, text = block["kind"], dedent(block["text"])
            if block["not_run"] or kind in ("text", "mermaid"):
                continue
            if kind == "console":
                for step in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                    command, _, expected = re.sub(r"\\\n", "", step).partition("\n")
                    yield command, expected, self._type(command)
            elif name := FILE.match(text):
                file = Path(self._here(), self._local(name[1]))
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(self._local(text))
            else:
                raise AssertionError(f"{self.path.name}: neither a file nor a command: {text.splitlines()[0]}")

    def _make(self) -> None:
        subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(self._venv)], check=True, timeout=60)
        here = next(self._venv.glob("lib/*/site-packages"))
        packages = [path for path in sys.path if path.endswith("site-packages")]
        # What is installed here is installed there, too; editable distributions with their own .pth files.
        here.joinpath("tests.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in packages))
        for point in entry_points(group="console_scripts"):
            if point.name in ("distrokit", "opentelemetry-instrument", "pytest"):
                source = f"import sys\nfrom {point.module} import {point.attr} as main\nsys.exit(main())\n"
                self._script(point.name, f"#!{self._venv}/bin/python\n{source}")
        project = (ROOT / "pyproject.toml").read_text()
        day = re.search(r'^exclude-newer = "(.*)"', project, re.MULTILINE)[1]
        self._script("pip", PIP.format(python=self._venv / "bin/python", day=day))
        self.folder.mkdir()
        self._state.write_text(f"cd {self.folder}\n")

    def _script(self, name: str, text: str) -> None:
        path = self._venv / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def _here(self) -> str:
        return self._state.read_text().splitlines()[-1].removeprefix("cd ")

    def _type(self, command: str) -> str:
        script = f"""
            . {self._state}
            {self._local(command)}
            status=$?
            {{ export -p | grep -v {ENDPOINT}; echo "cd $PWD"; }} > {self._state}
            [ $status = 0 ] || echo "{FAILED} $status)"
        """
        env = {"PATH": f"{self._venv}/bin{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100"}
        if re.search(r"\b(opentelemetry-instrument|distrokit run|python code\.pyz)\b", command):
            # What only looks at settings finds those of a reader.
            env[ENDPOINT] = self._receiver
        done = subprocess.run(
            ["bash", "-c", script],
            env=clean_environ(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return done.stdout.replace(f"{self.folder}/etc/otel", "/etc/otel")

    def _local(self, text: str) -> str:
        for path in ABSOLUTE:
            text = text.replace(path, f"{self.folder}{path}")
        return text


def as_it_should(expected: str, printed: str) -> bool:
    """Whether a command printed what the page says."""
    pattern = "".join(
        "(?:[^\n]*\n)*" if line == "…" else re.escape(line).replace("…", "[^\n]*") + " *\n"
        for line in expected.splitlines()
    )
    if FAILED in printed and FAILED not in expected:
        return False
    return re.fullmatch(pattern, printed if not printed or printed.endswith("\n") else f"{printed}\n") is not None

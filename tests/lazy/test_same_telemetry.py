"""Programs do and send the same when instrumentations are applied with each import and when all are applied at the start.

CI runs a sample. The whole set takes three to four minutes:

    LAZY_PROGRAMS=all uv run pytest tests/lazy
    LAZY_PROGRAMS=redis_client,os_fork uv run pytest tests/lazy
    LAZY_PROGRAMS=all LAZY_REPEAT=1 uv run pytest tests/lazy   # everything at the start, twice: are the programs deterministic?
"""

from __future__ import annotations

import ast
import fcntl
import os
from pathlib import Path

import pytest
from program_runs import DEFAULT, EAGER, FOLDER, differences, make_environment, run_both
from program_table import DIFFERENCES, PROGRAMS, SAMPLE, Program

NAMES = [program.name for program in PROGRAMS]
REPEAT = bool(os.environ.get("LAZY_REPEAT"))


def selected() -> list[Program]:
    wanted = os.environ.get("LAZY_PROGRAMS", "")
    names = NAMES if wanted == "all" else wanted.split(",") if wanted else SAMPLE
    return [program for program in PROGRAMS if program.name in names]


@pytest.fixture(scope="module")
def programs_environment(request, tmp_path_factory) -> Path:
    """One for all workers: the first one makes it."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    environment, made = folder / "programs", folder / "programs-made"
    with (folder / "programs-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            make_environment(environment, request.getfixturevalue("wheels"))
            made.touch()
    return environment


# The first one waits for the environment as well.
@pytest.mark.timeout(600)
@pytest.mark.wheels
@pytest.mark.parametrize("program", selected(), ids=lambda program: program.name)
def test_a_program_does_the_same_in_both_modes(programs_environment, program, tmp_path):
    eager, default = run_both(programs_environment, program, tmp_path, (EAGER, EAGER if REPEAT else DEFAULT))
    telemetry = [*eager["spans"], *eager["metrics"], *eager["logs"]]
    intended = {} if REPEAT else {row.part: row for row in DIFFERENCES if row.program == program.name}

    found = differences(eager, default)
    missing = [text for text in program.shows if not any(text in line for line in telemetry)]

    assert missing == [], (telemetry, eager["stderr"])
    unexplained = {
        part: lines for part, lines in found.items() if not (part in intended and intended[part].fits(*lines))
    }
    assert unexplained == {}
    assert set(intended) <= set(found), "a difference has gone; take its row out of the table"


@pytest.mark.once
def test_the_table_has_every_program():
    assert sorted(NAMES) == sorted(path.stem for path in FOLDER.glob("[!_]*.py"))
    assert set(NAMES) >= {*SAMPLE, *(row.program for row in DIFFERENCES)}


@pytest.mark.once
def test_every_program_says_in_one_line_what_it_shows():
    docs = {path.stem: ast.get_docstring(ast.parse(path.read_text())) or "" for path in FOLDER.glob("*.py")}

    assert [name for name, text in docs.items() if len(text.splitlines()) != 1 or not text.endswith(".")] == []

"""Applications with packages of all ages do and print the same with a folder in front of them, and send telemetry.

CI runs a sample, each application once. The whole set takes about an hour:

    ATTACHED_APPLICATIONS=all uv run pytest tests/attached/test_applications.py
    ATTACHED_APPLICATIONS=grpcio-1.48,spawn uv run pytest tests/attached/test_applications.py
"""

from __future__ import annotations

import os
from typing import NamedTuple

import pytest
from attached_applications import WAYS, Environments, Made
from attached_rows import APPLICATIONS, Application
from interpreters import SUPPORTED, find

from distrokit_dev.receiver import Receiver

#: Faults that are to be mended: a test and an application, with the Python and the way or a `*` for all; and what differs.
KNOWN: dict[tuple[str, str, str, str], str] = {}


class Case(NamedTuple):
    row: Application
    python: str
    way: str

    @property
    def known(self) -> dict[str, str]:
        return {
            test: reason
            for (test, *words), reason in KNOWN.items()
            if all(word in ("*", own) for word, own in zip(words, (self.row.name, *self[1:]), strict=True))
        }

    @property
    def protocol(self) -> str:
        return self.row.protocol or WAYS[self.way]


EVERY = [Case(row, python, way) for row in APPLICATIONS for python in row.pythons for way in WAYS]
#: Each application once; neighbours differ in the Python and in the way.
SAMPLE = [
    Case(row, row.pythons[at % len(row.pythons)], list(WAYS)[(at + at // 4) % len(WAYS)])
    for at, row in enumerate(APPLICATIONS)
]


def selected(test: str) -> list:
    wanted = os.environ.get("ATTACHED_APPLICATIONS", "")
    cases = [case for case in EVERY if case.row.name in wanted.split(",")] if wanted not in ("", "all") else EVERY
    return [_param(case, test) for case in (cases if wanted else SAMPLE)]


def _param(case: Case, test: str):
    # One worker makes an environment.
    marks = [pytest.mark.xdist_group(f"{case.row.name}-{case.python}")]
    if find(case.python) is None:
        marks.append(pytest.mark.skip(reason=f"this machine has no Python {case.python}"))
    if test in case.known:
        marks.append(pytest.mark.xfail(reason=case.known[test]))
    return pytest.param(case, marks=marks, id=f"{case.row.name}-{case.python}-{case.way}")


def selected_orders() -> list:
    """Both orders of import; one of them in the sample."""
    whole = bool(os.environ.get("ATTACHED_APPLICATIONS"))
    return [
        pytest.param(
            param.values[0], is_reversed, marks=param.marks, id=f"{param.id}-{'reversed' * is_reversed or 'sorted'}"
        )
        for at, param in enumerate(selected("modules"))
        for is_reversed in ((False, True) if whole else (at % 2 == 1,))
    ]


@pytest.fixture(scope="session")
def environments(tmp_path_factory, wheels) -> Environments:
    """All that were made so far."""
    return Environments(tmp_path_factory.mktemp("environments"), wheels)


@pytest.fixture
def application(case, environments) -> Made:
    """The application of a case."""
    return environments.make(case.row, case.python)


def without_line(stderr: str, case: Case, folder) -> str:
    """Check that the line is there, once, and take it away."""
    if not case.row.line:
        return stderr
    line = f"distrokit: {case.row.line.format(folder=folder)}\n"
    assert stderr.count(line) == 1, stderr
    return stderr.replace(line, "")


@pytest.mark.parametrize("case", selected("program"))
def test_an_application_does_the_same_as_alone_and_sends_telemetry(case, application, folder, receiver):
    row, protocol = case.row, case.protocol
    with Receiver() as other:
        alone = application.run(row.command, other.endpoint(protocol), protocol, None)
        own = sorted(span.name for span in other.store.spans())

    ran = application.run(row.command, receiver.endpoint(protocol), protocol, (case.way, folder))

    assert (alone.returncode, own) == (0, list(row.alone)), alone.stderr
    assert alone.stdout
    assert (ran.stdout, ran.returncode) == (alone.stdout, 0), ran.stderr
    assert without_line(ran.stderr, case, folder) == row.said + alone.stderr
    assert sorted(span.name for span in receiver.store.spans()) == list(row.spans)
    assert set(row.points) <= {point.name for point in receiver.store.points()}
    assert set(row.logs) <= {record.body for record in receiver.store.logs()}


@pytest.mark.parametrize(("case", "is_reversed"), selected_orders())
def test_every_module_and_distribution_is_the_applications_own(
    case, is_reversed, application, environments, folder, receiver, tmp_path
):
    protocol, endpoint, file = case.protocol, receiver.endpoint(case.protocol), tmp_path / "seen.json"
    key = application.folder, is_reversed
    if key not in environments.listings:
        alone = application.list_modules(tmp_path / "alone.json", endpoint, protocol, None, is_reversed=is_reversed)
        environments.listings[key] = alone

    seen = application.list_modules(file, endpoint, protocol, (case.way, folder), is_reversed=is_reversed)

    alone = environments.listings[key]
    stderr = without_line(str(seen["stderr"]), case, folder)
    differences = {
        name: (alone[name], found) for name, found in {**seen, "stderr": stderr}.items() if found != alone[name]
    }
    assert differences == {}
    assert alone.keys() == seen.keys()


@pytest.mark.once
def test_the_sample_has_every_application_python_and_way():
    assert {case.row.name for case in SAMPLE} == {row.name for row in APPLICATIONS}
    assert {case.python for case in SAMPLE} == set(SUPPORTED)
    assert {case.way for case in SAMPLE} == set(WAYS)
    names = {row.name for row in APPLICATIONS}
    assert {name for _, name, _, _ in KNOWN} <= names
    assert len(names) == len(APPLICATIONS)

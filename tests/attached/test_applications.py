"""Applications with packages of all ages do and print the same with a folder in front of them, and send telemetry.

CI runs a sample, each application once. The whole set takes 17 minutes on two cores:

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


class Case(NamedTuple):
    row: Application
    python: str
    way: str

    @property
    def protocol(self) -> str:
        return self.row.protocol or WAYS[self.way]


EVERY = [Case(row, python, way) for row in APPLICATIONS for python in row.pythons for way in WAYS]
#: Each application once; neighbours differ in the Python and in the way.
SAMPLE = [
    Case(row, row.pythons[at % len(row.pythons)], list(WAYS)[(at + at // 4) % len(WAYS)])
    for at, row in enumerate(APPLICATIONS)
]


def selected() -> list[Case]:
    wanted = os.environ.get("ATTACHED_APPLICATIONS", "")
    return [case for case in EVERY if wanted == "all" or case.row.name in wanted.split(",")] if wanted else SAMPLE


def _param(case: Case, test: str, *more: object):
    # One worker makes an environment.
    marks = [pytest.mark.xdist_group(f"{case.row.name}-{case.python}")]
    if find(case.python) is None:
        marks.append(pytest.mark.skip(reason=f"this machine has no Python {case.python}"))
    return pytest.param(case, *more, marks=marks, id=f"{case.row.name}-{case.python}-{case.way}-{test}")


def programs() -> list:
    return [_param(case, "program") for case in selected()]


def orders() -> list:
    """Both orders of import; in the sample one of them, and each environment once."""
    both = {"sorted": False, "reversed": True}
    if os.environ.get("ATTACHED_APPLICATIONS"):
        return [_param(case, test, is_reversed) for case in selected() for test, is_reversed in both.items()]
    cases = {case.row.requirements: case for case in reversed(SAMPLE)}.values()
    return [_param(case, *list(both.items())[at % 2]) for at, case in enumerate(cases)]


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


@pytest.mark.parametrize("case", programs())
def test_an_application_does_the_same_as_alone_and_sends_telemetry(case, application, folder, receiver):
    row, protocol = case.row, case.protocol
    with Receiver() as other:
        alone = application.run(row.command, other.endpoint(protocol), protocol, None)
        own = sorted(span.name for span in other.store.spans())

    ran = application.run(row.command, receiver.endpoint(protocol), protocol, (case.way, folder))

    store = receiver.store
    assert (alone.returncode, own) == (0, list(row.alone)), alone.stderr
    assert alone.stdout
    found = {
        "code": ran.returncode,
        "stdout": ran.stdout,
        "stderr": without_line(ran.stderr, case, folder),
        "spans": sorted(span.name for span in store.spans()),
        "points not sent": set(row.points) - {point.name for point in store.points()},
        "logs not sent": set(row.logs) - {record.body for record in store.logs()},
    }
    expected = {
        "code": 0,
        "stdout": alone.stdout,
        "stderr": row.said + alone.stderr,
        "spans": list(row.spans),
        "points not sent": set(),
        "logs not sent": set(),
    }
    assert found == expected


@pytest.mark.parametrize(("case", "is_reversed"), orders())
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
    assert len(names) == len(APPLICATIONS)

"""The public conformance suite, as a user runs it."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from commands import in_process

from distrokit_policy.engine.regex import compile_regex

CASES = Path(__file__).with_name("conformance-cases.zip")


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    folder = tmp_path_factory.mktemp("suite")
    with zipfile.ZipFile(CASES) as cases:
        cases.extractall(folder)
    return folder / "testcases"


@pytest.mark.parametrize("engine", ["with google-re2", "without"])
def test_all_cases_pass(suite, monkeypatch, engine):
    if engine == "without":
        monkeypatch.setitem(sys.modules, "re2", None)
    compile_regex.cache_clear()
    result = in_process("policy", "conform", str(suite))

    assert (result.returncode, result.stdout) == (0, "218 of 218 cases passed\n"), result.stdout


def change(case, name, edit):
    path = case / name
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("name", "file", "edit", "failure"),
    [
        ("logs_severity_drop", "expected.json", lambda data: data.clear(), "input.json: the result is {"),
        (
            "logs_severity_drop",
            "expected_stats.json",
            lambda data: data["policies"][0].update(hits=99),
            "hits and misses are",
        ),
        (
            "logs_policy_invalid_keep_reporting",
            "expected_stats.json",
            lambda data: data["policies"][0].update(errors=["log: keep: another reason"]),
            "errors of bad-keep-value: ['log: keep: invalid value",
        ),
        ("logs_severity_drop", "input.json", lambda data: data.clear(), "NotOTLPError: there is none of resourceLogs"),
        ("logs_severity_drop", "policies.json", lambda data: data.clear(), "NotASetError: there is no list"),
    ],
)
def test_a_case_that_differs_is_a_line(suite, tmp_path, name, file, edit, failure):
    for case in (name, "metrics_keep"):
        shutil.copytree(suite / case, tmp_path / case)
    change(tmp_path / name, file, edit)

    result = in_process("policy", "conform", str(tmp_path))
    lines = result.stdout.splitlines()

    assert result.returncode == 1
    assert lines[0].startswith(f"{name}: ")
    assert failure in lines[0]
    assert lines[-1] == "1 of 2 cases passed"
    assert json.loads(in_process("policy", "conform", "--json", str(tmp_path)).stdout)["passed"] == 1


def test_a_folder_without_cases_is_said(tmp_path):
    result = in_process("policy", "conform", str(tmp_path))

    assert result.returncode == 2
    assert f"{tmp_path} has no cases: folders with policies.json" in result.stderr

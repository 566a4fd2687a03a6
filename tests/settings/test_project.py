"""``[tool.distrokit]`` in ``pyproject.toml``."""

from __future__ import annotations

import pytest
from processes import QUIET, instrumented, run, said

from distrokit.settings.layers import Settings
from distrokit.settings.pyproject import with_project

TABLE = """
[tool.distrokit]
strict = false
disabled_plugins = ["dev", "otlp"]
traces-processor = "simple"
"""


@pytest.mark.parametrize("below", ["", "a/b"])
def test_the_nearest_table_from_the_working_directory_upwards_counts(tmp_path, below):
    folder = tmp_path / below
    folder.mkdir(parents=True, exist_ok=True)
    (tmp_path / "pyproject.toml").write_text(TABLE)
    env = {**QUIET, "OTEL_TRACES_EXPORTER": "console"}

    import subprocess

    from processes import BIN, clean_environ

    text = subprocess.run(
        [str(BIN / "distrokit"), "explain"],
        cwd=folder,
        env=clean_environ(env),
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout

    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert f"fed by simple (plugin batch 0.1.0) {tmp_path}/pyproject.toml, traces-processor" in rows


def test_the_environment_is_stronger_and_strict_ends_the_process(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.distrokit]\nstrict = true\nstrct = 1\n")

    strict = instrumented("pass", QUIET, cwd=tmp_path)
    lenient = instrumented("pass", {**QUIET, "DISTROKIT_STRICT": "false"}, cwd=tmp_path)

    assert strict.returncode == 78
    assert lenient.returncode == 0
    (line,) = said(lenient)
    assert line == (
        f"distrokit: {tmp_path}/pyproject.toml, strct DISTROKIT_STRCT: there is no setting of this name; "
        "it has no effect. Did you mean 'DISTROKIT_STRICT'?"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[tool.other]\n",
        "[tool.distrokit",
        "tool = 5  # tool.distrokit",
        "[tool]\ndistrokit = 5 # tool.distrokit",
        "\0",
    ],
)
def test_a_file_without_a_usable_table_is_none(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    problems = []

    found = with_project(Settings.from_environ({}), problems, tmp_path)

    assert (found.lookup("DISTROKIT_STRICT"), problems) == ([], [])


def test_python_3_10_without_tomli_says_so(tmp_path, monkeypatch):
    from distrokit.settings import pyproject as project

    (tmp_path / "pyproject.toml").write_text(TABLE)

    def gone():
        raise ModuleNotFoundError("tomli")

    monkeypatch.setattr(project, "_toml_loads", gone)
    problems = []
    with_project(Settings.from_environ({}), problems, tmp_path)

    assert "Run `pip install tomli`" in str(problems[0])


def test_a_working_directory_that_is_gone_disturbs_nobody(tmp_path):
    import sys

    program = f"import os, shutil; os.chdir({str(tmp_path)!r}); shutil.rmtree({str(tmp_path)!r}); import distrokit; distrokit.start()"

    assert run([sys.executable, "-c", program], QUIET).returncode == 0


@pytest.mark.parametrize(
    "line",
    [
        'instrumentation_flask = "subprocess:Popen"',
        'instrumentation_flask_replaced_by = "subprocess:Popen"',
        'instrumentation_flask_request_hook = "os:abort"',
        'instrumentation_flask_thing = "import:os:abort"',
        'instrumentation_flask_things = ["a", { b = "import:os:abort" }]',
        'instrumentation_flask_init = { a_hook = "os:abort" }',
        'plugin_files = ["tweak.py"]',
    ],
)
def test_it_names_no_code(tmp_path, line):
    """Whoever may write to a folder above a service's working directory must not run anything in the service."""
    (tmp_path / "pyproject.toml").write_text(f"[tool.distrokit]\n{line}\n")
    problems = []

    settings = with_project(Settings.from_environ({}), problems, tmp_path)

    assert settings.names_set() == set()
    (problem,) = problems
    assert problem.code == "setting-ignored"
    assert problem.remedy.startswith("Set the environment variable DISTROKIT_")


@pytest.mark.parametrize("line", ['instrumentation_flask = "off"', 'instrumentation_flask_excluded_urls = "a:80,b"'])
def test_it_switches_instrumentations_and_gives_them_plain_values(tmp_path, line):
    (tmp_path / "pyproject.toml").write_text(f"[tool.distrokit]\n{line}\n")
    problems = []

    assert len(with_project(Settings.from_environ({}), problems, tmp_path).names_set()) == 1
    assert problems == []

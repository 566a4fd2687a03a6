"""``distrokit freeze`` and ``DISTROKIT_FROZEN``: what was found once is not looked for again, and staleness is said."""

from __future__ import annotations

import json
import stat
import sys
from importlib.util import find_spec

import pytest
from commands import in_process
from distributions import write_distribution, write_plugin
from processes import QUIET, distrokit, instrumented, run, said

PLUGIN = """
from distrokit import hookimpl

@hookimpl
def distrokit_resource(settings):
    return {"from.acme": True}
"""

#: Says what distrokit asks importlib.metadata for; OpenTelemetry's loader and API ask for themselves.
PROGRAM = """
import importlib.metadata as m, sys

def spied(name):
    real = getattr(m, name)
    def asked(*args, **kwargs):
        who = sys._getframe(1).f_globals["__name__"]
        if who.startswith("distrokit") or who.endswith(".dependencies"):
            print("asked", name, who)
        return real(*args, **kwargs)
    setattr(m, name, asked)

for name in ("entry_points", "distributions", "distribution", "version"):
    spied(name)

from opentelemetry.instrumentation.auto_instrumentation import initialize
initialize()

from opentelemetry import trace
import flask
with trace.get_tracer("t").start_as_current_span("s"):
    print(flask.Flask.__module__)
"""


@pytest.fixture
def acme(tmp_path):
    return write_plugin(tmp_path / "acme", "acme", PLUGIN)


def freeze(tmp_path, *path, **env):
    file = tmp_path / "frozen.json"
    result = distrokit("freeze", "-o", str(file), env=env, path=path)
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return file, result.stdout


def test_what_is_written_and_what_is_said(tmp_path, acme):
    file, out = freeze(tmp_path, acme)

    content = json.loads(file.read_text())
    # The one for configuration files is for some releases of OpenTelemetry only.
    plugins = 7 + (find_spec("distrokit_yaml") is not None)
    assert out == f"wrote {file}: {plugins} plugins, 4 instrumentations; use it with DISTROKIT_FROZEN={file}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert content["folders"][str(acme)] == {"distrokit_acme-1.0": len("[distrokit]\nacme = acme_plugin\n")}
    assert ["distrokit", "acme", "acme_plugin", "distrokit-acme", "1.0"] in content["entry_points"]
    assert content["distro"]["name"] == "distrokit"
    assert content["chosen"]["traces exporter otlp"].startswith("otlp ")
    assert content["instrumentations"]["flask"]["triggers"] == ["flask>=1.0"]
    printed = distrokit("freeze", path=[acme])
    assert json.loads(printed.stdout) == content


def test_a_process_that_has_it_scans_nothing(tmp_path, acme, receiver):
    file, _ = freeze(tmp_path, acme)
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}

    scanning = run([sys.executable, "-c", PROGRAM], env, [acme])
    frozen = run([sys.executable, "-c", PROGRAM], {**env, "DISTROKIT_FROZEN": str(file)}, [acme])

    assert "asked distributions distrokit.plugins.distributions\n" in scanning.stdout
    assert "distrokit" not in frozen.stdout
    # Half of these are the loader's own.
    looked_up = "asked version opentelemetry.instrumentation.dependencies\n"
    assert frozen.stdout.count(looked_up) < scanning.stdout.count(looked_up)
    assert (frozen.stdout.splitlines()[-1], frozen.stderr) == ("opentelemetry.instrumentation.flask", "")
    spans = receiver.store.spans()
    assert [(span.name, span.resource["from.acme"]) for span in spans] == [("s", True)] * 2


def test_that_the_environment_has_changed_is_said_and_it_is_scanned(tmp_path, acme):
    file, _ = freeze(tmp_path, acme)
    other = write_plugin(tmp_path / "other", "other", PLUGIN.replace("acme", "other"), version="2.0")

    plan = json.loads(distrokit("explain", "--json", env={"DISTROKIT_FROZEN": str(file)}, path=[other]).stdout)

    (problem,) = plan["problems"]
    assert (problem["code"], problem["severity"]) == ("frozen-stale", "warning")
    assert problem["cause"] == "installed since: distrokit_other-2.0; gone since: distrokit_acme-1.0"
    assert (
        problem["remedy"] == f"Run `distrokit freeze -o {file}` once more, with `-- COMMAND` if need be, or unset it."
    )
    assert (plan["frozen"], "from.other" in plan["resource"]["attributes"]) == (None, True)


@pytest.mark.once
@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (None, "FileNotFoundError: "),
        ("{", "JSONDecodeError: "),
        ("[]", "TypeError: "),
        ('{"schema": 99}', "ValueError: its schema is 99, and this release reads 1"),
    ],
)
def test_a_file_that_cannot_be_used_costs_a_scan(tmp_path, content, cause):
    file = tmp_path / "frozen.json"
    if content is not None:
        file.write_text(content)

    result = instrumented("print('runs')", {**QUIET, "DISTROKIT_FROZEN": str(file)})

    (line,) = said(result)
    assert result.stdout == "runs\n"
    assert line.startswith(f"distrokit: DISTROKIT_FROZEN={file}: {cause}")
    assert "; the environment is scanned instead. Run `distrokit freeze -o " in line


def test_of_another_python_it_is_stale(tmp_path):
    file, _ = freeze(tmp_path)
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "python": "cpython 3.9"}))

    text = distrokit("explain", env={"DISTROKIT_FROZEN": str(file)}).stdout

    assert "it was made with Python cpython 3.9, and this is cpython 3." in text


@pytest.mark.once
def test_explain_says_that_it_is_frozen(tmp_path):
    file, _ = freeze(tmp_path)

    assert (
        f"frozen: {file} says what is installed\n" in distrokit("explain", env={"DISTROKIT_FROZEN": str(file)}).stdout
    )


@pytest.mark.once
def test_a_place_that_cannot_be_written_is_said(tmp_path):
    result = distrokit("freeze", "-o", str(tmp_path / "no" / "frozen.json"))

    assert (result.returncode, result.stdout) == (1, "")
    file = tmp_path / "no" / "frozen.json"
    why = "No such file or directory. Name a file that can be."
    assert result.stderr == f"distrokit freeze: {file} cannot be written: {why}\n"


def test_what_no_name_tells_is_seen_too(tmp_path, acme):
    """Other entry points under the same version, and what was installed the old way."""
    file, _ = freeze(tmp_path, acme)
    points = acme / "distrokit_acme-1.0.dist-info" / "entry_points.txt"
    points.write_text("[distrokit]\nacme = acme_plugin\nother = acme_plugin\n")
    (acme / "old-1.0.egg-info").mkdir()

    told = in_process("explain", env={"DISTROKIT_FROZEN": str(file)}, path=[acme]).stdout

    assert "installed since: old-1.0; with other entry points since: distrokit_acme-1.0; the environment is" in told


def test_the_programs_own_folder_does_not_count(tmp_path):
    """It is on the path of a program, and under the launcher, and not on that of the command that froze."""
    file, _ = freeze(tmp_path)
    (tmp_path / "here" / "zzz-1.0.dist-info").mkdir(parents=True)

    result = instrumented("print('runs')", {**QUIET, "DISTROKIT_FROZEN": str(file)}, cwd=tmp_path / "here")

    assert (result.stdout, result.stderr) == ("runs\n", "")


def test_a_plugin_finds_its_own_groups_in_it(tmp_path):
    source = """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_resource(settings, entry_points):
            return {"found": [point.name for point in entry_points.group("acme.parts")]}
    """
    path = write_distribution(
        tmp_path / "acme",
        "acme",
        entry_points={"distrokit": {"acme": "acme_plugin"}, "acme.parts": {"one": "x:y"}},
        modules={"acme_plugin": source},
    )
    file, _ = freeze(tmp_path, path)

    plan = json.loads(in_process("explain", "--json", env={"DISTROKIT_FROZEN": str(file)}, path=[path]).stdout)

    assert plan["frozen"] == str(file)
    assert plan["resource"]["attributes"]["found"]["value"] == ["one"]


def test_a_package_that_cannot_be_asked_is_left_out_of_what_is_known(tmp_path):
    points = {"opentelemetry_instrumentor": {"odd": "odd:Odd"}}
    path = write_distribution(tmp_path / "odd", "odd", entry_points=points, modules={"odd": "class Odd: pass"})
    with (path / "odd-1.0.dist-info" / "METADATA").open("a") as metadata:
        metadata.write("Requires-Dist: foo (>=1.*) ; extra == 'instruments'\nProvides-Extra: instruments\n")

    file, _ = freeze(tmp_path, path)

    assert "odd:Odd" not in json.loads(file.read_text())["conflicts"]


def test_rows_that_are_none_are_refused(tmp_path):
    file, _ = freeze(tmp_path)
    content = json.loads(file.read_text())
    content["entry_points"][0][1] = None
    file.write_text(json.dumps(content))

    told = in_process("explain", env={"DISTROKIT_FROZEN": str(file)}).stdout

    assert "TypeError: an entry point is five texts" in told

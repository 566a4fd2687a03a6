"""``DISTROKIT_PLUGIN_FILES``: one file, no package, and it is a plugin like any other."""

from __future__ import annotations

import json

from commands import in_process
from distributions import write_plugin
from plans import planned, problems
from processes import QUIET, instrumented, said

TWEAK = """
from dataclasses import dataclass

from distrokit import hookimpl


@dataclass
class Team:
    name: str = "blue"


@hookimpl
def distrokit_resource(settings):
    return {"team": Team().name}
"""


def write(path, text=TWEAK):
    path.write_text(text)
    return str(path)


def test_a_file_is_a_plugin_of_its_name_and_listed_as_a_file(tmp_path):
    path = write(tmp_path / "tweak.py")

    listed = json.loads(in_process("plugins", "--json", env={"DISTROKIT_PLUGIN_FILES": path}).stdout)

    (found,) = [p for p in listed["plugins"] if p["name"] == "tweak"]
    assert (found["distribution"], found["status"]) == (path, "loaded")
    assert found["hooks"] == ["distrokit_resource"]


def test_it_takes_part_in_a_real_process_wherever_that_stands(tmp_path, receiver):
    path = write(tmp_path / "tweak.py")
    program = "from opentelemetry import trace; trace.get_tracer('t').start_span('s').end(); print('runs')"
    env = {"DISTROKIT_PLUGIN_FILES": path, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}

    result = instrumented(program, env)

    assert (result.stdout, result.stderr) == ("runs\n", "")
    assert [span.resource["team"] for span in receiver.store.spans()] == ["blue"]


def test_a_file_that_is_not_there_or_broken_costs_itself(tmp_path):
    missing, broken = str(tmp_path / "no.py"), write(tmp_path / "broken.py", "1/0")

    result = instrumented("print('runs')", {**QUIET, "DISTROKIT_PLUGIN_FILES": f"{missing}, {broken}"})

    assert result.stdout == "runs\n"
    first, second = said(result)
    assert first == (
        f"distrokit: plugin broken ({broken}): import: ZeroDivisionError: division by zero; the plugin is left out. "
        "Repair it, or take it out of DISTROKIT_PLUGIN_FILES."
    )
    assert second.startswith(f"distrokit: plugin no ({missing}): import: FileNotFoundError: ")


def test_a_url_is_no_path():
    (line,) = problems(planned({"DISTROKIT_PLUGIN_FILES": "https://me:secret@host/tweak.py"}))

    assert line == (
        "DISTROKIT_PLUGIN_FILES=https://****@host/tweak.py: it is a URL or an address with a password, not the path of a file; it is not loaded. "
        "Download the file and name its path."
    )


def test_a_file_that_is_named_twice_is_one(tmp_path, monkeypatch):
    path = write(tmp_path / "tweak.py")
    monkeypatch.chdir(tmp_path)

    plan = planned({"DISTROKIT_PLUGIN_FILES": f"tweak.py,{path},./tweak.py"})

    assert problems(plan) == []
    assert plan.resource.attributes["team"].value == "blue"


def test_a_file_gives_way_to_what_is_called_so_already(tmp_path):
    path = write(tmp_path / "acme.py")
    installed = write_plugin(tmp_path / "installed", "acme", TWEAK.replace('"team"', '"group"'))

    plan = json.loads(in_process("explain", "--json", env={"DISTROKIT_PLUGIN_FILES": path}, path=[installed]).stdout)

    (problem,) = plan["problems"]
    assert (problem["outcome"], problem["remedy"]) == ("the file is left out", "Give the file another name.")
    assert plan["resource"]["attributes"]["group"]["value"] == "blue"
    assert "team" not in plan["resource"]["attributes"]


def test_a_home_that_nobody_knows_costs_that_file(tmp_path):
    tweak = write(tmp_path / "tweak.py")

    plan = planned({"DISTROKIT_PLUGIN_FILES": f"~nobody-here/x.py,{tweak}"})

    (line,) = problems(plan)
    assert "'~nobody-here/x.py' is relative to the working directory, and does not exist there" in line
    assert plan.resource.attributes["team"].value == "blue"


def test_two_files_of_one_name_are_both_refused_as_two_packages_are(tmp_path):
    (tmp_path / "a").mkdir()
    first, second = write(tmp_path / "tweak.py"), write(tmp_path / "a" / "tweak.py")

    plan = planned({"DISTROKIT_PLUGIN_FILES": f"{first},{second}"})

    (line,) = problems(plan)
    assert f"{second} and {first} use the same name" in line
    assert "team" not in plan.resource.attributes


def test_blocking_all_that_are_installed_leaves_it(tmp_path):
    plan = planned({"DISTROKIT_PLUGIN_FILES": write(tmp_path / "tweak.py"), "DISTROKIT_DISABLED_PLUGINS": "*"})

    assert plan.resource.attributes["team"].value == "blue"


def test_a_file_in_the_working_directory_cannot_name_one(tmp_path):
    """Nothing is executed from there that plain Python would not load."""
    write(tmp_path / "tweak.py", "print('executed')")
    (tmp_path / "pyproject.toml").write_text('[tool.distrokit]\nplugin-files = ["tweak.py"]\n')

    result = instrumented("print('runs')", QUIET, cwd=tmp_path)

    assert result.stdout == "runs\n"
    (line,) = said(result)
    assert line == (
        f"distrokit: {tmp_path}/pyproject.toml, plugin-files: it names code to run, which a file must not do; "
        "it has no effect. Set the environment variable DISTROKIT_PLUGIN_FILES."
    )

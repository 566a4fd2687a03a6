"""A folder in front of an application: what runs, and what the application sees of it."""

from __future__ import annotations

import json
import os
import shutil
import sys
import zipapp
from pathlib import Path
from textwrap import dedent

import pytest
from attaching import attached
from interpreters import SUPPORTED, Environment, find
from processes import QUIET

ENTRIES = ("", "glibc", "musl", "opentelemetry/instrumentation/auto_instrumentation")

SPAN = """
from opentelemetry import trace

with trace.get_tracer("shop").start_as_current_span("checkout"):
    print("thank you")
"""


def environment(tmp_path, wheels, *requirements, python=sys.executable):
    made = Environment(tmp_path / "env", wheels, python)
    if requirements:
        made.install(*requirements)
    return made


def to(receiver, **env):
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"), **env}


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_layout_starts_it(folder, receiver, tmp_path, wheels, entry):
    python = environment(tmp_path, wheels).bin / "python"
    # OpenTelemetry's operator puts both folders there.
    path = folder if not entry else f"{folder / entry}{os.pathsep}{folder}" if "instr" in entry else folder / entry

    ran = attached(python, ["-c", SPAN], path, to(receiver))

    assert (ran.stdout, ran.stderr, ran.returncode) == ("thank you\n", "", 0)
    assert [span.name for span in receiver.store.spans()] == ["checkout"]


@pytest.mark.parametrize("version", SUPPORTED)
def test_one_folder_serves_every_python(folder, receiver, version):
    python = find(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")

    ran = attached(python, ["-S", "-c", "print('alone')"], folder, to(receiver))
    assert (ran.stdout, ran.stderr) == ("alone\n", "")
    ran = attached(_bare(python), ["-c", SPAN], folder, to(receiver))

    assert (ran.stdout, ran.stderr, ran.returncode) == ("thank you\n", "", 0)
    (span,) = receiver.store.spans()
    assert span.resource["process.runtime.version"].startswith(version)


def _bare(python):
    """The interpreter itself, not one of an environment with distrokit."""
    return os.path.realpath(python)


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.7", "3.8", "3.9"])
def test_an_older_python_is_left_alone_in_one_line(folder, version, tmp_path):
    python = find(version) if version != "2.7" else _oldest()
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    (tmp_path / "sitecustomize.py").write_text("print('own')\n")
    program = "import subprocess, sys; sys.stdout.flush(); print(subprocess.call([sys.executable, '-c', '1']))"

    ran = attached(python, ["-c", program], folder, {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"})

    # Its child says nothing again.
    line = (
        f"distrokit: {folder}: Python {version} is older than 3.10; the application runs without distrokit."
        " Run the application with Python 3.10 or later, or set DISTROKIT_ATTACH=0.\n"
    )
    assert (ran.stdout, ran.stderr, ran.returncode) == ("own\nown\n0\n", line, 0)


def _oldest():
    found = sorted(Path("~/.pyenv/versions").expanduser().glob("2.7.*/bin/python2.7"))
    return str(found[-1]) if found else None


@pytest.mark.parametrize("value", ["0", "false", "No", " off "])
def test_it_can_be_switched_off(folder, tmp_path, value):
    (tmp_path / "sitecustomize.py").write_text("print('own')\n")
    program = "import sys; print([n for n in sys.modules if 'distrokit' in n], [p for p in sys.path if 'otel' in p])"

    ran = attached(
        _bare(sys.executable), ["-c", program], folder, {"PYTHONPATH": str(tmp_path), "DISTROKIT_ATTACH": value}
    )

    assert (ran.stdout, ran.stderr) == ("own\n[] []\n", "")


def test_the_users_own_runs_first_and_configures_it(folder, receiver, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "os.environ['OTEL_SERVICE_NAME'] = 'named-by-sitecustomize'\n"
        "print('own', sorted(n for n in sys.modules if n.startswith(('distrokit', 'opentelemetry'))))\n"
    )

    ran = attached(_bare(sys.executable), ["-c", SPAN], folder, to(receiver, PYTHONPATH=str(tmp_path)))

    assert (ran.stdout, ran.stderr) == ("own []\nthank you\n", "")
    (span,) = receiver.store.spans()
    assert span.resource["service.name"] == "named-by-sitecustomize"


def test_a_users_own_that_raises_looks_as_without_it(folder, receiver, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("1 / 0\n")
    python, env = _bare(sys.executable), to(receiver, PYTHONPATH=str(tmp_path))

    ran = attached(python, ["-c", SPAN], folder, env)
    alone = attached(python, ["-c", "print('thank you')"], None, env)

    assert (ran.stdout, ran.stderr) == (alone.stdout, alone.stderr)
    assert "ZeroDivisionError" in ran.stderr
    assert len(receiver.store.spans()) == 1


def test_children_are_attached_whatever_the_application_adds_to_the_path(folder, receiver, tmp_path):
    program = dedent(f"""
    import multiprocessing, os, subprocess, sys
    before = os.environ["PYTHONPATH"]
    os.environ["PYTHONPATH"] = {str(tmp_path)!r} + os.pathsep + before
    subprocess.run([sys.executable, "-c", {SPAN!r}], check=True)
    subprocess.run([sys.executable, "-I", "-c", "print('isolated')"], check=True)
    print(os.environ["PYTHONPATH"] == {str(tmp_path)!r} + os.pathsep + before)
    """)

    ran = attached(_bare(sys.executable), ["-u", "-c", program], folder, to(receiver))

    assert (ran.stdout, ran.stderr) == ("thank you\nisolated\nTrue\n", "")
    assert [span.name for span in receiver.store.spans()] == ["checkout"]


@pytest.mark.parametrize("entry", ["", "opentelemetry/instrumentation/auto_instrumentation"])
@pytest.mark.parametrize("lazy", ["0", "1"])
def test_a_python_that_the_start_itself_runs_is_not_attached(folder, receiver, tmp_path, entry, lazy):
    # Such a Python would start distrokit, and this plugin, again.
    (tmp_path / "runs.py").write_text(
        "import subprocess, sys\n"
        "code = \"import sys; print(any('distrokit' in name for name in sys.modules))\"\n"
        "print(subprocess.check_output([sys.executable, '-c', code], text=True), end='')\n"
    )
    program = f"import os; before = os.environ['PYTHONPATH']{SPAN}    print(before == os.environ['PYTHONPATH'])"
    env = to(receiver, DISTROKIT_PLUGIN_FILES=str(tmp_path / "runs.py"), DISTROKIT_LAZY=lazy)
    path = folder / entry if entry else folder

    ran = attached(_bare(sys.executable), ["-c", program], path, env)

    assert ran.stdout == "False\nthank you\nTrue\n", ran.stderr


def test_spawned_workers_are_attached(folder, receiver, tmp_path):
    program = tmp_path / "app.py"
    program.write_text(
        dedent("""
        import multiprocessing

        def work(name):
            from opentelemetry import trace
            with trace.get_tracer("shop").start_as_current_span(name):
                return name

        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(2) as pool:
                print(pool.map(work, ["a", "b"]))
                pool.close()
                pool.join()
        """)
    )

    ran = attached(_bare(sys.executable), [str(program)], folder, to(receiver))

    assert (ran.stdout, ran.stderr) == ("['a', 'b']\n", "")
    assert sorted(span.name for span in receiver.store.spans()) == ["a", "b"]


def test_the_folder_may_be_moved_and_needs_no_write_access(folder, receiver, tmp_path):
    moved = tmp_path / "elsewhere" / "with a space"
    shutil.copytree(folder, moved, copy_function=shutil.copy)
    files = sorted(path.relative_to(moved) for path in moved.rglob("*"))
    for path in (moved, *moved.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    python = _bare(sys.executable)
    program = SPAN + "import opentelemetry.trace as t; print(t.__cached__, t.get_tracer.__code__.co_filename)"

    ran = attached(python, ["-c", program], moved, to(receiver))

    cached = f"trace/__pycache__/__init__.{sys.implementation.cache_tag}.pyc"
    own = moved / "distrokit-attached/opentelemetry"
    assert (ran.stdout, ran.stderr) == (f"thank you\n{own / cached} {own / 'trace/__init__.py'}\n", "")
    assert files == sorted(path.relative_to(moved) for path in moved.rglob("*"))
    for path in (moved, *moved.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_zipapp(folder, receiver, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "__main__.py").write_text(SPAN)
    zipapp.create_archive(source, tmp_path / "app.pyz")

    ran = attached(_bare(sys.executable), [str(tmp_path / "app.pyz")], folder, to(receiver))

    assert (ran.stdout, ran.stderr) == ("thank you\n", "")
    assert [span.name for span in receiver.store.spans()] == ["checkout"]


def test_an_application_that_brings_opentelemetry_in_its_own_folder(folder, tmp_path, wheels):
    made = environment(tmp_path, wheels, "opentelemetry-sdk==1.30.0")
    site = next(made.folder.glob("lib/python*/site-packages"))
    shutil.copytree(site / "opentelemetry", tmp_path / "app" / "opentelemetry")
    for name in ("typing_extensions.py", "deprecated", "wrapt", "importlib_metadata", "zipp"):
        source = site / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / "app" / name)
    program = tmp_path / "app" / "app.py"
    program.write_text("import opentelemetry.version; print(opentelemetry.version.__file__)\n")

    ran = attached(_bare(sys.executable), [str(program)], folder)

    assert ran.stdout == f"{tmp_path / 'app/opentelemetry/version/__init__.py'}\n"
    assert (
        "the application has opentelemetry-sdk 1.30.0; this folder works with opentelemetry-sdk>=1.43,<2" in ran.stderr
    )
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize("release", ["1.30.0", "1.43.0"])
def test_a_path_that_the_application_adds_later_counts(folder, receiver, tmp_path, wheels, release):
    made = environment(tmp_path, wheels, f"opentelemetry-sdk=={release}")
    site = next(made.folder.glob("lib/python*/site-packages"))
    program = f"import sys; sys.path.insert(0, {str(site)!r})\n{SPAN}import opentelemetry.trace as t; print(t.__file__)"

    ran = attached(_bare(sys.executable), ["-c", program], folder, to(receiver))

    assert ran.stdout == f"thank you\n{site}/opentelemetry/trace/__init__.py\n", ran.stderr
    assert ran.stderr.count("the application runs without distrokit") == (release == "1.30.0")
    assert len(receiver.store.spans()) == (release != "1.30.0")
    assert {span.resource["telemetry.sdk.version"] for span in receiver.store.spans()} <= {release}


def test_an_installed_distrokit_starts_instead_of_the_folders(folder, receiver, tmp_path, wheels):
    made = environment(tmp_path, wheels, "distrokit-otlp", "distrokit-batch")
    program = SPAN + "import distrokit; print(distrokit.__file__)"
    (tmp_path / "sitecustomize.py").write_text("print('own')\n")

    env = to(receiver, OTEL_LOG_LEVEL="debug", PYTHONPATH=str(tmp_path))
    ran = attached(made.bin / "python", ["-c", program], folder, env)

    site = next(made.folder.glob("lib/python*/site-packages"))
    assert ran.stdout == f"own\nthank you\n{site}/distrokit/__init__.py\n"
    assert f"distrokit: {folder}: the application has distrokit installed, which starts instead" in ran.stderr
    assert len(receiver.store.spans()) == 1


def test_of_two_folders_the_first_one_counts(folder, receiver, tmp_path):
    second = tmp_path / "second"
    shutil.copytree(folder, second)
    (tmp_path / "sitecustomize.py").write_text("print('own')\n")
    program = SPAN + "import sys, distrokit; print(distrokit.__file__, [p for p in sys.path if 'second' in p])"
    path = os.pathsep.join(map(str, (second, tmp_path)))

    ran = attached(
        _bare(sys.executable), ["-c", program], folder, to(receiver, PYTHONPATH=path, OTEL_LOG_LEVEL="debug")
    )

    assert ran.stdout == f"own\nthank you\n{folder}/distrokit-attached/distrokit/__init__.py []\n"
    assert f"distrokit: {second}: another folder is before it on the path, and is used instead" in ran.stderr
    assert len(receiver.store.spans()) == 1


def test_a_process_that_uses_no_telemetry_imports_none(folder):
    program = (
        "import sys; print(sorted(n for n in sys.modules if n.startswith(('opentelemetry', '_distrokit_private', 'json',"
        " 'distrokit.launch'))), 'distrokit.lazy.on_demand' in sys.modules)"
    )

    ran = attached(_bare(sys.executable), ["-c", program], folder)

    # The process waits for its first use of telemetry.
    assert (ran.stdout, ran.stderr) == ("[] True\n", "")


def test_what_an_application_can_list_of_it(folder, tmp_path, wheels):
    made = environment(tmp_path, wheels, "flask", "wrapt==1.14.1", "setuptools<80")
    program = tmp_path / "lists.py"
    program.write_text(
        dedent("""
        import importlib.util, json, pkgutil, sys, warnings
        from importlib import metadata
        warnings.simplefilter("ignore")
        import pkg_resources
        telemetry = ("opentelemetry", "distrokit")
        print(json.dumps({
            "distributions": sorted(d.name for d in metadata.distributions() if not d.name.startswith(telemetry)),
            "entry points": sorted(
                (p.group, p.name, p.value)
                for d in metadata.distributions()
                for p in d.entry_points
                if not d.name.startswith(telemetry)
            ),
            "plugins of pytest": [p.value for p in metadata.entry_points(group="pytest11")],
            "pkg_resources": sorted(d.project_name for d in pkg_resources.working_set),
            "modules": sorted(m.name for m in pkgutil.iter_modules()),
            "path": sys.path,
            "version": metadata.version("wrapt"),
            "absent": [name for name in ("pluggy", "h2", "packaging") if importlib.util.find_spec(name)],
            "telemetry": sorted(d.name for d in metadata.distributions() if d.name.startswith("distrokit")),
        }))
        """)
    )

    alone, ran = (attached(made.bin / "python", ["-W", "ignore", str(program)], f) for f in (None, folder))

    before, now = json.loads(alone.stdout), json.loads(ran.stdout)
    assert (before.pop("telemetry"), "distrokit" in now.pop("telemetry")) == ([], True)
    assert now == before
    assert ran.stderr == ""


@pytest.mark.parametrize("words", [["--attach", "FOLDER"], ["--attach=FOLDER", "--"]])
def test_distrokit_run_of_another_environment(folder, receiver, words):
    words = [word.replace("FOLDER", str(folder)) for word in words]
    command = [*words, _bare(sys.executable), "-c", SPAN]

    ran = attached(sys.executable, ["-m", "distrokit", "run", *command], None, to(receiver))

    assert (ran.stdout, ran.stderr) == ("thank you\n", "")
    assert [span.name for span in receiver.store.spans()] == ["checkout"]


def test_the_command_runs_from_the_folder(folder, tmp_path):
    python = _bare(sys.executable)

    explained = attached(python, ["-m", "distrokit", "explain"], folder, QUIET)
    assert explained.stdout.startswith(
        f"attached from {folder}: the application has no OpenTelemetry, the folder's is used\n"
    )
    # The folder on PYTHONPATH counts, whichever distrokit runs the command.
    for by in (python, sys.executable):
        asked = attached(by, ["-m", "distrokit", "doctor", "--offline", "--", python, "-c", "1"], folder, QUIET)
        expected = f"ok    attached: distrokit 0.1.0 runs from {folder}: the application has no"
        assert expected in asked.stdout, asked.stderr


def doctor(folder, *command, env=None, options=()):
    words = ["-m", "distrokit", "doctor", "--offline", "--attached", str(folder), *options, "--", *command]
    return attached(sys.executable, words, None, {**QUIET, **(env or {})})


def test_the_doctor_says_it_beforehand(folder, tmp_path, wheels):
    made = environment(tmp_path, wheels, "opentelemetry-api==1.20.0")
    program = tmp_path / "app.py"
    program.write_text("print('the application ran')\n")

    said = doctor(folder, str(made.bin / "python"), str(program), options=["--json"])

    checks = json.loads(said.stdout)["checks"]
    assert checks[0]["evidence"].endswith("the application's opentelemetry-api 1.20.0 is replaced by 1.45.1")
    assert {check["verdict"] for check in checks if check["group"] in ("attached", "packages")} <= {"ok", "warn"}
    assert "the application ran" not in said.stdout + said.stderr


@pytest.mark.parametrize(
    ("env", "python", "reason", "remedy"),
    [
        ({"DISTROKIT_ATTACH": "0"}, "3.10", "DISTROKIT_ATTACH=0", "unset DISTROKIT_ATTACH"),
        ({}, "3.9", "Python 3.9 is older than 3.10", "Run the application with Python 3.10 or later"),
    ],
)
def test_the_doctor_says_why_nothing_will_happen(folder, env, python, reason, remedy):
    found = find(python)
    if found is None:
        pytest.skip(f"this machine has no Python {python}")

    said = doctor(folder, _bare(found), "-c", "print('the application ran')", env=env)

    assert said.returncode == 1
    assert f"FAIL  attached: {reason}; the application runs without distrokit\n        → {remedy}" in said.stdout
    assert "the application ran\n" not in said.stdout + said.stderr


def test_wrong_folders_and_options_are_named(folder, tmp_path):
    said = doctor(tmp_path, sys.executable, "-c", "1")
    assert f"FAIL  attached: {tmp_path} is not a folder of `distrokit build`" in said.stdout
    assert said.returncode == 1

    said = attached(sys.executable, ["-m", "distrokit", "doctor", "--attached", str(folder)], None, QUIET)
    assert "--attached needs a COMMAND" in said.stderr
    assert said.returncode == 2

    said = attached(sys.executable, ["-m", "distrokit", "run", "--attach", str(tmp_path), "ls"], None)
    assert f"--attach {tmp_path}: it is not a folder of `distrokit build`" in said.stderr
    assert said.returncode == 2


@pytest.mark.parametrize("missing", ["distrokit-attached/distrokit", "_distrokit_attach/start.py"])
def test_a_broken_folder_costs_telemetry_and_nothing_else(folder, tmp_path, missing):
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    shutil.rmtree(broken / missing) if (broken / missing).is_dir() else (broken / missing).unlink()
    (tmp_path / "sitecustomize.py").write_text("print('own')\n")

    ran = attached(_bare(sys.executable), ["-c", "print('ran')"], broken, {"PYTHONPATH": str(tmp_path)})

    assert (ran.stdout, ran.returncode) == ("own\nran\n", 0)
    (line,) = ran.stderr.splitlines()
    assert line.startswith(f"distrokit: {broken}: ")
    assert line.endswith("the application runs without distrokit. Build the folder again.")


@pytest.mark.parametrize("form", ["{}/", "{}/.", "./{}"])
def test_other_spellings_of_its_path_are_the_folder(folder, receiver, form):
    path = form.format(folder.name if form.startswith(".") else folder)
    program = SPAN + "import sys; print([entry for entry in sys.path if 'otel' in entry])"

    ran = attached(_bare(sys.executable), ["-c", program], path, to(receiver), cwd=folder.parent)

    assert (ran.stdout, ran.stderr) == ("thank you\n[]\n", "")
    assert [span.name for span in receiver.store.spans()] == ["checkout"]


def test_an_application_that_is_left_alone_keeps_its_own_launcher(folder, receiver, tmp_path, wheels):
    made = environment(
        tmp_path,
        wheels,
        "opentelemetry-distro==0.51b0",
        "opentelemetry-exporter-otlp-proto-http==1.30.0",
        "setuptools<80",
    )
    program = tmp_path / "app.py"
    program.write_text(SPAN)
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf"),
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_METRICS_EXPORTER": "none",
        "PATH": f"{made.bin}{os.pathsep}{os.environ['PATH']}",
    }

    ran = attached(
        made.bin / "python", [str(made.bin / "opentelemetry-instrument"), "python", str(program)], folder, env
    )

    assert ran.stdout == "thank you\n"
    (span,) = receiver.store.spans()
    assert span.resource["telemetry.sdk.version"] == "1.30.0"
    assert ran.stderr.count("this folder works with") == 1


def test_the_bare_python_has_no_distrokit():
    ran = attached(_bare(sys.executable), ["-c", "import distrokit"], None)
    assert "No module named 'distrokit'" in ran.stderr

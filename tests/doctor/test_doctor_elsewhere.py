"""``-- COMMAND`` and ``DISTROKIT_DOCTOR``: the answer is of the process that is meant, and the application does not run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from commands import in_process
from distributions import write_distro
from interpreters import find
from processes import BIN, QUIET, instrumented, run

APP = "import sys; open('ran', 'w').close(); print('ran', *sys.argv[1:]); sys.exit(7)"


def ask(*words, cwd, env=None):
    """``distrokit`` with the environment's own programs on the PATH: what is asked is another process anyway."""
    env = {**QUIET, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **(env or {})}
    # With --run it becomes the command.
    return alone(*words, cwd=cwd, env=env) if "--run" in words else in_process(*words, cwd=cwd, env=env)


def alone(*words, cwd, env):
    """In a process of its own, too."""
    return run([str(BIN / "distrokit"), *words], env, cwd=cwd)


@pytest.fixture
def app(tmp_path):
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def script(folder, first_line, body=APP):
    path = folder / "serve"
    path.write_text(f"{first_line}\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.parametrize(
    "command", [["python", "app.py"], ["sh", "-c", "cd . && OTEL_SERVICE_NAME=inner python app.py"]]
)
def test_the_answer_is_of_the_commands_process(app, command):
    result = ask("doctor", "--offline", "--json", "--", *command, cwd=app, env={"OTEL_SERVICE_NAME": "outer"})

    checks = {check["id"]: check for check in json.loads(result.stdout)["checks"]}
    assert result.returncode == 1
    assert checks["exports"]["verdict"] == "fail"
    assert ("inner" if command[0] == "sh" else "outer") in checks["service-name"]["evidence"]
    assert "OpenTelemetry's runs first" in checks["sitecustomize"]["evidence"]
    # The application's own code did not run.
    assert not (app / "ran").exists()


@pytest.mark.parametrize("launched", [[], [str(BIN / "opentelemetry-instrument")]])
def test_a_launched_script_and_a_server(app, launched):
    path = script(app, f"#!{sys.executable}")

    result = ask("explain", "--json", "--", *launched, path, "--json", "app:app", cwd=app)

    assert json.loads(result.stdout)["schema"] == 2
    assert (result.returncode, result.stderr) == (0, "")
    assert not (app / "ran").exists()


def test_plugins_and_wrong_arguments_are_answered_there_too(app):
    table = ask("plugins", "--", "python", "app.py", cwd=app)
    wrong = ask("explain", "OTEL_NOTHING", "--", "python", "app.py", cwd=app)

    assert table.stdout.startswith("batch ")
    assert wrong.returncode == 1
    assert "unknown setting 'OTEL_NOTHING'" in wrong.stderr


def test_a_pre_fork_server_is_seen_by_its_command_line(app):
    (app / "gunicorn.py").write_text(APP)

    result = ask(
        "doctor",
        "--offline",
        "--",
        "python",
        "-m",
        "gunicorn",
        "app:app",
        cwd=app,
        env={"OTEL_TRACES_EXPORTER": "", "DISTROKIT_OTLP_GRPC": "grpcio"},
    )

    assert "warn  pre-fork: gunicorn forks its workers" in result.stdout
    assert not (app / "ran").exists()


@pytest.mark.parametrize(
    "before",
    ["", "env", "env A=b -u C D=e", "nice -n 5", str(BIN / "opentelemetry-instrument") + " --traces_exporter none"],
)
@pytest.mark.parametrize("flags", ["-S", "-I", "-E", "-uI", "-Wd -E", "-X dev -sE"])
def test_flags_that_keep_the_launcher_out(app, flags, before):
    result = ask("doctor", "--", *before.split(), "python", *flags.split(), "app.py", cwd=app)

    assert result.returncode == 1
    assert "FAIL  python-flags: `python …`" in result.stdout
    assert not (app / "ran").exists()


def test_flags_in_a_scripts_first_line_and_flags_that_do_not_matter(app):
    refused = ask("doctor", "--", script(app, f"#!{sys.executable} -I"), cwd=app)
    taken = ask("doctor", "--offline", "--", "python", "-u", "-X", "dev", "-m", "app", "-S", cwd=app)
    by_env = ask("doctor", "--", script(app, "#!/usr/bin/env -S python -E"), cwd=app)

    assert "serve (first line) starts Python with -I" in refused.stdout
    assert "serve (first line) starts Python with -E" in by_env.stdout
    assert "python-flags" not in taken.stdout
    assert "exports" in taken.stdout
    assert not (app / "ran").exists()


def test_a_first_line_that_is_too_long_for_the_system(app):
    path = script(app, f"#!/bin/sh\n'''exec' {sys.executable} \"$0\" \"$@\"\n' '''")

    assert "exports" in ask("doctor", "--offline", "--", path, cwd=app).stdout


def test_an_interpreter_without_distrokit(app):
    other = find("3.13" if sys.version_info[:2] != (3, 13) else "3.12")
    if other is None:
        pytest.skip("there is no other Python on this machine")

    result = ask("doctor", "--", other, "app.py", cwd=app)

    assert f"FAIL  interpreter: {other}, which runs it, has no distrokit" in result.stdout
    assert f"→ {other} -m pip install 'distrokit[otlp]'" in result.stdout
    for wrapped in (["env", "A=b", other], ["nice", "-n", "1", other], ["sh", "-c", f"{other} app.py"]):
        assert "has no distrokit" in ask("doctor", "--", *wrapped, "app.py", cwd=app).stdout
    assert not (app / "ran").exists()


def test_a_runner_in_another_environment_is_not_the_program(app):
    other = find("3.13" if sys.version_info[:2] != (3, 13) else "3.12")
    if other is None:
        pytest.skip("there is no other Python on this machine")
    runner = app / "poetry"
    runner.write_text(f"#!{other}\nimport os, sys; os.execvp(sys.argv[2], sys.argv[2:])\n")
    runner.chmod(0o755)

    assert "exports" in ask("doctor", "--offline", "--", str(runner), "run", "python", "app.py", cwd=app).stdout
    assert not (app / "ran").exists()


def test_an_interpreter_that_does_not_run(app):
    path = app / "python3"
    path.write_text("#!/bin/sh\necho broken >&2; exit 3\n")
    path.chmod(0o755)
    gone = app / "python3.99"
    gone.write_text("nothing that runs")
    gone.chmod(0o755)

    assert "fails when it looks for distrokit: broken" in ask("doctor", "--", str(path), "x", cwd=app).stdout
    assert "does not run" in ask("doctor", "--", str(gone), "x", cwd=app).stdout


def test_a_command_that_never_comes_to_distrokit(app):
    result = ask("doctor", "--", "sh", "-c", "echo only a shell; exit 3", cwd=app)
    explained = ask("explain", "--", "sh", "-c", "exit 0", cwd=app)

    assert result.returncode == explained.returncode == 1
    assert "it ended with exit code 3; its last output was: only a shell" in result.stdout
    assert (
        "distrokit explain: `sh …` started no Python that ran distrokit; it ended with exit code 0." in explained.stderr
    )


def test_a_command_that_does_not_end_is_ended(app, monkeypatch):
    from distrokit.cli import target_process as elsewhere

    monkeypatch.setattr(elsewhere, "PATIENCE", 0.3)

    check = elsewhere.ask(["doctor"], ["sleep", "60"])

    assert "it was ended after 0 seconds" in check.evidence


def test_a_program_that_is_not_there(app):
    result = ask("doctor", "--json", "--", "no-such-program", cwd=app)

    (check,) = json.loads(result.stdout)["checks"]
    assert (check["id"], check["evidence"]) == ("command", "there is no program 'no-such-program'")
    assert alone("doctor", "--", "no-such-program", cwd=app, env={}).returncode == 1
    assert ask("doctor", "--run", "--", "no-such-program", cwd=app).returncode == 127


def test_no_secret_of_the_command_is_shown(app):
    secret = "hush-hush-4711"
    assignment = f"OTEL_EXPORTER_OTLP_HEADERS=a={secret}"
    for words in (
        ["bash", "-c", "echo $OTEL_EXPORTER_OTLP_HEADERS; exit 3"],
        ["env", assignment, "bash", "-c", "echo $OTEL_EXPORTER_OTLP_HEADERS"],
        ["env", assignment, "python", "-I", "app.py"],
        ["env", assignment, "true"],
        ["sh", "-c", f"echo {secret}; exit 3", "x", "--api-key", secret],
    ):
        for own in (["doctor", "--json"], ["explain"]):
            result = ask(*own, "--", *words, cwd=app, env={"OTEL_EXPORTER_OTLP_HEADERS": f"b={secret}"})
            assert result.returncode == 1
            assert secret not in result.stdout + result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whoever_ends_doctor_ends_the_command(app, number):
    script(app, "#!/bin/sh", "trap '' TERM\necho $$ > pid\nwhile :; do sleep 0.1; done")
    process = subprocess.Popen(
        [str(BIN / "distrokit"), "doctor", "--", "./serve"],
        cwd=app,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not (app / "pid").exists() or not (app / "pid").read_text().strip():
        assert process.poll() is None
        time.sleep(0.02)
    child = int((app / "pid").read_text())

    process.send_signal(number)

    assert process.wait(20) == 128 + number
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


@pytest.mark.parametrize("value", ["b2", " ", ","])
def test_propagators_that_stop_opentelemetry_are_named(app, value):
    result = ask("doctor", "--", "python", "app.py", cwd=app, env={"OTEL_PROPAGATORS": value})

    assert "FAIL  propagator-stops-launcher" in result.stdout
    assert "Traceback" not in result.stdout


def test_what_cannot_get_in_is_said_before_it_runs(app):
    result = ask("doctor", "--run", "--", "python", "-I", "app.py", cwd=app)

    assert result.returncode == 7
    assert "FAIL  python-flags" in result.stderr


def test_the_way_we_came_is_no_other_sitecustomize(app):
    launcher = str(BIN / "opentelemetry-instrument")
    for words in ([launcher, "python", "app.py"], ["sh", "-c", f"exec {launcher} --service_name x python app.py"]):
        assert "ok    sitecustomize" in ask("doctor", "--offline", "--", *words, cwd=app).stdout
    assert not (app / "ran").exists()


@pytest.mark.parametrize(
    "before",
    ["env PYTHONPATH=src", "env -i", "env -u PYTHONPATH", "env A=b --unset=PYTHONPATH", "nice env PYTHONPATH="],
)
def test_words_that_take_pythonpath_away(app, before):
    result = ask("doctor", "--", *before.split(), "python", "app.py", cwd=app)

    assert result.returncode == 1
    assert "removes PYTHONPATH" in result.stdout
    assert not (app / "ran").exists()


@pytest.mark.parametrize("before", ["timeout 60", "setsid", "stdbuf -oL", "nohup", "exec env"])
def test_flags_behind_other_words(app, before):
    command = [*before.split(), "python", "-I", "app.py"]
    command = command if before != "exec env" else command[1:]

    assert "FAIL  python-flags" in ask("doctor", "--", *command, cwd=app).stdout
    assert not (app / "ran").exists()


def test_a_python_that_cannot_answer_does_not_go_on(app):
    (app / "pluggy.py").write_text("raise RuntimeError('not the real one')")

    result = ask("doctor", "--offline", "--", "python", "app.py", cwd=app)

    assert "FAIL  command: a Python in `python …` cannot run distrokit" in result.stdout
    assert "RuntimeError: not the real one" in result.stdout
    assert not (app / "ran").exists()


#: As an entry point of a container does it.
BECOME = ["setpriv", "--reuid=65534", "--clear-groups", sys.executable]


def test_another_user_may_answer():
    if shutil.which("setpriv") is None or run([*BECOME, "-c", "import distrokit"]).returncode:
        pytest.skip("this user cannot become one who may read this environment")
    # Not in pytest's folder, which is for its user alone.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        Path(folder, "app.py").write_text(APP)

        result = ask("doctor", "--offline", "--", *BECOME, "app.py", cwd=folder)

    assert "FAIL  exports" in result.stdout


@pytest.mark.parametrize("first", ["", "#!/nonexistent/sh", "#!/bin/bash\r"])
def test_what_the_system_cannot_start(app, first):
    path = script(app, first) if first else str(app / "noshebang")
    if not first:
        (app / "noshebang").write_text("nothing")
        (app / "noshebang").chmod(0o755)

    result = ask("doctor", "--json", "--", path, cwd=app)

    (check,) = json.loads(result.stdout)["checks"]
    assert check["id"] == "command"
    assert "cannot be started" in check["evidence"]


def test_without_a_stdout(app):
    result = run(
        ["sh", "-c", f"{BIN / 'distrokit'} doctor --offline -- python app.py >&-"],
        {"PATH": f"{BIN}:{os.environ['PATH']}"},
        cwd=app,
    )

    assert "Traceback" not in result.stderr


def test_a_real_server(app):
    result = ask(
        "doctor",
        "--offline",
        "--",
        "gunicorn",
        "app:app",
        cwd=app,
        env={"OTEL_TRACES_EXPORTER": "", "DISTROKIT_OTLP_GRPC": "grpcio"},
    )

    assert "warn  pre-fork: gunicorn forks its workers" in result.stdout
    assert not (app / "ran").exists()


def test_a_program_that_may_not_be_run(app):
    (app / "serve").write_text("")
    result = ask("doctor", "--", "./serve", cwd=app)

    assert "FAIL  command: ./serve exists and is not executable" in result.stdout
    assert "→ chmod +x ./serve" in result.stdout
    assert "is not executable" in ask("doctor", "--run", "--", "./serve", cwd=app).stderr


def test_a_file_of_python_needs_python_before_it(app):
    result = ask("doctor", "--", "./app.py", cwd=app)

    assert "FAIL  command: ./app.py is a Python file, not a program" in result.stdout
    assert "→ Write python ./app.py." in result.stdout


def test_under_strict_the_report_says_why_it_fails(app):
    result = ask("doctor", "--offline", cwd=app, env={"DISTROKIT_STRICT": "1", "OTEL_TRACES_EXPORTER": ""})

    assert result.returncode == 1
    assert result.stdout.endswith("(under DISTROKIT_STRICT a warning is a failure)\n")


def test_doctor_and_run(app):
    result = ask("doctor", "--offline", "--run", "--", "python", "app.py", "a", "--", "b", cwd=app)

    assert (result.returncode, result.stdout) == (7, "ran a -- b\n")
    assert "FAIL  exports: " in result.stderr
    assert ask("doctor", "--run", cwd=app).returncode == 2
    assert ask("doctor", "--run", "--json", "--", "python", "app.py", cwd=app).returncode == 2


# ----------------------------------------------------------------------------- DISTROKIT_DOCTOR


def test_the_report_at_the_start_of_a_process(receiver):
    env = {"DISTROKIT_DOCTOR": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"), "OTEL_SERVICE_NAME": "x"}

    result = instrumented("print('ran')", env)

    assert result.stdout == "ran\n"
    head, *report = result.stderr.splitlines()
    assert head.startswith("distrokit doctor, process ")
    assert "packages" in report
    assert sum("ok    otlp-answer: otlp " in line for line in report) == 3
    assert len(receiver.store.spans()) == 1


@pytest.mark.parametrize(("value", "reports"), [("offline", 1), ("true", 1), ("0", 0), ("", 0), ("maybe", 0)])
def test_what_the_variable_may_say(value, reports):
    result = instrumented("print('ran')", {**QUIET, "DISTROKIT_DOCTOR": value})

    assert result.stdout == "ran\n"
    assert result.stderr.count("distrokit doctor, process ") == reports
    assert ("DISTROKIT_DOCTOR=maybe: not usable" in result.stderr) == (value == "maybe")
    assert "\nexport\n" not in result.stderr


def test_the_report_says_that_all_is_off_and_who_else_is_in_charge(tmp_path):
    rival = write_distro(tmp_path)
    off = instrumented("", {"OTEL_SDK_DISABLED": "true", "DISTROKIT_DOCTOR": "1"})
    other = instrumented("", {"OTEL_PYTHON_DISTRO": "other", "DISTROKIT_DOCTOR": "offline"}, [rival])

    assert "warn  disabled: telemetry is off: OTEL_SDK_DISABLED" in off.stderr
    assert "warn  distro: other-distro configures the process" in other.stderr


def test_a_question_is_answered_where_another_distro_is_in_charge(app):
    write_distro(app)
    env = {"OTEL_PYTHON_DISTRO": "other", "PYTHONPATH": str(app)}

    result = ask("explain", "--", "python", "app.py", cwd=app, env=env)

    assert result.stdout.startswith("NOT ACTIVE: other-distro configures the process")
    assert not (app / "ran").exists()


def test_under_strict_the_report_comes_before_the_end():
    result = instrumented(
        "print('ran')", {**QUIET, "DISTROKIT_STRICT": "1", "DISTROKIT_DOCTOR": "offline", "DISTROKIT_X": "1"}
    )

    assert (result.returncode, result.stdout) == (78, "")
    assert "warn  setting-unknown: DISTROKIT_X" in result.stderr

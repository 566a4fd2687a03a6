"""``distrokit run``: the application has telemetry, and is what it is without. And the user's own ``sitecustomize``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from distributions import write_distribution, write_distro
from interpreters import find
from processes import AUTO_INSTRUMENTATION, BIN, EAGER, LEAN, QUIET, clean_environ, run

from distrokit.launch.site import FOLDER

RUN = [str(BIN / "distrokit"), "run"]
UPSTREAM = [str(BIN / "opentelemetry-instrument")]
ENV = {**QUIET, **LEAN, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
#: All that a program can see of how it was started.
LOOK = """
import os, sys
print(__name__, sys.argv, sys.orig_argv, sys.path, sys.flags, sys.executable, os.getcwd(), sys.stdin.read())
"""
#: Whether it has telemetry.
ASK = "from opentelemetry import trace; print(type(trace.get_tracer_provider()).__name__)"
WORDS = ["--config", "x", "--log", "--exporter=a", "--metrics", "--b", "--s", "--add-cwd", "-h", "--", "ü"]


@pytest.fixture
def app(tmp_path):
    """A folder with a program, and another one to be in."""
    (tmp_path / "here").mkdir()
    (tmp_path / "app.py").write_text(LOOK)
    return tmp_path


def launched(*command, env=None, path=(), cwd=None, by=RUN):
    return run([*by, *command], {**ENV, **(env or {})}, path, cwd=cwd)


def child(*command, env=None, cwd=None, text="", by=()):
    """Any command, with something on stdin."""
    environ = {**clean_environ(ENV), **(env or {})}
    return subprocess.run([*by, *command], env=environ, input=text, cwd=cwd, capture_output=True, text=True, timeout=60)


# ------------------------------------------------------------------------------- the application


@pytest.mark.parametrize(
    "command",
    [
        ["python", "app.py", *WORDS],
        ["python", "-m", "app", *WORDS],
        ["python", "-c", LOOK, *WORDS],
        ["python", "-", *WORDS],
        ["python", "-u", "-W", "ignore", "-X", "utf8", "app.py"],
        ["./app.sh", *WORDS],
        ["env", "A=b", str(BIN / "python"), "app.py"],
    ],
    ids=["script", "-m", "-c", "stdin", "flags", "first line", "env"],
)
def test_it_is_started_as_it_would_be(app, command):
    (app / "app.sh").write_text(f"#!{sys.executable}\n{LOOK}")
    (app / "app.sh").chmod(0o755)
    text = LOOK if "-" in command else "what is on stdin"

    plain, ours = (child(*command, cwd=app, text=text, by=by) for by in ((), RUN))

    assert plain.stdout.startswith("__main__ [")
    assert (ours.stdout, ours.stderr, ours.returncode) == (plain.stdout, "", plain.returncode)


@pytest.mark.parametrize(
    "end",
    ["sys.exit(7)", "sys.exit('why')", "raise ValueError('x')", "os.kill(os.getpid(), 9)", "os.abort()", "os._exit(3)"],
)
def test_it_ends_as_it_would(end):
    program = f"import logging, os, sys; logging.getLogger('a').warning('own'); print('out', flush=True); {end}"

    plain, ours = (child(sys.executable, "-c", program, by=by) for by in ((), RUN))

    assert plain.returncode != 0
    assert (ours.returncode, ours.stdout, ours.stderr) == (plain.returncode, plain.stdout, plain.stderr)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_is_the_same_process_and_gets_its_signals(number):
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    # A shell that runs the tests in the background ignores SIGINT, which children inherit.
    restored = (
        "import os, signal, sys; signal.signal(int(sys.argv[1]), signal.SIG_DFL); os.execv(sys.argv[2], sys.argv[2:])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", restored, str(int(number)), *RUN, sys.executable, "-c", program],
        env=clean_environ(ENV),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None

    with process.stdout:
        assert int(process.stdout.readline()) == process.pid
        process.send_signal(number)
        assert process.wait(20) == -number


def test_a_program_that_is_no_python_is_not_changed():
    # Python ignores SIGPIPE for itself; `yes` would complain.
    result = launched("sh", "-c", "yes | head -1")

    assert (result.stdout, result.stderr) == ("y\n", "")


def test_a_real_server_with_an_option_that_looks_like_opentelemetrys(app):
    (app / "gunicorn.conf").write_text("print('configured')")
    (app / "web.py").write_text(f"{ASK}\napp = print\n")

    result = launched("gunicorn", "--check-config", "--config", "python:conf", "web:app", cwd=app)
    (app / "conf.py").write_text("print('configured')")
    again = launched("gunicorn", "--check-config", "--config", "conf.py", "--log-level", "info", "web:app", cwd=app)

    assert "No module named 'conf'" in result.stderr
    assert (again.stdout, again.returncode) == ("configured\nScopedTracerProvider\n", 0)


def test_without_a_working_directory(app):
    script = f'cd {app}/here && rmdir ../here && exec "$@"'
    program = f"{ASK}; print('ran')"

    for options, said in ([], ""), (["--add-cwd"], "--add-cwd: there is no working directory"):
        result = child("sh", "-c", script, "sh", *RUN, *options, sys.executable, "-c", program)
        assert (result.returncode, result.stdout) == (0, "ScopedTracerProvider\nran\n")
        assert said in result.stderr
        (app / "here").mkdir(exist_ok=True)


def test_what_cannot_be_run_is_said_in_a_line(app):
    (app / "text").write_text("")
    (app / "broken").write_text("#!/nonexistent/sh\n")
    (app / "broken").chmod(0o755)
    for command, code, line in (
        ("no-such-program", 127, "there is no program 'no-such-program'"),
        ("", 127, "there is no program ''"),
        ("./no/such", 127, "there is no program './no/such'"),
        ("./text", 126, "./text cannot be run: Permission denied"),
        ("./here", 126, "./here cannot be run: Permission denied"),
        ("./broken", 126, "./broken cannot be run: the program in its first line does not exist"),
    ):
        result = launched(command, "x", cwd=app)
        assert (result.returncode, result.stdout, result.stderr) == (code, "", f"distrokit run: {line}\n")


@pytest.mark.parametrize(
    ("word", "mode", "code", "why"),
    [
        # Not on PATH, whatever its mode.
        ("run me.py", 0o644, 127, "run me.py is a Python file, not a program"),
        ("run me.py", 0o755, 127, "run me.py is a Python file, not a program"),
        ("./run me.py", 0o644, 126, "./run me.py cannot be run: Permission denied"),
        ("nowhere.py", 0o644, 127, "there is no program 'nowhere.py'"),
    ],
)
def test_a_file_of_python_needs_python_before_it(app, word, mode, code, why):
    (app / "run me.py").write_text("print('ran')")
    (app / "run me.py").chmod(mode)

    result = launched(word, "x", cwd=app)

    typed = word if " " not in word else f"'{word}'"
    assert (result.returncode, result.stderr) == (code, f"distrokit run: {why}. Write distrokit run python {typed}.\n")


def test_a_file_of_python_with_a_first_line_is_a_program(app):
    (app / "manage.py").write_text(f"#!{sys.executable}\n{ASK}\nprint('ran')")
    (app / "manage.py").chmod(0o755)

    assert launched("./manage.py", "runserver", cwd=app).stdout == "ScopedTracerProvider\nran\n"


def test_a_script_without_a_first_line_is_the_shells(app):
    (app / "script").write_text('echo "$0" "$@"; exit 3\n')
    (app / "script").chmod(0o755)

    result = launched("./script", "a b", cwd=app)

    assert (result.returncode, result.stdout) == (3, "./script a b\n")


def test_its_own_command_line():
    for words, code, text in (
        (["--help"], 0, "--add-cwd"),
        ([], 2, "COMMAND is missing"),
        (["--"], 2, "COMMAND is missing"),
        # No abbreviations.
        (["--add", "true"], 2, "unrecognized arguments: --add"),
        (["--", "echo", "--add-cwd"], 0, "--add-cwd\n"),
    ):
        result = launched(*words)
        assert result.returncode == code
        assert text in result.stdout + result.stderr
    assert "run a program with telemetry" in run([str(BIN / "distrokit"), "--help"]).stdout


# ------------------------------------------------------------------------------------ the path


@pytest.mark.parametrize("given", [None, "", "lib", "lib::/nonexistent", "lib:"])
def test_the_path_is_the_users_with_one_folder_before_it(app, given):
    program = "import os, sys; print(os.environ.get('PYTHONPATH')); print(sys.path); print(sorted(os.environ))"
    env = {} if given is None else {"PYTHONPATH": given}

    plain, ours = (child(sys.executable, "-c", program, cwd=app, env=env, by=by) for by in ((), RUN))

    before, *path = plain.stdout.splitlines()
    now, *same = ours.stdout.splitlines()
    # It stays for children's sake.
    assert now == (f"{FOLDER}:{given}" if given else FOLDER)
    assert before == str(given)
    assert same[0] == path[0]
    if given is not None:
        assert same == path


#: What upstream's launcher executes out of the working directory, whatever is run.
DECOYS = ["logging.py", "grpc.py", "opentelemetry/__init__.py", "sitecustomize.py", "decoy.py", "pluggy.py"]


@pytest.fixture
def decoys(app):
    """A working directory full of what nobody asked for, and a program elsewhere."""
    write_distribution(app / "here", "decoy", entry_points={"distrokit": {"d": "decoy"}})
    for name in DECOYS:
        path = app / "here" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"open({str(app / 'touched')!r}, 'a').write({name!r})\n")
    (app / "there").mkdir()
    (app / "there" / "app.py").write_text(f"import logging\n{ASK}\n")
    return app


@pytest.mark.parametrize("flags", [[], ["-P"], ["PYTHONSAFEPATH"]])
def test_nothing_in_the_working_directory_is_executed(decoys, flags):
    if flags and sys.version_info < (3, 11):
        pytest.skip("this Python has no -P")
    env = {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    words = [sys.executable, *(flag for flag in flags if flag == "-P"), "../there/app.py"]
    if flags == ["PYTHONSAFEPATH"]:
        env["PYTHONSAFEPATH"] = "1"

    result = launched(*words, env=env, cwd=decoys / "here")

    assert (result.returncode, result.stdout, result.stderr) == (0, "ScopedTracerProvider\n", "")
    assert not (decoys / "touched").exists()


def test_unless_it_is_asked_for(decoys):
    (decoys / "here" / "logging.py").unlink()

    launched("--add-cwd", sys.executable, "../there/app.py", cwd=decoys / "here")

    assert "opentelemetry/__init__.py" in (decoys / "touched").read_text()


# ------------------------------------------------------------------------------------ children


def test_its_children_have_telemetry(app):
    (app / "app.py").write_text(f"""
import multiprocessing, subprocess, sys

def ask():
    {ASK}

if __name__ == "__main__":
    subprocess.run([sys.executable, "-c", {ASK!r}])
    process = multiprocessing.get_context("spawn").Process(target=ask)
    process.start()
    process.join()
""")

    result = launched(sys.executable, "app.py", cwd=app)

    assert (result.stdout, result.stderr) == ("ScopedTracerProvider\n" * 2, "")


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.10", "3.13"])
def test_a_python_without_distrokit(version):
    other = find(version)
    if other is None or other == sys.executable:
        pytest.skip("this machine has no other Python of this version")
    script = f"{other} -c 'import sys; print(len(sys.path))'; true"

    # Python 2 would leave its byte code in distrokit's folder.
    plain, inner, outer = (
        launched(*words, by=by, env={"PYTHONDONTWRITEBYTECODE": "1"})
        for words, by in (
            (["sh", "-c", script], []),
            (["sh", "-c", script], RUN),
            ([other, "-c", "print(1)"], RUN),
        )
    )

    # Not a word from a child; what was meant to have telemetry says why it has none.
    assert (inner.stdout, inner.stderr) == (plain.stdout, "")
    line = (
        f"distrokit: {other} has no distrokit; the program runs without telemetry. Install distrokit[otlp] for this"
        " Python, or make a folder with `distrokit build` for `distrokit run --attach`.\n"
    )
    assert (outer.stdout, outer.stderr) == ("1\n", line)


@pytest.mark.parametrize("flags", ["-S", "-uI"])
def test_what_keeps_telemetry_out_is_said(app, flags):
    result = launched("env", "A=b", sys.executable, flags, "-c", "print('ran')", cwd=app)

    assert result.stdout == "ran\n"
    (line,) = result.stderr.splitlines()
    assert line.startswith("distrokit run: `")
    assert f"starts Python with -{flags[-1]}, which " in line
    assert "it runs without telemetry. Leave -" in line


def test_so_is_who_takes_pythonpath_away():
    result = launched("env", "-i", sys.executable, "-c", "print('ran')")

    assert result.stdout == "ran\n"
    assert "`env … -i` removes PYTHONPATH" in result.stderr


# ------------------------------------------------------------------- the user's own sitecustomize

OWN = """
import os, sys
from opentelemetry import trace

with open(os.environ["RECORD"], "a") as file:
    provider = type(trace.get_tracer_provider()).__name__
    print(sys.orig_argv[1], __name__, sys.modules[__name__].__file__, provider, file=file)
sys.path.append("/added/by/own")
"""


@pytest.fixture
def own(app):
    """A folder with a ``sitecustomize``; what runs it is in the file ``record``."""
    (app / "own").mkdir()
    (app / "own" / "sitecustomize.py").write_text(OWN)
    (app / "app.py").write_text(f"import sys, sitecustomize\n{ASK}\nprint('/added/by/own' in sys.path)\n")
    return app


def record(own, *command, by, env=None, path=None, cwd=None):
    """The lines of the application's own process; the launcher is a Python, too."""
    path = [own / "own"] if path is None else path
    result = launched(
        *command, str(own / "app.py"), env={"RECORD": str(own / "record"), **(env or {})}, path=path, by=by, cwd=cwd
    )
    assert result.returncode == 0, result.stderr
    lines = (own / "record").read_text().splitlines() if (own / "record").exists() else []
    return result, [line.split()[1:] for line in lines if line.startswith(f"{own / 'app.py'} ")]


BOTH = pytest.mark.parametrize("by", [RUN, UPSTREAM], ids=["distrokit run", "opentelemetry-instrument"])
NESTED = [[*RUN, *RUN], [*RUN, *UPSTREAM], [*UPSTREAM, *RUN]]


@pytest.mark.parametrize("by", [[], RUN, UPSTREAM, *NESTED])
def test_it_runs_once_after_the_start(own, by):
    result, lines = record(own, sys.executable, by=by)

    provider = "ScopedTracerProvider" if by else "ProxyTracerProvider"
    assert lines == [["sitecustomize", str(own / "own" / "sitecustomize.py"), provider]]
    assert (result.stdout, result.stderr) == (f"{provider}\nTrue\n", "")


@BOTH
@pytest.mark.skipif(
    Path(sysconfig.get_path("stdlib"), "sitecustomize.py").exists(),
    reason="this Python has a sitecustomize of its own, which comes before that of a virtual environment",
)
def test_it_may_be_that_of_a_virtual_environment(own, by):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(own / "venv")], check=True)
    (site,) = (own / "venv").glob("lib/*/site-packages")
    (site / "all.pth").write_text(
        "".join(f"import site; site.addsitedir({p!r})\n" for p in sys.path if p.endswith("site-packages"))
    )
    (site / "sitecustomize.py").write_text(OWN)

    result, lines = record(own, str(own / "venv" / "bin" / "python"), by=by, path=[])

    assert lines == [["sitecustomize", str(site / "sitecustomize.py"), "ScopedTracerProvider"]]
    assert (result.stdout, result.stderr) == ("ScopedTracerProvider\nTrue\n", "")


@BOTH
def test_it_runs_when_telemetry_is_off(own, by):
    _, lines = record(own, sys.executable, by=by, env={"OTEL_SDK_DISABLED": "true"})

    assert [line[2] for line in lines] == ["ProxyTracerProvider"]


def test_it_runs_under_another_distro(own):
    rival = write_distro(own / "rival")
    env = {"OTEL_PYTHON_DISTRO": "other"}

    (own / "app.py").write_text(ASK)
    for at, by in enumerate((UPSTREAM, RUN), 1):
        assert len(record(own, sys.executable, by=by, env=env, path=[own / "own", rival])[1]) == at
    # Where OpenTelemetry's own folder is on the path, its file hides the user's.
    folder = ["env", os.pathsep.join([f"PYTHONPATH={AUTO_INSTRUMENTATION}", str(own / "own"), str(rival)])]
    assert len(record(own, sys.executable, by=folder, env=env)[1]) == 2


@pytest.mark.parametrize(
    ("body", "by"),
    [
        ("raise ValueError('mine')", RUN),
        ("raise ValueError('mine')", UPSTREAM),
        ("import not_there", RUN),
        ("1 +", UPSTREAM),
    ],
)
def test_its_exception_is_printed_as_python_does(own, body, by):
    (own / "own" / "sitecustomize.py").write_text(body)
    (own / "app.py").write_text("print('ran')")
    words = [sys.executable, str(own / "app.py")]

    plain, ours = (launched(*words, path=[own / "own"], by=launcher) for launcher in ([], by))

    assert "Error in sitecustomize" in plain.stderr
    # The launcher is a Python, too: it has said the same before.
    assert (ours.returncode, ours.stdout, ours.stderr) == (0, "ran\n", plain.stderr * 2)


@BOTH
def test_its_exit_is_as_python_does(own, by):
    # In the application's process only: the launcher would never come to it.
    body = "import sys\nif 'app.py' in sys.orig_argv[1]: raise SystemExit(3)"
    (own / "own" / "sitecustomize.py").write_text(body)
    words = [sys.executable, str(own / "app.py")]

    plain, ours = (launched(*words, path=[own / "own"], by=launcher) for launcher in ([], by))

    assert (ours.returncode, ours.stdout) == (plain.returncode, "")
    for stderr in plain.stderr, ours.stderr:
        assert "Fatal Python error: init_import_site" in stderr
        assert "\nSystemExit: 3\n" in stderr


@BOTH
def test_one_in_the_working_directory_is_none_unless_the_user_has_it_on_the_path(own, by):
    (own / "app.py").write_text(ASK)
    folder = own / "own"

    assert record(own, sys.executable, by=by, path=[], cwd=folder)[1] == []
    assert len(record(own, sys.executable, by=by, path=[folder], cwd=folder)[1]) == 1


# ------------------------------------------------------------------------------------- the start


def test_a_propagator_that_is_not_there_costs_itself():
    result = launched(sys.executable, "-c", ASK, env={"OTEL_PROPAGATORS": "b2,tracecontext"})

    assert (result.returncode, result.stdout) == (0, "ScopedTracerProvider\n")
    assert result.stderr.count("\n") == 1
    assert "OTEL_PROPAGATORS=b2" in result.stderr


@pytest.mark.parametrize("body", ["raise RuntimeError('two\\nlines')", "raise SystemExit('two lines')"])
def test_a_start_that_fails_is_said_and_the_application_runs(app, body):
    folder = app / "opentelemetry" / "instrumentation" / "auto_instrumentation"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "__init__.py").write_text(body)

    program = "import os; print(os.environ['PYTHONPATH'])"
    result = launched(sys.executable, "-c", program, path=[app], env=EAGER)

    assert result.stdout == f"{FOLDER}:{app}\n"
    kind = body.split()[1].split("(")[0]
    assert result.stderr == f"distrokit: start: {kind}: two lines; the application runs without telemetry\n"


def test_strict_ends_it():
    result = launched(sys.executable, "-c", "print('ran')", env={"DISTROKIT_STRICT": "1", "DISTROKIT_X": "1"})

    assert (result.returncode, result.stdout) == (78, "")


def test_of_several_distros_ours_is_in_charge_unless_another_is_named(app):
    rival = write_distro(app / "rival")
    for env, provider in ({}, "ScopedTracerProvider"), ({"OTEL_PYTHON_DISTRO": "other"}, "ProxyTracerProvider"):
        assert launched(sys.executable, "-c", ASK, env=env, path=[rival]).stdout == f"{provider}\n"


# ------------------------------------------------------------------------------- doctor, explain


@pytest.mark.parametrize("command", [["distrokit", "run"], ["env", "A=b", "python", "-m", "distrokit", "run", "--"]])
def test_doctor_and_explain_ask_in_its_process(decoys, command):
    (decoys / "there" / "app.py").write_text(f"open({str(decoys / 'touched')!r}, 'w')")
    own = [str(BIN / "distrokit"), "doctor", "--offline", "--json", "--"]
    path = [*command, "python", "../there/app.py"]

    report = child(*own, *path, cwd=decoys / "there")
    checks = {check["id"]: check for check in json.loads(report.stdout)["checks"]}
    plan = child(str(BIN / "distrokit"), "explain", "--json", "--", *path, cwd=decoys / "there")

    assert checks["sitecustomize"]["evidence"].endswith("distrokit's runs first")
    assert json.loads(plan.stdout)["schema"] == 2
    assert not (decoys / "touched").exists()


def test_doctor_executes_nothing_of_the_working_directory_that_run_does_not(decoys):
    words = [str(BIN / "distrokit"), "doctor", "--offline", "--", "distrokit", "run", "python", "../there/app.py"]

    assert "distrokit's runs first" in child(*words, cwd=decoys / "here").stdout
    assert not (decoys / "touched").exists()


def test_doctor_sees_what_keeps_it_out(app):
    doctor = [str(BIN / "distrokit"), "doctor", "--offline", "--", "distrokit", "run"]
    other = find("3.13" if sys.version_info[:2] != (3, 13) else "3.12")

    assert "FAIL  python-flags" in child(*doctor, "python", "-I", "app.py", cwd=app).stdout
    assert (
        "FAIL  propagator-stops-launcher"
        in child(*doctor, "python", "app.py", cwd=app, env={"OTEL_PROPAGATORS": "b2"}).stdout
    )
    if other:
        assert (
            f"{other}, which runs it, has no distrokit" in child(*doctor, "sh", "-c", f"{other} app.py", cwd=app).stdout
        )


def test_doctor_and_run_with_the_users_own(own):
    words = ["doctor", "--offline", "--run", "--", *RUN, sys.executable]

    result, lines = record(own, *words, by=[str(BIN / "distrokit")])

    assert len(lines) == 1
    where = own / "own" / "sitecustomize.py"
    assert f"ok    sitecustomize: {where} is on the path; distrokit's runs first, and then it" in result.stderr
    assert Path(FOLDER).name not in result.stdout

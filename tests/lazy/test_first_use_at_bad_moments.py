"""The first use of telemetry while a process forks, is interrupted, runs greenlets, or is imported by strange means."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest
from processes import BIN, QUIET, run
from releases import skip_without

RUN = [str(BIN / "distrokit"), "run"]
CONSOLE = {**QUIET, "OTEL_TRACES_EXPORTER": "console"}


def launched(program, env=None, path=(), cwd=None):
    return run([*RUN, sys.executable, "-c", dedent(program)], {**CONSOLE, **(env or {})}, path, cwd)


@pytest.mark.usefixtures("without_coverage")
def test_a_fork_during_the_first_use_in_another_thread_waits_for_it():
    program = """
        import os, threading, time
        from opentelemetry import trace
        begun = time.monotonic()
        thread = threading.Thread(target=lambda: trace.get_tracer("t").start_span("thread").end())
        thread.start()
        time.sleep(0.03)
        pid = os.fork()
        trace.get_tracer("t").start_span("child" if not pid else "parent").end()
        if not pid:
            raise SystemExit(0 if time.monotonic() - begun < 8 else 9)
        thread.join()
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """

    result = launched(program)

    assert [name for name in ("thread", "child", "parent") if f'"name": "{name}"' not in result.stdout] == []
    assert "\n0\n" in f"\n{result.stdout}", result.stderr


def test_greenlets_wait_for_the_one_that_starts_it():
    skip_without("gevent")
    program = """
        from gevent import monkey
        monkey.patch_all()
        import gevent
        from opentelemetry import trace

        def use(number):
            trace.get_tracer("t").start_span(f"span-{number}").end()

        gevent.joinall([gevent.spawn(use, number) for number in range(5)])
    """

    result = launched(program)

    assert [n for n in range(5) if f'"name": "span-{n}"' not in result.stdout] == [], result.stderr


def test_an_interrupt_of_the_application_comes_after_the_start():
    program = """
        import signal, time
        from opentelemetry import trace

        class Timeout(Exception):
            pass

        def interrupt(*_):
            raise Timeout

        signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        try:
            trace.get_tracer("t")
            time.sleep(1)
        except Timeout:
            print("interrupted")
        trace.get_tracer("t").start_span("later").end()
    """

    result = launched(program)

    assert result.stdout.startswith("interrupted\n"), result.stderr
    assert '"name": "later"' in result.stdout


def test_a_propagator_that_is_not_installed_does_not_reach_the_application():
    program = """
        from opentelemetry import propagate
        carrier = {}
        propagate.inject(carrier, propagate.extract({"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}))
        print(carrier)
    """

    result = launched(program, {"OTEL_PROPAGATORS": "tracecontext,nonsense"})

    assert "'traceparent': '00-1" in result.stdout, result.stderr
    assert "OTEL_PROPAGATORS=nonsense" in result.stderr


@pytest.mark.parametrize("kind", ["pipe", "fifo"])
def test_a_program_in_a_pipe_is_left_to_python(tmp_path, kind):
    command = f"{RUN[0]} run {sys.executable} <(echo 'print(1)')"
    if kind == "fifo":
        command = f"mkfifo p; (echo 'print(1)' > p &) ; {RUN[0]} run {sys.executable} p"

    result = run(["bash", "-c", command], QUIET, cwd=tmp_path)

    assert (result.stdout, result.returncode) == ("1\n", 0), result.stderr


def test_opentelemetrys_loader_that_the_application_calls_instruments_what_it_has_imported():
    program = """
        import flask
        from opentelemetry.instrumentation.auto_instrumentation import initialize
        initialize()
        print(flask.Flask.__module__)
    """

    result = run([sys.executable, "-c", dedent(program)], QUIET)

    assert result.stdout == "opentelemetry.instrumentation.flask\n", result.stderr


def test_the_launchers_spelling_of_a_setting_overrides_here_too():
    env = {
        "DISTROKIT_ENABLED_INSTRUMENTATIONS": "requests",
        "OTEL_PYTHON_DISTROKIT_ENABLED_INSTRUMENTATIONS": "flask",
    }

    assert launched("import flask; print(flask.Flask.__module__)", {**QUIET, **env}).stdout == (
        "opentelemetry.instrumentation.flask\n"
    )


@pytest.mark.usefixtures("without_coverage")
def test_children_of_other_threads_have_their_launcher_meanwhile():
    program = """
        import os, threading
        seen = set()
        done = threading.Event()
        def look():
            while not done.is_set():
                seen.add(os.environ.get("PYTHONPATH", ""))
        thread = threading.Thread(target=look)
        thread.start()
        from opentelemetry import trace
        trace.get_tracer("t")
        done.set(), thread.join()
        print(len(seen))
    """

    assert launched(program).stdout == "1\n"


def test_warnings_and_tracebacks_of_a_library_look_as_without_a_launcher(tmp_path):
    (tmp_path / "flask.py").write_text("import warnings\nwarnings.warn('old', DeprecationWarning, stacklevel=2)\n")
    (tmp_path / "requests.py").write_text("import flask\n1 / 0\n")
    (tmp_path / "app.py").write_text("import requests\n")
    words = [sys.executable, "-W", "always", str(tmp_path / "app.py")]

    plain, ours = run(words), run([*RUN, *words], QUIET)

    assert "DeprecationWarning" in plain.stderr
    said = [line for line in ours.stderr.splitlines() if not line.startswith("distrokit: instrumentation flask")]
    assert said == plain.stderr.splitlines()


def test_specs_of_watched_libraries_can_be_copied():
    program = """
        import copy, importlib.util
        spec = importlib.util.find_spec("flask")
        print(copy.copy(spec.loader).get_filename("flask") == spec.origin)
    """

    assert launched(program, QUIET).stdout == "True\n"


def test_the_short_way_finds_programs_as_the_long_way(tmp_path):
    for folder, text in (tmp_path, "here"), (tmp_path / "bin", "there"):
        folder.mkdir(exist_ok=True)
        (folder / "tool").write_text(f"#!{sys.executable}\nprint({text!r})\n")
        (folder / "tool").chmod(0o755)

    for path, expected in (f":{tmp_path}/bin", "here\n"), (f"{tmp_path}/bin:", "there\n"):
        result = run([*RUN, "tool"], {**QUIET, "PATH": path}, cwd=tmp_path)
        assert result.stdout == expected, result.stderr


def test_eggs_on_the_path_are_read_by_importlib(tmp_path):
    from distrokit.lazy.entry_point_files import read_installed

    (tmp_path / "acme.egg").mkdir()

    assert not read_installed([str(tmp_path / "acme.egg")]).complete

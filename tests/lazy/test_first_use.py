"""A process under a launcher waits for its first use of telemetry, and loses nothing of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from distributions import write_distribution
from interpreters import Environment
from processes import AUTO_INSTRUMENTATION, BIN, QUIET, clean_environ, instrumented, run

from distrokit.launch.site import FOLDER

LAUNCHERS = {
    "run": [str(BIN / "distrokit"), "run"],
    "upstream": [str(BIN / "opentelemetry-instrument")],
    # As the Kubernetes operator starts programs.
    "folder": ["env", f"PYTHONPATH={AUTO_INSTRUMENTATION}"],
}
CONSOLE = {**QUIET, "OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "console"}
#: Whether telemetry has started, without using it.
STARTED = "import sys; print('distrokit.pipeline.pipeline' in sys.modules)"


@pytest.fixture(
    params=["run", *(pytest.param(name, marks=pytest.mark.once) for name in LAUNCHERS if name != "run")],
)
def launch(request):
    """Run a program's source under each launcher."""

    def launched(program, env=None, path=()):
        launcher = LAUNCHERS[request.param]
        if request.param == "folder":
            launcher = ["env", os.pathsep.join([launcher[1], *map(str, path)])]
        return run([*launcher, sys.executable, "-c", dedent(program)], {**QUIET, **(env or {})}, path)

    return launched


def test_a_program_that_uses_no_telemetry_starts_none(launch):
    result = launch(STARTED)

    assert (result.stdout, result.stderr, result.returncode) == ("False\n", "", 0)


@pytest.mark.parametrize(
    "use",
    [
        "from opentelemetry import trace; trace.get_tracer('a')",
        "from opentelemetry.trace import get_tracer_provider; get_tracer_provider()",
        "from opentelemetry.metrics import get_meter; get_meter('a')",
        "from opentelemetry._logs import get_logger; get_logger('a')",
        "from opentelemetry.propagate import inject; inject({})",
        "from opentelemetry import context; context.attach(context.Context())",
        "import logging; logging.warning('a')",
        "import logging; logging.Logger('a').handle(logging.makeLogRecord({'levelno': 10}))",
        "import flask",
        "import opentelemetry.instrumentation.logging",
        "import distrokit; distrokit.start()",
    ],
)
def test_the_first_use_starts_it(use):
    result = run([*LAUNCHERS["run"], sys.executable, "-c", f"{use}\n{STARTED}"], QUIET)

    assert (result.stdout, result.returncode) == ("True\n", 0), result.stderr


@pytest.mark.parametrize(
    "no_use",
    [
        "import logging; logging.getLogger('a').debug('not enabled')",
        "from opentelemetry import trace, metrics, baggage; trace.get_current_span()",
        "import urllib.request, threading, sqlite3, json, argparse, subprocess",
    ],
)
def test_what_records_nothing_starts_nothing(no_use):
    result = run([*LAUNCHERS["run"], sys.executable, "-c", f"{no_use}\n{STARTED}"], QUIET)

    assert (result.stdout, result.stderr) == ("False\n", "")


SPAN_AND_COUNTER = """
    def use():
        from opentelemetry import metrics, trace
        print(type(trace.get_tracer_provider()).__name__)
        with trace.get_tracer("a").start_as_current_span("parent"):
            trace.get_tracer("a").start_span("child").end()
        metrics.get_meter("a").create_counter("count").add(1)
"""


@pytest.mark.parametrize(
    "moment",
    [
        "use()",
        "import threading; t = threading.Thread(target=use); t.start(); t.join()",
        "import _thread as t; b = t.allocate_lock(); b.acquire(); t.start_new_thread(lambda: (use(), b.release()), ()); b.acquire()",
        "import atexit; atexit.register(use)",
        "import atexit, threading; atexit.register(use)",
        "import atexit, logging, sys; atexit.register(use); sys.exit(0)",
    ],
)
def test_the_first_span_and_measurement_are_whole_from_anywhere(launch, moment):
    result = launch(f"{dedent(SPAN_AND_COUNTER)}\n{moment}", CONSOLE)

    assert result.stdout.startswith("ScopedTracerProvider\n"), result.stderr
    assert [name for name in ("parent", "child", "count") if f'"name": "{name}"' not in result.stdout] == []
    assert result.stderr == ""


def test_a_log_record_of_an_atexit_function_is_the_first_use(launch):
    result = launch(
        "import atexit, logging; atexit.register(logging.error, 'at exit')", {"OTEL_LOGS_EXPORTER": "console"}
    )

    assert '"body": "at exit"' in result.stdout
    assert result.stderr == "ERROR:root:at exit\n"


@pytest.mark.usefixtures("without_coverage")
def test_many_threads_at_once_start_it_once_and_lose_nothing(launch):
    program = """
        import threading
        barrier = threading.Barrier(8)
        def use(n):
            barrier.wait()
            from opentelemetry import trace
            trace.get_tracer("a").start_span(f"span-{n}").end()
        threads = [threading.Thread(target=use, args=(n,)) for n in range(8)]
        [t.start() for t in threads], [t.join() for t in threads]
    """

    result = launch(program, CONSOLE)

    assert sorted(json_values(result.stdout, "name")) == [f"span-{n}" for n in range(8)], (result.stdout, result.stderr)
    assert result.stderr == ""


def test_a_sleeping_process_that_forks_starts_in_each_child(launch):
    program = """
        import multiprocessing, os
        def use(name):
            from opentelemetry import trace
            trace.get_tracer("a").start_span(name).end()
        pid = os.fork()
        if not pid:
            use("forked")
            raise SystemExit(0)
        os.waitpid(pid, 0)
        process = multiprocessing.get_context("fork").Process(target=use, args=("worker",))
        process.start(), process.join()
        with multiprocessing.get_context("fork").Pool(1) as pool:
            pool.map(use, ["pool"])
            pool.close(), pool.join()
        use("parent")
    """

    result = launch(program, CONSOLE)

    names = json_values(result.stdout, "name")
    assert sorted(names) == ["forked", "parent", "pool", "worker"], result.stderr
    assert len(set(json_values(result.stdout, "service.instance.id"))) == 4


def test_sigterm_flushes_what_another_thread_recorded_first():
    program = """
        import signal, threading, time
        def use():
            from opentelemetry import trace
            trace.get_tracer("a").start_span("in-a-thread").end()
            print("ready", flush=True)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        threading.Thread(target=use).start()
        time.sleep(60)
    """
    process = subprocess.Popen(
        [*LAUNCHERS["run"], sys.executable, "-c", dedent(program)],
        env=clean_environ(CONSOLE),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        output = process.stdout.read()
        assert process.wait(30) == -signal.SIGTERM

    assert '"name": "in-a-thread"' in output


def test_a_sleeping_process_ends_by_a_signal_as_it_would():
    program = "import threading, time; print('ready', flush=True); time.sleep(60)"
    for number in signal.SIGTERM, signal.SIGHUP:
        process = subprocess.Popen(
            [*LAUNCHERS["run"], sys.executable, "-c", program], env=clean_environ(QUIET), stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        with process.stdout:
            process.stdout.readline()
            process.send_signal(number)
            assert process.wait(30) == -number


def test_the_settings_are_those_of_the_start(launch, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.distrokit]\ntraces_processor = "simple"\n')
    program = f"""
        import os
        os.environ["OTEL_SERVICE_NAME"] = "late"
        os.environ["OTEL_TRACES_EXPORTER"] = "none"
        os.chdir({str(tmp_path)!r})
        {dedent(SPAN_AND_COUNTER).replace(chr(10), chr(10) + " " * 8)}
        use()
    """

    result = launch(program, {**CONSOLE, "OTEL_SERVICE_NAME": "early"})

    assert set(json_values(result.stdout, "service.name")) == {"early"}
    assert '"name": "parent"' in result.stdout


def test_an_application_with_a_provider_of_its_own_is_refused_it_as_at_the_start(launch):
    program = """
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        trace.set_tracer_provider(TracerProvider())
        print(type(trace.get_tracer_provider()).__name__)
    """

    lazy, eager = launch(program), launch(program, {"DISTROKIT_LAZY": "0"})

    assert lazy.stdout == eager.stdout == "ScopedTracerProvider\n"
    assert lazy.stderr == eager.stderr
    assert "trace.set_tracer_provider() by __main__ changes nothing" in lazy.stderr


@pytest.mark.parametrize("name", ["set_tracer_provider", "get_tracer_provider", "get_tracer"])
def test_another_library_may_wrap_the_same_functions(name):
    program = f"""
        from opentelemetry import trace
        original, calls = trace.{name}, []
        def wrapper(*args, **kwargs):
            calls.append(1)
            return original(*args, **kwargs)
        trace.{name} = wrapper
        with trace.get_tracer("a").start_as_current_span("b") as span:
            print(span.is_recording(), trace.{name} is wrapper, len(calls) < 9)
    """

    result = instrumented(program, QUIET | {"OTEL_TRACES_EXPORTER": "console"})

    assert result.stdout.startswith("True True True\n"), result.stderr
    assert result.stderr == ""


def test_names_that_were_imported_before_keep_working():
    program = """
        from opentelemetry.trace import get_tracer, get_tracer_provider
        import logging
        make = logging.Logger.makeRecord
        print(hasattr(get_tracer, "__wrapped__"), hasattr(make, "__wrapped__"))
        get_tracer("a")
        from opentelemetry import trace
        print(get_tracer_provider() is trace.get_tracer_provider(), trace.get_tracer.__module__)
        print(make(logging.getLogger(), "a", 10, "f", 1, "text", (), None).getMessage())
        print(hasattr(trace.get_tracer, "__wrapped__"), hasattr(logging.Logger.makeRecord, "__wrapped__"))
    """

    result = instrumented(program, QUIET)

    assert result.stdout == "True True\nTrue opentelemetry.trace\ntext\nFalse False\n", result.stderr


def test_a_failing_start_costs_telemetry_and_nothing_else(launch, tmp_path):
    plugin = "raise SystemExit('gone')"
    path = write_distribution(tmp_path, "acme", entry_points={"distrokit": {"acme": "acme"}}, modules={"acme": plugin})

    result = launch("import logging; logging.warning('own'); print('runs')", CONSOLE, [path])

    assert (result.stdout, result.returncode) == ("runs\n", 0)
    assert "plugin acme" in result.stderr
    assert "WARNING:root:own" in result.stderr


@pytest.mark.parametrize(
    "setting",
    [
        {"DISTROKIT_LAZY": "0"},
        {"OTEL_PYTHON_DISTROKIT_LAZY": "false"},
        {"DISTROKIT_STRICT": "1"},
        {"OTEL_METRICS_EXPORTER": "console,prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": "0"},
        {"OTEL_PYTHON_LOG_CORRELATION": "true"},
    ],
    ids=",".join,
)
def test_some_settings_start_it_at_once(launch, setting):
    result = launch(STARTED, setting)

    assert result.stdout == "True\n", result.stderr


def test_a_package_may_ask_to_start_at_once_and_explain_names_it(tmp_path):
    path = write_distribution(tmp_path, "acme", entry_points={"distrokit.eager": {"acme profiler": "acme"}})

    result = run([*LAUNCHERS["run"], sys.executable, "-c", STARTED], QUIET, [path])
    explained = run([str(BIN / "distrokit"), "explain"], QUIET, [path])
    data = json.loads(run([str(BIN / "distrokit"), "explain", "--json"], QUIET, [path]).stdout)

    assert result.stdout == "True\n"
    assert "start\n  at once           acme profiler\n" in explained.stdout
    assert data["at_once"] == ["acme profiler"]


def test_a_project_file_that_says_so_starts_it_at_once(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.distrokit]\nlazy = false\n")

    result = run([*LAUNCHERS["run"], sys.executable, "-c", STARTED], QUIET, cwd=tmp_path)

    assert result.stdout == "True\n"


def test_disabled_telemetry_keeps_propagation(launch):
    program = """
        import sys
        from opentelemetry import propagate, trace
        context = propagate.extract({"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"})
        carrier = {}
        propagate.inject(carrier, context)
        print(carrier, type(trace.get_tracer_provider()).__name__, "grpc" in sys.modules)
    """

    result = launch(program, {"OTEL_SDK_DISABLED": "true"})

    assert "'traceparent': '00-1" in result.stdout
    assert result.stdout.endswith("ProxyTracerProvider False\n"), result.stderr


def test_the_folder_alone_does_the_same(tmp_path):
    folder = run([str(BIN / "distrokit"), "path"], QUIET).stdout.strip()
    assert Path(folder, "sitecustomize.py").is_file()
    (tmp_path / "sitecustomize.py").write_text("print('own')")
    path = os.pathsep.join([folder, str(tmp_path)])

    quiet = run([sys.executable, "-c", STARTED], {**QUIET, "PYTHONPATH": path})
    used = run([sys.executable, "-c", f"import logging; logging.error('x')\n{STARTED}"], {**QUIET, "PYTHONPATH": path})

    assert (quiet.stdout, quiet.stderr) == ("own\nFalse\n", "")
    assert used.stdout == "own\nTrue\n"


@pytest.mark.parametrize("launcher", ["upstream", "folder"])
def test_children_under_opentelemetrys_launcher_start_light(launcher):
    child = "import os, sys; print(sorted(m for m in sys.modules if m.startswith('opentelemetry')), os.environ['PYTHONPATH'])"
    program = f"""
        import os, subprocess, sys
        print(os.environ["PYTHONPATH"], flush=True)
        subprocess.run([sys.executable, "-c", {child!r}])
        subprocess.run([sys.executable, "-c", {(child + "; import logging; logging.error('x'); " + STARTED)!r}])
    """

    result = run([*LAUNCHERS[launcher], sys.executable, "-c", dedent(program)], QUIET)

    own, first, second, started = result.stdout.splitlines()
    assert own.split(os.pathsep)[0] == FOLDER
    assert AUTO_INSTRUMENTATION in own.split(os.pathsep)
    assert first == second == f"[] {own}"
    assert started == "True"


def test_a_child_whose_environment_has_opentelemetry_alone_is_started_by_it(tmp_path):
    # A fresh environment: neither distrokit nor OpenTelemetry is installed in it.
    other = Environment(tmp_path / "other", tmp_path).bin / "python"
    package = tmp_path / "opentelemetry" / "instrumentation" / "auto_instrumentation"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("def initialize(): print('by OpenTelemetry')")
    path = os.pathsep.join([FOLDER, str(package), str(tmp_path)])

    result = run([str(other), "-c", "print('runs')"], {**QUIET, "PYTHONPATH": path})

    assert (result.stdout, result.stderr) == ("by OpenTelemetry\nruns\n", "")


def json_values(text, key):
    """The values of a key in what console exporters print."""
    return [json.loads(line.split(": ", 1)[1].rstrip(",")) for line in text.splitlines() if f'"{key}":' in line]


def test_a_distro_that_is_strict_by_default_does_not_end_a_running_application(launch, tmp_path):
    source = (
        'from distrokit import Distro\nacme = Distro(name="acme", version="1", defaults={"DISTROKIT_STRICT": "1"})\n'
    )
    points = {"distrokit.distro": {"acme": "acme_distro:acme"}}
    path = write_distribution(tmp_path, "acme-distro", entry_points=points, modules={"acme_distro": source})

    result = launch("import logging; logging.error('own'); print('runs')", {"DISTROKIT_X": "1"}, [path])

    assert (result.stdout, result.returncode) == ("runs\n", 0), result.stderr
    assert "DISTROKIT_STRICT is set and there is 1 problem; the application runs already, and goes on" in result.stderr

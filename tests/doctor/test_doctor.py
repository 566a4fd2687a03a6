"""doctor's checks of packages, settings and process: each fault made for real, and each check quiet when all is well."""

from __future__ import annotations

import json
import sys
from contextlib import suppress

import pytest
from commands import in_process
from distributions import write_distribution
from processes import clean_environ, run
from requests import certs

from distrokit.doctor import checks as room
from distrokit.doctor import export_check
from distrokit.doctor.installer import install_line
from distrokit.doctor.process import check_process
from distrokit.plugins.entry_points import EntryPoints

NAMED = {"OTEL_SERVICE_NAME": "shop"}


def doctor(env=None, path=(), cwd=None):
    """The checks by id; the last one of an id counts."""
    result = in_process("doctor", "--offline", "--json", env={**NAMED, **(env or {})}, path=path, cwd=cwd)
    assert result.stderr == ""
    return {check["id"]: check for check in json.loads(result.stdout)["checks"]}


def write_metadata(path, name, *lines):
    """More lines of a distribution's METADATA."""
    (file,) = path.glob(f"{name.replace('-', '_')}-*.dist-info/METADATA")
    file.write_text(file.read_text() + "".join(f"{line}\n" for line in lines))


def test_nothing_fails_where_all_is_well():
    checks = doctor()

    # The libraries of the tests, which are here and not instrumented.
    assert {check["verdict"] for name, check in checks.items() if name != "instrumentation-missing"} == {"ok"}
    assert {check["remedy"] for check in checks.values() if check["verdict"] == "ok"} == {""}
    groups = list(dict.fromkeys(check["group"] for check in checks.values()))
    assert groups == ["packages", "settings", "process", "parts", "plugin otlp"]


# ---------------------------------------------------------------------------------- packages


def test_versions_that_do_not_belong_together(tmp_path):
    path = write_distribution(tmp_path, "opentelemetry-instrumentation-acme", "0.50b0")
    write_metadata(
        path,
        "opentelemetry-instrumentation-acme",
        "Requires-Dist: opentelemetry-instrumentation==0.50b0",
        "Requires-Dist: opentelemetry-nowhere>=1",
        "Requires-Dist: not-asked-for>=9; extra == 'more'",
        "Requires-Dist: <broken>",
    )
    result = in_process("doctor", "--offline", path=[path])

    assert result.returncode == 1
    assert (
        "FAIL  versions: opentelemetry-instrumentation-acme 0.50b0 needs opentelemetry-instrumentation==0.50b0, and 0."
        in (result.stdout)
    )
    assert "needs opentelemetry-nowhere>=1, which is not installed" in result.stdout
    # All of them in one line: pinned one by one they would chase each other.
    lines = {line.strip() for line in result.stdout.splitlines() if "→" in line and "nowhere" in line}
    (line,) = lines
    assert " opentelemetry-instrumentation-acme==0." in line
    assert " 'opentelemetry-nowhere>=1'" in line
    assert "not-asked-for" not in result.stdout


def test_several_distros(tmp_path):
    rival = write_distribution(
        tmp_path,
        "other-distro",
        "3.1",
        {"opentelemetry_distro": {"other": "x:Y"}, "opentelemetry_configurator": {"other": "x:Z"}},
    )

    ours, theirs = doctor(path=[rival])["distro"], doctor({"OTEL_PYTHON_DISTRO": "other"}, path=[rival])["distro"]

    assert (ours["verdict"], theirs["verdict"]) == ("ok", "warn")
    assert "distrokit configures the process (installed: distrokit 0.1.0, other-distro 3.1)" in ours["evidence"]
    assert theirs["evidence"].startswith("other-distro configures the process, and distrokit builds nothing")
    # It is named on purpose: nobody is told to name another one.
    assert theirs["evidence"].endswith("; set by OTEL_PYTHON_DISTRO")
    assert theirs["remedy"] == "unset OTEL_PYTHON_DISTRO  # for distrokit"
    assert ours["remedy"] == "export OTEL_PYTHON_DISTRO=distrokit"
    assert doctor({"OTEL_PYTHON_DISTRO": "distrokit"}, path=[rival])["distro"]["remedy"] == ""


@pytest.mark.parametrize(
    ("requires", "check", "evidence"),
    [
        ("flask>=99", "instrumentation-range", 'acme: This instrumentation only instruments "flask>=99'),
        ("nowhere-lib>=1", "instrumentation-library", "not applied, since their libraries are not installed"),
    ],
)
def test_an_instrumentation_whose_library_does_not_fit(tmp_path, requires, check, evidence):
    path = write_distribution(tmp_path, "acme-otel", entry_points={"opentelemetry_instrumentor": {"acme": "x:Y"}})
    write_metadata(
        path, "acme-otel", f"Requires-Dist: {requires}; extra == 'instruments'", "Provides-Extra: instruments"
    )

    found = doctor(path=[path])[check]

    assert found["verdict"] == "warn"
    assert evidence in found["evidence"]
    assert "acme" in found["evidence"]
    assert found["remedy"]


def test_a_hook_whose_package_is_not_here_is_found_without_an_import(tmp_path, monkeypatch):
    (tmp_path / "on_path").mkdir()
    for folder, name in (("on_path", "acme_hooks"), (".", "acme_here")):
        (tmp_path / folder / f"{name}.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    of = "DISTROKIT_INSTRUMENTATION_"
    fine = {
        f"{of}FLASK_REQUEST_HOOK": "acme_hooks:tag",
        f"{of}FLASK_RESPONSE_HOOK": "acme_here:tag",
        f"{of}FLASK_X": '[{"a": "import:acme_hooks:tag"}, "import it", 8]',
    }
    wrong = {
        f"{of}FLASK_INIT_X": '[{"a": "import:acme_nowhere.hooks:tag"}]',
        f"{of}REQUESTS": "acme_nowhere:Mine",
        f"{of}LOGGING_LOG_HOOK": "tag",
    }

    result = in_process("doctor", "--offline", "--json", env={**NAMED, **fine, **wrong}, path=[tmp_path / "on_path"])

    found = [c for c in json.loads(result.stdout)["checks"] if c["id"] == "instrumentation-callable"]
    assert [(check["verdict"], check["evidence"]) for check in found] == [
        ("warn", f"flask: init.x ({of}FLASK_INIT_X): module acme_nowhere cannot be found"),
        ("warn", f"logging: log_hook ({of}LOGGING_LOG_HOOK): it does not have the form module:attribute"),
        ("warn", f"requests: replaced_by ({of}REQUESTS): module acme_nowhere cannot be found"),
    ]


def test_a_library_without_its_instrumentation(tmp_path):
    path = write_distribution(tmp_path, "falcon", "4.0")

    found = doctor(path=[path], cwd=tmp_path)["instrumentation-missing"]

    assert found["verdict"] == "warn"
    assert "falcon" in found["evidence"]
    assert " 'opentelemetry-instrumentation-falcon<0." in found["remedy"]
    # What only the exporters need is not what the application is made of.
    assert "grpc" not in found["evidence"].partition("; not counted")[0]


@pytest.mark.parametrize(
    ("files", "python", "tool"),
    [
        (["uv.lock"], ".venv/bin/python", "uv add"),
        (["pdm.lock"], ".venv/bin/python", "pdm add"),
        (["poetry.lock"], "/home/x/.cache/pypoetry/virtualenvs/a-py3/bin/python", "poetry add"),
        (["Pipfile.lock"], "/home/x/.local/share/virtualenvs/a/bin/python", "pipenv install"),
        # The project of the folder is not that of the environment.
        (["uv.lock"], "/opt/other/bin/python", "/opt/other/bin/python -m pip install"),
        ([".venv/pyvenv.cfg"], ".venv/bin/python", "uv pip install --python {}/.venv/bin/python"),
        ([], ".venv/bin/python", "{}/.venv/bin/python -m pip install"),
    ],
)
def test_the_line_is_for_the_tool_and_the_environment_in_use(tmp_path, monkeypatch, files, python, tool):
    (tmp_path / ".venv").mkdir()
    (tmp_path / "src").mkdir()
    for name in files:
        (tmp_path / name).write_text("home = /x\nuv = 0.9\n")
    monkeypatch.chdir(tmp_path / "src")

    line = install_line("a==1", "b>=2", python=str(tmp_path / python))

    assert line == f"{tool.format(tmp_path)} a==1 'b>=2'"
    monkeypatch.setattr(sys, "executable", str(tmp_path / python))
    assert install_line("a==1", "b>=2") == line


# ---------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("env", "check", "verdict", "evidence", "remedy"),
    [
        (
            {"OTEL_TRACES_SAMPLR": "x"},
            "setting-unknown",
            "warn",
            "there is no setting",
            "Did you mean 'OTEL_TRACES_SAMPLER'?",
        ),
        (
            {"DISTROKIT_STRCT": "1"},
            "setting-unknown",
            "warn",
            "there is no setting",
            "Did you mean 'DISTROKIT_STRICT'?",
        ),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "many"}, "setting-invalid", "warn", "OTEL_BSP_MAX_QUEUE_SIZE=many", "unset"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"},
            "endpoint-without-scheme",
            "warn",
            "no scheme",
            "http://collector:4317",
        ),
        (
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4317"},
            "otlp-port",
            "warn",
            "port 4317 (OTEL_EXPORTER_OTLP_ENDPOINT) is the default port of grpc, and the protocol is http/protobuf",
            "export OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318"},
            "otlp-port",
            "warn",
            "port 4318 (OTEL_EXPORTER_OTLP_ENDPOINT) is the default port of http/protobuf, and the protocol is grpc",
            "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        ),
        (
            {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic aHVzaDpodXNo"},
            "otlp-header-space",
            "warn",
            "the value of 'authorization' contains a space",
            "export OTEL_EXPORTER_OTLP_HEADERS='authorization=Basic%20…'",
        ),
        (
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318/v1/traces"},
            "otlp-path",
            "warn",
            "http://h:4318/v1/traces/v1/",
            "export OTEL_EXPORTER_OTLP_ENDPOINT=http://h:4318",
        ),
        (
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://h:4318"},
            "otlp-path",
            "warn",
            "http://h:4318/ (OTEL_EXPORTER_OTLP_LOGS_ENDPOINT)",
            "export OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http://h:4318/v1/logs",
        ),
        ({"OTEL_SERVICE_NAME": ""}, "service-name", "warn", "unknown_service", "export OTEL_SERVICE_NAME=my-service"),
        ({"OTEL_SDK_DISABLED": "true"}, "disabled", "warn", "OTEL_SDK_DISABLED", "unset OTEL_SDK_DISABLED"),
        (
            {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"},
            "exports",
            "fail",
            "no signal is exported (OTEL_LOGS_EXPORTER, OTEL_METRICS_EXPORTER, OTEL_TRACES_EXPORTER)",
            "unset OTEL_LOGS_EXPORTER OTEL_METRICS_EXPORTER OTEL_TRACES_EXPORTER",
        ),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, "sampler", "warn", "samples no trace", "OTEL_TRACES_SAMPLER"),
        (
            {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.0"},
            "sampler",
            "warn",
            "samples no trace",
            "OTEL_TRACES_SAMPLER",
        ),
        *(
            (env, "setting-without-effect", "warn", next(reversed(env)), f"unset {next(reversed(env))}")
            for env in (
                {"OTEL_TRACES_SAMPLER": "always_on", "OTEL_TRACES_SAMPLER_ARG": "0.5"},
                {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://h:1"},
                {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://h:1", "OTEL_EXPORTER_OTLP_INSECURE": "true"},
                {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:1", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem"},
                {"DISTROKIT_TRACES_PROCESSOR": "simple", "OTEL_BSP_MAX_QUEUE_SIZE": "10"},
                {
                    **{f"OTEL_EXPORTER_OTLP_{s}_ENDPOINT": "http://h:1" for s in ("TRACES", "METRICS", "LOGS")},
                    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://never:1",
                },
            )
        ),
    ],
)
def test_a_setting_that_is_hardly_meant(env, check, verdict, evidence, remedy):
    found = doctor(env)[check]

    assert found["verdict"] == verdict
    assert evidence in found["evidence"]
    assert remedy in found["remedy"]
    assert "aHVzaDpodXNo" not in json.dumps(found)


@pytest.mark.parametrize(
    "env",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:1", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://i:1"},
        {"OTEL_EXPORTER_OTLP_HEADERS": "a=b", "OTEL_EXPORTER_OTLP_TIMEOUT": "5000", "OTEL_BSP_SCHEDULE_DELAY": "1000"},
        {
            "OTEL_TRACES_SAMPLER": "traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.5",
            "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        },
        {"OTEL_TRACES_EXPORTER": "otlp,otlp/backup", "OTEL_EXPORTER_OTLP_ENDPOINT__BACKUP": "http://b:1"},
        {"DISTROKIT_TRACES_PROCESSOR": "simple", "DISTROKIT_DETECTOR_TIMEOUT": "100", "OTEL_LOG_LEVEL": "info"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://h:1", "OTEL_EXPORTER_OTLP_CERTIFICATE": certs.where()},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318"},
        # Who reads it is not known here.
        {"OTEL_EXPORTER_ZIPKIN_ENDPOINT": "http://h:1", "OTEL_PYTHON_EXCLUDED_URLS": "x"},
        {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic%20abc", "OTEL_SPAN_EVENT_COUNT_LIMIT": "9"},
    ],
)
def test_settings_that_are_well(env):
    checks = doctor(env)

    for name in ("setting-without-effect", "otlp-port", "otlp-path", "otlp-header-space", "plan"):
        assert checks[name]["verdict"] == "ok", checks[name]


def test_variables_that_a_file_takes_the_place_of(tmp_path):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
    (tmp_path / "otel.yaml").write_text(
        'file_format: "1.0"\nresource: {attributes: [{name: service.name, value: x}]}\n'
    )

    checks = doctor({"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml"), "OTEL_TRACES_SAMPLER": "always_on"})

    assert checks["setting-ignored"]["remedy"] == "unset OTEL_SERVICE_NAME OTEL_TRACES_SAMPLER"
    assert checks["service-name"]["evidence"].endswith("otel.yaml:2:46)")


@pytest.mark.parametrize(
    ("file", "check", "remedy"),
    [
        ("resource:\n", "service-name", "Write service.name into resource: attributes: of "),
        (
            (
                "tracer_provider: {sampler: {parent_based: {root: {trace_id_ratio_based: {ratio: 0.0}}}},"
                " processors: [{batch: {exporter: {otlp_grpc: }}}]}\n"
            ),
            "sampler",
            "otel.yaml:2:29.",
        ),
        (
            "tracer_provider: {processors: [{batch: {exporter: {otlp_http: {endpoint: 'http://h:4317'}}}}]}\n",
            "otlp-port",
            "Write otlp_grpc in place of otlp_http at ",
        ),
        (
            (
                "tracer_provider: {processors: [{batch: {exporter: {otlp_grpc: }}}]}\n"
                "distribution: {distrokit: {otlp_grpc: grpcio}}\n"
            ),
            "pre-fork",
            "Remove ",
        ),
        ("resource: {}\n", "exports", "Write a processor with an exporter into tracer_provider: processors: of "),
        ("tracer_provider: [\n", "disabled", "Correct the file, or unset OTEL_CONFIG_FILE."),
    ],
)
def test_with_a_file_the_remedy_is_in_the_file(tmp_path, monkeypatch, file, check, remedy):
    monkeypatch.setattr(sys, "orig_argv", ["python", "/x/bin/gunicorn", "app:app"])
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
    (tmp_path / "otel.yaml").write_text(f'file_format: "1.0"\n{file}')

    checks = doctor({"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml"), "OTEL_SERVICE_NAME": ""})

    assert remedy in checks[check]["remedy"]
    assert "export OTEL_" not in json.dumps(checks)
    if check == "disabled":
        assert not {"exports", "service-name"} & set(checks)


def test_what_could_control_a_terminal_is_shown_as_its_escape():
    env = {"OTEL_SERVICE_NAME": "x\x1b[31mred", "OTEL_TRACES_EXPORTER": "a\x1b]0;t\x07"}

    for words in (
        ["doctor", "--offline"],
        ["explain"],
        ["explain", "OTEL_SERVICE_NAME"],
        ["explain", "--diff"],
        ["explain", "--svg"],
    ):
        result = in_process(*words, env=env)
        assert "\x1b" not in result.stdout + result.stderr, words
    assert "\\x1b[31mred" in in_process("doctor", "--offline", env=env).stdout


# ----------------------------------------------------------------------------------- process


def test_another_sitecustomize(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("")

    found = doctor(path=[tmp_path])["sitecustomize"]

    assert found["verdict"] == "ok"
    where = tmp_path / "sitecustomize.py"
    assert found["evidence"] == f"{where} is on the path; a launcher's own runs first, and then it"


def test_a_sitecustomize_before_opentelemetrys(tmp_path):
    from opentelemetry.instrumentation import auto_instrumentation

    # One that calls the next, as tracers of others do: so distrokit runs, and can tell.
    launcher = auto_instrumentation.__path__[0]
    (tmp_path / "sitecustomize.py").write_text(f"exec(open({launcher + '/sitecustomize.py'!r}).read())")
    env = {**clean_environ(), **NAMED, "PYTHONPATH": f"{tmp_path}:{launcher}", "DISTROKIT_DOCTOR": "offline"}

    text = run([sys.executable, "-c", "print('ran')"], env).stderr

    assert f"FAIL  sitecustomize: {tmp_path / 'sitecustomize.py'} comes before OpenTelemetry's" in text
    assert f"→ Put {launcher} first on PYTHONPATH." in text


def checks_of(env, *argv):
    from plans import planned

    return {check.id: check for check in check_process(planned(env), argv)}


@pytest.mark.parametrize(
    ("argv", "verdict"),
    [
        (["/x/bin/python", "/x/bin/gunicorn", "app:app"], "warn"),
        (["python", "-m", "gunicorn", "app:app"], "warn"),
        (["uwsgi", "--http", ":80"], "warn"),
        (["celery", "-A", "app", "worker"], "warn"),
        # It starts new processes.
        (["python", "/x/bin/uvicorn", "app:app", "--workers=4"], "ok"),
        (["python", "app.py", "gunicorn"], "ok"),
    ],
)
def test_a_pre_fork_server(argv, verdict):
    grpcio, own = checks_of({"DISTROKIT_OTLP_GRPC": "grpcio"}, *argv)["pre-fork"], checks_of({}, *argv)["pre-fork"]

    assert (grpcio.verdict, own.verdict) == (verdict, "ok")
    assert (grpcio.remedy == "unset DISTROKIT_OTLP_GRPC") is (verdict == "warn")


HTTP = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
EARLY = {**HTTP, "DISTROKIT_LAZY": "0"}
QUIETLY = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "requests"}
PATCH = "OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH"


@pytest.mark.parametrize(
    ("env", "argv", "verdict", "said"),
    [
        (
            {**QUIETLY, "DISTROKIT_OTLP_GRPC": "grpcio"},
            ["gunicorn", "-k", "gevent"],
            "warn",
            "grpcio blocks its event loop",
        ),
        (QUIETLY, ["gunicorn", "-k", "gevent"], "ok", "imported when they are used"),
        (HTTP, ["gunicorn", "-kgevent"], "ok", "imported when they are used"),
        (EARLY, ["gunicorn", "-kgevent"], "warn", "of requests imports urllib3 before gevent patches ssl"),
        ({**EARLY, **QUIETLY}, ["gunicorn", "-kgevent"], "ok", "gevent is in use"),
        (EARLY, ["python", "patches.py"], "warn", "gevent is in use"),
        (HTTP, ["gunicorn", "--worker-class=eventlet"], "ok", "eventlet is in use"),
        (
            EARLY,
            ["gunicorn", "-k", "geventwebsocket.gunicorn.workers.GeventWebSocketWorker"],
            "warn",
            "before gevent patches",
        ),
        (HTTP, ["python", "gevent_report.py"], "ok", "neither"),
        (HTTP, ["gunicorn", "app:app"], "ok", "neither"),
    ],
)
def test_green_threads(tmp_path, monkeypatch, env, argv, verdict, said):
    (tmp_path / "patches.py").write_text("from gevent import monkey\nmonkey.patch_all()\n")
    (tmp_path / "gevent_report.py").write_text("# gevent calls patch_all()")
    monkeypatch.chdir(tmp_path)

    found = checks_of(env, *argv)["gevent"]

    assert (found.verdict, said in found.evidence) == (verdict, True)


def test_gevent_that_is_to_patch_and_is_not_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "gevent", None)

    found = checks_of({**HTTP, PATCH: "patch_all"}, "python", "app.py")["gevent"]

    assert (found.verdict, "gevent is not installed" in found.evidence) == ("fail", True)


def test_gevent_that_patches_first(tmp_path, monkeypatch):
    (tmp_path / "gevent.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)

    assert checks_of({**EARLY, PATCH: "patch_all"}, "gunicorn", "-k", "gevent")["gevent"].verdict == "ok"


# ------------------------------------------------------------------------------------- whole


def test_a_check_that_fails_itself_is_a_finding(monkeypatch):
    from distrokit.launch.assembly import plan_for
    from distrokit.launch.distro_selection import DistroSelection

    def broken(*_):
        raise OSError("cannot look")

    monkeypatch.setattr(room, "check_packages", broken)

    report = room.examine(plan_for({}, {}, EntryPoints()), DistroSelection(), online=False)

    assert not report.ok
    assert "  FAIL  packages-check-failed: this check failed: OSError: cannot look" in report.lines()
    assert any(check.id == "service-name" for check in report.groups["settings"])


def test_an_exporter_without_a_probe_is_tried_as_well(tmp_path, monkeypatch):
    monkeypatch.setattr(export_check, "PATIENCE", 3.0)
    from distributions import write_plugin

    source = """
        from distrokit import Exporter, hookimpl

        def make(options):
            from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
            import logging, time
            class Acme(SpanExporter):
                def export(self, spans):
                    print("to stdout")
                    if options.name == "slow":
                        time.sleep(60)
                    if options.name == "raises":
                        raise OSError("disk full")
                    if options.name == "fails":
                        logging.getLogger("opentelemetry.acme").error("no room for %s", spans[0].name)
                        return SpanExportResult.FAILURE
                    return SpanExportResult.SUCCESS
                def shutdown(self):
                    pass
            if options.name == "unbuildable":
                raise ValueError("no key")
            return Acme()

        @hookimpl
        def distrokit_exporters():
            return [Exporter(name, "traces", make) for name in ("works", "raises", "fails", "unbuildable", "slow")]
    """
    path = [write_plugin(tmp_path, "acme", source)]
    env = {
        "OTEL_TRACES_EXPORTER": "works,raises,fails,unbuildable,slow,console",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
    }
    result = in_process("doctor", env=env, path=path)

    assert "  ok    export: works traces: an item was sent in " in result.stdout
    assert "  FAIL  export: raises traces: an item could not be sent: OSError: disk full" in result.stdout
    assert "  FAIL  export: fails traces: an item could not be sent: no room for distrokit doctor" in result.stdout
    assert "  FAIL  export: unbuildable traces: ValueError: no key" in result.stdout
    assert "  FAIL  export: slow traces: not finished after 3 seconds" in result.stdout
    assert "  ok    export: console traces: printed by the process itself" in result.stdout
    assert result.returncode == 1
    assert "to stdout" not in result.stdout


def test_a_file_that_cannot_be_written(tmp_path):
    pytest.importorskip("opentelemetry.exporter.otlp.json.file", reason="only some releases have it")
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
    checks = {}
    for name in ("here", "nowhere/here"):
        exporter = f"otlp_file/development: {{output_stream: 'file://{tmp_path}/{name}'}}"
        (tmp_path / "otel.yaml").write_text(
            f'file_format: "1.0"\ntracer_provider: {{processors: [{{simple: {{exporter: {{{exporter}}}}}}}]}}\n'
        )
        result = in_process("doctor", "--json", env={"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml")})
        with suppress(KeyError):
            checks[name] = next(c for c in json.loads(result.stdout)["checks"] if c["id"] == "otlp-file")

    assert (checks["here"]["verdict"], checks["nowhere/here"]["verdict"]) == ("ok", "fail")
    assert checks["nowhere/here"]["remedy"] == f"mkdir -p {tmp_path}/nowhere"

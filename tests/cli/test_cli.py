"""The ``distrokit`` command."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys

import pytest
from commands import in_process
from distributions import write_distribution, write_plugin
from processes import BIN, QUIET, clean_environ, distrokit, instrumented, run, said

import distrokit as package
from distrokit.cli import main
from distrokit.cli.plugins import PLUGINS
from distrokit.launch.assembly import plan_for
from distrokit.plugins.entry_points import EntryPoints


def test_explain_shows_what_and_from_where():
    result = distrokit(
        "explain",
        env={
            "OTEL_SERVICE_NAME": "shop",
            "OTEL_TRACES_SAMPLER": "traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.5",
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=secret",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_PROPAGATORS": "b3",
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask",
        },
    )

    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "service.name shop OTEL_SERVICE_NAME" in lines
    assert any(
        line.startswith("sampler traceidratio (opentelemetry-sdk 1.") and line.endswith("OTEL_TRACES_SAMPLER")
        for line in lines
    )
    assert "arg = 0.5 OTEL_TRACES_SAMPLER_ARG" in lines
    assert "export otlp (plugin otlp 0.1.0) default of plugin otlp 0.1.0" in lines
    assert "fed by batch (plugin batch 0.1.0) default of plugin batch 0.1.0" in lines
    assert "headers = authorization=**** OTEL_EXPORTER_OTLP_HEADERS" in lines
    assert "export nothing OTEL_METRICS_EXPORTER" in lines
    assert any(line.startswith("flask off opentelemetry-instrumentation-flask") for line in lines)
    assert any(line.startswith("b3 opentelemetry-propagator-b3") for line in lines)
    assert (result.returncode, result.stderr) == (0, "")
    assert "secret" not in result.stdout


def test_explain_json_is_the_plan():
    data = json.loads(in_process("explain", "--json", env={"OTEL_TRACES_EXPORTER": "consol"}).stdout)

    assert data["schema"] == 2
    assert data["signals"]["metrics"]["export"][0]["name"] == "otlp"
    assert data["signals"]["metrics"]["export"][0]["parameters"]["protocol"] == {
        "value": "grpc",
        "source": "default of plugin otlp 0.1.0",
        "overridden": [],
    }
    assert data["problems"][0]["code"] == "exporter-unknown"
    assert {p["name"]: p["status"] for p in data["plugins"] if p["name"] != "yaml"} == dict.fromkeys(
        ("batch", "build", "components", "dev", "guard", "otlp", "policy", "resource", "spool"), "loaded"
    )


def test_explain_says_that_it_is_disabled_and_what_would_be():
    text = in_process("explain", env={"OTEL_SDK_DISABLED": "true"}).stdout

    assert text.startswith("DISABLED by OTEL_SDK_DISABLED: only propagators and instrumentations are active\n")
    assert "export        otlp" in text


def test_explain_says_why_an_instrumentation_is_off(tmp_path):
    path = write_distribution(
        tmp_path, "acme-instrumentation", entry_points={"opentelemetry_instrumentor": {"acme": "x:Y"}}
    )
    metadata = path / "acme_instrumentation-1.0.dist-info" / "METADATA"
    metadata.write_text(
        metadata.read_text() + "Requires-Dist: library-that-is-not-there>=2 ; extra == 'instruments'\n"
        "Provides-Extra: instruments\n"
    )

    lines = [line for line in in_process("explain", path=[path]).stdout.splitlines() if line.startswith("  acme")]

    assert len(lines) == 1
    assert "off" in lines[0]
    assert "library-that-is-not-there" in lines[0]


def test_explain_shows_what_plugins_amended(tmp_path):
    source = """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_plan(plan):
            plan.instrumentations["flask"].options["excluded_urls"] = "healthz"
    """
    text = in_process("explain", path=[write_plugin(tmp_path, "acme", source)]).stdout

    assert "modified by plugins\n  acme 1.0  instrumentations.flask.options" in text
    assert "with excluded_urls" in text


def test_plugins_lists_every_candidate(tmp_path):
    path = [write_plugin(tmp_path, "broken", "raise SystemExit('no')")]

    text = distrokit("plugins", env={"DISTROKIT_DISABLED_PLUGINS": "dev"}, path=path).stdout
    table, _, order = text.partition("\n\ncall order\n")
    rows = {line.split()[0]: line for line in table.splitlines()}

    assert [name for name in rows if name != "yaml"] == [
        "batch",
        "broken",
        "build",
        "components",
        "dev",
        "guard",
        "otlp",
        "policy",
        "resource",
        "spool",
    ]
    assert "failed" in rows["broken"]
    assert "SystemExit: no" in rows["broken"]
    assert "blocked" in rows["dev"]
    assert rows["otlp"].split()[1:4] == ["distrokit-otlp", "0.1.0", "loaded"]
    assert "  distrokit_defaults              batch → otlp\n" in order
    data = json.loads(in_process("plugins", "--json").stdout)
    assert data["schema"] == 1
    assert data["plugins"][0]["hooks"] == ["distrokit_defaults", "distrokit_processors", "distrokit_settings"]
    assert data["call_order"]["distrokit_processors"] == ["batch", "components", "guard"]


def test_every_call_of_a_hook_is_traced_and_no_value_is(tmp_path):
    source = """
        from distrokit import Exporter, hookimpl

        @hookimpl
        def distrokit_defaults():
            return {"ACME_TOKEN": "hush-hush-4711"}

        @hookimpl
        def distrokit_plan(plan):
            pass

        @hookimpl
        def distrokit_started(pipeline):
            raise ValueError("no")

        @hookimpl
        def distrokit_stopping(pipeline, reason):
            print("never", reason)
    """
    path = [write_plugin(tmp_path, "acme", source), write_plugin(tmp_path, "broken", "import nothing_there")]

    result = instrumented("print('ran')", {**QUIET, "DISTROKIT_TRACE_HOOKS": "1"}, path)

    hooks = [re.sub(r"[0-9.]+ ms", "N ms", line) for line in said(result) if line.startswith("distrokit: hook ")]
    own = [line for line in hooks if "plugin acme" in line]
    who = "plugin acme (distrokit-acme 1.0), N ms,"
    assert own == [
        f"distrokit: hook distrokit_defaults: {who} → dict of 1",
        f"distrokit: hook distrokit_plan: {who} → None",
        f"distrokit: hook distrokit_started: {who} raised ValueError",
    ]
    assert (
        "distrokit: hook distrokit_exporters: plugin otlp (distrokit-otlp 0.1.0), N ms, → list of 8 Exporter" in hooks
    )
    assert result.stdout == "ran\n"
    assert "hush" not in result.stderr


def test_doctor_has_verdicts_and_exit_codes():
    good = in_process("doctor", "--offline")
    warned = in_process("doctor", "--offline", env={"OTEL_BSP_MAX_QUEUE_SIZE": "x"})
    bad = distrokit("doctor", "--offline", "--json", env={"OTEL_TRACES_EXPORTER": "consol"})

    assert (good.returncode, good.stderr) == (0, "")
    assert "ok    plan: settings and plugins make a plan without problems\n" in good.stdout
    assert warned.returncode == 0
    assert "  warn  setting-invalid: OTEL_BSP_MAX_QUEUE_SIZE=x: " in warned.stdout
    assert bad.returncode == 1
    data = json.loads(bad.stdout)
    assert (data["schema"], data["ok"]) == (1, False)
    (fail,) = [check for check in data["checks"] if check["verdict"] == "fail"]
    assert (fail["group"], fail["id"]) == ("settings", "exporter-unknown")


def test_a_check_that_raises_fails_doctor(tmp_path):
    source = """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_checks(plan):
            raise OSError("disk")
    """
    result = in_process("doctor", "--offline", path=[write_plugin(tmp_path, "acme", source)])

    assert result.returncode == 1
    assert "FAIL  plugin-failed: plugin acme (distrokit-acme 1.0): distrokit_checks: OSError: disk" in result.stdout


def test_a_command_whose_name_is_taken_is_refused(tmp_path):
    source = """
        from distrokit import Command, hookimpl

        @hookimpl
        def distrokit_commands():
            return [Command("explain", "mine", lambda arguments: 5)]
    """
    result = in_process("explain", path=[write_plugin(tmp_path, "acme", source)])

    assert result.returncode == 0
    assert "there is already a command 'explain'" in result.stderr


def test_usage_and_version():
    assert in_process("--version").stdout == f"distrokit {package.__version__}\n"
    assert distrokit("nonsense").returncode == 2
    assert in_process().returncode == 2
    helped = in_process("--help").stdout
    for command in ("explain", "plugins", "doctor", "demo"):
        assert command in helped
    assert "exit codes" in helped


def test_a_command_that_is_not_installed_says_where_it_is(tmp_path, monkeypatch):
    scanned = EntryPoints.scan().without("distrokit", ["dev"])
    monkeypatch.setattr(EntryPoints, "scan", lambda: scanned)
    result = in_process("tail")

    assert result.returncode == 2
    assert result.stderr.startswith("distrokit: tail is not installed here; run `")
    assert result.stderr.endswith("'distrokit[dev]'`\n")


def test_python_dash_m_is_the_same():
    assert run([sys.executable, "-m", "distrokit", "--version"]).stdout == f"distrokit {package.__version__}\n"


def test_without_a_plugin_the_list_says_what_to_install(capsys):
    arguments = argparse.Namespace(json=False, assembly=plan_for({}, {}, package.EntryPoints()))

    assert PLUGINS.run(arguments) == 0
    assert capsys.readouterr().out == "no plugin is installed. Run `pip install 'distrokit[otlp]'`.\n"


def test_a_pipe_that_closes_early_is_no_error():
    command = f"{BIN}/distrokit explain --json | head -c 10"

    result = subprocess.run(["sh", "-c", command], env=clean_environ(), capture_output=True, text=True, timeout=60)

    assert (result.returncode, result.stderr, len(result.stdout)) == (0, "", 10)


def test_ctrl_c_ends_a_command_with_130(tmp_path):
    source = """
        from distrokit import Command, hookimpl

        def run(arguments):
            raise KeyboardInterrupt

        @hookimpl
        def distrokit_commands():
            return [Command("wait", "wait", run)]
    """
    result = distrokit("wait", path=[write_plugin(tmp_path, "acme", source)])

    assert (result.returncode, result.stderr) == (130, "distrokit: interrupted\n")


def test_main_returns_the_exit_code(capsys, monkeypatch):
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)

    assert main(["doctor", "--offline"]) == 1
    assert "FAIL  exports: no signal is exported" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "hint"), [("explian", "Did you mean 'explain'?"), ("zzz", "Commands: explain, plugins, doctor, run")]
)
def test_an_unknown_command_is_told_the_nearest_one(capsys, word, hint):
    with pytest.raises(SystemExit) as ended:
        main([word])

    assert ended.value.code == 2
    assert f"distrokit: error: invalid choice: {word!r}. {hint}" in capsys.readouterr().err

"""What installers leave behind, copies, and packages that cannot be read: each costs at most itself."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import sys
from pathlib import Path

import pytest
from commands import in_process
from distributions import write_distribution
from processes import BIN, run, said

PROGRAM = """
import distrokit, logging, sys
if "start" in sys.argv:
    distrokit.start()
from opentelemetry import trace
from opentelemetry.propagate import inject
carrier = {}
with trace.get_tracer("t").start_as_current_span("s"):
    inject(carrier)
print(sorted(carrier))
logging.getLogger("a").warning("once")
"""
LEFT = {
    "distrokit-otlp": "~istrokit_otlp-0.1.0.dist-info",
    "distrokit-batch": "-istrokit_batch-0.1.0.dist-info",
    "distrokit": "~-strokit-0.1.0.dist-info",
    "opentelemetry-propagator-b3": "~pentelemetry_propagator_b3-1.0.dist-info",
    "opentelemetry-instrumentation-logging": "~~entelemetry_instrumentation_logging-1.0.dist-info",
}


def folder_of(name):
    return Path(str(importlib.metadata.distribution(name)._path))


def renamed(folder, *but):
    """As pip leaves them when an uninstall is interrupted."""
    for name, left in LEFT.items():
        if name not in but:
            shutil.copytree(folder_of(name), folder / left)
            if name.startswith("distrokit"):
                aged(folder / left)
    return folder


def aged(left):
    """Of a release whose entry points had other values: equal ones count once, whoever has them."""
    points = left / "entry_points.txt"
    points.write_text(points.read_text().replace(" = ", " = older_"))


def left_behind(folder, *but):
    """One of them has lost some of its files."""
    renamed(folder, *but)
    half = folder / "distrokit_resource-0.0.9.dist-info"
    shutil.copytree(folder_of("distrokit-resource"), half)
    (half / "METADATA").unlink()
    aged(half)
    return folder


def copied(folder, *_):
    """The same distributions once more, as lib64 or a vendored copy has them."""
    for name in LEFT:
        shutil.copytree(folder_of(name), folder / folder_of(name).name)
    # Somebody publishes the very entry points under another name.
    renamed = folder / "b3_fork-3.0.dist-info"
    shutil.copytree(folder_of("opentelemetry-propagator-b3"), renamed)
    metadata = (renamed / "METADATA").read_text()
    (renamed / "METADATA").write_text(metadata.replace("opentelemetry-propagator-b3", "b3-fork"))
    return folder


def started(receiver, path, launcher, **env):
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf"),
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_PROPAGATORS": "tracecontext,b3",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask,requests",
        **env,
    }
    command = [sys.executable, "-c", PROGRAM]
    if launcher:
        command = [str(BIN / launcher.split()[0]), *launcher.split()[1:], *command]
    else:
        command.append("start")
    result = run(command, env, path)
    assert result.returncode == 0, result.stderr
    return result


@pytest.mark.parametrize("launcher", ["opentelemetry-instrument", "distrokit run"])
@pytest.mark.parametrize("made", [left_behind, copied])
def test_what_is_found_twice_counts_once(receiver, tmp_path, made, launcher):
    # The launcher of OpenTelemetry ends at two copies of a list of variables, before anything of distrokit runs.
    but = ["distrokit"] if launcher == "opentelemetry-instrument" else []
    result = started(receiver, [made(tmp_path, *but)], launcher)

    assert said(result) == []
    assert result.stdout.splitlines() == ["['b3', 'traceparent']"]
    # An instrumentation that is applied twice sends each record twice.
    assert [log.body for log in receiver.store.logs()] == ["once"]
    assert [span.name for span in receiver.store.spans()] == ["s"]


def test_plans_know_no_leftovers(tmp_path):
    result = in_process("explain", "--json", path=[renamed(tmp_path / "left")])

    assert result.stderr == ""
    assert json.loads(result.stdout)["problems"] == []


def broken(folder, fault):
    info = write_distribution(folder, "broken-thing", "1.0", {"x": {"a": "b:c"}}) / "broken_thing-1.0.dist-info"
    text = info / "entry_points.txt"
    if fault == "bytes":
        text.write_bytes(b"[x]\na = \xff\xfe:b\n")
    elif fault == "malformed":
        text.write_text("[x]\nthis is no entry point\n")
    else:
        text.unlink()
        text.symlink_to(text)
    return info


FAULTS = ["bytes", "malformed", "loop"]


@pytest.mark.parametrize(("launcher", "fault"), [("distrokit run", "bytes"), ("", "bytes"), ("distrokit run", "loop")])
def test_a_package_that_cannot_be_read_costs_itself(receiver, tmp_path, launcher, fault):
    info = broken(tmp_path, fault)
    result = started(receiver, [tmp_path], launcher)

    assert [span.name for span in receiver.store.spans()] == ["s"]
    (line,) = said(result)
    assert line.startswith(f"distrokit: package {info}: its entry points cannot be read: ")
    assert line.endswith("Reinstall or uninstall it; remove the folder if no installer knows it.")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("command", ["explain", "plugins", "doctor --offline"])
def test_commands_say_it_and_work(tmp_path, fault, command):
    info = broken(tmp_path, fault)
    result = in_process(*command.split(), env={"OTEL_TRACES_EXPORTER": "console"}, path=[tmp_path])

    assert f"package {info}: its entry points cannot be read" in result.stdout + result.stderr
    assert "console" in result.stdout or "plugin otlp" in result.stdout or "distrokit-otlp" in result.stdout

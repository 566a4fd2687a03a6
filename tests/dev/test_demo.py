"""``distrokit demo``: shows two spans that really travelled, and fails when they did not."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace

import pytest
from processes import distrokit

from distrokit_dev import demo
from distrokit_dev.launcher import launcher
from distrokit_dev.received import ReceivedSpan, Scope
from distrokit_dev.show import show_demo


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_the_demo_shows_what_arrived(protocol):
    # Whatever the user has set must not disturb it.
    env = {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_HEADERS": "a"}

    result = distrokit("demo", "--protocol", protocol, env=env)

    assert (result.returncode, result.stderr) == (0, "")
    for text in ("stdout       baz", f"received     2 spans over OTLP, {protocol}", "service.name", "scope  my.tracer"):
        assert text in result.stdout
    lines = result.stdout.splitlines()
    foo = next(i for i, line in enumerate(lines) if line.startswith("└── foo"))
    assert " ms  status unset" in lines[foo]
    assert "id " in lines[foo + 1]
    assert "start 20" in lines[foo + 1]
    assert lines[foo + 2].startswith("    └── bar")
    assert max(map(len, lines)) <= 80
    assert "opentelemetry-instrument python app.py" in lines[-1]


def test_the_demo_as_json():
    result = distrokit("demo", "--json")

    data = json.loads(result.stdout)
    spans = {span["name"]: span for span in data["spans"]}
    assert (result.returncode, data["ok"], data["problem"], data["protocol"]) == (0, True, None, "grpc")
    assert spans["bar"]["parent_span_id"] == spans["foo"]["span_id"]
    assert data["program"]["stdout"] == "baz\n"


def _span(name, span_id, parent=""):
    return ReceivedSpan({"service.name": "x"}, Scope("s", "1"), name, "t", span_id, parent, "internal", 0, 1, "unset")


FOO, BAR = _span("foo", "f"), _span("bar", "b", "f")


@pytest.mark.parametrize(
    ("spans", "code", "complaint"),
    [
        ([FOO, BAR], 0, ""),
        ([FOO, BAR], 3, "the program ended with exit code 3"),
        ([], 0, "expected the spans foo and bar, received nothing"),
        ([FOO], 0, "expected the spans foo and bar, received foo"),
        ([FOO, FOO, BAR], 0, "expected the spans foo and bar, received bar, foo"),
        ([FOO, replace(BAR, parent_span_id="")], 0, "bar is not the child of foo"),
        ([FOO, replace(BAR, trace_id="other")], 0, "bar is not the child of foo"),
    ],
)
def test_the_verdict(spans, code, complaint):
    assert demo.verdict(subprocess.CompletedProcess([], code), spans) == complaint


def test_a_demo_that_fails_says_so_and_ends_with_1(monkeypatch, capsys):
    monkeypatch.setattr(demo, "PROGRAM", "import sys; print('oh no', file=sys.stderr); sys.exit(3)")
    monkeypatch.setattr(demo, "TRAVEL_TIMEOUT", 0.1)

    assert demo.demo() == 1
    text = capsys.readouterr().out
    assert "Failed: the program ended with exit code 3" in text
    assert "stderr       oh no" in text
    assert "distrokit doctor" in text


def test_a_program_that_never_ends_is_ended(monkeypatch):
    monkeypatch.setattr(demo, "PROGRAM_TIMEOUT", 3)

    run = demo.run_instrumented("import time; time.sleep(60)", {"OTEL_SDK_DISABLED": "true"})

    assert run.returncode == 1
    assert run.stderr == "killed after 3 seconds"


def test_the_launcher_is_found_elsewhere_too(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))

    assert launcher().endswith("opentelemetry-instrument")


def test_errors_stand_out_and_siblings_are_in_order(capsys):
    late = replace(BAR, name="late", span_id="l", start=5, end=9, status="error", status_message="[broken]")

    show_demo("grpc", "x", "", "", [late, BAR, FOO], "")

    text = capsys.readouterr().out
    assert text.index("foo") < text.index("bar") < text.index("late")
    assert "status error ([broken])" in text

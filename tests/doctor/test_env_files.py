"""Variables that are not what was meant: in a file that is loaded too late, or in quotes."""

from __future__ import annotations

import json

import pytest
from commands import in_process
from processes import QUIET, instrumented, said

from distrokit.diagnostics import Problem


def checks(cwd, env=None):
    result = in_process("doctor", "--offline", "--json", env=env, cwd=cwd)
    return [check for check in json.loads(result.stdout)["checks"] if check["id"] == "env-file"]


def test_a_file_that_the_application_loads_after_the_start(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / ".env").write_text(
        "# OTEL_LOG_LEVEL=debug\nDATABASE=x\nexport OTEL_SERVICE_NAME='shop'\n"
        'OTEL_EXPORTER_OTLP_HEADERS="authorization=secret-in-a-file"\nDISTROKIT_STRICT = 1 # really\nnot a line\n'
        "OTEL_TRACES_EXPORTER=otlp\n"
    )

    (check,) = checks(tmp_path / "src", {"DISTROKIT_STRICT": "1", "OTEL_TRACES_EXPORTER": "console"})

    assert check["verdict"] == "warn"
    assert check["evidence"] == (
        f"{tmp_path}/.env has OTEL_EXPORTER_OTLP_HEADERS, OTEL_SERVICE_NAME, which this process was started without, and"
        " another value of OTEL_TRACES_EXPORTER; an application that loads it (python-dotenv, flask run, django-environ)"
        " does so after telemetry has started"
    )
    assert check["remedy"] == f"set -a; . {tmp_path}/.env; set +a  # before the program is started"
    assert "secret-in-a-file" not in json.dumps(check)


def test_files_that_are_well(tmp_path):
    (tmp_path / ".env").write_text("DATABASE=x\nOTEL_SERVICE_NAME=shop\n")
    (tmp_path / ".flaskenv").write_bytes(b"\xff\n")

    (check,) = checks(tmp_path, {"OTEL_SERVICE_NAME": "shop"})

    assert (check["verdict"], check["remedy"]) == ("ok", "")


def quoted(env):
    result = in_process("doctor", "--offline", "--json", env=env)
    return [check for check in json.loads(result.stdout)["checks"] if check["id"] == "setting-quoted"]


@pytest.mark.parametrize(
    ("env", "names"),
    [
        ({"OTEL_SERVICE_NAME": '"shop"'}, "OTEL_SERVICE_NAME"),
        (
            {"OTEL_SERVICE_NAME": "'shop'", "DISTROKIT_TRACES_PROCESSOR": '"batch"'},
            "DISTROKIT_TRACES_PROCESSOR, OTEL_S",
        ),
        ({"OTEL_RESOURCE_ATTRIBUTES": 'a=b,service.name="shop"'}, "OTEL_RESOURCE_ATTRIBUTES"),
        ({"OTEL_EXPORTER_OTLP_HEADERS": '"authorization=hush-hush"'}, "OTEL_EXPORTER_OTLP_HEADERS"),
        ({"OTEL_SERVICE_NAME": "joe's \"shop\" 'n"}, ""),
        ({"DISTROKIT_INSTRUMENTATION_FLASK_EXCLUDED_URLS": '"health"'}, ""),
    ],
)
def test_a_value_in_quotes(env, names):
    found = quoted(env)

    assert len(found) == bool(names)
    for check in found:
        assert check["verdict"] == "warn"
        assert check["evidence"].startswith(names)
        assert "which are part of" in check["evidence"]
        assert "hush" not in json.dumps(check)


def test_quotes_are_said_at_the_start_in_one_line():
    result = instrumented("print('runs')", {**QUIET, "OTEL_SERVICE_NAME": '"shop"'})

    assert result.stdout == "runs\n"
    problem = Problem(
        code="setting-quoted",
        subject="OTEL_SERVICE_NAME",
        cause="the value is in quotes, which are part of it",
        outcome="the value is used with its quotes",
        remedy="Write it without quotes: a shell removes them, `docker run --env-file` and others keep them.",
        severity="warning",
    )
    assert said(result) == [f"distrokit: {problem}"]

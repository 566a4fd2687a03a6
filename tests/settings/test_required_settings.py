"""A setting that a plugin requires, and that is missing, is said wherever somebody looks, with the author's remedy."""

from __future__ import annotations

import json

import pytest
from commands import in_process
from distributions import write_plugin
from plans import planned, plugin, problems
from processes import QUIET, instrumented, said

from distrokit import Setting

TENANT = Setting(
    name="VAULT_TENANT", required=True, remedy="Ask #platform for the tenant.", consumer="acme", meaning="whose"
)
LINE = "VAULT_TENANT: plugin acme (code) requires it, and it is not set; plugin acme may not work. Ask #platform for the tenant."
SOURCE = """
    from distrokit import Setting, hookimpl

    @hookimpl
    def distrokit_settings():
        return [Setting(name="VAULT_TENANT", required=True, remedy="Ask #platform for the tenant.", consumer="acme",
                        meaning="whose secrets they are")]
"""


def acme(*settings, **hooks):
    return plugin(distrokit_settings=lambda: list(settings), **hooks)


def test_a_missing_one_is_a_problem_of_the_plan():
    plan = planned(acme=acme(TENANT))

    assert problems(plan) == [LINE]
    assert plan.problems[0].severity == "error"


@pytest.mark.parametrize("env", [{"VAULT_TENANT": ""}, {"VAULT_TENANT": "  "}])
def test_a_blank_one_is_missing(env):
    assert problems(planned(env, acme=acme(TENANT))) == [LINE]


def test_a_value_of_anybody_will_do():
    assert problems(planned({"VAULT_TENANT": "a"}, acme=acme(TENANT))) == []
    assert problems(planned(acme=acme(TENANT, distrokit_defaults=lambda: {"VAULT_TENANT": "a"}))) == []
    assert problems(planned(acme=acme(TENANT), other=plugin(distrokit_overrides=lambda: {"VAULT_TENANT": "a"}))) == []


def test_a_secret_may_stand_in_a_file_and_without_a_remedy_the_name_is_said(tmp_path):
    token = Setting(name="VAULT_TOKEN", required=True, consumer="acme", meaning="m")
    (tmp_path / "token").write_text("hush-hush")

    assert problems(planned({"VAULT_TOKEN_FILE": str(tmp_path / "token")}, acme=acme(token))) == []
    (line,) = problems(planned(acme=acme(token)))
    assert line.endswith(". Set VAULT_TOKEN.")


def test_of_a_plugin_that_is_blocked_or_failed_nothing_is_required(tmp_path):
    path = [write_plugin(tmp_path, "acme", SOURCE)]

    def fails(settings):
        raise RuntimeError("no")

    failed = planned(acme=acme(TENANT, distrokit_samplers=fails))
    blocked = in_process("explain", "--json", env={"DISTROKIT_DISABLED_PLUGINS": "acme"}, path=path)

    assert [problem.code for problem in failed.problems] == ["plugin-failed"]
    assert json.loads(blocked.stdout)["problems"] == []


@pytest.mark.parametrize(("ignored", "count"), [(True, 0), (False, 1)])
def test_with_a_configuration_file_that_takes_its_place_it_is_not_asked_for(tmp_path, ignored, count):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
    (tmp_path / "otel.yaml").write_text('file_format: "1.0"')
    setting = Setting(name="VAULT_TENANT", required=True, ignored_with_file=ignored, consumer="acme", meaning="m")

    plan = planned({"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml")}, acme=acme(setting))

    assert [problem.code for problem in plan.problems] == ["setting-missing"] * count


def test_it_is_said_at_the_start_by_explain_and_by_doctor(tmp_path):
    path = [write_plugin(tmp_path, "acme", SOURCE)]
    line = LINE.replace("(code)", "(distrokit-acme 1.0)")

    started = instrumented("print('runs')", QUIET, path)
    explained = in_process("explain", path=path)
    doctor = json.loads(in_process("doctor", "--offline", "--json", path=path).stdout)

    assert started.stdout == "runs\n"
    assert said(started) == [f"distrokit: {line}"]
    assert f"setting-missing  {line}" in explained.stdout
    (check,) = [check for check in doctor["checks"] if check["id"] == "setting-missing"]
    assert (check["verdict"], check["remedy"]) == ("fail", "Ask #platform for the tenant.")
    strict = instrumented("print('runs')", {**QUIET, "DISTROKIT_STRICT": "1"}, path)
    assert (strict.returncode, strict.stdout) == (78, "")


def test_explain_of_the_setting_shows_that_it_is_required(tmp_path):
    path = [write_plugin(tmp_path, "acme", SOURCE)]

    text = in_process("explain", "VAULT_TENANT", path=path).stdout
    data = json.loads(in_process("explain", "VAULT_TENANT", "--json", path=path, env={"VAULT_TENANT": "a"}).stdout)

    assert "  required   Ask #platform for the tenant.\n" in text
    assert "  problem    VAULT_TENANT: plugin acme (distrokit-acme 1.0) requires it" in text
    assert (data["required"], data["problems"]) == ("Ask #platform for the tenant.", [])

"""What docs/compatibility.md promises to plugins: hooks and settings that will be gone say so, and work until then."""

from __future__ import annotations

from plans import planned, plugin, problems

from distrokit import Setting, hookspecs


def test_a_hook_and_an_argument_that_will_be_gone_are_called_and_said_with_whose_they_are(monkeypatch):
    going = {"distrokit_plan(plan)": "Take it out.", "distrokit_overrides": "Use distrokit_defaults from 0.4 on."}
    monkeypatch.setattr(hookspecs, "DEPRECATED", going)
    acme = plugin(
        distrokit_plan=lambda plan: plan.signals["logs"].exporters.clear(),
        distrokit_overrides=lambda settings: {"OTEL_SERVICE_NAME": "acme"},
    )

    plan = planned({}, acme=acme)

    who = "plugin acme (code): it implements"
    assert set(problems(plan)) == {
        f"{who} distrokit_plan(plan), which will be gone; it is called. Take it out.",
        f"{who} distrokit_overrides, which will be gone; it is called. Use distrokit_defaults from 0.4 on.",
    }
    assert {(problem.code, problem.severity) for problem in plan.problems} == {("deprecated", "warning")}
    assert plan.signals["logs"].exporters == []
    assert plan.resource.attributes["service.name"].value == "acme"


def test_a_setting_that_will_be_gone_has_its_effect_and_is_said_when_somebody_sets_it():
    setting = Setting(name="ACME_WHO", deprecated="Set ACME_TENANT; from 0.4 on ACME_WHO is not read.", consumer="acme")
    acme = plugin(
        distrokit_settings=lambda: [setting],
        distrokit_resource=lambda settings: {"acme": settings.get("ACME_WHO", "nobody")},
    )

    plan = planned({"ACME_WHO": "shop"}, acme=acme)

    assert problems(plan) == [
        "ACME_WHO: this setting will be gone; it has its effect. Set ACME_TENANT; from 0.4 on ACME_WHO is not read."
    ]
    assert plan.resource.attributes["acme"].value == "shop"
    assert problems(planned({}, acme=acme)) == []

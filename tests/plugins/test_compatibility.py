"""What docs/compatibility.md promises to plugins: deprecated hooks and settings are reported, and still work."""

from __future__ import annotations

from plans import planned, plugin, problems

from distrokit import Setting, hookspecs


def test_deprecated_hooks_and_arguments_are_called_and_reported_with_their_plugin(monkeypatch):
    going = {"distrokit_plan(plan)": "Take it out.", "distrokit_overrides": "Use distrokit_defaults from 0.4 on."}
    monkeypatch.setattr(hookspecs, "DEPRECATED", going)
    acme = plugin(
        distrokit_plan=lambda plan: plan.signals["logs"].exporters.clear(),
        distrokit_overrides=lambda settings: {"OTEL_SERVICE_NAME": "acme"},
    )

    plan = planned({}, acme=acme)

    who = "plugin acme (code): it implements"
    assert set(problems(plan)) == {
        f"{who} distrokit_plan(plan), which is deprecated; it is still called. Take it out.",
        f"{who} distrokit_overrides, which is deprecated; it is still called. Use distrokit_defaults from 0.4 on.",
    }
    assert {(problem.code, problem.severity) for problem in plan.problems} == {("deprecated", "warning")}
    assert plan.signals["logs"].exporters == []
    assert plan.resource.attributes["service.name"].value == "acme"


def test_a_deprecated_setting_is_honoured_and_reported_when_it_is_set():
    setting = Setting(name="ACME_WHO", deprecated="Set ACME_TENANT; from 0.4 on ACME_WHO is not read.", consumer="acme")
    acme = plugin(
        distrokit_settings=lambda: [setting],
        distrokit_resource=lambda settings: {"acme": settings.get("ACME_WHO", "nobody")},
    )

    plan = planned({"ACME_WHO": "shop"}, acme=acme)

    assert problems(plan) == [
        "ACME_WHO: this setting is deprecated; it is still honoured. Set ACME_TENANT; from 0.4 on ACME_WHO is not read."
    ]
    assert plan.resource.attributes["acme"].value == "shop"
    assert problems(planned({}, acme=acme)) == []

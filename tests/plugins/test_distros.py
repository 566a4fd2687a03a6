"""Distros as data: what one decides in a plan, which one is in charge, and what is said about it."""

from __future__ import annotations

import json
from importlib.metadata import version
from textwrap import dedent

import pytest
from commands import in_process
from distributions import write_distribution, write_distro
from kits import write_kit
from plans import DEFAULTS, INSTALLED, plugin, problems
from processes import said
from processes import under_launcher as instrumented

import distrokit as public
from distrokit import Distro
from distrokit.launch.assembly import plan_for

ACME = Distro(
    name="acme",
    version="1.2",
    plugins=("zeta", "acme", "batch", "otlp"),
    defaults={"OTEL_TRACES_SAMPLER": "always_off", "OTEL_SERVICE_NAME": "shop"},
)


def planned(distro, environ=None, **plugins):
    return plan_for(environ or {}, {**DEFAULTS, **plugins}, INSTALLED, distro=distro).plan


def test_its_defaults_are_weaker_than_the_users_word_and_stronger_than_a_plugins():
    def weaker():
        return plugin(distrokit_defaults=lambda: {"OTEL_TRACES_SAMPLER": "always_on", "OTEL_SERVICE_NAME": "plugin"})

    plan = planned(ACME, {"OTEL_SERVICE_NAME": "mine"}, acme=weaker(), zeta=weaker())

    assert plan.sampler
    assert (plan.sampler.name, str(plan.sampler.source)) == ("always_off", "distro acme 1.2")
    assert plan.resource.attributes["service.name"].value == "mine"
    assert problems(plan) == []


def test_its_mark_is_on_the_resource_and_in_the_user_agent():
    plan = planned(Distro(name="acme", version="1.2"))

    attributes = {name: (value.value, str(value.source)) for name, value in plan.resource.attributes.items()}
    assert attributes["telemetry.distro.name"] == ("acme", "distro acme 1.2")
    assert attributes["telemetry.distro.version"] == ("1.2", "distro acme 1.2")
    agents = {s: p.exporters[0].exporter.parameters["user_agent"].value for s, p in plan.signals.items()}
    assert set(agents.values()) == {f"acme/1.2 distrokit/{public.__version__}"}


def test_without_one_the_mark_is_distrokits():
    plan = planned(None)

    assert "telemetry.distro.name" not in plan.resource.attributes
    assert "distro" in [detector.name for detector in plan.resource.detectors]
    agent = plan.signals["traces"].exporters[0].exporter.parameters["user_agent"]
    assert agent.value == f"distrokit/{public.__version__}"
    assert plan.distro.default


def test_its_list_is_the_order_of_calls_and_ranks_stay():
    called = []

    def saying(name):
        return plugin(distrokit_plan=lambda: called.append(name))

    distro = Distro(name="acme", version="1", plugins=("zeta", "mu"))
    planned(distro, alpha=saying("alpha"), mu=saying("mu"), zeta=saying("zeta"))

    assert called == ["zeta", "mu", "alpha"]


def test_what_it_lists_and_nobody_installed_is_said():
    (line,) = problems(planned(Distro(name="acme", version="1", plugins=("bach",))))

    assert line == (
        "distro acme 1: it lists the plugin 'bach', which is not installed; the others are loaded. Did you mean 'batch'?"
    )


@pytest.mark.parametrize(("releases", "number"), [(">=1.43", 0), ("<1.43", 1), ("", 0)])
def test_releases_of_opentelemetry_that_it_is_not_made_for_are_said(releases, number):
    lines = problems(planned(Distro(name="acme", version="1", opentelemetry=releases)))

    assert len(lines) == number
    for line in lines:
        assert line == (
            f"distro acme 1: it is made for OpenTelemetry <1.43, and {version('opentelemetry-sdk')} is installed; it runs "
            "anyway. Update code, or install a matching release of OpenTelemetry."
        )


# ------------------------------------------------------------------------------- installed ones


def explained(*path, **env):
    result = in_process("explain", "--json", env=env, path=path)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def marks(plan):
    return sorted(name for name in plan["resource"]["attributes"] if name.startswith("from."))


def test_the_only_one_is_in_charge_and_of_several_the_one_that_is_named(tmp_path):
    acme, globex = write_kit(tmp_path, "acme"), write_kit(tmp_path, "globex")

    alone = explained(acme)
    assert (alone["distro"]["name"], marks(alone), alone["problems"]) == ("acme", ["from.acme"], [])
    assert alone["distro"]["why"] == "it is the only distro made of plugins that is installed"

    named = explained(acme, globex, OTEL_PYTHON_DISTRO="globex")
    assert (named["distro"]["name"], marks(named), named["problems"]) == ("globex", ["from.globex"], [])
    assert (named["distro"]["why"], named["distro"]["others"]) == ("OTEL_PYTHON_DISTRO names it", ["acme"])
    (kept_out,) = [p for p in named["plugins"] if p["name"] == "acme"]
    assert (kept_out["status"], kept_out["cause"]) == ("blocked", "it belongs to distro acme, which is not active")

    default = explained(acme, OTEL_PYTHON_DISTRO="distrokit")
    assert (default["distro"]["name"], marks(default), default["sampler"]) == ("distrokit", [], None)

    tie = explained(acme, globex)
    assert (tie["distro"]["name"], marks(tie)) == ("distrokit", [])
    (problem,) = tie["problems"]
    assert (problem["code"], problem["subject"]) == ("distro-tie", "distros acme, globex")
    assert problem["remedy"] == "Set OTEL_PYTHON_DISTRO to one of them, or to distrokit."


def test_one_may_list_anothers_plugin_and_a_closed_one_has_only_what_it_lists(tmp_path):
    acme = write_kit(tmp_path, "acme")
    company = write_kit(tmp_path, "company", plugins='("acme", "company", "otlp", "batch")', closed="True")

    plan = explained(acme, company, OTEL_PYTHON_DISTRO="company")

    assert marks(plan) == ["from.acme", "from.company"]
    status = {plugin["name"]: (plugin["status"], plugin["cause"]) for plugin in plan["plugins"]}
    assert status["resource"] == ("blocked", "distro company is closed and does not list it")
    assert status["otlp"] == ("loaded", "")


def test_one_that_cannot_be_loaded_costs_itself(tmp_path):
    broken = write_kit(tmp_path, "acme", point="NOTHING")
    wrong = write_kit(tmp_path, "globex", point="distrokit_resource")

    (problem,) = explained(broken)["problems"]
    assert problem["subject"] == "distro acme (acme-otel)"
    assert (problem["code"], problem["outcome"]) == ("distro-failed", "the installed plugins run without it")
    assert problem["remedy"] == "Repair or uninstall it, or set OTEL_PYTHON_DISTRO=distrokit."
    (problem,) = explained(wrong)["problems"]
    assert problem["cause"] == "TypeError: globex_otel:distrokit_resource is function, not a distrokit.Distro"


def test_one_without_data_says_what_its_package_lacks(tmp_path):
    points = {"opentelemetry_distro": {"acme": "distrokit.launch.distro:DistrokitDistro"}}
    path = write_distribution(tmp_path, "acme-otel", entry_points=points)

    result = instrumented("print('runs')", {"OTEL_PYTHON_DISTRO": "acme", "OTEL_TRACES_EXPORTER": "none"}, [path])

    assert result.stdout == "runs\n"
    (line,) = said(result)
    assert line == (
        "distrokit: OTEL_PYTHON_DISTRO=acme: its package has no entry point 'acme' in the group distrokit.distro; distro "
        "distrokit configures the process. Let it point to a distrokit.Distro."
    )


PROGRAM = """
    import os
    from opentelemetry import trace

    with trace.get_tracer("t").start_as_current_span("s"):
        print(os.environ.get("OTEL_PYTHON_DISTRO"))
"""


@pytest.mark.parametrize(
    ("env", "rival", "name", "inherited"),
    [
        ({}, False, "acme", None),
        ({}, True, "acme", "acme"),
        ({"OTEL_PYTHON_DISTRO": "acme"}, True, "acme", "acme"),
        ({"OTEL_PYTHON_DISTRO": "distrokit"}, True, "distrokit", "distrokit"),
        ({"OTEL_PYTHON_DISTRO": "distro"}, True, None, "distro"),
    ],
)
def test_in_a_process_beside_one_that_is_not_made_of_plugins(tmp_path, receiver, env, rival, name, inherited):
    path = [write_kit(tmp_path, "acme")]
    if rival:
        # Found first: PYTHONPATH comes before site-packages.
        path.insert(0, write_distro(tmp_path / "rival", "distro"))

    result = instrumented(PROGRAM, {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"), **env}, path)

    assert (result.returncode, result.stdout, said(result)) == (0, f"{inherited}\n", [])
    spans = receiver.store.spans()
    assert [span.resource["telemetry.distro.name"] for span in spans] == ([name] if name else [])


def test_in_a_tie_that_a_third_one_stands_beside_it_is_said_and_distrokit_runs(tmp_path, receiver):
    path = [write_distro(tmp_path / "rival", "distro"), write_kit(tmp_path, "acme"), write_kit(tmp_path, "globex")]

    result = instrumented(PROGRAM, {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}, path)

    assert [line.partition(":")[0] for line in (text.removeprefix("distrokit: ") for text in said(result))] == [
        "distros acme, globex"
    ]
    assert [span.resource["telemetry.distro.name"] for span in receiver.store.spans()] == ["distrokit"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"plugins": "acme"}, "Distro.plugins is a tuple of names"),
        ({"plugins": (1,)}, "Distro.plugins is a tuple of names"),
        ({"defaults": {"A": 1}}, "Distro.defaults are text, as variables are; 'A' is int"),
        ({"version": 1}, "Distro.version is text, not int"),
    ],
)
def test_data_that_cannot_be_used_is_refused_where_it_is_written(data, message):
    with pytest.raises(TypeError, match=message):
        Distro(**{"name": "acme", "version": "1", **data})


def test_what_is_only_said_of_releases_costs_nothing_when_it_is_wrong():
    (line,) = problems(planned(Distro(name="acme", version="1", opentelemetry="1.43")))

    assert line == (
        "distro acme 1: its opentelemetry='1.43' is not a version specifier; it runs anyway. "
        "Write it like >=1.43,<1.47."
    )


def test_a_distributions_plugins_are_those_of_all_its_distros(tmp_path):
    """Whatever these are called, and whether or not they list them."""
    source = """
        from distrokit import Distro, hookimpl
        BIG, SMALL = Distro(name="Big One", version="1"), Distro(name="small", version="1")

        @hookimpl
        def distrokit_resource():
            return {"from.acme": True}
    """
    points = {
        "distrokit.distro": {"big": "acme_otel:BIG", "small": "acme_otel:SMALL"},
        "distrokit": {"acme": "acme_otel"},
    }
    path = write_distribution(tmp_path, "acme-otel", "1.0", points, {"acme_otel": dedent(source)})

    big, small = (explained(path, OTEL_PYTHON_DISTRO=name) for name in ("big", "small"))

    assert (big["distro"]["name"], marks(big), [p["code"] for p in big["problems"]]) == (
        "Big One",
        ["from.acme"],
        ["distro-name"],
    )
    assert (small["distro"]["name"], marks(small), small["problems"]) == ("small", ["from.acme"], [])
    assert marks(explained(path)) == []


SETS_DEFAULTS = """
    import os
    from opentelemetry.instrumentation.distro import BaseDistro

    class Distro(BaseDistro):
        def _configure(self, **kwargs):
            os.environ.setdefault("OTEL_TRACES_EXPORTER", "console")
"""


def test_in_a_tie_a_third_one_that_is_found_first_has_no_say(tmp_path, receiver):
    points = {"opentelemetry_distro": {"third": "third_distro:Distro"}}
    third = write_distribution(
        tmp_path / "third", "third", entry_points=points, modules={"third_distro": SETS_DEFAULTS}
    )
    path = [third, write_kit(tmp_path, "acme"), write_kit(tmp_path, "globex")]
    program = PROGRAM + "\n    print(os.environ.get('OTEL_TRACES_EXPORTER'))\n"

    result = instrumented(program, {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}, path)

    assert result.stdout == "distrokit\nNone\n"
    assert len(said(result)) == 1
    assert len(receiver.store.spans()) == 1


def test_a_name_that_is_not_installed_leaves_it_to_the_configurator(tmp_path):
    """As if it were not set."""
    points = {"opentelemetry_configurator": {"theirs": "other_distro:Configurator"}}
    modules = {"other_distro": "class Configurator:\n    def configure(self, **kwargs): print('theirs')\n"}
    other = write_distribution(tmp_path, "other", entry_points=points, modules=modules)
    distro = write_distro(tmp_path / "d", "distro")
    env = {"OTEL_PYTHON_DISTRO": "othr", "OTEL_PYTHON_CONFIGURATOR": "theirs"}

    result = instrumented("print('runs')", env, [other, distro])
    told = in_process("explain", env=env, path=[other, distro]).stdout

    assert result.stdout == "theirs\nruns\n"
    (line,) = said(result)
    assert line.startswith("distrokit: OTEL_PYTHON_DISTRO=othr: nothing of this name is installed (installed: ")
    assert "; other configures the process. " in line
    assert told.startswith("NOT ACTIVE: other configures the process")


def test_the_name_of_a_distribution_is_told_from_that_of_its_distro(tmp_path):
    result = in_process(
        "explain", env={"OTEL_PYTHON_DISTRO": "distro-distro"}, path=[write_distro(tmp_path / "d", "distro")]
    )

    assert "; distrokit configures the process. Its name is 'distro'." in result.stdout

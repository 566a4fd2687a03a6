"""Response propagators of plugins: all that are declared add their headers to each response of a real server."""

from __future__ import annotations

import json
import sys
from textwrap import dedent

import pytest
from commands import in_process
from distributions import write_plugin
from opentelemetry.instrumentation.propagators import TraceResponsePropagator
from plans import planned, plugin, problems
from processes import QUIET, instrumented, run, said

from distrokit import ResponsePropagator

PLUGIN = """
    from distrokit import ResponsePropagator, hookimpl

    def make(context):
        from opentelemetry.instrumentation import propagators

        class Ours(propagators.ResponsePropagator):
            def inject(self, carrier, context=None, setter=propagators.default_setter):
                setter.set(carrier, "x-{name}", "{name}")
                {then}

        {at_build}
        return Ours()

    @hookimpl
    def distrokit_response_propagators():
        return [ResponsePropagator("{name}", make)]
"""

PROGRAM = """
    import flask
    from opentelemetry.instrumentation import propagators

    app = flask.Flask("shop")
    app.route("/")(lambda: "hello")
    for _ in range(2):
        response = app.test_client().get("/")
        print(response.status_code, sorted(name for name in response.headers.keys() if name.startswith(("x-", "trace"))))
"""


def plugins(tmp_path, **written):
    parts = {"then": "pass", "at_build": ""}
    return [
        write_plugin(tmp_path / name, name, PLUGIN.format(name=name, **{**parts, **w})) for name, w in written.items()
    ]


def test_two_plugins_headers_arrive_and_one_that_raises_costs_itself(tmp_path):
    path = plugins(tmp_path, aaa={}, bbb={"then": "raise RuntimeError('tripped')"}, ccc={}, ddd={"at_build": "1 / 0"})

    result = instrumented(PROGRAM, QUIET, path, lean=False)

    assert result.stdout == "200 ['x-aaa', 'x-bbb', 'x-ccc']\n" * 2
    at_build, tripped = said(result)
    assert at_build.startswith("distrokit: response propagator ddd (plugin ddd 1.0): ZeroDivisionError")
    assert tripped.startswith(
        "distrokit: response propagator bbb (plugin bbb 1.0): RuntimeError: tripped (distrokit-bbb 1.0, bbb_plugin.py line 10); its response headers"
    )
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("setting", "headers"),
    [("TraceResponse,bbb", ["traceresponse", "x-bbb"]), ("none", [])],
)
def test_the_setting_picks_others(tmp_path, setting, headers):
    env = {**QUIET, "DISTROKIT_RESPONSE_PROPAGATORS": setting}

    result = instrumented(PROGRAM, env, plugins(tmp_path, aaa={}, bbb={}), lean=False)

    assert result.stdout == f"200 {headers}\n" * 2
    assert said(result) == []


def test_what_the_process_has_already_stays_and_runs_first():
    """A sitecustomize, or the application before ``distrokit.start``, may have set one."""
    program = """
        import distrokit
        from opentelemetry.instrumentation import propagators

        class Theirs(propagators.ResponsePropagator):
            def inject(self, carrier, context=None, setter=None):
                setter.set(carrier, "x-order", "theirs")

        class Ours(propagators.ResponsePropagator):
            def inject(self, carrier, context=None, setter=None):
                setter.set(carrier, "x-order", "ours")

        class plugin:
            @distrokit.hookimpl
            def distrokit_response_propagators():
                return [distrokit.ResponsePropagator("ours", lambda context: Ours())]

        propagators.set_global_response_propagator(Theirs())
        distrokit.start(plugins={"acme": plugin})
        carrier = {}
        propagators.get_global_response_propagator().inject(carrier, setter=propagators.default_setter)
        print(carrier)
    """
    env = {**QUIET, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}

    result = run([sys.executable, "-c", dedent(program)], env)

    assert result.stdout == "{'x-order': 'theirs, ours'}\n", result.stderr


def test_without_any_nothing_is_set():
    program = """
        from opentelemetry.instrumentation import propagators
        print(propagators.get_global_response_propagator())
    """

    assert instrumented(program, QUIET).stdout == "None\n"


def declared(name, **kwargs):
    declaration = ResponsePropagator(name, lambda context: TraceResponsePropagator(), **kwargs)
    return plugin(distrokit_response_propagators=lambda: [declaration])


def names(environ, **plugins):
    plan = planned(environ, **plugins)
    return [(component.name, str(component.source)) for component in plan.response_propagators], problems(plan)


def test_the_plan_has_them_in_plugin_order_with_their_source():
    plugins = {"b": declared("bbb"), "a": declared("aaa"), "c": declared("ccc", default=False)}
    setting = "DISTROKIT_RESPONSE_PROPAGATORS"

    assert names({}, **plugins) == ([("aaa", "plugin a"), ("bbb", "plugin b")], [])
    assert names({setting: "ccc,AAA"}, **plugins) == ([("ccc", setting), ("aaa", setting)], [])
    picked, (line,) = names({setting: "ccb"}, **plugins)
    assert picked == []
    assert line.startswith(
        f"{setting}=ccb: there is no such response propagator (available: aaa, bbb, ccc, traceresponse)"
    )
    _, (line,) = names({setting: ","}, **plugins)
    assert line.startswith(f"{setting}=,: it contains no name; no response propagator runs")


def test_explain_shows_them(tmp_path):
    path = plugins(tmp_path, aaa={})

    text = in_process("explain", env=QUIET, path=path).stdout
    setting = in_process(
        "explain", "DISTROKIT_RESPONSE_PROPAGATORS", "--json",
        env={**QUIET, "DISTROKIT_RESPONSE_PROPAGATORS": "aaa"}, path=path,
    )  # fmt: skip

    assert "on responses: aaa plugin aaa 1.0 plugin aaa 1.0" in [" ".join(line.split()) for line in text.splitlines()]
    assert json.loads(setting.stdout)["taken_by"] == ["response propagator: aaa"]
    assert "response propagators: aaa" in in_process("explain", "--mermaid", env=QUIET, path=path).stdout

"""Which instrumentations are applied, as what, in which order and with which keywords: by environment, file and plugin."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import types
from importlib.metadata import EntryPoint, distributions
from textwrap import dedent

import pytest
from distributions import write_distribution, write_plugin
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from interpreters import ROOT
from plans import DEFAULTS, INSTALLED, apply_all, planned, plugin, problems
from processes import QUIET, configured, distrokit, instrumented, said

from distrokit import InstrumentationPlan
from distrokit.launch.assembly import plan_for
from distrokit.plan.selection.instrumentations import in_variable, instrumentations_of_settings, option_value, split
from distrokit.plugins.entry_points import EntryPoints
from distrokit.settings.layers import Settings

ONE = "DISTROKIT_INSTRUMENTATION_"
NAMES = ["aiohttp-client", "aio_pika", "asgi", "psycopg", "psycopg2", "system_metrics", "flask", "urllib", "urllib3"]


def points(*names):
    """Instrumentations of these names, of which nothing is imported."""
    return [EntryPoint(name, "nowhere:Instrumentor", "opentelemetry_instrumentor") for name in names]


def among(environ, *names, **plugins):
    """The plan where these instrumentations, and no others, are installed."""
    others = [point for group in ("opentelemetry_propagator",) for point in INSTALLED.group(group)]
    return plan_for(environ, {**DEFAULTS, **plugins}, EntryPoints([*others, *points(*names)])).plan


def on(plan):
    return [name for name, item in plan.instrumentations.items() if item.enabled]


# ------------------------------------------------------------------------------------ which


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ["flask", "logging", "requests"]),
        ({"DISTROKIT_ENABLED_INSTRUMENTATIONS": "Requests, flask"}, ["flask", "requests"]),
        ({"DISTROKIT_ENABLED_INSTRUMENTATIONS": "*"}, ["flask", "logging", "requests"]),
        ({"DISTROKIT_ENABLED_INSTRUMENTATIONS": "None"}, []),
        ({"DISTROKIT_ENABLED_INSTRUMENTATIONS": "none", ONE + "FLASK": "on"}, ["flask"]),
        ({"DISTROKIT_ENABLED_INSTRUMENTATIONS": " , "}, ["flask", "logging", "requests"]),
        (
            {"DISTROKIT_ENABLED_INSTRUMENTATIONS": "flask,logging", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask"},
            ["logging"],
        ),
        ({ONE + "FLASK": "OFF"}, ["logging", "requests"]),
        ({ONE + "FLASK_ENABLED": "false"}, ["logging", "requests"]),
        ({"OTEL_PYTHON_" + ONE + "FLASK": "0"}, ["logging", "requests"]),
        # Asked for by itself it needs no entry in the list; denied it is not applied whoever asks.
        ({"DISTROKIT_ENABLED_INSTRUMENTATIONS": "flask", ONE + "REQUESTS": "on"}, ["flask", "requests"]),
        ({"DISTROKIT_ENABLED_INSTRUMENTATIONS": "flask", ONE + "REQUESTS": "acme:Mine"}, ["flask", "requests"]),
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*", ONE + "REQUESTS": "on"}, []),
        ({"DISTROKIT_INSTRUMENTATION_ORDER": "requests, FLASK"}, ["requests", "flask", "logging"]),
    ],
)
def test_which_are_applied_and_in_which_order(environ, expected):
    plan = among(environ, "requests", "logging", "flask")

    assert on(plan) == expected
    assert problems(plan) == []


def test_what_is_off_says_who_decided():
    plan = among(
        {"DISTROKIT_ENABLED_INSTRUMENTATIONS": "flask,logging", ONE + "FLASK": "off"}, "flask", "logging", "requests"
    )

    assert {name: (item.why, str(item.source)) for name, item in plan.instrumentations.items()} == {
        "flask": (f"{ONE}FLASK: off", f"{ONE}FLASK"),
        "logging": ("", "default of distrokit"),
        "requests": ("not listed in DISTROKIT_ENABLED_INSTRUMENTATIONS", "DISTROKIT_ENABLED_INSTRUMENTATIONS"),
    }


THERE = "no package has an instrumentation of this name (available: flask, urllib); it has no effect. "
NOTHING = THERE.replace("it has no effect", "no instrumentation is applied")
NO_NAME, PATTERN = "this is not a valid name; it has no effect. ", "patterns are not supported; "
FITS = "no installed instrumentation matches it (available: flask, urllib); it has no effect. "
ALLOW, DENY, ORDER = (
    "DISTROKIT_ENABLED_INSTRUMENTATIONS",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
    "DISTROKIT_INSTRUMENTATION_ORDER",
)


@pytest.mark.parametrize(
    ("setting", "text", "line"),
    [
        (ALLOW, "flsk", f"{ALLOW}=flsk: {NOTHING}Did you mean 'flask'?"),
        (ALLOW, "redis", f"{ALLOW}=redis: {NOTHING}Install the package that provides it."),
        (ALLOW, "redis,flask", f"{ALLOW}=redis: {THERE}Install the package that provides it."),
        (ALLOW, "none,flask", f"{ALLOW}=none: {THERE}Install the package that provides it."),
        (ALLOW, "f*", f"{ALLOW}=f*: {PATTERN}no instrumentation is applied. List the names; * alone means all."),
        (DENY, "flsk", f"{DENY}=flsk: {THERE}Did you mean 'flask'?"),
        (DENY, "redis, urllib3,*", ""),
        (DENY, "falsk", f"{DENY}=falsk: {THERE}Did you mean 'flask'?"),
        (DENY, "flask;urllib", f"{DENY}=flask;urllib: {NO_NAME}Separate names by commas: flask,urllib."),
        (DENY, "flask  urllib", f"{DENY}=flask urllib: {NO_NAME}Separate names by commas: flask,urllib."),
        (DENY, "fl*", f"{DENY}=fl*: {PATTERN}it has no effect. List the names; * alone means all."),
        (ORDER, "redis,asgi,wsgi", ""),
        (ORDER, "urlilb", f"{ORDER}=urlilb: {THERE}Did you mean 'urllib'?"),
        (ORDER, "flaskk", f"{ORDER}=flaskk: {THERE}Did you mean 'flask'?"),
        (ONE + "FLSK_REQUEST_HOOK", "a:b", f"{ONE}FLSK_REQUEST_HOOK: {FITS}Did you mean '{ONE}FLASK_REQUEST_HOOK'?"),
        (ONE + "DJANGO", "on", f"{ONE}DJANGO: {FITS}Install its package, or unset it."),
        (ONE + "DJANGO", "off", ""),
        (ONE + "URLLIB3", "off", ""),
        (ONE + "FLSK", "off", f"{ONE}FLSK: {FITS}Did you mean '{ONE}FLASK'?"),
        (
            ONE + "FLASK",
            "perhaps",
            f"{ONE}FLASK=perhaps: it is not on, off or module:Class; it has no effect. Correct it, or unset it.",
        ),
        (
            ONE + "FLASK",
            "acme:",
            f"{ONE}FLASK=acme:: it does not name a class; it has no effect. Write module:Class.",
        ),
        (
            ONE + "FLASK_INIT",
            "7",
            f"{ONE}FLASK_INIT=7: it is not a mapping of keywords for the class; it has no effect. Write a mapping of keywords to values.",
        ),
        (
            "DISTROKIT_INSTRUMENTATIONS_ORDER",
            "flask",
            f"DISTROKIT_INSTRUMENTATIONS_ORDER: there is no setting of this name; it has no effect. Did you mean '{ORDER}'?",
        ),
    ],
)
def test_what_makes_no_sense_is_said(setting, text, line):
    plan = among({setting: text}, "flask", "urllib")

    assert problems(plan) == ([line] if line else [])
    assert {problem.severity for problem in plan.problems} <= {"warning"}


def test_what_a_plugin_says_of_many_is_said_only_when_it_is_misspelt():
    many = {ONE + "DJANGO": "on", ONE + "REDIS_REQUEST_HOOK": "a:b", ONE + "URLLIB3": "on", ONE + "FLASK": "off"}
    acme = plugin(distrokit_defaults=lambda: {**many, ONE + "FLSK_X": "1"})

    plan = among({}, "flask", "urllib", acme=acme)

    assert on(plan) == ["urllib"]
    assert [line.partition(":")[0] for line in problems(plan)] == [ONE + "FLSK_X"]


# --------------------------------------------------------------------------------- keywords


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("healthz", "healthz"),
        ("true", True),
        ("False", False),
        ("8", 8),
        ("-0.5", -0.5),
        ('["send", "receive"]', ["send", "receive"]),
        ('{"db_driver": false}', {"db_driver": False}),
        ('"8"', "8"),
        ("null", "null"),
        ("NaN", "NaN"),
        ("[1, 2", "[1, 2"),
        ('"[a-z]+"', "[a-z]+"),
        ("a,b", "a,b"),
        ("1.2.3", "1.2.3"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_the_text_of_a_variable_as_a_value(text, value):
    found = option_value(text)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[1, 2", "Expecting ',' delimiter at character 6"),
        ("{'db_driver': false}", "Expecting property name enclosed in double quotes at character 2"),
        ("[a-z]+", "Expecting value at character 2"),
        ("[NaN]", "NaN is not a JSON value"),
        ("[" * 100_000, "it is nested too deeply"),
    ],
)
@pytest.mark.parametrize("keyword", ["X", "INIT_X"])
def test_what_begins_like_json_and_is_none_is_said(text, wrong, keyword):
    plan = among({f"{ONE}FLASK_{keyword}": text}, "flask")

    assert plan.instrumentations["flask"].keywords == {}
    assert problems(plan) == [
        (
            f"{ONE}FLASK_{keyword}: it begins like JSON and is not valid: {wrong}; the keyword is left out. "
            "Correct it, or put the text in double quotes."
        )
    ]


@pytest.mark.parametrize(
    ("keyword", "text", "meant"),
    [
        ("enable", "false", "enabled"),
        ("disabled", "true", "enabled"),
        ("replaced", "acme:Mine", "replaced_by"),
        ("inits", '{"a": 1}', "init"),
        ("request_hok", "acme:tag", "request_hook"),
        ("request_hooks", "acme:tag", "request_hook"),
        ("response_ohok", "acme:tag", "response_hook"),
        ("enable_commenter", "true", ""),
        ("limit", "8", ""),
        ("request_hooks", "7", ""),
        ("request_hooks", "import:acme:tag", ""),
        ("request_hook", "acme:tag", ""),
        ("host", "a:b", ""),
    ],
)
def test_keywords_that_are_nearly_words_are_said_and_handed_on(keyword, text, meant):
    plan = among({f"{ONE}FLASK_{keyword.upper()}": text}, "flask")

    assert list(plan.instrumentations["flask"].options) == [keyword]
    assert [problem.remedy for problem in plan.problems] == ([f"Did you mean {meant!r}?"] if meant else [])
    assert {(problem.code, problem.severity) for problem in plan.problems} <= {("keyword-misspelt", "warning")}


@pytest.mark.parametrize(
    ("rest", "meant"),
    [
        ("FLASK", (["flask"], "")),
        ("FLASK_REQUEST_HOOK", (["flask"], "request_hook")),
        ("AIOHTTP_CLIENT_X", (["aiohttp-client"], "x")),
        ("AIO_PIKA", (["aio_pika"], "")),
        ("SYSTEM_METRICS_INIT_CONFIG", (["system_metrics"], "init_config")),
        ("PSYCOPG2_ENABLE_COMMENTER", (["psycopg2"], "enable_commenter")),
        ("PSYCOPG_2", (["psycopg"], "2")),
        ("ASGI_", None),
        ("ASG", None),
        ("", None),
    ],
)
def test_the_longest_name_that_fits_is_meant(rest, meant):
    assert split(rest, NAMES) == meant


WORDS = st.text("abcxyz_", min_size=1, max_size=12)


@given(
    st.lists(st.from_regex(r"[a-z][a-z0-9]*([-_.][a-z0-9]+)*", fullmatch=True), min_size=1, max_size=6, unique=True),
    st.data(),
)
@hypothesis_settings(max_examples=200, deadline=None)
def test_no_well_formed_setting_is_lost(names, data):
    name = data.draw(st.sampled_from(names))
    keyword = data.draw(WORDS)
    value = data.draw(st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()))
    text = json.dumps(value)
    found: list = []
    environ = {f"{ONE}{in_variable(name)}_{keyword.upper()}": text}

    choices = list(instrumentations_of_settings(Settings.from_environ(environ), names, found))

    if in_variable(name) == "ORDER" or f"{in_variable(name)}_{keyword.upper()}" == "ORDER":
        return
    assert choices
    for choice in choices:
        given = {**choice.options, **{f"init_{k}": v for k, v in choice.init_options.items()}}
        # What follows the longest name that fits is the keyword; the two together are what was written.
        for key, kept in given.items():
            assert f"{in_variable(choice.name)}_{key.upper()}" == f"{in_variable(name)}_{keyword.upper()}"
            assert kept.plain() == (text if value is None else value)


@given(
    st.dictionaries(
        st.text("FLASK_INTABEDorder<>=é", max_size=20)
        .map(lambda rest: ONE + rest)
        .filter(lambda name: "=" not in name),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30),
        max_size=6,
    )
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_no_settings_break_the_plan(environ):
    plan = among(environ, "flask", "flask_init", "enabled")

    json.dumps(plan.describe())
    assert not [p for p in plan.problems if p.code == "start-failed"]


def test_keywords_have_their_source_and_secrets_are_not_shown():
    environ = {
        ONE + "FLASK_EXCLUDED_URLS": "healthz",
        ONE + "FLASK_API_KEY": "very-secret",
        ONE + "FLASK_INIT_CONFIG": '{"a": ["b"]}',
        ONE + "FLASK_INIT": '{"labels": {}}',
    }
    plan = planned(environ)

    flask = plan.instrumentations["flask"]
    assert flask.options == {"excluded_urls": "healthz", "api_key": "very-secret"}
    assert flask.init_options == {"config": {"a": ["b"]}, "labels": {}}
    shown = plan.describe()["instrumentations"]["flask"]
    assert shown["sources"] == {
        "api_key": f"{ONE}FLASK_API_KEY",
        "excluded_urls": f"{ONE}FLASK_EXCLUDED_URLS",
        "init.config": f"{ONE}FLASK_INIT_CONFIG",
        "init.labels": f"{ONE}FLASK_INIT",
    }
    assert "very-secret" not in json.dumps(plan.describe())


# -------------------------------------------------------------------- a file, and pyproject.toml


FILE = """
    file_format: "1.0"
    instrumentation/development:
      python:
        flask: {excluded_urls: healthz, init: {config: {a: 1}}, enabled: true}
        requests: {replaced_by: "acme:Mine", init: 7}
        logging: {enabled: false, log_hook: "acme:tag"}
        mine: {replaced_by: "acme:Mine", disabled: true, Request-Hook: "acme:tag"}
        flsk: {enabled: false}
        fastapi: {enabled: false}
    distribution:
      distrokit:
        instrumentation_order: [requests, mine]
        enabled_instrumentations: [requests, mine]
        instrumentation_flask_boundaries: [1, 2]
        instrumentation_flask_label: "8"
"""


def test_a_file_says_the_same(tmp_path):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from 1.44 on")
    path = tmp_path / "otel.yaml"
    path.write_text(dedent(FILE))
    environ = {"OTEL_CONFIG_FILE": str(path), ONE + "FLASK_EXCLUDED_URLS": "weaker", ONE + "FLASK_OTHER": "x"}

    plan = planned(environ)

    # What is asked for by itself needs no entry in the list.
    # Django's is not installed everywhere.
    assert [name for name in plan.instrumentations if name != "django"] == ["requests", "mine", "flask", "logging"]
    assert on(plan) == ["requests", "mine", "flask"]
    flask, mine, logging = (plan.instrumentations[name] for name in ("flask", "mine", "logging"))
    assert flask.options == {"excluded_urls": "healthz", "boundaries": [1, 2], "label": "8", "other": "x"}
    assert flask.init_options == {"config": {"a": 1}}
    assert str(flask.sources["excluded_urls"]) == f"{path}:5:13"
    assert (mine.replacement, mine.point) == ("acme:Mine", None)
    assert logging.why == f"{path}:7:15 has enabled: false"
    assert [line.partition(": ")[0] for line in problems(plan)] == [
        f"{path}:6:5 requests.init",
        f"{path}:8:38 mine.disabled",
        f"{path}:8:54 mine.Request-Hook",
        f"{path}:9:5 flsk",
    ]


def test_config_show_writes_it_and_hides_what_is_secret(tmp_path):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from 1.44 on")
    environ = {
        ONE + "FLASK_EXCLUDED_URLS": "$x",
        ONE + "FLASK_API_KEY": "very-secret",
        ONE + "FLASK_INIT_CONFIG": '{"token": "very-secret"}',
        ONE + "REQUESTS": "acme:Mine",
        ONE + "REQUESTS_REQUEST_HOOK": "acme:tag",
        "DISTROKIT_INSTRUMENTATION_ORDER": "requests",
    }
    shown = distrokit("config", "show", env=environ)
    path = tmp_path / "otel.yaml"
    path.write_text(shown.stdout)
    plan = planned({"OTEL_CONFIG_FILE": str(path), ONE + "FLASK_API_KEY": "very-secret"})

    assert "very-secret" not in shown.stdout
    assert next(iter(plan.instrumentations)) == "requests"
    requests = plan.instrumentations["requests"]
    assert (requests.replacement, requests.options) == ("acme:Mine", {"request_hook": "acme:tag"})
    assert plan.instrumentations["flask"].options == {"excluded_urls": "$x", "api_key": "very-secret"}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("instrumentation_flask_spans = ['send', 'receive']", ["send", "receive"]),
        ("instrumentation_flask_spans = '8'", "8"),
        ("instrumentation_flask_spans = 8", 8),
        ("instrumentation_flask_spans = '[a-z]+'", "[a-z]+"),
        ("instrumentation_flask_spans = {a = true}", {"a": True}),
    ],
)
def test_types_are_kept_in_pyproject_toml(tmp_path, monkeypatch, line, value):
    (tmp_path / "pyproject.toml").write_text(f"[tool.distrokit]\n{line}\n")
    monkeypatch.chdir(tmp_path)

    assert planned().instrumentations["flask"].options == {"spans": value}


# ---------------------------------------------------------------------------------- plugins


class Mine:
    """What no package publishes."""

    def __init__(self, **init):
        self.init = init

    def instrument(self, **options):
        APPLIED.append((self.init, options))


#: What :class:`Mine` was given; emptied by the fixture.
APPLIED: list = []


@pytest.fixture(autouse=True)
def _applied():
    APPLIED.clear()


def tag():
    """A hook."""


def test_a_plugin_adds_orders_and_decides_and_it_is_on_record():
    def change(plan):
        plan.instrumentations = dict(reversed(plan.instrumentations.items()))
        plan.instrumentations["mine"] = InstrumentationPlan("mine", replacement=Mine, options={"a": 1})
        plan.instrumentations["flask"].enabled = True
        plan.instrumentations["flask"].options["excluded_urls"] = "mine"

    environ = {ONE + "FLASK": "off", ONE + "FLASK_EXCLUDED_URLS": "weaker"}
    plan = among(environ, "flask", "requests", acme=plugin(distrokit_plan=change))

    assert on(plan) == ["requests", "flask", "mine"]
    flask, mine = plan.instrumentations["flask"], plan.instrumentations["mine"]
    assert (flask.why, flask.source.kind, flask.sources["excluded_urls"].kind) == ("", "plugin", "plugin")
    assert (mine.source.kind, mine.sources["a"].kind) == ("plugin", "plugin")
    (order,) = [change for change in plan.changes if change.path == "instrumentations"]
    assert (order.before, order.after) == ("flask, requests", "requests, flask")


@pytest.mark.parametrize("names", [(), ("django", "sqlalchemy", "fastapi")])
def test_the_pages_plugins_need_no_instrumentation_to_be_installed(names):
    """With the real packages they are tested by tests/wheels/test_wheels.py."""
    page = (ROOT / "docs/instrumentations.md").read_text()
    blocks = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "def distrokit_plan" in block]
    plugins = {}
    for number, block in enumerate(blocks):
        module = types.ModuleType(f"wish{number}")
        exec(block, vars(module))
        plugins[f"wish{number}"] = module

    plan = among({}, *names, **plugins)

    assert (problems(plan), len(blocks)) == ([], 3)
    given = {name: len(item.options) for name, item in plan.instrumentations.items()}
    assert given == ({"django": 1, "fastapi": 1, "sqlalchemy": 3} if names else {})


def test_a_plugin_that_takes_an_instrumentation_for_granted_is_told_so():
    def first(plan):
        plan.instrumentations = dict(plan.instrumentations)

    def change(plan):
        plan.instrumentations["flsk"].enabled = False

    plan = among({}, "flask", first=plugin(distrokit_plan=first), acme=plugin(distrokit_plan=change))

    (line,) = problems(plan)
    assert "no instrumentation 'flsk' is installed; use .get() or `in`. Did you mean 'flask'?" in line


def test_the_deny_list_goes_for_what_a_plugin_adds():
    def change(plan):
        plan.instrumentations["mine"] = InstrumentationPlan("mine", replacement=print)
        # Turning on what is denied is a decision, and adding one is none.
        plan.instrumentations["flask"].enabled = True

    plan = among({DENY: "mine,flask"}, "flask", "redis", acme=plugin(distrokit_plan=change))

    assert {name: (item.enabled, item.why) for name, item in plan.instrumentations.items()} == {
        "flask": (True, ""),
        "redis": (True, ""),
        "mine": (False, f"{DENY} has 'mine'"),
    }


def test_a_distros_allow_list_may_name_what_is_not_installed():
    plan = among({}, "flask", "redis", acme=plugin(distrokit_defaults=lambda: {ALLOW: "flask,django"}))

    assert [name for name, item in plan.instrumentations.items() if item.enabled] == ["flask"]
    assert problems(plan) == []


@pytest.mark.parametrize(
    "wrong",
    [
        InstrumentationPlan("mine"),
        InstrumentationPlan("mine", replacement=7),
        InstrumentationPlan("mine", replacement=Mine, options=["a"]),
        InstrumentationPlan("mine", replacement=Mine, init_options={1: 2}),
    ],
)
def test_what_cannot_be_applied_is_taken_back(wrong):
    def change(plan):
        plan.instrumentations["mine"] = wrong

    plan = among({}, "flask", acme=plugin(distrokit_plan=change))

    (line,) = problems(plan)
    assert "instrumentation" in line
    assert list(plan.instrumentations) == ["flask"]


HERE = f"{__name__}:"


@pytest.fixture
def importable(monkeypatch):
    """This module, by its name."""
    import sys

    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or __import__(__name__))


def test_callables_are_in_their_place_when_it_is_applied(importable):
    def change(plan):
        plan.instrumentations["mine"] = InstrumentationPlan(
            "mine",
            replacement=f"{HERE}Mine",
            options={"request_hook": f"{HERE}tag", "log_hook": tag, "no_hook": None, "x": [f"import:{HERE}tag", "y"]},
            init_options={"config": {"a": f"import:{HERE}Mine.instrument"}},
        )

    plan = among({}, acme=plugin(distrokit_plan=change))
    apply_all(plan)

    assert plan.problems == []
    ((init, options),) = APPLIED
    assert init == {"config": {"a": Mine.instrument}}
    # Nobody has looked at the requirements of what no package publishes.
    assert [options.pop("request_hook").__wrapped__, options.pop("log_hook").__wrapped__] == [tag, tag]
    assert options == {"no_hook": None, "x": [tag, "y"], "raise_exception_on_conflict": True}


def test_what_a_hook_raises_is_said_once_and_goes_no_further():
    def broken(span):
        raise ValueError(span)

    async def broken_too(span):
        raise KeyError(span)

    async def works(span):
        return span

    class Object:
        async def __call__(self, span):
            raise OSError(span)

    def change(plan):
        hooks = {"a_hook": broken, "b_hook": broken_too, "c_hook": works, "d_hook": Object()}
        plan.instrumentations["mine"] = InstrumentationPlan("mine", replacement=Mine, options=hooks)

    plan = among({}, acme=plugin(distrokit_plan=change))
    apply_all(plan)
    ((_, options),) = APPLIED

    assert [options["a_hook"]("s") for _ in range(3)] == [None, None, None]
    # Instrumentations look whether it is one.
    assert inspect.iscoroutinefunction(options["b_hook"])
    assert asyncio.run(options["b_hook"]("s")) is None
    assert asyncio.run(options["c_hook"]("s")) == "s"
    assert inspect.iscoroutinefunction(options["d_hook"])
    assert asyncio.run(options["d_hook"]("s")) is None
    assert [line.partition("; ")[0].partition(" mine.")[2] for line in problems(plan)] == [
        "a_hook: ValueError: s",
        "b_hook: KeyError: 's'",
        "d_hook: OSError: s",
    ]


def test_a_hook_that_raises_costs_no_request(tmp_path):
    (tmp_path / "acme_hooks.py").write_text(dedent(HOOKS))
    program = """
        import flask
        app = flask.Flask("shop")
        app.get("/")(lambda: "ok")
        print([app.test_client().get("/").status_code for _ in range(2)])
    """
    result = instrumented(program, {**QUIET, ONE + "FLASK_REQUEST_HOOK": "acme_hooks:broken"}, [tmp_path], lean=False)

    assert result.stdout == "[200, 200]\n"
    (line,) = said(result)
    assert line.startswith(f"distrokit: {ONE}FLASK_REQUEST_HOOK=acme_hooks:broken: ZeroDivisionError: ")


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, ""),
        ({ALLOW: "*"}, ""),
        ({ONE + "MINE_X": "1"}, ""),
        ({ALLOW: "mine"}, ALLOW),
        ({ONE + "MINE": "on"}, ONE + "MINE"),
        ({ONE + "MINE": f"{__name__}:Mine", ALLOW: "mine"}, ONE + "MINE"),
        ({ALLOW: "mine", DENY: "mine"}, ""),
    ],
)
def test_what_is_asked_for_and_does_not_fit_is_said(environ, asked, tmp_path):
    point = {"opentelemetry_instrumentor": {"mine": "nowhere:Mine"}}
    path = write_distribution(tmp_path, "acme-otel", entry_points=point)
    with (path / "acme_otel-1.0.dist-info/METADATA").open("a") as metadata:
        metadata.write(
            "Requires-Dist: library-that-is-not-there; extra == 'instruments'\nProvides-Extra: instruments\n"
        )
    (mine,) = (p for d in distributions(path=[str(path)]) for p in d.entry_points)
    plan = plan_for(environ, DEFAULTS, EntryPoints([mine])).plan

    apply_all(plan)

    item = plan.instrumentations["mine"]
    assert (item.enabled, "library-that-is-not-there" in item.why) == (False, DENY not in environ)
    assert problems(plan) == (
        [
            (
                f"instrumentation mine ({asked}): {item.why.rstrip('.')}; it is requested by name, but not "
                "applied. Install the library that it instruments, or do not request it."
            )
        ]
        if asked
        else []
    )


@pytest.mark.parametrize("environ", [{}, {ALLOW: "mine"}])
def test_what_is_asked_for_and_cannot_be_imported_is_said(environ):
    plan = among(environ, "mine")

    apply_all(plan)

    assert [(p.code, p.cause) for p in plan.problems] == (
        [("instrumentation-unfit", "No module named 'nowhere'")] if environ else []
    )


PLACE, CALL, OBJECT = "Write module:attribute of", "Name a function", "Write import:module:attribute of one"


@pytest.mark.parametrize(
    ("keyword", "value", "cause"),
    [
        ("request_hook", "tag", ("it does not have the form module:attribute", PLACE)),
        ("request_hook", "8", ("it does not have the form module:attribute", PLACE)),
        ("request_hook", "nowhere_at_all:tag", ("ModuleNotFoundError: No module named 'nowhere_at_all'", PLACE)),
        ("request_hook", "json:nothing", ("AttributeError: module 'json' has no attribute 'nothing'", PLACE)),
        ("request_hook", "json:__name__", ("a str cannot be called", CALL)),
        ("request_hook", "socket:SO_DEBUG", ("an int cannot be called", CALL)),
        ("other", "import:json:nothing", ("AttributeError: module 'json' has no attribute 'nothing'", PLACE)),
        # Handed on, it would end the application at the first thing that is instrumented.
        ("tracer_provider", "foo", ("a str is not a tracer provider", OBJECT)),
        ("meter_provider", "7", ("an int is not a meter provider", OBJECT)),
        ("logger_provider", "import:json:dumps", ("a function is not a logger provider", OBJECT)),
        (
            "tracer_provider",
            "import:opentelemetry.trace:NoOpTracerProvider",
            ("a class is not a tracer provider", OBJECT),
        ),
    ],
)
def test_what_cannot_be_imported_costs_its_keyword(importable, keyword, value, cause):
    plan = among({f"{ONE}MINE_{keyword.upper()}": value, ONE + "MINE_KEPT": "1", ONE + "MINE": f"{HERE}Mine"}, "mine")

    apply_all(plan)

    assert [options for _, options in APPLIED] == [{"skip_dep_check": True, "kept": 1}]
    (line,) = problems(plan)
    found, remedy = cause
    assert line.startswith(f"{ONE}MINE_{keyword.upper()}={value}: {found}; mine is applied without it. {remedy}")


def test_a_provider_is_an_object(importable):
    given = {"tracer_provider": "import:opentelemetry.trace:_PROXY_TRACER_PROVIDER", "meter_provider": None}

    def change(plan):
        plan.instrumentations["mine"] = InstrumentationPlan("mine", replacement=Mine, options=given)

    plan = among({}, acme=plugin(distrokit_plan=change))
    apply_all(plan)
    ((_, options),) = APPLIED

    assert (hasattr(options["tracer_provider"], "get_tracer"), options["meter_provider"], problems(plan)) == (
        True,
        None,
        [],
    )


class Picky(Mine):
    """Refuses what it does not know."""

    def __init__(self, config=None):
        if config is not None:
            raise TypeError("config is no such thing")
        super().__init__()

    def instrument(self, excluded_urls="", **options):
        excluded_urls.split(",")
        super().instrument(**options)


@pytest.mark.parametrize(
    ("keyword", "text", "applied", "line"),
    [
        (
            "EXCLUDED_URLS",
            "7",
            0,
            (
                "AttributeError: 'int' object has no attribute 'split', with excluded_urls from {}; it is left out, the others are "
                f"applied. Correct or unset these first; if that does not help, repair or uninstall it, or set {DENY}=mine."
            ),
        ),
        (
            "INIT_CONFIG",
            "7",
            1,
            (
                "TypeError: config is no such thing, with init.config from {}; mine is applied without these. "
                "Correct or unset these."
            ),
        ),
        (
            "INIT_OTHER",
            "7",
            1,
            "TypeError: Picky.__init__() got an unexpected keyword argument 'other', with init.other ",
        ),
    ],
)
def test_a_keyword_that_is_refused_is_named_with_its_source(keyword, text, applied, line):
    """It is not the package that is to be repaired."""

    def change(plan):
        plan.instrumentations["mine"].replacement = Picky

    setting = f"{ONE}MINE_{keyword}"
    plan = among({setting: text}, "mine", acme=plugin(distrokit_plan=change))

    apply_all(plan)

    assert len(APPLIED) == applied
    (said,) = problems(plan)
    assert said.startswith(f"instrumentation mine ( ): {line.format(setting)}")


def test_a_replacement_that_cannot_be_imported(importable):
    """Its own class is applied; where there is none, nothing."""

    def change(plan):
        plan.instrumentations["new"] = InstrumentationPlan("new", replacement="nowhere_at_all:New")
        plan.instrumentations["mine"].point = EntryPoint("mine", f"{HERE}Mine", "opentelemetry_instrumentor")

    plan = among({ONE + "MINE": "nowhere_at_all:Mine"}, "mine", acme=plugin(distrokit_plan=change))
    apply_all(plan)

    assert len(APPLIED) == 1
    assert ["its own class is applied" in line for line in problems(plan)] == [True, False]
    assert not plan.instrumentations["new"].enabled
    assert "it is not applied" in problems(plan)[1]


# --------------------------------------------------------------------------- for real, in a process


HOOKS = """
    def tag(span, environ):
        span.set_attribute("tenant", environ.get("HTTP_X_TENANT"))

    def sent(span, request):
        span.set_attribute("sent", request.headers["X-Mine"])

    def logged(span, record):
        record.tenant = "acme"

    def broken(span, environ):
        1 / 0
"""

REQUESTS = """
    import logging, threading
    import flask, requests
    from werkzeug.serving import make_server

    app = flask.Flask("shop")

    @app.get("/<path>")
    def page(path):
        logging.getLogger("app").warning("in %s", path)
        return "ok"

    server = make_server("127.0.0.1", 0, app)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for path in ("orders", "healthz", "upstream"):
        requests.get(f"http://127.0.0.1:{server.port}/{path}", headers={"X-Tenant": "acme", "X-Mine": "yes"})
    server.shutdown()
"""

BY_ENVIRONMENT = {
    ONE + "FLASK_REQUEST_HOOK": "acme_hooks:tag",
    ONE + "FLASK_EXCLUDED_URLS": "healthz",
    ONE + "REQUESTS_REQUEST_HOOK": "acme_hooks:sent",
    ONE + "REQUESTS_RESPONSE_HOOK": "acme_hooks:nothing",
    ONE + "LOGGING": "off",
}
BY_FILE = """
    file_format: "1.0"
    tracer_provider:
      processors: [{batch: {exporter: {otlp_http: {endpoint: "${RECEIVER}/v1/traces"}}}}]
    instrumentation/development:
      python:
        flask: {request_hook: "acme_hooks:tag", excluded_urls: healthz}
        requests: {request_hook: "acme_hooks:sent", response_hook: "acme_hooks:nothing"}
        logging: {enabled: false}
"""
BY_PLUGIN = """
    from distrokit import hookimpl

    @hookimpl
    def distrokit_plan(plan):
        plan.instrumentations["flask"].options.update(request_hook="acme_hooks:tag", excluded_urls="healthz")
        plan.instrumentations["requests"].options["request_hook"] = "acme_hooks:sent"
        plan.instrumentations["requests"].options["response_hook"] = "acme_hooks:nothing"
        plan.instrumentations["logging"].enabled = False
"""


@pytest.mark.parametrize("way", ["environment", "file", "plugin"])
def test_the_real_instrumentations(way, tmp_path, receiver):
    (tmp_path / "acme_hooks.py").write_text(dedent(HOOKS))
    path = [tmp_path]
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf"),
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "RECEIVER": receiver.endpoint("http/protobuf"),
    }
    if way == "environment":
        # Upstream's own variables work as ever.
        result = instrumented(
            REQUESTS,
            {**env, **BY_ENVIRONMENT, "OTEL_PYTHON_REQUESTS_EXCLUDED_URLS": "upstream"},
            path,
            lean=False,
        )
    elif way == "file":
        pytest.importorskip("distrokit_yaml", reason="the schema is a package from 1.44 on")
        result = configured(REQUESTS, BY_FILE, tmp_path, env, path, lean=False)
    else:
        path.append(write_plugin(tmp_path / "plugin", "acme", BY_PLUGIN))
        result = instrumented(REQUESTS, env, path, lean=False)

    spans = receiver.store.spans()
    server = [span for span in spans if span.kind == "server"]
    client = [span for span in spans if span.kind == "client"]
    assert [span.attributes.get("tenant") for span in server] == ["acme", "acme"], result.stderr
    assert [span.attributes.get("sent") for span in client] == ["yes"] * (2 if way == "environment" else 3)
    assert receiver.store.logs() == []
    (line,) = said(result)
    assert "acme_hooks:nothing: AttributeError: module 'acme_hooks' has no attribute 'nothing'" in line
    assert "requests is applied without it" in line


def test_log_records_by_keyword(tmp_path):
    """What upstream has variables for, and what it has none for."""
    (tmp_path / "acme_hooks.py").write_text(dedent(HOOKS))
    program = """
        import logging
        from opentelemetry import trace
        with trace.get_tracer("t").start_as_current_span("s"):
            logging.getLogger("app").info("shown")
    """
    env = {
        **QUIET,
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "DISTROKIT_EXIT_TIMEOUT": "100",
        ONE + "LOGGING_SET_LOGGING_FORMAT": "true",
        ONE + "LOGGING_LOGGING_FORMAT": "%(tenant)s %(message)s %(otelTraceID)s",
        ONE + "LOGGING_LOG_HOOK": "acme_hooks:logged",
        ONE + "LOGGING_LOG_LEVEL": "20",
    }

    result = instrumented(program, env, [tmp_path], lean=False)

    assert [line[:11] for line in result.stderr.splitlines() if "shown" in line] == ["acme shown "]


def test_one_that_no_package_publishes_and_whose_library_is_not_there(tmp_path):
    source = """
        from distrokit import InstrumentationPlan, hookimpl
        from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

        class Mine(BaseInstrumentor):
            def instrumentation_dependencies(self):
                return ["flask"]
            def _instrument(self, **options):
                print("mine", options)
            def _uninstrument(self, **options):
                pass

        class Absent(Mine):
            def instrumentation_dependencies(self):
                return ["library-that-is-not-there >= 2"]

        class Broken(Mine):
            def _instrument(self, **options):
                raise ValueError("broken")

        @hookimpl
        def distrokit_plan(plan):
            for cls in (Broken, Absent, Mine):
                name = cls.__name__.lower()
                plan.instrumentations[name] = InstrumentationPlan(name, replacement=cls, options={"a": 1})
    """
    result = instrumented("", QUIET, [write_plugin(tmp_path, "acme", source)])

    assert result.stdout == "mine {'a': 1}\n"
    (line,) = said(result)
    assert line.startswith(
        "distrokit: instrumentation broken (plugin acme 1.0): ValueError: broken, with a from plugin acme 1.0; it is left out"
    )


def test_explain_shows_keywords_with_their_sources(tmp_path):
    env = {ONE + "FLASK_EXCLUDED_URLS": "healthz", ONE + "REQUESTS": "acme:Mine"}

    text = distrokit("explain", env=env).stdout
    one = json.loads(distrokit("explain", ONE + "FLASK_EXCLUDED_URLS", "--json", env=env).stdout)
    different = json.loads(distrokit("explain", "--diff", "--json", env=env).stdout)["differences"]

    assert f"with excluded_urls ({ONE}FLASK_EXCLUDED_URLS)" in text
    assert f"replaced by acme:Mine ({ONE}REQUESTS)" in text
    assert (one["value"], one["taken_by"]) == ("healthz", ["instrumentation flask: excluded_urls"])
    assert one["about"] == "a keyword for its `instrument()`; JSON or text"
    assert {d["path"]: (d["value"], d["source"]) for d in different} == {
        "instrumentations.flask.options.0": ("excluded_urls", f"{ONE}FLASK_EXCLUDED_URLS"),
        "instrumentations.requests.replaced_by": ("acme:Mine", f"{ONE}REQUESTS"),
    }

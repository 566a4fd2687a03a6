"""Settings and declarations make a plan in which everything knows its source."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import assembled, planned, plugin, problems

from distrokit import Exporter, Processor, ResourceDetector, Sampler, Setting, Value
from distrokit.diagnostics import Problem
from distrokit.hookspecs import hookimpl
from distrokit.launch.startup import start_pipeline
from distrokit.plan.plan import Component
from distrokit.settings.sdk_settings import read_late
from distrokit.settings.values import Source

OF_ACME = Source("plugin", "acme 1.0")
NO_TEXT = Problem(code="acme", subject="acme", cause="c", outcome="o", remedy="r")


def exporter(plan, signal="traces", number=0):
    return plan.signals[signal].exporters[number]


def test_the_defaults_and_their_sources():
    plan = planned()

    assert problems(plan) == []
    for signal, processor in (("traces", "batch"), ("metrics", "periodic"), ("logs", "batch")):
        item = exporter(plan, signal)
        assert (item.exporter.name, item.processor.name) == ("otlp", processor)
        assert str(item.exporter.source) == "default of plugin otlp"
        assert str(item.processor.source) == "default of plugin batch"
        assert item.exporter.parameters["endpoint"].value == "http://localhost:4317"
    assert plan.sampler is plan.id_generator is plan.propagators is None


def test_a_value_knows_its_source_and_what_it_overruled():
    plan = planned({"OTEL_TRACES_EXPORTER": "console", "OTEL_BSP_MAX_QUEUE_SIZE": "99"})

    item = exporter(plan)
    assert str(item.exporter.source) == "OTEL_TRACES_EXPORTER"
    assert item.processor.parameters["max_queue_size"] == Value(
        99, plan.settings.value("OTEL_BSP_MAX_QUEUE_SIZE").source
    )
    assert plan.settings.value("OTEL_TRACES_EXPORTER").overridden[0][0] == "otlp"


def test_a_users_word_for_all_signals_beats_a_plugins_word_for_one():
    acme = plugin(distrokit_defaults=lambda: {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://plugin:1"})

    assert exporter(planned(acme=acme)).exporter.parameters["endpoint"].value == "http://plugin:1"
    plan = planned({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://user:1"}, acme=acme)
    endpoint = exporter(plan).exporter.parameters["endpoint"]
    assert (endpoint.value, str(endpoint.source)) == ("http://user:1", "OTEL_EXPORTER_OTLP_ENDPOINT")
    assert endpoint.overridden == (
        ("http://plugin:1", plan.settings.lookup("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")[0][1]),
    )


def test_of_two_plugins_defaults_the_first_in_order_wins_and_trylast_gives_way():
    first, second = (
        plugin(distrokit_defaults=lambda n=n: {"OTEL_TRACES_SAMPLER": n}) for n in ("always_off", "always_on")
    )

    assert planned(aaa=first, bbb=second).sampler.name == "always_off"
    assert planned(zzz=first, bbb=second).sampler.name == "always_on"
    console = plugin(distrokit_defaults=lambda: {"OTEL_TRACES_EXPORTER": "console"})
    assert exporter(planned(zzz=console)).exporter.name == "console"


def test_none_leaves_out_and_lists_fan_out():
    plan = planned({"OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none, CONSOLE ,otlp,,otlp"})

    assert plan.signals["traces"].exporters == []
    assert [item.exporter.name for item in plan.signals["logs"].exporters] == ["console", "otlp"]
    assert problems(plan) == []


def test_a_plugin_of_higher_rank_replaces_a_default_by_name():
    def make(options):
        raise AssertionError

    acme = plugin(distrokit_exporters=lambda: [Exporter("otlp", "traces", make)])

    item = exporter(planned(acme=acme))

    assert item.exporter.declaration.factory is make
    assert item.exporter.plugin == "acme"
    assert "plugin otlp (code)" in [who() for who in item.exporter.overridden]
    assert exporter(planned(acme=acme), "logs").exporter.plugin == "otlp"


def test_two_plugins_of_equal_rank_lose_the_name_both():
    one, two = (plugin(distrokit_samplers=lambda: [Sampler("mine", print)]) for _ in "12")

    plan = planned({"OTEL_TRACES_SAMPLER": "mine"}, one=one, two=two)

    assert plan.sampler is None
    (line,) = problems(plan)
    assert line.startswith("sampler mine: plugin one (code) and plugin two (code) declare the same name; none of them")


def test_a_tie_among_outsiders_matters_only_to_who_picks_the_name():
    def declare():
        return [Exporter("x", "traces", print, fallback=True, origin=f"dist-{n}") for n in "12"]

    acme = plugin(distrokit_exporters=declare)

    assert problems(planned(acme=acme)) == []
    (line,) = problems(planned({"OTEL_TRACES_EXPORTER": "x,otlp"}, acme=acme))
    assert "dist-1 and dist-2 declare the same name" in line


@pytest.mark.parametrize(
    ("environ", "subject", "outcome"),
    [
        ({"OTEL_TRACES_SAMPLER": "alway_on"}, "OTEL_TRACES_SAMPLER=alway_on", "parentbased_always_on is used"),
        ({"OTEL_PYTHON_ID_GENERATOR": "xray"}, "OTEL_PYTHON_ID_GENERATOR=xray", "random ids are used"),
        ({"OTEL_PROPAGATORS": "b4,baggage"}, "OTEL_PROPAGATORS=b4", "itself ends with an error"),
        ({"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "hoost"}, "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS=hoost", "left out"),
        ({"DISTROKIT_LOGS_PROCESSOR": "bach"}, "DISTROKIT_LOGS_PROCESSOR=bach", "the default is used"),
        ({"OTEL_LOG_LEVEL": "inof"}, "OTEL_LOG_LEVEL=inof", "'warn' is used instead"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "a=b,c"}, "OTEL_RESOURCE_ATTRIBUTES=…", "the other items are used"),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "-5"}, "OTEL_BSP_MAX_QUEUE_SIZE=-5", "2048 is used instead"),
        ({"OTEL_BSP_SCHEDULE_DELAY": "1e3"}, "OTEL_BSP_SCHEDULE_DELAY=1e3", "5000 is used instead"),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "0"}, "OTEL_METRIC_EXPORT_INTERVAL=0", "60000 is used instead"),
        ({"OTEL_TRACES_EXPORTR": "console"}, "OTEL_TRACES_EXPORTR", "it has no effect"),
        ({"DISTROKIT_DETECTOR_TIMEOUT": "x"}, "DISTROKIT_DETECTOR_TIMEOUT=x", "2000 is used instead"),
    ],
)
def test_a_wrong_setting_is_one_problem_and_the_rest_stays(environ, subject, outcome):
    plan = planned(environ)

    (line,) = problems(plan)
    assert line.startswith(f"{subject}: ")
    assert outcome in line
    for signal in plan.signals:
        assert exporter(plan, signal).exporter.name == "otlp"
        assert exporter(plan, signal).processor is not None


def test_a_setting_that_three_signals_read_is_one_problem():
    (line,) = problems(planned({"OTEL_EXPORTER_OTLP_PROTOCOL": "grcp"}))

    assert "'grpc' is used instead" in line


def test_a_batch_larger_than_its_queue_is_cut():
    plan = planned({"OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "5000"})

    assert exporter(plan).processor.arguments["max_export_batch_size"] == 100
    assert exporter(plan, "logs").processor.arguments["max_export_batch_size"] == 2048
    (line,) = problems(plan)
    assert line.startswith("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE=5000: larger than the queue, which holds 2048")


def test_the_resource_and_its_precedence():
    acme = plugin(distrokit_resource=lambda: {"service.name": "plugin", "team": "plugin", "x": 1})
    plan = planned(
        {"OTEL_SERVICE_NAME": "mine", "OTEL_RESOURCE_ATTRIBUTES": "service.name=no,team=a%3Db%2Cc,sp%20ace=1"},
        acme=acme,
    )

    attributes = {name: (value.value, str(value.source)) for name, value in plan.resource.attributes.items()}
    assert attributes == {
        "service.name": ("mine", "OTEL_SERVICE_NAME"),
        "team": ("a=b,c", "OTEL_RESOURCE_ATTRIBUTES"),
        "sp ace": ("1", "OTEL_RESOURCE_ATTRIBUTES"),
        "x": (1, "plugin acme"),
    }


def test_detectors_are_picked_by_name():
    def names(environ):
        return [detector.name for detector in planned(environ).resource.detectors]

    setting = "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"
    assert names({}) == ["distro", "container", "process", "os", "host", "service_instance"]
    assert names({setting: "otel,host"}) == ["service_instance", "distro", "host"]
    assert set(names({setting: "*"})) >= set(names({}))


def test_processors_are_sorted_by_stage():
    stages = ("derive", "transform", "enrich", "transform")
    acme = plugin(distrokit_processors=lambda: [Processor(f"p{i}", "logs", s, print) for i, s in enumerate(stages)])

    assert [p.name for p in planned(acme=acme).signals["logs"].processors] == ["p2", "p1", "p3", "p0"]


def test_parameters_that_raise_or_have_no_source_cost_the_component():
    def raises(reader):
        raise KeyError(reader.name)

    acme = plugin(
        distrokit_exporters=lambda: [
            Exporter("a", "traces", print, raises),
            Exporter("b", "traces", print, lambda reader: {"x": 5}),
        ]
    )
    plan = planned({"OTEL_TRACES_EXPORTER": "a,b,otlp"}, acme=acme)

    assert [item.exporter.name for item in plan.signals["traces"].exporters] == ["otlp"]
    lines = problems(plan)
    assert "plugin acme (code): parameters of 'a': KeyError: 'a'; 'a' is left out" in lines[0]
    assert "parameters returned 'x' without a source" in lines[1]


# ---------------------------------------------------------------------------------- amendments


def test_what_a_plugin_amends_is_recorded_as_its_doing():
    def modify(plan):
        plan.sampler = Component(Sampler("acme", print), "acme")
        plan.resource.attributes["team"] = "blue"
        plan.signals["traces"].exporters[0].exporter.parameters["endpoint"] = "http://amended:1"
        plan.signals["logs"].exporters.clear()
        plan.disabled = False

    plan = planned(acme=plugin(distrokit_plan=modify))

    assert problems(plan) == []
    assert str(plan.resource.attributes["team"].source) == "plugin acme"
    assert exporter(plan).exporter.parameters["endpoint"].value == "http://amended:1"
    # The signals share declarations, not parameters.
    assert exporter(plan, "metrics").exporter.parameters["endpoint"].value == "http://localhost:4317"
    changed = {change.path: (change.plugin, change.after) for change in plan.changes}
    assert changed["signals.traces.export.0.parameters.endpoint.value"] == ("acme", "http://amended:1")
    assert changed["sampler.name"] == ("acme", "acme")
    assert changed["resource.attributes.team.value"] == ("acme", "blue")


def test_an_amendment_that_raises_is_taken_back():
    def modify(plan):
        plan.signals["traces"].exporters.clear()
        plan.resource.attributes["x"] = 1
        raise RuntimeError("half way")

    plan = planned(acme=plugin(distrokit_plan=modify), zzz=plugin(distrokit_plan=lambda plan: None))

    assert exporter(plan).exporter.name == "otlp"
    assert plan.resource.attributes == {}
    assert plan.changes == []
    assert "half way" in problems(plan)[0]


@pytest.mark.parametrize(
    "modify",
    [
        lambda plan: setattr(plan, "sampler", "always_on"),
        lambda plan: setattr(plan, "resource", None),
        lambda plan: plan.signals.pop("logs"),
        lambda plan: plan.signals.update(logs=None),
        lambda plan: plan.signals["traces"].exporters.append("otlp"),
        lambda plan: plan.signals["traces"].processors.append("redact"),
        lambda plan: plan.instrumentations.update(flask=False),
        lambda plan: setattr(plan.resource, "timeout_millis", None),
    ],
)
def test_an_amendment_that_makes_no_sense_is_taken_back(modify):
    def change(plan):
        modify(plan)

    plan = planned(acme=plugin(distrokit_plan=change))

    (line,) = problems(plan)
    assert "plugin acme (code): distrokit_plan: TypeError" in line
    assert plan.describe()["changes"] == []
    assert exporter(plan).exporter.name == "otlp"


def test_a_plan_may_turn_everything_off():
    def off(plan):
        plan.disabled = True

    plan = planned(acme=plugin(distrokit_plan=off))

    assert (plan.disabled.value, str(plan.disabled.source)) == (True, "plugin acme")


def test_a_plan_is_json_and_has_no_secrets():
    environ = {
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20topsecret",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://user:topsecret@h:1?key=topsecret",
        "OTEL_TRACES_EXPORTER": "topsecret",
        "ACME_TOKEN": "topsecret",
    }
    text = json.dumps(planned(environ).describe())

    assert "topsecret" not in text
    assert '"headers": {"value": {"authorization": "****"}' in text


@pytest.mark.parametrize(
    ("setting", "name", "remedy"),
    [
        ("OTEL_TRACES_EXPORTER", "jaeger", "Jaeger receives OTLP: select otlp, and set OTEL_EXPORTER_OTLP_ENDPOINT to"),
        ("OTEL_TRACES_EXPORTER", "zipkin_json", "Run `pip install opentelemetry-exporter-zipkin-json`, or select"),
        ("OTEL_TRACES_EXPORTER", "Jaeger", "Jaeger receives OTLP: select otlp, and set OTEL_EXPORTER_OTLP_ENDPOINT to"),
        # Neither does Jaeger take metrics, nor Prometheus traces.
        ("OTEL_METRICS_EXPORTER", "jaeger", "Install the package that provides it."),
        ("OTEL_TRACES_EXPORTER", "prometheus", "Install the package that provides it."),
        ("OTEL_PROPAGATORS", "xray", "Run `pip install opentelemetry-propagator-aws-xray`, or select another one."),
        ("OTEL_PYTHON_ID_GENERATOR", "xray", "Run `pip install opentelemetry-sdk-extension-aws`, or select"),
        ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "aws_ecs", "Run `pip install opentelemetry-sdk-extension-aws`, or"),
    ],
)
def test_a_well_known_name_that_is_not_installed_names_its_package(setting, name, remedy):
    (line,) = problems(planned({setting: name}))

    assert remedy in line


def test_a_disabled_plan_shows_what_would_run_and_builds_no_provider():
    assembly = assembled({"OTEL_SDK_DISABLED": "True"})

    assert assembly.plan.disabled.value is True
    assert [item.exporter.name for item in assembly.plan.signals["traces"].exporters] == ["otlp"]
    assert start_pipeline(assembly).tracer_provider is None


names = st.sampled_from(
    [
        *(f"OTEL_{signal}_EXPORTER" for signal in ("TRACES", "METRICS", "LOGS")),
        *(f"OTEL_EXPORTER_OTLP_{s}" for s in ("PROTOCOL", "ENDPOINT", "HEADERS", "TIMEOUT", "COMPRESSION", "INSECURE")),
        *(f"OTEL_EXPORTER_OTLP_TRACES_{s}" for s in ("PROTOCOL", "ENDPOINT", "HEADERS", "TIMEOUT", "COMPRESSION")),
        *(f"OTEL_BSP_{s}" for s in ("MAX_QUEUE_SIZE", "MAX_EXPORT_BATCH_SIZE", "SCHEDULE_DELAY", "EXPORT_TIMEOUT")),
        "OTEL_METRIC_EXPORT_INTERVAL", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_PROPAGATORS",
        "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME", "OTEL_PYTHON_ID_GENERATOR", "OTEL_LOG_LEVEL",
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "OTEL_SDK_DISABLED",
        "DISTROKIT_DISABLED_PLUGINS", "DISTROKIT_TRACES_PROCESSOR", "DISTROKIT_METRICS_READER", "DISTROKIT_STRICT",
        "DISTROKIT_RESPONSE_PROPAGATORS",
    ]
)  # fmt: skip
values = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["otlp", "console", "none", "grpc", "http/protobuf", "10", "-1", "1e400", "٣", "http://[::1", "a=b"]
    ),
)


@given(st.dictionaries(names, values, max_size=8))
def test_no_setting_breaks_the_plan(environ):
    plan = planned(environ)

    json.dumps(plan.describe())
    for problem in plan.problems:
        assert problem.remedy
        assert "\n" not in str(problem)


class Marked:
    """A plugin may be an object, too."""

    @hookimpl
    def distrokit_resource(self):
        return [ResourceDetector("marked", dict)]


def test_a_plugin_given_in_code_may_be_an_object():
    assert "marked" in [detector.name for detector in planned(marked=Marked()).resource.detectors]


def test_without_a_processor_plugin_each_signal_says_what_is_missing():
    plan = planned({"DISTROKIT_DISABLED_PLUGINS": "batch"})

    assert [line.split(":")[0] for line in problems(plan)] == ["traces", "metrics", "logs"]
    assert "these exporters get nothing. Run `pip install 'distrokit[otlp]'`." in problems(plan)[0]
    assert exporter(plan).processor is None


def test_a_plan_that_fails_in_a_way_nobody_foresaw_is_a_problem_and_not_a_traceback(monkeypatch, capsys):
    def broken(settings, plugins):
        raise ZeroDivisionError

    monkeypatch.setattr("distrokit.launch.assembly.make_plan", broken)

    assembly = assembled()
    assembly.report()

    assert [problem.code for problem in assembly.plan.problems] == ["start-failed"]
    assert capsys.readouterr().err.startswith("distrokit: start: ZeroDivisionError; telemetry may be missing")


EXPORTER_OF_ITS_OWN = {"OTEL_TRACES_EXPORTER": "udp,otlp"}


def fed(environ, processor="simple"):
    udp = plugin(distrokit_exporters=lambda: [Exporter("udp", "traces", lambda options: None, processor=processor)])
    plan = planned({**EXPORTER_OF_ITS_OWN, **environ}, udp=udp)
    feeding = {item.exporter.name: item.processor for item in plan.signals["traces"].exporters}
    return {name: (by.name, str(by.source)) for name, by in feeding.items()}, problems(plan)


def test_an_exporter_may_name_what_feeds_it_and_the_users_word_is_stronger():
    batch = ("batch", "default of plugin batch")
    assert fed({}) == ({"udp": ("simple", "plugin udp"), "otlp": batch}, [])
    chosen = "DISTROKIT_TRACES_PROCESSOR"
    assert fed({chosen: "batch"}) == ({"udp": ("batch", chosen), "otlp": ("batch", chosen)}, [])


def test_a_processor_that_an_exporter_names_and_nobody_has_costs_itself():
    feeding, lines = fed({}, "simpel")

    assert feeding["udp"][0] == "batch"
    (line,) = lines
    assert line == (
        "exporter udp, processor=simpel: there is no such processor for traces (available: batch, simple); the default is "
        "used. Did you mean 'simple'?"
    )


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"a": Value(1, "somebody")}, "parameters returned 'a' with an invalid source or key"),
        ({5: Value(1, OF_ACME)}, "parameters returned 5 with an invalid source or key"),
        ({"a": Value(1, OF_ACME, overridden=("b",))}, "'a' whose overridden is not pairs of text and source"),
    ],
)
def test_parameters_that_are_not_what_they_must_be_cost_the_exporter(parameters, says):
    def declared():
        return [Exporter("acme", "traces", print, lambda reader: parameters)]

    plan = planned({"OTEL_TRACES_EXPORTER": "acme"}, acme=plugin(distrokit_exporters=declared))

    (line,) = problems(plan)
    assert says in line
    assert "plugin acme" in line
    assert plan.signals["traces"].exporters == []


def test_a_reader_that_was_spoilt_costs_the_exporter():
    def file_name(reader):
        reader.file_name = 5
        return {}

    def problem(reader):
        reader.problems.append(replace(NO_TEXT, code=5))
        return {}

    for spoilt, says in ((file_name, "reader.file_name is not a string"), (problem, "a reported problem has a field")):
        declared = [Exporter("acme", "traces", print, spoilt)]
        plan = planned({"OTEL_TRACES_EXPORTER": "acme"}, acme=plugin(distrokit_exporters=lambda d=declared: d))
        assert any(says in line for line in problems(plan)), spoilt
        assert plan.signals["traces"].exporters == []


class UpTo144:
    """A provider of loggers that reads the limits anew for every record."""

    def __init__(self, resource=None):
        pass


class Since145:
    def __init__(self, resource=None, *, log_record_limits=None):
        pass


def test_limits_that_an_sdk_reads_late_are_kept_for_it_when_they_are_not_the_environments():
    acme = plugin(distrokit_defaults=lambda: {"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "7"})
    environ = {"OTEL_SPAN_EVENT_COUNT_LIMIT": "many", "OTEL_ATTRIBUTE_COUNT_LIMIT": "9"}
    plan = planned(environ, acme=acme)

    found = read_late(plan.sdk_settings, plan.settings, UpTo144)

    assert found == {"OTEL_SPAN_EVENT_COUNT_LIMIT": None, "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "7"}
    assert read_late(plan.sdk_settings, plan.settings, Since145) == {}


ACME = plugin(
    distrokit_settings=lambda: [
        Setting(name="ACME_TENANT", consumer="acme"),
        Setting(name="ACME_UPLOAD_TOKEN", consumer="acme"),
        Setting(name="ACME_REGION", kind="one of eu, us", consumer="acme"),
        Setting(name="ACME_API_SECRET", kind="one of eu or us"),
        Setting(name="WEBSITE_SITE_NAME", consumer="acme"),
    ]
)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ACME_TENENT", "ACME_TENANT"),
        ("ACME_TENNANT", "ACME_TENANT"),
        ("ACME_UPLOADTOKEN", "ACME_UPLOAD_TOKEN"),
        ("ACME_TENANT__BACKUP", ""),
        ("ACME_UPLOAD_TOKEN_FILE", ""),
        # Others have names, too.
        ("WEBSITE_SLOT_NAME", ""),
        ("ACMES_TENANT", ""),
        ("ACME_HOME", ""),
        ("ACME", ""),
    ],
)
def test_a_misspelt_setting_of_a_plugin_is_said(name, meant):
    line = f"{name}: no plugin declares a setting of this name; it has no effect. Did you mean '{meant}'?"

    assert problems(planned({name: "x"}, acme=ACME)) == ([line] if meant else [])
    assert problems(planned({name: "x"})) == []


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("ACME_REGION", "US", ""),
        ("ACME_REGION", " ", ""),
        (
            "ACME_REGION",
            "mars",
            (
                "ACME_REGION=mars: it must be one of eu, us; plugin acme gets it unchanged. "
                "Set ACME_REGION to one of eu, us, or unset it."
            ),
        ),
        (
            "ACME_API_SECRET",
            "eus",
            (
                "ACME_API_SECRET=****: it must be one of eu or us; its plugin gets it unchanged. "
                "Set ACME_API_SECRET to one of eu or us, or unset it."
            ),
        ),
    ],
)
def test_a_value_outside_what_a_plugin_declares_is_said(name, text, line):
    assert problems(planned({name: text}, acme=ACME)) == ([line] if line else [])


def test_a_value_that_its_reader_refuses_is_said_once():
    def read(reader):
        return {"region": reader.choice("ACME_REGION", ("eu", "us"), "eu")}

    reads = plugin(distrokit_exporters=lambda: [Exporter("reads", "traces", print, read)])

    (line,) = problems(planned({"ACME_REGION": "mars", "OTEL_TRACES_EXPORTER": "reads"}, acme=ACME, reads=reads))
    assert line.startswith("ACME_REGION=mars: not usable: valid values are eu, us; 'eu' is used instead.")

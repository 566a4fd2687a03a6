"""``docs/examples/distros/azure``: what Azure Monitor's distro does by private means, done with hooks, on loopback."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import replace
from textwrap import dedent

import pytest
from distributions import write_distribution
from plans import problems
from processes import QUIET, instrumented, run, said
from releases import needs_yaml
from vendor_distros import Example
from vendor_peers import WebPeer

import distrokit_spool.plugin

AZURE = Example("azure")
KEY = "1aa11111-bbbb-1ccc-8ddd-eeeeffff3333"


def connection(url="https://ingestion.example.org"):
    return {"AZURE_EXAMPLE_CONNECTION_STRING": f"InstrumentationKey={KEY};IngestionEndpoint={url}/"}


def planned(environ=None, **plugins):
    return AZURE.planned(connection() if environ is None else environ, spool=distrokit_spool.plugin, **plugins)


@pytest.fixture
def path(tmp_path):
    return AZURE.published(tmp_path)


def taken(asked):
    return 200, {"itemsReceived": len(asked.json), "itemsAccepted": len(asked.json), "errors": []}, {}


def envelopes(peer, kind=""):
    found = [envelope for asked in peer.asked for envelope in asked.json]
    return [envelope for envelope in found if kind in envelope["name"]]


# ------------------------------------------------------------------------------------ the plan


def test_without_any_other_setting_the_plan_is_azures():
    plan = planned()

    assert problems(plan) == []
    for signal in plan.signals.values():
        (item,) = signal.exporters
        assert item.exporter.name == "azure_example"
        assert item.exporter.arguments["endpoint"] == "https://ingestion.example.org/v2.1/track"
        assert item.exporter.arguments["user_agent"].startswith("azure-example/1.0 distrokit/")
        assert item.exporter.arguments["spool_directory"].endswith(f"azure-example-{os.getuid()}")
    assert [p.name for p in plan.signals["traces"].at("enrich")] == ["main-agent", "operation"]
    assert KEY not in json.dumps(plan.describe())


def test_a_connection_string_that_is_missing_or_wrong_is_one_line():
    (missing,) = problems(planned({}))
    (wrong,) = problems(planned({"AZURE_EXAMPLE_CONNECTION_STRING": "IngestionEndpoint=secret-place"}))

    assert missing.startswith("AZURE_EXAMPLE_CONNECTION_STRING: it is not set; azure_example sends nothing.")
    assert "has no InstrumentationKey" in wrong
    assert "secret-place" not in wrong
    assert planned({}).signals["logs"].exporters == []


@pytest.mark.parametrize(
    ("environ", "name", "arguments"),
    [
        ({}, "azure_example.rate_limited", {"traces_per_second": 5.0}),
        ({"OTEL_TRACES_SAMPLER_ARG": "0.5"}, "azure_example.rate_limited", {"traces_per_second": 0.5}),
        ({"OTEL_TRACES_SAMPLER": "trace_id_ratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}, "trace_id_ratio", {"ratio": 0.1}),
        ({"OTEL_TRACES_SAMPLER": "azure_example.fixed_percentage"}, "azure_example.fixed_percentage", {"ratio": 1.0}),
        # Upstream's own are upstream's own, and are not given the vendor's five.
        ({"OTEL_TRACES_SAMPLER": "traceidratio"}, "traceidratio", {"arg": 1.0}),
    ],
)
def test_samplers_by_their_names_and_upstreams(environ, name, arguments):
    plan = planned({**connection(), **environ})

    assert (plan.sampler.name, plan.sampler.arguments, problems(plan)) == (name, arguments, [])


def test_so_many_a_second_and_a_child_has_a_second_of_its_own():
    now = [0.0]
    bucket = AZURE.module("azure_example.sampling").Bucket(2, lambda: now[0])

    assert [bucket.take() for _ in range(3)] == [True, True, False]
    now[0] = 0.5
    assert [bucket.take() for _ in range(2)] == [True, False]
    now[0] = 60.0
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    bucket.forked()
    assert bucket.take()
    assert not AZURE.module("azure_example.sampling").Bucket(0, lambda: now[0]).take()


def test_instrumentations_are_those_of_the_list_and_two_that_no_package_publishes():
    def on(environ):
        plan = planned({**connection(), **environ})
        assert problems(plan) == []
        return [name for name, item in plan.instrumentations.items() if item.enabled]

    assert on({}) == ["django", "flask", "logging", "requests", "azure_sdk"]
    assert on({"DISTROKIT_INSTRUMENTATION_FLASK": "off", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "azure_sdk"}) == [
        "django",
        "logging",
        "requests",
    ]
    named = planned({**connection(), "AZURE_EXAMPLE_LOGGER_NAME": "shop"}).instrumentations
    assert named["logging"].options == {"enable_log_auto_instrumentation": False}
    assert named["azure_logging"].init_options == {"logger_name": "shop", "logging_format": ""}


@needs_yaml
def test_a_configuration_file_gets_the_same_parts(tmp_path):
    file = tmp_path / "otel.yaml"
    text = f"InstrumentationKey={KEY};IngestionEndpoint=https://other.example.org"
    exporter = f"{{azure_example: {{connection_string: '{text}'}}}}"
    file.write_text(f"""
file_format: "1.0"
tracer_provider:
  processors: [{{batch: {{exporter: {exporter}}}}}]
  sampler: {{azure_example.rate_limited: {{traces_per_second: 7}}}}
""")
    plan = planned({"OTEL_CONFIG_FILE": str(file)})

    assert problems(plan) == []
    assert plan.sampler.arguments == {"traces_per_second": 7.0}
    assert plan.signals["traces"].exporters[0].exporter.arguments["endpoint"].startswith("https://other.example.org/")
    assert [p.name for p in plan.signals["traces"].at("enrich")] == ["main-agent", "operation"]
    assert len(plan.views) == 1


# ----------------------------------------------------------------------------- in a real process

PROGRAM = """
    import logging
    from opentelemetry import metrics, trace
    from opentelemetry.trace import SpanKind
    tracer = trace.get_tracer("t")
    with tracer.start_as_current_span("GET /", kind=SpanKind.SERVER):
        logging.getLogger("shop").warning("hello")
        agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
        with tracer.start_as_current_span("planner", attributes=agent):
            with tracer.start_as_current_span("writer", attributes={**agent, "gen_ai.agent.name": "writer"}):
                pass
    seconds = metrics.get_meter("m").create_histogram("http.server.request.duration")
    seconds.record(1.5, {"http.route": "/", "user_agent.original": "x"})
"""


def shown(peer):
    """What arrived, without what differs from run to run."""
    spans = {e["data"]["baseData"]["name"]: e for e in envelopes(peer, "Data") if "success" in e["data"]["baseData"]}
    return {
        "spans": {name: (e["name"], e["data"]["baseData"]["properties"]) for name, e in spans.items()},
        "logs": [e["data"]["baseData"]["message"] for e in envelopes(peer, "MessageData")],
        "metrics": sorted(
            (e["data"]["baseData"]["metrics"][0]["name"], str(e["data"]["baseData"]["properties"]))
            for e in envelopes(peer, "MetricData")
        ),
        "tags": {(e["iKey"], e["tags"]["ai.cloud.role"], e["tags"]["ai.internal.sdkVersion"]) for e in envelopes(peer)},
        "agents": {asked.headers["user-agent"] for asked in peer.asked},
    }


def test_by_entry_point_and_in_code_it_is_the_same(tmp_path, path):
    env = {"OTEL_SERVICE_NAME": "shop", "AZURE_EXAMPLE_OFFLINE_STORAGE": "false"}
    status = tmp_path / "status"
    status.mkdir()

    with WebPeer(taken) as peer:
        told = {**env, **connection(peer.url), "AZURE_EXAMPLE_STATUS_DIRECTORY": str(status)}
        by_entry_point = instrumented(PROGRAM, told, path)
    with WebPeer(taken) as other:
        text = connection(other.url)["AZURE_EXAMPLE_CONNECTION_STRING"]
        program = f"import azure_example\nazure_example.configure({text!r})\n{dedent(PROGRAM)}"
        in_code = run([sys.executable, "-c", program], env, path)

    assert (said(by_entry_point), said(in_code)) == ([], [])
    there = shown(peer)
    assert there == shown(other)
    assert there["spans"] == {
        "GET /": ("RequestData", {"azure_example.operation": "GET /"}),
        "planner": (
            "RemoteDependencyData",
            {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": "planner",
                "azure_example.main_agent": "planner",
                # Set by the second plugin of the list, from what the first one found.
                "azure_example.operation": "planner",
            },
        ),
        "writer": (
            "RemoteDependencyData",
            {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": "writer",
                "azure_example.main_agent": "planner",
                "azure_example.operation": "planner",
            },
        ),
    }
    assert there["logs"] == ["hello"]
    assert there["metrics"] == [("http.server.request.duration", "{'http.route': '/'}")]
    ((key, role, version),) = there["tags"]
    assert (key, role) == (KEY, "shop")
    assert version.startswith("azure-example/1.0 distrokit/")
    assert there["agents"] == {version}
    (file,) = status.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    content = json.loads(file.read_text())
    assert (content["state"], content["problems"]) == ("stopped", [])
    assert content["exporters"] == {
        "traces": ["azure_example"],
        "metrics": ["azure_example"],
        "logs": ["azure_example"],
    }


def test_what_the_process_uses_is_observed_until_it_stops(path):
    program = """
        from opentelemetry import metrics
        metrics.get_meter_provider().force_flush()
        print("flushed")
    """
    with WebPeer(taken) as peer:
        env = {
            **connection(peer.url),
            "AZURE_EXAMPLE_OFFLINE_STORAGE": "false",
            "AZURE_EXAMPLE_STATUS_DIRECTORY": "/no",
        }
        result = instrumented(program, env, path)

    names = [metric["name"] for e in envelopes(peer) for metric in e["data"]["baseData"]["metrics"]]
    assert (result.stdout, sorted(names)) == (
        "flushed\n",
        ["azure_example.process.cpu", "azure_example.process.threads"],
    )
    (line,) = said(result)
    assert "AZURE_EXAMPLE_STATUS_DIRECTORY=/no: No such file or directory; no status file is written." in line


def test_what_is_refused_for_now_is_sent_again_with_the_token_of_then(path):
    program = """
        import azure_example, itertools, os
        from opentelemetry import trace

        class Tokens:
            numbers = itertools.count(1)
            def token(self):
                return f"t{next(self.numbers)}"

        pipeline = azure_example.configure(credential=Tokens(), settings={"OTEL_METRICS_EXPORTER": "none"})
        tracer = trace.get_tracer("t")
        with tracer.start_as_current_span("one"):
            tracer.start_span("two").end()
            tracer.start_span("three").end()
        print(pipeline.flush())
    """

    def answer(asked):
        if len(peer.asked) == 1:
            return 503, {}, {"Retry-After": "0"}
        if len(peer.asked) == 2:
            errors = [
                {"index": 0, "statusCode": 400, "message": "no"},
                {"index": 1, "statusCode": 500, "message": "wait"},
            ]
            return 206, {"itemsReceived": 3, "itemsAccepted": 1, "errors": errors}, {}
        return taken(asked)

    peer = WebPeer(answer)
    with peer:
        env = {**connection(peer.url), "AZURE_EXAMPLE_OFFLINE_STORAGE": "false"}
        result = run([sys.executable, "-c", dedent(program)], env, path)

    assert [asked.headers["authorization"] for asked in peer.asked] == ["Bearer t1", "Bearer t2", "Bearer t3"]
    assert [len(asked.json) for asked in peer.asked] == [3, 3, 1]
    assert peer.asked[2].json[0]["data"]["baseData"]["name"] == "three"
    assert result.stdout.strip() in ("True", "False"), result.stderr
    assert re.search("1 span lost .*rejected by the receiver", said(result)[-1])


def test_what_cannot_be_delivered_waits_on_disk_for_the_next_process(tmp_path, path):
    token = tmp_path / "token"
    token.write_text("of-the-file\n")
    with WebPeer(taken) as gone:
        away = connection(gone.url)
    env = {
        "AZURE_EXAMPLE_STORAGE_DIRECTORY": str(tmp_path / "storage"),
        "AZURE_EXAMPLE_TOKEN_FILE": str(token),
        "OTEL_METRICS_EXPORTER": "none",
        "DISTROKIT_EXIT_TIMEOUT": "2000",
    }

    instrumented(PROGRAM, {**env, **away}, path)
    with WebPeer(taken) as back:
        result = instrumented("import time; time.sleep(1)", {**env, **connection(back.url)}, path)

    assert result.returncode == 0
    assert {e["data"]["baseData"]["name"] for e in envelopes(back) if "success" in e["data"]["baseData"]} == {
        "GET /",
        "planner",
        "writer",
    }
    assert {asked.headers["authorization"] for asked in back.asked} == {"Bearer of-the-file"}


def test_records_of_one_logger_in_a_format_and_of_sampled_traces_only(tmp_path, path):
    program = """
        import logging, os
        from opentelemetry import trace
        shop, other = logging.getLogger("shop"), logging.getLogger("other")
        tracer = trace.get_tracer("t")
        shop.warning("outside")
        with tracer.start_as_current_span("not sampled"):
            logging.getLogger("shop.cart").error("lost")
        remote = trace.SpanContext(1, 1, is_remote=True, trace_flags=trace.TraceFlags(1))
        with tracer.start_as_current_span("s", trace.set_span_in_context(trace.NonRecordingSpan(remote))):
            logging.getLogger("shop.cart").error("kept")
            other.error("not ours")
        if child := os.fork():
            os.waitpid(child, 0)
    """
    status = tmp_path / "status"
    status.mkdir()
    with WebPeer(taken) as peer:
        env = {
            **QUIET,
            **connection(peer.url),
            "OTEL_LOGS_EXPORTER": "azure_example",
            "OTEL_TRACES_SAMPLER_ARG": "0",
            "AZURE_EXAMPLE_OFFLINE_STORAGE": "false",
            "AZURE_EXAMPLE_LOGGER_NAME": "shop",
            "AZURE_EXAMPLE_LOGGING_FORMAT": "%(name)s: %(message)s",
            "AZURE_EXAMPLE_TRACE_BASED_LOGS": "true",
            "AZURE_EXAMPLE_STATUS_DIRECTORY": str(status),
        }
        result = instrumented(program, env, path)

    assert said(result) == []
    assert shown(peer)["logs"] == ["shop: outside", "shop.cart: kept"]
    assert len(list(status.iterdir())) == 2


def test_the_azure_sdk_is_told_where_it_is_there(tmp_path, path):
    modules = {"shop": ""}
    some = write_distribution(tmp_path / "some", "azure-core", "1", {}, modules)
    (some / "azure" / "core").mkdir(parents=True)
    (some / "azure" / "core" / "settings.py").write_text("class settings:\n    tracing_implementation = None\n")
    env = {**QUIET, **connection(), "AZURE_EXAMPLE_OFFLINE_STORAGE": "false"}

    with_it = instrumented(
        "from azure.core.settings import settings; print(settings.tracing_implementation)", env, [*path, some]
    )
    without = instrumented("print('runs')", env, path)

    assert (with_it.stdout, said(with_it)) == ("opentelemetry\n", [])
    assert (without.stdout, said(without)) == ("runs\n", [])


def test_only_our_own_exporter_gets_the_token():
    given = AZURE.module("azure_example.credentials").Given(object())
    assembly = AZURE.assembled({**connection(), "OTEL_TRACES_EXPORTER": "otlp"}, credential=given)
    from distrokit.pipeline.component_factory import ComponentFactory

    components = ComponentFactory(assembly.plan, assembly.plugins)
    options = {s: components.options(p.exporters[0].exporter, s) for s, p in assembly.plan.signals.items()}

    assert options["traces"].refresh_headers is None
    assert callable(options["logs"].refresh_headers)
    assert replace(options["logs"], refresh_headers=None).headers == {}

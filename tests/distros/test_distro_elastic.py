"""The example distro ``elastic``: what it takes the place of, at work."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import EntryPoint

import pytest
from distributions import write_distribution
from plans import plugin, problems
from processes import QUIET, distrokit, instrumented, said
from sinks import SINKS
from three_signals import THREE_SIGNALS
from vendor_distros import Example

from distrokit import Sampler
from distrokit.launch.assembly import plan_for
from distrokit.plugins.entry_points import EntryPoints

ELASTIC = Example("elastic")
SECRET = "open-sesame-7"
URL, INTERVAL = "ELASTIC_EXAMPLE_CONFIG_URL", "ELASTIC_EXAMPLE_CONFIG_INTERVAL"


@pytest.mark.parametrize("protocol", SINKS)
def test_its_user_agent_stands_first_and_the_users_headers_beside_it(protocol, tmp_path):
    with SINKS[protocol]() as sink:
        env = {
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://localhost:{sink.port}",
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=ApiKey%20{SECRET}",
        }
        result = instrumented(THREE_SIGNALS, env, ELASTIC.published(tmp_path))

    assert (said(result), result.returncode) == ([], 0)
    for signal in ("trace", "metrics", "logs"):
        (headers, *_) = sink.headers(f"{signal}service" if protocol == "grpc" else f"/v1/{signal}")
        first, second, third, *_ = headers["user-agent"].split()
        assert (first, second.partition("/")[0]) == ("elastic-example/0.1.0", "distrokit")
        assert third.startswith("OTel-OTLP-Exporter-Python/")
        assert headers["authorization"] == f"ApiKey {SECRET}"


#: The tracers are made before anything changes. What is not ended is not sent.
CHANGING = """
    import json, logging, os, pathlib, time, warnings
    from opentelemetry import trace

    warnings.simplefilter("ignore")  # Python 3.12 warns of fork() beside threads
    file = pathlib.Path(os.environ["ANSWERS"])
    shop, noisy = trace.get_tracer("shop"), trace.get_tracer("opentelemetry.instrumentation.noisy")
    logger = logging.getLogger("opentelemetry.shop")

    def answer(**keys):
        part = file.with_suffix(".part")
        part.write_text(json.dumps(keys))
        part.replace(file)

    def until(recording):
        while shop.start_span("probe").is_recording() != recording:
            time.sleep(0.002)

    until(False)
    answer(sampling_rate="1", deactivate_instrumentations="noisy, other")
    until(True)
    noisy.start_span("noise").end()
    shop.start_span("order").end()
    answer(sampling_rate="0", logging_level="off")
    until(False)
    logger.warning("kept back")
    answer(sampling_rate="1")
    until(True)
    logger.warning("shown again")
    noisy.start_span("noise again").end()
    if child := os.fork():
        os.waitpid(child, 0)
    else:
        answer(sampling_rate="0")
        until(False)
        print("the child heard of it", flush=True)
        os._exit(0)
"""


def test_ratio_log_level_and_scopes_change_while_it_runs_and_in_a_child(tmp_path, receiver):
    answers = tmp_path / "answers.json"
    answers.write_text('{"sampling_rate": "0"}')
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"),
        "ANSWERS": str(answers),
        URL: answers.as_uri(),
        INTERVAL: "10",
    }

    result = instrumented(CHANGING, env, ELASTIC.published(tmp_path / "site"))

    assert (result.stdout, result.returncode) == ("the child heard of it\n", 0)
    assert result.stderr.splitlines() == ["opentelemetry.shop: shown again"]
    assert [span.name for span in receiver.store.spans()] == ["order", "noise again"]


def test_an_answer_that_makes_no_sense_is_said_once_and_the_last_one_counts(tmp_path):
    asked, answers = [], ['{"sampling_rate": "7"}', '{"sampling_rate": "7"}', '{"sampling_rate": "0"}']

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append({name.lower(): text for name, text in self.headers.items()})
            body = answers[min(len(asked), len(answers)) - 1].encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            """Quiet."""

    program = """
        import time
        from opentelemetry import trace
        while trace.get_tracer("shop").start_span("probe").is_recording():
            time.sleep(0.002)
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    env = {
        URL: f"http://127.0.0.1:{server.server_address[1]}/config",
        INTERVAL: "10",
        "ELASTIC_EXAMPLE_CONFIG_HEADERS": f"authorization=ApiKey {SECRET}",
        "OTEL_SERVICE_NAME": "the shop",
    }
    try:
        result = instrumented(program, {**QUIET, **env}, ELASTIC.published(tmp_path))
    finally:
        server.shutdown()
        server.server_close()

    (line,) = said(result)
    assert line == (
        "distrokit: remote configuration: sampling_rate is 7, and not from 0 to 1; what was said last goes on to count. "
        "Look at what the URL answers."
    )
    assert (asked[0]["x-service-name"], asked[0]["authorization"]) == ("the%20shop", f"ApiKey {SECRET}")


def test_its_defaults_and_who_decided():
    plan = ELASTIC.planned()

    assert problems(plan) == []
    assert plan.sampler is not None
    assert (plan.sampler.name, plan.sampler.arguments) == ("live-ratio", {"ratio": 1.0})
    temporality = plan.signals["metrics"].exporters[0].exporter.parameters["temporality_preference"]
    assert (temporality.value, str(temporality.source)) == ("delta", "distro elastic-example 0.1.0")
    assert plan.settings.get("OTEL_METRICS_EXEMPLAR_FILTER") == "always_off"
    assert plan.signals["traces"].processors == []
    mine = ELASTIC.planned({"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "cumulative"})
    assert mine.signals["metrics"].exporters[0].exporter.arguments["temporality_preference"] == "cumulative"


def test_what_is_steered_is_in_the_plan_whoever_stands_around_it():
    wrapping = plugin(distrokit_plan=lambda plan: plan.wrap_sampler(Sampler("around", print)))

    plan = ELASTIC.planned({URL: "http://localhost:1"}, acme=wrapping)

    assert plan.sampler is not None
    inner, (silence,) = plan.sampler.innermost, plan.signals["traces"].processors
    assert inner.arguments["remote"] is silence.arguments["remote"]
    assert inner.describe()["parameters"]["remote"]["value"] == "asks every 30 s"
    assert str(inner.parameters["remote"].source) == "plugin elastic-example"


@pytest.mark.parametrize(
    ("env", "number"),
    [({URL: "ftp://x"}, 1), ({URL: "http://x", INTERVAL: "1"}, 1), ({"OTEL_TRACES_SAMPLER_ARG": "2"}, 1), ({}, 0)],
)
def test_what_cannot_be_used_is_said(env, number):
    assert len(problems(ELASTIC.planned(env))) == number


def test_another_sampler_is_the_users_to_choose_and_doctor_says_what_it_costs():
    checks = ELASTIC.module("elastic_example.plugin").distrokit_checks
    env = {URL: "http://localhost:1"}

    assert [check.verdict for check in checks(ELASTIC.planned(env))] == ["ok"]
    assert [check.verdict for check in checks(ELASTIC.planned({**env, "OTEL_TRACES_SAMPLER": "always_on"}))] == ["warn"]
    assert checks(ELASTIC.planned()) == []


@pytest.mark.parametrize(
    ("env", "found"),
    [
        ({"AWS_LAMBDA_FUNCTION_NAME": "f"}, ["aws_lambda"]),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, ["aws_eks"]),
        ({}, ["aws_ec2"]),
        ({"FUNCTIONS_WORKER_RUNTIME": "python"}, []),
    ],
)
def test_only_detectors_that_may_find_something_run(env, found):
    clouds = [
        EntryPoint(name, "nowhere:X", "opentelemetry_resource_detector")
        for name in ("aws_lambda", "aws_ec2", "aws_eks")
    ]
    installed = EntryPoints([*ELASTIC.installed, *clouds])

    plan = plan_for(env, ELASTIC.plugins, installed, distro=ELASTIC.distro).plan

    detectors = [detector.name for detector in plan.resource.detectors]
    assert [name for name in detectors if name.startswith("aws")] == found
    assert {"process", "os", "service_instance", "container"} <= set(detectors)


INSTRUMENTOR = """
    class SystemMetrics:
        def __init__(self, labels=None, config=None):
            self.config = config

        def instrument(self, **kwargs):
            print(sorted(self.config))
"""


def test_the_constructor_of_an_instrumentation_gets_its_options(tmp_path):
    # By the name of contrib's, whose dependency is a compiled one.
    points = {"opentelemetry_instrumentor": {"system_metrics": "their_metrics:SystemMetrics"}}
    path = write_distribution(tmp_path / "theirs", "their-metrics", "1.0", points, {"their_metrics": INSTRUMENTOR})

    result = instrumented("", QUIET, [path, *ELASTIC.published(tmp_path)])

    assert result.stdout == (
        "['process.cpu.utilization', 'process.memory.usage', 'process.thread.count', "
        "'system.cpu.utilization', 'system.memory.usage']\n"
    )
    assert said(result) == []


def test_nothing_that_is_printed_has_a_secret(tmp_path):
    env = {
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=ApiKey%20{SECRET}",
        "ELASTIC_EXAMPLE_CONFIG_HEADERS": f"authorization=ApiKey {SECRET}",
        URL: f"http://user:{SECRET}@localhost:1",
    }
    path = ELASTIC.published(tmp_path)

    text = distrokit("explain", env=env, path=path).stdout
    model = distrokit("explain", "--json", env=env, path=path).stdout

    assert "remote = asks every 30 s" in " ".join(text.split())
    assert json.loads(model)["problems"] == []
    assert SECRET not in text + model


def test_its_list_of_instrumentations_is_upstreams_with_one_swapped(tmp_path):
    path = [write_distribution(tmp_path / "theirs", "openai", "1.99"), *ELASTIC.published(tmp_path)]

    lines = distrokit("elastic-requirements", path=path).stdout.splitlines()

    assert any(line.startswith("opentelemetry-instrumentation-flask") for line in lines)
    assert "elastic-example-instrumentation-openai" in lines
    assert not any("openai-v2" in line for line in lines)

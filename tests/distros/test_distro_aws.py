"""``docs/examples/distros/aws``: what AWS's distro does by private means, done with hooks, against peers on loopback."""

from __future__ import annotations

import base64
import json
import re
from textwrap import dedent

import pytest
from distributions import write_distribution
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from peers import http_peer
from plans import DEFAULTS, INSTALLED, problems
from processes import QUIET, instrumented, said
from vendor_distros import Example
from vendor_peers import Datagrams, WebPeer

from distrokit.launch.assembly import plan_for

AWS = Example("aws")

#: An answer to a signed request: who signed for what, and the signature.
SIGNED = re.compile(r"EXAMPLE-HMAC-SHA256 Credential=(\S+?)/(\S+), Signature=([0-9a-f]{64})")
KEYS = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKEXAMPLE", "AWS_SECRET_ACCESS_KEY": "much-too-secret"}


@pytest.fixture
def path(tmp_path):
    return AWS.published(tmp_path)


def names(components):
    return [component.name for component in components]


# ------------------------------------------------------------------------------------ the plan


def test_without_any_setting_the_plan_is_awss():
    plan = AWS.planned()

    assert problems(plan) == []
    assert names(plan.propagators) == ["baggage", "xray", "tracecontext"]
    assert {component.plugin for component in plan.propagators if component.name == "xray"} == {"aws-example"}
    assert (plan.id_generator.name, plan.sampler) == ("xray", None)
    exporter = plan.signals["metrics"].exporters[0].exporter
    assert (exporter.name, exporter.arguments["protocol"]) == ("otlp", "http/protobuf")
    assert exporter.arguments["default_histogram_aggregation"] == "base2_exponential_bucket_histogram"
    assert len(plan.views) == 5


def test_application_signals_are_a_sampler_around_the_sampler_and_a_second_destination():
    plan = AWS.planned({"AWS_EXAMPLE_APPLICATION_SIGNALS": "true", "OTEL_TRACES_SAMPLER": "always_off"})

    assert problems(plan) == []
    assert plan.sampler.nested_name == "always-record(always_off)"
    plain, own = plan.signals["metrics"].exporters
    assert (own.exporter.name, own.exporter.arguments["endpoint"]) == (
        "otlp/appsignals",
        "http://localhost:4316/v1/metrics",
    )
    preferences = [item.exporter.arguments["temporality_preference"] for item in (plain, own)]
    assert preferences == ["cumulative", "delta"]
    assert names(plan.signals["metrics"].before(plain)) == ["all-but-appsignals"]
    assert names(plan.signals["metrics"].before(own)) == ["appsignals"]
    assert (
        AWS.planned({"AWS_EXAMPLE_APPLICATION_SIGNALS": "true", "OTEL_METRICS_EXPORTER": "none"})
        .signals["metrics"]
        .exporters
        == []
    )


def test_on_lambda_spans_leave_as_datagrams_and_nobody_is_asked():
    plan = AWS.planned({"AWS_LAMBDA_FUNCTION_NAME": "orders", "AWS_REGION": "eu-west-1"})

    (item,) = plan.signals["traces"].exporters
    assert (item.exporter.name, item.processor.name) == ("xray_udp", "datagrams")
    assert plan.resource.attributes["faas.name"].value == "orders"
    assert "aws_example_ecs" not in names(plan.resource.detectors)
    otlp = (
        AWS.planned({"AWS_LAMBDA_FUNCTION_NAME": "orders", "OTEL_TRACES_EXPORTER": "otlp"})
        .signals["traces"]
        .exporters[0]
    )
    assert (otlp.processor.name, otlp.processor.arguments["max_export_batch_size"]) == ("batch", 10)
    asked = AWS.planned({"AWS_LAMBDA_FUNCTION_NAME": "o", "DISTROKIT_TRACES_PROCESSOR": "simple"})
    assert asked.signals["traces"].exporters[0].processor.name == "simple"


def test_a_region_is_an_endpoint_and_what_cannot_be_signed_is_said():
    env = {"AWS_EXAMPLE_AGENTLESS": "true", **KEYS}
    good, over_grpc = AWS.planned(env), AWS.planned({**env, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    without_key = AWS.planned({**env, "AWS_SECRET_ACCESS_KEY": ""})

    assert (
        good.signals["logs"].exporters[0].exporter.arguments["endpoint"]
        == "https://logs.eu-west-1.amazonaws.com/v1/logs"
    )
    assert problems(good) == []
    assert [line for line in problems(over_grpc) if "requests over grpc cannot be signed" in line]
    assert [line for line in problems(without_key) if "AWS_SECRET_ACCESS_KEY is not set" in line]
    assert "much-too-secret" not in json.dumps(over_grpc.describe())


@pytest.mark.parametrize("off", ["environment", "code"])
def test_the_switch_builds_nothing(off):
    given = {"AWS_EXAMPLE_ENABLED": "false"}
    plugins = {**DEFAULTS, "aws-example": AWS.module("aws_example.plugin")}
    where = {"environ": given} if off == "environment" else {"environ": {}, "settings": given}
    plan = plan_for(plugins=plugins, installed=INSTALLED, distro=AWS.distro, **where).plan

    assert plan.disabled.value
    assert not AWS.planned({**given, "OTEL_SDK_DISABLED": "false"}).disabled.value


def test_the_remote_sampler_reads_what_others_read():
    plan = AWS.planned(
        {"OTEL_TRACES_SAMPLER": "xray", "OTEL_TRACES_SAMPLER_ARG": "endpoint=http://agent:1,polling_interval=9"}
    )
    wrong = AWS.planned({"OTEL_TRACES_SAMPLER": "xray", "OTEL_TRACES_SAMPLER_ARG": "polling_interval=0"})

    assert plan.sampler.arguments == {"endpoint": "http://agent:1", "interval_seconds": 9.0}
    assert wrong.sampler.arguments["interval_seconds"] == 300.0
    assert len(problems(wrong)) == 1


# ----------------------------------------------------------------------------- in a real process


def test_defaults_of_propagators_and_ids_take_effect_at_the_start(path):
    program = """
        import time
        from opentelemetry import baggage, propagate, trace
        came = {"X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"}
        with trace.get_tracer("t").start_as_current_span("s", propagate.extract(came)) as span:
            print(f"{span.parent.span_id:x} {span.get_span_context().trace_id:x}")
            carrier = {}
            propagate.inject(carrier, baggage.set_baggage("who", "me"))
        print(sorted(propagate.get_global_textmap().fields))
        new = trace.get_tracer("t").start_span("new")
        print(abs((new.get_span_context().trace_id >> 96) - time.time()) < 60)
        for wrong in ("Root=1-0-1;Parent=x", "", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=0000000000000000"):
            print(trace.get_current_span(propagate.extract({"X-Amzn-Trace-Id": wrong})).get_span_context().is_valid)
        propagate.inject(carrier, trace.set_span_in_context(new))
        print(carrier["X-Amzn-Trace-Id"].startswith("Root=1-"), "traceparent" in carrier)
    """
    result = instrumented(program, QUIET, path)
    named = instrumented("print('runs')", {**QUIET, "OTEL_PROPAGATORS": "xray"}, path)

    assert result.stdout.splitlines() == [
        "53995c3f42cd8ad8 5759e988bd862e3fe1be46a994272793",
        "['X-Amzn-Trace-Id', 'baggage', 'traceparent', 'tracestate']",
        "True",
        *["False"] * 3,
        "True True",
    ]
    assert said(result) == []
    assert (named.stdout, said(named)) == ("runs\n", [])


def test_what_is_not_sampled_is_counted_and_goes_where_it_should(path):
    program = """
        from opentelemetry import metrics, trace
        from opentelemetry.trace import SpanKind, StatusCode
        metrics.get_meter("shop").create_counter("orders").add(1)
        runtime = metrics.get_meter("runtime").create_up_down_counter("process.runtime.cpython.memory")
        runtime.add(5)
        runtime.add(2)
        tracer = trace.get_tracer("t")
        for number in range(3):
            with tracer.start_as_current_span("GET", kind=SpanKind.SERVER, attributes={"url.path": "/orders/1"}) as span:
                with tracer.start_as_current_span("inside"):
                    pass
                if number:
                    span.set_status(StatusCode.ERROR)
    """
    with http_peer() as agent, http_peer() as receiver:
        env = {
            "AWS_EXAMPLE_APPLICATION_SIGNALS": "true",
            "AWS_EXAMPLE_APPLICATION_SIGNALS_ENDPOINT": f"{agent.endpoint}/v1/metrics",
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
            "OTEL_TRACES_SAMPLER": "always_off",
            "OTEL_SERVICE_NAME": "shop",
        }
        result = instrumented(program, env, path)

        assert said(result) == []
        assert {request.signal for request in receiver.ledger.requests} == {"metrics"}
        own = metrics_of(agent)
        plain = metrics_of(receiver)
    assert sorted(own) == ["fault", "latency"]
    (latency,) = own["latency"].exponential_histogram.data_points
    assert latency.count == 3
    assert attributes(latency) == {"Service": "shop", "Operation": "GET /orders", "Kind": "SERVER"}
    assert own["latency"].exponential_histogram.aggregation_temporality == 1  # delta
    assert own["fault"].sum.data_points[0].as_int == 2
    assert sorted(plain) == ["orders", "process.runtime.cpython.memory"]
    assert plain["orders"].sum.aggregation_temporality == 2  # cumulative
    assert plain["process.runtime.cpython.memory"].gauge.data_points[0].as_int == 2


def metrics_of(peer):
    return {
        metric.name: metric
        for request in peer.ledger.requests
        if request.signal == "metrics"
        for resource in request.message.resource_metrics
        for scoped in resource.scope_metrics
        for metric in scoped.metrics
    }


def attributes(point):
    return {pair.key: pair.value.string_value for pair in point.attributes}


def test_each_request_is_signed_for_its_signal(path):
    program = """
        import logging
        from opentelemetry import metrics, trace
        metrics.get_meter("m").create_counter("c").add(1)
        trace.get_tracer("t").start_span("s").end()
        logging.getLogger("l").warning("w")
    """
    with http_peer() as peer:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint, "AWS_EXAMPLE_SIGNED_HOSTS": "127.0.0.1", **KEYS}
        result = instrumented(program, env, path)
        requests, endpoint = peer.ledger.requests, peer.endpoint

    assert result.stderr == "w\n"
    services = {"traces": "xray", "metrics": "monitoring", "logs": "logs"}
    assert sorted(request.signal for request in requests) == sorted(services)
    signed = AWS.module("aws_example.signature").signed
    for request in requests:
        key_id, scope, signature = SIGNED.fullmatch(request.headers["authorization"]).groups()
        assert (key_id, scope) == ("AKEXAMPLE", f"eu-west-1/{services[request.signal]}")
        url, body = f"{endpoint}/v1/{request.signal}", request.message.SerializeToString()
        good = signed(KEYS["AWS_SECRET_ACCESS_KEY"], scope, request.headers["x-amz-date"], "POST", url, body)
        assert signature == good
        assert request.headers["user-agent"].startswith("aws-example/1.0 distrokit/")


def test_rules_are_asked_for_in_each_process_and_nobody_makes_spans_of_that(path):
    program = """
        import os, threading, time
        from opentelemetry import trace
        tracer = trace.get_tracer("t")
        # Those that distrokit keeps for the end, where Python starts none by then, are not the sampler's.
        print(len([thread for thread in threading.enumerate() if thread.name != "distrokit-end"]))

        def until_sampled():
            end = time.monotonic() + 20
            while time.monotonic() < end:
                # Without rules the sampler takes 5 % of the spans.
                spans = [tracer.start_span("s", attributes={"url.path": "/orders"}) for _ in range(20)]
                if all(span.get_span_context().trace_flags.sampled for span in spans):
                    return True
                time.sleep(0.01)

        def health():
            return tracer.start_span("s", attributes={"url.path": "/healthz"}).get_span_context().trace_flags.sampled

        if child := os.fork():
            os.waitpid(child, 0)
        print("parent" if child else "child", until_sampled(), health(), flush=True)
    """

    def rules(asked):
        if not asked.path.startswith("/GetSamplingRules"):
            return 404, {}, {}
        found = [
            {"path": "/orders", "rate": 0.0, "service": "another"},
            {"path": "/healthz", "rate": 0.0},
            {"path": "*", "rate": 1.0, "service": "sh*"},
        ]
        return 200, {"rules": found}, {}

    with WebPeer(rules) as agent:
        env = {
            **QUIET,
            "OTEL_TRACES_SAMPLER": "xray",
            "OTEL_TRACES_SAMPLER_ARG": f"endpoint={agent.url}",
            "OTEL_SERVICE_NAME": "shop",
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "logging",
        }
        result = instrumented(program, env, path)

    # The parent has no thread before its first span, nor has a server's master that never makes one.
    assert result.stdout.splitlines() == ["1", "child True False", "parent True False"], result.stderr
    assert len(agent.asked) == 2
    assert "traceparent" not in agent.asked[0].headers


def test_datagrams_carry_what_is_sampled_and_what_is_not(path):
    program = """
        from opentelemetry import trace
        tracer = trace.get_tracer("t")
        tracer.start_span("small").end()
        with tracer.start_as_current_span("big", attributes={"x": "x" * 70_000}):
            pass
    """
    with Datagrams() as daemon:
        env = {
            **QUIET,
            "OTEL_TRACES_EXPORTER": "xray_udp",
            "AWS_XRAY_DAEMON_ADDRESS": daemon.address,
            "AWS_EXAMPLE_APPLICATION_SIGNALS": "true",
            "OTEL_TRACES_SAMPLER": "always_off",
        }
        result = instrumented(program, env, path)
        (datagram,) = daemon.take(1)

    header, _, rest = datagram.partition(b"\n")
    assert (json.loads(header), rest[:3]) == ({"format": "json", "version": 1}, b"T1U")
    message = ExportTraceServiceRequest.FromString(base64.b64decode(rest[3:]))
    assert message.resource_spans[0].scope_spans[0].spans[0].name == "small"
    print(result.stderr)
    (line,) = said(result)
    assert "too large for a datagram" in line


def test_emf_by_name(path):
    program = """
        from opentelemetry import metrics
        meter = metrics.get_meter("m")
        meter.create_counter("orders", "1").add(2, {"kind": "book"})
        meter.create_histogram("size").record(7)
    """
    result = instrumented(program, {**QUIET, "OTEL_METRICS_EXPORTER": "awsemf", "OTEL_SERVICE_NAME": "shop"}, path)

    assert said(result) == []
    orders, size = map(json.loads, result.stdout.splitlines())
    about = orders.pop("_aws")["CloudWatchMetrics"]
    assert orders == {"kind": "book", "orders": 2}
    assert about == [{"Namespace": "shop", "Dimensions": [["kind"]], "Metrics": [{"Name": "orders", "Unit": "1"}]}]
    assert size["size"] == {"Count": 1, "Sum": 7, "Min": 7, "Max": 7}


def test_spans_are_rewritten_before_they_leave(path, receiver):
    program = """
        import logging
        from opentelemetry import trace
        from opentelemetry.trace import SpanKind
        tracer = trace.get_tracer("t")
        model = {"gen_ai.operation.name": "chat"}
        with tracer.start_as_current_span("agent", kind=SpanKind.CLIENT, attributes=model) as agent:
            agent.set_attributes({"gen_ai.input.messages": "who am I?", "user.email": "a@example.org"})
            agent.add_event("seen", {"user.email": "a@example.org"})
            with tracer.start_as_current_span("chat", kind=SpanKind.CLIENT, attributes=model):
                pass
            logging.getLogger("shop").warning("hello", extra={"user.email": "a@example.org"})
        url = "https://bucket.example.org/x?X-Amz-Signature=abc&key=1&X-Amz-Credential=who"
        tracer.start_span("GET", kind=SpanKind.SERVER, attributes={"url.full": url, "url.path": "/"}).end()
        trace.get_tracer("opentelemetry.instrumentation.starlette").start_span("send", attributes={"asgi.event.type": "x"}).end()
    """
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf"),
        "AWS_EXAMPLE_REDACTED_ATTRIBUTES": "user.*,*.password",
        "OTEL_METRICS_EXPORTER": "none",
    }
    result = instrumented(program, env, path)

    assert said(result) == []
    spans = {span.name: span for span in receiver.store.spans()}
    assert sorted(spans) == ["GET /", "agent", "chat"]
    agent, chat, get = spans["agent"], spans["chat"], spans["GET /"]
    assert agent.attributes == {"gen_ai.operation.name": "chat", "user.email": "[redacted]"}
    assert agent.events[0].attributes == {"user.email": "[redacted]"}
    assert (agent.kind, chat.kind, chat.attributes) == ("client", "internal", {"gen_ai.operation.name": "chat"})
    assert chat.parent_span_id == agent.span_id
    assert (
        get.attributes["url.full"]
        == "https://bucket.example.org/x?X-Amz-Signature=[redacted]&key=1&X-Amz-Credential=[redacted]"
    )
    content, said_by_shop = sorted(receiver.store.logs(), key=lambda log: log.scope.name)
    assert content.body == {"gen_ai.input.messages": "who am I?"}
    assert (content.trace_id, content.span_id) == (agent.trace_id, agent.span_id)
    assert said_by_shop.attributes["user.email"] == "[redacted]"


def test_instrumentations(tmp_path, path):
    source = """
        class Instrumentor:
            def __init__(self):
                pass
            def instrument(self, **options):
                options.pop("skip_dep_check", None)
                print(type(self).__name__, sorted(options))
    """
    kinds = ("botocore", "crewai", "aws_crewai", "django", "urllib3", "urllib")
    source += "".join(f"\n        class {kind}(Instrumentor): pass" for kind in kinds)
    points = {"opentelemetry_instrumentor": {kind: f"some_instrumentors:{kind}" for kind in kinds}}
    some = write_distribution(tmp_path / "some", "some", "1", points, {"some_instrumentors": dedent(source)})
    env = {
        **QUIET,
        "OTEL_PYTHON_URLLIB_EXCLUDED_URLS": "mine",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "logging,requests,flask",
    }

    result = instrumented("pass", env, [*path, some])
    setup = "import django; from django.conf import settings; settings.configure(); django.setup()"
    native = instrumented(
        setup, {**env, "AWS_EXAMPLE_NATIVE_AGENTS": "true", "DJANGO_SETTINGS_MODULE": "x"}, [*path, some]
    )

    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "botocore ['request_hook']",
        "crewai []",
        "urllib []",
        "urllib3 ['excluded_urls']",
    ]
    assert native.stdout.splitlines()[:2] == ["aws_crewai []", "botocore ['request_hook']"]
    # Applied when django.setup() is called.
    assert native.stdout.splitlines()[-1] == "django []"
    assert "crewai []" not in native.stdout.splitlines()


def test_a_container_on_ecs_is_asked_who_it_is():
    with WebPeer(lambda asked: (200, {"DockerId": "abc", "Name": "web"}, {})) as metadata:
        plan = AWS.planned({"ECS_CONTAINER_METADATA_URI_V4": metadata.url})
        (detector,) = [d for d in plan.resource.detectors if d.name == "aws_example_ecs"]

        assert detector.declaration.detect()["container.id"] == "abc"

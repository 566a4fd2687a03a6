"""The small default plugins, where processes have not shown it already."""

from __future__ import annotations

import os
import types
import uuid

import pytest
from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.metrics.export import MetricExporter
from opentelemetry.sdk.trace.export import SpanExporter
from plans import assembled, planned, problems
from processes import instrumented

from distrokit import ExporterOptions, RetryAwareExporter
from distrokit.pipeline.resource import build_resource
from distrokit.settings.layers import Settings
from distrokit_otlp.plugin import make
from distrokit_otlp.tls.loading import TlsFileError
from distrokit_resource import plugin as resource

ID = "7be92808767a667f35c8505cbf40d14e931ef6db5b0210329cf193b15ba9d605"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f"13:name=systemd:/docker/{ID}", [ID]),
        (f"1:name=systemd:/kubepods/burstable/pod123/cri-containerd-{ID}.scope", [ID]),
        (f"474 456 254:1 /docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/vda1 rw", [ID]),
        (f"474 456 254:1 /images/{ID}/x /etc rw - ext4 /dev/vda1 rw", []),
        ("0::/", []),
    ],
)
def test_container_ids(line, found):
    assert list(resource.container_ids([line])) == found


def test_outside_a_container_nothing_is_claimed(monkeypatch):
    monkeypatch.setattr(resource, "Path", lambda path: types.SimpleNamespace(read_text=_no_file))
    assert resource.container() == {}
    monkeypatch.setattr(
        resource, "Path", lambda path: types.SimpleNamespace(read_text=lambda **kw: f"1:x:/docker/{ID}\n")
    )
    assert resource.container() == {"container.id": ID}


def _no_file(**kwargs):
    raise FileNotFoundError


def test_the_resource_of_this_process():
    plan = planned({"OTEL_RESOURCE_ATTRIBUTES": "host.name=mine"})

    attributes = build_resource(plan, {"telemetry.auto.version": "1"}).attributes

    assert attributes["process.pid"] == os.getpid()
    assert attributes["host.name"] == "mine"
    assert attributes["telemetry.auto.version"] == "1"
    assert attributes["telemetry.distro.name"] == "distrokit"
    assert attributes["service.name"].startswith("unknown_service:python")
    assert uuid.UUID(attributes["service.instance.id"]).version == 4
    assert not [name for name in attributes if "command" in name]


def test_a_detector_of_another_package_runs_when_it_is_named():
    plan = planned({"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "process", "DISTROKIT_DISABLED_PLUGINS": "resource"})

    assert problems(plan) == []
    assert build_resource(plan, {}).attributes["process.runtime.name"] == "cpython"


def options(protocol, **given):
    arguments = {"protocol": protocol, **given.pop("arguments", {})}
    return ExporterOptions(name="otlp", signal="traces", settings=Settings(), arguments=arguments, **given)


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_an_exporter_is_built_for_every_signal_and_protocol(signal, protocol):
    given = options(protocol, endpoint="http://localhost:1", arguments={"insecure": True} if protocol == "grpc" else {})
    given.signal = signal

    exporter = make(given)

    kind = {"traces": SpanExporter, "metrics": MetricExporter, "logs": LogRecordExporter}[signal]
    assert isinstance(exporter, kind)
    assert isinstance(exporter, RetryAwareExporter)
    assert type(exporter.sender.get()).__name__ == {"grpc": "GrpcSender", "http/protobuf": "HttpSender"}[protocol]
    exporter.shutdown()


def test_a_certificate_that_cannot_be_read_costs_the_exporter():
    with pytest.raises(TlsFileError, match="there is no such file"):
        make(options("grpc", endpoint="https://localhost:1", arguments={"certificate": "/nowhere.pem"}))


def test_without_a_user_agent_the_exporters_own_stands():
    exporter = make(options("grpc", endpoint="http://localhost:1", arguments={"insecure": True}))
    exporter.shutdown()


def test_simple_processors_by_name():
    program = """
        import threading
        from opentelemetry import trace
        with trace.get_tracer("t").start_as_current_span("s"):
            pass
        import logging
        logging.getLogger("l").warning("hello")
        print(len([t for t in threading.enumerate() if t.name != "distrokit-end"]))
    """
    env = {"DISTROKIT_TRACES_PROCESSOR": "simple", "DISTROKIT_LOGS_PROCESSOR": "simple", "OTEL_METRICS_EXPORTER": "none",
           "OTEL_TRACES_EXPORTER": "console", "OTEL_LOGS_EXPORTER": "console"}  # fmt: skip

    result = instrumented(program, env)

    assert result.stdout.index('"name": "s"') < result.stdout.index('"body": "hello"') < result.stdout.rindex("1\n")
    assert result.stderr == "hello\n"


def test_a_sampler_without_a_ratio_takes_the_argument_as_text():
    plan = planned({"OTEL_TRACES_SAMPLER": "always_off", "OTEL_TRACES_SAMPLER_ARG": "ignored"})
    assert plan.sampler.arguments == {"arg": "ignored"}

    plan = planned({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1.5"})
    assert plan.sampler.arguments == {"arg": 1.0}
    assert "it must be a number from 0 to 1" in problems(plan)[0]


def test_the_user_agent_names_the_distro(receiver):
    assembly = assembled({"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")})
    exporter = assembly.plan.signals["traces"].exporters[0].exporter

    assert exporter.parameters["user_agent"].value == "distrokit/0.1.0"

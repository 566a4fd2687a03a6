"""Metrics: scraping by Prometheus, preferences of exporters, and the JSON exporters of all signals."""

from __future__ import annotations

import importlib.util
import json

import pytest
from distributions import write_plugin
from processes import QUIET, configured, instrumented, said
from releases import needs_json, needs_yaml
from sinks import http_sink

SCRAPED = """
    import re, socket, urllib.request
    from opentelemetry import metrics, trace
    metrics.get_meter("shop", "1.0").create_counter("sales").add(3)
    # Port 0 is a free one; who listens is asked of the kernel.
    lines = open("/proc/net/tcp").read().splitlines()[1:]
    inodes = {line.split()[9]: line.split()[1] for line in lines if line.split()[3] == "0A"}
    import os
    own = [inodes[m[1]] for fd in os.listdir("/proc/self/fd")
           if (m := re.match(r"socket:\\[(\\d+)\\]", os.readlink(f"/proc/self/fd/{fd}") if os.path.exists(f"/proc/self/fd/{fd}") else ""))
           and m[1] in inodes]
    address, port = own[0].split(":")
    host = socket.inet_ntoa(bytes.fromhex(address)[::-1])
    print(host)
    print(urllib.request.urlopen(f"http://{host}:{int(port, 16)}/metrics").read().decode())
"""


def test_prometheus_scrapes_on_loopback_unless_told_otherwise():
    env = {
        **QUIET,
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_EXPORTER_PROMETHEUS_PORT": "0",
        "OTEL_SERVICE_NAME": "shop",
    }

    result = instrumented(SCRAPED, env)

    assert said(result) == []
    assert result.stdout.startswith("127.0.0.1\n")
    assert 'sales_total{otel_scope_name="shop"' in result.stdout
    assert "target_info{" in result.stdout


@needs_yaml
def test_prometheus_by_file(tmp_path):
    file = """
        file_format: "1.1"
        meter_provider:
          readers:
            - pull:
                exporter:
                  prometheus/development:
                    host: 127.0.0.2
                    port: 0
                    scope_info_enabled: false
                    target_info_enabled/development: false
                    translation_strategy: no_translation/development
    """
    result = configured(SCRAPED, file, tmp_path)

    assert result.stdout.startswith("127.0.0.2\n")
    assert "sales_total 3.0" in result.stdout
    assert "target_info{" not in result.stdout
    (line,) = said(result)
    assert "opentelemetry-exporter-prometheus supports one translation strategy only" in line


@needs_yaml
def test_resource_attributes_as_labels(tmp_path):
    from inspect import signature

    from opentelemetry.exporter.prometheus import PrometheusMetricReader

    if "resource_attribute_filter" not in signature(PrometheusMetricReader).parameters:
        pytest.skip("this release of the exporter has no such labels")
    file = """
        file_format: "1.1"
        resource: {attributes: [{name: service.name, value: shop}, {name: service.secret, value: x}]}
        meter_provider:
          readers:
            - pull: {exporter: {prometheus/development: {port: 0, resource_constant_labels: {included: ["service.*"], excluded: [service.secret]}}}}
    """
    result = configured(SCRAPED, file, tmp_path)

    (sales,) = [line for line in result.stdout.splitlines() if line.startswith("sales_total")]
    assert 'service_name="shop"' in sales
    assert "secret" not in sales


PREFERENCES = """
    from opentelemetry import metrics
    meter = metrics.get_meter("m")
    meter.create_counter("c").add(1)
    meter.create_up_down_counter("u").add(1)
    meter.create_histogram("h").record(1)
    meter.create_observable_counter("o", [lambda options: [metrics.Observation(4)]])
"""


def temporalities(result):
    """Name → temporality, 1 for delta; and whether histograms are exponential."""
    (data,) = [json.loads(text) for text in [result.stdout]]
    found = {m["name"]: m["data"] for m in data["resource_metrics"][0]["scope_metrics"][0]["metrics"]}
    return "".join(name for name in "cuho" if found[name]["aggregation_temporality"] == 1), "scale" in found["h"][
        "data_points"
    ][0]


@needs_yaml
@pytest.mark.parametrize(
    ("preference", "delta"), [("cumulative", ""), ("delta", "cho"), ("low_memory", "ch"), ("Low_Memory", "ch")]
)
def test_preferences_of_the_console(tmp_path, preference, delta):
    properties = (
        f"temporality_preference: {preference}, default_histogram_aggregation: base2_exponential_bucket_histogram"
    )
    file = (
        f'file_format: "1.0"\nmeter_provider: {{readers: [{{periodic: {{exporter: {{console: {{{properties}}}}}}}}}]}}'
    )

    assert temporalities(configured(PREFERENCES, file, tmp_path)) == (delta, True)


ALL_SIGNALS = """
    import logging
    from opentelemetry import metrics, trace
    metrics.get_meter("m").create_counter("c").add(1)
    with trace.get_tracer("t").start_as_current_span("s"):
        logging.getLogger("l").warning("hello")
"""


def test_http_json_by_variable():
    with http_sink() as sink:
        env = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{sink.port}",
               "OTEL_EXPORTER_OTLP_HEADERS": "x-a=1", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}  # fmt: skip
        result = instrumented(ALL_SIGNALS, env)

    assert said(result) == []
    assert sorted(path for path, _ in sink.requests) == ["/v1/logs", "/v1/metrics", "/v1/traces"]
    assert {(h["content-type"], h["x-a"], h["content-encoding"]) for h in sink.headers()} == {
        ("application/json", "1", "gzip")
    }


@needs_json
@needs_yaml
def test_http_json_and_lines_by_file(tmp_path):
    with http_sink() as sink:
        file = f"""
            file_format: "1.0"
            tracer_provider:
              processors:
                - batch: {{exporter: {{otlp_http: {{encoding: json, endpoint: "http://127.0.0.1:{sink.port}/v1/traces"}}}}}}
                - batch: {{exporter: {{otlp_file/development: {{output_stream: "file://{tmp_path}/t%20races.jsonl"}}}}}}
            meter_provider:
              readers: [{{periodic: {{exporter: {{otlp_file/development: {{temporality_preference: delta}}}}}}}}]
            logger_provider:
              processors: [{{simple: {{exporter: {{otlp_file/development: {{output_stream: "ftp://x"}}}}}}}}]
        """
        result = configured(ALL_SIGNALS, file, tmp_path)

    (line,) = said(result)
    assert line.endswith(
        "output_stream=ftp://x: not usable: write stdout, or file:///path/to/a/file; 'stdout' is used instead. "
        "Correct otel.yaml:10:61."
    )
    assert sink.headers()[0]["content-type"] == "application/json"
    assert "resourceSpans" in json.loads((tmp_path / "t races.jsonl").read_text())
    assert {key for text in result.stdout.splitlines() for key in json.loads(text)} == {
        "resourceMetrics",
        "resourceLogs",
    }


@needs_json
def test_otlp_stdout_by_variable():
    result = instrumented(ALL_SIGNALS, {f"OTEL_{s}_EXPORTER": "otlp/stdout" for s in ("TRACES", "METRICS", "LOGS")})

    assert said(result) == []
    assert {key for text in result.stdout.splitlines() for key in json.loads(text)} == {
        "resourceSpans", "resourceMetrics", "resourceLogs"}  # fmt: skip


@pytest.mark.skipif(bool(importlib.util.find_spec("opentelemetry.exporter.otlp.json")), reason="it is installed here")
def test_without_its_package_the_message_names_it():
    env = {"OTEL_TRACES_EXPORTER": "otlp/stdout", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    result = instrumented("pass", env)

    assert "pip install opentelemetry-exporter-otlp-json-file" in said(result)[0]


def test_a_view_of_a_plugin_that_the_sdk_could_not_use_is_left_out(tmp_path):
    """The SDK would raise in the application's own ``record()``."""
    source = """
        from distrokit import hookimpl
        @hookimpl
        def distrokit_plan(plan):
            from distrokit.plan.plan import ViewPlan
            stream = {"aggregation": {"explicit_bucket_histogram": {"boundaries": [5, 1]}}}
            plan.views.append(ViewPlan({"selector": {"instrument_name": "h"}, "stream": stream}))
    """
    program = 'from opentelemetry import metrics; metrics.get_meter("m").create_histogram("h").record(1)'
    path = [write_plugin(tmp_path, "acme", source)]

    result = instrumented(program, {**QUIET, "OTEL_METRICS_EXPORTER": "console"}, path)

    assert result.returncode == 0
    assert "its boundaries are not increasing finite numbers; it is left out" in said(result)[0]

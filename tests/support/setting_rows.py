"""A row per setting: a value, what comes of it in the plan, and where a configuration file has it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from answering import Authority
from plans import DEFAULTS

from distrokit.plugins.entry_points import EntryPoints
from distrokit.plugins.manager import Plugins
from distrokit.settings.known_settings import SETTINGS
from distrokit.settings.layers import Settings

TRACES, METRICS, LOGS = (f"signals.{signal}.export.0" for signal in ("traces", "metrics", "logs"))


BATCH = "tracer_provider.processors.0.batch"


RECORDS = "logger_provider.processors.0.batch"


PERIODIC = "meter_provider.readers.0.periodic"


GRPC, HTTP, LOG_HTTP = (
    f"{BATCH}.exporter.otlp_grpc",
    f"{PERIODIC}.exporter.otlp_http",
    f"{RECORDS}.exporter.otlp_http",
)


OTLP = "OTEL_EXPORTER_OTLP_"


#: Files are loaded while the plan is made; the folder lives as long as this module.
_FOLDER = tempfile.TemporaryDirectory()


CA, KEY, CERTIFICATE = (f"{_FOLDER.name}/{name}" for name in ("ca.pem", "client.key", "client.pem"))


Authority(Path(_FOLDER.name))


TOKENS, HEADERS = ({signal: f"{_FOLDER.name}/{signal}{kind}" for signal in ("", "TRACES_", "METRICS_", "LOGS_")} for kind in ("token", "headers"))  # fmt: skip
for _path in TOKENS.values():
    Path(_path).write_text("hush-hush")
for _path in HEADERS.values():
    Path(_path).write_text("x-a=hush-hush")


@dataclass
class Row:
    """A setting, where the plan shows it, and where a file has it."""

    name: str
    text: str
    where: str
    shown: Any
    file: str = ""
    written: Any = None
    second: bool = False


def of_signal(infix: str, where: str, file: str, second: bool = False) -> list[Row]:
    """The rows of one signal's exporter: ``TRACES_``, or nothing for the general ones."""
    rows = [
        # Over HTTP the general one gets the signal's path.
        (
            "ENDPOINT",
            f"https://{infix}h:1/x".lower(),
            "endpoint",
            None if infix else "https://h:1/x/v1/logs",
            "endpoint",
            None if infix else "https://h:1/x/v1/logs",
        ),
        ("HEADERS", "a=hush-hush", "headers", {"a": "****"}, "headers_list", None),
        ("TIMEOUT", "2500", "timeout_millis", 2500, "timeout", 2500),
        ("COMPRESSION", "GZIP", "compression", "gzip", "compression", "gzip"),
        ("CERTIFICATE", CA, "certificate", CA, "tls.ca_file", None),
        ("CLIENT_KEY", KEY, "client_key", KEY, "tls.key_file", None),
        ("CLIENT_CERTIFICATE", CERTIFICATE, "client_certificate", CERTIFICATE, "tls.cert_file", None),
    ]
    own = [
        Row(
            f"DISTROKIT_OTLP_{infix}{suffix}",
            paths[infix],
            f"{where}.parameters.{suffix.lower()}",
            paths[infix],
            second=second,
        )
        for suffix, paths in (("BEARER_TOKEN_FILE", TOKENS), ("HEADERS_FILE", HEADERS))
    ]
    return own + [
        Row(f"{OTLP}{infix}{suffix}", text, f"{where}.parameters.{parameter}", text if shown is None else shown,
            f"{file}.{key}", text if written is None else written, second)
        for suffix, text, parameter, shown, key, written in rows
    ]  # fmt: skip


PROVIDERS = "tracer_provider.limits", "logger_provider.limits"

ROWS = [
    Row("OTEL_TRACES_EXPORTER", "otlp,console", "signals.traces.export.1.name", "console",
        "tracer_provider.processors.1.simple.exporter.console", {}),
    Row("OTEL_METRICS_EXPORTER", "otlp,prometheus", "signals.metrics.export.1.name", "prometheus",
        "meter_provider.readers.1.pull.exporter.prometheus/development.scope_info_enabled", True),
    Row("OTEL_LOGS_EXPORTER", "OTLP", f"{LOGS}.name", "otlp"),
    Row("OTEL_SERVICE_NAME", "shop", "resource.attributes.service.name", "shop"),
    Row("OTEL_RESOURCE_ATTRIBUTES", "a%20b=c%20d", "resource.attributes.a b", "c d",
        "resource.attributes_list", "a%20b=c%20d"),
    Row("OTEL_ENTITIES", "host{host.id=h%3B1}[host.name=n]@https://x;", "resource.attributes.host.id", "h;1"),
    Row("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "host", "resource.detectors.2.name", "host",
        "resource.detection/development.detectors.0.host", {}),
    Row("OTEL_PROPAGATORS", "b3,b3,baggage", "propagators.1.name", "baggage", "propagator.composite_list", "b3,b3,baggage"),
    Row("OTEL_TRACES_SAMPLER", "TraceIdRatio", "sampler.name", "traceidratio"),
    Row("OTEL_TRACES_SAMPLER_ARG", "0.25", "sampler.parameters.arg", 0.25),
    Row("OTEL_PYTHON_ID_GENERATOR", "random", "id_generator.name", "random", "tracer_provider.id_generator.random", {}),
    Row("OTEL_BSP_MAX_QUEUE_SIZE", "100", f"{TRACES}.processor.parameters.max_queue_size", 100, f"{BATCH}.max_queue_size", 100),
    Row("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "50", f"{TRACES}.processor.parameters.max_export_batch_size", 50, f"{BATCH}.max_export_batch_size", 50),
    Row("OTEL_BSP_SCHEDULE_DELAY", "0", f"{TRACES}.processor.parameters.schedule_delay_millis", 0, f"{BATCH}.schedule_delay", 0),
    Row("OTEL_BSP_EXPORT_TIMEOUT", "700", f"{TRACES}.processor.parameters.export_timeout_millis", 700, f"{BATCH}.export_timeout", 700),
    Row("OTEL_BLRP_MAX_QUEUE_SIZE", "200", f"{LOGS}.processor.parameters.max_queue_size", 200, f"{RECORDS}.max_queue_size", 200),
    Row("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "60", f"{LOGS}.processor.parameters.max_export_batch_size", 60, f"{RECORDS}.max_export_batch_size", 60),
    Row("OTEL_BLRP_SCHEDULE_DELAY", "70", f"{LOGS}.processor.parameters.schedule_delay_millis", 70, f"{RECORDS}.schedule_delay", 70),
    Row("OTEL_BLRP_EXPORT_TIMEOUT", "0", f"{LOGS}.processor.parameters.export_timeout_millis", 0, f"{RECORDS}.export_timeout", 0),
    Row("OTEL_METRIC_EXPORT_INTERVAL", "1234", f"{METRICS}.processor.parameters.export_interval_millis", 1234, f"{PERIODIC}.interval", 1234),
    Row("OTEL_METRIC_EXPORT_TIMEOUT", "99", f"{METRICS}.processor.parameters.export_timeout_millis", 99, f"{PERIODIC}.timeout", 99),
    Row(f"{OTLP}PROTOCOL", "http/protobuf", f"{LOGS}.parameters.protocol", "http/protobuf", f"{LOG_HTTP}.encoding", "protobuf"),
    Row(f"{OTLP}TRACES_PROTOCOL", "grpc", f"{TRACES}.parameters.protocol", "grpc"),
    Row(f"{OTLP}METRICS_PROTOCOL", "HTTP/json", f"{METRICS}.parameters.protocol", "http/json", f"{HTTP}.encoding", "json"),
    Row(f"{OTLP}LOGS_PROTOCOL", "grpc", f"{LOGS}.parameters.protocol", "grpc", second=True),
    Row(f"{OTLP}METRICS_TEMPORALITY_PREFERENCE", "LowMemory", f"{METRICS}.parameters.temporality_preference", "low_memory",
        f"{HTTP}.temporality_preference", "low_memory"),
    Row(f"{OTLP}METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "BASE2_exponential_bucket_histogram",
        f"{METRICS}.parameters.default_histogram_aggregation", "base2_exponential_bucket_histogram",
        f"{HTTP}.default_histogram_aggregation", "base2_exponential_bucket_histogram"),
    *of_signal("TRACES_", TRACES, GRPC),
    *of_signal("METRICS_", METRICS, HTTP),
    *of_signal("", LOGS, LOG_HTTP),
    *of_signal("LOGS_", LOGS, LOG_HTTP, second=True),
    Row("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.2", "signals.metrics.export.1.parameters.host", "127.0.0.2",
        "meter_provider.readers.1.pull.exporter.prometheus/development.host", "127.0.0.2"),
    Row("OTEL_EXPORTER_PROMETHEUS_PORT", "0", "signals.metrics.export.1.parameters.port", 0,
        "meter_provider.readers.1.pull.exporter.prometheus/development.port", 0),
    Row("DISTROKIT_DETECTOR_TIMEOUT", "1500", "resource.timeout_millis", 1500, "distribution.distrokit.detector_timeout", 1500),
    Row("DISTROKIT_EXIT_TIMEOUT", "1500", "exit_timeout_millis", 1500, "distribution.distrokit.exit_timeout", 1500),
    Row("DISTROKIT_OTLP_BALANCING", "Round_Robin", f"{TRACES}.parameters.balancing", "round_robin"),
    Row("DISTROKIT_OTLP_CONNECTION_AGE", "1000", f"{LOGS}.parameters.connection_age_millis", 1000),
    Row("DISTROKIT_OTLP_GRPC", "GrpcIO", f"{TRACES}.parameters.transport", "grpcio", second=True),
    Row("DISTROKIT_OTLP_ENCODER", "Upstream", f"{TRACES}.parameters.encoder", "upstream"),
    Row("DISTROKIT_OTLP_HTTP_TRANSPORT", "distrokit", f"{LOGS}.parameters.http_transport", "distrokit"),
    Row("DISTROKIT_BATCH", "SDK", f"{TRACES}.processor.parameters.implementation", "sdk"),
    Row("DISTROKIT_BURST_QUEUE_SIZE", "5000", f"{LOGS}.processor.parameters.burst_queue_size", 5000),
    Row("DISTROKIT_TRACER", "sdk", "tracer", "sdk"),
    Row("DISTROKIT_LATE_PROCESSORS", "Raw", "late_processors", "raw", "distribution.distrokit.late_processors", "raw"),
    Row("DISTROKIT_QUEUE_FULL", "drop-newest", f"{LOGS}.processor.parameters.queue_full", "drop-newest"),
    Row("DISTROKIT_METRICS_QUEUE_SIZE", "7", f"{METRICS}.processor.parameters.max_queue_size", 7),
    Row("DISTROKIT_TRACES_PROCESSOR", "Simple", f"{TRACES}.processor.name", "simple", second=True),
    Row("DISTROKIT_LOGS_PROCESSOR", "simple", f"{LOGS}.processor.name", "simple", second=True),
    Row("DISTROKIT_METRICS_READER", "periodic", f"{METRICS}.processor.name", "periodic"),
    Row("DISTROKIT_RESPONSE_PROPAGATORS", "none,TraceResponse", "response_propagators.0.name", "traceresponse",
        "distribution.distrokit.response_propagators", ["traceresponse"]),
    Row("DISTROKIT_DISABLED_PLUGINS", "dev", "plugins.3.status", "blocked", "distribution.distrokit.disabled_plugins", ["dev"]),
    Row("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "FLASK", "instrumentations.flask.enabled", False),
    Row("DISTROKIT_ENABLED_INSTRUMENTATIONS", "Flask,requests", "instrumentations.logging.enabled", False,
        "distribution.distrokit.enabled_instrumentations", ["flask", "requests"]),
]  # fmt: skip


#: Seen at work further down, or in the test that is named.
ELSEWHERE = {
    "OTEL_CONFIG_FILE": "test_configuration_file.py",
    "OTEL_EXPERIMENTAL_CONFIG_FILE": "test_configuration_file.py",
    "OTEL_SDK_DISABLED": "test_end_to_end.py, test_configuration_file.py",
    "OTEL_LOG_LEVEL": "test_log_level",
    "DISTROKIT_PLUGIN_FILES": "test_plugin_files.py",
    "DISTROKIT_ATTACH": "test_attaching.py",
    "DISTROKIT_REQUIRED": "test_required_parts.py",
    "DISTROKIT_DOCTOR": "test_doctor_elsewhere.py",
    "DISTROKIT_TRACE_HOOKS": "test_cli.py",
    "DISTROKIT_LAZY": "test_first_use.py, test_triggers.py",
    "DISTROKIT_STRICT": "test_bad_input.py, test_configuration_file.py",
    "OTEL_PYTHON_TRACER_CONFIGURATOR": "test_scopes.py",
    "OTEL_PYTHON_METER_CONFIGURATOR": "test_scopes.py",
    "OTEL_PYTHON_LOGGER_CONFIGURATOR": "test_scopes.py",
    "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "test_log_records.py",
    "DISTROKIT_INSTRUMENTATION_ORDER": "test_instrumentations.py",
    "DISTROKIT_INSTRUMENTATION_<NAME>": "test_instrumentations.py",
    "DISTROKIT_INSTRUMENTATION_<NAME>_<KEYWORD>": "test_instrumentations.py",
    "DISTROKIT_INSTRUMENTATION_<NAME>_INIT_<KEYWORD>": "test_instrumentations.py",
    "OTEL_PYTHON_DISTRO": "test_coexistence.py",
    "OTEL_PYTHON_CONFIGURATOR": "test_coexistence.py",
    **{f"{OTLP}{signal}INSECURE": "test_otlp.py" for signal in ("", "TRACES_", "METRICS_", "LOGS_")},
    **{f"{OTLP}{signal}HEADERS_FILE": "test_transport.py" for signal in ("", "TRACES_", "METRICS_", "LOGS_")},
}


#: Read by the code of others, which gets to see them as they are: there is nothing of ours to test.
OTHERS = ("opentelemetry-api", "opentelemetry-instrumentation", "instrumentations", "opentelemetry-exporter-otlp-proto-grpc",
          "opentelemetry-exporter-otlp-proto-http")  # fmt: skip


ZIPKIN = {"OTEL_EXPORTER_ZIPKIN_ENDPOINT", "OTEL_EXPORTER_ZIPKIN_TIMEOUT"}


INTERNAL = {"OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"}


def table():
    plugins = Plugins.load(Settings.from_environ({}), EntryPoints(), DEFAULTS)
    return [*SETTINGS, *plugins.settings()]


def put(node, path, value):
    """Set a dotted path; numbers are positions in lists."""
    step, *rest = path
    if step.isdecimal():
        while len(node) <= int(step):
            node.append({})
        put(node[int(step)], rest, value)
    elif rest:
        put(node.setdefault(step, [] if rest[0].isdecimal() else {}), rest, value)
    else:
        node[step] = value


def at(node, path):
    """The node at a dotted path whose names may have dots themselves."""
    if not path:
        return node
    if isinstance(node, list):
        number, _, rest = path.partition(".")
        return at(node[int(number)], rest)
    name = next(n for n in sorted(node, key=len, reverse=True) if path == n or path.startswith(n + "."))
    return at(node[name], path[len(name) + 1 :])


#: Setting, what the process reports, where a file has it.
EFFECTS = [
    ("OTEL_ATTRIBUTE_COUNT_LIMIT", "ATTRIBUTE_COUNT", "attribute_limits.attribute_count_limit"),
    ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "ATTRIBUTE_VALUE_LENGTH", "attribute_limits.attribute_value_length_limit"),
    ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "SPAN_ATTRIBUTE_COUNT", f"{PROVIDERS[0]}.attribute_count_limit"),
    ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "SPAN_ATTRIBUTE_VALUE_LENGTH", f"{PROVIDERS[0]}.attribute_value_length_limit"),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", "SPAN_EVENT_COUNT", f"{PROVIDERS[0]}.event_count_limit"),
    ("OTEL_SPAN_LINK_COUNT_LIMIT", "SPAN_LINK_COUNT", f"{PROVIDERS[0]}.link_count_limit"),
    ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "EVENT_ATTRIBUTE_COUNT", f"{PROVIDERS[0]}.event_attribute_count_limit"),
    ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "LINK_ATTRIBUTE_COUNT", f"{PROVIDERS[0]}.link_attribute_count_limit"),
    ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "LOGRECORD_ATTRIBUTE_COUNT", f"{PROVIDERS[1]}.attribute_count_limit"),
    ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "LOGRECORD_ATTRIBUTE_VALUE_LENGTH", f"{PROVIDERS[1]}.attribute_value_length_limit"),
    ("OTEL_METRICS_EXEMPLAR_FILTER", "", "meter_provider.exemplar_filter"),
]  # fmt: skip

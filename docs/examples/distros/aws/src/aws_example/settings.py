"""The settings of this distro, and the defaults that depend on where the process runs."""

from __future__ import annotations

from collections.abc import Mapping

from distrokit import Setting, Settings

ENABLED = "AWS_EXAMPLE_ENABLED"
SIGNALS = "AWS_EXAMPLE_APPLICATION_SIGNALS"
SIGNALS_ENDPOINT = "AWS_EXAMPLE_APPLICATION_SIGNALS_ENDPOINT"
AGENTLESS = "AWS_EXAMPLE_AGENTLESS"
SIGNED = "AWS_EXAMPLE_SIGNED_HOSTS"
REDACTED = "AWS_EXAMPLE_REDACTED_ATTRIBUTES"
CONTENT = "AWS_EXAMPLE_CONTENT_TO_LOGS"
NATIVE = "AWS_EXAMPLE_NATIVE_AGENTS"
EMF = "AWS_EXAMPLE_EMF_STREAM"
REGION = "AWS_REGION"
KEY_ID, KEY = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
DAEMON = "AWS_XRAY_DAEMON_ADDRESS"
LAMBDA = "AWS_LAMBDA_FUNCTION_NAME"


def _setting(name: str, meaning: str, default: str = "", kind: str = "text") -> Setting:
    return Setting(name=name, kind=kind, default=default, consumer="aws-example", meaning=meaning)


ROWS = (
    _setting(ENABLED, "`false`: nothing is built or started", "true", "boolean"),
    _setting(SIGNALS, "metrics of every span, sampled or not, to an endpoint of their own", "false", "boolean"),
    _setting(SIGNALS_ENDPOINT, "where those go", "http://localhost:4316/v1/metrics", "URL"),
    _setting(AGENTLESS, "traces and logs go to the region itself", "false", "boolean"),
    _setting(SIGNED, "hosts whose requests are signed", "*.amazonaws.com", "list of patterns"),
    _setting(REDACTED, "attributes whose values are not sent", "", "list of patterns"),
    _setting(CONTENT, "what people and models say goes into log records, not into spans", "true", "boolean"),
    _setting(NATIVE, "the native instrumentations of agents are applied, not the third-party ones", "false", "boolean"),
    _setting(EMF, "where `awsemf` writes", "stdout", "one of stdout, stderr"),
    _setting(REGION, "the region"),
    _setting(KEY_ID, "who signs"),
    _setting(KEY, "with what"),
    _setting(DAEMON, "where `xray_udp` sends", "127.0.0.1:2000", "host:port"),
    _setting(LAMBDA, "set where the process is a Lambda function"),
    _setting("AWS_EXECUTION_ENV", "set on ECS, among others"),
    _setting("ECS_CONTAINER_METADATA_URI_V4", "where ECS tells a container who it is", "", "URL"),
    _setting("DJANGO_SETTINGS_MODULE", "without it Django is not instrumented"),
)


def off(settings: Settings, name: str) -> bool:
    """True if the user has switched off a setting whose default is on."""
    return settings.get(name).lower() in ("false", "0", "no", "off")


def defaults(settings: Settings) -> Mapping[str, str]:
    """Weaker than the distro's own, and than whatever the user says."""
    found: dict[str, str] = {}
    if off(settings, ENABLED):
        return {"OTEL_SDK_DISABLED": "true"}
    region = settings.get(REGION)
    if settings.flag(AGENTLESS) and region:
        found["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = f"https://xray.{region}.amazonaws.com/v1/traces"
        found["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"] = f"https://logs.{region}.amazonaws.com/v1/logs"
    if settings.flag(SIGNALS):
        # The second destination has settings of its own, and so needs no second anything in code.
        found["OTEL_METRICS_EXPORTER"] = "otlp,otlp/appsignals"
        found["OTEL_EXPORTER_OTLP_PROTOCOL__APPSIGNALS"] = "http/protobuf"
        found["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT__APPSIGNALS"] = settings.get(
            SIGNALS_ENDPOINT, "http://localhost:4316/v1/metrics"
        )
        found["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE__APPSIGNALS"] = "delta"
        found["OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION__APPSIGNALS"] = (
            "base2_exponential_bucket_histogram"
        )
    if settings.get(LAMBDA):
        found["OTEL_TRACES_EXPORTER"] = "xray_udp"
        found["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"] = "10"
        found["OTEL_METRIC_EXPORT_INTERVAL"] = str(24 * 60 * 60 * 1000)
    return found

"""The packages of well-known components that are not installed."""

from __future__ import annotations

from distrokit.declarations import Signal
from distrokit.settings.frozen_programs import to_install

#: Settings of a plugin that may be missing, with the processor that they require.
REQUIRED_BY_SETTING = dict.fromkeys(
    (f"DISTROKIT_GUARD_REDACT{what}" for what in ("", "_KEYS", "_PATTERNS", "_PATTERNS_FILE")), "guard-redact"
)

#: The package that provides a name, by the kind of the declaration.
_PACKAGES = {
    "exporter for metrics": {"prometheus": "opentelemetry-exporter-prometheus"},
    "exporter for traces": {
        "opencensus": "opentelemetry-exporter-opencensus",
        "zipkin_json": "opentelemetry-exporter-zipkin-json",
        "zipkin_proto": "opentelemetry-exporter-zipkin-proto-http",
    },
    "processor": dict.fromkeys(
        ("guard-redact", "guard-redact-measurements", "guard-shrink", "guard-quiet", "guard-baggage"),
        "distrokit[guard]",
    ),
    "propagator": {
        "b3": "opentelemetry-propagator-b3",
        "b3multi": "opentelemetry-propagator-b3",
        "jaeger": "opentelemetry-propagator-jaeger",
        "ottrace": "opentelemetry-propagator-ot-trace",
        "xray": "opentelemetry-propagator-aws-xray",
        "xray-lambda": "opentelemetry-propagator-aws-xray",
    },
    "id generator": {"xray": "opentelemetry-sdk-extension-aws"},
    "resource detector": {
        **dict.fromkeys(
            ("aws_ec2", "aws_ecs", "aws_eks", "aws_elastic_beanstalk", "aws_lambda"), "opentelemetry-sdk-extension-aws"
        ),
        **dict.fromkeys(
            ("azure_aks", "azure_app_service", "azure_functions", "azure_vm"), "opentelemetry-resource-detector-azure"
        ),
        **dict.fromkeys(("gcp", "gcp_resource_detector"), "opentelemetry-resourcedetector-gcp"),
    },
}


def find_remedy(kind: str, name: str, signal: Signal | None = None, *, otherwise: str = "select another one") -> str:
    """Return the line that gets a well-known component; empty for other names.

    Args:
        kind: of the declaration, in words: ``exporter``, ``id generator``.
        name: in any case.
        signal: of the exporter or processor; ``None`` for other kinds.
        otherwise: an alternative to installing the package.
    """
    what, name = f"{kind} for {signal}" if signal else kind, name.lower()
    if (what, name) == ("exporter for traces", "jaeger"):
        return "Jaeger receives OTLP: select otlp, and set OTEL_EXPORTER_OTLP_ENDPOINT to Jaeger's port 4317 or 4318."
    package = _PACKAGES.get(what, _PACKAGES.get(kind, {})).get(name)
    return to_install(package, otherwise=otherwise) if package else ""

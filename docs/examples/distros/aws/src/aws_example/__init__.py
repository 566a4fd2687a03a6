"""AWS's pipeline in miniature: the distro as data."""

from distrokit import Distro

DISTRO = Distro(
    name="aws-example",
    version="1.0",
    plugins=("aws-example", "otlp", "batch", "components", "resource"),
    defaults={
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "base2_exponential_bucket_histogram",
        "OTEL_PROPAGATORS": "baggage,xray,tracecontext",
        "OTEL_PYTHON_ID_GENERATOR": "xray",
    },
    opentelemetry=">=1.43,<2",
)

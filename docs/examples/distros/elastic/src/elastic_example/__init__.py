"""Elastic's pipeline as a distrokit distro: an example, and no product of anybody's."""

from distrokit import Distro

DISTRO = Distro(
    name="elastic-example",
    version="0.1.0",
    plugins=("elastic-example", "otlp", "batch", "resource", "components"),
    defaults={
        "OTEL_TRACES_SAMPLER": "live-ratio",
        "OTEL_METRICS_EXEMPLAR_FILTER": "always_off",
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
    },
    opentelemetry=">=1.43,<2",
)

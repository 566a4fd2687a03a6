"""Splunk's pipeline as a distrokit distro: an example, and no product of anybody's."""

from distrokit import Distro

#: The SDK's largest limit, which is none.
_UNLIMITED = str(2**31 - 1)

DISTRO = Distro(
    name="splunk-example",
    version="0.1.0",
    plugins=("splunk-example", "otlp", "batch", "resource", "components"),
    defaults={
        "OTEL_TRACES_SAMPLER": "always_on",
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "host,process",
        "OTEL_ATTRIBUTE_COUNT_LIMIT": _UNLIMITED,
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "12000",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": _UNLIMITED,
        "OTEL_SPAN_EVENT_COUNT_LIMIT": _UNLIMITED,
        "OTEL_SPAN_LINK_COUNT_LIMIT": "1000",
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": _UNLIMITED,
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": _UNLIMITED,
    },
    opentelemetry=">=1.43,<2",
)

"""Declares the variables of the OTLP exporters, for the documentation and for suggestions for misspelt names."""

from __future__ import annotations

from distrokit import Setting

_SPEC = "https://opentelemetry.io/docs/specs/otel/protocol/exporter/"
_METRICS = "https://opentelemetry.io/docs/specs/otel/metrics/sdk_exporters/otlp/"
_PREFIX = "OTEL_EXPORTER_OTLP_"

_EACH = (
    ("PROTOCOL", "one of grpc, http/protobuf, http/json", "grpc", "", "the transport"),
    (
        "ENDPOINT",
        "URL",
        "http://localhost:4317",
        "",
        "receiver; over HTTP the general one gets the signal's path; also `dns:`, `ipv4:`, `ipv6:`, `unix:`",
    ),
    (
        "HEADERS",
        "list of key=value",
        "",
        "",
        "sent with every request, percent-decoded; secret; over grpc the values of names that end in `-bin` are base64",
    ),
    ("TIMEOUT", "integer", "10000", "ms", "for one export; 0 for no limit; values below 100 are seconds"),
    ("COMPRESSION", "one of none, gzip, deflate", "none", "", "compression of requests; `deflate` over HTTP only"),
    ("INSECURE", "boolean", "false", "", "plaintext in place of TLS, for an endpoint without `http://` or `https://`"),
    ("CERTIFICATE", "path", "", "", "PEM file of the CA certificates to trust"),
    ("CLIENT_KEY", "path", "", "", "PEM file with the key of the client certificate, without a password"),
    ("CLIENT_CERTIFICATE", "path", "", "", "PEM file with the client certificate; it may also hold the key"),
)

_OWN_FILES = (
    ("BEARER_TOKEN_FILE", "a file with a token, sent as `Authorization: Bearer`; read again when it changes"),
    ("HEADERS_FILE", "a file with one header `name=value` per line; read again when it changes"),
)
_OWN = (
    (
        "BALANCING",
        "one of pick_first, round_robin",
        "pick_first",
        "",
        "with several addresses: keep one that is chosen at random, or send each request to the next",
    ),
    (
        "CONNECTION_AGE",
        "integer",
        "300000",
        "ms",
        "mean age at which a connection is closed and the endpoint's name resolved again; 0 for no limit",
    ),
    (
        "GRPC",
        "one of h2, grpcio",
        "h2",
        "",
        "the library for OTLP over grpc; `grpcio` needs `distrokit-otlp[grpcio]`",
    ),
    (
        "ENCODER",
        "one of distrokit, upstream",
        "distrokit",
        "",
        "what encodes requests; `upstream` needs `distrokit-otlp[upstream]`, for http/json `distrokit-otlp[json]`",
    ),
    (
        "HTTP_TRANSPORT",
        "name",
        "distrokit",
        "",
        "how OTLP over HTTP is sent: by distrokit, or by an entry point of the group `opentelemetry_http_transport`",
    ),
)


def settings() -> list[Setting]:
    """Return one setting per variable; those of one signal override the general ones."""
    rows = [
        Setting(
            name=f"{_PREFIX}{signal}{suffix}",
            kind=kind,
            default="" if signal else default,
            unit=unit,
            consumer="otlp",
            meaning=f"{meaning}; {signal[:-1].lower()} only" if signal else meaning,
            spec=_SPEC,
            parameter=True,
            ignored_with_file=True,
        )
        for signal in ("", "TRACES_", "METRICS_", "LOGS_")
        for suffix, kind, default, unit, meaning in _EACH
    ]
    rows += [
        Setting(
            name=f"{_PREFIX}{signal}HEADERS_FILE",
            kind="path",
            consumer="otlp",
            meaning="a file that holds the headers, one `name=value` per line; read again when it changes",
            parameter=True,
            ignored_with_file=True,
        )
        for signal in ("", "TRACES_", "METRICS_", "LOGS_")
    ]
    rows += own_settings()
    rows += [
        Setting(
            name=f"{_PREFIX}METRICS_TEMPORALITY_PREFERENCE",
            kind="one of cumulative, delta, lowmemory",
            default="cumulative",
            consumer="otlp",
            meaning="the temporality of counters and histograms",
            spec=_METRICS,
            parameter=True,
            ignored_with_file=True,
        ),
        Setting(
            name=f"{_PREFIX}METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            kind="one of explicit_bucket_histogram, base2_exponential_bucket_histogram",
            default="explicit_bucket_histogram",
            consumer="otlp",
            meaning="the aggregation of histograms without a view",
            spec=_METRICS,
            parameter=True,
            ignored_with_file=True,
        ),
        Setting(
            name="OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES",
            kind="list of names",
            consumer="opentelemetry-exporter-otlp-proto-grpc",
            meaning="grpc status codes to retry on",
        ),
    ]
    rows += [
        Setting(
            name=f"OTEL_PYTHON_EXPORTER_OTLP_{transport}_{signal}CREDENTIAL_PROVIDER",
            kind="name",
            consumer=f"opentelemetry-exporter-otlp-proto-{transport.lower()}",
            meaning="an entry point of the group `opentelemetry_otlp_credential_provider`",
        )
        for transport in ("GRPC", "HTTP")
        for signal in ("", "TRACES_", "METRICS_", "LOGS_")
    ]
    return rows


def own_settings() -> list[Setting]:
    """Return the settings that OpenTelemetry does not have."""
    rows = [
        Setting(
            name=f"DISTROKIT_OTLP_{signal}{suffix}",
            kind="path",
            consumer="otlp",
            meaning=f"{meaning}; {signal[:-1].lower()} only" if signal else meaning,
            parameter=True,
        )
        for signal in ("", "TRACES_", "METRICS_", "LOGS_")
        for suffix, meaning in _OWN_FILES
    ]
    rows += [
        Setting(
            name=f"DISTROKIT_OTLP_{suffix}",
            kind=kind,
            default=default,
            unit=unit,
            consumer="otlp",
            meaning=meaning,
            parameter=True,
        )
        for suffix, kind, default, unit, meaning in _OWN
    ]
    return rows

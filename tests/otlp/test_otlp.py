"""distrokit-otlp: how the settings become exporters."""

from __future__ import annotations

import pytest
from plans import planned, problems

GENERAL, TRACES = "OTEL_EXPORTER_OTLP_", "OTEL_EXPORTER_OTLP_TRACES_"
HTTP = {f"{GENERAL}PROTOCOL": "http/protobuf"}


def parameters(environ, signal="traces"):
    plan = planned(environ)
    return plan.signals[signal].exporters[0].exporter.arguments, problems(plan)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        *(
            (text, "Did you mean 'http/protobuf'?")
            for text in ("http", "https", "http/proto", "protobuf", "http_protobuf")
        ),
        *((text, "Did you mean 'grpc'?") for text in ("grcp", "grpcs", "grpc/protobuf")),
        *((text, "Did you mean 'http/json'?") for text in ("json", "http_json")),
        ("thrift", ""),
    ],
)
@pytest.mark.parametrize("variable", [f"{GENERAL}PROTOCOL", f"{TRACES}PROTOCOL"])
def test_a_protocol_that_is_none_is_told_a_way_that_works(variable, text, hint):
    read, (line,) = parameters({variable: text})

    assert read["protocol"] == "grpc"
    assert f"{variable}={text!r}" in line or f"{variable}={text}" in line
    assert "valid values are grpc, http/protobuf, http/json; 'grpc' is used instead" in line
    assert f"'grpc' is used instead. {hint}" in line
    assert ("Did you mean" in line) == bool(hint)


@pytest.mark.parametrize(
    ("environ", "endpoint"),
    [
        ({}, "http://localhost:4317"),
        (HTTP, "http://localhost:4318/v1/traces"),
        ({**HTTP, f"{GENERAL}ENDPOINT": "http://h:1"}, "http://h:1/v1/traces"),
        ({**HTTP, f"{GENERAL}ENDPOINT": "http://h:1/base/"}, "http://h:1/base/v1/traces"),
        ({**HTTP, f"{TRACES}ENDPOINT": "http://h:1/own"}, "http://h:1/own"),
        ({**HTTP, f"{TRACES}ENDPOINT": "http://h:1"}, "http://h:1/"),
        ({**HTTP, f"{TRACES}ENDPOINT": "http://h:1/x", f"{GENERAL}ENDPOINT": "http://h:1/x"}, "http://h:1/x"),
        ({f"{GENERAL}ENDPOINT": "https://h:1"}, "https://h:1"),
        ({f"{TRACES}PROTOCOL": "HTTP/PROTOBUF"}, "http://localhost:4318/v1/traces"),
        ({"OTEL_TRACES_EXPORTER": "otlp_proto_http"}, "http://localhost:4318/v1/traces"),
        ({**HTTP, "OTEL_TRACES_EXPORTER": "otlp_proto_grpc"}, "http://localhost:4317"),
    ],
)
def test_endpoints(environ, endpoint):
    read, said = parameters(environ)

    assert read["endpoint"] == endpoint
    assert said == []


@pytest.mark.parametrize(
    ("environ", "endpoint", "accepted"),
    [
        ({f"{TRACES}ENDPOINT": "http://[::1"}, "http://localhost:4317", "it is not a URL"),
        ({**HTTP, f"{TRACES}ENDPOINT": "h:1"}, "http://localhost:4318/v1/traces", "begins with http://"),
        ({**HTTP, f"{TRACES}ENDPOINT": "http://h:99999"}, "http://localhost:4318/v1/traces", "it is not a URL"),
    ],
)
def test_a_broken_endpoint_costs_its_signal_only(environ, endpoint, accepted):
    read, said = parameters(environ)

    assert read["endpoint"] == endpoint
    assert len(said) == 1
    assert accepted in said[0]
    assert said[0].startswith(f"{TRACES}ENDPOINT=")


@pytest.mark.parametrize(
    ("environ", "insecure", "says"),
    [
        ({}, True, False),
        ({f"{GENERAL}ENDPOINT": "http://h:1", f"{GENERAL}INSECURE": "false"}, True, False),
        ({f"{GENERAL}ENDPOINT": "https://h:1", f"{GENERAL}INSECURE": "true"}, False, False),
        ({f"{TRACES}ENDPOINT": "h:1"}, False, True),
        ({f"{TRACES}ENDPOINT": "h:1", f"{TRACES}INSECURE": "true"}, True, False),
        ({f"{TRACES}ENDPOINT": "h:1", f"{TRACES}INSECURE": "false"}, False, False),
    ],
)
def test_the_scheme_decides_on_tls(environ, insecure, says):
    read, said = parameters(environ)

    assert read["insecure"] is insecure
    assert bool(said) is says
    if says:
        assert "TLS is used. Write http://h:1 for plaintext, https://h:1 to confirm TLS." in said[0]


@pytest.mark.parametrize(
    ("text", "millis", "says"),
    [
        ("10000", 10_000, ""),
        ("100", 100, ""),
        ("10", 10_000, "it is read as 10 seconds"),
        ("10s", 10_000, "whole number"),
    ],
)
def test_a_timeout_is_milliseconds(text, millis, says):
    read, said = parameters({f"{GENERAL}TIMEOUT": text, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"})

    assert read["timeout_millis"] == millis
    assert (says in said[0]) if says else said == []


def test_compression_generally_and_none_for_one_signal():
    environ = {f"{GENERAL}COMPRESSION": "gzip", f"{TRACES}COMPRESSION": "none"}

    assert parameters(environ)[0]["compression"] == "none"
    assert parameters(environ, "logs")[0]["compression"] == "gzip"
    read, said = parameters({f"{TRACES}COMPRESSION": "zstd"})
    assert read["compression"] == "none"
    assert "valid values are none, gzip" in said[0]


def test_headers_are_decoded_and_a_signals_own_replace_the_general_ones():
    environ = {f"{GENERAL}HEADERS": "Authorization=Bearer%20a%3Db, x-y = z ,", f"{TRACES}HEADERS": "only=this"}

    assert parameters(environ, "logs")[0]["headers"] == {"authorization": "Bearer a=b", "x-y": "z"}
    assert parameters(environ)[0]["headers"] == {"only": "this"}


@pytest.mark.parametrize("text", ["authorization: Bearer hush-hush", "a=hush%0Ahush", "a=hüsh-hush"])
def test_a_malformed_header_is_left_out_without_being_shown(text):
    read, said = parameters({f"{TRACES}HEADERS": f"good=1,{text}"})

    assert read["headers"] == {"good": "1"}
    (line,) = said
    assert "hush" not in line
    assert "item 2 is not name=value" in line


def test_tls_files_are_read_for_secure_endpoints_only():
    environ = {f"{GENERAL}CERTIFICATE": "/ca.pem", f"{TRACES}CLIENT_KEY": "/key.pem"}

    assert "certificate" not in parameters(environ)[0]
    read, _ = parameters({**environ, f"{GENERAL}ENDPOINT": "https://h:1"})
    assert (read["certificate"], read["client_key"], read["client_certificate"]) == ("/ca.pem", "/key.pem", "")

"""What goes over the wire: TLS, headers, credentials that change, several destinations; in both modes."""

from __future__ import annotations

import hashlib
from textwrap import dedent

import pytest
from distributions import write_plugin
from peers import http_peer
from processes import configured, instrumented, said
from releases import needs_yaml
from sinks import SINKS, Certificates, grpc_sink, http_sink

ONE_SPAN = """
    from opentelemetry import trace
    with trace.get_tracer("t").start_as_current_span("hello"):
        pass
"""
TRACES = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
PROTOCOLS = ["grpc", "http/protobuf"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


def exporter_in_file(protocol: str, port: int, properties: str, scheme: str = "http") -> str:
    name = "otlp_grpc" if protocol == "grpc" else "otlp_http"
    path = "" if protocol == "grpc" else "/v1/traces"
    return f"""
        file_format: "1.0"
        tracer_provider:
          processors:
            - batch: {{exporter: {{{name}: {{endpoint: "{scheme}://localhost:{port}{path}", {properties}}}}}}}
    """


def in_settings(protocol: str, port: int, scheme: str = "http", **more: str) -> dict[str, str]:
    suffixes = {f"OTEL_EXPORTER_OTLP_{name}": text for name, text in more.items()}
    return {**TRACES, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"{scheme}://localhost:{port}", **suffixes}  # fmt: skip


@pytest.mark.parametrize("mutual", [False, True], ids=["tls", "mtls"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tls_by_variables(certificates, protocol, mutual):
    files = {"CERTIFICATE": certificates["ca.pem"]}
    if mutual:
        files |= {
            "TRACES_CLIENT_KEY": certificates["client.key"],
            "TRACES_CLIENT_CERTIFICATE": certificates["client.pem"],
        }
    with SINKS[protocol](certificates, mutual) as sink:
        result = instrumented(ONE_SPAN, in_settings(protocol, sink.port, "https", **files))

    assert result.stderr == ""
    assert len(sink.requests) == 1


@needs_yaml
@pytest.mark.parametrize("mutual", [False, True], ids=["tls", "mtls"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tls_by_file(tmp_path, certificates, protocol, mutual):
    client = f", key_file: {certificates['client.key']}, cert_file: {certificates['client.pem']}" if mutual else ""
    with SINKS[protocol](certificates, mutual) as sink:
        tls = f"tls: {{ca_file: {certificates['ca.pem']}{client}}}"
        result = configured(ONE_SPAN, exporter_in_file(protocol, sink.port, tls, "https"), tmp_path)

    assert result.stderr == ""
    assert len(sink.requests) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_headers_compression_and_the_agent_by_variables(protocol):
    with SINKS[protocol]() as sink:
        env = in_settings(protocol, sink.port, HEADERS="x-a=1,x-b=b%20b", COMPRESSION="gzip", TRACES_TIMEOUT="0")
        result = instrumented(ONE_SPAN, env)

    assert result.stderr == ""
    (headers,) = sink.headers()
    assert (headers["x-a"], headers["x-b"]) == ("1", "b b")
    assert headers["user-agent"].startswith("distrokit/")
    assert protocol == "grpc" or headers["content-encoding"] == "gzip"


@needs_yaml
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_headers_and_compression_by_file_and_nothing_of_the_environment(tmp_path, protocol):
    env = {"OTEL_EXPORTER_OTLP_HEADERS": "x-a=leak,x-c=leak", "OTEL_EXPORTER_OTLP_COMPRESSION": "nonsense"}
    with SINKS[protocol]() as sink:
        properties = 'headers: [{name: X-A, value: "1"}, {name: x-n, value: }], headers_list: "x-a=0,x-b=2", compression: gzip, timeout: 50'
        result = configured(ONE_SPAN, exporter_in_file(protocol, sink.port, properties), tmp_path, env)

    assert result.stderr == ""
    # Where fifty milliseconds were too few, it was sent again.
    assert sink.headers()
    for headers in sink.headers():
        assert (headers["x-a"], headers["x-b"]) == ("1", "2")
        assert not {"x-c", "x-n"} & set(headers)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_headers_from_a_file_are_read_again_when_it_changes(tmp_path, protocol):
    secret = tmp_path / "headers"
    secret.write_text("x-token=first\nx-other=1\n")
    program = f"""
        from pathlib import Path
        from opentelemetry import trace
        for token in ("second", "third"):
            trace.get_tracer("t").start_span("hello").end()
            trace.get_tracer_provider().force_flush()
            Path({str(secret)!r}).write_text(f"x-token={{token}}")
        Path({str(secret)!r}).unlink()
        trace.get_tracer("t").start_span("hello").end()
    """
    source = """
        from distrokit import hookimpl
        @hookimpl
        def distrokit_exporter_options(exporter, options):
            options.headers["x-tenant"] = "blue"
    """
    with SINKS[protocol]() as sink:
        env = in_settings(protocol, sink.port, HEADERS_FILE=str(secret))
        result = instrumented(program, env, [write_plugin(tmp_path, "tenant", source)])

    # The file is gone by the third export, and that is said once.
    (line,) = result.stderr.splitlines()
    assert f"OTEL_EXPORTER_OTLP_HEADERS_FILE={secret}: No such file or directory; the previous headers" in line
    assert [headers["x-token"] for headers in sink.headers()] == ["first", "second", "second"]
    # What the file no longer has is no longer sent.
    assert ["x-other" in headers for headers in sink.headers()] == [True, False, False]
    # What a plugin has added beside the file stays.
    assert [headers["x-tenant"] for headers in sink.headers()] == ["blue"] * 3


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_plugin_refreshes_credentials_that_expire(tmp_path, protocol):
    source = """
        from distrokit import hookimpl
        @hookimpl
        def distrokit_exporter_options(exporter, options):
            asked = []
            def refresh():
                asked.append(1)
                if len(asked) == 2:
                    raise OSError("the vault is closed")
                return {"Authorization": f"token-{len(asked)}"}
            options.refresh_headers = refresh
    """
    program = """
        from opentelemetry import trace
        for _ in range(3):
            trace.get_tracer("t").start_span("hello").end()
            trace.get_tracer_provider().force_flush()
    """
    with SINKS[protocol]() as sink:
        env = in_settings(protocol, sink.port, HEADERS="x-a=1")
        result = instrumented(program, env, [write_plugin(tmp_path, "vault", source)])

    assert said(result) == []
    tokens = [headers["authorization"] for headers in sink.headers()]
    assert len(tokens) == 3
    assert tokens[0] == tokens[1] == "token-1"
    assert all(headers["x-a"] == "1" for headers in sink.headers())


def test_a_plugin_signs_each_request_in_a_child_too(tmp_path):
    source = """
        from distrokit import hookimpl
        @hookimpl
        def distrokit_exporter_options(exporter, options):
            import hashlib
            from requests.auth import AuthBase

            class Signed(AuthBase):
                def __call__(self, request):
                    seen = f"{request.method} {request.url} {request.headers['x-fresh']} ".encode() + request.body
                    request.headers["x-signature"] = hashlib.sha256(seen).hexdigest()
                    return request

            options.refresh_headers = lambda: {"x-fresh": "now"}
            options.credentials = Signed()
    """
    program = """
        import os
        from opentelemetry import trace
        trace.get_tracer("t").start_span("parent").end()
        trace.get_tracer_provider().force_flush()
        if child := os.fork():
            os.waitpid(child, 0)
        trace.get_tracer("t").start_span("again").end()
    """
    with http_peer() as peer:
        url = f"{peer.endpoint}/v1/traces"
        env = {**TRACES, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": url}
        result = instrumented(program, env, [write_plugin(tmp_path, "vault", source)])
        requests = peer.ledger.requests

    assert said(result) == []
    assert len(requests) == 3
    for request in requests:
        # Protobuf writes these messages as it has read them.
        seen = f"POST {url} now ".encode() + request.message.SerializeToString()
        assert request.headers["x-signature"] == hashlib.sha256(seen).hexdigest()


def test_a_secret_that_cannot_be_read_is_said(tmp_path):
    env = {**TRACES, "OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_HEADERS_FILE": str(tmp_path / "nowhere")}

    result = instrumented("pass", env)

    (line,) = said(result)
    assert line.startswith(f"distrokit: OTEL_EXPORTER_OTLP_HEADERS_FILE={tmp_path}/nowhere: No such file or directory")


def test_two_destinations_with_their_own_protocol_headers_and_processor():
    with grpc_sink() as first, http_sink() as second:
        env = {
            **in_settings("grpc", first.port, HEADERS="api-key=for-the-first"),
            "OTEL_TRACES_EXPORTER": "otlp,otlp/backup",
            "OTEL_EXPORTER_OTLP_PROTOCOL__BACKUP": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT__BACKUP": f"http://localhost:{second.port}",
            "OTEL_EXPORTER_OTLP_HEADERS__BACKUP": "x-backup=yes",
            "DISTROKIT_TRACES_PROCESSOR__BACKUP": "simple",
        }
        two_spans = dedent(ONE_SPAN) * 2
        result = instrumented(two_spans, env)

    assert result.stderr == ""
    (first_headers,) = first.headers()
    assert first_headers["api-key"] == "for-the-first"
    assert [path for path, _ in second.requests] == ["/v1/traces"] * 2
    assert all(headers["x-backup"] == "yes" and "api-key" not in headers for headers in second.headers())


@needs_yaml
def test_two_destinations_by_file(tmp_path):
    with http_sink() as first, http_sink() as second:
        file = f"""
            file_format: "1.0"
            tracer_provider:
              processors:
                - batch:
                    exporter:
                      otlp_http:
                        endpoint: http://localhost:{first.port}/v1/traces
                        headers: [{{name: api-key, value: for-the-first}}]
                - simple: {{exporter: {{otlp_http: {{endpoint: "http://localhost:{second.port}/own"}}}}}}
        """
        result = configured(ONE_SPAN, file, tmp_path)

    assert result.stderr == ""
    assert first.headers()[0]["api-key"] == "for-the-first"
    assert [path for path, _ in second.requests] == ["/own"]
    assert "api-key" not in second.headers()[0]


def test_an_unknown_instance_and_a_plain_name_with_a_slash():
    env = {**TRACES, "OTEL_TRACES_EXPORTER": "otpl/backup,console/"}

    lines = said(instrumented("pass", env))

    assert lines[0].startswith("distrokit: OTEL_TRACES_EXPORTER=otpl/backup: there is no such exporter for traces")
    assert lines[1].startswith("distrokit: OTEL_TRACES_EXPORTER=console/: there is no such exporter for traces")

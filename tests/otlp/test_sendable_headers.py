"""Headers that the protocol owns or cannot carry are left out by name, wherever they come from; everything arrives."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from distributions import write_plugin
from exporting import exporting
from peers import PEERS
from plans import plugin
from processes import configured, instrumented, said
from releases import needs_yaml

HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
BOTH = {
    "content-encoding": "gzip",
    "content-length": "3",
    "content-type": "text/plain",
    "expect": "100-continue",
    "http2-settings": "AAMAAABk",
    "keep-alive": "hush-hush",
    "proxy-connection": "close",
    "te": "trailers, deflate",
    "trailer": "x-a",
    "transfer-encoding": "chunked",
    "upgrade": "h2c",
}
OWN = [
    *((protocol, name, value) for protocol in PEERS for name, value in BOTH.items()),
    ("http/protobuf", "accept-encoding", "gzip"),
    ("http/protobuf", "connection", "upgrade"),
    ("grpc", "connection", "close"),
    ("grpc", "grpc-timeout", "1S"),
    ("grpc", "grpc-trace-bin", "AAE"),
    ("grpc", "host", "other.example"),
    ("grpc", "user-agent", "hush-hush"),
]


@pytest.mark.parametrize(("protocol", "name", "value"), OWN)
def test_what_the_protocol_sets_by_itself(protocol, name, value):
    transport = "grpc" if protocol == "grpc" else "HTTP"
    given = {HEADERS: f"x-good=1,{name}={quote(value)}"}
    with PEERS[protocol]() as peer, exporting(protocol, "traces", peer, given) as sent:
        assert sent.attempt("abc") is None
        (request,) = peer.ledger.requests
        assert request.headers["x-good"] == "1"
        assert request.headers.get(name) != value
        # Three signals read it, and it is said once.
        assert sent.problems == [
            f"{HEADERS}=****: {transport} sets the header {name!r} by itself; that header is left out. Correct {HEADERS}."
        ]


@pytest.mark.parametrize(
    ("protocol", "name", "value"),
    [
        ("http/protobuf", "connection", "close"),
        ("http/protobuf", "host", "tenant.example"),
        ("http/protobuf", "trace-bin", "AAE"),
        ("http/protobuf", "user-agent", "mine"),
        ("http/protobuf", "x!y", "1"),
        ("grpc", "accept-encoding", "identity"),
        ("grpc", "x_y.z", "1"),
        ("grpc", "x-empty", ""),
    ],
)
def test_what_can_be_sent_is_sent(protocol, name, value):
    with PEERS[protocol]() as peer, exporting(protocol, "logs", peer, {HEADERS: f"{name}={value}"}) as sent:
        assert sent.attempt("abc") is None
        assert peer.ledger.requests[0].headers[name] == value
        assert sent.problems == []


@pytest.mark.parametrize("name", ["'x-a", "x!y", "x~y", "x|y"])
def test_names_that_grpc_cannot_carry(name):
    with PEERS["grpc"]() as peer, exporting("grpc", "traces", peer, {HEADERS: f"{quote(name)}=hush-hush"}) as sent:
        assert sent.attempt("abc") is None
        (line,) = sent.problems
        assert f"grpc cannot carry a header named {name!r}: only letters, digits" in line
        assert "hush" not in line


def test_a_credential_in_place_of_a_name_is_not_shown():
    with PEERS["grpc"]() as peer, exporting("grpc", "traces", peer, {HEADERS: "aHVzaC1+odXNo=="}) as sent:
        assert sent.attempt("abc") is None
        assert "grpc cannot carry such a header's name" in sent.problems[0]
        assert "ahvzac" not in sent.problems[0].lower()


@pytest.mark.parametrize(("text", "arrives"), [("AAE", b"\0\1"), ("AAE=", b"\0\1"), ("", b"")])
def test_binary_headers_of_grpc(text, arrives):
    with PEERS["grpc"]() as peer, exporting("grpc", "metrics", peer, {HEADERS: f"trace-bin={text}"}) as sent:
        assert sent.attempt("abc") is None
        assert peer.ledger.requests[0].headers["trace-bin"] == str(arrives)
        assert sent.problems == []


@pytest.mark.parametrize("text", ["%25%25%25", "A", "A-_A"])
def test_binary_headers_that_are_none(text):
    with PEERS["grpc"]() as peer, exporting("grpc", "metrics", peer, {HEADERS: f"trace-bin={text}"}) as sent:
        assert sent.attempt("abc") is None
        assert "the value of 'trace-bin' is not base64" in sent.problems[0]


# ------------------------------------------------------------------------------ the other sources


@pytest.mark.parametrize("protocol", PEERS)
def test_a_plugin_that_gives_them(protocol, caplog):
    def distrokit_exporter_options(exporter, options):
        options.headers["Transfer-Encoding"] = "chunked"
        options.refresh_headers = lambda: {"TE": "trailers", "x-fresh": "1"}

    modifying = plugin(distrokit_exporter_options=distrokit_exporter_options)
    with PEERS[protocol]() as peer, exporting(protocol, "traces", peer, acme=modifying) as sent:
        assert sent.attempt("a") is None
        assert sent.attempt("b") is None
        for request in peer.ledger.requests:
            assert request.headers["x-fresh"] == "1"
            assert not {"te", "transfer-encoding"} & set(request.headers)
    transport = "grpc" if protocol == "grpc" else "HTTP"
    told = [record.getMessage() for record in caplog.records if "left out" in record.getMessage()]
    assert told == [
        f"otlp traces: {transport} sets the header {name!r} by itself; that header is left out"
        for name in ("transfer-encoding", "te")
    ]


@pytest.mark.parametrize("protocol", PEERS)
def test_a_file_of_headers_that_changes(protocol, tmp_path, caplog):
    file = tmp_path / "headers"
    file.write_text("x-good=1\nte=trailers\n")
    with PEERS[protocol]() as peer, exporting(protocol, "traces", peer, {f"{HEADERS}_FILE": str(file)}) as sent:
        assert sent.attempt("a") is None
        file.write_text("x-good=2\nte=trailers\nupgrade=h2c\n")
        assert sent.attempt("b") is None
        assert [request.headers["x-good"] for request in peer.ledger.requests] == ["1", "2"]
        (line,) = sent.problems
    assert line.startswith(f"{HEADERS}_FILE=****: ")
    assert "sets the header 'te' by itself" in line
    told = [record.getMessage() for record in caplog.records if "left out" in record.getMessage()]
    assert ["'upgrade'" in message for message in told] == [True]


@needs_yaml
@pytest.mark.parametrize("protocol", PEERS)
def test_a_configuration_file(protocol, tmp_path):
    kind, path = ("otlp_grpc", "") if protocol == "grpc" else ("otlp_http", "/v1/traces")
    program = "from opentelemetry import trace; trace.get_tracer('t').start_span('hello').end()"
    with PEERS[protocol]() as peer:
        exporter = (
            f'endpoint: "{peer.endpoint}{path}", headers: [{{name: TE, value: hush-hush}}, {{name: x-a, value: "1"}}]'
        )
        file = f"""
            file_format: "1.0"
            tracer_provider: {{processors: [{{batch: {{exporter: {{{kind}: {{{exporter}}}}}}}}}]}}
        """
        result = configured(program, file, tmp_path)
        (request,) = peer.ledger.requests
    (line,) = said(result)
    assert line.startswith("distrokit: otel.yaml:3:")
    assert "sets the header 'te' by itself; that header is left out. Correct otel.yaml:3:" in line
    assert request.headers["x-a"] == "1"
    assert "hush" not in result.stderr


def test_a_plugin_that_gives_them_in_a_process(tmp_path):
    source = """
        from distrokit import hookimpl
        @hookimpl
        def distrokit_exporter_options(exporter, options):
            options.headers["connection"] = "hush-hush"
    """
    program = """
        import logging
        from opentelemetry import trace
        with trace.get_tracer("t").start_as_current_span("hello"):
            logging.getLogger("shop").warning("hello")
    """
    with PEERS["grpc"]() as peer:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint, "OTEL_METRICS_EXPORTER": "none"}
        result = instrumented(program, env, [write_plugin(tmp_path, "tenant", source)])
        assert {request.signal for request in peer.ledger.requests} == {"traces", "logs"}
    for signal in ("traces", "logs"):
        assert result.stderr.count(f"otlp {signal}: grpc sets the header 'connection' by itself") == 1
    assert "hush" not in result.stderr

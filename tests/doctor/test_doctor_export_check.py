"""The export checks: every fault is made for real, and doctor names it with what to do; and is quiet when all is well."""

from __future__ import annotations

import json

import grpc
import pytest
from answering import Authority, closed_port, grpc_answering, http_answering, silent
from commands import in_process
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from processes import distrokit

from distrokit_otlp.diagnosis import protocol_sniffing as sniffing
from distrokit_otlp.diagnosis.mismatch import detect_mismatch

#: One signal: one export.
TRACES = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", "OTEL_SERVICE_NAME": "shop"}
PROTOCOLS = ["grpc", "http/protobuf"]
#: For receivers that do not answer what is sent; how long is waited for them is not what is tested.
SOON = {"OTEL_EXPORTER_OTLP_TIMEOUT": "500"}
PARTIAL = ExportTraceServiceResponse(
    partial_success=ExportTracePartialSuccess(rejected_spans=1, error_message="quota is used up")
).SerializeToString()


def export_checks(port, protocol="grpc", scheme="http", host="127.0.0.1", **env):
    """The export checks by id, and doctor's exit code."""
    settings = {
        **TRACES,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"{scheme}://{host}:{port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "NO_PROXY": "*",
        "no_proxy": "*",
        **env,
    }
    result = in_process("doctor", "--json", env=settings)
    assert result.stderr == ""
    data = json.loads(result.stdout)
    assert (result.returncode, data["schema"]) == (0 if data["ok"] else 1, 1)
    return {check["id"]: check for check in data["checks"] if check["group"] == "export"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_all_is_well(receiver, protocol):
    env = {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "otlp", "NO_PROXY": "127.0.0.1"}
    endpoint = receiver.endpoint(protocol)

    # In a process of its own, as a user has it.
    result = distrokit(
        "doctor",
        "--json",
        env={**TRACES, **env, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol},
    )

    checks = [check for check in json.loads(result.stdout)["checks"] if check["group"] == "export"]
    assert [check["verdict"] for check in checks] == ["ok"] * 5
    assert [check["id"] for check in checks] == ["otlp-name", "otlp-connection", *["otlp-answer"] * 3]
    assert "otlp traces: 127.0.0.1:" in checks[2]["evidence"]
    # Each says of itself what it is.
    (span,) = receiver.store.spans()
    (point,) = receiver.store.points()
    (record,) = receiver.store.logs()
    for item in (span, point, record):
        assert (item.scope.name, item.attributes) == ("distrokit.doctor", {"distrokit.check": True})
        assert item.resource["service.name"] == "shop"


def test_all_is_well_over_json(receiver):
    env = {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "otlp"}

    for _ in range(3):
        checks = export_checks(receiver.http_port, "http/json", **env)
        assert {check["verdict"] for check in checks.values()} == {"ok"}


def test_nothing_is_sent_offline(receiver):
    result = in_process("doctor", "--offline", env={"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")})

    assert "\nexport\n" not in result.stdout
    assert receiver.store.requests() == []


def test_a_name_that_does_not_exist():
    check = export_checks(4317, host="collector.invalid")["otlp-name"]

    assert check["verdict"] == "fail"
    assert check["evidence"].startswith("the name collector.invalid cannot be resolved: ")
    assert check["remedy"] == "Correct OTEL_EXPORTER_OTLP_ENDPOINT."


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_closed_port(protocol):
    port = closed_port()

    checks = export_checks(port, protocol)

    assert checks["otlp-connection"]["verdict"] == "fail"
    assert checks["otlp-connection"]["evidence"] == f"nothing listens at 127.0.0.1:{port} (connection refused)"
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in checks["otlp-connection"]["remedy"]
    assert "otlp-answer" not in checks


def test_the_signals_own_endpoint_is_named():
    env = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{closed_port()}"}

    assert "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" in export_checks(1, **env)["otlp-connection"]["remedy"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_receiver_that_never_answers(protocol, monkeypatch):
    monkeypatch.setattr(detect_mismatch, "__defaults__", (0.5,))

    with silent() as port:
        check = export_checks(port, protocol, **SOON)["otlp-answer"]

    assert check["verdict"] == "fail"
    assert f"otlp traces: 127.0.0.1:{port} " in check["evidence"]


def test_a_receiver_that_answers_too_late():
    with grpc_answering(seconds=30) as port:
        check = export_checks(port, **SOON)["otlp-answer"]

    assert check["evidence"] == f"otlp traces: 127.0.0.1:{port} accepts connections, but did not answer"


def test_http_where_grpc_is_expected():
    with http_answering() as port:
        check = export_checks(port, **SOON)["otlp-answer"]

    assert check["evidence"] == f"otlp traces: 127.0.0.1:{port} speaks HTTP/1, which is not grpc, and grpc was sent"
    assert check["remedy"] == "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"


def test_grpc_where_http_is_expected():
    with grpc_answering() as port:
        check = export_checks(port, "http/protobuf", **SOON)["otlp-answer"]

    assert "speaks HTTP/2 only, which is grpc, and http/protobuf was sent" in check["evidence"]
    assert check["remedy"] == "export OTEL_EXPORTER_OTLP_PROTOCOL=grpc"


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_over_http(status):
    with http_answering(status, b"no such key", {"content-type": "text/plain"}) as port:
        check = export_checks(port, "http/protobuf")["otlp-answer"]

    assert f"answered {status} " in check["evidence"]
    assert ": no such key (it does not accept these credentials)" in check["evidence"]
    assert check["remedy"] == "export OTEL_EXPORTER_OTLP_HEADERS='authorization=Bearer%20…'"


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED])
def test_credentials_over_grpc(code):
    with grpc_answering(code=code, details="no such key") as port:
        check = export_checks(port)["otlp-answer"]

    assert f"answered {code.name}: no such key (it does not accept these credentials)" in check["evidence"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_partial_success_is_a_failure(protocol):
    answering = grpc_answering(PARTIAL) if protocol == "grpc" else http_answering(200, PARTIAL)
    with answering as port:
        check = export_checks(port, protocol)["otlp-answer"]

    assert check["verdict"] == "fail"
    assert check["evidence"].endswith("accepted the request and rejected the item: quota is used up")


@pytest.mark.parametrize(
    ("status", "body", "headers", "evidence", "remedy"),
    [
        (404, b"", {}, "answered 404 Not Found", "receivers usually take traces at /v1/traces."),
        (
            400,
            b"\x08\x03\x12\x07no span",
            {"content-type": "application/x-protobuf"},
            ": no span (it can be reached",
            "own log",
        ),
        (
            503,
            b"busy",
            {},
            "answered 503 Service Unavailable: busy (it can be reached, but did not accept the item)",
            "own log",
        ),
        (
            302,
            b"",
            {"location": "https://login.example/"},
            "redirects to https://login.example/",
            "final address",
        ),
        (
            200,
            b"<html>Welcome</html>",
            {"content-type": "text/html"},
            "Welcome</html> (not an OTLP receiver)",
            "Correct",
        ),
        (
            200,
            b'{"partialSuccess": {"rejectedSpans": "1", "errorMessage": "quota"}}',
            {"content-type": "application/json"},
            "rejected the item: quota",
            "own log",
        ),
    ],
)
def test_what_else_is_answered_over_http(status, body, headers, evidence, remedy):
    with http_answering(status, body, headers) as port:
        check = export_checks(port, "http/protobuf", **SOON)["otlp-answer"]

    assert check["verdict"] == "fail"
    assert evidence in check["evidence"]
    assert remedy in check["remedy"]


@pytest.mark.parametrize(
    ("body", "headers", "shown"),
    [
        (b'{"hello": "world"}', {"content-type": "application/json"}, """'{"hello": "world"}'"""),
        (b"x" * 5000, {}, "'" + "x" * 200 + "'"),
        (b"OK", {}, "'OK'"),
    ],
)
def test_a_success_that_is_no_otlp_answer_is_doubtful(body, headers, shown):
    with http_answering(200, body, headers) as port:
        check = export_checks(port, "http/protobuf", **SOON)["otlp-answer"]

    assert check["verdict"] == "warn"
    assert f" ms, and answered 200 OK: {shown}, which is not an OTLP response" in check["evidence"]
    assert "if not, correct OTEL_EXPORTER_OTLP_ENDPOINT." in check["remedy"]


def test_a_receiver_without_one_of_the_signals():
    def is_metrics(method):
        return "metrics" in method

    with grpc_answering(code=grpc.StatusCode.UNIMPLEMENTED, refuses=is_metrics) as port:
        env = {**TRACES, "OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
        result = in_process("doctor", env={**env, "no_proxy": "*"})

    assert "ok    otlp-answer: otlp traces" in result.stdout
    assert f"FAIL  otlp-answer: otlp metrics: 127.0.0.1:{port} answered UNIMPLEMENTED" in result.stdout
    assert "→ export OTEL_METRICS_EXPORTER=none" in result.stdout


def test_a_receiver_without_one_of_the_signals_of_a_file(tmp_path):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
    with grpc_answering(code=grpc.StatusCode.UNIMPLEMENTED) as port:
        exporter = f"{{otlp_grpc: {{endpoint: 'http://127.0.0.1:{port}'}}}}"
        (tmp_path / "otel.yaml").write_text(
            f'file_format: "1.0"\ntracer_provider: {{processors: [{{batch: {{exporter: {exporter}}}}}]}}\n'
        )
        result = in_process("doctor", env={"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml"), "no_proxy": "*"})

    # The variable would have no effect.
    assert f"→ Remove the exporter at {tmp_path}/otel.yaml:2:" in result.stdout
    assert "OTEL_TRACES_EXPORTER" not in result.stdout


def test_a_receiver_that_only_has_something_to_say():
    said = ExportTraceServiceResponse(partial_success=ExportTracePartialSuccess(error_message="please upgrade"))
    with http_answering(200, said.SerializeToString()) as port:
        assert export_checks(port, "http/protobuf")["otlp-answer"]["verdict"] == "ok"
    with http_answering(
        200, b'{"partialSuccess": {"errorMessage": "hi"}}', {"content-type": "application/json"}
    ) as port:
        assert export_checks(port, "http/protobuf")["otlp-answer"]["verdict"] == "ok"


def test_a_receiver_that_is_busy_once():
    answers = [503]
    with http_answering(lambda: answers.pop() if answers else 200) as port:
        assert export_checks(port, "http/protobuf")["otlp-answer"]["verdict"] == "ok"
    assert answers == []


def test_a_json_answer_that_is_well():
    with http_answering(200, b'{"partialSuccess": {}}', {"content-type": "application/json"}) as port:
        assert export_checks(port, "http/protobuf")["otlp-answer"]["verdict"] == "ok"


@pytest.mark.parametrize(
    ("env", "remedy"),
    [
        ({"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, "export OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc"),
        (
            {"OTEL_TRACES_EXPORTER": "otlp_proto_http,console"},
            "export OTEL_TRACES_EXPORTER=otlp,console OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
        ),
        (
            {"OTEL_TRACES_EXPORTER": "otlp/b", "OTEL_EXPORTER_OTLP_PROTOCOL__B": "http/protobuf"},
            "export OTEL_EXPORTER_OTLP_PROTOCOL__B=grpc",
        ),
    ],
)
def test_the_remedy_names_what_decides(env, remedy):
    with grpc_answering() as port:
        second = (
            {"OTEL_EXPORTER_OTLP_ENDPOINT__B": f"http://127.0.0.1:{port}", "OTEL_EXPORTER_OTLP_TIMEOUT__B": "500"}
            if "__B" in str(env)
            else {}
        )
        assert export_checks(port, **SOON, **env, **second)["otlp-answer"]["remedy"] == remedy


def test_the_credentials_of_a_second_destination():
    with http_answering(401) as port:
        env = {
            "OTEL_TRACES_EXPORTER": "otlp/b",
            "OTEL_EXPORTER_OTLP_PROTOCOL__B": "http/protobuf",
            "OTEL_EXPORTER_OTLP_HEADERS__B": "a=b",
            "OTEL_EXPORTER_OTLP_ENDPOINT__B": f"http://127.0.0.1:{port}",
        }
        check = export_checks(port, **env)["otlp-answer"]

    assert check["remedy"] == "export OTEL_EXPORTER_OTLP_HEADERS__B='authorization=Bearer%20…'"


def test_a_unix_socket_that_is_not_there(tmp_path):
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"unix://{tmp_path}/socket", **SOON}

    check = export_checks(1, **env)["otlp-answer"]

    assert "cannot be reached" in check["evidence"]


def test_words_of_a_receiver_do_not_control_the_terminal():
    with grpc_answering(code=grpc.StatusCode.INTERNAL, details="why \x1b[31mred") as port:
        env = {**TRACES, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "no_proxy": "*"}
        result = in_process("doctor", env=env)

    assert "\\x1b[31mred" in result.stdout
    assert "\x1b" not in result.stdout + result.stderr


# ------------------------------------------------------------------------------------------ TLS


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def tls(authority, context, host="localhost", **env):
    with http_answering(context=context) as port:
        settings = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(authority.folder / "ca.pem"), **env}
        return export_checks(port, "http/protobuf", "https", host, **settings)


def test_tls_that_is_well(authority):
    checks = tls(authority, authority.context("localhost"))

    assert checks["otlp-tls"]["verdict"] == checks["otlp-answer"]["verdict"] == "ok"
    assert "TLSv1.3, its certificate is valid until 20" in checks["otlp-tls"]["evidence"]


@pytest.mark.parametrize(
    ("names", "days", "evidence", "remedy"),
    [
        (["other.example"], 300, "certificate is not valid for 'localhost'", "Write a name that is in the certificate"),
        (["localhost"], -3, "certificate has expired", "Have the receiver's certificate renewed"),
    ],
)
def test_a_certificate_that_is_refused(authority, names, days, evidence, remedy):
    checks = tls(authority, authority.context(*names, days=days))

    assert checks["otlp-tls"]["verdict"] == "fail"
    assert evidence in checks["otlp-tls"]["evidence"]
    assert checks["otlp-tls"]["remedy"].startswith(remedy)
    assert "otlp-answer" not in checks


def test_a_certificate_of_an_unknown_authority(authority):
    checks = tls(authority, authority.context("localhost"), OTEL_EXPORTER_OTLP_CERTIFICATE="")

    assert "unable to get local issuer" in checks["otlp-tls"]["evidence"] or "self" in checks["otlp-tls"]["evidence"]
    assert checks["otlp-tls"]["remedy"] == "export OTEL_EXPORTER_OTLP_CERTIFICATE=/path/to/the/ca.pem"


def test_a_certificate_that_ends_soon(authority):
    check = tls(authority, authority.context("localhost", days=5))["otlp-tls"]

    assert (check["verdict"], check["remedy"]) == ("warn", "Have the receiver's certificate renewed.")


def test_a_client_certificate_that_is_wanted(authority):
    client = {
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(authority.folder / "client.pem"),
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(authority.folder / "client.key"),
    }
    without = tls(authority, authority.context("localhost", mutual=True))
    having = tls(authority, authority.context("localhost", mutual=True), **client)

    assert "requires a client certificate that it trusts" in without["otlp-tls"]["evidence"]
    assert "export OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=" in without["otlp-tls"]["remedy"]
    assert {check["verdict"] for check in having.values()} == {"ok"}


@pytest.mark.parametrize(("protocol", "variable"), [("http/protobuf", "REQUESTS_CA_BUNDLE")])
def test_authorities_that_the_exporter_finds_by_itself(authority, protocol, variable):
    ca = str(authority.folder / "ca.pem")

    checks = tls(authority, authority.context("localhost"), OTEL_EXPORTER_OTLP_CERTIFICATE="", **{variable: ca})

    assert checks["otlp-tls"]["verdict"] == checks["otlp-answer"]["verdict"] == "ok"


def test_grpc_has_a_variable_of_its_own_for_authorities(authority):
    from sinks import Certificates, grpc_sink

    certificates = Certificates(authority.folder)
    with grpc_sink(certificates) as sink:
        well = export_checks(
            sink.port, scheme="https", host="localhost", GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=certificates["ca.pem"]
        )
        wrong = export_checks(
            sink.port,
            "http/protobuf",
            "https",
            "localhost",
            OTEL_EXPORTER_OTLP_CERTIFICATE=certificates["ca.pem"],
            **SOON,
        )

    assert (well["otlp-tls"]["verdict"], well["otlp-answer"]["verdict"]) == ("ok", "ok")
    assert "speaks HTTP/2 only, which is grpc" in wrong["otlp-answer"]["evidence"]


def test_http_inside_tls_where_grpc_is_expected(authority):
    with http_answering(context=authority.context("localhost")) as port:
        env = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(authority.folder / "ca.pem")}
        check = export_checks(port, scheme="https", host="localhost", **SOON, **env)["otlp-answer"]

    assert "speaks HTTP/1, which is not grpc" in check["evidence"]
    assert check["remedy"] == "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"


@pytest.mark.parametrize(
    ("env", "evidence"),
    [
        ({"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "{}/client.key"}, "it holds a private key, but no certificate"),
        (
            {
                "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "{}/client.pem",
                "OTEL_EXPORTER_OTLP_CLIENT_KEY": "{}/ca.pem",
            },
            "OTEL_EXPORTER_OTLP_CLIENT_KEY={}/ca.pem: it holds a certificate, but no private key",
        ),
    ],
)
def test_certificate_files_that_cannot_be_used(authority, env, evidence):
    env = {name: text.format(authority.folder) for name, text in env.items()}

    check = tls(authority, authority.context("localhost"), **env)["otlp-tls"]

    assert check["verdict"] == "fail"
    assert evidence.format(authority.folder) in check["evidence"]


@pytest.mark.parametrize("client", [False, True])
def test_grpc_with_client_certificates(authority, client):
    from sinks import Certificates, grpc_sink

    certificates = Certificates(authority.folder)
    env = {"OTEL_EXPORTER_OTLP_CERTIFICATE": certificates["ca.pem"]}
    if client:
        env["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"] = certificates["client.pem"]
        env["OTEL_EXPORTER_OTLP_CLIENT_KEY"] = certificates["client.key"]
    with grpc_sink(certificates, mutual=True) as sink:
        checks = export_checks(sink.port, scheme="https", host="localhost", **env)

    assert checks["otlp-tls"]["verdict"] == ("ok" if client else "fail")
    assert client or "requires a client certificate" in checks["otlp-tls"]["evidence"]


def test_another_scheme_leaves_the_path(authority):
    with http_answering(context=authority.context("localhost")) as port:
        own = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://localhost:{port}/v1/traces"}
        general = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://localhost:{port}/otlp"}
        for env in (own, general):
            ((name, url),) = env.items()
            check = export_checks(1, "http/protobuf", **SOON, **env)["otlp-answer"]
            assert check["remedy"] == f"export {name}={url.replace('http:', 'https:')}"


def test_the_protocol_at_a_port_is_detected(authority, receiver):
    """Doctor does not sniff where an exporter got a response, so the functions are tested directly."""
    with http_answering(context=authority.context("localhost")) as tls_port, http_answering() as port:
        ways = [sniffing.detect_protocol("localhost", one) for one in (port, receiver.grpc_port, closed_port())]
        assert ways == ["http/1", "http/2", ""]
        assert [sniffing.detect_protocol_in_tls("localhost", one) for one in (tls_port, closed_port())] == [
            "http/1",
            "",
        ]
        assert [sniffing.speaks_tls("localhost", one) for one in (tls_port, port, closed_port())] == [
            True,
            False,
            False,
        ]
        assert [sniffing.listens("localhost", one) for one in (port, closed_port())] == [True, False]


def test_tls_asked_of_plaintext(receiver):
    checks = export_checks(receiver.grpc_port, scheme="https", host="localhost")

    assert checks["otlp-tls"]["evidence"] == f"localhost:{receiver.grpc_port} speaks plaintext, and TLS was sent"
    assert checks["otlp-tls"]["remedy"] == f"export OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:{receiver.grpc_port}"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plaintext_sent_to_tls(authority, protocol):
    with http_answering(context=authority.context("localhost")) as port:
        check = export_checks(port, protocol, host="localhost", **SOON)["otlp-answer"]

    assert "speaks TLS, and plaintext was sent" in check["evidence"]
    assert check["remedy"] == f"export OTEL_EXPORTER_OTLP_ENDPOINT=https://localhost:{port}"


# ---------------------------------------------------------------------------------------- proxies


@pytest.mark.parametrize(("protocol", "variable"), [("grpc", "http_proxy"), ("http/protobuf", "HTTP_PROXY")])
def test_a_proxy_in_between_that_is_dead(protocol, variable):
    port = closed_port()
    names = {"NO_PROXY": "", "no_proxy": "", variable: f"http://127.0.0.1:{port}"}

    checks = export_checks(4317, protocol, host="collector.example", **names)

    assert checks["otlp-proxy"]["evidence"] == f"collector.example:4317 is reached through the proxy 127.0.0.1:{port}"
    assert checks["otlp-proxy"]["remedy"].startswith('export no_proxy="${no_proxy:+$no_proxy,}collector.example"')
    assert checks["otlp-connection"]["remedy"] == f"Start the proxy, correct {variable}, or unset it."
    assert checks["otlp-connection"]["evidence"].startswith(f"nothing listens at the proxy 127.0.0.1:{port}")


def test_a_proxy_in_between_that_answers_itself():
    with http_answering(407, b"who are you") as port:
        names = {"NO_PROXY": "", "no_proxy": "", "HTTP_PROXY": f"http://user:hush-hush@127.0.0.1:{port}"}
        check = export_checks(4318, "http/protobuf", host="collector.example", **names)["otlp-answer"]

    assert f"the proxy 127.0.0.1:{port} may have answered" in check["evidence"]
    assert "the proxy requires credentials" in check["evidence"]
    assert "hush-hush" not in json.dumps(check)


@pytest.mark.parametrize(
    ("env", "grpc_way", "http_way"),
    [
        ({"http_proxy": "http://p:1"}, "p:1", "p:1"),
        ({"http_proxy": "http://p:1", "no_proxy": "x.org,.example"}, "", ""),
        ({"http_proxy": "http://p:1", "no_proxy": "COLLECTOR.EXAMPLE"}, "", ""),
        ({"http_proxy": "http://p:1", "no_proxy": ".collector.example"}, "", ""),
        ({"http_proxy": "HTTP://p:1"}, "p:1", "p:1"),
        ({"http_proxy": "socks5://p:1"}, "", "p:1"),
        ({"http_proxy": "p:1"}, "", "p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "", "p:1"),
        ({"grpc_proxy": "http://g:2", "http_proxy": "http://p:1"}, "g:2", "p:1"),
        ({}, "", ""),
    ],
)
def test_each_transport_finds_its_proxy_in_its_way(monkeypatch, env, grpc_way, http_way):
    from distrokit_otlp.connection.proxies import find_proxy

    for name in ("http_proxy", "https_proxy", "grpc_proxy", "no_proxy", "no_grpc_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, text in env.items():
        monkeypatch.setenv(name, text)

    assert find_proxy("http://collector.example:4317", grpc=True) == grpc_way
    assert find_proxy("http://collector.example:4317", grpc=False) == http_way


def test_networks_that_are_excepted_and_proxies_that_are_none(monkeypatch):
    from distrokit_otlp.connection.proxies import bypass_line, find_proxy

    monkeypatch.setenv("http_proxy", "http://p:99999")
    monkeypatch.setenv("no_proxy", "127.0.0.0/8,nonsense/x")
    assert find_proxy("http://127.0.0.1:1", grpc=True) == ""
    with pytest.raises(ValueError, match="the proxy variable \\(http_proxy, https_proxy\\) has no host and port"):
        find_proxy("http://collector.example:1", grpc=True)
    assert bypass_line("h", grpc=True).startswith('export no_proxy="${no_proxy:+$no_proxy,}h"')

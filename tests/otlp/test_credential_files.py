"""Tokens and headers in files: read again when they change, or when the receiver does not accept them any more."""

from __future__ import annotations

import os
import time
from collections import Counter

import grpc
import pytest
from distributions import write_plugin
from exporting import exporting
from hypothesis import given
from hypothesis import strategies as st
from peers import PEERS, accept, refuse
from plans import planned, plugin, problems
from processes import configured, instrumented, said
from releases import needs_yaml

from distrokit_otlp import sender
from distrokit_otlp.credentials.files import BearerTokenFile
from distrokit_otlp.file_stamps import read_stamp

TOKEN, HEADERS = "DISTROKIT_OTLP_BEARER_TOKEN_FILE", "DISTROKIT_OTLP_HEADERS_FILE"
CODE = grpc.StatusCode
WAYS = pytest.mark.parametrize(
    ("protocol", "transport"),
    [("grpc", {}), ("grpc", {"DISTROKIT_OTLP_GRPC": "grpcio"}), ("http/protobuf", {})],
    ids=["h2", "grpcio", "http"],
)
PROTOCOLS = pytest.mark.parametrize("protocol", list(PEERS))


def only_with(peer, *accepted: str):
    """Refuse other credentials."""

    def behaviour(signal, number, ids):
        sent = peer.ledger.requests[-1].headers.get("authorization", "")
        return (accept() if sent in accepted else refuse(401, CODE.UNAUTHENTICATED))(signal, number, ids)

    return behaviour


def authorizations(peer) -> list[str]:
    return [request.headers.get("authorization", "") for request in peer.ledger.requests]


@WAYS
def test_a_token_that_changes(tmp_path, protocol, transport):
    file = tmp_path / "token"
    file.write_text("first\n")
    env = {TOKEN: str(file), "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20old,x-a=1", **transport}
    with PEERS[protocol]() as peer, exporting(protocol, "traces", peer, env) as sent:
        assert sent.problems == []
        assert sent.attempt("a") is None
        (tmp_path / "new").write_text("second")
        (tmp_path / "new").replace(file)
        assert sent.attempt("b") is None
        assert authorizations(peer) == ["Bearer first", "Bearer second"]
        assert peer.ledger.requests[1].headers["x-a"] == "1"


@WAYS
def test_one_that_was_replaced_without_a_sign_is_read_at_once_when_it_is_refused(tmp_path, protocol, transport):
    file = tmp_path / "token"
    file.write_text("first")
    with PEERS[protocol]() as peer, exporting(protocol, "traces", peer, {TOKEN: str(file), **transport}) as sent:
        assert sent.attempt("a") is None
        # On a file system that shows no change.
        source = next(iter(sent.exporter.sender.get()._headers._sources))._refresh
        file.write_text("later")
        source._seen = read_stamp(str(file))
        peer.behave(only_with(peer, "Bearer later"))
        assert sent.attempt("b") is None
        assert authorizations(peer) == ["Bearer first", "Bearer first", "Bearer later"]
        assert (sent.lost, sent.arrived) == ([], Counter("ab"))


@WAYS
def test_a_refusal_of_what_worked_waits_for_the_renewal(tmp_path, protocol, transport, monkeypatch):
    """The receiver has the new one first; and the same the other way round."""
    file = tmp_path / "token"
    file.write_text("first")
    with PEERS[protocol]() as peer, exporting(protocol, "traces", peer, {TOKEN: str(file), **transport}) as sent:
        peer.behave(only_with(peer, "Bearer first"))
        assert sent.attempt("a") is None
        peer.behave(only_with(peer, "Bearer second"))
        left = sent.attempt("b")
        assert sent.left(left) == 1
        assert "it does not accept these credentials" in left.cause
        file.write_text("second")
        assert sent.exporter.attempt(left.items, 5) is None
        file.write_text("third")
        left = sent.attempt("c")
        assert sent.left(left) == 1
        peer.behave(only_with(peer, "Bearer third"))
        assert sent.exporter.attempt(left.items, 5) is None
        assert (sent.lost, sent.arrived) == ([], Counter("abc"))
        # Not for ever.
        monkeypatch.setattr(sender, "RENEWAL_TIME", 0.2)
        peer.behave(only_with(peer))
        left = sent.attempt("d")
        time.sleep(0.25)
        assert sent.left(sent.exporter.attempt(left.items, 5)) == 0
        assert sent.losses == [(1, "failed")]


@PROTOCOLS
def test_credentials_that_never_worked_are_refused_at_once(tmp_path, protocol):
    (tmp_path / "token").write_text("wrong-token")
    with PEERS[protocol]() as peer, exporting(protocol, "traces", peer, {TOKEN: str(tmp_path / "token")}) as sent:
        peer.behave(only_with(peer, "Bearer right"))
        assert sent.left(sent.attempt("abc")) == 0
        assert sent.losses == [(3, "failed")]
        assert len(peer.ledger.requests) == 1
        assert "wrong-token" not in str(sent.lost)


@PROTOCOLS
def test_a_token_changes_under_load_and_the_old_one_is_refused(tmp_path, protocol):
    file = tmp_path / "token"
    file.write_text("0")
    with PEERS[protocol]() as peer, exporting(protocol, "logs", peer, {TOKEN: str(file)}) as sent:
        for number in range(400):
            if number % 100 == 50:
                # The receiver first.
                peer.behave(only_with(peer, f"Bearer {number}"))
            if number % 100 == 60:
                file.write_text(str(number - 10))
            left = sent.attempt([number])
            while left is not None and number % 100 >= 60:
                left = sent.exporter.attempt(left.items, 5)
            if left is not None:
                waiting = left.items
                assert sent.left(left) == 1
                file.write_text(str(number // 100 * 100 + 50))
                assert sent.exporter.attempt(waiting, 5) is None
        assert (sent.lost, sent.arrived) == ([], Counter(map(str, range(400))))


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file or directory"), (b" \n", "it is empty"), (b"hush hush", "it is not one token in plain ASCII"),
     ("hush…".encode(), "it is not one token in plain ASCII"), (b"\xff\xfehush", "it is not text")],
)  # fmt: skip
def test_a_file_that_holds_none_is_said_at_the_start_and_used_as_soon_as_it_does(tmp_path, content, why):
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with PEERS["grpc"]() as peer, exporting("grpc", "traces", peer, {TOKEN: str(file)}) as sent:
        (line,) = sent.problems
        assert line == (
            f"{TOKEN}={file}: {why}; requests are sent without its headers until it can be read."
            f" Correct the file, or change {TOKEN}."
        )
        assert sent.attempt("a") is None
        file.write_text("good")
        assert sent.attempt("b") is None
        assert authorizations(peer) == ["", "Bearer good"]


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_lines_of_a_headers_file_that_are_none(tmp_path, protocol):
    (tmp_path / "headers").write_text("a=b\nauthorization: Bearer hush\nte=trailers\n")
    env = {HEADERS: str(tmp_path / "headers")}
    with PEERS[protocol]() as peer, exporting(protocol, "traces", peer, env) as sent:
        first, second = sent.problems
        assert first.startswith(
            f"{HEADERS}={tmp_path}/headers: line 2 is not name=value in plain ASCII; that header is left out"
        )
        assert "sets the header 'te' by itself; that header is left out" in second
        assert "hush" not in first + second
        assert sent.attempt("a") is None
        assert peer.ledger.requests[0].headers["a"] == "b"


@WAYS
def test_a_token_that_comes_late_loses_nothing(tmp_path, protocol, transport):
    file = tmp_path / "token"
    with PEERS[protocol]() as peer, exporting(protocol, "traces", peer, {TOKEN: str(file), **transport}) as sent:
        peer.behave(only_with(peer, "Bearer late"))
        left = sent.attempt("a")
        assert sent.left(left) == 1
        assert f"it does not accept these credentials: {TOKEN}" in left.cause
        file.write_text("late")
        assert sent.exporter.attempt(left.items, 5) is None
        assert sent.lost == []


def test_a_folder_and_a_pipe_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        (line,) = problems(planned({TOKEN: str(path)}))
        assert f"{TOKEN}={path}: it is not a regular file" in line


@PROTOCOLS
def test_one_that_turns_bad_leaves_the_last_good_one_and_is_said_once(tmp_path, protocol, caplog):
    file = tmp_path / "token"
    file.write_text("good")
    with PEERS[protocol]() as peer, exporting(protocol, "traces", peer, {TOKEN: str(file)}) as sent:
        for content in ("good", "hush hush", "", "better"):
            file.write_text(content)
            assert sent.attempt("a") is None
        file.unlink()
        assert sent.attempt("a") is None
        assert authorizations(peer) == ["Bearer good"] * 3 + ["Bearer better"] * 2
    assert [text for text in caplog.messages if TOKEN in text] == [
        f"{TOKEN}={file}: it is not one token in plain ASCII; the previous headers are sent",
        f"{TOKEN}={file}: No such file or directory; the previous headers are sent",
    ]


@PROTOCOLS
def test_headers_and_which_win(tmp_path, protocol):
    """A variable's, a file's, a token's file, a plugin's."""
    (tmp_path / "headers").write_text("authorization=Bearer%20of-file\nx-a=file\nx-b=file\n")
    (tmp_path / "token").write_text("of-token")

    def distrokit_exporter_options(exporter, options):
        options.refresh_headers = lambda: {"x-b": "plugin"}

    env = {"OTEL_EXPORTER_OTLP_HEADERS": "x-a=variable,x-c=variable", HEADERS: str(tmp_path / "headers")}
    acme = plugin(distrokit_exporter_options=distrokit_exporter_options)
    for more, wanted in (({}, "Bearer of-file"), ({TOKEN: str(tmp_path / "token")}, "Bearer of-token")):
        with PEERS[protocol]() as peer, exporting(protocol, "traces", peer, {**env, **more}, acme=acme) as sent:
            assert sent.attempt("a") is None
            headers = peer.ledger.requests[0].headers
            found = [headers[name] for name in ("authorization", "x-a", "x-b", "x-c")]
            assert found == [wanted, "file", "plugin", "variable"]


def test_for_one_signal_and_for_a_second_destination(tmp_path):
    for name in ("general", "traces", "backup"):
        (tmp_path / name).write_text(name)
    program = """
        import logging
        from opentelemetry import trace
        trace.get_tracer("t").start_span("s").end()
        logging.getLogger("l").warning("w")
    """
    with PEERS["grpc"]() as peer, PEERS["http/protobuf"]() as second:
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint, "OTEL_METRICS_EXPORTER": "none",
            "OTEL_TRACES_EXPORTER": "otlp,otlp/backup", "OTEL_EXPORTER_OTLP_PROTOCOL__BACKUP": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT__BACKUP": second.endpoint,
            TOKEN: str(tmp_path / "general"), "DISTROKIT_OTLP_TRACES_BEARER_TOKEN_FILE": str(tmp_path / "traces"),
            f"{TOKEN}__BACKUP": str(tmp_path / "backup"),
        }  # fmt: skip
        result = instrumented(program, env)
        assert said(result) == []
        found = {request.signal: request.headers["authorization"] for request in peer.ledger.requests}
        assert found == {"traces": "Bearer traces", "logs": "Bearer general"}
        assert authorizations(second) == ["Bearer backup"]


@needs_yaml
@PROTOCOLS
def test_in_a_configuration_file(tmp_path, protocol):
    (tmp_path / "token").write_text("of-file")
    (tmp_path / "traces").write_text("of-traces")
    kind, path = ("otlp_grpc", "") if protocol == "grpc" else ("otlp_http", "/v1/traces")
    program = "from opentelemetry import trace; trace.get_tracer('t').start_span('s').end()"
    for more, wanted in (("", "of-file"), (f", otlp_traces_bearer_token_file: {tmp_path / 'traces'}", "of-traces")):
        with PEERS[protocol]() as peer:
            file = f"""
                file_format: "1.0"
                tracer_provider: {{processors: [{{batch: {{exporter: {{{kind}: {{endpoint: "{peer.endpoint}{path}"}}}}}}}}]}}
                distribution: {{distrokit: {{otlp_bearer_token_file: {tmp_path / "token"}{more}}}}}
            """
            result = configured(program, file, tmp_path)
            assert result.stderr == ""
            assert authorizations(peer) == [f"Bearer {wanted}"]


def test_the_token_is_printed_nowhere(tmp_path):
    (tmp_path / "token").write_text("hush-hush-token")
    source = """
        from distrokit import hookimpl
        @hookimpl
        def distrokit_exporter_options(exporter, options):
            print(options.arguments, options.headers)
    """
    program = "from opentelemetry import trace; trace.get_tracer('t').start_span('s').end()"
    with PEERS["grpc"](refuse(401, CODE.UNAUTHENTICATED, message="no: Bearer hush-hush-token")) as peer:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint, TOKEN: str(tmp_path / "token"), "OTEL_LOG_LEVEL": "debug"}
        result = instrumented(program, env, [write_plugin(tmp_path, "prints", source)])
    assert "Bearer hush-hush-token" in str(authorizations(peer))
    assert "hush-hush" not in result.stderr


@WAYS
def test_a_renewed_token_that_the_receiver_repeats_is_not_shown(tmp_path, protocol, transport):
    file = tmp_path / "token"
    file.write_text("first-hush")
    words = "bad: Bearer renewed-hush and renewed-hush"
    with PEERS[protocol]() as peer, exporting(protocol, "traces", peer, {TOKEN: str(file), **transport}) as sent:
        assert sent.attempt("a") is None
        file.write_text("renewed-hush")
        peer.behave(refuse(400, CODE.INVALID_ARGUMENT, message=words))
        sent.attempt("b")
        assert "bad: " in sent.lost[0][2]
        assert "hush" not in str(sent.lost)


@given(st.text(max_size=40))
def test_whatever_a_file_holds(text):
    file = BearerTokenFile("nowhere", TOKEN)
    try:
        ((name, value),) = file.parse(text).items()
    except ValueError as error:
        assert str(error).startswith(("it is empty", "it is not one token in plain ASCII", "it begins with 'Bearer'"))
    else:
        assert name == "authorization"
        assert value == f"Bearer {text.strip()}"
        assert value.isascii()
        assert value.isprintable()

"""Policies from a control plane that is polled over HTTP: a real server on loopback, good and hostile."""

from __future__ import annotations

import http.server
import json
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from answering import Authority, closed_port
from processes import distrokit, instrumented

import distrokit_policy.plugin
from distrokit.testing import planned
from distrokit_policy.providers import http as http_provider
from distrokit_policy.providers.cache import PolicyCache
from distrokit_policy.providers.http import ControlPlaneError, HTTPProvider, Request
from distrokit_policy.runtime.sources import Source

SET = {"policies": [{"id": "a", "name": "n", "trace": {"match": [{"span_kind": "SERVER"}], "keep": {"percentage": 0}}}]}


class Plane(http.server.ThreadingHTTPServer):
    """Serves a set with its ETag; ``respond`` replaces what happens to a request."""

    daemon_threads = True

    def __init__(self, context=None):
        self.body, self.requests, self.respond = json.dumps(SET).encode(), [], None
        super().__init__(("127.0.0.1", 0), _Handler)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.server_port}/policies"

    def handle_error(self, request, client_address):
        """A client that goes is no error of the test."""


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        plane = self.server
        plane.requests.append(dict(self.headers))
        if plane.respond is not None:
            plane.respond(self)
            return
        etag = f'"{hash(plane.body)}"'
        if self.headers.get("If-None-Match") == etag:
            self.send_response(304)
            self.end_headers()
            return
        send(self, plane.body, etag=etag)

    def log_message(self, *_):
        """Tests print nothing."""


def send(handler, body, status=200, etag="", **headers):
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    if etag:
        handler.send_header("ETag", etag)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def serving(context=None):
    plane = Plane(context)
    thread = threading.Thread(target=plane.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield plane
    finally:
        plane.shutdown()
        plane.server_close()
        thread.join()


@pytest.fixture
def plane():
    with serving() as running:
        yield running


def provider_of(url, folder="none", **options):
    return HTTPProvider(Request(url, **{"timeout_seconds": 5.0, **options}), 30.0, PolicyCache(str(folder), url))


def test_a_set_is_fetched_once_and_asked_for_by_its_etag(plane):
    provider = provider_of(plane.url, headers={"Authorization": "Bearer abc"})

    assert provider.poll() == SET
    assert provider.poll() is None
    assert plane.requests[0]["Authorization"] == "Bearer abc"
    assert "If-None-Match" not in plane.requests[0]
    assert plane.requests[1]["If-None-Match"].startswith('"')
    plane.body = b'{"policies": []}'
    assert provider.poll() == {"policies": []}


def test_a_server_without_etags_is_compared(plane):
    plane.respond = lambda handler: send(handler, plane.body)
    provider = provider_of(plane.url)

    assert [provider.poll(), provider.poll()] == [SET, None]


def test_yaml_is_read_too(plane):
    plane.body = b"policies:\n- id: a\n"

    assert provider_of(plane.url).poll() == {"policies": [{"id": "a"}]}


def redirect_elsewhere(handler):
    send(handler, b"", 302, Location=f"http://localhost:{handler.server.server_port}/other")


def redirect_for_ever(handler):
    send(handler, b"", 302, Location=handler.path)


def trickle(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b" ")
        time.sleep(0.05)


def drip(handler):
    """Headers without end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(200):
        handler.wfile.write(f"X-{number}: 1\r\n".encode())
        time.sleep(0.05)


def huge(handler):
    handler.send_response(200)
    handler.end_headers()
    chunk = b" " * 1_000_000
    for _ in range(200):
        handler.wfile.write(chunk)


@pytest.mark.parametrize(
    ("respond", "reason"),
    [
        (lambda handler: send(handler, b"", 503), "the server responded 503 Service Unavailable"),
        (lambda handler: send(handler, b"", 401), "the server responded 401 Unauthorized"),
        (redirect_elsewhere, "the server responded 302, a redirect to another one, which is not followed"),
        (redirect_for_ever, "the server responded 302"),
        (lambda handler: send(handler, b"{"), "the response cannot be read at"),
        (lambda handler: send(handler, b""), "the response is empty"),
        (drip, "no response within 1 s"),
        (lambda handler: send(handler, b"\xff"), "the response is not UTF-8"),
        (lambda handler: send(handler, b"[" * 100_000), "the response cannot be read"),
        (lambda handler: handler.wfile.write(b"nonsense\r\n\r\n"), "no response: "),
        (lambda handler: handler.connection.close(), "no response: "),
        (trickle, "no response within 1 s"),
        (huge, "the response has more than 4,000,000 bytes"),
    ],
)
def test_a_hostile_server_is_bounded_and_said_once(plane, respond, reason):
    provider = provider_of(plane.url, timeout_seconds=1.0)
    plane.respond = respond

    with pytest.raises(ControlPlaneError, match=f"^{reason}"):
        provider.poll()
    source, problems = Source("http", provider), []
    assert [source.ask("poll", problems) for _ in range(2)] == [None, None]
    assert [problem.cause.startswith(reason) for problem in problems] == [True]
    plane.respond = None
    assert provider.poll() == SET


def test_the_pause_grows_and_ends_with_a_response(plane):
    provider = provider_of(plane.url)
    pauses = []
    plane.respond = lambda handler: send(handler, b"", 500)
    for _ in range(8):
        with suppress(ControlPlaneError):
            provider.poll()
        pauses.append(provider.interval_seconds)

    assert pauses[0] > 50
    assert max(pauses) <= http_provider.LONGEST_PAUSE * 1.1
    plane.respond = None
    provider.poll()
    assert provider.interval_seconds < 34
    assert len({provider.interval_seconds for _ in range(20)}) > 1


def test_nobody_listens():
    with pytest.raises(ControlPlaneError, match=r"^no response: .*refused"):
        provider_of(f"http://127.0.0.1:{closed_port()}/").poll()


def test_certificates_are_those_of_the_settings(tmp_path):
    authority = Authority(tmp_path)
    with serving(authority.context("localhost", mutual=True)) as plane:
        url = plane.url.replace("127.0.0.1", "localhost")
        with pytest.raises(ControlPlaneError, match="certificate"):
            provider_of(url).poll()
        own = {"client_certificate": str(tmp_path / "client.pem"), "client_key": str(tmp_path / "client.key")}
        assert provider_of(url, certificate=str(tmp_path / "ca.pem"), **own).poll() == SET
    with pytest.raises(ControlPlaneError, match=r"^its certificates cannot be read"):
        provider_of(url, certificate=str(tmp_path / "missing.pem")).poll()


# --------------------------------------------------------------------------------- the last copy


def test_the_last_good_copy_is_there_at_the_next_start(plane, tmp_path):
    folder = tmp_path / "cache"
    assert provider_of(plane.url, folder).load() is None
    provider = provider_of(plane.url, folder)
    provider.poll()
    # Not before it is known to be good.
    assert provider_of(plane.url, folder).load() is None
    provider.accepted()

    assert provider_of(plane.url, folder).load() == SET
    assert provider_of(plane.url + "?other", folder).load() is None
    (file,) = folder.iterdir()
    assert (file.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    # An address may have a secret.
    assert str(plane.server_port) not in file.name


@pytest.mark.parametrize("damage", ["unreadable", "open", "link", "garbage"])
def test_a_copy_that_cannot_be_trusted_is_not_used(plane, tmp_path, damage):
    folder = tmp_path / "cache"
    provider = provider_of(plane.url, folder)
    provider.poll()
    provider.accepted()
    (file,) = folder.iterdir()
    if damage == "open":
        folder.chmod(0o777)
    elif damage == "link":
        file.rename(tmp_path / "elsewhere.json")
        file.symlink_to(tmp_path / "elsewhere.json")
    else:
        file.write_bytes(b"\xff{" if damage == "garbage" else b"")
    cache = PolicyCache(str(folder), plane.url)

    assert cache.read() is None
    assert cache.problem


def test_a_folder_that_cannot_be_written_costs_the_copy_only(plane, tmp_path):
    (tmp_path / "file").write_text("")
    cache = PolicyCache(str(tmp_path / "file" / "cache"), plane.url)
    source = Source("http", HTTPProvider(Request(plane.url), 30.0, cache))
    problems = []

    source.take(source.ask("poll", problems))
    source.accept()
    source.ask("poll", problems)
    assert [policy.id for policy in source.read.policies] == ["a"]
    assert [problem.code for problem in problems] == ["policies-not-kept"]
    assert "cannot be made" in problems[0].cause


# ----------------------------------------------------------------------------------- as a user


PROGRAM = """
import time
from opentelemetry import trace
tracer = trace.get_tracer("t")
deadline = time.monotonic() + 20
while time.monotonic() < deadline:
    span = tracer.start_span("s", kind=trace.SpanKind.SERVER)
    span.end()
    if not span.is_recording() and not span.get_span_context().trace_flags.sampled:
        print("dropped")
        break
    time.sleep(0.05)
"""


def test_a_process_follows_a_control_plane_and_remembers(plane, tmp_path):
    env = {
        "DISTROKIT_POLICY_URL": plane.url,
        "DISTROKIT_POLICY_HEADERS": "Authorization=Bearer%20s3cret",
        "DISTROKIT_POLICY_CACHE_DIRECTORY": str(tmp_path / "cache"),
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_METRICS_EXPORTER": "none",
    }
    first = instrumented(PROGRAM, env)

    assert "dropped" in first.stdout.split(), first.stderr
    assert plane.requests[0]["Authorization"] == "Bearer s3cret"
    plane.respond = lambda handler: send(handler, b"", 500)
    second = instrumented(PROGRAM, env)
    # From the copy: not a single span was sampled before.
    assert second.stdout.strip() == "dropped"
    shown = distrokit("explain", env=env)
    assert "traces: drop, at sampler and transform" in shown.stdout
    assert "s3cret" not in shown.stdout + shown.stderr + first.stderr + second.stderr


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        ("DISTROKIT_POLICY_URL", "ftp://x", "an address begins with http:// or https://, and has a host"),
        ("DISTROKIT_POLICY_URL", "https://", "an address begins with"),
        ("DISTROKIT_POLICY_URL", "https://u:p4ssword@h/", "credentials stand in DISTROKIT_POLICY_HEADERS"),
        ("DISTROKIT_POLICY_HEADERS", "no value", "headers are name=value,name=value"),
        ("DISTROKIT_POLICY_INTERVAL", "5", "it must be a whole number from 1000"),
    ],
)
def test_a_wrong_setting_is_named(name, value, cause):
    env = {"DISTROKIT_POLICY_URL": "http://127.0.0.1:1/", name: value}
    plan = planned({"policy": distrokit_policy.plugin}, env, installed=True)
    found = [str(problem) for problem in plan.problems if name in problem.subject]

    assert len(found) == 1
    assert cause in found[0]


def test_an_outage_is_no_fault_of_the_set(plane):
    source = Source("http", provider_of(plane.url))
    problems = []
    source.take(source.ask("poll", problems))
    source.accept()
    plane.respond = lambda handler: send(handler, b"", 503)
    for _ in range(3):
        source.ask("poll", problems)
        assert (source.state, source.errors) == ("unreachable", ["the server responded 503 Service Unavailable"])
    assert len(problems) == 1
    plane.respond = None
    source.ask("poll", problems)
    assert (source.state, source.errors) == ("applied", [])
    plane.body = b"{"
    source.ask("poll", problems)
    assert source.state == "refused"


def test_the_opamp_client_is_named_where_it_is_missing(monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if "_opamp" in name else find(name, *more)
    )
    env = {"DISTROKIT_POLICY_OPAMP_ENDPOINT": "http://127.0.0.1:1/"}
    plan = planned({"policy": distrokit_policy.plugin}, env, installed=True)

    (problem,) = [str(problem) for problem in plan.problems if "opamp" in str(problem)]
    assert "install distrokit-policy[opamp]" in problem

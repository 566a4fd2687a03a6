"""Policies from an OpAMP server, which is told what became of them."""

from __future__ import annotations

import http.server
import json
import threading
import time

import pytest
from processes import instrumented

opamp_pb2 = pytest.importorskip("opentelemetry._opamp.proto.opamp_pb2")

from distrokit_policy.engine.reading import read_policies  # noqa: E402  (behind the check for the package)
from distrokit_policy.providers.http import ControlPlaneError, Request  # noqa: E402
from distrokit_policy.providers.opamp import OpAMPProvider  # noqa: E402
from distrokit_policy.runtime.service import PolicyService  # noqa: E402
from distrokit_policy.runtime.sources import Source  # noqa: E402

APPLIED, APPLYING, FAILED = (
    getattr(opamp_pb2, f"RemoteConfigStatuses_{name}") for name in ("APPLIED", "APPLYING", "FAILED")
)


class Server(http.server.ThreadingHTTPServer):
    """Gives each agent the files, and keeps what it is told."""

    daemon_threads = True

    def __init__(self):
        self.files, self.messages, self.fail = {}, [], False
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/v1/opamp"

    def offer(self, **files):
        """By name, with ``_`` for a dot."""
        self.files = {name.replace("_", "."): content for name, content in files.items()}

    @property
    def statuses(self):
        told = [m.remote_config_status for m in self.messages if m.HasField("remote_config_status")]
        return [(each.last_remote_config_hash, each.status, each.error_message) for each in told]


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        server = self.server
        message = opamp_pb2.AgentToServer()
        message.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
        server.messages.append(message)
        if server.fail:
            self.send_error(500)
            return
        response = opamp_pb2.ServerToAgent(instance_uid=message.instance_uid)
        if server.files and not message.HasField("remote_config_status") and not message.HasField("agent_disconnect"):
            response.remote_config.config_hash = str(hash(str(server.files))).encode()
            for name, content in server.files.items():
                entry = response.remote_config.config.config_map[name]
                entry.body, entry.content_type = content.encode(), "application/json" if "json" in name else "text/yaml"
        data = response.SerializeToString()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Tests print nothing."""


@pytest.fixture
def server():
    running = Server()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


POLICY = {"id": "a", "name": "n", "trace": {"match": [{"span_kind": "SERVER"}], "keep": {"percentage": 0}}}


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def service(server):
    provider = OpAMPProvider(Request(server.url, headers={"X-Key": "k"}), 0.2, {"service.name": "cart"})
    made = PolicyService([Source("opamp", provider)])
    said = []
    made.connect(said.append, lambda: 0)
    made.use(None)
    made.current()
    yield made, said
    made.stop()


def ids(service):
    return [policy.id for policy in service._set.policies]


def test_policies_arrive_and_their_state_is_reported(server, service):
    made, said = service
    server.offer(other_yaml="level: debug", policies_json=json.dumps({"policies": [POLICY]}))
    until(lambda: ids(made) == ["a"])
    until(lambda: server.statuses)
    first = server.messages[0]
    assert {each.key: each.value.string_value for each in first.agent_description.identifying_attributes} == {
        "service.name": "cart"
    }
    assert server.statuses[0][1:] == (APPLIED, "")

    wrong = {"policies": [POLICY, {"id": "b", "name": "n"}]}
    server.offer(any_json=json.dumps(wrong))
    until(lambda: len(server.statuses) > 1)
    assert server.statuses[-1][1:] == (APPLIED, "b: it has no target: log, metric or trace")
    assert server.statuses[-1][0] != server.statuses[0][0]

    server.offer(policies_json="{")
    until(lambda: len(server.statuses) > 2)
    assert server.statuses[-1][1] == FAILED
    assert "file policies.json of the remote configuration" in server.statuses[-1][2]
    assert ids(made) == ["a"]
    assert {problem.code for problem in said} == {"policy-invalid", "policies-unread"}


def test_a_trial_is_not_over_and_a_set_that_is_taken_back_has_failed(server, service):
    made, _ = service
    server.offer(p_json=json.dumps({"policies": [POLICY], "rollout": {"trial_seconds": 60}}))
    until(lambda: server.statuses)
    assert server.statuses[-1][1:] == (APPLYING, "trial")

    made.failed("logs", ValueError("x"))
    until(lambda: len(server.statuses) > 1)
    assert server.statuses[-1][1:] == (FAILED, "rolled back")
    assert ids(made) == []


def test_a_server_that_cannot_be_reached_is_said_once(server, service):
    made, said = service
    server.fail = True
    until(lambda: said)
    server.fail = False
    server.offer(p_json=json.dumps({"policies": [POLICY]}))
    until(lambda: ids(made) == ["a"])
    assert [problem.cause.partition(":")[0] for problem in said] == ["the server cannot be reached"]


def test_a_forked_child_is_another_agent(server):
    provider = OpAMPProvider(Request(server.url), 30, {"service.name": "cart"})
    provider.started(lambda: None)
    provider.poll()
    until(lambda: server.messages)
    provider.forked()
    provider.poll()
    until(lambda: len({message.instance_uid for message in server.messages}) == 2)
    provider.shutdown()
    assert server.messages[-1].HasField("agent_disconnect")


def test_only_files_with_policies_are_read():
    def files(**contents):
        made = opamp_pb2.AgentConfigMap()
        for name, content in contents.items():
            made.config_map[name].body = content.encode()
        return made.config_map

    from distrokit_policy.providers.opamp import _policies_of

    assert _policies_of(files(a="level: debug", b="[")) is None
    assert read_policies(_policies_of(files(a=json.dumps([POLICY]), b=json.dumps({"policies": [POLICY]})))).errors == []
    with pytest.raises(ControlPlaneError, match="file my-policies of the remote configuration"):
        _policies_of(files(**{"my-policies": "["}))


def test_a_process_follows_a_server(server):
    server.offer(policies_json=json.dumps({"policies": [POLICY]}))
    program = """
        import time
        from opentelemetry import trace
        tracer = trace.get_tracer("t")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            span = tracer.start_span("s", kind=trace.SpanKind.SERVER)
            span.end()
            if not span.get_span_context().trace_flags.sampled:
                print("dropped")
                break
            time.sleep(0.05)
    """
    env = {
        "DISTROKIT_POLICY_OPAMP_ENDPOINT": server.url,
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_SERVICE_NAME": "cart",
    }
    result = instrumented(program, env)

    assert "dropped" in result.stdout.split(), result.stderr
    assert "distrokit:" not in result.stderr

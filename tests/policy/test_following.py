"""Policies change while servers with workers run, and processes tell what their policies do."""

from __future__ import annotations

import json
import os
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from answering import closed_port
from applications import start
from peers import PEERS
from processes import BIN, LEAN, distrokit
from releases import skip_without

from distrokit_policy.runtime.live import folder_of_user, is_private

WSGI = """
import os, time
from opentelemetry import trace

def span(name):
    return trace.get_tracer("t").start_as_current_span(name, attributes={"id": f"{name}:{os.getpid()}:{time.time()}"})

def app(environ, start_response):
    with span("kept"):
        pass
    with span("request"), span("child"):
        pass
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
WORKERS = 8


def drop(name, id_="p"):
    match = [{"trace_field": "name", "equals": name}]
    return {"id": id_, "name": "n", "trace": {"match": match, "keep": {"percentage": 0}}}


def write(path, *policies, **more):
    """As editors do: at once."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"policies": policies, **more}))
    part.replace(path)


@contextmanager
def load(port, threads=8):
    """Requests without a pause; the statuses of all."""
    over, statuses = threading.Event(), []

    def ask():
        while not over.is_set():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as response:
                    statuses.append(response.status)
            except OSError as error:
                statuses.append(error)

    with ThreadPoolExecutor(threads) as pool:
        for _ in range(threads):
            pool.submit(ask)
        try:
            yield statuses
        finally:
            over.set()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("preload", [False, True])
def test_all_workers_follow_a_change_under_load(tmp_path, preload):
    skip_without("gunicorn")
    (tmp_path / "web.py").write_text(WSGI)
    policies = tmp_path / "policies.json"
    write(policies)
    port = closed_port()
    words = ["-w", str(WORKERS), "-b", f"127.0.0.1:{port}", "--no-control-socket", *(["--preload"] if preload else [])]
    env = {
        **LEAN,
        "DISTROKIT_POLICY_FILE": str(policies),
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "PYTHONPATH": str(tmp_path),
    }
    with PEERS["http/protobuf"]() as peer:
        app = start([str(BIN / "gunicorn"), *words, "web:app"], peer.endpoint, "http/protobuf", tmp_path, env)
        try:
            app.until(lambda: _answers(port), "answer", 60)
            asked = 1
            with load(port) as statuses:
                app.until(lambda: len(_workers(peer)) == WORKERS, "spans of each worker", 60)
                write(policies, drop("request"))
                changed = time.time()
                # Each worker has followed, and gone on.
                app.until(lambda: len(_workers(peer, after=changed + 11)) == WORKERS, "spans after the change", 90)
            app.signal(15)
            app.end(60)
        finally:
            if app.process.poll() is None:
                app.kill()

        assert set(statuses) == {200}
        assert peer.ledger.duplicated("traces") == {}
        spans = [one.split(":") for one in peer.ledger.spans]
    # The first request is not among the statuses.
    assert len([name for name, _, _ in spans if name == "kept"]) == len(statuses) + asked
    dropped = [float(at) for name, _, at in spans if name != "kept"]
    assert dropped
    # Two seconds, and what a busy machine takes.
    assert max(dropped) < changed + 10
    assert "distrokit:" not in app.err


def _answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
            return True
    except OSError:
        return False


def _workers(peer, after=0.0):
    ids = [one.split(":") for one in [*peer.ledger.spans]]
    return {pid for _, pid, at in ids if float(at) > after}


LOOP = """
while True:
    emit(1)
    trace.get_tracer("t").start_span("dropped", attributes={"id": "dropped"}).end()
    time.sleep(0.01)
"""


def test_a_running_process_tells_what_its_policies_do(tmp_path):
    policies = tmp_path / "policies.json"
    write(policies, drop("dropped", "no-dropped"), {"id": "wrong", "name": "n"})
    with PEERS["http/protobuf"]() as peer:
        app = start(LOOP, peer.endpoint, "http/protobuf", tmp_path, {"DISTROKIT_POLICY_FILE": str(policies)})
        try:
            app.until_emitted(5)
            answers = [distrokit("policy", "show", "--live", str(app.process.pid), "--json") for _ in range(2)]
            text = distrokit("policy", "show", "--live", str(app.process.pid))
            # A change is followed, also from a broken file.
            policies.write_text("{")
            app.until(lambda: _state(app) == "refused", "refusal", 15)
            write(policies, drop("other", "no-other"))
            app.until(lambda: "no-other" in _live(app)["sources"][0]["policies"], "policies", 15)
        finally:
            app.kill()

    first, second = (json.loads(answer.stdout)["sources"][0] for answer in answers)
    assert (first["name"], first["state"]) == ("file", "partly applied")
    assert first["errors"] == ["wrong: it has no target: log, metric or trace"]
    assert 0 < first["policies"]["no-dropped"]["hits"] < second["policies"]["no-dropped"]["hits"]
    assert text.stdout.splitlines()[:2] == ["file: partly applied", "    wrong: it has no target: log, metric or trace"]
    assert " hits, 0 misses" in text.stdout
    assert is_private(folder_of_user())
    assert [*folder_of_user().glob(f"{app.process.pid}.*")] == []


def _live(app):
    return json.loads(distrokit("policy", "show", "--live", str(app.process.pid), "--json").stdout)


def _state(app):
    return _live(app)["sources"][0]["state"]


def test_a_process_without_policies_does_not_answer(monkeypatch):
    from distrokit_policy.commands import show

    monkeypatch.setattr(show, "_PATIENCE", 0.2)
    assert f"process {os.getpid()} does not answer: it has no policies" in show._ask(os.getpid())


def test_a_folder_that_others_can_use_is_not_trusted(tmp_path, monkeypatch):
    from distrokit_policy.commands import show
    from distrokit_policy.runtime import live

    monkeypatch.setattr(live.tempfile, "gettempdir", lambda: str(tmp_path))
    folder = live.folder_of_user()
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    (folder / f"{os.getpid()}.request").touch()
    asked = []

    live.LiveRequests(lambda: asked.append(1) or {}).answer()

    assert asked == []
    assert "other users can write to it" in show._ask(os.getpid())
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert not live.make_private(folder)

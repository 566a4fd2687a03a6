"""Real servers under ``opentelemetry-instrument``: what their workers recorded arrives when they are told to stop (P3)."""

from __future__ import annotations

import importlib.util
import signal
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from answering import closed_port
from applications import EMITTING, everything_once, start
from peers import PEERS, hang
from releases import skip_without

BIN = Path(sys.executable).parent
PROTOCOLS = ["grpc", "http/protobuf"]

APP = (
    EMITTING
    + """
with open("booted", "a") as file:
    file.write(f"{os.getpid()}\\n")

def wsgi(environ, start_response):
    emit(1)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]

async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"].endswith("shutdown"):
                return
    emit(1)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
"""
)


def installed(name: str) -> object:
    """Some of them are programs, and no modules."""
    there = importlib.util.find_spec(name) or (BIN / name).exists()
    return pytest.mark.skipif(not there, reason=f"{name} is installed on one Python only")


#: Its control socket is one file for all gunicorns of a user.
BOUND = ["-b", "127.0.0.1:{port}", "--no-control-socket", "--graceful-timeout", "8"]
SERVERS = {
    "uvicorn": ["uvicorn", "app:asgi", "--port", "{port}", "--log-level", "warning"],
    "uvicorn workers": ["uvicorn", "app:asgi", "--port", "{port}", "--workers", "2", "--log-level", "warning"],
    "uvicorn reload": ["uvicorn", "app:asgi", "--port", "{port}", "--reload", "--log-level", "warning"],
    "gunicorn sync": ["gunicorn", "app:wsgi", *BOUND, "-w", "2"],
    "gunicorn gthread": ["gunicorn", "app:wsgi", *BOUND, "-w", "2", "-k", "gthread", "--threads", "4"],
    "gunicorn gevent": ["gunicorn", "app:wsgi", *BOUND, "-w", "2", "-k", "gevent"],
    "gunicorn uvicorn": ["gunicorn", "app:asgi", *BOUND, "-w", "2", "-k", "uvicorn_worker.UvicornWorker"],
    "gunicorn preload": ["gunicorn", "app:wsgi", *BOUND, "-w", "2", "--preload"],
    "gunicorn max-requests": ["gunicorn", "app:wsgi", *BOUND, "-w", "2", "--max-requests", "5"],
    "uwsgi": ["uwsgi", "--http-socket", "127.0.0.1:{port}", "-w", "app:wsgi", "-p", "2", "--master", "--die-on-term",
              "--enable-threads", "--py-call-osafterfork", "-H", "{venv}"],
}  # fmt: skip


#: Processes that import the application.
BOOTED = {name: 2 for name in SERVERS if "-w" in SERVERS[name] and "--preload" not in SERVERS[name] and name != "uwsgi"}


def served(name, folder, peer, protocol, requests=30, env=None, stop=signal.SIGTERM, options=()):
    """Start a server, ask it so often, stop it; the application, when it has ended."""
    (folder / "app.py").write_text(APP)
    port = closed_port()
    command = [part.format(port=port, venv=BIN.parent) for part in (*SERVERS[name], *options)]
    command[0] = str(BIN / command[0])
    app = start(command, peer.endpoint, protocol, folder, {"PYTHONPATH": str(folder), **(env or {})})
    try:
        # A gunicorn worker that is told to stop before it has its handlers does not hear it.
        app.until(lambda: _booted(folder) >= BOOTED.get(name, 1), "workers", 30)
        app.until(lambda: _asked(port), "answer", 30)
        for _ in range(requests - 1):
            app.until(lambda: _asked(port), "answer", 30)
        # uWSGI calls no atexit function in a worker that is busy, be it with the last line of a request.
        time.sleep(0.3)
        app.signal(stop)
        return app.end(30)
    finally:
        if app.process.poll() is None:
            app.kill()


def _booted(folder):
    file = folder / "booted"
    return len(set(file.read_text().split())) if file.exists() else 0


def _asked(port):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read() == b"ok"
    except OSError:
        return False


#: What forks its workers has both transports; what starts new interpreters, or differs in threads only, has one.
ONE = {
    "uvicorn": "http/protobuf",
    "uvicorn workers": "grpc",
    "uvicorn reload": "http/protobuf",
    "gunicorn gthread": "grpc",
    "gunicorn max-requests": "http/protobuf",
}
WAYS = [(name, protocol) for name in SERVERS for protocol in PROTOCOLS if ONE.get(name, protocol) == protocol]


@pytest.mark.parametrize(("name", "protocol"), [pytest.param(*way, marks=installed(way[0].split()[0])) for way in WAYS])
def test_what_workers_recorded_arrives(tmp_path, name, protocol):
    if "gevent" in name:
        skip_without("gevent")
    if "gunicorn uvicorn" in name:
        skip_without("uvicorn_worker")
    with PEERS[protocol]() as peer:
        app = served(name, tmp_path, peer, protocol)

        assert len(app.emitted) >= 30
        everything_once(app, peer)
        assert not [line for line in app.said if "lost" in line]
        # Each worker is an instance of its own.
        pids = {name.partition(":")[0] for name in app.emitted}
        assert len({point.instance for point in peer.ledger.points}) == len(pids)


@installed("uvicorn")
# uvicorn raises SIGTERM again when it has finished, and takes Ctrl-C for the end that was wanted.
@pytest.mark.parametrize(("stop", "status"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 0)])
def test_the_exit_status_is_the_servers_own(tmp_path, stop, status):
    with PEERS["http/protobuf"]() as peer:
        app = served("uvicorn", tmp_path, peer, "http/protobuf", requests=3, stop=stop)

        assert app.process.returncode == status
        everything_once(app, peer)


@installed("gunicorn")
def test_a_collector_that_hangs_holds_a_worker_for_one_budget_only(tmp_path):
    """Each recycled worker stalled live requests for 20 seconds."""
    with PEERS["http/protobuf"](hang(60)) as peer:
        (tmp_path / "app.py").write_text(APP)
        port = closed_port()
        command = [str(BIN / "gunicorn"), "app:wsgi", "-b", f"127.0.0.1:{port}", "--no-control-socket", "-w", "1"]
        command += ["--max-requests", "3"]
        env = {"PYTHONPATH": str(tmp_path), "DISTROKIT_EXIT_TIMEOUT": "1000"}
        app = start(command, peer.endpoint, "http/protobuf", tmp_path, env)
        try:
            app.until(lambda: _asked(port), "answer", 30)
            slowest = 0.0
            for _ in range(8):
                since = time.monotonic()
                app.until(lambda: _asked(port), "answer", 20)
                slowest = max(slowest, time.monotonic() - since)
            app.signal(signal.SIGTERM)
            app.end(20)
        finally:
            if app.process.poll() is None:
                app.kill()

    # Not for as long as the collector hangs: a machine that is busy takes its time as well.
    assert slowest < 15
    assert any("DISTROKIT_EXIT_TIMEOUT" in line for line in app.said)


@installed("uwsgi")
def test_uwsgi_without_its_option_is_said_in_one_line(tmp_path, monkeypatch):
    options = [part for part in SERVERS["uwsgi"] if part != "--py-call-osafterfork"]
    monkeypatch.setitem(SERVERS, "uwsgi", options)
    with PEERS["http/protobuf"]() as peer:
        app = served("uwsgi", tmp_path, peer, "http/protobuf", requests=10)

        assert sum("py-call-osafterfork" in line for line in app.said) == 1, app.err
        everything_once(app, peer)


CELERY = (
    EMITTING
    + """
import celery
app = celery.Celery("app", broker="filesystem://")
app.conf.update(
    broker_transport_options={"data_folder_in": "queue", "data_folder_out": "queue"},
    broker_connection_retry_on_startup=True,
)

@app.task
def work():
    emit(1)
"""
)


@installed("celery")
@pytest.mark.parametrize(("protocol", "tasks_per_child"), [("grpc", None), ("http/protobuf", 1)])
def test_celery_prefork(tmp_path, protocol, tasks_per_child):
    (tmp_path / "app.py").write_text(CELERY)
    (tmp_path / "queue").mkdir()
    with PEERS[protocol]() as peer:
        command = [str(BIN / "celery"), "-A", "app", "worker", "-c", "2", "-P", "prefork", "-l", "error",
                   "--without-gossip", "--without-mingle", "--without-heartbeat"]  # fmt: skip
        command += ["--max-tasks-per-child", "1"] if tasks_per_child else []
        app = start(command, peer.endpoint, protocol, tmp_path, {"PYTHONPATH": str(tmp_path), "C_FORCE_ROOT": "1"})
        try:
            sys.path.insert(0, str(tmp_path))
            code = "import app\nfor _ in range(8): app.work.delay()"
            import subprocess

            subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60,
                           env={"PATH": "", "EMITTED": str(tmp_path / "emitted")})  # fmt: skip
            app.until_emitted(8, 40)
            app.signal(signal.SIGTERM)
            app.end(30)
        finally:
            sys.path.remove(str(tmp_path))
            if app.process.poll() is None:
                app.kill()

        everything_once(app, peer)


GEVENT = """
from gevent import monkey
monkey.patch_all()
{emitting}
import gevent
emit(5)
{then}
"""


@pytest.mark.parametrize(
    ("protocol", "then"), [("grpc", "gevent.sleep(60)"), ("http/protobuf", "while True: gevent.sleep(0)")]
)
def test_gevent_without_a_server(tmp_path, protocol, then):
    """Signal handlers run in the hub there, which must not wait."""
    skip_without("gevent")
    (tmp_path / "app.py").write_text(GEVENT.format(emitting=EMITTING, then=then))
    with PEERS[protocol]() as peer:
        app = start([sys.executable, "app.py"], peer.endpoint, protocol, tmp_path)
        app.until_emitted(5)
        time.sleep(0.2)
        app.signal(signal.SIGTERM)
        app.end(20)

        assert app.process.returncode == -signal.SIGTERM, app.err
        everything_once(app, peer)

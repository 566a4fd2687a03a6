"""However a process ends, what it recorded arrives, within one budget, and the end is the application's own (P2, P3)."""

from __future__ import annotations

import signal
import time

import pytest
from applications import everything_once, run, start
from distributions import write_plugin
from peers import PEERS, hang, refuse, silent_peer, slow

PROTOCOLS = ["grpc", "http/protobuf"]


@pytest.fixture(params=PROTOCOLS)
def peer(request):
    with PEERS[request.param]() as running:
        running.protocol = request.param
        yield running


#: How it ends: (program, signals that are sent to it, exit status, what it prints).
ENDS = {
    "normally": ("emit(3); say('done')", [], 0, "done\n"),
    "by sys.exit": ("emit(3); sys.exit(7)", [], 7, ""),
    "by an exception": ("emit(3); raise KeyError('x')", [], 1, ""),
    "from atexit": ("import atexit; atexit.register(emit, 2); emit(1)", [], 0, ""),
    "with a thread that outlives main": (
        "import threading; threading.Thread(target=lambda: (time.sleep(0.3), emit(3))).start()", [], 0, "",
    ),
    "from asyncio": ("import asyncio\nasync def main(): emit(3)\nasyncio.run(main())", [], 0, ""),
    "by SIGTERM in sleep": ("emit(3); time.sleep(60)", [signal.SIGTERM], -signal.SIGTERM, ""),
    "by SIGHUP in sleep": ("emit(3); time.sleep(60)", [signal.SIGHUP], -signal.SIGHUP, ""),
    "by SIGTERM in join": (
        "import threading\nt = threading.Thread(target=time.sleep, args=(60,), daemon=True); t.start(); emit(3); t.join()",
        [signal.SIGTERM], -signal.SIGTERM, "",
    ),
    "by SIGTERM in a busy loop": ("emit(3)\nwhile True: pass", [signal.SIGTERM], -signal.SIGTERM, ""),
    "by SIGTERM in asyncio": (
        "import asyncio\nasync def main(): emit(3); await asyncio.sleep(60)\nasyncio.run(main())",
        [signal.SIGTERM], -signal.SIGTERM, "",
    ),
    "by SIGTERM twice": ("emit(3); time.sleep(60)", [signal.SIGTERM, signal.SIGTERM], -signal.SIGTERM, ""),
    "by SIGINT": ("emit(3)\ntime.sleep(60)", [signal.SIGINT], -signal.SIGINT, ""),
    "after a Ctrl-C that it survived and showed": (
        (
            "def show():\n    try: raise KeyboardInterrupt\n"
            "    except KeyboardInterrupt: sys.last_type, sys.last_value, sys.last_traceback = sys.exc_info()\n"
            "show(); emit(3)"
        ),
        [], 0, "",
    ),
    "by a handler of its own": (
        (
            "signal = __import__('signal'); signal.signal(signal.SIGTERM, lambda *a: (emit(1), say('mine'), sys.exit(3)))\n"
            "emit(2); time.sleep(60)"
        ),
        [signal.SIGTERM], 3, "mine\n",
    ),
    "by a handler that calls the one it found": (
        (
            "import signal, _signal\n"
            # As a program and a library that is written in C find it.
            "found = [signal.getsignal(15), signal.signal(15, signal.SIG_DFL), _signal.getsignal(15)]\n"
            "def mine(*a):\n    for one in found:\n        if callable(one): one(*a)\n"
            "    time.sleep(1); emit(1); say(str(len([one for one in found if callable(one)]))); sys.exit(0)\n"
            "signal.signal(15, mine); emit(2); time.sleep(60)"
        ),
        [signal.SIGTERM], 0, "1\n",
    ),
    "by SIGTERM after the default was asked for": (
        "import signal; print(signal.signal(15, signal.SIG_DFL) == signal.getsignal(15) == 0, flush=True); emit(3); time.sleep(60)",
        [signal.SIGTERM], -signal.SIGTERM, "True\n",
    ),
    "by a handler of its loop": (
        (
            "import asyncio, signal\nasync def main():\n    stop = asyncio.Event()\n"
            "    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)\n    emit(3); await stop.wait()\n"
            "asyncio.run(main()); say('mine')"
        ),
        [signal.SIGTERM], 0, "mine\n",
    ),
}  # fmt: skip


#: An end is the same whatever the transport is; so by turns, and both where the most differs.
TURNS = [(how, PROTOCOLS[at % 2]) for at, how in enumerate(ENDS)]
TURNS += [("normally", "http/protobuf"), ("by SIGTERM in sleep", "http/protobuf"), ("from atexit", "grpc")]


@pytest.mark.parametrize(("how", "protocol"), TURNS)
def test_what_was_recorded_arrives_and_the_end_is_the_applications_own(tmp_path, how, protocol):
    program, signals, status, out = ENDS[how]
    with PEERS[protocol]() as peer:
        _ended_as_its_own(program, signals, status, out, peer, protocol, tmp_path)


def _ended_as_its_own(program, signals, status, out, peer, protocol, folder):
    app = start(program, peer.endpoint, protocol, folder)
    if signals:
        app.until_emitted(2)
        time.sleep(0.2)
    for number in signals:
        app.signal(number)
    app.end()

    assert (app.process.returncode, app.out) == (status, out), app.err
    everything_once(app, peer)
    assert app.said == []


def test_an_ignored_signal_stays_ignored(peer, tmp_path):
    program = """
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        emit(1)
        os.kill(os.getpid(), signal.SIGTERM)
        emit(1)
        say(repr(signal.getsignal(signal.SIGTERM)))
    """
    app = run(program, peer.endpoint, peer.protocol, tmp_path)

    assert (app.process.returncode, app.out.strip()) == (0, repr(signal.SIG_IGN))
    everything_once(app, peer)


@pytest.mark.once
@pytest.mark.parametrize("milliseconds", [50, 150, 300, 600, 900])
def test_a_signal_while_it_starts_ends_it_at_once(tmp_path, milliseconds):
    with PEERS["grpc"]() as peer:
        app = start("say('up'); time.sleep(60)", peer.endpoint, "grpc", tmp_path)
        time.sleep(milliseconds / 1000)
        app.signal(signal.SIGTERM)
        app.end()

    assert app.process.returncode == -signal.SIGTERM
    assert "Traceback" not in app.err


#: What a collector may do at the end.
COLLECTORS = {"refuses": refuse(503), "hangs": hang(60), "is throttled": refuse(429, retry_after=3600)}


#: Each of these with each transport and with each end.
PAIRS = [
    (protocol, collector, ("normally", "by SIGTERM")[(at + offset) % 2])
    for at, collector in enumerate([*COLLECTORS, "is silent", "is not there", "resets"])
    for offset, protocol in enumerate(PROTOCOLS)
]
#: Seconds for an end that has to wait for one budget of one or two: so much that a machine that is busy, or slow, keeps
#: it, and so little that nothing that hangs for a minute does.
PATIENCE = 30


@pytest.mark.once
@pytest.mark.parametrize(("protocol", "collector", "end"), PAIRS)
def test_the_end_takes_one_budget_whatever_the_collector_does(tmp_path, protocol, collector, end):
    program = "emit(700)\nsay('end')\n" + ("time.sleep(60)" if end == "by SIGTERM" else "")
    budget = {"DISTROKIT_EXIT_TIMEOUT": "1000"}
    if collector in COLLECTORS:
        context = PEERS[protocol](COLLECTORS[collector])
    elif collector == "is not there":
        with PEERS[protocol]() as gone:
            pass
        context = None
    else:
        context = silent_peer(reset=collector == "resets")
    if context is None:
        app, took = _ended(program, gone.endpoint, protocol, tmp_path, budget, end)
    else:
        with context as peer:
            app, took = _ended(program, peer.endpoint, protocol, tmp_path, budget, end)

    assert app.process.returncode == (-signal.SIGTERM if end == "by SIGTERM" else 0), app.err
    assert took < PATIENCE, app.err
    lost = [line for line in app.said if "lost" in line]
    assert {line.split(":")[1].strip() for line in lost} >= {"otlp traces", "otlp logs"}, app.err
    assert any("700 spans lost" in line for line in lost), app.err


def _ended(program, endpoint, protocol, folder, env, end):
    app = start(program, endpoint, protocol, folder, env)
    app.until_emitted(700)
    app.until(lambda: len(app.emitted) == 700, "items")
    since = time.monotonic()
    if end == "by SIGTERM":
        time.sleep(0.3)
        since = time.monotonic()
        app.signal(signal.SIGTERM)
    app.end()
    return app, app.ended - since


def test_slow_answers_are_waited_for_side_by_side(tmp_path):
    with PEERS["http/protobuf"](slow(1.5)) as peer:
        env = {"DISTROKIT_EXIT_TIMEOUT": "6500"}
        app, _ = _ended("emit(700)", peer.endpoint, "http/protobuf", tmp_path, env, "normally")
        # Two batches of spans and of log records each, one of metrics: one after the other they would not fit.
        everything_once(app, peer)


HANGING = """
import threading
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from distrokit import Exporter, hookimpl

class Hanging(SpanExporter):
    def export(self, spans):
        if {where!r} == "export":
            threading.Event().wait(60)
        return SpanExportResult.SUCCESS

    def shutdown(self):
        if {where!r} == "shutdown":
            threading.Event().wait(60)

@hookimpl
def distrokit_exporters():
    return [Exporter("hanging", "traces", lambda options: Hanging())]

@hookimpl
def distrokit_stopping(pipeline, reason):
    print("reason", reason, flush=True)
    if {where!r} == "hook":
        threading.Event().wait(60)
"""


@pytest.mark.parametrize("processor", ["batch", "simple"])
@pytest.mark.parametrize("where", ["export", "shutdown", "hook"])
def test_what_hangs_in_a_plugin_costs_the_budget_and_is_named(tmp_path, where, processor):
    if (where, processor) == ("export", "simple"):
        pytest.skip("the simple processor exports in the application's own thread, which is its meaning")
    path = write_plugin(tmp_path, "acme", HANGING.format(where=where))
    with PEERS["http/protobuf"]() as peer:
        env = {
            "OTEL_TRACES_EXPORTER": "hanging,otlp",
            "DISTROKIT_EXIT_TIMEOUT": "2000",
            "DISTROKIT_TRACES_PROCESSOR": processor,
            "PYTHONPATH": str(path),
        }
        app, took = _ended("emit(3); emit(697)", peer.endpoint, "http/protobuf", tmp_path, env, "normally")

        assert took < PATIENCE
        assert app.process.returncode == 0
        assert "reason exit" in app.out
        # The others have all their items; the spans' own exporter too, but for a hook that took half of the time.
        assert peer.ledger.lost(app.emitted, "logs") == []
        if processor == "batch":
            assert peer.ledger.lost(app.emitted, "traces") == []
    named = {
        "export": "hanging traces: 700 spans lost",
        "shutdown": "shutdown of" if processor == "simple" else "",
        "hook": "distrokit_stopping of plugin acme",
    }[where]
    assert named in app.err


def test_a_callback_that_hangs_costs_the_metrics_only(tmp_path):
    program = """
        metrics.get_meter("m").create_observable_gauge("g", [lambda options: time.sleep(60)])
        emit(700)
    """
    with PEERS["http/protobuf"]() as peer:
        env = {"DISTROKIT_EXIT_TIMEOUT": "2000"}
        app, took = _ended(program, peer.endpoint, "http/protobuf", tmp_path, env, "normally")
        assert took < PATIENCE
        everything_once(app, peer, points=False)
    assert any("metrics" in line and "collection timed out" in line for line in app.said), app.err


def test_stopping_in_code_gives_the_signals_back(peer, tmp_path):
    program = """
        import signal, _signal
        from distrokit import start
        emit(3)
        before = _signal.getsignal(signal.SIGTERM)
        start().stop()
        say(f"{before == signal.SIG_DFL} {_signal.getsignal(signal.SIGTERM) == signal.SIG_DFL}")
    """
    app = run(program, peer.endpoint, peer.protocol, tmp_path)

    assert app.out == "False True\n"
    assert [line for line in app.said if "lost" in line] == []
    everything_once(app, peer)


def test_a_signal_while_the_application_holds_a_lock_that_the_flush_needs(peer, tmp_path):
    """urllib3 logs while it sends, and the main thread may be in the middle of logging."""
    program = """
        logging.basicConfig(level=logging.DEBUG, filename="log", force=True)
        emit(3)
        say("busy")
        while True:
            logging.debug("x")
    """
    app = start(program, peer.endpoint, peer.protocol, tmp_path, {"OTEL_LOGS_EXPORTER": "none"})
    app.until_emitted(3)
    time.sleep(0.2)
    app.signal(signal.SIGTERM)
    app.end()

    assert app.process.returncode == -signal.SIGTERM
    assert peer.ledger.lost(app.emitted, "traces") == []
    assert peer.ledger.total("c") == 3


def test_a_signal_that_a_thread_waits_for_is_that_threads(tmp_path):
    program = """
        import signal, threading
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        emit(1)
        def wait():
            say(repr(signal.sigtimedwait([signal.SIGTERM], 5) is not None))
        thread = threading.Thread(target=wait); thread.start()
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGTERM)
        thread.join()
    """
    with PEERS["http/protobuf"]() as peer:
        app = run(program, peer.endpoint, "http/protobuf", tmp_path)

    assert (app.process.returncode, app.out) == (0, "True\n")


@pytest.mark.parametrize(
    "how", ["logging.shutdown()", "import logging.config; logging.config.dictConfig({'version': 1})"]
)
def test_a_logging_set_up_does_not_hold_the_end(tmp_path, how):
    """OpenTelemetry's log handler flushes in a thread that the interpreter waits for before its end begins."""
    with PEERS["http/protobuf"](hang(60)) as peer:
        env = {"DISTROKIT_EXIT_TIMEOUT": "4000"}
        app = start(f"emit(5); say('end'); {how}", peer.endpoint, "http/protobuf", tmp_path, env)
        app.until_emitted(5)
        since = time.monotonic()
        app.end(50)

    assert app.process.returncode == 0
    # Two budgets, one after the other, are eight seconds.
    assert app.ended - since < 7.5


def test_a_signal_from_atexit(peer, tmp_path):
    program = """
        import atexit, signal
        atexit.register(lambda: os.kill(os.getpid(), signal.SIGTERM))
        emit(3)
    """
    app = run(program, peer.endpoint, peer.protocol, tmp_path)

    assert app.process.returncode == -signal.SIGTERM
    everything_once(app, peer)

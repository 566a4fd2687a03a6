"""The spool in real processes: what is recorded in an outage arrives afterwards, whatever happens to the process."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from textwrap import dedent

import pytest
from commands import in_process
from distributions import write_plugin
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from peers import Peer, accept, first, hang, http_peer, refuse, slow, sometimes
from plans import planned, problems
from processes import BIN, EAGER, LEAN, clean_environ, configured, instrumented, run

import distrokit_spool.plugin
import distrokit_spool.sender
from distrokit import ExportFailure
from distrokit_spool.payloads import encode
from distrokit_spool.sender import SpoolSender
from distrokit_spool.store import store_at

#: Records so many items of each signal, with ids, and has the processors hand them over.
RECORD = """
    import logging, os, signal, sys, time
    from opentelemetry import _logs, metrics, trace

    def record(begin, end, prefix="", size=0):
        counter = metrics.get_meter("m").create_counter("items")
        logger = _logs.get_logger("l")
        for number in range(begin, end):
            name = f"{prefix}{number}"
            trace.get_tracer("t").start_span("s", attributes={"id": name, "pad": os.urandom(size // 2).hex()}).end()
            logger.emit(_logs.LogRecord(body="b", attributes={"id": name}))
            counter.add(1)

    def flush():
        for provider in (trace.get_tracer_provider(), _logs.get_logger_provider(), metrics.get_meter_provider()):
            getattr(provider, "force_flush", bool)()

    def spool(*names):
        return [os.path.join(os.environ["DISTROKIT_SPOOL_DIRECTORY"], name) for name in names]
"""

NOTHING = "pass"


def program(text: str) -> str:
    return dedent(RECORD) + dedent(text)


def ids(*numbers: int, prefix: str = "") -> list[str]:
    return [f"{prefix}{number}" for number in range(*numbers)]


def env_of(peer: Peer, folder: Path, **more: str) -> dict[str, str]:
    return {
        "DISTROKIT_SPOOL_DIRECTORY": str(folder / "spool"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_BSP_SCHEDULE_DELAY": "20",
        "OTEL_BLRP_SCHEDULE_DELAY": "20",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10",
        "OTEL_SERVICE_NAME": "shop",
        **more,
    }


def spool_says(result: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines of the spool on stderr, and those about losses."""
    lines = result.stderr.splitlines()
    return [line for line in lines if "distrokit_spool" in line or " lost" in line]


def waiting(folder: Path, what: str = "coalesce(sum(items), 0)", where: str = "1") -> int:
    with contextlib.closing(sqlite3.connect(folder / "spool/spool-v1.db")) as connection:
        return connection.execute(f"SELECT {what} FROM batches WHERE {where}").fetchone()[0]


def change(folder: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(folder / "spool/spool-v1.db")) as connection, connection:
        connection.execute(statement)


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A receiver that is away; its port stays."""
    with http_peer() as peer:
        peer.stop()
        yield peer


@contextlib.contextmanager
def running(text: str, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A program under ``opentelemetry-instrument`` that has printed its first line; killed at the end."""
    command = [str(BIN / "opentelemetry-instrument"), sys.executable, "-c", program(text)]
    with subprocess.Popen(
        command,
        env=clean_environ({**LEAN, **env}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout.readline(), process.stderr.read()
            yield process
        finally:
            process.kill()


# ----------------------------------------------------------------------------------------- off, and on


def test_unset_nothing_is_imported_and_there_is_no_thread(peer):
    result = instrumented(
        """
        import sys, threading
        # Coverage, where it is measured, keeps its data in sqlite.
        sqlite = "sqlite3" in sys.modules and "coverage" not in sys.modules
        print(sorted(name for name in sys.modules if name.startswith("distrokit_spool")), sqlite)
        print([thread.name for thread in threading.enumerate() if "spool" in thread.name])
        """,
        {"OTEL_EXPORTER_OTLP_ENDPOINT": peer.endpoint, **EAGER},
    )

    names = ["distrokit_spool", "distrokit_spool.plugin", "distrokit_spool.settings"]
    assert result.stdout.splitlines() == [f"{names} False", "[]"]


def test_the_plan_shows_what_is_spooled_and_where(tmp_path):
    environ = {
        "DISTROKIT_SPOOL_DIRECTORY": f"{tmp_path}/x/../spool",
        "OTEL_TRACES_EXPORTER": "otlp,console",
        "OTEL_METRICS_EXPORTER": "otlp,prometheus",
    }

    plan = planned(environ, spool=distrokit_spool.plugin)

    assert problems(plan) == []
    shown = {
        f"{signal} {exporter['name']}": exporter["parameters"].get("spool_directory")
        for signal, one in plan.describe()["signals"].items()
        for exporter in one["export"]
    }
    directory = {"value": f"{tmp_path}/spool", "source": "DISTROKIT_SPOOL_DIRECTORY"}
    assert {name: value and {key: value[key] for key in directory} for name, value in shown.items()} == {
        "traces otlp": directory,
        "traces console": None,
        "metrics otlp": directory,
        "metrics prometheus": None,
        "logs otlp": directory,
    }
    assert not (tmp_path / "spool").exists()


def test_settings_that_cannot_be_used_are_said_and_replaced(tmp_path):
    environ = {
        "DISTROKIT_SPOOL_DIRECTORY": str(tmp_path),
        "DISTROKIT_SPOOL_MAX_SIZE": "many",
        "DISTROKIT_SPOOL_MAX_AGE": "1",
    }

    plan = planned(environ, spool=distrokit_spool.plugin)

    parameters = plan.signals["logs"].exporters[0].exporter.arguments
    assert (parameters["spool_max_size"], parameters["spool_max_age_millis"]) == (104857600, 64800000)
    size, age = problems(plan)
    assert size.startswith("DISTROKIT_SPOOL_MAX_SIZE=many: not usable: it must be a whole number from 1048576 to ")
    assert "'64800000' is used instead" in age or "64800000 is used instead" in age


def test_a_relative_directory_is_refused_with_the_reason():
    plan = planned({"DISTROKIT_SPOOL_DIRECTORY": "spool"}, spool=distrokit_spool.plugin)

    (problem,) = problems(plan)
    assert problem.startswith("DISTROKIT_SPOOL_DIRECTORY=spool: not usable: it must be an absolute path")
    assert "spool_directory" not in plan.signals["traces"].exporters[0].exporter.parameters


@pytest.mark.parametrize("processor", ["batch", "simple"])
def test_with_a_receiver_everything_arrives_and_nothing_stays(peer, tmp_path, processor):
    peer.start()
    env = env_of(peer, tmp_path, DISTROKIT_TRACES_PROCESSOR=processor, DISTROKIT_LOGS_PROCESSOR=processor)

    result = instrumented(program("record(0, 25)"), env)

    assert (result.stderr, result.returncode) == ("", 0)
    assert (peer.ledger.lost(ids(25), "traces"), peer.ledger.lost(ids(25), "logs")) == ([], [])
    assert (peer.ledger.duplicated("traces"), peer.ledger.duplicated("logs")) == ({}, {})
    assert peer.ledger.total("items") == 25
    assert waiting(tmp_path) == 0


# --------------------------------------------------------------------- outages, restarts, and violent ends


def test_sigkill_in_an_outage_costs_nothing_that_was_handed_over(peer, tmp_path):
    killed = instrumented(
        program("record(0, 50); flush(); os.kill(os.getpid(), signal.SIGKILL)"), env_of(peer, tmp_path)
    )
    assert killed.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
    peer.start()

    result = instrumented(NOTHING, env_of(peer, tmp_path))

    assert result.stderr == ""
    assert (peer.ledger.lost(ids(50), "traces"), peer.ledger.lost(ids(50), "logs")) == ([], [])
    assert (peer.ledger.duplicated("traces"), peer.ledger.duplicated("logs")) == ({}, {})
    assert peer.ledger.total("items") == 50
    assert {resource["service.name"] for resource in peer.ledger.resources} == {"shop"}
    assert waiting(tmp_path) == 0


def test_at_the_end_in_an_outage_nothing_is_lost_and_nobody_waits(peer, tmp_path):
    begin = time.monotonic()
    result = instrumented(program("record(0, 10)"), env_of(peer, tmp_path, DISTROKIT_EXIT_TIMEOUT="60000"))

    # What is on disk need not be waited for, though there would be a minute.
    assert time.monotonic() - begin < 30
    assert not [line for line in result.stderr.splitlines() if " lost" in line]
    lines = spool_says(result)
    assert len(lines) == 3
    reason = f"connection refused at 127.0.0.1:{peer.port}; batches are queued in {tmp_path / 'spool'}"
    assert all(reason in line for line in lines)
    peer.start()
    assert instrumented(NOTHING, env_of(peer, tmp_path)).stderr == ""
    assert (peer.ledger.lost(ids(10), "traces"), peer.ledger.lost(ids(10), "logs")) == ([], [])
    assert peer.ledger.total("items") == 10


def test_a_receiver_that_comes_back_gets_everything_while_the_process_runs(peer, tmp_path):
    text = "record(0, 20); flush(); print('recorded', flush=True); sys.stdin.readline()"
    with running(text, env_of(peer, tmp_path)) as process:
        peer.start()

        assert peer.ledger.wait_for(20, "traces", 10)
        assert peer.ledger.wait_for(20, "logs", 10)
        process.communicate("\n", timeout=15)

    assert peer.ledger.duplicated("traces") == {}


def test_a_receiver_that_asks_for_a_pause_gets_it(peer, tmp_path):
    peer.behave(first(1, refuse(503, retry_after=3)))
    peer.start()
    text = "record(0, 5); flush(); print('recorded', flush=True); sys.stdin.readline()"
    with running(text, env_of(peer, tmp_path, OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none")):
        assert peer.ledger.wait_for(5, "traces", 10)

    # On a busy machine an answer may come too late, and the batch once more.
    refused, taken, *_ = (request for request in peer.ledger.requests if request.signal == "traces")
    assert taken.time - refused.time > 2.5


def test_a_crash_between_delivery_and_deletion_means_twice_and_never_not(peer, tmp_path):
    peer.behave(slow(10))
    peer.start()
    env = env_of(peer, tmp_path, OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none")
    with running("record(0, 20); flush(); print('recorded', flush=True); time.sleep(60)", env) as process:
        assert peer.ledger.wait_for(10, "traces", 10)
        process.kill()
    peer.restart()
    peer.behave(accept())

    instrumented(NOTHING, env)

    assert peer.ledger.lost(ids(20), "traces") == []
    assert set(peer.ledger.duplicated("traces").values()) == {1}
    assert len(peer.ledger.duplicated("traces")) == 10


def test_another_receiver_gets_what_was_spooled_for_the_first(peer, tmp_path):
    instrumented(program("record(0, 10)"), env_of(peer, tmp_path))

    with http_peer() as other:
        result = instrumented(program("record(10, 20)"), env_of(other, tmp_path))

    assert result.stderr == ""
    assert other.ledger.lost(ids(20), "traces") == []
    assert peer.ledger.requests == []


def test_two_destinations_do_not_get_each_others(peer, tmp_path):
    with http_peer() as backup:
        more = {
            "OTEL_TRACES_EXPORTER": "otlp,otlp/backup",
            "OTEL_EXPORTER_OTLP_ENDPOINT__BACKUP": backup.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL__BACKUP": "http/protobuf",
        }
        instrumented(program("record(0, 10)"), env_of(peer, tmp_path, **more))

        assert (backup.ledger.lost(ids(10), "traces"), backup.ledger.duplicated("traces")) == ([], {})
        assert waiting(tmp_path, where="queue = 'otlp traces'") == 10
        assert waiting(tmp_path, where="queue = 'otlp/backup traces'") == 0


def test_two_exporters_of_one_name_do_not_get_each_others(peer, tmp_path):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from 1.44 on")
    with http_peer() as second:
        file = f"""
            file_format: "1.1"
            tracer_provider:
              processors:
                - simple: {{exporter: {{otlp_http: {{endpoint: {peer.endpoint}/v1/traces}}}}}}
                - simple: {{exporter: {{otlp_http: {{endpoint: {second.endpoint}/v1/traces}}}}}}
        """
        env = {"DISTROKIT_SPOOL_DIRECTORY": str(tmp_path / "spool")}

        configured(program("record(0, 5)"), file, tmp_path, env)

        assert (second.ledger.lost(ids(5), "traces"), second.ledger.duplicated("traces")) == ([], {})
    assert waiting(tmp_path, where="queue = 'otlp_http traces'") == 5
    assert waiting(tmp_path, where="queue = 'otlp_http traces #2'") == 0


# ------------------------------------------------------------------------------------- several processes


def test_two_processes_on_one_directory_deliver_each_item_once(peer, tmp_path):
    peer.behave(sometimes(0.2, refuse(503)))
    peer.start()
    text = """
        print("ready", flush=True)
        prefix = sys.stdin.readline().strip()
        for part in range(10):
            record(part * 20, part * 20 + 20, prefix)
            flush()
    """
    env = env_of(peer, tmp_path, OTEL_METRICS_EXPORTER="none")
    with running(text, env) as one, running(text, env) as two:
        for process, name in ((one, "a"), (two, "b")):
            process.stdin.write(f"{name}\n")
            process.stdin.flush()
        for process in (one, two):
            process.communicate(timeout=20)
    peer.behave(accept())

    last = instrumented(NOTHING, env)

    assert last.stderr == ""
    expected = [*ids(200, prefix="a"), *ids(200, prefix="b")]
    for name in ("traces", "logs"):
        assert (peer.ledger.lost(expected, name), peer.ledger.duplicated(name)) == ([], {})
    assert waiting(tmp_path) == 0


def test_what_a_live_process_is_sending_is_left_to_it_and_what_a_dead_one_was_is_not(peer, tmp_path):
    peer.behave(first(1, hang(60)))
    peer.start()
    env = env_of(
        peer, tmp_path, OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none", OTEL_EXPORTER_OTLP_TIMEOUT="60000"
    )
    # All of it in one batch, however slow the machine is.
    env["OTEL_BSP_SCHEDULE_DELAY"] = "60000"
    with running("record(0, 5); flush(); print('recorded', flush=True); time.sleep(60)", env) as process:
        assert peer.ledger.wait_for_requests(1, "traces", 10)

        instrumented(program("record(5, 10)"), env)
        assert sorted(peer.ledger.spans) == sorted(ids(5, 10))

        # Stopped is not dead.
        process.send_signal(signal.SIGSTOP)
        instrumented(NOTHING, env)
        assert sorted(peer.ledger.spans) == sorted(ids(5, 10))
        process.kill()

    instrumented(NOTHING, env)
    assert (peer.ledger.lost(ids(10), "traces"), peer.ledger.duplicated("traces")) == ([], {})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_on_both_sides_of_a_fork(peer, tmp_path):
    text = """
        record(0, 10, "p"); flush()
        child = os.fork()
        if not child:
            record(0, 10, "c"); flush()
            sys.exit()
        record(10, 20, "p")
        os.waitpid(child, 0)
    """
    env = env_of(peer, tmp_path, OTEL_METRICS_EXPORTER="none", PYTHONWARNINGS="ignore::DeprecationWarning")
    result = instrumented(program(text), env)
    assert " lost" not in result.stderr
    assert "Traceback" not in result.stderr
    peer.start()

    instrumented(NOTHING, env)

    for name in ("traces", "logs"):
        expected = [*ids(20, prefix="p"), *ids(10, prefix="c")]
        assert (peer.ledger.lost(expected, name), peer.ledger.duplicated(name)) == ([], {})


def test_where_no_thread_can_be_started_the_end_sends_what_waits(tmp_path, monkeypatch):
    sent: list[object] = []
    store = store_at(str(tmp_path / "spool"), 2**24, 10**8)
    with monkeypatch.context() as patch:
        # As CPython 3.12 and later do while they end.
        patch.setattr(threading.Thread, "start", refuse_to_start)
        sender = SpoolSender(store, "q", "logs", lambda items, seconds: sent.extend(items), 1.0, lambda *_: None)
        for name in ("a", "b"):
            store.put("q", encode("logs", [log_record(name)]).content, 1)
            sender.wake()
        assert not sender.flush(0.1)
        sender.stop()
    store.close()

    assert [item.log_record.body for item in sent] == ["a", "b"]


def test_a_batch_that_others_have_overtaken_often_is_given_up_and_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(distrokit_spool.sender, "FIRST_PAUSE", 0.01)
    lost: list[tuple[object, ...]] = []
    store = store_at(str(tmp_path / "spool"), 2**24, 10**8)

    def deliver(items: list[ReadableLogRecord], seconds: float) -> ExportFailure | None:
        return ExportFailure(items, "no") if items[0].log_record.body == "bad" else None

    sender = SpoolSender(store, "q", "logs", deliver, 1.0, lambda *args: lost.append(args))
    store.put("q", encode("logs", [log_record("bad"), log_record("bad")]).content, 2)
    end = time.monotonic() + 10
    while not lost and time.monotonic() < end:
        store.put("q", encode("logs", [log_record("good")]).content, 1)
        sender.wake()
        time.sleep(0.02)
    sender.stop()
    store.close()

    assert lost == [(2, "failed", "the exporter failed with this batch 5 times, and not with others")]
    assert waiting(tmp_path) == 0


def test_an_exporter_that_can_tell_gets_the_same_items_again_and_no_others_meanwhile(tmp_path, monkeypatch):
    """It knows by them what it has sent before, without an answer: such a batch goes out twice at most."""
    monkeypatch.setattr(distrokit_spool.sender, "FIRST_PAUSE", 0.01)
    seen: list[list[ReadableLogRecord]] = []
    store = store_at(str(tmp_path / "spool"), 2**24, 10**8)

    def deliver(items: list[ReadableLogRecord], seconds: float) -> ExportFailure | None:
        seen.append(items)
        return ExportFailure(items, "no answer") if len(seen) < 4 else None

    sender = SpoolSender(store, "q", "logs", deliver, 1.0, lambda *_: None, blind=False)
    for name in ("a", "b"):
        store.put("q", encode("logs", [log_record(name)]).content, 1)
    sender.wake()
    end = time.monotonic() + 10
    while waiting(tmp_path) and time.monotonic() < end:
        time.sleep(0.02)
    sender.stop()
    store.close()

    assert [items[0].log_record.body for items in seen] == ["a", "a", "a", "a", "b"]
    assert all(items is seen[0] for items in seen[:4])


def test_what_is_left_of_a_batch_is_what_waits(tmp_path):
    seen: list[list[object]] = []
    store = store_at(str(tmp_path / "spool"), 2**24, 10**8)

    def deliver(items: list[ReadableLogRecord], seconds: float) -> ExportFailure | None:
        seen.append([item.log_record.body for item in items])
        return ExportFailure(items[1:], "full") if len(items) > 1 else None

    sender = SpoolSender(store, "q", "logs", deliver, 1.0, lambda *_: None)
    store.put("q", encode("logs", [log_record("a"), log_record("b")]).content, 2)
    assert not sender.flush(5)
    assert waiting(tmp_path) == 1
    sender.stop()
    store.close()

    assert seen[0] == ["a", "b"]
    assert seen[-1] == ["b"]
    assert waiting(tmp_path) == 0


def test_the_file_is_given_back_to_the_disk_after_an_outage(tmp_path):
    store = store_at(str(tmp_path / "spool"), 2**25, 10**8)
    for _ in range(200):
        store.put("q", os.urandom(100_000), 1)
    full = (tmp_path / "spool/spool-v1.db").stat().st_size
    while batch := store.take("q"):
        store.delete(batch)
    for _ in range(6):
        store.shrink()
    store.close()

    assert full > 15_000_000
    assert (tmp_path / "spool/spool-v1.db").stat().st_size < 6_000_000


def refuse_to_start(thread: threading.Thread) -> None:
    raise RuntimeError("can't create new thread at interpreter shutdown")


def log_record(body: str) -> ReadableLogRecord:
    return ReadableLogRecord(LogRecord(body=body), Resource({}))


# --------------------------------------------------------------------------------------- damaged, and full


def garbage(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size or 100))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("damage", [garbage, cut])
def test_a_damaged_file_is_put_aside_and_a_new_one_begun(peer, tmp_path, damage):
    env = env_of(peer, tmp_path)
    instrumented(program("record(0, 60, size=3000)"), env)
    damage(tmp_path / "spool/spool-v1.db")
    # Of an earlier time.
    (tmp_path / "spool/spool-v1.db.corrupt-1").write_text("")
    peer.start()

    result = instrumented(program("record(100, 110)"), env)

    assert (peer.ledger.lost(ids(100, 110), "traces"), peer.ledger.duplicated("traces")) == ([], {})
    (line,) = spool_says(result)
    assert "the spool is corrupt" in line
    (aside,) = [path for path in (tmp_path / "spool").iterdir() if "corrupt" in path.name]
    assert str(aside) in line
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600
    assert waiting(tmp_path) == 0


@pytest.mark.parametrize("damage", [garbage, cut])
def test_a_torn_log_of_the_database_costs_what_was_in_it_at_most(peer, tmp_path, damage):
    env = env_of(peer, tmp_path, OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none")
    instrumented(program("record(0, 10)"), env)
    instrumented(program("record(10, 60, size=200); flush(); os.kill(os.getpid(), signal.SIGKILL)"), env)
    damage(tmp_path / "spool/spool-v1.db-wal")
    peer.start()

    result = instrumented(program("record(100, 110)"), env)

    assert result.stderr == ""
    assert (peer.ledger.lost([*ids(10), *ids(100, 110)], "traces"), peer.ledger.duplicated("traces")) == ([], {})


def test_one_batch_that_cannot_be_read_back_costs_itself_only(peer, tmp_path):
    env = env_of(peer, tmp_path, OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none")
    instrumented(program("record(0, 30)"), env)
    change(tmp_path, "UPDATE payloads SET content = X'00' WHERE batch = (SELECT min(id) FROM batches)")
    peer.start()

    result = instrumented(NOTHING, env)

    assert len(peer.ledger.spans) == 20
    assert "10 spans lost, because the spool could not decode them" in result.stderr
    assert waiting(tmp_path) == 0


def test_a_full_disk_is_said_once_and_telemetry_goes_on_without_it(peer, tmp_path):
    peer.start()
    text = """
        import resource

        record(0, 10); flush()
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        # No file of this process may grow beyond this, as on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, most))
        for part in range(1, 6):
            record(part * 10, part * 10 + 10, size=4000); flush()
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        record(60, 70); flush()
    """

    result = instrumented(program(text), env_of(peer, tmp_path, OTEL_LOG_LEVEL="info"))

    assert (peer.ledger.lost(ids(70), "traces"), peer.ledger.lost(ids(70), "logs")) == ([], [])
    lines = [line for line in spool_says(result) if "DISTROKIT_SPOOL_DIRECTORY" in line]
    assert "telemetry is exported without the spool" in lines[0]
    assert "the spool works again" in lines[-1]
    assert len([line for line in lines if "without the spool" in line]) == 1
    assert not [line for line in result.stderr.splitlines() if " lost" in line]


def test_a_directory_that_cannot_be_made_is_said_and_telemetry_goes_out_without_it(peer, tmp_path):
    peer.start()
    # Nobody can create anything there, root included.
    env = {**env_of(peer, tmp_path), "DISTROKIT_SPOOL_DIRECTORY": "/proc/nowhere/spool"}

    result = instrumented(program("record(0, 10)"), env)

    assert peer.ledger.lost(ids(10), "traces") == []
    (line,) = spool_says(result)
    assert "DISTROKIT_SPOOL_DIRECTORY=/proc/nowhere/spool: the directory cannot be created" in line


def test_without_a_spool_and_without_a_receiver_the_processor_keeps_what_it_can(peer, tmp_path):
    (tmp_path / "spool").write_text("a file")
    env = env_of(peer, tmp_path, OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none")
    with running("record(0, 10); time.sleep(0.5); print('recorded', flush=True); sys.stdin.readline()", env):
        peer.start()

        assert peer.ledger.wait_for(10, "traces", 10)


# ----------------------------------------------------------------------------------------------- limits


def test_over_its_size_the_oldest_goes_and_is_counted(peer, tmp_path):
    env = env_of(
        peer, tmp_path, OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none", DISTROKIT_SPOOL_MAX_SIZE="1048576"
    )

    result = instrumented(program("record(0, 400, size=10_000); flush()"), env)

    assert (tmp_path / "spool/spool-v1.db").stat().st_size <= 1048576
    kept = waiting(tmp_path)
    assert 100 < kept < 300
    said_lost = re.findall(r"(\d+) spans lost.* because the spool was full \(DISTROKIT_SPOOL_MAX_SIZE\)", result.stderr)
    assert sum(map(int, said_lost)) == 400 - kept
    peer.start()
    instrumented(NOTHING, env)
    sent = sorted(map(int, peer.ledger.spans))
    assert (len(sent), sent[-1]) == (kept, 399)
    # Apart from the newest only what was being sent meanwhile: the very first batch.
    gaps = [later - earlier for earlier, later in pairwise(sent) if later - earlier > 1]
    assert gaps == [] or (len(gaps) == 1 and sent[0] == 0)


def test_what_has_waited_too_long_is_not_sent_and_is_counted(peer, tmp_path):
    env = env_of(peer, tmp_path, OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none")
    instrumented(program("record(0, 20)"), env)
    change(tmp_path, "UPDATE batches SET stored_at = stored_at - 64800001 WHERE id = (SELECT min(id) FROM batches)")
    peer.start()

    result = instrumented(NOTHING, env)

    assert sorted(peer.ledger.spans) == sorted(ids(10, 20))
    assert "10 spans lost, because they were in the spool too long (DISTROKIT_SPOOL_MAX_AGE)" in result.stderr


def test_what_an_exporter_left_that_is_gone_grows_old_as_well(peer, tmp_path):
    env = env_of(peer, tmp_path, OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none")
    instrumented(program("record(0, 10)"), env)
    change(tmp_path, "UPDATE batches SET stored_at = 0, queue = 'old traces'")

    result = instrumented(program("record(10, 20)"), env)

    assert "old traces: 10 items of another process in" in result.stderr
    assert waiting(tmp_path, where="queue = 'old traces'") == 0


# ------------------------------------------------------------------------------------------- permissions


@pytest.mark.parametrize("umask", ["0", "0o777"])
def test_the_files_are_for_the_owner_only_whatever_the_umask(peer, tmp_path, umask):
    text = f"""
        os.umask({umask})
        record(0, 10); flush()
        print({{n: oct(os.stat(p).st_mode & 0o7777) for n in os.listdir(spool("")[0]) for p in spool(n)}})
        print(oct(os.stat(spool("")[0]).st_mode & 0o7777))
    """
    # The sender, which makes the directory, begins before the program does.
    result = instrumented(program(text), env_of(peer, tmp_path), options=["--disabled_instrumentations", "none"])

    files, directory = result.stdout.splitlines()
    names = ["owners", "spool-v1.db", "spool-v1.db-shm", "spool-v1.db-wal"]
    assert json.loads(files.replace("'", '"')) == dict.fromkeys(names, "0o600")
    assert directory == "0o700"


@pytest.mark.parametrize("mode", [0o1777, 0o770])
def test_a_directory_that_others_may_write_to_is_refused(peer, tmp_path, mode):
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool").chmod(mode)
    peer.start()

    result = instrumented(program("record(0, 10)"), env_of(peer, tmp_path))

    assert peer.ledger.lost(ids(10), "traces") == []
    (line,) = spool_says(result)
    assert f"other users may write to it (mode {mode:04o})" in line
    assert f"Run `chmod go-w {tmp_path}/spool`." in line
    assert list((tmp_path / "spool").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_somebody_else_is_refused(peer, tmp_path):
    (tmp_path / "spool").mkdir(0o700)
    os.chown(tmp_path / "spool", 12345, 12345)
    peer.start()

    result = instrumented(program("record(0, 10)"), env_of(peer, tmp_path))

    assert peer.ledger.lost(ids(10), "traces") == []
    (line,) = spool_says(result)
    assert "it belongs to user 12345, and this process runs as 0" in line


def test_a_link_in_place_of_the_file_is_not_followed(peer, tmp_path):
    (tmp_path / "spool").mkdir(0o700)
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "spool/spool-v1.db").symlink_to(tmp_path / "victim")
    peer.start()

    result = instrumented(program("record(0, 10)"), env_of(peer, tmp_path))

    assert (tmp_path / "victim").read_text() == "precious"
    assert peer.ledger.lost(ids(10), "traces") == [], result.stderr
    assert len(spool_says(result)) == 1


# --------------------------------------------------------------------------------------------- any exporter

THIRD_PARTY = """
    import json, os
    from distrokit import Exporter, hookimpl

    def make(options):
        from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
        assert not options.arguments, options.arguments

        class Acme(SpanExporter):
            def export(self, spans):
                if not os.path.exists(os.environ["ACME"]):
                    return SpanExportResult.FAILURE
                if any(span.name == "bad" for span in spans):
                    raise ValueError("never")
                with open(os.environ["ACME"], "a") as file:
                    for span in spans:
                        print(json.dumps([span.name, dict(span.attributes), span.resource.attributes["service.name"]]), file=file)
                return SpanExportResult.SUCCESS

            def shutdown(self):
                with open(os.environ["ACME"] + ".shut", "a") as file:
                    print("shut", file=file)

        return Acme()

    @hookimpl
    def distrokit_exporters():
        return [Exporter("acme", "traces", make)]
"""


def acme(peer: Peer, folder: Path) -> dict[str, str]:
    return env_of(
        peer, folder, OTEL_TRACES_EXPORTER="acme", OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none",
        ACME=str(folder / "acme.jsonl"),
    )  # fmt: skip


def test_an_exporter_of_anybody_can_be_spooled(peer, tmp_path):
    path = [write_plugin(tmp_path / "acme", "acme", THIRD_PARTY)]
    env = acme(peer, tmp_path)
    first_run = instrumented(program("record(0, 20)"), env, path)
    assert not [line for line in first_run.stderr.splitlines() if " lost" in line]
    assert waiting(tmp_path, where="queue = 'acme traces'") == 20
    (tmp_path / "acme.jsonl").touch()

    result = instrumented(NOTHING, env, path)

    assert result.stderr == ""
    rows = [json.loads(line) for line in (tmp_path / "acme.jsonl").read_text().splitlines()]
    assert [(name, attributes["id"], service) for name, attributes, service in rows] == [
        ("s", number, "shop") for number in ids(20)
    ]
    assert (tmp_path / "acme.jsonl.shut").read_text() == "shut\nshut\n"


def test_a_batch_that_an_exporter_never_takes_does_not_hold_up_the_others(peer, tmp_path):
    path = [write_plugin(tmp_path / "acme", "acme", THIRD_PARTY)]
    (tmp_path / "acme.jsonl").touch()
    text = """
        trace.get_tracer("t").start_span("bad").end()
        flush()
        record(0, 20)
        flush()
        print("recorded", flush=True)
        sys.stdin.readline()
    """
    with running(text, acme(peer, tmp_path) | {"PYTHONPATH": str(path[0])}):
        end = time.monotonic() + 10
        while len((tmp_path / "acme.jsonl").read_text().splitlines()) < 20 and time.monotonic() < end:
            time.sleep(0.05)

    assert len((tmp_path / "acme.jsonl").read_text().splitlines()) == 20
    assert waiting(tmp_path) == 1


# -------------------------------------------------------------------------------------------------- doctor


def test_doctor_says_what_waits_and_tries_the_exporter_itself(peer, tmp_path):
    env = env_of(peer, tmp_path, OTEL_METRICS_EXPORTER="none", OTEL_LOGS_EXPORTER="none")
    before = in_process("doctor", "--offline", "--json", env=env)
    instrumented(program("record(0, 10)"), env)

    report = json.loads(in_process("doctor", "--json", env=env).stdout)

    checks = {check["id"]: check for check in report["checks"]}
    assert "it is created on first use" in before.stdout
    assert (checks["spool"]["verdict"], checks["otlp-connection"]["verdict"]) == ("ok", "fail")
    assert f"10 items are queued in {tmp_path}/spool" in checks["spool"]["evidence"]
    assert waiting(tmp_path) == 10
    (tmp_path / "spool").chmod(0o777)
    report = json.loads(in_process("doctor", "--offline", "--json", env=env).stdout)
    (check,) = [check for check in report["checks"] if check["id"] == "spool"]
    assert (check["verdict"], check["remedy"]) == ("fail", f"Run `chmod go-w {tmp_path}/spool`.")


def test_doctor_tries_an_exporter_without_a_probe_past_the_spool(peer, tmp_path):
    path = [write_plugin(tmp_path / "acme", "acme", THIRD_PARTY)]

    report = json.loads(in_process("doctor", "--json", env=acme(peer, tmp_path), path=path).stdout)

    (check,) = [check for check in report["checks"] if check["id"] == "export"]
    assert (check["verdict"], check["evidence"]) == (
        "fail",
        "acme traces: an item could not be sent: it does not say why",
    )
    assert not (tmp_path / "spool").exists()


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_file_in_place_of_the_directory_is_named(peer, tmp_path, below):
    peer.start()
    file = tmp_path / "file"
    file.write_text("precious")
    env = {**env_of(peer, tmp_path), "DISTROKIT_SPOOL_DIRECTORY": str(file / below)}

    result = instrumented(program("record(0, 10)"), env)
    checked = run([str(BIN / "distrokit"), "doctor", "--offline"], {**LEAN, **env})

    assert peer.ledger.lost(ids(10), "traces") == [], result.stderr
    (line,) = spool_says(result)
    assert f"{file} is no directory" in line
    assert f"{file} is no directory" in checked.stdout
    assert checked.returncode == 1

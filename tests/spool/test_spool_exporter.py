"""The exporter that spools, with those of others behind it: what is on disk, what is given at once, and what is lost."""

from __future__ import annotations

import copy
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest
from commands import in_process
from made import SIGNALS, made
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from distrokit import ExporterOptions, count_items
from distrokit.settings.layers import Settings
from distrokit_spool.exporters import wrap_exporter
from distrokit_spool.store import store_at

KINDS = {
    "traces": (SpanExporter, SpanExportResult),
    "metrics": (MetricExporter, MetricExportResult),
    "logs": (LogRecordExporter, LogRecordExportResult),
}


def options_of(signal, lost=lambda items, reason, cause="": None) -> ExporterOptions:
    return ExporterOptions(
        name="acme", signal=signal, settings=Settings.from_environ({}), resource=Resource.get_empty(), lost=lost
    )


class Behind:
    """A spooled exporter of a signal, and the one behind it, of the SDK's own kind."""

    def __init__(self, folder, signal) -> None:
        kind, results = KINDS[signal]
        self.signal, self.results = signal, results
        self.given: list[int] = []
        self.lost: Counter[str] = Counter()
        self.word = "SUCCESS"
        behind = self

        class Exporter(kind):
            colour = "red"

            def export(self, items, *args, **kwargs):
                if behind.word == "exits":
                    raise SystemExit("an exporter may")
                if behind.word == "SUCCESS":
                    behind.given.append(count_items(items))
                return getattr(results, behind.word)

            def shutdown(self, *args, **kwargs):
                pass

            def force_flush(self, *args, **kwargs):
                return True

        options = options_of(signal, self._count)
        self.exporter = wrap_exporter(Exporter(), options, store_at(str(folder), 1 << 24, 3_600_000), f"acme {signal}")

    def _count(self, items: int, reason: str, cause: str = "") -> None:
        self.lost[reason] += items

    def items(self, count: int):
        return made(self.signal, range(count))


@pytest.fixture(params=SIGNALS)
def behind(request, tmp_path) -> Iterator[Behind]:
    one = Behind(tmp_path / "spool", request.param)
    yield one
    one.exporter.shutdown()


@pytest.fixture(params=SIGNALS)
def without_disk(request, tmp_path) -> Iterator[Behind]:
    """Where the directory should be is a file."""
    (tmp_path / "spool").write_text("")
    one = Behind(tmp_path / "spool", request.param)
    yield one
    one.exporter.shutdown()


def test_what_is_exported_is_on_disk_and_then_behind_it(behind):
    assert behind.exporter.export(behind.items(5)).name == "SUCCESS"
    assert behind.exporter.attempt(behind.items(3), 5.0) is None

    assert behind.exporter.force_flush(10_000) is True
    assert sorted(behind.given) == [3, 5]
    assert behind.lost == Counter()


def test_what_fails_or_exits_behind_it_stays(behind):
    for word in ("FAILURE", "exits"):
        behind.word = word
        assert behind.exporter.export(behind.items(2)).name == "SUCCESS"
        assert behind.exporter.force_flush(300) is False
    assert behind.given == []

    behind.word = "SUCCESS"
    end = time.monotonic() + 20
    while not behind.exporter.force_flush(2_000) and time.monotonic() < end:
        pass
    assert behind.given == [2, 2]
    assert behind.lost == Counter()


def test_without_a_disk_it_is_given_at_once(without_disk):
    assert without_disk.exporter.export(without_disk.items(5)).name == "SUCCESS"
    assert without_disk.exporter.attempt(without_disk.items(3), 5.0) is None
    assert without_disk.given == [5, 3]

    without_disk.word = "FAILURE"
    assert without_disk.exporter.export(without_disk.items(5)).name == "FAILURE"
    left = without_disk.exporter.attempt(without_disk.items(3), 5.0)
    assert (left.items, without_disk.lost["failed"]) == (None, 3)


def test_it_is_of_its_kind_has_what_is_behind_it_and_can_be_copied(behind):
    assert isinstance(behind.exporter, KINDS[behind.signal][0])
    assert behind.exporter.colour == "red"
    assert copy.copy(behind.exporter).colour == "red"
    with pytest.raises(AttributeError):
        _ = behind.exporter.size


def test_what_is_scraped_is_left_as_it_is(tmp_path):
    reader = object()

    assert wrap_exporter(reader, options_of("metrics"), None, "acme metrics") is reader


# ------------------------------------------------------------------------------------------- doctor's check


def spool_check(folder, **env):
    import json

    report = in_process(
        "doctor", "--offline", "--json", env={"DISTROKIT_SPOOL_DIRECTORY": str(folder / "spool"), **env}
    )
    (check,) = [check for check in json.loads(report.stdout)["checks"] if check["id"] == "spool"]
    return check["verdict"], check["evidence"]


def test_what_doctor_says_of_a_spool(tmp_path):
    nothing = dict.fromkeys(("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"), "console")
    assert spool_check(tmp_path, **nothing) == ("warn", "no exporter of this pipeline uses the spool")

    folder = tmp_path / "spool"
    folder.mkdir(0o700)
    assert spool_check(tmp_path) == ("ok", f"nothing has been written to {folder} yet")

    store = store_at(str(folder), 1 << 24, 3_600_000)
    store.report_losses_to("acme traces", lambda items, reason: None)
    store.put("acme traces", b"x", 7)
    store.close()
    assert spool_check(tmp_path) == ("ok", f"7 items are queued in {folder}, the oldest for 0 min")

    (file,) = folder.glob("*.db")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE batches SET stored_at = stored_at - 3600000")
    assert spool_check(tmp_path) == ("warn", f"7 items are queued in {folder}, the oldest for 60 min")

    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM batches")
    assert spool_check(tmp_path) == ("ok", f"the queue in {folder} is empty")

    for rest in folder.glob("*.db-*"):
        rest.unlink()
    file.write_bytes(b"no database" * 100)
    verdict, evidence = spool_check(tmp_path)
    assert verdict == "warn"
    assert "the spool cannot be read: file is not a database" in evidence

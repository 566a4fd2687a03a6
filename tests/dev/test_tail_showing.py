"""What ``distrokit tail`` makes of what arrives: traces put together, lines that fit, filters, totals. No processes."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from distrokit_dev.received import ReceivedEvent, ReceivedLog, ReceivedPoint, ReceivedSpan, Scope
from distrokit_dev.tail.filters import Filters
from distrokit_dev.tail.json_lines import JsonLines
from distrokit_dev.tail.metrics import Metrics
from distrokit_dev.tail.screen import Screen, console_for
from distrokit_dev.tail.severity import is_error, severity_of
from distrokit_dev.tail.show_log import clock, show_log
from distrokit_dev.tail.show_metrics import show_metrics
from distrokit_dev.tail.show_trace import show_trace
from distrokit_dev.tail.totals import Totals
from distrokit_dev.tail.traces import Part, Traces
from distrokit_dev.tail.tree import rows
from distrokit_dev.tail.typeface import Typeface

MS = 1_000_000
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
UNICODE, ASCII = Typeface(), Typeface("ascii")


def span(name, span_id="", parent="", start=0, end=None, *, service="shop", trace=TRACE, **other):
    end = start + 10 * MS if end is None else end
    resource = {"service.name": service} if service else {}
    fields = {"status": "unset", **other}
    return ReceivedSpan(resource, Scope("s"), name, trace, span_id or name, parent, "internal", start, end, **fields)


def log(body, severity="INFO", number=9, *, span_id="", trace="", service="shop", **attributes):
    return ReceivedLog({"service.name": service}, Scope("s"), 7, severity, body, trace, span_id, attributes, number)


def point(name, value, kind="sum", unit="1", count=0, service="shop", instance="", **attributes):
    resource = {"service.name": service, "service.instance.id": instance}
    return ReceivedPoint(resource, Scope("s"), name, unit, kind, value, count, attributes)


def lines(*spans, logs=(), width=80, typeface=UNICODE, **fields):
    rooted = any(not s.parent_span_id for s in spans)
    part = Part(TRACE, list(spans), list(logs), rooted=rooted, **fields)
    return [line.plain for line in show_trace(part, width, typeface)]


class Shown:
    """A screen on a file, with a clock of its own."""

    def __init__(self, live=False, encoding="utf-8", traces=None, **filters):
        self.file, self.totals, self.now = io.StringIO(), Totals(), 100.0
        console = Console(file=self.file, width=80, height=24, force_terminal=live, soft_wrap=True, highlight=False)
        traces = traces or Traces(0.5, 5.0)
        self.screen = Screen(console, Typeface(encoding), Filters(**filters), self.totals, traces, live=live)

    def add(self, *items, seconds=0.0):
        for item in items:
            self.screen.add(item, self.now)
        return self.after(seconds)

    def after(self, seconds):
        self.now += seconds
        self.screen.tick(self.now)
        return self.text()

    def text(self):
        text = self.file.getvalue()
        self.file.seek(0)
        self.file.truncate()
        return text


# Traces


def test_a_trace_is_complete_when_it_is_quiet_after_its_root():
    traces = Traces(quiet=0.5, quiet_without_root=5)
    traces.add(span("child", parent="root"), 0.0)
    assert traces.complete(4.9) == []
    traces.add(span("root"), 4.9)
    assert traces.complete(5.3) == []

    (part,) = traces.complete(5.5)

    assert [s.name for s in part.spans] == ["child", "root"]
    assert (part.rooted, part.continued, traces.rest()) == (True, False, [])


def test_a_trace_without_a_root_is_waited_for_longer():
    traces = Traces(quiet=0.5, quiet_without_root=5)
    traces.add(span("child", parent="far away"), 0.0)

    assert traces.complete(4.9) == []
    assert [part.rooted for part in traces.complete(5.0)] == [False]


def test_a_trace_that_is_never_quiet_is_given_out_all_the_same():
    traces = Traces(quiet=0.5, longest=3)
    for tenth in range(31):
        assert tenth == 30 or not traces.complete(tenth / 10)
        traces.add(span(f"s{tenth}"), tenth / 10)

    assert len(traces.complete(3.0)) == 1


def test_what_comes_later_continues_the_trace():
    traces = Traces()
    traces.add(span("root"), 0.0)
    (part,) = traces.complete(1.0)
    traces.remember(part, shown=True)
    traces.add(span("late", parent="root"), 1.1)

    (later,) = traces.complete(1.6)

    assert (later.continued, later.shown_before, later.before) == (True, True, {"root": "root"})
    text = "\n".join(line.plain for line in show_trace(later, 80, UNICODE))
    assert "continues a trace shown before" in text
    assert "root (received before)\n  └─ late" in text


def test_what_was_sent_twice_is_there_once():
    traces = Traces()
    for _ in range(2):
        traces.add(span("root"), 0.0)
    traces.add(span("other", span_id="root"), 0.0)

    assert [s.name for s in traces.rest()[0].spans] == ["root", "other"]


def test_memory_is_bounded():
    traces = Traces(max_open=3, max_items=4, max_items_of_all=10)
    for number in range(5):
        traces.add(span("root", trace=f"t{number}"), 0.0)
    assert [part.trace_id for part in traces.complete(0.0)] == ["t0", "t1"]
    for number in range(10):
        traces.add(span(f"s{number}", trace="t4"), 0.0)
    # Ten in all: of the others one has to go.
    traces.add(log("x", trace="t3"), 0.0)
    for _ in range(6):
        traces.add(log("x", trace="t2"), 0.0)

    parts = {part.trace_id: part for part in traces.rest()}
    assert parts["t4"].left_out == 7
    assert sum(len(part.spans) + len(part.logs) for part in parts.values()) <= 10
    many = Traces()
    for number in range(300):
        many.remember(Part(f"t{number}", [span("s")]), shown=True)
    many.add(span("a", trace="t0"), 0.0)
    many.add(span("a", trace="t299"), 0.0)
    assert [part.continued for part in many.rest()] == [False, True]


def test_what_is_not_shown_is_not_kept():
    big = {"x": "y" * 100_000}
    event = ReceivedEvent("exception", 1, {**big, "exception.type": "E" * 100_000})
    traces = Traces()
    traces.add(
        span("n" * 100_000, parent="p" * 100_000, attributes=big, status_message="m" * 100_000, events=(event,) * 100),
        0.0,
    )
    traces.add(log({"b": big}, trace=TRACE, **big), 0.0)

    (part,) = traces.rest()
    assert len(repr(part)) < 20_000


# The tree


def shape(spans):
    return [(row.span.name if row.span else row.missing, row.depth, row.last) for row in rows(spans)]


def test_siblings_are_in_order_of_their_start_whatever_order_they_came_in():
    spans = [span("b", parent="root", start=5), span("c", parent="b"), span("a", parent="root", start=3), span("root")]

    assert shape(spans) == [("root", 0, False), ("a", 1, False), ("b", 1, True), ("c", 2, True)]


def test_orphans_hang_under_the_parent_that_is_missing():
    spans = [span("root"), span("x", parent="gone", start=1), span("y", parent="gone", start=2)]

    assert shape(spans) == [("root", 0, False), ("gone", 0, False), ("x", 1, False), ("y", 1, True)]


def test_circles_have_an_end():
    spans = [span("a", parent="b"), span("b", parent="a", start=1), span("self", parent="self", start=2)]

    assert shape(spans) == [("a", 0, False), ("b", 1, True), ("self", 0, False)]


IDS = st.sampled_from(["", "a", "b", "c", "d", "e"])
TEXT = st.text(max_size=30) | st.sampled_from(
    ["\x1b[2J\x1b]0;owned\x07", "[red]x[/]", "a\nb\r\tc", "漢字" * 40, "👨‍👩‍👧 e\u0301\u202e"]
)
TIMES = st.integers(0, 2**64 - 1) | st.integers(0, 1000)
SPANS = st.lists(
    st.builds(
        span, TEXT, IDS, IDS, TIMES, TIMES, service=TEXT, status=st.sampled_from(["unset", "ok", "error", "7"]),
        status_message=TEXT,
        events=st.lists(st.builds(ReceivedEvent, st.just("exception"), TIMES, st.dictionaries(
            st.sampled_from(["exception.type", "exception.message"]), TEXT | st.integers() | st.none())), max_size=2).map(tuple),
    ),
    min_size=1, max_size=12,
)  # fmt: skip
LOGS = st.lists(st.builds(log, TEXT | st.lists(TEXT) | st.none(), TEXT, st.integers(-9, 99), span_id=IDS), max_size=4)


@given(SPANS)
def test_every_span_is_in_the_tree_once(spans):
    shown = [id(row.span) for row in rows(spans) if row.span]

    assert sorted(shown) == sorted(map(id, spans))


@given(SPANS, LOGS, st.integers(20, 200), st.sampled_from(["utf-8", "ascii", "latin-1", "no such encoding"]))
def test_no_telemetry_breaks_the_lines_or_the_terminal(spans, logs, width, encoding):
    typeface = Typeface(encoding if encoding != "no such encoding" else "utf-8")
    part = Part(TRACE, spans, logs, left_out=3, continued=len(spans) % 2 == 0)

    shown = [line.plain for line in show_trace(part, width, typeface)]
    shown += [show_log(record, width, typeface).plain for record in logs]

    for line in shown:
        assert line.isprintable()
        assert cell_len(line) <= max(width, 34 if TRACE in line else 0)
        if encoding != "no such encoding":
            line.encode(encoding)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_deep_tree_stays_in_its_columns(width):
    spans = [span(f"s{n}", parent=f"s{n - 1}" if n else "", start=n) for n in range(5000)]

    shown = lines(*spans, width=width)

    assert len(shown) == (5002 if width == 40 else 5001)
    assert max(map(cell_len, shown)) <= width
    assert "+49" in shown[-1]


# Lines


def test_a_trace_that_failed():
    event = ReceivedEvent("exception", 1, {"exception.type": "shop.Declined", "exception.message": "card declined"})
    spans = [
        span("GET /checkout", "a", start=0, end=40 * MS),
        span("SELECT cart", "b", "a", start=4 * MS, end=7 * MS),
        span("charge", "c", "a", start=10 * MS, end=40 * MS, service="payment", status="error",
             status_message="Declined: card declined", events=(event,)),
    ]  # fmt: skip

    shown = lines(*spans, logs=[log("retrying", "WARN", 13, span_id="c"), log("elsewhere", span_id="x")])

    assert [line.split("--- ")[-1] for line in shown[:2]] == ["shop, payment  3 spans, 1 error, 40.0 ms", f"  {TRACE}"]
    del shown[0]
    assert shown[1].split() == ["GET", "/checkout", "(shop)", "40.0", "ms", "━" * 45]
    assert shown[2].startswith("  ├─ SELECT cart (shop)")
    assert shown[3].startswith("  └─ ✗ charge (payment)")
    # The exception says what the status message says.
    assert shown[4:] == ["        Declined: card declined", "        WARN   retrying", "  INFO   elsewhere"]
    bars = [line.partition("ms  ")[2] for line in shown[1:4]]
    assert [len(bar) - len(bar.lstrip()) for bar in bars] == [0, 4, 11]
    assert [len(bar) for bar in bars] == [45, 7, 45]


def test_reasons_are_said_once_and_only_of_what_failed():
    def reasons(message, kind, text, status="error"):
        event = ReceivedEvent("exception", 1, {"exception.type": kind, "exception.message": text})
        return [line.strip() for line in lines(span("s", status=status, status_message=message, events=(event,)))[2:]]

    assert reasons("E: x", "E", "x") == ["E: x"]
    assert reasons("it failed", "a.E", "x") == ["it failed", "a.E: x"]
    assert reasons("", "E", "") == ["E"]
    assert reasons("", "", "x", "unset") == ["x"]
    assert reasons("ignored", "", "", "ok") == []


def test_in_ascii_it_has_the_same_shape():
    spans = [span("root", "a", end=9), span("naïve ✓", "b", "a", start=3, end=6, status="error")]

    shown = lines(*spans, typeface=ASCII)

    assert shown[1].split() == ["root", "9", "ns", "=" * 46]
    assert shown[2].startswith("  `- x na\\xefve \\u2713 ")


def test_narrow_and_odd_traces():
    assert TRACE in lines(span("root"), width=40)[1]
    assert lines(span("x", parent="gone"))[1].strip() == "root not received"
    assert "hidden" in lines(span("x", parent="gone"), continued=True)[1]
    assert lines(span("", "a", end=0, start=5))[1].split() == ["(no", "name)", "no", "end", "╸"]
    assert lines(span("back", start=9 * MS, end=MS))[1].split()[1:3] == ["-8.00", "ms"]
    assert "3 more spans and log records" in lines(span("x"), left_out=3)[-1]
    assert "no trace id" in next(iter(show_trace(Part("", [span("x")]), 80, UNICODE))).plain
    assert clock(0) == "--:--:--.---"


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, "0 ns"), (999, "999 ns"), (1500, "1.50 µs"), (12_345, "12.3 µs"), (999_999, "1000 µs"), (MS, "1.00 ms"),
     (123 * MS, "123 ms"), (59_900 * MS, "59.9 s"), (65_000 * MS, "1m 05s"), (3_700_000 * MS, "1h 01m"),
     (200_000_000 * MS, "2d"), (-1500, "-1.50 µs")],
)  # fmt: skip
def test_durations(nanoseconds, text):
    assert UNICODE.duration(nanoseconds) == text
    assert ASCII.duration(nanoseconds) == text.replace("µ", "u")


@given(st.integers(-(2**64), 2**64))
def test_no_duration_outgrows_its_column(nanoseconds):
    assert len(UNICODE.duration(nanoseconds)) <= 9


@given(TEXT, st.integers(1, 40))
def test_cleaned_text_fits(text, width):
    assert cell_len(UNICODE.clean(text, width)) <= width
    assert ASCII.clean(text, width).isascii()


def test_log_records_by_themselves():
    failed = log("no", "", 17, trace=TRACE, **{"exception.type": "E", "exception.message": "x"})

    assert show_log(failed, 80, UNICODE).plain.endswith(" ERROR shop  no (E: x)  trace 4bf92f35")
    assert severity_of(log("x", "", 0)) == ""
    assert [is_error(log("x", *s)) for s in (("ERROR", 0), ("critical", 0), ("WARN", 0), ("", 16), ("", 21))] == [
        True, True, False, False, True,
    ]  # fmt: skip


# Metrics


def test_the_table_of_metrics():
    metrics = Metrics()
    for item in [
        point("orders", 2, unit="{order}", plan="free", region="eu"),
        point("orders", 3, unit="{order}", plan="paid", region="eu"),
        point("latency", 30.0, "histogram", "ms", 4),
        point("empty", 0, "histogram", "ms", 0),
        point("load", 0.123456789, "gauge"),
        point("big", 123456789.5, "gauge"),
        point("huge", 1e300, "gauge"),
        point("broken", float("nan"), "gauge"),
    ]:
        metrics.add(item)

    table = [line.plain.rstrip() for line in show_metrics(metrics.latest(), 2, 80, UNICODE)]

    assert [line.split() for line in table] == [
        ["service", "metric", "attributes", "count", "value"],
        ["shop", "big", "123456790"],
        ["shop", "broken", "nan"],
        ["shop", "empty", "0"],
        ["shop", "huge", "1e+300"],
        ["shop", "latency", "4", "avg", "7.5", "ms"],
        ["shop", "load", "0.123457"],
        ["shop", "orders", "plan=free", "region=eu", "2", "order"],
        ["shop", "orders", "plan=paid", "region=eu", "3", "order"],
        ["…", "and", "2", "more"],
    ]


def test_attributes_that_tell_series_apart_come_first_and_processes_are_told_apart():
    metrics = Metrics()
    for item in (point("m", 1, a="same", z="1"), point("m", 1, a="same", z="2"), point("n", 1, instance="12345678-9")):
        metrics.add(item)

    table = "\n".join(line.plain for line in show_metrics(metrics.latest(), 0, 80, UNICODE))

    assert "z=1 a=same" in table
    assert "instance=12345678 " in table


def test_only_changes_are_news_and_series_are_bounded():
    metrics = Metrics(max_series=2)
    metrics.add(point("a", 1))
    metrics.add(point("b", 1))
    assert [series.name for series in metrics.news()] == ["a", "b"]
    metrics.add(point("a", 1))
    metrics.add(point("b", 2))
    assert [series.name for series in metrics.news()] == ["b"]
    assert not metrics.changed
    metrics.add(point("c", 1))
    metrics.add(point("d", 1))

    assert [series.name for series in metrics.latest()] == ["c", "d"]
    assert [series.name for series in metrics.latest(1)] == ["d"]
    assert (len(metrics), metrics.left_out) == (2, 2)


POINTS = st.builds(
    point, TEXT, st.floats() | st.integers(-(2**63), 2**63), st.sampled_from(["sum", "gauge", "histogram"]), TEXT,
    st.integers(0, 2**64), TEXT, TEXT, a=TEXT | st.binary() | st.none(),
)  # fmt: skip


@given(st.lists(POINTS, max_size=5), st.integers(20, 200), st.sampled_from([UNICODE, ASCII]))
def test_no_metric_breaks_the_table(points, width, typeface):
    metrics = Metrics()
    for item in points:
        metrics.add(item)

    for line in show_metrics(metrics.latest(), 1, width, typeface):
        assert cell_len(line.plain) <= width
        assert line.plain.isprintable()


# Filters


@pytest.mark.parametrize(
    ("filters", "passing"),
    [
        ({}, "span failed log error point"),
        ({"services": ["SHO*"]}, "span failed log error point"),
        ({"services": ["shop2", "s?op"]}, "span failed log error point"),
        ({"services": ["sho"]}, ""),
        ({"names": ["*O*"]}, "log error point"),
        ({"errors": True}, "failed error"),
        ({"signals": ["logs"]}, "log error"),
        ({"signals": ["metrics"], "errors": True}, ""),
    ],
)
def test_filters(filters, passing):
    items = {
        "span": span("a"),
        "failed": span("b", status="error"),
        "log": log("no"),
        "error": log({"k": "oh"}, "ERROR", 17),
        "point": point("orders", 1),
    }

    assert [name for name, item in items.items() if Filters(**filters).passes(item)] == passing.split()


def test_a_trace_passes_as_a_whole():
    spans = [span("GET"), span("SELECT", service="db", status="error")]

    assert Filters(services=["shop"], names=["select"], errors=True).passes_trace(spans)
    assert not Filters(services=["other"]).passes_trace(spans)
    assert not Filters(names=["other"]).passes_trace(spans)
    assert not Filters(errors=True).passes_trace(spans[:1])
    assert not Filters(signals=["logs"]).passes_trace(spans)


# The screen


def test_log_records_wait_for_their_trace_and_others_do_not():
    shown = Shown()
    inside = log("inside", span_id="root", trace=TRACE)

    assert " INFO  shop  outside\n" in shown.add(inside, log("outside"), span("root", start=5))
    text = shown.after(0.5)
    assert text.startswith("\n")
    assert text.endswith("     INFO   inside\n")
    # Of a trace that was shown already it comes by itself.
    assert " INFO  shop  inside  trace 4bf92f35\n" in shown.add(inside, seconds=0.5)


def test_what_the_filters_hide_is_counted():
    shown = Shown(errors=True)
    shown.add(span("fine"), log("fine", trace=TRACE), log("bad", "ERROR", 17, trace=TRACE), point("m", 1), log("x"))

    assert shown.after(0.5).endswith("ERROR shop  bad  trace 4bf92f35\n")
    shown.add(span("late", parent="fine"), seconds=0.5)
    shown.screen.finish()
    assert shown.text() == ""
    assert +shown.totals.hidden == {"trace": 1, "log record": 2, "metric point": 1}
    last = list(shown.totals.lines(80, UNICODE, dropped=2))[-2:]
    assert last == [
        "Hidden by the filters: 2 log records, 1 metric point, 1 trace",
        "Dropped, because too many arrived: 2 requests",
    ]


def test_what_continues_a_trace_that_was_shown_is_shown():
    shown = Shown(names=["root"])
    assert "root" in shown.add(span("root"), seconds=0.5)

    assert "late" in shown.add(span("late", parent="root"), seconds=0.5)


def test_signals_by_themselves():
    logs = Shown(signals=["logs"])
    assert "outside" not in logs.add(span("root"), log("inside", trace=TRACE), seconds=0.0).replace("inside", "")
    assert logs.totals.hidden == {"span": 1, "log record": 0}
    traces = Shown(signals=["traces"])
    assert "inside" not in traces.add(span("root"), log("inside", trace=TRACE), seconds=0.5)


def test_where_nothing_can_be_drawn_over_a_table_of_changes_is_printed_now_and_then():
    shown = Shown()
    assert shown.add(point("a", 1), seconds=0.1) == ""
    assert shown.add(point("b", 1), seconds=0.9) == ""
    assert shown.after(0.2).split()[3:] == ["shop", "a", "1", "shop", "b", "1"]
    assert shown.add(point("a", 1), seconds=60) == ""
    shown.add(point("a", 2))
    assert shown.after(1).split()[3:] == ["shop", "a", "2"]
    shown.add(point("a", 3), seconds=4.5)
    assert shown.text() == ""
    shown.screen.finish()
    assert shown.text().split()[3:] == ["shop", "a", "3", "shop", "b", "1"]


def test_on_a_terminal_the_table_is_drawn_over_itself_and_the_cursor_comes_back():
    shown = Shown(live=True)
    assert "\x1b[?25l" in shown.add(*(point(f"m{n:02}", 1) for n in range(20)), seconds=0.1)
    drawn = shown.add(point("m00", 2), seconds=1)
    assert "\x1b[1A\x1b[2K" in drawn
    assert "m00" in drawn
    assert "… and 12 more" in drawn
    assert shown.add(point("m00", 2), seconds=1) == ""

    shown.screen.finish()
    last = shown.text()
    assert "\x1b[?25h" in last
    assert "m07" in last.partition("\x1b[?25h")[2]


def test_columns(monkeypatch):
    for columns, width in (("120", 120), ("", 80), ("wide", 80), ("0", 80)):
        monkeypatch.setenv("COLUMNS", columns)
        assert console_for(io.StringIO()).width == width


# Totals, JSON


def test_totals_by_service():
    totals = Totals()
    for item in (
        span("a"), span("b", service="db", status="error"), span("c", trace="t2"), log("x", "ERROR", 17), point("m", 1)
    ):  # fmt: skip
        totals.count(item)

    assert list(totals.lines(80, UNICODE)) == [
        "service  traces  spans  span errors  logs  log errors  metric points",
        "db            1      1            1     0           0              0",
        "shop          2      2            0     1           1              1",
        "all           2      3            1     1           1              1",
    ]
    assert list(Totals().lines(80, UNICODE))[1].split() == ["nothing", "0", "0", "0", "0", "0", "0"]


def test_totals_are_bounded():
    totals = Totals()
    for number in range(30_000):
        totals.count(span("a", service=f"s{number % 100}", trace=f"t{number}"))

    shown = list(totals.lines(80, UNICODE))
    assert len(shown) == 53
    assert shown[1].split()[:3] == ["(other", "services)", "15000"]


@given(st.lists(st.text(max_size=40), max_size=5), st.integers(20, 200))
def test_no_service_breaks_the_totals(services, width):
    totals = Totals()
    for service in services:
        totals.count(span("a", service=service))
    totals.hidden["trace"] = 10**30

    for line in totals.lines(width, UNICODE, dropped=10**30):
        assert cell_len(line) <= width
        assert line.isprintable()


def test_json_lines_are_ascii_and_json():
    file, totals = io.StringIO(), Totals()
    view = JsonLines(file, Filters(names=["*"], signals=["traces", "logs"]), totals)
    event = ReceivedEvent("e", 1, {"list": [float("inf"), b"\x00"]})
    view.add(span("\x9b2J ☃\n", events=(event,)), 0.0)
    view.add(log({"nan": float("nan")}), 0.0)
    view.add(point("hidden", 1), 0.0)
    view.tick(0.0)
    view.finish()
    view.close()

    text = file.getvalue()
    first, second = map(json.loads, text.splitlines())
    assert text.isascii()
    assert (first["signal"], first["name"]) == ("traces", "\x9b2J ☃\n")
    assert first["events"] == [{"name": "e", "time": 1, "attributes": {"list": ["inf", "AA=="]}}]
    assert (second["signal"], second["body"]) == ("logs", {"nan": "nan"})
    assert totals.hidden == {"metric point": 1}


def test_a_service_that_is_not_said():
    assert "unknown_service" in lines(replace(span("a"), resource={}))[0]


def test_metrics_without_attributes_in_a_narrow_terminal():
    metrics = Metrics()
    metrics.add(point("a.metric.with.a.rather.long.name", 1, service="a-service-with-a-long-name"))

    assert show_metrics(metrics.latest(), 0, 40, UNICODE)[1].plain == "a-servi…  a.metric.with.a.rather…      1"

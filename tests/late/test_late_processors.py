"""Processors that are added after the start get what the exporters get, whatever adds them, and whatever they do."""

from __future__ import annotations

import json
import sys
from copy import copy, deepcopy

import pytest
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link
from processes import instrumented, run

from distrokit import Processor, hookimpl, replace_span
from distrokit.testing import in_memory

SECRET = "a@b.c"


def _without_email(context):
    def redact(span):
        return replace_span(
            span,
            attributes={key: value for key, value in span.attributes.items() if key != "email"},
            events=(),
            name=span.name.replace(SECRET, "****"),
        )

    return redact


def _without_email_in_logs(context):
    def redact(record):
        record.log_record.body = str(record.log_record.body).replace(SECRET, "****")
        return record

    return redact


class Redactor:
    """The plugin of these tests."""

    @staticmethod
    @hookimpl
    def distrokit_processors():
        return [
            Processor("no-email", "traces", "transform", _without_email),
            Processor("no-email", "logs", "transform", _without_email_in_logs),
        ]


REDACTOR = {"redactor": Redactor}


class Keeping(SpanProcessor):
    """Keeps what it gets, and the live span that it is given at the start, as MLflow does."""

    def __init__(self):
        self.started, self.ending, self.ended, self.calls = [], [], [], []

    def on_start(self, span, parent_context=None):
        self.started.append(span)

    def _on_ending(self, span):
        self.ending.append(span)

    def on_end(self, span):
        self.ended.append(span)

    def shutdown(self):
        self.calls.append("shutdown")

    def force_flush(self, timeout_millis=30000):
        self.calls.append("flush")
        return True


def record(provider):
    with provider.get_tracer("shop").start_as_current_span(f"pay {SECRET}", attributes={"email": SECRET}) as span:
        span.add_event(SECRET)
        span.set_attribute("size", 3)


@pytest.mark.parametrize("tracer", ["distrokit", "sdk"])
def test_a_late_processor_gets_what_the_exporters_get(tracer):
    late = Keeping()
    with in_memory(REDACTOR, {"DISTROKIT_TRACER": tracer}, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(late)
        record(telemetry.tracer_provider)
        (exported,) = telemetry.spans()

    assert exported.name == "pay ****"
    (ended,) = late.ended
    assert isinstance(ended, ReadableSpan)
    assert (ended.name, dict(ended.attributes), ended.events) == ("pay ****", {"size": 3}, ())
    assert late.calls == ["flush", "shutdown"]


@pytest.mark.parametrize("tracer", ["distrokit", "sdk"])
def test_the_span_that_a_late_processor_keeps_shows_no_more(tracer):
    late = Keeping()
    with in_memory(REDACTOR, {"DISTROKIT_TRACER": tracer}, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(late)
        record(telemetry.tracer_provider)

    assert len(late.started) == len(late.ending) == 1
    for span in (*late.started, *late.ending):
        assert isinstance(span, Span)
        assert span.get_span_context() == late.ended[0].context
        for shown in (span, span._readable_span()):
            assert (shown.name, dict(shown.attributes), tuple(shown.events)) == ("pay ****", {"size": 3}, ())
        assert span._attributes.copy() == span.attributes.copy() == {"size": 3}
        assert SECRET not in span.to_json() + repr(span)
        assert not span.is_recording()
        assert span.end_time == late.ended[0].end_time


class Writing(SpanProcessor):
    """Writes to each span at its start, and reads what it has written."""

    def __init__(self):
        self.read = []

    def on_start(self, span, parent_context=None):
        span.set_attribute("own", "yes")
        span.set_attributes({"more": 1})
        span.add_event("seen")
        span.update_name(f"{span.name}!")
        span._mine = self
        self.read.append((span.name, dict(span.attributes), span.is_recording(), span._mine is self))


def test_what_a_late_processor_writes_reaches_the_span():
    late = Writing()
    with in_memory(REDACTOR, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(late)
        record(telemetry.tracer_provider)
        (exported,) = telemetry.spans()

    assert exported.name == "pay ****!"
    assert dict(exported.attributes) == {"own": "yes", "more": 1, "size": 3}
    assert late.read == [("pay ****!", {"own": "yes", "more": 1}, True, True)]


def test_without_transforms_a_late_processor_gets_the_span_itself():
    late = Keeping()
    with in_memory({}, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(late)
        with telemetry.tracer_provider.get_tracer("shop").start_as_current_span("pay") as span:
            assert late.started == [span]


@pytest.mark.parametrize("what", ["drops", "raises"])
def test_a_span_that_a_transform_drops_shows_nothing(what):
    def drop(context):
        return (lambda span: None) if what == "drops" else (lambda span: span.no_such_thing)

    class Dropping:
        @staticmethod
        @hookimpl
        def distrokit_processors():
            return [Processor("drop", "traces", "transform", drop)]

    late = Keeping()
    with in_memory({"dropping": Dropping}, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(late)
        record(telemetry.tracer_provider)

    # It ends all the same, so that a processor can clear what it keeps; not sampled, so that none exports it.
    for span in (*late.started, *late.ended):
        assert (span.name, dict(span.attributes or {}), span.resource.attributes) == ("", {}, {})
    (ended,) = late.ended
    assert ended.context.span_id == late.started[0].get_span_context().span_id
    assert not ended.context.trace_flags.sampled


def test_the_members_of_the_provider_are_those_that_were_added():
    # MLflow compares the provider's processors with its own, and sets the attribute.
    first, second = Keeping(), Keeping()
    with in_memory(REDACTOR, installed=True) as telemetry:
        active = telemetry.tracer_provider._active_span_processor
        ours = active._span_processors
        telemetry.tracer_provider.add_span_processor(first)
        assert active._span_processors == (*ours, first)
        active._span_processors = (*ours, second)
        record(telemetry.tracer_provider)

    assert first.ended == []
    assert dict(second.ended[0].attributes) == {"size": 3}
    assert len(telemetry.spans()) == 1


def test_a_late_processor_that_raises_costs_nobody_else_anything(capsys):
    class Raising(Keeping):
        def on_start(self, span, parent_context=None):
            raise RuntimeError("start")

        def on_end(self, span):
            raise ValueError("end")

    late, after = Raising(), Keeping()
    with in_memory(REDACTOR, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(late)
        telemetry.tracer_provider.add_span_processor(after)
        for _ in range(3):
            record(telemetry.tracer_provider)
        assert len(telemetry.spans()) == len(after.ended) == 3
    said = capsys.readouterr().err
    assert said.count("late processor test_a_late_processor_that_raises") == 3
    assert "ValueError: end" in said
    assert "3 spans lost" in said


def test_a_late_log_processor_gets_what_the_exporters_get():
    exporter = InMemoryLogRecordExporter()
    with in_memory(REDACTOR, installed=True) as telemetry:
        telemetry.logger_provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        telemetry.logger_provider.get_logger("shop").emit(body=f"mail to {SECRET}")
        (sent,) = telemetry.logs()

    assert sent.body == "mail to ****"
    assert [data.log_record.body for data in exporter.get_finished_logs()] == ["mail to ****"]


class Choosing:
    """A plugin that decides by processor."""

    @staticmethod
    @hookimpl
    def distrokit_late_processor(processor, signal, added_by):
        assert (signal, added_by) == ("traces", __name__)
        return {"Keeping": "raw", "Writing": "refuse"}.get(type(processor).__name__)


@pytest.mark.parametrize(
    ("environ", "plugins", "placement"),
    [
        ({}, REDACTOR, "behind"),
        ({"DISTROKIT_LATE_PROCESSORS": "Raw"}, REDACTOR, "raw"),
        ({"DISTROKIT_LATE_PROCESSORS": "refuse"}, REDACTOR, "refuse"),
        ({}, {**REDACTOR, "choosing": Choosing}, "raw"),
        # The user's own word is the last one.
        ({"DISTROKIT_LATE_PROCESSORS": "behind"}, {**REDACTOR, "choosing": Choosing}, "behind"),
    ],
)
def test_settings_and_plugins_decide(environ, plugins, placement, capsys):
    late = Keeping()
    with in_memory(plugins, environ, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(late)
        record(telemetry.tracer_provider)
        (described,) = telemetry.pipeline.describe()["late"]
        json.dumps(telemetry.pipeline.describe())

    assert described["placement"] == placement
    assert (described["signal"], described["added_by"]) == ("traces", __name__)
    assert described["processor"] == f"{__name__}.Keeping"
    seen = [dict(span.attributes) for span in late.ended]
    assert seen == {"behind": [{"size": 3}], "raw": [{"email": SECRET, "size": 3}], "refuse": []}[placement]
    said = capsys.readouterr().err
    assert ("refuses it" in said) == (placement == "refuse")
    assert len(telemetry.spans()) == 1


def test_a_plugin_that_cannot_decide_is_left_out(capsys):
    class Wrong:
        @staticmethod
        @hookimpl
        def distrokit_late_processor(processor):
            return "before"

    late = Keeping()
    with in_memory({"redactor": Redactor, "wrong": Wrong}, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(late)
        record(telemetry.tracer_provider)

    assert dict(late.ended[0].attributes) == {"size": 3}
    assert "expected one of behind, refuse, raw, or None" in capsys.readouterr().err
    assert isinstance(late, SpanProcessor)
    assert not isinstance(late, LogRecordProcessor)


PROGRAM = """
from opentelemetry import trace
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
with trace.get_tracer("shop").start_as_current_span("pay", attributes={"email": "a@b.c", "size": 3}):
    pass
"""

PLUGIN = """
from distrokit import Processor, hookimpl, replace_span

def without_email(context):
    return lambda span: replace_span(span, attributes={k: v for k, v in span.attributes.items() if k != "email"})

@hookimpl
def distrokit_processors():
    return [Processor("no-email", "traces", "transform", without_email)]
"""


@pytest.mark.parametrize("shown", [{}, {"OTEL_LOG_LEVEL": "debug"}, {"DISTROKIT_DOCTOR": "offline"}])
def test_in_a_real_process_nothing_goes_around_the_redactor(receiver, tmp_path, shown):
    (tmp_path / "redactor.py").write_text(PLUGIN)
    env = {
        "DISTROKIT_PLUGIN_FILES": str(tmp_path / "redactor.py"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"),
        **shown,
    }

    ran = instrumented(PROGRAM, env)

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["attributes"] == {"size": 3}
    assert [span.name for span in receiver.store.spans()] == ["pay"]
    assert SECRET not in ran.stdout + ran.stderr
    placed = "late processor SimpleSpanProcessor (added by __main__) was put behind the transforms"
    assert (placed in ran.stderr) == bool(shown)


def test_exporters_of_both_kinds_get_the_same_when_nothing_is_staged():
    exporter = InMemorySpanExporter()
    with in_memory({}, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(SimpleSpanProcessor(exporter))
        record(telemetry.tracer_provider)

    assert [span.name for span in exporter.get_finished_spans()] == [f"pay {SECRET}"]


@pytest.mark.parametrize(("placement", "verdict"), [("raw", "warn"), ("behind", "ok"), ("refuse", "ok")])
def test_doctor_warns_of_processors_in_front_of_the_redactor(tmp_path, placement, verdict):
    (tmp_path / "redactor.py").write_text(PLUGIN)
    env = {"DISTROKIT_PLUGIN_FILES": str(tmp_path / "redactor.py"), "DISTROKIT_LATE_PROCESSORS": placement}

    report = json.loads(run([sys.executable, "-m", "distrokit", "doctor", "--offline", "--json"], env).stdout)

    (check,) = (check for check in report["checks"] if check["id"] == "late-processors")
    assert check["verdict"] == verdict
    assert ("before no-email" in check["evidence"]) == (placement == "raw")


def test_what_is_written_after_the_end_stays_with_the_processor_that_wrote_it():
    # MLflow writes to the attributes of the span that it keeps, past the span's methods, also after the end.
    class Late(Keeping):
        def on_start(self, span, parent_context=None):
            super().on_start(span, parent_context)
            span._attributes["early"] = 1

        def on_end(self, span):
            super().on_end(span)
            span._attributes["copy"] = SECRET
            span._name = SECRET
            kept = self.started[-1]._attributes
            kept._immutable = False
            kept["late"], kept["email"] = 2, SECRET

    late, other = Late(), Keeping()
    with in_memory(REDACTOR, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(late)
        telemetry.tracer_provider.add_span_processor(other)
        record(telemetry.tracer_provider)
        (exported,) = telemetry.spans()

    assert dict(exported.attributes) == dict(other.ended[0].attributes) == {"early": 1, "size": 3}
    assert exported.name == "pay ****"
    assert dict(late.started[0].attributes) == {"early": 1, "size": 3, "late": 2}
    assert len(late.started[0]._attributes) == 3
    with pytest.raises(TypeError):
        del late.started[0]._attributes["early"]


def test_a_processor_that_lacks_methods_and_one_whose_methods_change_are_called():
    class Half:
        def on_end(self, span):
            raise AssertionError("replaced")

    late, ended = Half(), []
    with in_memory(REDACTOR, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(late)
        late.on_end = ended.append
        record(telemetry.tracer_provider)
        assert telemetry.pipeline.flush() is True

    assert [span.name for span in ended] == ["pay ****"]
    assert telemetry.problems == []


def test_the_transforms_run_once_for_each_state_that_is_read():
    calls = []

    def counting(context):
        def count(span):
            calls.append(span.name)
            return span

        return count

    class Counting:
        @staticmethod
        @hookimpl
        def distrokit_processors():
            return [Processor("count", "traces", "transform", counting)]

    class Reading(SpanProcessor):
        def on_start(self, span, parent_context=None):
            for _ in range(10):
                assert (span.name, span.attributes, span.kind, span.resource) is not None

    with in_memory({"counting": Counting}, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(Reading())
        record(telemetry.tracer_provider)

    assert len(calls) == 2


def test_a_forked_child_adds_processors_while_its_parent_was_adding_one(receiver):
    program = """
        import os, threading, warnings
        from opentelemetry import trace
        from opentelemetry.sdk.trace import SpanProcessor

        warnings.simplefilter("ignore")  # Python 3.12 warns of fork() beside threads
        adding, forked = threading.Event(), threading.Event()

        class Slow(SpanProcessor):
            # The pipeline asks for it while it holds its lock.
            @property
            def forked(self):
                adding.set()
                forked.wait(20)
                raise AttributeError

        class Printing(SpanProcessor):
            def on_end(self, span):
                print(os.getpid() == child_of or "child", span.name, flush=True)

        child_of = os.getpid()
        provider = trace.get_tracer_provider()
        thread = threading.Thread(target=provider.add_span_processor, args=(Slow(),))
        thread.start()
        adding.wait(20)
        child = os.fork()
        forked.set()
        if child:
            os.waitpid(child, 0)
        provider.add_span_processor(Printing())
        trace.get_tracer("shop").start_span("pay").end()
        if not child:
            provider.force_flush()
            os._exit(0)
        thread.join()
    """
    ran = instrumented(program, {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")})

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "child pay\nTrue pay\n"
    assert [span.name for span in receiver.store.spans()] == ["pay", "pay"]


def test_a_plugin_that_is_asked_may_add_a_processor_itself():
    class Adding:
        provider = None

        @classmethod
        def asked(cls, processor):
            if processor is late:
                cls.provider.add_span_processor(own)

    class Plugin:
        @staticmethod
        @hookimpl
        def distrokit_late_processor(processor):
            Adding.asked(processor)

    late, own = Keeping(), Keeping()
    with in_memory({**REDACTOR, "adding": Plugin}, installed=True) as telemetry:
        Adding.provider = telemetry.tracer_provider
        telemetry.tracer_provider.add_span_processor(late)
        record(telemetry.tracer_provider)

    assert len(late.ended) == len(own.ended) == len(telemetry.spans()) == 1


def test_late_processors_write_into_copies_of_their_own():
    class Spans(SpanProcessor):
        def on_end(self, span):
            span.events[0].attributes["mail"] = SECRET
            span.links[0].attributes["mail"] = SECRET

    class Logs(LogRecordProcessor):
        def on_emit(self, log_record):
            log_record.log_record.attributes = {"mail": SECRET}
            log_record.log_record.body = SECRET

        def shutdown(self):
            pass

        def force_flush(self, timeout_millis=30000):
            return True

    class Kept:
        @staticmethod
        @hookimpl
        def distrokit_processors():
            return [Processor("copy", "traces", "transform", lambda context: replace_span)]

    with in_memory({"kept": Kept}, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(Spans())
        telemetry.logger_provider.add_log_record_processor(Logs())
        tracer = telemetry.tracer_provider.get_tracer("shop")
        linked = tracer.start_span("linked").get_span_context()
        with tracer.start_as_current_span("pay", links=[Link(linked)]) as span:
            span.add_event("sold", {"size": 1})
        telemetry.logger_provider.get_logger("shop").emit(body="paid")
        exported = [span for span in telemetry.spans() if span.name == "pay"]
        (log,) = telemetry.logs()

    # They could write.
    assert telemetry.problems == []
    assert SECRET not in repr(exported)
    assert (log.body, dict(log.attributes)) == ("paid", {})


def test_a_copy_of_a_view_shows_no_more_than_the_view():
    copies = []

    class Copying(SpanProcessor):
        def _on_ending(self, span):
            copies.extend([copy(span), deepcopy(span)])

    with in_memory(REDACTOR, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(Copying())
        record(telemetry.tracer_provider)

    assert [(span.name, dict(span.attributes)) for span in copies] == [("pay ****", {"size": 3})] * 2


def test_a_late_processor_gets_numbers_of_any_size():
    class Passing:
        @staticmethod
        @hookimpl
        def distrokit_processors():
            return [Processor("pass", "traces", "transform", lambda context: lambda span: span)]

    late = Keeping()
    with in_memory({"passing": Passing}, installed=True) as telemetry:
        telemetry.tracer_provider.add_span_processor(late)
        telemetry.tracer_provider.get_tracer("shop").start_span("big", attributes={"n": 2**70}).end()

    assert [span.attributes["n"] for span in late.ended] == [2**70]
    assert telemetry.problems == []


def test_a_late_processor_is_told_of_a_fork(receiver):
    program = """
        import os, warnings
        from opentelemetry import trace
        from opentelemetry.sdk.trace import SpanProcessor

        warnings.simplefilter("ignore")  # Python 3.12 warns of fork() beside threads

        class Renewed(SpanProcessor):
            def forked(self):
                print("renewed in the child:", os.getpid() != parent, flush=True)

        parent = os.getpid()
        trace.get_tracer_provider().add_span_processor(Renewed())
        if child := os.fork():
            os.waitpid(child, 0)
        else:
            os._exit(0)
    """

    ran = instrumented(program, {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")})

    assert (ran.stdout, ran.stderr) == ("renewed in the child: True\n", "")

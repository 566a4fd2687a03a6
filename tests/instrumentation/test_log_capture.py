"""Log records become telemetry whatever the application does with its handlers, and its logging is Python's own."""

from __future__ import annotations

import sys
from collections import Counter

import pytest
from processes import BIN, LEAN, QUIET, instrumented, run

#: Calls that plain Python complains about on stderr, or not at all; a view of Flask that makes one of them.
MISTAKES = """
import logging, os, sys
if "START" in os.environ:
    import distrokit
    distrokit.start()
if "BASIC" in os.environ:
    logging.basicConfig()

class Bad:
    def __str__(self):
        raise RuntimeError("it has no text")
    def __repr__(self):
        return "<Bad>"

logger = logging.getLogger("a")
logger.warning("done", "extra")
print("goes on")
logger.warning("%d", "text")
logger.warning(Bad())
logger.warning("with %s", Bad())
logger.info("not shown %d", "text")
try:
    raise ValueError(Bad())
except ValueError:
    logger.exception("raised")
logger.error("all is well")
print(logging.root.handlers)
"""
#: What arrives of them at the level WARNING; nothing is left out for what cannot be formatted.
ARRIVES = ["done", "%d", "<Bad>", "with %s", "raised", "all is well"]
LAUNCHERS = {
    "opentelemetry-instrument": ([str(BIN / "opentelemetry-instrument"), sys.executable], {}),
    "distrokit run": ([str(BIN / "distrokit"), "run", sys.executable], {"BASIC": "1"}),
    "distrokit.start": ([sys.executable], {"START": "1"}),
    "without an exporter": ([str(BIN / "opentelemetry-instrument"), sys.executable], {"OTEL_LOGS_EXPORTER": "none"}),
}
SEND = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_record_that_cannot_be_formatted_is_as_in_plain_python(tmp_path, receiver, launcher):
    (tmp_path / "program.py").write_text(MISTAKES)
    command, env = LAUNCHERS[launcher]
    sending = {**LEAN, **SEND, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf")}

    plain = run(
        [sys.executable, "program.py"], {name: text for name, text in env.items() if name == "BASIC"}, (), tmp_path
    )
    result = run([*command, "program.py"], {**sending, **env}, (), tmp_path)

    assert plain.stderr.count("--- Logging error ---") == 4
    assert (result.returncode, result.stdout, result.stderr) == (0, plain.stdout, plain.stderr)
    arrived = [log.body for log in receiver.store.logs()]
    assert arrived == ([] if launcher == "without an exporter" else ARRIVES)


def test_a_view_that_logs_what_cannot_be_formatted_answers():
    program = """
        import flask, logging
        app = flask.Flask("app")
        @app.route("/")
        def view():
            logging.getLogger("view").warning("%d items", "many")
            return "fine"
        print(app.test_client().get("/").status_code)
    """
    result = instrumented(program, {**QUIET, "OTEL_LOGS_EXPORTER": "console"}, lean=False)

    assert result.stdout.startswith("200\n"), result.stderr
    assert '"body": "%d items"' in result.stdout


# ------------------------------------------------------------------ handlers that come and go

#: What an application does with the root's handlers. Each keeps what its own handlers are given in ``SEEN``.
SETUPS = {
    "loguru's recipe": "logging.root.handlers = [Keep()]",
    "emptied": "logging.root.handlers = []",
    "cleared": "logging.root.handlers.clear()",
    "removed one by one": "for each in logging.root.handlers[:]: logging.root.removeHandler(each)",
    "basicConfig": "logging.basicConfig(handlers=[Keep()])",
    "basicConfig force": "logging.basicConfig(handlers=[Keep()], force=True)",
    "dictConfig": "logging.config.dictConfig({'version': 1, 'handlers': {'k': {'class': '__main__.Keep'}},"
    " 'root': {'handlers': ['k']}})",
    "shut down": "logging.shutdown()",
}
KEEPING = """
    import logging, logging.config
    from opentelemetry._logs import get_logger_provider
    SEEN = []
    class Keep(logging.Handler):
        def emit(self, record):
            SEEN.append(record.getMessage())
"""


def test_every_record_arrives_once_whatever_becomes_of_the_handlers(receiver):
    program = (
        KEEPING
        + f"""
    SETUPS = {SETUPS!r}
    for name, setup in SETUPS.items():
        logging.root.handlers = []
        exec(setup)
        print(name, len(logging.root.handlers))
        logging.getLogger(f"after {{name}}").warning(name)
    print(SEEN)
    """
    )
    result = instrumented(program, {**SEND, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf")})

    assert Counter(log.body for log in receiver.store.logs()) == Counter(list(SETUPS))
    own = [name for name, setup in SETUPS.items() if "Keep" in setup]
    *counts, seen = result.stdout.splitlines()
    assert counts == [f"{name} {int(name in own)}" for name in SETUPS]
    assert seen == str(own)
    # What the root has no handler for, Python's last resort prints.
    assert result.stderr.splitlines() == [name for name in SETUPS if name not in own]


#: Records, some of which no handler on the root would be given.
REACHING = (
    KEEPING
    + """
    class Calling(logging.Logger):
        def callHandlers(self, record):
            super().callHandlers(record)
    root, get = logging.getLogger(), logging.getLogger
    root.addHandler(Keep(logging.WARNING))
    get("quiet").propagate = False
    get("quiet.child").warning("stops above its logger")
    get("quiet").warning("does not propagate")
    get("off").disabled = True
    get("off").warning("of a disabled logger")
    get("loud").setLevel("ERROR")
    get("loud").warning("below its logger's level")
    get("picky").addFilter(lambda record: record.msg != "filtered")
    get("picky").warning("filtered")
    get("picky").warning("passes a filter")
    get("app").info("below the root's level")
    get("app").debug("below every level")
    root.setLevel("INFO")
    get("app").info("below the handler's level")
    get("app").warning("plain %s", "record")
    get("app").handle(logging.makeLogRecord({"msg": "made elsewhere", "levelno": 40}))
    logging.setLoggerClass(Calling)
    get("special").warning("of a logger of a class of its own")
    get("nested.deep.down").warning("nested")
    logging.disable("ERROR")
    get("app").error("while logging is disabled")
    logging.disable(logging.NOTSET)
    root.handlers[0].addFilter(lambda record: record.__dict__.update(msg="redacted") or True)
    get("app").warning("secret")
    root.warning("on the root", extra={"k": 1})
    print(SEEN)
"""
)


def test_what_arrives_is_what_a_handler_on_the_root_is_given(receiver):
    env = {**SEND, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf")}

    result = instrumented(REACHING, {**env, "OTEL_PYTHON_LOG_HANDLER_LEVEL": "warning"})

    # After the application's own handlers: what these take out of a record is not sent.
    given = [
        "passes a filter",
        "plain record",
        "made elsewhere",
        "of a logger of a class of its own",
        "nested",
        "redacted",
        "redacted",
    ]
    assert result.stdout == f"{given}\n", result.stderr
    assert Counter(log.body for log in receiver.store.logs()) == Counter(given)


def test_uninstrumenting_gives_back_what_python_has():
    program = """
        import logging
        from opentelemetry.instrumentation.logging import LoggingInstrumentor
        logger = logging.getLogger("app")
        logger.warning("one")
        LoggingInstrumentor().uninstrument()
        print(logging.Logger.callHandlers.__code__.co_filename == logging.__file__, logging.root.handlers)
        logger.warning("two")
        LoggingInstrumentor().instrument()
        print(len(logging.root.handlers))
        logger.warning("three")
        LoggingInstrumentor().uninstrument()
        print(len(logging.root.handlers))
    """
    result = instrumented(program, {**QUIET, "OTEL_LOGS_EXPORTER": "console", "DISTROKIT_LOGS_PROCESSOR": "simple"})

    lines = [line for line in result.stdout.splitlines() if line[:1] not in "{} "]
    assert lines == ["True []", "1", "0"], result.stderr
    assert [body for body in ("one", "two", "three") if f'"body": "{body}"' in result.stdout] == ["one", "three"]


def test_a_record_of_a_destructor_at_the_very_end_blames_nobody(receiver):
    program = """
        import logging
        from opentelemetry import metrics, trace
        tracer, counter = trace.get_tracer("t"), metrics.get_meter("m").create_counter("c")
        class Noisy:
            def __del__(self):
                logging.getLogger("app").error("late")
                tracer.start_span("late").end()
                counter.add(1)
        noisy = Noisy()
        logging.getLogger("app").error("in time")
    """
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf"),
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }

    result = instrumented(program, env)

    assert (result.returncode, result.stderr) == (0, "in time\nlate\n")
    assert [log.body for log in receiver.store.logs()] == ["in time"]

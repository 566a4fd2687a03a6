"""distrokit's voice: stderr only, once each, without secrets, past any logging set-up."""

from __future__ import annotations

import logging

import pytest
from distributions import write_plugin
from hypothesis import given
from hypothesis import strategies as st
from processes import QUIET, instrumented

from distrokit.diagnostics import (
    Channel,
    Mask,
    Problem,
    StrictError,
    describe_exception,
    one_line,
    write,
)
from distrokit.settings.layers import Settings
from distrokit.settings.suggestions import did_you_mean

PROBLEM = Problem(code="x", subject="S=1", cause="wrong", outcome="2 is used", remedy="Unset it.", detail="Traceback …")


def test_a_problem_is_printed_once_as_one_line(capsys):
    channel = Channel()

    channel.problems([PROBLEM, PROBLEM])
    channel.problems([PROBLEM])

    assert capsys.readouterr() == ("", "distrokit: S=1: wrong; 2 is used. Unset it.\n")


@pytest.mark.parametrize(
    ("level", "lines"),
    [(logging.DEBUG, 3), (logging.INFO, 2), (logging.WARNING, 1), (logging.CRITICAL, 0)],
)
def test_the_level_decides(capsys, level, lines):
    channel = Channel(level)

    channel.problems([PROBLEM])
    channel.say(logging.INFO, "started")

    assert len(capsys.readouterr().err.splitlines()) == lines


def test_a_closed_or_missing_stderr_is_no_reason_to_fail(monkeypatch):
    class Closed:
        def write(self, text):
            raise ValueError("I/O operation on closed file")

    monkeypatch.setattr("sys.stderr", Closed())
    write("x")
    monkeypatch.setattr("sys.stderr", None)
    write("x")


def test_texts():
    assert one_line("a\n  b" + "c" * 999, 10) == "a bcccccc…"
    assert describe_exception(KeyError()) == "KeyError"
    assert describe_exception(ValueError("a\nb")) == "ValueError: a b"
    assert did_you_mean("Consol", ["otlp", "console"]) == "Did you mean 'console'?"
    assert did_you_mean("zzz", ["otlp"]) == ""
    assert str(StrictError([PROBLEM])) == str(PROBLEM)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("http://user:pw@host:1/path", "http://****@host:1/path"),
        ("to https://h/x?key=abc#f failed", "to https://h/x?****#f failed"),
        ("is it? yes", "is it? yes"),
        ("http://h:1", "http://h:1"),
    ],
)
def test_urls_lose_their_secret_parts(text, masked):
    assert Mask()(text) == masked


secrets = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, blacklist_characters=",%=* "), min_size=8, max_size=30
)


@given(secrets, st.sampled_from(["{}", "authorization=Bearer {}", "a=1,b={}", "authorization=Bearer%20{}"]))
def test_what_a_secret_variable_holds_is_masked_wherever_it_turns_up(secret, shape):
    for name in ("OTEL_EXPORTER_OTLP_HEADERS", "ACME_TOKEN", "SERVICE_PASSWORD", "AZURE_API_KEY"):
        mask = Settings.from_environ({name: shape.format(secret)}).mask

        assert secret not in mask(f"RuntimeError: cannot log in with {secret}!")


@pytest.mark.parametrize("level", ["debug", "INFO", "warn", "off", ""])
def test_otel_log_level_is_honoured(level):
    result = instrumented(
        """
        import logging
        logging.getLogger("opentelemetry.sdk").warning("a warning line")
        logging.getLogger("opentelemetry.sdk").debug("a debug line")
        """,
        {
            "OTEL_LOG_LEVEL": level,
            "OTEL_TRACES_EXPORTER": "consol",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
        },
    )

    assert ("a debug line" in result.stderr) == (level == "debug")
    assert ("a warning line" in result.stderr) == (level != "off")
    assert ("OTEL_TRACES_EXPORTER=consol" in result.stderr) == (level != "off")


@pytest.mark.parametrize(
    ("setup", "lines"),
    [
        ("", ["opentelemetry.sdk: lost"]),
        # The logging instrumentation, installed here, puts a handler on the root that prints nothing.
        ("logging.getLogger().addHandler(logging.NullHandler())", ["opentelemetry.sdk: lost"]),
        ("logging.basicConfig(force=True)", ["WARNING:opentelemetry.sdk:lost"]),
    ],
)
def test_the_sdks_warnings_reach_stderr_exactly_once(setup, lines):
    result = instrumented(
        f"import logging\n{setup}\nlogging.getLogger('opentelemetry.sdk').warning('lost')",
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"},
    )

    assert result.stderr.splitlines() == lines


def test_a_traceback_is_shown_on_demand_and_secrets_never(tmp_path):
    source = """
        import os
        from distrokit import Exporter, hookimpl

        def make(options):
            raise RuntimeError("cannot log in with " + os.environ["ACME_TOKEN"])

        @hookimpl
        def distrokit_exporters():
            return [Exporter("acme", "traces", make)]
    """
    env = {**QUIET, "OTEL_TRACES_EXPORTER": "acme", "ACME_TOKEN": "deepsecret"}
    path = [write_plugin(tmp_path, "acme", source)]

    loud = instrumented("", {**env, "OTEL_LOG_LEVEL": "debug"}, path).stderr
    plain = instrumented("", env, path).stderr

    assert "Traceback" in loud
    assert "Traceback" not in plain
    assert "cannot log in with ****" in plain
    assert "deepsecret" not in loud + plain

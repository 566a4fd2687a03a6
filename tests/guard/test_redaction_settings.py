"""The settings of redaction: from variables, a file and a distro; wrong ones name the rule, and nothing is sent."""

from __future__ import annotations

import json
import os
from textwrap import dedent

import pytest
from commands import in_process
from processes import configured, instrumented, said
from releases import needs_yaml

from distrokit import Distro
from distrokit.testing import check_plugin, in_memory, planned
from distrokit_guard import plugin
from distrokit_guard.redaction.names import KINDS
from distrokit_guard.redaction_parts import make_redactor

GUARD = {"guard": plugin}


def redacting(environ, **more):
    return planned(GUARD, environ, **more).signals["traces"].at("transform")


def values_of(environ):
    (redact,) = redacting(environ)
    return redact.arguments


def attributes_sent(environ, attributes, **more):
    """The attributes of spans as they are sent, and the problems."""
    with in_memory(GUARD, environ, **more) as telemetry:
        telemetry.tracer_provider.get_tracer("t").start_span("s", attributes=attributes).end()
        return [span.attributes for span in telemetry.spans()], telemetry.problems


def test_nothing_is_redacted_unless_it_is_set():
    assert redacting({}) == []
    assert redacting({"DISTROKIT_GUARD_REDACT_ACTION": "hash", "DISTROKIT_GUARD_MAX_VALUE_LENGTH": "1000"}) == []
    assert attributes_sent({}, {"a": "a@b.co"}) == ([{"a": "a@b.co"}], [])


@pytest.mark.parametrize(
    ("environ", "argument", "value"),
    [
        ({"DISTROKIT_GUARD_REDACT": " Cards, emails,cards "}, "kinds", ("cards", "emails")),
        ({"DISTROKIT_GUARD_REDACT": "emails,all"}, "kinds", KINDS),
        ({"DISTROKIT_GUARD_REDACT_KEYS": "*password*, a.b ,"}, "keys", ("*password*", "a.b")),
        ({"DISTROKIT_GUARD_REDACT": "all", "DISTROKIT_GUARD_REDACT_ACTION": "Remove"}, "action", "remove"),
        ({"DISTROKIT_GUARD_REDACT": "all", "DISTROKIT_GUARD_MAX_VALUE_LENGTH": "500"}, "max_value_length", 500),
        ({"DISTROKIT_GUARD_REDACT": "all", "DISTROKIT_GUARD_MAX_VALUE_LENGTH": "5"}, "max_value_length", 65_536),
    ],
)
def test_a_setting_is_read(environ, argument, value):
    assert values_of(environ)[argument] == value


def test_patterns_of_both_settings_are_used(tmp_path):
    file = tmp_path / "patterns"
    file.write_text("# ours\nfrom-file: FILE-[0-9]{4}\n", "utf-8")
    environ = {
        "DISTROKIT_GUARD_REDACT_PATTERNS": "one: ONE-\\d+\ntwo: TWO-\\d+",
        "DISTROKIT_GUARD_REDACT_PATTERNS_FILE": str(file),
    }

    spans, problems = attributes_sent(environ, {"a": "ONE-1 TWO-2 FILE-1234"})

    assert spans == [{"a": "[redacted:one] [redacted:two] [redacted:from-file]"}]
    assert problems == []


def test_the_key_of_the_hash_may_be_in_a_file_and_is_never_shown(tmp_path):
    file = tmp_path / "key"
    file.write_text("0123456789abcdef0123\n")
    environ = {
        "DISTROKIT_GUARD_REDACT": "emails",
        "DISTROKIT_GUARD_REDACT_ACTION": "hash",
        "DISTROKIT_GUARD_HASH_SECRET_FILE": str(file),
    }

    spans, problems = attributes_sent(environ, {"a": "a@b.co"})
    explained = in_process("explain", "--json", env=environ)

    assert problems == []
    assert spans[0]["a"].startswith("[redacted:emails:")
    assert "0123456789abcdef" not in explained.stdout


def test_explain_shows_the_rules_and_their_sources():
    environ = {
        "DISTROKIT_GUARD_REDACT": "cards",
        "DISTROKIT_GUARD_REDACT_KEYS": "a,b",
        "DISTROKIT_GUARD_REDACT_PATTERNS": "one: ONE-\\d+",
    }
    text = in_process("explain", env=environ).stdout

    assert "guard-redact" in text
    assert "patterns = one: ONE-\\d+ DISTROKIT_GUARD_REDACT_PATTERNS" in " ".join(text.split())
    assert "action = mask" in " ".join(text.split())


WRONG = {
    "kind": ({"REDACT": "cards,email"}, "there is no kind 'email'", "Did you mean 'emails'?"),
    "keys of everything": ({"REDACT_KEYS": "a,*"}, "'*' matches everything", "Name what is meant."),
    "action": ({"REDACT": "all", "REDACT_ACTION": "hide"}, "valid values are mask, hash, remove", "Correct DISTROKIT"),
    "hash without a key": ({"REDACT": "all", "REDACT_ACTION": "hash"}, "it needs a key", "Set DISTROKIT_GUARD_HASH_SECRET"),
    "short key": (
        {"REDACT": "all", "REDACT_ACTION": "hash", "HASH_SECRET": "short"}, "shorter than 16", "Set a longer one",
    ),
    "unbalanced pattern": ({"REDACT_PATTERNS": "a: x(", "REDACT": "all"}, "it is no regular expression", "Correct it."),
    "catastrophic pattern": ({"REDACT_PATTERNS": "a: (x+)+y"}, "may take long", "Begin the group"),
    "empty pattern": ({"REDACT_PATTERNS": "a: x*"}, "matches the empty text", "Make at least one part of it mandatory."),
    "pattern for everything": ({"REDACT_PATTERNS": "a: .+"}, "matches ordinary texts", "more specific"),
    "pattern without a name": ({"REDACT_PATTERNS": "abc"}, "not of the form name: regex", "Begin it with a name"),
    "name of a kind": ({"REDACT_PATTERNS": "cards: abc"}, "another rule has this name", "Give it another name."),
    "missing file": ({"REDACT_PATTERNS_FILE": "/nowhere/p"}, "No such file", "Correct the file"),
    "relative file": ({"REDACT_PATTERNS_FILE": "p"}, "it must be an absolute path", "Correct the file"),
    "folder": ({"REDACT_PATTERNS_FILE": "/"}, "it cannot be read: Is a directory", "Correct the file"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_rule_is_named_and_nothing_is_sent(case):
    settings, cause, remedy = WRONG[case]
    environ = {f"DISTROKIT_GUARD_{name}": text for name, text in settings.items()}

    spans, problems = attributes_sent(environ, {"a": "a@b.co"})

    assert spans == []
    refused = [problem for problem in problems if problem.code == "rule-refused"]
    assert len(refused) == 1
    assert cause in refused[0].cause
    assert remedy in refused[0].remedy
    assert refused[0].severity == "error"
    assert "SECRET=short" not in str(refused[0])


@pytest.mark.parametrize("content", [b"", b"# nothing\n\n", b"\xff\xfe", b"a: b\n" * 1_000_000])
def test_a_file_of_patterns_that_has_none_is_refused(tmp_path, content):
    file = tmp_path / "patterns"
    file.write_bytes(content)

    spans, problems = attributes_sent({"DISTROKIT_GUARD_REDACT_PATTERNS_FILE": str(file)}, {"a": "b"})

    assert spans == []
    assert [problem.code for problem in problems][:1] == ["rule-refused"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_of_patterns_that_cannot_be_read_is_refused(tmp_path):
    file = tmp_path / "patterns"
    file.write_text("a: b")
    file.chmod(0)

    assert attributes_sent({"DISTROKIT_GUARD_REDACT_PATTERNS_FILE": str(file)}, {"a": "b"})[0] == []


def test_each_wrong_line_is_named_once():
    plan = planned(GUARD, {"DISTROKIT_GUARD_REDACT_PATTERNS": "a: (\nb: ok[0-9]\nc: x*"})

    subjects = [problem.subject for problem in plan.problems if problem.code == "rule-refused"]
    assert subjects == [
        "DISTROKIT_GUARD_REDACT_PATTERNS, line 1, pattern a",
        "DISTROKIT_GUARD_REDACT_PATTERNS, line 3, pattern c",
    ]


def test_a_limit_that_is_no_number_falls_back_to_the_default():
    environ = {"DISTROKIT_GUARD_REDACT": "emails", "DISTROKIT_GUARD_MAX_VALUE_LENGTH": "64k"}

    spans, problems = attributes_sent(environ, {"a": "a@b.co"})

    assert spans == [{"a": "[redacted:emails]"}]
    assert [(problem.code, "65536" in problem.outcome) for problem in problems] == [("setting-invalid", True)]


def test_a_redactor_without_rules_cannot_be_made():
    with pytest.raises(ValueError, match="set DISTROKIT_GUARD_REDACT or"):
        make_redactor({}, {})


def test_a_distro_sets_the_rules():
    distro = Distro(name="acme", version="1", plugins=("guard",), defaults={"DISTROKIT_GUARD_REDACT": "emails"})

    spans, _ = attributes_sent({}, {"a": "a@b.co"}, distro=distro)
    overridden, _ = attributes_sent({"DISTROKIT_GUARD_REDACT": "cards"}, {"a": "a@b.co"}, distro=distro)

    assert spans == [{"a": "[redacted:emails]"}]
    assert overridden == [{"a": "a@b.co"}]


FILE = """
    file_format: "1.0"
    tracer_provider:
      processors:
        - simple: {exporter: {console: }}
    distribution:
      distrokit:
        guard_redact: [emails, cards]
        guard_redact_keys: ["*password*"]
        guard_redact_patterns: |
          acme: ACME-[0-9]{4}
          other: OTHER,[0-9]{4}
"""
PROGRAM = """
    from opentelemetry import trace

    attributes = {"mail": "a@b.co", "password": 1, "acme": "ACME-1234 OTHER,1234"}
    trace.get_tracer("t").start_span("s", attributes=attributes).end()
"""


@needs_yaml
def test_a_configuration_file_sets_the_rules(tmp_path):
    ran = configured(PROGRAM, FILE, tmp_path)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["attributes"] == {
        "mail": "[redacted:emails]",
        "password": "[redacted:key]",
        "acme": "[redacted:acme] [redacted:other]",
    }


@needs_yaml
def test_a_configuration_file_names_the_processor_with_its_arguments(tmp_path):
    file = """
        file_format: "1.0"
        tracer_provider:
          processors:
            - guard-redact: {kinds: [emails], keys: password, patterns: "acme: ACME-[0-9]{4}", action: remove}
            - simple: {exporter: {console: }}
    """
    ran = configured(PROGRAM, file, tmp_path)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["attributes"] == {"acme": " OTHER,1234"}


@needs_yaml
def test_the_effective_configuration_is_a_file_with_the_same_effect(tmp_path):
    patterns = tmp_path / "patterns"
    patterns.write_text("file: FILE-[0-9]{4}")
    environ = {
        "DISTROKIT_GUARD_REDACT": "emails,cards",
        "DISTROKIT_GUARD_REDACT_KEYS": "password",
        "DISTROKIT_GUARD_REDACT_PATTERNS": "acme: ACME-[0-9]{4}\nother: OTHER,[0-9]{4}",
        "DISTROKIT_GUARD_REDACT_PATTERNS_FILE": str(patterns),
        "DISTROKIT_GUARD_REDACT_ACTION": "remove",
        "DISTROKIT_GUARD_MAX_ITEM_BYTES": "5000",
        "OTEL_TRACES_EXPORTER": "console",
    }
    shown = in_process("config", "show", env=environ)

    ran = configured(PROGRAM, shown.stdout, tmp_path)

    assert (shown.stderr, ran.stderr) == ("", "")
    assert json.loads(ran.stdout)["attributes"] == {"acme": " "}


def test_a_wrong_rule_in_a_process_is_one_line_and_the_application_runs():
    ran = instrumented(
        PROGRAM + "\n    print('runs')", {"DISTROKIT_GUARD_REDACT": "card", "OTEL_TRACES_EXPORTER": "console"}
    )

    assert ran.returncode == 0
    assert ran.stdout == "runs\n"
    assert len([line for line in said(ran) if "there is no kind 'card'" in line]) == 1
    assert "a@b.co" not in ran.stdout + ran.stderr


def test_the_plugin_keeps_what_plugins_promise(tmp_path):
    file = tmp_path / "patterns"
    file.write_text("acme: ACME-[0-9]{4}")
    environ = {
        "DISTROKIT_GUARD_REDACT": "all",
        "DISTROKIT_GUARD_REDACT_ACTION": "hash",
        "DISTROKIT_GUARD_REDACT_PATTERNS_FILE": str(file),
        "DISTROKIT_GUARD_HASH_SECRET": "0123456789abcdef",
        "DISTROKIT_GUARD_MAX_ITEM_BYTES": "10000",
    }

    check_plugin(plugin, environ=environ)


RULES = dedent("""
    never: NEVER-[0-9]{4}
    always: span-[0-9]+
    now: span-7
""")


@pytest.mark.parametrize("spans", [50, 150])
def test_rules_that_match_nothing_or_everything_are_named_once(spans):
    program = f"""
        from opentelemetry import trace

        for number in range({spans}):
            trace.get_tracer("t").start_span(f"span-{{number}}", attributes={{"password": 1}}).end()
    """
    environ = {"DISTROKIT_GUARD_REDACT_PATTERNS": RULES, "OTEL_LOG_LEVEL": "info"}
    environ["DISTROKIT_GUARD_REDACT_KEYS"] = "*password*,secret.*"
    environ |= {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}

    lines = [line for line in instrumented(program, environ).stderr.splitlines() if "redaction:" in line]

    expected = [
        "redaction: never, secret.* matched nothing (150 items)",
        "redaction: always matched in every item (150 items)",
    ]
    assert [line[line.index("redaction:") :] for line in lines] == (expected if spans >= 100 else [])

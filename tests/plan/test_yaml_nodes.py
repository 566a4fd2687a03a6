"""How the text of a configuration file becomes values: references, types, places; and that nothing breaks it."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import planned

pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")

from distrokit_yaml.nodes import UnusableFileError, nodes_of
from distrokit_yaml.reading import read_configuration

#: The specification's environment for its table of substitutions.
ENVIRON = {
    "STRING_VALUE": "value",
    "BOOL_VALUE": "true",
    "INT_VALUE": "1",
    "FLOAT_VALUE": "1.1",
    "HEX_VALUE": "0xdeadbeef",
    "INVALID_MAP_VALUE": "value\nkey:value",
    "DO_NOT_REPLACE_ME": "Never use this value",
    "REPLACE_ME": "${DO_NOT_REPLACE_ME}",
    "VALUE_WITH_ESCAPE": "value$$",
    "EMPTY": "",
}


def value(text, environ=ENVIRON):
    return nodes_of(f"key: {text}", "f", environ, []).at("key")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${STRING_VALUE}", "value"),
        ("${BOOL_VALUE}", True),
        ("${INT_VALUE}", 1),
        ("${FLOAT_VALUE}", 1.1),
        ("${HEX_VALUE}", 3735928559),
        ('"${STRING_VALUE}"', "value"),
        ('"${BOOL_VALUE}"', "true"),
        ('"${INT_VALUE}"', "1"),
        ("'${FLOAT_VALUE}'", "1.1"),
        ('"${HEX_VALUE}"', "0xdeadbeef"),
        ("${env:STRING_VALUE}", "value"),
        ("${INVALID_MAP_VALUE}", "value\nkey:value"),
        ("foo ${STRING_VALUE} ${FLOAT_VALUE}", "foo value 1.1"),
        ("${UNDEFINED_KEY}", None),
        ("${UNDEFINED_KEY:-fallback}", "fallback"),
        ("${EMPTY:-fallback}", "fallback"),
        ("${REPLACE_ME}", "${DO_NOT_REPLACE_ME}"),
        ("${UNDEFINED_KEY:-${STRING_VALUE}}", "${STRING_VALUE}"),
        ("$${STRING_VALUE}", "${STRING_VALUE}"),
        ("$$${STRING_VALUE}", "$value"),
        ("$$$${STRING_VALUE}", "$${STRING_VALUE}"),
        ("$${STRING_VALUE:-fallback}", "${STRING_VALUE:-fallback}"),
        ("$${STRING_VALUE:-${STRING_VALUE}}", "${STRING_VALUE:-value}"),
        ("${UNDEFINED_KEY:-$${UNDEFINED_KEY}}", "${UNDEFINED_KEY:-${UNDEFINED_KEY}}"),
        ("${VALUE_WITH_ESCAPE}", "value$$"),
        ("a $$ b", "a $ b"),
        ("a $ b", "a $ b"),
    ],
)
def test_the_specifications_table_of_substitutions(text, expected):
    node = value(text)

    assert (node.value if node else None) == expected
    assert type(node.value if node else None) is type(expected)


@pytest.mark.parametrize("text", ["${STRING_VALUE:?error}", "${1API_KEY}", "${API_$KEY}", "${a b}"])
def test_an_invalid_reference_makes_the_file_unusable(text):
    with pytest.raises(UnusableFileError, match="is not a valid reference") as raised:
        value(text)

    assert (raised.value.line, raised.value.column) == (1, 1)


def test_references_in_keys_are_text():
    assert nodes_of("${STRING_VALUE}: 1", "f", ENVIRON, []).plain() == {"${STRING_VALUE}": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no", "no"), ("Yes", "yes".title()), ("on", "on"), ("True", True), ("FALSE", False), ("tRue", "tRue"),
        ("~", None), ("NULL", None), ("012", 12), ("0o14", 12), ("0x0C", 12), ("1:30", "1:30"), ("1_000", "1_000"),
        ("1.", 1.0), (".5", 0.5), ("1e3", 1000.0), ("2020-01-01", "2020-01-01"), ("!!str 5", "5"), ('!!int "5"', 5),
        ('!!float "5"', 5.0), ("!!bool 'true'", True), ("!!null ''", None), ("9" * 2000, "9" * 2000), ("[a, 1]", ["a", 1]),
    ],
)  # fmt: skip
def test_types_are_those_of_yaml_1_2(text, expected):
    node = value(text)

    assert (node.plain() if node else None) == expected


def test_infinities():
    assert [value(t).value for t in (".inf", "-.INF")] == [float("inf"), float("-inf")]
    assert value(".NaN").value != value(".NaN").value


@pytest.mark.parametrize(
    "text", ["!!int soon", "!!python/name:os.system x", "!!binary aGk=", "!custom {a: 1}", "!!set {a}"]
)
def test_a_type_that_is_none_makes_the_file_unusable(text):
    with pytest.raises(UnusableFileError):
        value(text)


def test_merges_and_aliases():
    text = "base: &base {a: 1, b: 2}\nother: &other {b: 3, c: 4}\nown: {<<: [*base, *other], a: 5}\nsame: *base\n"

    tree = nodes_of(text, "f", {}, [])

    assert tree.at("own").plain() == {"a": 5, "b": 2, "c": 4}
    assert tree.at("same").plain() == {"a": 1, "b": 2}
    assert tree.at("own", "b").source.name == "f:1:20"
    with pytest.raises(UnusableFileError, match="<< takes mappings only"):
        nodes_of("a: {<<: 5}", "f", {}, [])
    with pytest.raises(UnusableFileError, match="a key is a list or a mapping"):
        nodes_of("? [a]\n: b", "f", {}, [])


def test_an_escaped_reference_behind_an_alias_is_escaped_once():
    tree = nodes_of("a: &a $${STRING_VALUE}\nb: *a", "f", ENVIRON, [])

    assert tree.plain() == {"a": "${STRING_VALUE}", "b": "${STRING_VALUE}"}


FILES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
KEYS = ("tracer_provider", "meter_provider", "logger_provider", "resource", "propagator", "sampler", "processors", "readers",
        "batch", "simple", "periodic", "pull", "exporter", "otlp_http", "otlp_grpc", "console", "endpoint", "headers", "tls",
        "views", "selector", "stream", "attributes", "name", "value", "detection/development", "detectors", "disabled",
        "instrumentation/development", "python", "general", "distribution", "distrokit", "limits", "attribute_limits",
        "composite", "composite_list", "parent_based", "root", "composite/development", "rule_based", "log_level")  # fmt: skip
MODELS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["", "${X}", "always_on", "http://h:1", "grpc", "soon"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=25,
)


@given(st.text(max_size=200) | st.binary(max_size=200) | FILES.map(json.dumps))
def test_no_content_of_a_file_raises(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "wild.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))

    configuration = read_configuration(str(path), {})

    assert configuration.model is not None or configuration.problems
    assert all("\n" not in str(problem) for problem in configuration.problems)


@given(st.dictionaries(st.sampled_from(KEYS), MODELS, max_size=5))
def test_no_file_breaks_the_plan(tmp_path_factory, model):
    path = tmp_path_factory.getbasetemp() / "model.yaml"
    path.write_text(json.dumps({"file_format": "1.0", **model}))

    plan = planned({"OTEL_CONFIG_FILE": str(path)})

    json.dumps(plan.describe())
    assert not [
        problem for problem in plan.problems if problem.code in ("start-failed", "plugin-failed", "parameters-failed")
    ]


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from(KEYS), MODELS, max_size=5))
def test_upstream_accepts_what_is_said_to_have_no_faults(tmp_path_factory, model):
    """What passes here without a word passes ``load_config_file``, and what it refuses is said here."""
    from opentelemetry.configuration import ConfigurationError, load_config_file

    path = tmp_path_factory.getbasetemp() / "both.yaml"
    path.write_text(json.dumps({"file_format": "1.0", **model}))
    logging.getLogger("opentelemetry.configuration").setLevel("CRITICAL")
    try:
        load_config_file(path)
        accepted = True
    except ConfigurationError:
        accepted = False

    ours = read_configuration(str(path), {"X": "x"})

    # Beyond upstream: values of a fixed set in any case.
    assert accepted or ours.problems
    assert not (accepted and [p for p in ours.problems if p.code == "file-invalid"])

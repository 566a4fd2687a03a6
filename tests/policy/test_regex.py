"""RE2's syntax: what is translated, what is refused, and the templates of replacements."""

from __future__ import annotations

import re
import sys
import time
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distrokit_policy.engine.re2_syntax import UnsupportedSyntaxError, translate
from distrokit_policy.engine.regex import InvalidRegexError, Template, compile_regex

#: A pattern, texts in which it finds something, and texts in which it does not.
MEANINGS = [
    (r"a$", ["a", "ba"], ["a\n", "ab"]),
    (r"(?m)a$", ["a\nb"], ["ab"]),
    (r"^b", ["b"], ["a\nb"]),
    (r"(?m)^b", ["a\nb"], ["ab"]),
    (r"\d", ["1"], ["٣"]),
    (r"\w", ["a", "_"], ["é"]),
    (r"\s", [" ", "\t"], ["\v", "\u00a0"]),
    (r"^\W$", ["é", " "], ["a"]),
    (r"^[^\d]$", ["a"], ["1"]),
    (r"\bfoo\b", ["a foo b", "éfoo"], ["foos"]),
    (r"a(?i)b|c", ["aB", "C"], ["AB"]),
    (r"(?i:a)b", ["Ab"], ["AB"]),
    (r"\Qa.b\E+", ["a.bb"], ["aXb"]),
    (r"\Qa.b", ["a.b"], ["aXb"]),
    (r"[[:alpha:]]{2}", ["ab"], ["a1"]),
    (r"[]a]", ["]", "a"], ["b"]),
    (r"[^]a]", ["b"], ["]"]),
    (r"[a\-z]", ["-"], ["b"]),
    (r"a{,2}", ["a{,2}"], ["aa"]),
    (r"\x41\x{42}\103", ["ABC"], ["abc"]),
    (r"a\z", ["a"], ["ab"]),
    (r"\Aa", ["a"], ["ba"]),
    (r"(?P<one>a)(?<two>b)", ["ab"], ["ba"]),
    (r"(?s)a.b", ["a\nb"], ["ab"]),
    (r"a.b", ["axb"], ["a\nb"]),
    (r"a[\s\S]b", ["a\nb"], ["ab"]),
    (r"x*?y", ["y", "xxy"], ["x"]),
    (r"\.\*", [".*"], ["ab"]),
    (r"[\w.]+@x", ["a.b@x"], ["é@x"]),
    ("", ["", "a"], []),
]


@pytest.mark.parametrize(("pattern", "found", "missing"), MEANINGS)
def test_a_pattern_means_what_it_means_in_re2(pattern, found, missing):
    compiled = compile_regex(pattern).compiled

    assert all(compiled.search(text) for text in found)
    assert not any(compiled.search(text) for text in missing)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("([a", "missing closing ]"),
        ("(a", "missing closing )"),
        ("a)", "unexpected )"),
        ("*a", "missing argument to repetition operator *"),
        ("a**", "bad repetition operator * after another one"),
        ("a*+", "bad repetition operator + after another one"),
        ("a{1001}", "bad repetition {1001}"),
        ("a{3,2}", "bad repetition {3,2}"),
        (r"(a)\1", r"\1 is not supported: RE2 has no back-references"),
        ("a(?=b)", "RE2 has no lookaround"),
        ("(?<!a)b", "RE2 has no lookaround"),
        ("(?(1)a|b)", "RE2 has no lookaround and no conditions"),
        (r"\y", r"invalid escape sequence \y"),
        (r"\Z", r"invalid escape sequence \Z"),
        ("a\\", "trailing backslash"),
        ("[z-a]", "invalid character class range z-a"),
        ("[[:alphabet:]]", "invalid character class [:alphabet:]"),
        ("(" * 200, "nested too deeply"),
    ],
)
def test_a_wrong_pattern_is_refused_with_the_reason(pattern, reason):
    with pytest.raises(InvalidRegexError, match=re.escape(reason)) as caught:
        compile_regex(pattern)
    # Another engine would not accept it either.
    assert "install" not in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"\pL", r"\p is not supported"),
        ("(?U)a+", "the flag U is not supported"),
        ("[[:^alpha:]]", "[:^alpha:] is not supported"),
        ("(a+)+b", "a group with a quantifier"),
        (r"a.*b.*c", "two runs without an upper bound overlap"),
    ],
)
def test_a_pattern_that_only_re2_runs_is_refused_with_what_to_install(monkeypatch, pattern, reason):
    monkeypatch.setitem(sys.modules, "re2", None)
    compile_regex.cache_clear()
    with pytest.raises(InvalidRegexError, match=f"{re.escape(reason)}.*; install google-re2"):
        compile_regex(pattern)


def test_another_package_of_the_name_is_not_taken_for_re2(monkeypatch):
    monkeypatch.setitem(sys.modules, "re2", ModuleType("re2"))
    compile_regex.cache_clear()
    with pytest.raises(InvalidRegexError, match="install google-re2"):
        compile_regex(r"\pL")


def test_google_re2_runs_what_python_does_not():
    pytest.importorskip("re2")
    compile_regex.cache_clear()
    assert compile_regex(r"^\p{Greek}(a+)+b$").compiled.search("\u03b1aab")
    assert compile_regex(r"\pL", ignore_case=True).compiled.search("é")
    with pytest.raises(InvalidRegexError, match="invalid character class range"):
        compile_regex(r"\p{Klingon}")
    pattern = compile_regex(r"(?P<first>\pL)\pL*")
    assert Template("${first}.", pattern).expand(pattern.compiled.search("übel")) == "ü."


def test_quadratic_time_is_bounded(monkeypatch):
    """Each beginning reads to the end: a text is searched in pieces."""
    monkeypatch.setitem(sys.modules, "re2", None)
    compile_regex.cache_clear()
    pattern = compile_regex("([?&]password=)[^&\\s]+(&session_id=)").compiled
    begin = time.process_time()
    assert pattern.search("?password=" * 20_000) is None
    assert time.process_time() - begin < 20
    # Also at the end of a piece, and up to half a piece long.
    for length in (0, 4000, 4090, 4095, 4096, 5000):
        for secret in ("secret", "s" * 2000):
            text = "x" * length + f"?password={secret}&session_id=1" + "y" * length
            assert [found[0] for found in pattern.finditer(text)] == [f"?password={secret}&session_id="]


@pytest.mark.parametrize("pattern", [r"\w+\w?\w?\w?\w?\w?@", r"a+\w{0,100}@"])
def test_what_takes_longer_than_a_square_is_refused(monkeypatch, pattern):
    monkeypatch.setitem(sys.modules, "re2", None)
    compile_regex.cache_clear()
    with pytest.raises(InvalidRegexError, match="install google-re2"):
        compile_regex(pattern)


def test_a_very_long_pattern_is_refused_at_once():
    with pytest.raises(InvalidRegexError, match="more than 4,096 characters"):
        compile_regex("[[:" * 50_000)


def test_a_text_that_cannot_be_encoded_is_searched():
    pytest.importorskip("re2")
    compile_regex.cache_clear()
    pattern = compile_regex("(a+)+b").compiled
    assert pattern.search("\ud800 aab")
    assert [found.span() for found in pattern.finditer("\ud800 aab")] == [(2, 5)]


@given(st.text(alphabet="ab(|)[]^$*+?{}1,.\\dwsQE:PU<>-i", max_size=12))
def test_whatever_is_accepted_is_a_pattern_of_python(text):
    try:
        translated = translate(text)
    except UnsupportedSyntaxError:
        return
    try:
        re.compile(translated)
    except re.error as error:
        # The names and numbers of groups are Python's to check, and reported as any other fault.
        assert "redefinition of group" in str(error)


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("[$0]", "[user 42]"),
        ("$1-$2", "user-42"),
        ("${1}x", "userx"),
        ("${number}!", "42!"),
        ("$$1", "$1"),
        ("$9${nobody}", ""),
        ("$", "$"),
        ("$x", "$x"),
        ("\\1", "\\1"),
        ("plain", "plain"),
    ],
)
def test_a_template_names_groups(template, result):
    pattern = compile_regex(r"(\w+) (?P<number>\d+)")
    assert Template(template, pattern).expand(pattern.compiled.search("user 42")) == result


def test_a_group_that_matched_nothing_is_empty():
    pattern = compile_regex("(a)|(b)")
    assert Template("<$1$2>", pattern).expand(pattern.compiled.search("b")) == "<b>"

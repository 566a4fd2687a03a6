"""Patterns of users: which are accepted, that these take linear time, and that many of them are found at once."""

from __future__ import annotations

import random
import re
import string
import subprocess
import sys
import time
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from processes import clean_environ

from distrokit.patterns.units import PatternRefusedError
from distrokit_guard.redaction.detectors import DETECTORS
from distrokit_guard.redaction.names import KINDS
from distrokit_guard.redaction.patterns.index import PatternIndex
from distrokit_guard.redaction.patterns.lines import read_lines
from distrokit_guard.redaction.patterns.own_pattern import OwnPattern, check_own_pattern
from distrokit_guard.redaction.redactor import Redactor, Rules

ACCEPTED = [
    r"ACME-\d{6}",
    r"key=\w+;",
    r"(?i)password\s*[=:]\s*\S+",
    r"\b\w+@corp\.example",
    r"(?<![\w.+-])[\w.+-]+@corp",
    r"\d{3}-\d{2}-\d{4}",
    r"(?:\d{1,3}\.){3}\d{1,3}",
    r"cust_(?P<secret>[a-z0-9]{10,})",
    r"(foo|bar|baz)=\S+",
    r"acme(?:\.[a-z]+)+",
    r"[\w.]{1,64}@corp",
    r"^token .*$",
    r"(?m)^token .*$",
    r"SSN:\s?\d{9}",
    r"sess(ion)?[-_]id=[^&]*",
    r"x\d+y\d+z",
    r"<pin>[^<]*</pin>",
    r"-----BEGIN[^-]+-----",
    r"foo\s+\w+\s+\w+bar\w*",
    r"id (?:[a-f0-9]{4}-){3}[a-f0-9]{4}(?!\d)",
    r"pin(?:\b)*=\d{4}",
    r"(?s)<secret>.{1,200}?</secret>",
    r"kunde-[äöüß]+-[\u4e00-\u4fff]{2}",
    r"(?a:ref)-\w{8}",
    r"\Aid=[^;]+;",
    r"x[^a](?:ab|cd){2}-(?:ef){1,3}\d",
]
REFUSED = {
    r"(a+)+b": "a group with a quantifier",
    r"(a|a)+b": "a group with a quantifier",
    r"(?:a|ab)+c": "a group with a quantifier",
    r"(\w+\s?)*x": "a group with a quantifier",
    r"(x+x+)+y": "a group with a quantifier",
    r"^(\d+|\w+)+$": "a group with a quantifier",
    r"(?:\w{1,20}){1,20}x": "a group with a quantifier",
    r"(?:\bx)+y": "a group with a quantifier",
    r"(?:b+?cc{2,5}){1,20}[ab]*": "may begin inside itself",
    r"\w(?<![ab])*?b*a{1,20}": "may begin inside itself",
    r"\d+x": "may begin inside itself",
    r".*foo": "may begin inside itself",
    r"a.*b": "may begin inside itself",
    r"key\w+;": "may begin inside itself",
    r"(?:ab)+c": "may begin inside itself",
    r"\b[\w.]+@corp": "may begin inside itself",
    r"a\s*\s*b": "overlap",
    r"<a.*?b.*?c>": "may begin inside itself",
    r"\w{1,64}\w{1,64}x": "steps at each place",
    r"(.)\1": "a back-reference",
    r"(?P<x>a)(?(x)b|c)": "a back-reference",
    r"(?=.*x)y": "a lookahead or lookbehind has a quantifier",
    r"[a-z]{300,}": "may begin inside itself",
    r"x{300}": "may begin inside itself",
    r"": "it matches the empty text",
    r"x*": "it matches the empty text",
    r"(?s).*": "it matches the empty text",
    r".": "it matches ordinary texts",
    r"\w+": "it matches ordinary texts",
    r"\S+": "it matches ordinary texts",
    r"[^x]+": "it matches ordinary texts",
    r"(": "it is no regular expression",
    r"[a": "it is no regular expression",
    r"a{99999999999999999999}": "it is no regular expression",
    "a" * 5000: "longer than 4,096 characters",
    "[\U00010000-\U0010ffff]x": "a very large range",
    "[\U00010000-\U0001ffff][\U00020000-\U0002ffff]x": "a very large range",
    r"(?:a|b\w+)+c": "a group with a quantifier",
    r"(?:(?:ab)?)+c": "a group with a quantifier",
    "(a|b|c|d)(a|b|c|d)(?:ab|cd)(?:ab|cd)(?:ab|cd)(?:ab|cd)(?:ab|cd)(?:ab|cd)(?:ab|cd)(?:ab|cd)(?:ab|cd)(?:ab|cd)": "too many combinations",
}


@pytest.mark.parametrize("regex", ACCEPTED)
def test_a_pattern_of_linear_time_is_accepted(regex):
    assert check_own_pattern(regex).regex.pattern == regex


@pytest.mark.parametrize(("regex", "reason"), REFUSED.items(), ids=range(len(REFUSED)))
def test_any_other_pattern_is_refused_with_reason_and_remedy(regex, reason):
    with pytest.raises(PatternRefusedError) as refused:
        check_own_pattern(regex)

    assert reason in refused.value.reason
    assert refused.value.remedy.endswith((".", "])"))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the syntax is new in 3.11")
def test_possessive_quantifiers_and_atomic_groups_are_checked_as_others():
    assert check_own_pattern(r"key=\w++;")
    assert check_own_pattern(r"key=(?>\w+);")
    with pytest.raises(PatternRefusedError):
        check_own_pattern(r"(?>a+)+b")


#: Texts at which patterns of more than linear time take long.
HOSTILE = """
    SIZE = 65_536
    PIECES = ["a", "0", "4", " ", "-", ".", "@", "=", "&", "/", ":", "%", "a@", "a.", "ab ", "eyJ", "://", "://a:", "?a=",
              "a=1;", "token=", "bearer ", "basic aa", "AB12 ", "GB12", "1234 ", "4111-", "411111", "AKIA", "sk-", "ghp_",
              "SG.", "-----BEGIN PRIVATE KEY-----", "PRIVATE KEY", '"a":', '"password":', '{"', "[", '\\\\', '\\\\"', "'a':",
              '{"password":', "aws_secret_access_key=", "x1y2", "foo bar ", "key=", "<pin>", "a.b.", "@a.b", "%40a.",
              "[redacted:", "[redacted:cards]", "token ", "kunde-", "id ", "cust_", "acme.", "ACME-", "é", "\\n"]
    TEXTS = [piece * (SIZE // len(piece)) for piece in PIECES]
    TEXTS += ["a" * (SIZE // 2) + piece for piece in PIECES]
"""


def test_hostile_texts_take_linear_time():
    # All built-in kinds, keys and accepted patterns on 120 texts of 64 KiB; quadratic time would be minutes for each.
    program = dedent(HOSTILE) + dedent(f"""
        from distrokit_guard.redaction.names import KINDS
        from distrokit_guard.redaction.patterns.own_pattern import OwnPattern
        from distrokit_guard.redaction.patterns.own_pattern import check_own_pattern
        from distrokit_guard.redaction.redactor import Redactor, Rules

        own = tuple(OwnPattern(f"p{{n}}", check_own_pattern(regex).regex) for n, regex in enumerate({ACCEPTED!r}))
        redactor = Redactor(Rules(kinds=KINDS, keys=("*password*",), patterns=own))
        for text in TEXTS:
            redactor.text(text)
        print("done")
    """)

    ran = subprocess.run(
        [sys.executable, "-c", program], env=clean_environ(), capture_output=True, text=True, timeout=120
    )

    assert (ran.stdout, ran.stderr) == ("done\n", "")


#: By kind, the beginnings of its secrets, each of them also behind a letter and with ends that match nothing.
BEGINNINGS = {
    "cards": ["4111-", "4111 1111 ", "4.", "41111111111111112 ", "a4111"],
    "tokens": ["bearer ", "bearer+", "bearer%20", "basic ", "basic+", "basic=", "basic:aa=", "basic/", "eyJ", "eyJ.", "eyJabcde."],
    "url-credentials": ["://", "://a:", "://a:b@", "://@", "http://a", "://a:b/"],
    "url-parameters": ["?token=", "&sig=", "token%3D", "%3ftoken", "u0026", "(", ";session=", "a.b[", "#secret="],
    "emails": ["@", "a@", "%40", "a%40b", "@a.", "a.b@c.", "+=@a.b", "@2x.", "a@b.co "],
    "ibans": ["GB82", "GB82 ", "DE89 3704 ", "NO93-", "a\\nGB82"],
    "private-keys": [
        "-----BEGIN PRIVATE KEY|", "-----BEGIN PRIVATE KEY", "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN A ", "-----END",
        "-----END A", "---- BEGIN PRIVATE KEY|----END", "-",
    ],
    "cloud-keys": [
        "AKIA", "ASIA", "AIza", "ya29.", "ghp_", "github_pat_", "glpat-", "xoxb-", "sk_live_", "whsec_", "sk-", "SG.", "SG.a.",
        "dop_v1_", "npm_", "hf_", "pypi-", "aws_secret_access_key=", "secretkey", "AccountKey: ", "SharedAccessKey=aa",
    ],
}  # fmt: skip


def measure(call, text: str) -> float:
    """The CPU time of a call, in seconds: the least of three."""
    times = []
    for _ in range(3):
        start = time.process_time()
        call(text)
        times.append(time.process_time() - start)
    return min(times)


def check_linear(call, piece: str) -> None:
    # Of quadratic time it is four times as long; a clock that ticks in hundredths of a second decides nothing.
    half, whole = (measure(call, piece * (size // len(piece))) for size in (32_768, 65_536))
    assert whole <= 3 * half + 0.03, (piece, half, whole)
    assert whole < 1.5, (piece, whole)


def test_each_kind_has_its_beginnings():
    assert tuple(BEGINNINGS) == KINDS


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_a_built_in_kind_takes_linear_time_where_its_beginnings_are_repeated(kind):
    find = DETECTORS[kind]
    for beginning in BEGINNINGS[kind]:
        for piece in (beginning, f"a{beginning}", f"{beginning}|", f"-{beginning}a"):
            check_linear(lambda text: list(find(text)), piece)


@pytest.mark.parametrize(
    "piece",
    [
        "[redacted:cards] a@b.co ",
        "[redacted:cards]",
        "[redacted:",
        "'password': a ",
        "'password': {",
        "'b': ",
        '"  :',
        "%41",
        "%25",
        "%20a@",
        "%",
    ],
)
def test_a_text_with_placeholders_or_keys_takes_linear_time(piece):
    check_linear(Redactor(Rules(kinds=KINDS, keys=("*password*",))).text, piece)


def make_regex(made: random.Random, depth: int = 2) -> str:
    """A random pattern of few characters, so that its parts overlap."""

    def atom() -> str:
        kind = made.random()
        if kind > 0.75 and depth:
            return f"(?:{'|'.join(make_regex(made, depth - 1) for _ in range(made.choice((1, 1, 2))))})"
        if kind < 0.45:
            return made.choice("abc")
        return made.choice(("[ab]", "[^a]", ".", r"\w", "[bc]", r"\s", "[^ab]", "^", "$", r"\b", "(?<!a)", "(?!b)"))

    quantifiers = ("", "", "", "+", "*", "?", "{2,5}", "{1,20}", "{0,60}", "+?", "{3,}", "*?")
    return "".join(atom() + made.choice(quantifiers) for _ in range(made.randint(1, 4)))


def test_random_patterns_that_are_accepted_do_not_take_long():
    # Exponential and cubic time would be hours.
    made, accepted = random.Random(19), []
    while len(accepted) < 150:
        try:
            accepted.append(check_own_pattern(make_regex(made)).regex.pattern)
        except PatternRefusedError:
            continue
    program = f"""
import re
size = 4096
texts = ["a" * size, "ab" * (size // 2), "b" * size + "!", " a" * (size // 2), "a" * (size // 2) + "b" * (size // 2)]
for regex in {accepted!r}:
    for text in texts:
        for match in re.finditer(regex, text):
            pass
print("done")
"""

    ran = subprocess.run(
        [sys.executable, "-c", program], env=clean_environ(), capture_output=True, text=True, timeout=90
    )

    assert (ran.stdout, ran.stderr) == ("done\n", "")


# ---------------------------------------------------------------------------------------- lines


def test_lines_are_read_and_each_wrong_one_is_named():
    read = read_lines("# ours\n\n  one: ab{2}c : d \nno name\ntwo: (\none: x\ncards: y\n1st: z", taken=KINDS)

    assert [(pattern.name, pattern.regex.pattern) for pattern in read.patterns] == [("one", "ab{2}c : d")]
    assert [(refusal.line, refusal.name, refusal.reason.partition(":")[0]) for refusal in read.refusals] == [
        (4, "", "it is not of the form name"),
        (5, "two", "it is no regular expression"),
        (6, "one", "another rule has this name"),
        (7, "cards", "another rule has this name"),
        (8, "", "it is not of the form name"),
    ]


SLOW = "a1" * 1000 + "a" * 63_000


def test_patterns_that_take_too_long_together_are_refused():
    lines = [rf"p{number}: [a-z]{{1,64}}[0-9]{{{number + 1}}}[A-Z]" for number in range(50)]

    read = read_lines("\n".join([*lines, "cheap: key=[a-z]{1,64};"]))

    assert [pattern.name for pattern in read.patterns] == [*(f"p{n}" for n in range(8)), "cheap"]
    assert [refusal.line for refusal in read.refusals] == list(range(9, 51))
    refusal = read.refusals[0]
    assert "the patterns in front of it leave" in refusal.reason
    assert refusal.remedy.startswith("Give quantifiers lower upper bounds")
    # Some 30 seconds if all 50 had a long bound.
    assert measure(Redactor(Rules(patterns=tuple(read.patterns))).text, SLOW) < 5


def test_a_long_bound_is_refused_where_the_run_may_begin_at_each_place():
    with pytest.raises(PatternRefusedError, match="257 steps at each place of a text, more than 128") as refused:
        check_own_pattern("[a-z]{1,255}[0-9][A-Z]")

    assert "such as {1,64}" in refused.value.remedy
    assert check_own_pattern("[.][a-z]{1,255}[0-9][A-Z]")


def test_many_cheap_patterns_are_accepted_together():
    lines = [rf"p{number}: word{number}=[a-z]{{1,200}};" for number in range(1000)]

    assert len(read_lines("\n".join(lines)).patterns) == 1000


# ---------------------------------------------------------------------------------------- index


def own(regex: str, name: str = "own") -> OwnPattern:
    return OwnPattern(name, re.compile(regex))


@pytest.mark.parametrize(
    ("regex", "text"),
    [
        (r"abcdef\d", "xx abcdef1"),
        (r"(?i)SECRET-\d", "a secret-1"),
        (r"(?i)kelvin\d", "\u212aelvin1"),
        (r"(?i)secret\d", "\u017fecret1"),
        (r"(?i:abc)def\d", "ABCdef1"),
        (r"(abc|abd)\d", "abd1"),
        (r"(?:abc){2}", "abcabc"),
        (r"ab?cde", "acde"),
        (r"(?x) abc  \d  # a comment", "abc1"),
        (r"(?P<a>\d)-(?P<secret>\d)", "1-2"),
        (r"(?s)a.b", "a\nb"),
        (r"(?m)^ab$", "x\nab"),
        (r"\bab(?=c)cd", "abcd"),
    ],
)
def test_the_index_finds_what_the_pattern_finds(regex, text):
    index = PatternIndex([own(regex), own(r"(?P<a>zzz)\d", "other"), own(r"(?P<a>\d)\d{9}", "third")])
    pattern = own(regex)
    match = re.search(regex, text)

    assert match is not None
    assert index.may_find(text)
    assert index.find(text) == [(*match.span(pattern.group), "own")]


@given(
    literals=st.lists(st.text(string.ascii_letters, min_size=2, max_size=6), min_size=1, max_size=30),
    text=st.text(string.ascii_letters + " ", max_size=80),
    flags=st.sampled_from(["", "(?i)"]),
)
def test_many_patterns_are_found_as_one_by_one(literals, text, flags):
    patterns = [own(f"{flags}{literal}", f"p{number}") for number, literal in enumerate(literals)]
    expected = {(*match.span(), p.name) for p in patterns for match in p.regex.finditer(text)}
    index = PatternIndex(patterns)

    assert set(index.find(text)) == expected
    assert index.may_find(text) or not expected


def test_a_pattern_may_end_with_a_comment():
    read = read_lines("v: (?x) [0-9]{5} # five\nw: [A-Z]{4}")
    redactor = Redactor(Rules(patterns=tuple(read.patterns)))

    assert read.refusals == []
    assert redactor.text("a 12345 b WXYZ") == "a [redacted:v] b [redacted:w]"


def test_patterns_that_are_no_regular_expression_together_are_searched_for_one_by_one():
    # The group has another name together with others.
    index = PatternIndex([own(r"(?P<a>\d)(?P=a)", "one"), own(r"[A-Z]\d", "other")])

    assert index.may_find("x55")
    assert index.may_find("A5")
    assert not index.may_find("x5")
    assert index.find("x55") == [(1, 3, "one")]


@pytest.mark.parametrize("regex", [r"(?i)(?s)[b-d].x", r"(?i)(?#a comment)(?s)[b-d].x", r"(?x) (?is) [b-d] . x # end"])
def test_flags_of_any_form_hold_among_other_patterns(regex):
    index = PatternIndex([own(r"\d\d"), OwnPattern("flags", check_own_pattern(regex).regex), own(r"[0-9]Y")])

    assert index.may_find("C\nX")
    assert index.find("C\nX") == [(0, 3, "flags")]


def test_a_thousand_patterns_are_tried_only_where_their_literals_are():
    made = random.Random(1)
    words = ["".join(made.choices(string.ascii_lowercase, k=8)) for _ in range(1000)]
    index = PatternIndex([own(rf"{word}=\S+", f"p{number}") for number, word in enumerate(words)])

    assert not index.may_find("GET /orders/17 HTTP/1.1")
    assert len(list(index._candidates(f"a {words[7]}=x"))) < 20
    assert index.find(f"a {words[7]}=x") == [(2, 12, "p7")]

"""The engine: what it redacts, what it leaves, and that nothing makes it raise."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

import pytest
from guard_corpus import SECRETS, Maker
from hypothesis import given
from hypothesis import strategies as st

from distrokit_guard.redaction.detectors import DETECTORS
from distrokit_guard.redaction.masking import Masking
from distrokit_guard.redaction.names import KINDS
from distrokit_guard.redaction.nested import REMOVED
from distrokit_guard.redaction.patterns.lines import read_lines
from distrokit_guard.redaction.quick_test import KIND_TESTS
from distrokit_guard.redaction.redactor import Redactor, Rules

OWN = tuple(read_lines(r"""
    # Of an application.
    acme-token: ACME-\d{4}-[A-Z]+
    words: \bred[a-z]*\b
    greedy: qq=\S+
    digits: (?<!\d)\d{5}(?!\d)
    part: pin (?P<secret>\d{4})
""").patterns)  # fmt: skip
KEYS = ("*password*", "user.name", "SSN")


def make(action="mask", **changes) -> Redactor:
    rules = {"kinds": KINDS, "keys": KEYS, "patterns": OWN, "action": action, "hash_key": b"0123456789abcdef"}
    return Redactor(Rules(**{**rules, **changes}))


@pytest.fixture(params=["mask", "hash", "remove"])
def redactor(request) -> Redactor:
    return make(request.param)


def test_every_kind_has_a_detector():
    assert tuple(DETECTORS) == KINDS


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("GET", "GET"),
        ("card 4111 1111 1111 1111.", "card [redacted:cards]."),
        ("4111-1111-1111-1111/4111111111111111", "[redacted:cards]/[redacted:cards]"),
        ("Basic not-base64 and basic dTpwYXNzd29yZA==", "Basic not-base64 and basic [redacted:tokens]"),
        ("xghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "xghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("\\nghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "\\n[redacted:cloud-keys]"),
        ("bearer bearer abc123def", "bearer bearer [redacted:tokens]"),
        ("https://u:p@w@h/?a=1", "https://[redacted:url-credentials]@h/?a=1"),
        ("amqp://:pw@h amqp://h", "amqp://[redacted:url-credentials]@h amqp://h"),
        ("https://u:pa/ss@h/", "https://[redacted:url-credentials]@h/"),
        ("http://h:8080/a@b", "http://h:8080/a@b"),
        ("a=1;token=x", "a=1;token=[redacted:url-parameters]"),
        ("sig=a&api_key=b&x=c", "sig=[redacted:url-parameters]&api_key=[redacted:url-parameters]&x=c"),
        ("?next=%2F%3Ftoken%3Dabc", "?next=%2F%3Ftoken%3D[redacted:url-parameters]"),
        ("?token=&x=1", "?token=&x=1"),
        ("killed sig=9 PWD=/root", "killed sig=9 PWD=/root"),
        ("Cookie: a=b; session=s3cr3t", "Cookie: a=b; session=[redacted:url-parameters]"),
        ("password=hunter2 user=x", "password=[redacted:url-parameters] user=x"),
        ("AWS_SECRET_ACCESS_KEY=" + "aB3/" * 10, "AWS_SECRET_ACCESS_KEY=[redacted:cloud-keys]"),
        ("SECRET_KEY: '" + "aB3/" * 10 + "'", "SECRET_KEY: '[redacted:cloud-keys]'"),
        ("4111+1111+1111+1111", "[redacted:cards]"),
        ("To: <bob+x@mail.example.co.uk>.", "To: <[redacted:emails]>."),
        ("user@163.com, jörg@müller.de", "[redacted:emails], [redacted:emails]"),
        ("bounce+bob=example.com@ses.example.com", "[redacted:emails]"),
        ("mail=bob@example.com", "mail=[redacted:emails]"),
        ("GB82 WEST 1234 5698 7654 32 and de89370400440532013000", "[redacted:ibans] and [redacted:ibans]"),
        ("-----BEGIN PRIVATE KEY-----\\nMIIE\\n", "[redacted:private-keys]"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----, y", "[redacted:private-keys], y"),
        ("xoxb-1234567890-abc sk-proj-Ab1xxxxxxxxxxxxxxxxxx", "[redacted:cloud-keys] [redacted:cloud-keys]"),
        ("pin 1234 is 5678", "pin [redacted:part] is 5678"),
        ("qq=4111111111111111", "[redacted:greedy]"),
        ('{"a": 1.50, "password": [1, 2]}', '{"a": 1.50, "password": "[redacted:key]"}'),
        ('{"a":1.50,"b":2}', '{"a":1.50,"b":2}'),
        ('{"password": "a", "password": "b"}', '{"password": "[redacted:key]"}'),
        ('"bob\\u0040example.com"', '"[redacted:emails]"'),
        ('said {"password": "a\\"b", "c": 1}', 'said {"password": "[redacted:key]", "c": 1}'),
        ("{'password': 'it', 'n': None}", "{'password': '[redacted:key]', 'n': None}"),
        ('log {\\"password\\": \\"hunter2\\", \\"n\\": 1}', 'log {\\"password\\": \\"[redacted:key]\\", \\"n\\": 1}'),
        ('cut {"my_password": {"a": "secr', 'cut {"my_password": [redacted:key]'),
        ('all {"my_password": {"a": "x"}, "b": 1}', 'all {"my_password": [redacted:key], "b": 1}'),
        ('n {"password": 123456, "b": 1}', 'n {"password": [redacted:key], "b": 1}'),
        ("n {'password': -1.5e3}, True", "n {'password': [redacted:key]}, True"),
        ("n {'password': True , 'b': 1}", "n {'password': [redacted:key] , 'b': 1}"),
        ("n 'password': 12", "n 'password': [redacted:key]"),
        ("n {'password': 12 hunter2}", "n {'password': [redacted:key]"),
        ("user {'password': ('hunter2', 'x')}", "user {'password': [redacted:key]"),
        ("user {'password': SecretStr('hunter2')}", "user {'password': [redacted:key]"),
        ("user {'password': u'hunter2', 'b': 1}", "user {'password': u'[redacted:key]', 'b': 1}"),
        ("user {'password': Rb'hunter2'}", "user {'password': Rb'[redacted:key]'}"),
        ("user {'password': <Secret hunter2 a>}", "user {'password': [redacted:key]"),
        ("user {'password': hunter2 and hunter3}", "user {'password': [redacted:key]"),
        ('user {"password":          "x", "b": 1}', 'user {"password":          "[redacted:key]", "b": 1}'),
        ('user {"password"\n\n\n\n\n\n\n\n\n\n: "x"}', 'user {"password"\n\n\n\n\n\n\n\n\n\n: "[redacted:key]"}'),
        ("bearer " + "ab1" * 200 + "== and", "bearer [redacted:tokens] and"),
        ("basic " + "dTpw" * 200 + " and", "basic [redacted:tokens] and"),
        ("/a?q=card%204111111111111111&b", "/a?q=card%20[redacted:cards]&b"),
        ("%22card%22:%224111111111111111%22", "%22card%22:%22[redacted:cards]%22"),
        ("/a?q=4111%201111%201111%201111", "/a?q=[redacted:cards]"),
        ("iban%20DE89370400440532013000", "iban%20[redacted:ibans]"),
        ("k%3DAKIAIOSFODNN7EXAMPLE", "k%3D[redacted:cloud-keys]"),
        ("%C3%A4%20bob%2Bx%40mail.example.com%", "[redacted:emails]%"),
        ("/a?to=https%3A%2F%2Fu%3Ap%40h%2Fx", "/a?to=https%3A%2F%2F[redacted:url-credentials]%40h%2Fx"),
        ("100%, %zz, 5%20off and a%2Fb%2", "100%, %zz, 5%20off and a%2Fb%2"),
    ],
)  # fmt: skip
def test_a_text_loses_its_secrets_and_nothing_else(text, redacted):
    redactor = make()

    assert redactor.text(text) == redacted
    assert redactor.text(redacted) == redacted


def test_a_key_is_redacted_at_every_depth_and_in_any_case():
    redactor = make()
    value = {"Password": 1, "user": {"name": "bob", "id": 7}, "list": [{"db_password": None, "ssn": True}]}

    assert redactor.attributes(value) == {
        "Password": "[redacted:key]",
        "user": {"name": "[redacted:key]", "id": 7},
        "list": [{"db_password": None, "ssn": "[redacted:key]"}],
    }


def test_a_secret_in_a_key_is_redacted():
    assert make().attributes({"bob@example.com": 1, "n": {"eve@example.com": 2}}) == {
        "[redacted:emails]": 1,
        "n": {"[redacted:emails]": 2},
    }


def test_equal_secrets_have_equal_hashes_and_only_with_the_same_key():
    one, other = make("hash"), make("hash", hash_key=b"another key with length")
    texts = ["4111111111111111", "card 4111111111111111", "5105105105105100"]

    first, second, third = (one.text(text) for text in texts)

    assert second == f"card {first}"
    assert first != third
    assert other.text(texts[0]) != first
    assert one.attributes({"password": 5}) == one.attributes({"password": "5"})


def test_hash_needs_a_key():
    with pytest.raises(ValueError, match="needs a key"):
        Masking("hash", b"", ())


def test_removal_leaves_nothing_of_a_value_that_is_a_secret():
    redactor = make("remove")
    attributes = {"a": "4111111111111111", "b": "to a@b.co", "password": 1, "c": [4111111111111111, 5], "d": b"a@b.co"}

    assert redactor.attributes(attributes) == {"b": "to ", "c": [5]}
    assert redactor.text("a@b.co") == ""
    assert redactor.value("a@b.co") is REMOVED


def test_removal_that_makes_a_new_secret_removes_that_too():
    # Without the address in the middle it is a card number.
    assert make("remove").text("41111111ACME-1234-ABC11111111") == ""


def test_unchanged_values_are_the_same_objects():
    redactor = make()
    nested = {"a": [1, "x", {"b": None}], "c": b"bytes", "d": 1.5}

    assert redactor.attributes(nested) is nested
    assert redactor.value(nested) is nested
    text = "a text " + "long " * 100
    assert redactor.text(text) is text
    proxy = MappingProxyType({"a": "b"})
    assert redactor.attributes(proxy) is proxy


# ---------------------------------------------------------------------------------------- length


@pytest.mark.parametrize("kind", ["card-in-groups", "email", "jwt", "private-key", "url-credentials", "own-pattern"])
def test_no_part_of_a_secret_at_the_limit_passes(kind):
    text, secret = SECRETS[kind](Maker(3))
    parts = [secret[start : start + 8] for start in range(0, len(secret) - 8, 4)]
    limit = 2000
    redactor = make(longest=limit)

    for offset in range(-60, 61):
        redacted = redactor.text("y" * 20 + " " * (limit + offset - 40) + text + " and more" * 1000)

        assert len(redacted) <= limit
        assert redacted.endswith("[redacted:length]")
        assert [part for part in parts if part in redacted] == []
        assert redactor.text(redacted) == redacted


def test_a_text_that_grows_over_the_limit_is_cut():
    redactor = make(longest=300)
    text = "a@b.co " * 40

    redacted = redactor.text(text)

    assert len(text) <= 300
    assert len(redacted) <= 300
    assert redacted.startswith("[redacted:emails] [redacted:emails]")
    assert redacted.endswith(" [redacted:length]")
    assert redactor.text(redacted) == redacted


#: A secret that redaction makes shorter, and what is beyond the limit.
LONG_KEYS = {
    size: f"-----BEGIN PRIVATE KEY-----\n{'MIIE' * (size // 4)}\n-----END PRIVATE KEY-----\n" for size in (2000, 5000)
}
AT_THE_LIMIT = {
    "url-credentials": ("postgres://admin:hunter2hunter2@db/orders", "hunt"),
    "card": ("4111 1111 1111 1111", "4111"),
    "email": ("bob.builder@mail.example.com", "bob"),
    "token": ("Bearer hunter2hunter2hunter2hunter2", "hunt"),
}


@pytest.mark.parametrize("beyond", [0, 4096], ids=["limit", "end of what is scanned"])
@pytest.mark.parametrize("size", LONG_KEYS)
@pytest.mark.parametrize("secret", AT_THE_LIMIT)
def test_no_part_of_a_secret_passes_behind_one_that_becomes_shorter(secret, size, beyond):
    limit, key = 8192, LONG_KEYS[size]
    text, part = AT_THE_LIMIT[secret]
    for action in ("mask", "hash", "remove"):
        redactor = make(action, longest=limit)
        for offset in range(-45, 5, 3):
            filler = "word " * 4000
            before = (key + filler)[: limit + beyond + offset - 1] + " "

            redacted = redactor.text(before + text + " and more" * 1000)

            assert part not in redacted
            assert redacted.endswith(" [redacted:length]")
            assert len(redacted) <= limit
            assert redactor.text(redacted) == redacted


def test_a_text_that_was_cut_says_so_whatever_is_found_in_the_rest_of_it():
    # In the rest, the pattern matches to its end.
    patterns = tuple(read_lines(r"line: ^token .*$").patterns)
    redactor = make(patterns=patterns, longest=300)

    redacted = redactor.text("token " + "word " * 100 + "\n" + "word " * 100)

    assert redacted == "[redacted:line] [redacted:length]"
    assert redactor.text(redacted) == redacted


def test_a_cut_never_divides_a_placeholder():
    redactor = make("hash", longest=300)

    redacted = redactor.text("a@b.co," * 100)

    assert redacted.count("[") == redacted.count("]")


def test_json_over_the_limit_loses_the_values_of_its_keys():
    text = json.dumps({"a": "x" * 100, "password": {"deep": "hunter2", "er": ["hunter3"]}, "z": "y" * 500})

    redacted = make(longest=400).text(text)

    assert "hunter" not in redacted


# ---------------------------------------------------------------------------------------- placeholders


def test_a_text_that_only_looks_like_a_placeholder_is_no_hiding_place():
    redactor = make(patterns=())

    assert redactor.text("[redacted:x4111111111111111]") == "[redacted:x[redacted:cards]]"
    assert redactor.text("[redacted:cards:4111111111111111]") == "[redacted:cards:[redacted:cards]]"


def test_what_stands_beside_a_placeholder_is_redacted_with_it():
    redactor = make()

    assert redactor.text("qq=[redacted:cards]abc") == "[redacted:greedy]"
    assert redactor.text("qq=[redacted:cards]") == "[redacted:greedy]"
    assert redactor.text("[redacted:cards][redacted:emails]") == "[redacted:cards][redacted:emails]"


# ---------------------------------------------------------------------------------------- hostile values


class Raising:
    def __str__(self):
        raise RuntimeError("no text")


class RaisingText(str):
    __slots__ = ()

    def __str__(self):
        raise RuntimeError("no text")

    def __eq__(self, other):
        raise RuntimeError("no equality")

    __hash__ = str.__hash__

    def lower(self):
        raise RuntimeError("no lower case")


class RaisingMapping(Mapping):
    def __getitem__(self, key):
        raise RuntimeError("no item")

    def __iter__(self):
        yield "a"
        raise RuntimeError("no more")

    def __len__(self):
        return 2


class Colour(str, Enum):
    RED = "bob@example.com"


def cyclic():
    value: list = [1]
    value += [value, value, {"again": value}]
    return value


def deep():
    value: object = "a@b.co"
    for _ in range(5000):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "redacted"),
    [
        (Raising(), "[redacted:unsafe]"),
        ([Raising(), 1], ["[redacted:unsafe]", 1]),
        (RaisingText("bob@example.com"), "[redacted:emails]"),
        (Colour.RED, "[redacted:emails]"),
        (RaisingMapping(), "[redacted:unsafe]"),
        (10**400, 10**400),
        (float("inf"), float("inf")),
        (-4111111111111111, "[redacted:cards]"),
        (4111111111111111.0, "[redacted:cards]"),
        (b"\xff bob@example.com", b"\xff [redacted:emails]"),
        (bytearray(b"bob@example.com"), b"[redacted:emails]"),
        ("\udcff bob@example.com", "\udcff [redacted:emails]"),
        ("[" * 100_000 + "]" * 100_000, None),
        ({1: "a@b.co", None: "b@c.co"}, {"1": "[redacted:emails]", "None": "[redacted:emails]"}),
        ({"a" * 2000: "x"}, {"[redacted:unsafe]": "[redacted:key]"}),
        (object, "<class 'object'>"),
        ({1, 2}, "{1, 2}"),
        (range(3), range(3)),
        (None, None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_hostile_value_is_redacted_or_replaced(value, redacted):
    result = make().attributes({"a": value, "b": "a@b.co"})

    assert result["b"] == "[redacted:emails]"
    if redacted is not None:
        assert result["a"] == redacted


class RaisingKey:
    def __str__(self):
        raise RuntimeError("no text")


class Number(int):
    pass


@pytest.mark.parametrize("rules", [{}, {"kinds": (), "patterns": ()}], ids=["all", "keys only"])
def test_a_hostile_mapping_loses_what_cannot_be_read(rules):
    redactor = make(**rules)

    assert redactor.attributes(RaisingMapping()) == {}
    assert redactor.attributes({RaisingText("password"): 1, "b": 2}) == {"password": "[redacted:key]", "b": 2}
    assert redactor.attributes({RaisingKey(): 1, "b": "c"}) == {"[redacted:unsafe]": 1, "b": "c"}
    assert redactor.attributes({"password": Raising(), "n": {RaisingKey(): 1}}) == {
        "password": "[redacted:key]",
        "n": {"[redacted:unsafe]": 1},
    }
    assert redactor.attributes({"": 1}) == {"": 1}


def test_numbers_of_any_class_are_looked_at():
    assert make().attributes({"a": Number(4111111111111111), "b": Number(5)}) == {"a": "[redacted:cards]", "b": 5}


def test_a_text_of_another_class_becomes_one():
    redactor = make()

    assert redactor.text(5) == "5"
    assert redactor.text(Raising()) == "[redacted:unsafe]"
    assert redactor.optional_text(None) is None


def test_a_text_that_cannot_be_redacted_is_replaced(monkeypatch):
    redactor = make()

    def fail(*arguments):
        raise MemoryError

    monkeypatch.setattr(redactor._texts, "find", fail)

    assert redactor.text("a@b.co") == "[redacted:unsafe]"
    assert redactor.attributes({"a": "a@b.co", "b": ["c@d.ee"]}) == {
        "a": "[redacted:unsafe]",
        "b": ["[redacted:unsafe]"],
    }


def test_a_text_that_changes_again_and_again_is_replaced(monkeypatch):
    redactor = make("remove")
    # Each removal leaves another number.
    text = "5" * 10

    monkeypatch.setattr(redactor._texts, "find", lambda text: [(0, 1, "digits")] if text else [])

    assert redactor.text(f"{text}@") == "[redacted:unsafe]"


def test_rules_about_keys_alone_leave_the_values_of_other_keys():
    redactor = make(kinds=(), patterns=())
    attributes = {"a": "a@b.co", "b": 'quotes: "x" 4111111111111111', "c": 4111111111111111, "d": 1.5, "e": ["x"]}

    plain = {"a": "b: c", "b": "it's", "c": 7, "d": 1.5, "e": True}
    for _ in range(2):
        assert redactor.attributes(attributes) is attributes
        assert redactor.attributes(plain) is plain
    assert redactor.attributes({**attributes, "password": 1}) == {**attributes, "password": "[redacted:key]"}
    assert redactor.attributes({"a": '{"password": 1}'}) == {"a": '{"password": "[redacted:key]"}'}
    assert redactor.attributes({"a": [{"password": 1}]}) == {"a": [{"password": "[redacted:key]"}]}


def test_removal_of_the_value_of_a_key_leaves_what_follows():
    redactor = make("remove")
    text = "user {'password': 5, 'a': 1} {'password': u'x', 'b': {'password': 7}}"

    assert redactor.text(text) == "user {'password': , 'a': 1} {'password': u'', 'b': {'password': }}"


def test_values_without_end_are_replaced():
    redactor = make()

    assert redactor.value(cyclic()) == [1, "[redacted:unsafe]", "[redacted:unsafe]", {"again": "[redacted:unsafe]"}]
    assert "[redacted:unsafe]" in str(redactor.value(deep()))
    assert "a@b.co" not in str(redactor.value(deep()))
    assert redactor.value(["ab"] * 20_000)[-1] == "[redacted:unsafe]"
    numbers = [0.5, 1, None, True] * 20_000
    assert redactor.value(numbers) is numbers


def test_json_that_nobody_can_look_into_is_replaced():
    redactor = make()
    text = "secret"
    for _ in range(7):
        text = json.dumps({"a": text})

    assert '"secret' not in redactor.text(text)
    assert "[redacted:unsafe]" in redactor.text(text)
    assert redactor.text('{"a":' * 10_000 + "1" + "}" * 10_000) == "[redacted:unsafe]"


def test_keys_that_never_repeat_and_values_that_never_repeat_are_forgotten():
    redactor = make()
    for number in range(10_000):
        redactor.attributes({f"key.{number}": f"value {number}"})

    assert len(redactor._keys) <= 4096
    assert len(redactor.known) <= 4096


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.binary()
    | st.text()
    | st.text(st.sampled_from("0123456789 -@.=&:/?\"'{}[]\\abeyJAKIAredactedpassword"))
    | st.sampled_from([text for kind in SECRETS for text in SECRETS[kind](Maker(1))])
    | st.sampled_from([Raising(), object(), RaisingText("x@y.zz"), cyclic(), RaisingMapping()]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.none(), inner),
    max_leaves=12,
)
ACTION = st.sampled_from(["mask", "hash", "remove"])
REDACTORS = {action: make(action) for action in ("mask", "hash", "remove")}
SHORT = {action: make(action, longest=256) for action in ("mask", "hash", "remove")}


@given(value=ANYTHING, action=ACTION)
def test_no_value_makes_it_raise_and_a_second_time_changes_nothing(value, action):
    redactor = REDACTORS[action]

    once = redactor.value(value)
    if once is not REMOVED:
        again = redactor.value(once)
        assert again is once or repr(again) == repr(once)

    attributes = redactor.attributes({"k": value})
    again = redactor.attributes(attributes)
    assert again is attributes or repr(again) == repr(attributes)


@given(pieces=st.lists(st.text(max_size=9) | st.sampled_from([t for k in SECRETS for t in SECRETS[k](Maker(2))]) | st.sampled_from(["[redacted:cards]", "[redacted:", '{"password":', '"', "qq=", "\\", "ACME-1234-", "12345", "pin 1234", "redx"])), action=ACTION)  # fmt: skip
def test_a_text_that_was_redacted_stays_as_it_is(pieces, action):
    for redactor in (REDACTORS[action], SHORT[action]):
        once = redactor.text("".join(pieces))

        assert redactor.text(once) == once


@given(texts=st.lists(st.sampled_from(sorted(SECRETS)), min_size=1, max_size=4), filler=st.text(st.characters(blacklist_categories=["Nd", "L"]), max_size=5))  # fmt: skip
def test_several_secrets_in_one_text_are_all_found(texts, filler):
    maker = Maker(4)
    made = [SECRETS[kind](maker) for kind in texts]

    redacted = REDACTORS["mask"].text(" | ".join(text for text, _ in made) + filler)

    assert [secret for _, secret in made if secret in redacted] == []


@given(kind=st.sampled_from(sorted(SECRETS)), seed=st.integers(0, 10**6), before=st.text(max_size=4), after=st.text(max_size=4))  # fmt: skip
def test_the_quick_test_lets_nothing_pass_that_is_found(kind, seed, before, after):
    text = before + SECRETS[kind](Maker(seed))[0] + after
    for name, find in DETECTORS.items():
        redactor = Redactor(Rules(kinds=(name,)))

        assert (redactor._may_change(text) and KIND_TESTS[name](text)) or not list(find(text))


def test_threads_share_a_redactor():
    redactor, wrong = make(), []
    attributes = {f"k{n}": f"a{n}@example.com" for n in range(8)}

    def redact(start):
        for number in range(100):
            result = redactor.attributes({**attributes, f"own.{start}.{number}": f"v{start * number}"})
            wrong.extend(value for value in result.values() if "@" in value)

    threads = [threading.Thread(target=redact, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []

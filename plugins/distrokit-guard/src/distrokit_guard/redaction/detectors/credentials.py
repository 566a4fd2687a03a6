"""Bearer tokens, JWTs (RFC 7519), Basic credentials, private keys (RFC 7468) and access keys of clouds."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator

# The secret has a bound, since a word that is none is read again behind the scheme; the rest of a secret follows it.
_SCHEME = re.compile(
    r"(?i:(?P<bearer>bearer)|basic)(?:[ \t:=+]|%20){1,4}[\"']?(?P<secret>[A-Za-z0-9._~+/-]{4,256}={0,2})"
)
_REST = re.compile(r"[A-Za-z0-9._~+/-]*={0,2}")
# The run after the prefix is always consumed, so that no character is read twice.
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{5,}(?P<parts>(?:\.[A-Za-z0-9_-]*){0,4})")
#: A word of so many letters without a digit is a token.
_LONG = 20


def find_tokens(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of bearer tokens, Basic credentials and JWTs."""
    found = _SCHEME.search(text)
    while found:
        place = found.end()
        if _is_token(found["secret"]) if found["bearer"] else _is_basic(found["secret"]):
            place = _end_of_run(_REST, text, place)
            yield found.start("secret"), place
        else:
            # A word after "bearer" may be the next "bearer".
            place = found.start("secret")
        found = _SCHEME.search(text, place)
    for found in _JWT.finditer(text) if "eyJ" in text else ():
        if found["parts"].count(".") >= 2:
            yield found.span()


def _is_token(word: str) -> bool:
    return len(word) >= _LONG or any(map(str.isdigit, word))


def _is_basic(word: str) -> bool:
    """Tell whether a word is user and password in base64 (RFC 7617)."""
    # Long enough for a user and a password; the rest of a longer word adds nothing.
    start = word[: len(word) // 4 * 4][:256]
    try:
        return b":" in b64decode(start, validate=True)
    except ValueError:
        return False


_BEGIN = re.compile(r"-{4,5} ?BEGIN (?:[A-Z0-9]{1,20} ){0,5}PRIVATE KEY")
_END = re.compile(r"-{4,5} ?END[A-Z0-9 ]{0,60}-{0,5}")
#: The characters of a key without its end, with escapes of line breaks and with headers.
_BODY = re.compile(r"[A-Za-z0-9+/=\s\\:,.-]*")


def find_private_keys(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of private keys in PEM, from the first dash to the last; one that was cut to its end."""
    found, has_end = _BEGIN.search(text), True
    while found:
        # Where there is no end from here on, there is none behind it.
        end = _END.search(text, found.end()) if has_end else None
        has_end = end is not None
        stop = end.end() if end else _end_of_run(_BODY, text, found.end())
        yield found.start(), stop
        found = _BEGIN.search(text, stop)


def _end_of_run(run: re.Pattern[str], text: str, start: int) -> int:
    found = run.match(text, start)
    return found.end() if found else start


# At the beginning of a word, or behind an escape of a line break or tab. Each alternative is short, or always consumes
# what follows its prefix. The edge stands in front, so that a run behind a prefix that is none is not read.
_CLOUD = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))(?:"
    r"A(?:KI|SI|BI|CC)A[A-Z2-7]{16}(?![A-Za-z0-9])"  # Amazon: access key ids
    r"|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9._-]{20,}"  # Google
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}"  # Slack
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9]{20,}"  # Stripe
    r"|(?P<mixed>sk-[A-Za-z0-9_-]{20,128})"  # OpenAI, Anthropic and others
    r"|SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}"  # SendGrid
    r"|dop_v1_[a-f0-9]{64}|npm_[A-Za-z0-9]{36}|hf_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{50,}"
    r")"
)
_REST_OF_MIXED = re.compile(r"[A-Za-z0-9_-]*")
#: Keys without a form of their own, by the name in front of them.
_NAMED = re.compile(
    r"(?i:(?:aws_?)?secret_?(?:access_?)?key|AccountKey|SharedAccessKey)[\"']?\s{0,4}[:=]\s{0,4}[\"']?"
    r"(?P<secret>[A-Za-z0-9/+]{40,}={0,2})"
)


def find_cloud_keys(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of access keys that have a known prefix, or the name of one in front of them."""
    found = _CLOUD.search(text)
    while found:
        place = found.start() + 1
        if found["mixed"] is None or _is_mixed(found["mixed"]):
            place = _end_of_run(_REST_OF_MIXED, text, found.end()) if found["mixed"] else found.end()
            yield found.start(), place
        found = _CLOUD.search(text, place)
    for found in _NAMED.finditer(text):
        yield found.span("secret")


def _is_mixed(word: str) -> bool:
    """Tell a key from words with hyphens: it has digits and capital letters."""
    return any(map(str.isdigit, word)) and any(map(str.isupper, word))

"""Credentials in URLs (RFC 3986, *Userinfo*), and query parameters that hold secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

#: The longest authority that is looked at, in characters.
_LONGEST = 4096
_URL = re.compile(r"[^\s\"'<>`]*")
_AUTHORITY = re.compile(r"[^\s\"'<>`/?#\\]*")
#: A user without a password is a token from this length on.
_LONG_USER = 20


def find_url_credentials(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of ``user:password`` in URLs, and of a user that is a token."""
    start = text.find("://")
    while start >= 0:
        start += 3
        if text.find("@", start, start + _LONGEST) >= 0:
            length = _credentials_length(text, start)
            if length:
                yield start, start + length
        start = text.find("://", start)


def _credentials_length(text: str, start: int) -> int:
    authority = _match(_AUTHORITY, text, start)
    at = authority.rfind("@")
    if at < 0:
        # A password with a slash, which should be escaped; a number after the colon is a port.
        _, colon, rest = authority.partition(":")
        is_password = colon and rest and not rest.isdecimal() and not authority.startswith("[")
        return max(_match(_URL, text, start).find("@"), 0) if is_password else 0
    user, colon, password = authority[:at].partition(":")
    is_token = len(user) >= _LONG_USER and any(map(str.isdigit, user))
    return at if (colon and password) or is_token else 0


def _match(part: re.Pattern[str], text: str, start: int) -> str:
    found = part.match(text, start, start + _LONGEST)
    return found[0] if found else ""


#: Without their hyphens, underscores and dots, in lower case.
_NAMES = frozenset({
    "accesskey", "accesskeyid", "accesstoken", "apikey", "apisecret", "apitoken", "appsecret", "assertion",
    "auth", "authorization", "authtoken", "awsaccesskeyid", "awssecretaccesskey", "awssecretkey",
    "awssessiontoken", "bearertoken", "clientassertion", "clientsecret", "codeverifier", "consumersecret",
    "credential", "credentials", "csrftoken", "hmac", "idtoken", "jsessionid", "jwt", "passphrase", "passwd",
    "password", "phpsessid", "privatekey", "pwd", "refreshtoken", "samlresponse", "secret", "secretaccesskey",
    "secretkey", "securitytoken", "session", "sessionid", "sessiontoken", "sharedaccesskey", "sig",
    "signature", "subscriptionkey", "token", "xamzcredential", "xamzsecuritytoken", "xamzsignature",
    "xapikey", "xauthtoken", "xgoogcredential", "xgoogsignature", "xossignature", "xsrftoken",
})  # fmt: skip
#: Of these, the ones that are secrets only in a URL or a cookie: elsewhere ``sig=9`` is a signal, and ``PWD`` a folder.
_ONLY_IN_URLS = frozenset(
    {"assertion", "auth", "credential", "credentials", "hmac", "pwd", "session", "sig", "signature"}
)
_SEPARATORS = str.maketrans("", "", "-_.[]$")
_PARAMETER = re.compile(r"(?:^|[?&;#{,(\s]|%3[fF]|%26|u0026)(?P<name>[\w.$\[\]-]{1,64})(?:=|%3[dD])")
_IN_URL = re.compile(r"[?&;#]|%3[fF]|%26|u0026")
_VALUE = re.compile(r"[^&#\s\"'<>]+")


def find_url_parameters(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of the values of secret parameters in queries, fragments and cookies."""
    found = _PARAMETER.search(text)
    while found:
        place = found.end()
        name = found["name"].translate(_SEPARATORS).lower()
        if name in _NAMES and (name not in _ONLY_IN_URLS or _is_in_url(text, found)):
            value = _VALUE.match(text, place)
            if value:
                yield value.span()
                place = value.end()
        # The character in front of the next name may be the last one of this place.
        found = _PARAMETER.search(text, place)


def _is_in_url(text: str, found: re.Match[str]) -> bool:
    """Tell whether a name stands at the start of a text, or behind a separator of parameters or cookies."""
    start = found.start()
    return found.start("name") == 0 or _IN_URL.match(text, start) is not None or text[max(start - 1, 0) : start] == ";"

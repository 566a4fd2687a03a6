"""The settings of this distro."""

from __future__ import annotations

from dataclasses import dataclass

from distrokit import Problem, Reader, Setting, Settings

NAME = "elastic-example"

URL = "ELASTIC_EXAMPLE_CONFIG_URL"
INTERVAL = "ELASTIC_EXAMPLE_CONFIG_INTERVAL"
HEADERS = "ELASTIC_EXAMPLE_CONFIG_HEADERS"

SETTINGS = (
    Setting(
        name=URL, kind="URL", consumer=NAME, meaning="what to ask for a changed configuration: http, https or file"
    ),
    Setting(name=INTERVAL, kind="integer", default="30000", unit="ms", consumer=NAME, meaning="between two questions"),
    Setting(name=HEADERS, kind="list of key=value", consumer=NAME, meaning="sent with each question; never shown"),
)


@dataclass(frozen=True)
class Chosen:
    """The values of the settings.

    Attributes:
        url: of the remote configuration; empty for none.
        interval_millis: between two questions, in milliseconds.
        headers: sent with each question.
        problems: what cannot be used.
    """

    url: str
    interval_millis: int
    headers: dict[str, str]
    problems: tuple[Problem, ...]


def chosen(settings: Settings) -> Chosen:
    """Read them."""
    reader = Reader(settings, NAME)
    none: dict[str, str] = {}
    return Chosen(
        url=reader.parsed(URL, _url, "").value,
        interval_millis=reader.integer(INTERVAL, 30_000, minimum=10).value,
        headers=dict(reader.parsed(HEADERS, _headers, none, secret=True).value),
        problems=tuple(reader.problems),
    )


def _url(text: str) -> str:
    if text.partition("://")[0] not in ("http", "https", "file"):
        raise ValueError("it begins with http://, https:// or file://")
    return text


def _headers(text: str) -> dict[str, str]:
    pairs = [item.partition("=")[::2] for item in text.split(",") if item.strip()]
    if not all(name.strip() and value.isascii() and value.isprintable() for name, value in pairs):
        raise ValueError("it is name=value,name=value")
    return {name.strip(): value.strip() for name, value in pairs}

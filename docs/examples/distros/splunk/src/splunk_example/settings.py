"""The settings of this distro, read in one place; an invalid value becomes a problem and is not used."""

from __future__ import annotations

import re
from dataclasses import dataclass

from distrokit import Problem, Reader, Setting, Settings

NAME = "splunk-example"

REALM = "SPLUNK_REALM"
TOKEN = "SPLUNK_ACCESS_TOKEN"  # noqa: S105  # the name of a variable
RESPONSE_HEADER = "SPLUNK_TRACE_RESPONSE_HEADER_ENABLED"
SNAPSHOTS = "SPLUNK_SNAPSHOT_PROFILER_ENABLED"
SHARE = "SPLUNK_SNAPSHOT_SELECTION_PROBABILITY"
REPORT = "SPLUNK_EXAMPLE_REPORT"

SETTINGS = (
    Setting(name=REALM, default="none", consumer=NAME, meaning="where to send to: `us0`, `eu1` …; `none`: a collector"),
    Setting(name=TOKEN, consumer=NAME, meaning="sent with every request; `_FILE` names a file that has it"),
    Setting(
        name=RESPONSE_HEADER, kind="boolean", default="true", consumer=NAME, meaning="`Server-Timing` on responses"
    ),
    Setting(
        name=SNAPSHOTS,
        kind="boolean",
        consumer=NAME,
        meaning="`true`: some traces are chosen for call graphs; `false`: not even where a file names the propagator",
    ),
    Setting(name=SHARE, kind="number", default="0.01", consumer=NAME, meaning="share of the traces that are chosen"),
    Setting(name=REPORT, kind="path", consumer=NAME, meaning="where to write what is running, as JSON"),
)

_REALM = re.compile(r"[a-z]+[0-9]+")


@dataclass(frozen=True)
class Chosen:
    """The values of the settings.

    Attributes:
        realm: empty for none.
        token: empty for none.
        response_header: whether responses tell their trace.
        snapshots: ``None``: nobody said.
        share: from 0 to 1.
        report: empty for none.
        problems: what cannot be used.
    """

    realm: str
    token: str
    response_header: bool
    snapshots: bool | None
    share: float
    report: str
    problems: tuple[Problem, ...]


def chosen(settings: Settings) -> Chosen:
    """Read them; cheap enough for every hook to do it anew, and so there is no state to keep."""
    reader = Reader(settings, NAME)
    snapshots = reader.choice(SNAPSHOTS, ("true", "false"), "").value
    return Chosen(
        realm=reader.parsed(REALM, _realm, "").value,
        token=reader.text(TOKEN, secret=True).value,
        response_header=reader.flag(RESPONSE_HEADER, True).value,
        snapshots=snapshots == "true" if snapshots else None,
        share=reader.number(SHARE, 0.01, minimum=0, maximum=1).value,
        report=reader.text(REPORT).value,
        problems=tuple(reader.problems),
    )


def _realm(text: str) -> str:
    if text == "none":
        return ""
    if not _REALM.fullmatch(text):
        raise ValueError("a realm is letters and a number, such as us0")
    return text

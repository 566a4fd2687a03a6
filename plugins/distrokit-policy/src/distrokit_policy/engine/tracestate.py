"""Reads and writes the sampling threshold in the trace state.

Source: OpenTelemetry's specification, *TraceState: Probability Sampling* and *TraceState Handling*: the entry ``ot``
has ``th``, a threshold of 1 to 14 hexadecimal digits without zeros at the end, and ``rv``, a random value of 14 digits.
"""

from __future__ import annotations

import re

#: Thresholds and random values are below it.
LIMIT = 1 << 56
_DIGITS = 14
_RANDOM, _THRESHOLD = re.compile(r"[0-9a-f]{14}"), re.compile(r"[0-9a-f]{1,14}")


def parse_ot(trace_state: str) -> dict[str, str]:
    """Return the parts of the entry ``ot``; empty without one."""
    for entry in trace_state.split(","):
        name, equals, value = entry.strip().partition("=")
        if name == "ot" and equals:
            pairs = (part.partition(":") for part in value.split(";"))
            return {key.strip(): content for key, colon, content in pairs if colon}
    return {}


def parse_random(parts: dict[str, str]) -> int | None:
    """Return ``rv``; ``None`` if it is missing or not valid."""
    text = parts.get("rv", "")
    return int(text, 16) if _RANDOM.fullmatch(text) else None


def parse_threshold(parts: dict[str, str]) -> int | None:
    """Return ``th``; ``None`` if it is missing or not valid."""
    text = parts.get("th", "")
    return int(text.ljust(_DIGITS, "0"), 16) if _THRESHOLD.fullmatch(text) else None


def encode_threshold(threshold: int, precision: int) -> str:
    """Return a threshold as text.

    Args:
        precision: the most hexadecimal digits.
    """
    return f"{threshold:014x}"[:precision].rstrip("0") or "0"


#: The most entries of a trace state (W3C, *Trace Context*).
_MOST_ENTRIES = 32


def set_threshold(trace_state: str, threshold: str) -> str:
    """Return the trace state with another threshold; the last entry goes if there are too many."""
    parts = [f"{key}:{value}" for key, value in parse_ot(trace_state).items() if key != "th"]
    parts.append(f"th:{threshold}")
    others = [
        entry.strip() for entry in trace_state.split(",") if entry.strip() and entry.strip().partition("=")[0] != "ot"
    ]
    return ",".join(["ot=" + ";".join(parts), *others[: _MOST_ENTRIES - 1]])

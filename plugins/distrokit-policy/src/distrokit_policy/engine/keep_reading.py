"""Reads how much is kept."""

from __future__ import annotations

import math
import re
from typing import Any, Literal

from distrokit_policy.engine.names import MODES, short_name
from distrokit_policy.engine.parts import Parts, suggest
from distrokit_policy.engine.policies import InvalidError, Keep

ALL, NONE = Keep(), Keep("none", 0.0)
_RATE = re.compile(r"([1-9]\d{0,8})/([1-9]\d{0,5})?([sm])")
_PERCENTAGE = re.compile(r"\d{1,3}(\.\d+)?|\.\d+")
_MOST_DIGITS = 14


def read_log_keep(value: Any) -> Keep:
    """Read ``all``, ``none``, ``N%``, ``N/s``, ``N/m``, ``N/Ds`` or ``N/Dm``; missing or empty means all.

    Raises:
        InvalidError: it is something else.
    """
    text = "" if value is None else value
    if not isinstance(text, str):
        raise InvalidError(f"invalid value {value!r:.80}")
    text = text.strip()
    if text in ("", "all", "none"):
        return NONE if text == "none" else ALL
    if text.endswith("%") and _PERCENTAGE.fullmatch(text[:-1]):
        return _of_percentage(float(text[:-1]))
    rate = _RATE.fullmatch(text)
    if rate is None:
        raise InvalidError(f'invalid value "{text[:80]}"')
    window = int(rate[2] or 1) * (60 if rate[3] == "m" else 1)
    return Keep("rate", 50.0, int(rate[1]), window)


def _of_percentage(percentage: float, **options: Any) -> Keep:
    if not 0 <= percentage <= 100:
        raise InvalidError(f"percentage must be between 0 and 100, not {percentage:g}")
    kind: Literal["all", "none", "percentage"] = "percentage"
    if percentage in (0, 100):
        kind = "all" if percentage else "none"
    return Keep(kind, percentage, **options)


def read_metric_keep(value: Any) -> Keep:
    """Read a boolean.

    Raises:
        InvalidError: it is none.
    """
    if not isinstance(value, bool):
        raise InvalidError("keep must be true or false" if value is None else f"invalid value {value!r:.80}")
    return ALL if value else NONE


def read_trace_keep(value: Any) -> Keep:
    """Read a sampling configuration.

    Raises:
        InvalidError: it is none.
    """
    parts = Parts(value, "keep")
    parts.only(("percentage", "mode", "sampling_precision", "hash_seed", "fail_closed"))
    # A number that the schema leaves out is 0.
    percentage = parts.get("percentage", 0)
    if isinstance(percentage, bool) or not isinstance(percentage, (int, float)) or math.isnan(percentage):
        raise InvalidError(f"percentage must be a number, not {percentage!r:.80}", parts.written("percentage"))
    written = parts.get("mode", "hash_seed")
    mode = short_name(str(written), "SAMPLING_MODE_")
    if mode == "unspecified":
        mode = "hash_seed"
    if mode not in MODES:
        raise InvalidError(f"unknown mode {written!r:.80}{suggest(mode, MODES)}", parts.written("mode"))
    return _of_percentage(
        float(percentage),
        mode=mode,
        precision=_integer(parts, "sampling_precision", 4, 1, _MOST_DIGITS),
        seed=_integer(parts, "hash_seed", 0, 0, (1 << 32) - 1),
        fail_closed=parts.boolean("fail_closed") if "fail_closed" in parts else True,
    )


def _integer(parts: Parts, name: str, default: int, low: int, high: int) -> int:
    value = parts.get(name, default)
    if type(value) is not int or not low <= value <= high:
        raise InvalidError(
            f"{name} must be a whole number from {low} to {high}, not {value!r:.80}", parts.written(name)
        )
    return value

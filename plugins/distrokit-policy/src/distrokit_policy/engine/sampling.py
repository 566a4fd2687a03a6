"""Decides by probability whether a span, or a log record with a sample key, is kept.

Source: OpenTelemetry's specification, *TraceState: Probability Sampling*, and the modes of the Collector's
``probabilisticsampler``: ``hash_seed``, ``proportional`` and ``equalizing``.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple

from distrokit_policy.engine.policies import Keep
from distrokit_policy.engine.tracestate import LIMIT, parse_ot, parse_random, parse_threshold

_FNV_OFFSET, _FNV_PRIME, _64_BITS = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1
#: The bytes of a trace id that are random.
_RANDOM_BYTES = 7


class Sampled(NamedTuple):
    """The outcome for a span.

    Attributes:
        kept: whether it is.
        threshold: of the trace state; ``None`` if it stays as it is, since the probability is not known.
    """

    kept: bool
    threshold: int | None


def threshold_of(percentage: float) -> int:
    """Return the threshold below which random values are dropped."""
    if percentage >= 100:
        return 0
    return LIMIT if percentage <= 0 else int((1.0 - percentage / 100.0) * LIMIT)


def sample_span(keep: Keep, trace_id: bytes | None, trace_state: str) -> Sampled:
    """Decide about a span.

    Args:
        keep: of the kind ``all``, ``none`` or ``percentage``.
        trace_id: ``None`` if it has none.
        trace_state: of its context, as text.
    """
    if keep.kind != "percentage":
        return Sampled(keep.kind == "all", 0 if keep.kind == "all" else None)
    parts = parse_ot(trace_state) if trace_state else {}
    explicit, before = parse_random(parts), parse_threshold(parts)
    if explicit is not None and before is not None and explicit < before:
        # They contradict each other. The specification has the threshold removed, the conformance suite has it stay.
        return Sampled(True, None)
    if keep.mode == "hash_seed" and keep.seed:
        random = hash_bytes(trace_id + struct.pack("<I", keep.seed)) if trace_id else None
    else:
        random = explicit if explicit is not None else random_of(trace_id)
    if random is None:
        return Sampled(not keep.fail_closed, None)
    return _compare(keep, random, before or 0)


def _compare(keep: Keep, random: int, before: int) -> Sampled:
    target = threshold_of(keep.percentage)
    if keep.mode == "proportional":
        probability = keep.percentage / 100.0 * (LIMIT - before) / LIMIT
        target = LIMIT - int(probability * LIMIT)
        if target >= LIMIT:
            return Sampled(False, None)
    elif keep.mode == "equalizing" and before > target:
        return Sampled(True, before)
    return Sampled(random >= target, target)


def random_of(trace_id: bytes | None) -> int | None:
    """Return the random value of a trace id, its last 56 bits; ``None`` without one."""
    return int.from_bytes(trace_id[-_RANDOM_BYTES:], "big") if trace_id else None


def sample_key(key: bytes, percentage: float, *, is_trace_id: bool) -> bool:
    """Decide about a log record by the value of its sample key; by a trace id as about the trace's spans."""
    random = random_of(key) if is_trace_id else hash_bytes(key)
    return random is not None and random >= threshold_of(percentage)


#: Hashes of longer values are not remembered.
_LONGEST_REMEMBERED = 64


def hash_bytes(data: bytes) -> int:
    """Return the last 56 bits of a hash (FNV-1a of 64 bits), which every engine computes alike."""
    return _remembered_hash(data) if len(data) <= _LONGEST_REMEMBERED else _hash(data)


def _hash(data: bytes) -> int:
    value = _FNV_OFFSET
    for byte in data:
        value = ((value ^ byte) * _FNV_PRIME) & _64_BITS
    return value & (LIMIT - 1)


_remembered_hash = lru_cache(maxsize=1024)(_hash)

"""Reads the limits of attribute sets, and finds the one that applies to an instrument.

Order of precedence (specification, *Metrics SDK, Cardinality limits, Configuration*): the limit of a view; then that of
the metric readers; then the default. A limit that a setting has for one instrument is stronger than a reader's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from distrokit import Instrument, Reader, Setting, Value, did_you_mean

LIMIT, LIMITS = "DISTROKIT_GUARD_CARDINALITY_LIMIT", "DISTROKIT_GUARD_CARDINALITY_LIMITS"

#: The specification's default.
_DEFAULT = 2000
#: Keys of a reader's ``cardinality_limits`` (configuration schema, ``CardinalityLimits``).
_READER_KEYS = (
    "default",
    "counter",
    "gauge",
    "histogram",
    "observable_counter",
    "observable_gauge",
    "observable_up_down_counter",
    "up_down_counter",
)
_LARGEST = 2**31 - 1

CARDINALITY_SETTINGS = (
    Setting(
        name=LIMIT,
        kind="integer",
        default=str(_DEFAULT),
        unit="attribute sets",
        consumer="guard",
        meaning="the number of attribute sets that each instrument keeps apart; further measurements are recorded with "
        "`otel.metric.overflow=true` instead of their attributes; `0` for no limit",
        spec="https://opentelemetry.io/docs/specs/otel/metrics/sdk/#cardinality-limits",
        parameter=True,
    ),
    Setting(
        name=LIMITS,
        kind="list of instrument=limit",
        consumer="guard",
        meaning="limits of single instruments, by name or pattern (`*`, `?`): "
        "`http.server.request.duration=500,jobs.*=50`; a name is stronger than a pattern; of several patterns the "
        "first that matches applies; `0` for no limit",
        spec="https://opentelemetry.io/docs/specs/otel/metrics/sdk/#cardinality-limits",
        parameter=True,
    ),
)


def cardinality_parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Read the limits: ``limit``, ``limits`` by pattern, and ``reader_limits``, one mapping for each metric reader."""
    parameters: dict[str, Value[Any]] = {"limit": reader.integer(LIMIT, _DEFAULT)}
    limits: Value[tuple[str, ...]] = reader.parsed(LIMITS, _split, ())
    if limits.value:
        parameters["limits"] = Value(dict(_check_pairs(reader, limits)), limits.source, limits.overridden)
    node = reader.node("reader_limits")
    if node is not None and node.value:
        of_readers = [dict(_check_reader(reader, limits)) for limits in node.value]
        parameters["reader_limits"] = Value(of_readers, node.source)
    return parameters


def limit_for(instrument: Instrument, view: Mapping[str, Any] | None, arguments: Mapping[str, Any]) -> int:
    """Return the limit of one stream of an instrument; 0 for none.

    The readers of a process share one limit, the smallest, since a measurement is changed before it reaches them.

    Args:
        view: the definition of the view that makes the stream; ``None`` for the SDK's own stream.
        arguments: the values of :func:`cardinality_parameters`.
    """
    stream = (view or {}).get("stream") or {}
    if stream.get("aggregation_cardinality_limit") is not None:
        return int(stream["aggregation_cardinality_limit"])
    of_instrument = _limit_of_name(instrument.name, arguments.get("limits", {}))
    if of_instrument is not None:
        return of_instrument
    readers = [_limit_of_reader(instrument.kind, limits) for limits in arguments.get("reader_limits", ())]
    return min((limit for limit in readers if limit is not None), default=arguments["limit"])


def _limit_of_name(name: str, limits: Mapping[str, int]) -> int | None:
    if name in limits:
        return limits[name]
    return next((limit for pattern, limit in limits.items() if fnmatchcase(name, pattern)), None)


def _limit_of_reader(kind: str, limits: Mapping[str, int]) -> int | None:
    found = limits.get(kind)
    return limits.get("default") if found is None else found


def _split(text: str) -> tuple[str, ...]:
    return tuple(pair.strip() for pair in text.split(",") if pair.strip())


def _check_pairs(reader: Reader, pairs: Value[tuple[str, ...]]) -> Iterator[tuple[str, int]]:
    """Yield the pattern, in lower case, and the limit of each valid pair; report the others."""
    for pair in pairs.value:
        name, separator, text = (part.strip() for part in pair.rpartition("="))
        if separator and name and text.isdecimal() and len(text) <= 10 and int(text) <= _LARGEST:
            yield name.lower(), int(text)
            continue
        reader.problem(
            code="setting-invalid",
            setting=LIMITS,
            value=pair,
            cause="not usable: it must be an instrument's name or a pattern, `=`, and a whole number from 0 to "
            f"{_LARGEST}",
            outcome="this limit does not apply; the others do",
            remedy=f"Correct {pairs.source}: write it like jobs=50.",
        )


def _check_reader(reader: Reader, limits: Value[Any]) -> Iterator[tuple[str, int]]:
    """Yield the valid limits of one metric reader; report the others."""
    if not isinstance(limits.value, Mapping):
        _report(reader, limits, "cardinality_limits", "it must be a mapping of kinds of instruments to limits")
        return
    for key, node in limits.value.items():
        number = node.value
        if number is None:
            continue
        if key not in _READER_KEYS:
            hint = did_you_mean(str(key), _READER_KEYS) or f"Known kinds: {', '.join(_READER_KEYS)}."
            _report(reader, node, str(key), "there is no such kind of instrument", hint)
        elif isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= _LARGEST:
            _report(reader, node, key, f"{number!r} is not a whole number from 1 to {_LARGEST}")
        else:
            yield key, number


def _report(reader: Reader, node: Value[Any], key: str, cause: str, hint: str = "") -> None:
    reader.problem(
        code="setting-invalid",
        setting=f"{node.source} {key}",
        value="",
        cause=cause,
        outcome="this limit does not apply; the others do",
        remedy=f"{hint} Correct {node.source}.",
    )

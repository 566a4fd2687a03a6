"""Limits the number of attribute sets of each instrument (specification, *Metrics SDK, Cardinality limits*).

The first attribute sets, as many as the limit, keep points of their own for the life of the process. A measurement with
any other set is recorded with ``otel.metric.overflow=true`` instead: each measurement is in exactly one point, so sums
stay exact. That point does not count. The sets that have a point never change, because the SDK keeps a point for ever
for each set that it has seen once, also with delta temporality, and because a set of an observable instrument that
moved to another point would make both of their deltas wrong.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Hashable, Mapping, Sequence
from fnmatch import fnmatchcase
from threading import Lock
from typing import Any, TypeAlias

from distrokit import BuildContext, Instrument
from distrokit_guard.cardinality_parameters import LIMITS, limit_for

_OVERFLOW = "otel.metric.overflow"

# Below OpenTelemetry's own logger, which reaches stderr whatever the application's logging does.
_logger = logging.getLogger("opentelemetry.sdk.distrokit_guard")

Attributes: TypeAlias = Mapping[str, Any]
#: The remembered form of an attribute set: (key, type, value) of each attribute.
_Set: TypeAlias = frozenset[tuple[str, type, Hashable]]

_NO_ATTRIBUTES: _Set = frozenset()
#: Types whose values compare and hash as the SDK sees them, apart from numbers: 1, 1.0 and True are equal.
_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})
#: Attribute keys whose result one view remembers.
_REMEMBERED_KEYS = 1000


class CardinalityLimiter:
    """The processor at the stage ``measure``: returns what limits an instrument."""

    def __init__(self, context: BuildContext) -> None:
        self._arguments = context.arguments
        # An application may make the same observable instrument again and again.
        self._limited: weakref.WeakSet[_Limited] = weakref.WeakSet()

    def __call__(self, instrument: Instrument) -> Callable[[Attributes | None], Attributes | None] | None:
        """Return the filter of an instrument; ``None`` if it has no limit."""
        streams = []
        # Without a view the SDK makes a stream of its own.
        for view in instrument.views or (None,):
            limit, keys = limit_for(instrument, view, self._arguments), _keys_of(view)
            if limit and not _drops(view):
                streams.append(_Stream(limit, keys, of_view=_has_limit(view)))
        if not streams:
            return None
        limited = _Limited(instrument, streams)
        self._limited.add(limited)
        return limited.filter()

    def forked(self) -> None:
        """Reset in a forked child, whose SDK has no points yet."""
        for limited in list(self._limited):
            limited.forked()


class _Stream:
    """The attribute sets of one stream that have a point of their own.

    Args:
        keep: tells which attributes the stream's view keeps; ``None`` for all.
        of_view: whether the view has the limit.
    """

    def __init__(self, limit: int, keep: _KeptKeys | None, *, of_view: bool) -> None:
        self.limit, self.of_view, self._keep = limit, of_view, keep
        self.known: set[_Set] = set()

    @property
    def full(self) -> bool:
        """True if it takes no more sets."""
        return len(self.known) >= self.limit

    @property
    def keeps_all(self) -> bool:
        """True if no view removes attributes."""
        return self._keep is None

    def set_of(self, attributes: Attributes) -> _Set:
        """Return the remembered form of a measurement's attributes."""
        if self._keep is not None:
            keeps = self._keep
            attributes = {key: value for key, value in attributes.items() if keeps(key)}
        if _PLAIN.issuperset(map(type, attributes.values())):
            return _plain_set(attributes)
        return frozenset(
            (key, type(value), value if type(value) in _PLAIN else _freeze(value)) for key, value in attributes.items()
        )


class _Limited:
    """One instrument with its streams.

    A measurement is changed before the SDK splits it into streams. So it keeps its attributes only if each stream has
    a point for them, or takes one more.
    """

    def __init__(self, instrument: Instrument, streams: Sequence[_Stream]) -> None:
        self._instrument, self._streams = instrument, streams
        self._lock, self._reported = Lock(), False

    def forked(self) -> None:
        """Forget all sets; another thread of the parent may have held the lock."""
        self._lock = Lock()
        for stream in self._streams:
            stream.known.clear()

    def filter(self) -> Callable[[Attributes | None], Attributes | None]:
        """Return the function that runs for each measurement."""
        admit, first = self._admit, self._streams[0]
        if len(self._streams) > 1 or not first.keeps_all:
            return lambda attributes: admit(attributes or {})
        known = first.known

        # The same as _admit for a known set of plain values, without a call and without the lock.
        def limit(attributes: Attributes | None) -> Attributes | None:
            if attributes:
                try:
                    if _plain_set(attributes) in known:
                        return attributes
                except TypeError:
                    # A list or a mapping has no hash.
                    pass
            elif _NO_ATTRIBUTES in known:
                return attributes
            return admit(attributes or {})

        return limit

    def _admit(self, attributes: Attributes) -> Attributes:
        """Return the attributes to record."""
        if len(attributes) == 1 and attributes.get(_OVERFLOW) is True:
            return attributes
        sets = [(stream, stream.set_of(attributes)) for stream in self._streams]
        if all(each in stream.known for stream, each in sets):
            return attributes
        # A full stream does not change any more; another thread may have filled it with this very set.
        if not any(stream.full and each not in stream.known for stream, each in sets):
            with self._lock:
                new = [(stream, each) for stream, each in sets if each not in stream.known]
                if not any(stream.full for stream, _ in new):
                    for stream, each in new:
                        stream.known.add(each)
                    return attributes
        if not self._reported:
            self._report(sets)
        return {_OVERFLOW: True}

    def _report(self, sets: Sequence[tuple[_Stream, _Set]]) -> None:
        """Log the first overflow."""
        with self._lock:
            first, self._reported = not self._reported, True
        if first:
            full, beyond = next((stream, each) for stream, each in sets if stream.full and each not in stream.known)
            _logger.warning(_message(self._instrument, full, beyond))


class _KeptKeys:
    """Tells which attributes a view keeps: those that a pattern of ``included`` matches and none of ``excluded``."""

    def __init__(self, keys: Mapping[str, Any]) -> None:
        included, excluded = keys.get("included"), keys.get("excluded")
        self._included = ("*",) if included is None else tuple(included)
        self._excluded = tuple(excluded or ())
        self._found: dict[str, bool] = {}

    def __call__(self, key: str) -> bool:
        kept = self._found.get(key)
        if kept is None:
            kept = _matches(key, self._included) and not _matches(key, self._excluded)
            if len(self._found) < _REMEMBERED_KEYS:
                self._found[key] = kept
        return kept


def _plain_set(attributes: Attributes) -> _Set:
    """Return the remembered form of plain values.

    Raises: ``TypeError`` for a value without a hash. Of a tuple it is a form that is never remembered.
    """
    values = attributes.values()
    return frozenset(zip(attributes, map(type, values), values, strict=False))


def _matches(key: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(str(key), pattern) for pattern in patterns)


def _keys_of(view: Mapping[str, Any] | None) -> _KeptKeys | None:
    keys = ((view or {}).get("stream") or {}).get("attribute_keys")
    return _KeptKeys(keys) if keys else None


def _has_limit(view: Mapping[str, Any] | None) -> bool:
    return ((view or {}).get("stream") or {}).get("aggregation_cardinality_limit") is not None


def _drops(view: Mapping[str, Any] | None) -> bool:
    return "drop" in (((view or {}).get("stream") or {}).get("aggregation") or {})


def _freeze(value: Any) -> Hashable:
    """Return a hashable form that is equal only for values for which the SDK makes one point."""
    if type(value) in _PLAIN:
        # Inside a list or mapping.
        return type(value), value
    if isinstance(value, (list, tuple)):
        return tuple(map(_freeze, value))
    if isinstance(value, Mapping):
        return frozenset((key, _freeze(item)) for key, item in value.items())
    try:
        hash(value)
    except TypeError:
        return str(value)
    made: Hashable = value
    return made


def _message(instrument: Instrument, stream: _Stream, beyond: _Set) -> str:
    values: dict[str, set[Hashable]] = {}
    for each in (*stream.known, beyond):
        for key, kind, value in each:
            values.setdefault(key, set()).add((kind, value))
    most = max(sorted(values), key=lambda key: len(values[key]), default="")
    by_attribute = f"; attribute {most} has the most values ({len(values[most]):,})" if most else ""
    higher = (
        "raise the view's aggregation_cardinality_limit"
        if stream.of_view
        else f"set {LIMITS}={instrument.name}={2 * stream.limit}"
    )
    return (
        f"metrics: {instrument.name} ({instrument.scope}) has more than {stream.limit:,} attribute sets{by_attribute}; "
        f"measurements with new sets are recorded with {_OVERFLOW}=true. "
        f"Exclude attributes with a view's attribute_keys, or {higher}."
    )

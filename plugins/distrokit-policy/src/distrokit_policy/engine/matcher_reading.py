"""Reads selectors and matchers of plain data."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from distrokit_policy.engine.names import ENUMERATIONS, FIELDS, IDENTIFIERS, short_name
from distrokit_policy.engine.parts import Parts, suggest, type_name
from distrokit_policy.engine.policies import InvalidError, Matcher, Operator, Scalar, Selector, SelectorKind
from distrokit_policy.engine.regex import InvalidRegexError, Pattern, compile_regex

#: The selectors of each target, by the name of the field; the values are the kinds.
_ATTRIBUTES: Mapping[str, SelectorKind] = {
    "resource_attribute": "resource attribute",
    "scope_attribute": "scope attribute",
}
SELECTORS: Mapping[str, Mapping[str, SelectorKind]] = {
    "log": {"log_field": "field", "log_attribute": "attribute", **_ATTRIBUTES},
    "metric": {
        "metric_field": "field",
        "datapoint_attribute": "attribute",
        **_ATTRIBUTES,
        "metric_type": "field",
        "aggregation_temporality": "field",
    },
    "trace": {
        "trace_field": "field",
        "span_attribute": "attribute",
        **_ATTRIBUTES,
        "span_kind": "field",
        "span_status": "field",
        "event_name": "event name",
        "event_attribute": "event attribute",
        "link_trace_id": "link",
    },
}
#: What the field of an enumeration is called in an item.
_FIELD_NAMES = {"metric_type": "type", "span_kind": "kind", "span_status": "status"}
_TEXTS = ("exact", "starts_with", "ends_with", "contains")
_NUMBERS = ("gt", "gte", "lt", "lte")
_CONDITIONS = (*_TEXTS, "regex", "exists", "equals", *_NUMBERS)
_INTEGER_LIMIT = 1 << 63
_DEEPEST_PATH = 32


def read_selector(parts: Parts, target: str, prefix: str = "") -> Selector:
    """Read the only selector among the parts.

    Args:
        target: ``log``, ``metric`` or ``trace``.
        prefix: of the names, as in ``from_log_field``.

    Raises:
        InvalidError: there is none, several, or it is wrong.
    """
    kinds = SELECTORS[target]
    name = parts.one_of([prefix + name for name in kinds], "no field set").removeprefix(prefix)
    value, written = parts.get(prefix + name), parts.written(prefix + name)
    kind = kinds[name]
    if name in FIELDS:
        return Selector("field", _read_field(name, value, written))
    if kind == "field":
        return Selector("field", _FIELD_NAMES.get(name, name))
    if kind in ("event name", "link"):
        return Selector(kind)
    return Selector(kind, path=_read_path(value, written))


def _read_field(selector: str, value: Any, written: str) -> str:
    prefix = selector.upper() + "_"
    name = short_name(str(value), prefix)
    if name in ("unspecified", "0"):
        raise InvalidError("field is unspecified", written)
    if name not in FIELDS[selector]:
        known = FIELDS[selector]
        raise InvalidError(f"unknown field {value!r:.80}{suggest(name, known)}", written)
    return name


def _read_path(value: Any, written: str) -> tuple[str, ...]:
    if isinstance(value, Mapping):
        parts = Parts(value, "an attribute")
        parts.only(("path",))
        value = parts.get("path", [])
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Sequence) or not all(isinstance(key, str) for key in value):
        raise InvalidError("attribute must be a text or a list of texts", written)
    if not value or not all(value):
        raise InvalidError("attribute has empty path", written)
    if len(value) > _DEEPEST_PATH:
        raise InvalidError(f"attribute has a path of more than {_DEEPEST_PATH} keys", written)
    return tuple(value)


def read_matcher(data: Any, target: str) -> Matcher:
    """Read a matcher.

    Raises:
        InvalidError: it is not valid.
    """
    parts = Parts(data, "a matcher")
    parts.only((*SELECTORS[target], *_CONDITIONS, "negate", "case_insensitive"))
    selector = read_selector(parts, target)
    negate, fold = parts.boolean("negate"), parts.boolean("case_insensitive")
    implied = _read_implied(parts, target)
    if implied is not None:
        return Matcher(selector, "equals", implied, negate, fold)
    named = {"event name": "event_name", "link": "link_trace_id"}.get(selector.kind)
    if named and not any(name in parts for name in _CONDITIONS):
        return Matcher(selector, "equals", _read_named(parts, named), negate, fold)
    condition = parts.one_of(_CONDITIONS, "no match condition set")
    if named and parts.text(named):
        # The name is the condition; "exists" says no more.
        if condition == "exists":
            negate = negate != (not parts.boolean("exists"))
            return Matcher(selector, "equals", _read_named(parts, named), negate, fold)
        raise InvalidError(f"{named} with a name takes no other condition than exists", parts.written(condition))
    operator, value = _read_condition(parts, condition, selector, fold=fold)
    return Matcher(selector, operator, value, negate, fold)


def _read_implied(parts: Parts, target: str) -> str | None:
    """Return the value of a selector that is a condition, too; ``None`` for other selectors."""
    for name in SELECTORS[target]:
        if name in ENUMERATIONS and name in parts:
            prefix, values = ENUMERATIONS[name]
            value = parts.get(name)
            short = short_name(str(value), prefix)
            if short not in values and short in ("unspecified", "0"):
                raise InvalidError(f"{name} is unspecified", parts.written(name))
            if short not in values:
                suggestion = suggest(short, values)
                raise InvalidError(f"unknown {name} {value!r:.80}{suggestion}", parts.written(name))
            return values[short]
    return None


def _read_named(parts: Parts, name: str) -> str | bytes:
    """Return the name of an event, or the trace id of a link as bytes."""
    text = parts.text(name)
    if name == "event_name":
        if not text:
            raise InvalidError("event_name is empty", parts.written(name))
        return text
    return _read_hex(text, parts.written(name))


def _read_condition(
    parts: Parts, condition: str, selector: Selector, *, fold: bool
) -> tuple[Operator, Scalar | Pattern]:
    written = parts.written(condition)
    if condition == "exists":
        return "exists", parts.boolean("exists")
    if condition == "regex":
        return "regex", read_regex(parts.text("regex"), written, fold=fold)
    if condition in _NUMBERS:
        number = _read_value(parts.get(condition), written, ("int_value", "double_value"))
        if isinstance(number, (str, bytes, bool)):
            raise InvalidError(f"{condition} takes a number, not {number!r:.80}", written)
        operator: Any = condition
        return operator, number
    value: Scalar = parts.text(condition) if condition in _TEXTS else _read_value(parts.get(condition), written)
    if condition in ("exact", "equals") and isinstance(value, str) and selector.name in IDENTIFIERS:
        # A field of bytes: its text is the hexadecimal one.
        return "equals", _read_hex(value, written)
    operator = "equals" if condition == "exact" else condition
    return operator, value


_VALUES = ("bool_value", "int_value", "double_value", "bytes_value", "hex_value", "string_value")


def _read_value(value: Any, written: str, names: Sequence[str] = _VALUES) -> Scalar:
    """Read a ``Value`` or ``NumericValue``, or the literal that stands for it."""
    if isinstance(value, Mapping):
        parts = Parts(value, "a value")
        try:
            parts.only(names)
            name = parts.one_of(names, "value is unset")
            return _typed(name, parts.get(name), parts.written(name))
        except InvalidError as error:
            raise InvalidError(error.text, written, *error.path) from None
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return _typed("int_value", value, written)
    if isinstance(value, float):
        return _typed("double_value", value, written)
    raise InvalidError(f"a value must be a text, a number or a boolean, not {type_name(value)}", written)


def _typed(name: str, value: Any, written: str) -> Scalar:
    if name == "hex_value" and isinstance(value, str):
        return _read_hex(value, written)
    types, convert = _CONVERSIONS[name]
    try:
        if type(value) in types:
            return convert(value)
    except (ValueError, OverflowError):
        # Said below; an error of base64 is a ValueError, too.
        pass
    raise InvalidError(f"invalid {name} {value!r:.80}", written)


def _integer(value: Any) -> int:
    number = int(value)
    if not -_INTEGER_LIMIT <= number < _INTEGER_LIMIT:
        raise ValueError
    return number


def _double(value: Any) -> float:
    number = float(value)
    if math.isnan(number):
        raise ValueError
    return number


#: By the name of a value: the types that it may have in JSON, where integers of 64 bits are texts, and its conversion.
_CONVERSIONS: Mapping[str, tuple[tuple[type, ...], Callable[[Any], Scalar]]] = {
    "bool_value": ((bool,), bool),
    "int_value": ((int, str), _integer),
    "double_value": ((int, float), _double),
    "bytes_value": ((str,), lambda value: base64.b64decode(value, validate=True)),
    "hex_value": ((), str),
    "string_value": ((str,), str),
}


def _read_hex(text: str, written: str) -> bytes:
    try:
        if text != "".join(text.split()):
            raise ValueError
        return bytes.fromhex(text)
    except ValueError:
        raise InvalidError(f"invalid hex_value {text!r:.80}", written) from None


def read_regex(text: str, written: str, *, fold: bool = False) -> Pattern:
    """Compile a pattern.

    Raises:
        InvalidError: it is not accepted.
    """
    try:
        return compile_regex(text, ignore_case=fold)
    except InvalidRegexError as error:
        # A pattern may be very long.
        quoted = text[:200].replace("\\", "\\\\").replace('"', '\\"')
        raise InvalidError(f'invalid regex "{quoted}": {error}', written) from None

"""The values that a policy consists of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from distrokit_policy.engine.names import Signal
from distrokit_policy.engine.regex import Pattern

SelectorKind = Literal[
    "field", "attribute", "resource attribute", "scope attribute", "event name", "event attribute", "link"
]
Operator = Literal["equals", "regex", "exists", "starts_with", "ends_with", "contains", "gt", "gte", "lt", "lte"]
Scalar: TypeAlias = "str | bool | int | float | bytes"
Mode = Literal["hash_seed", "proportional", "equalizing"]
Operation = Literal["remove", "redact", "rename", "add"]

#: The order in which operations are applied.
OPERATIONS: tuple[Operation, ...] = ("remove", "redact", "rename", "add")


@dataclass(frozen=True)
class Selector:
    """Which part of an item is meant.

    Attributes:
        name: of a field, for example ``body``, ``kind`` or ``type``; empty for other kinds.
        path: keys of an attribute, from the outside in; empty for other kinds.
    """

    kind: SelectorKind
    name: str = ""
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name if self.kind == "field" else " ".join((self.kind, ".".join(self.path))).strip()


@dataclass(frozen=True)
class Matcher:
    """One condition.

    Attributes:
        value: of ``regex`` a :class:`Pattern`, of ``exists`` a boolean.
        negate: whether the result is inverted.
        case_insensitive: for texts.
    """

    selector: Selector
    operator: Operator
    value: Scalar | Pattern
    negate: bool = False
    case_insensitive: bool = False


@dataclass(frozen=True)
class Keep:
    """How much of the matching telemetry is kept.

    Attributes:
        kind: ``rate`` keeps ``limit`` items in each window of ``window_seconds``.
        percentage: 0 to 100; of ``all`` 100, of ``none`` 0.
        mode, precision, seed, fail_closed: of traces only; ``precision`` in hexadecimal digits.
    """

    kind: Literal["all", "none", "percentage", "rate"] = "all"
    percentage: float = 100.0
    limit: int = 0
    window_seconds: int = 0
    mode: Mode = "hash_seed"
    precision: int = 4
    seed: int = 0
    fail_closed: bool = True

    @property
    def restrictiveness(self) -> float:
        """The greatest one of all matching policies is applied. A rate is as restrictive as 50 %, as in policy-go."""
        return 50.0 if self.kind == "rate" else 100.0 - self.percentage

    def __str__(self) -> str:
        if self.kind == "percentage":
            return f"{self.percentage:g}%"
        return f"{self.limit}/{self.window_seconds}s" if self.kind == "rate" else self.kind


@dataclass(frozen=True)
class Transform:
    """One operation on a log record.

    Attributes:
        selector: the field that it changes.
        value: the value to add; of ``redact`` the replacement; of ``rename`` the new key.
        pattern: of ``redact``: what is replaced; ``None`` for the whole value.
        upsert: whether an existing field is overwritten.
    """

    operation: Operation
    selector: Selector
    value: str = ""
    pattern: Pattern | None = None
    upsert: bool = False


@dataclass(frozen=True)
class Policy:
    """A valid policy.

    Attributes:
        source: where it comes from: a file's or a provider's name.
        sample_key: the field of a log record by whose value a percentage is decided; ``None`` for a random one.
    """

    id: str
    name: str
    signal: Signal
    matchers: tuple[Matcher, ...]
    keep: Keep = Keep()
    sample_key: Selector | None = None
    transforms: tuple[Transform, ...] = ()
    description: str = ""
    source: str = ""


@dataclass(frozen=True)
class PolicyError:
    """What is wrong in the data of a policy.

    Attributes:
        policy_id: empty if it has none.
        text: as the specification has it: ``log: match[0]: attribute has empty path``.
        path: keys and indices that lead to it in the data.
    """

    policy_id: str
    text: str
    path: tuple[str | int, ...] = ()


class InvalidError(ValueError):
    """A part of a policy that is not valid.

    Args:
        text: the reason.
        path: keys and indices that lead to it, from the part on.
    """

    def __init__(self, text: str, *path: str | int) -> None:
        super().__init__(text)
        self.text, self.path = text, path

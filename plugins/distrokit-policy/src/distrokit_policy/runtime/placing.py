"""Decides where in the pipeline a policy is applied."""

from __future__ import annotations

from typing import NamedTuple

from distrokit_policy.engine.policies import Matcher, Policy
from distrokit_policy.runtime.sdk_fields import START_FIELDS

#: A condition on one of these may be negated and decided at the start: nothing changes them later.
_CONSTANT = frozenset({"kind", "trace_id", "parent_span_id", "trace_state"})


class Placed(NamedTuple):
    """Where a policy is applied.

    Attributes:
        at_start: at the sampler, when a span starts.
        at_end: at the stage ``transform``, with the complete item.
        why: why there.
    """

    at_start: bool
    at_end: bool
    why: str

    @property
    def stages(self) -> tuple[str, ...]:
        """The names of the places."""
        return (*(("sampler",) if self.at_start else ()), *(("transform",) if self.at_end else ()))


def place(policy: Policy) -> Placed:
    """Return where a policy is applied."""
    if policy.signal != "traces":
        return Placed(False, True, f"where {policy.signal} are complete")
    late = next((matcher for matcher in policy.matchers if not _is_known_at_start(matcher)), None)
    if late is not None:
        return Placed(False, True, f"since {_late_reason(late)}")
    if policy.keep.mode == "proportional" and policy.keep.kind == "percentage":
        return Placed(True, False, "since all conditions are known at a span's start; a proportion is taken once")
    return Placed(True, True, "since all conditions are known at a span's start; a span that matches later, at its end")


def _is_known_at_start(matcher: Matcher) -> bool:
    selector = matcher.selector
    if selector.kind == "resource attribute" or selector.name == "resource_schema_url":
        return True
    if selector.kind == "attribute":
        # Later attributes may make it false.
        return not matcher.negate and matcher.value is not False
    if selector.kind != "field" or selector.name not in START_FIELDS:
        return False
    is_positive = not matcher.negate and not (matcher.operator == "exists" and matcher.value is False)
    return is_positive or selector.name in _CONSTANT


def _late_reason(matcher: Matcher) -> str:
    selector = matcher.selector
    if selector.kind == "attribute" or selector.name in START_FIELDS:
        return f"{selector} may still change while a span runs"
    if selector.kind == "scope attribute" or selector.name.startswith("scope_"):
        return f"a sampler does not get the {selector.name.replace('_', ' ') or selector}"
    return f"{selector.name.replace('_', ' ') or selector} is known at a span's end"


def describe_action(policy: Policy) -> str:
    """Return what a policy does, in a few words."""
    operations = list(dict.fromkeys(transform.operation for transform in policy.transforms))
    if policy.keep.kind == "none":
        return "drop"
    keep = "" if policy.keep.kind == "all" and operations else f"keep {policy.keep}"
    return ", ".join(filter(None, [keep, *operations]))

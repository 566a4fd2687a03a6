"""Composable samplers of the SDK, which has them under a private name.

The one place where it is used: ``opentelemetry.sdk.trace._sampling_experimental``. Where a release does
not have it, or has it otherwise, building the sampler fails alone, and the default sampler is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from distrokit import BuildContext

_PACKAGE = "opentelemetry.sdk.trace._sampling_experimental"


def make_probability(context: BuildContext) -> Any:
    """Consistent probability sampling (specification, *ProbabilitySampler*)."""
    package = import_module(_PACKAGE)
    return package.composite_sampler(package.composable_traceid_ratio_based(context.arguments["ratio"]))


def make_composite(context: BuildContext) -> Any:
    """A tree of composable samplers (configuration schema, ``ComposableSampler``).

    Raises: ``ValueError`` for one that the SDK does not have, and without a configuration file.
    """
    definition = context.arguments.get("properties")
    if not definition:
        raise ValueError("only a configuration file (OTEL_CONFIG_FILE) can say what it is composed of")
    package = import_module(_PACKAGE)
    return package.composite_sampler(_composable(package, definition))


def _composable(package: Any, definition: dict[str, Any]) -> Any:
    [(name, given)] = definition.items() or [("nothing", None)]
    given = given or {}
    if name == "always_on":
        return package.composable_always_on()
    if name == "always_off":
        return package.composable_always_off()
    if name == "probability":
        ratio = given.get("ratio")
        return package.composable_traceid_ratio_based(1.0 if ratio is None else ratio)
    if name == "parent_threshold":
        return package.composable_parent_threshold(_composable(package, given["root"]))
    if name == "rule_based":
        return package.composable_rule_based([_rule(package, rule) for rule in given.get("rules") or []])
    raise ValueError(f"{name!r} is no composable sampler of the SDK")


def _rule(package: Any, rule: dict[str, Any]) -> tuple[Any, Any]:
    """A condition and the sampler for spans that meet it; without conditions it is met by all."""
    rules = import_module(f"{_PACKAGE}._rule_based")
    kinds = import_module("opentelemetry.trace").SpanKind
    conditions = []
    if values := rule.get("attribute_values"):
        conditions.append(rules.AttributeValuesPredicate(values["key"], values["values"]))
    if patterns := rule.get("attribute_patterns"):
        conditions.append(
            rules.AttributePatternsPredicate(patterns["key"], patterns.get("included"), patterns.get("excluded"))
        )
    if names := rule.get("span_kinds"):
        conditions.append(rules.SpanKindPredicate([kinds[name.upper()] for name in names]))
    if parents := rule.get("parent"):
        conditions.append(rules.ParentPredicate(parents))
    condition = rules.AllPredicate(conditions) if conditions else rules.AlwaysMatchPredicate()
    return condition, _composable(package, rule["sampler"])

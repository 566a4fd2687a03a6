"""The SDK's composable samplers, which have no public name.

Only this module uses ``opentelemetry.sdk.trace._sampling_experimental``. If a release lacks or changes it, building the
sampler fails, and the default sampler is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from distrokit import BuildContext

_PACKAGE = "opentelemetry.sdk.trace._sampling_experimental"


def make_probability(context: BuildContext) -> Any:
    """Make a consistent probability sampler (specification, *ProbabilitySampler*)."""
    package = import_module(_PACKAGE)
    return package.composite_sampler(package.composable_traceid_ratio_based(context.arguments["ratio"]))


def make_composite(context: BuildContext) -> Any:
    """Make a tree of composable samplers (configuration schema, ``ComposableSampler``).

    Raises: ``ValueError`` without a configuration file, and for a sampler that the SDK does not have.
    """
    definition = context.arguments.get("properties")
    if not definition:
        raise ValueError("only a configuration file (OTEL_CONFIG_FILE) can define this sampler")
    package = import_module(_PACKAGE)
    return package.composite_sampler(_composable(package, definition))


def _composable(package: Any, definition: dict[str, Any]) -> Any:
    [(name, properties)] = definition.items() or [("nothing", None)]
    properties = properties or {}
    if name == "always_on":
        return package.composable_always_on()
    if name == "always_off":
        return package.composable_always_off()
    if name == "probability":
        ratio = properties.get("ratio")
        return package.composable_traceid_ratio_based(1.0 if ratio is None else ratio)
    if name == "parent_threshold":
        return package.composable_parent_threshold(_composable(package, properties["root"]))
    if name == "rule_based":
        return package.composable_rule_based([_rule(package, rule) for rule in properties.get("rules") or []])
    raise ValueError(f"{name!r} is no composable sampler of the SDK")


def _rule(package: Any, rule: dict[str, Any]) -> tuple[Any, Any]:
    """Return a condition and the sampler for spans that meet it; no condition matches all spans."""
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

"""Writes a plan as OpenTelemetry's configuration model: the file that would make this plan.

The inverse of :mod:`distrokit.plan.selection.from_configuration_file`. Defaults are written, too: the file shows all
values in effect. A secret that came from a variable becomes a reference to that variable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from distrokit.diagnostics import Mask
from distrokit.plan.components import DEFAULT_SAMPLER
from distrokit.plan.model_writer.own import describe_left_out, own_node
from distrokit.plan.model_writer.secrets import escape, reference_to, write_value
from distrokit.plan.plan import Component, ExporterPlan, InstrumentationPlan, Plan, SignalPlan
from distrokit.plan.selection.cardinality_limits import READER_KEY
from distrokit.plan.selection.file_settings import SETTING_BY_PATH
from distrokit.plan.selection.from_configuration_file import PROVIDERS, SCOPES, SEVERITIES
from distrokit.plan.selection.instrumentations import is_broken_secret
from distrokit.plan.selection.selection import ScopeRule
from distrokit.plan.selection_resolver import ALWAYS
from distrokit.settings.layers import is_secret
from distrokit.settings.secret_values import HIDDEN, without_secrets
from distrokit.settings.values import Value

FILE_FORMAT = "1.1"

Node = dict[str, Any]

__all__ = ["describe_left_out", "model_of"]


_REFERENCE = re.compile(r"\$\{\w+(:-[^}]*)?\}")


def model_of(plan: Plan) -> Node:
    """Return the model. Strings are escaped for substitution (``$`` as ``$$``), references to variables are not."""
    model: Node = {"file_format": FILE_FORMAT}
    if plan.disabled.value:
        model["disabled"] = True
    level = plan.settings.get("OTEL_LOG_LEVEL").lower()
    level = {"warning": "warn", "critical": "fatal", "none": "fatal4", "off": "fatal4"}.get(level, level)
    if level.rstrip("4") in SEVERITIES:
        model["log_level"] = level
    model["resource"] = _resource(plan)
    propagators = plan.propagators
    composite = (
        [_component(p) for p in propagators] if propagators is not None else [{"tracecontext": None}, {"baggage": None}]
    )
    if composite:
        model["propagator"] = {"composite": composite}
    for signal, planned in plan.signals.items():
        # The schema requires a processor or a reader in each provider.
        if planned.built and (planned.exporters or (planned.processors and signal != "metrics")):
            model[PROVIDERS[signal]] = _provider(plan, planned)
    _add_settings(plan, model)
    _add_instrumentations(plan, model)
    if own := own_node(plan):
        model["distribution"] = {"distrokit": own}
    masked: Node = _mask(model)
    return masked


def _mask(node: Any) -> Any:
    """Mask secrets inside texts whose names are not secret, such as a password in a URL."""
    if isinstance(node, dict):
        return {name: _mask(child) for name, child in node.items()}
    if isinstance(node, list):
        return [_mask(child) for child in node]
    # A reference to a variable is not a secret.
    return node if not isinstance(node, str) or _REFERENCE.fullmatch(node) else Mask()(node)


def _resource(plan: Plan) -> Node:
    resource: Node = {}
    if plan.resource.attributes:
        resource["attributes"] = [_attribute(name, value) for name, value in plan.resource.attributes.items()]
    detection: Node = {}
    filters = {"included": list(plan.resource.included), "excluded": list(plan.resource.excluded)}
    if any(filters.values()):
        detection["attributes"] = {name: patterns for name, patterns in filters.items() if patterns}
    # These always run; the file's filter does not apply to them.
    detectors = [d for d in plan.resource.detectors if d.name not in ALWAYS or d.source.kind == "file"]
    if detectors:
        detection["detectors"] = [_component(detector) for detector in detectors]
    resource["detection/development"] = detection
    if plan.resource.schema_url:
        resource["schema_url"] = escape(plan.resource.schema_url.value)
    return resource


def _attribute(name: str, value: Value[Any]) -> Node:
    kinds = {bool: "bool", int: "int", float: "double"}
    plain = list(value.value) if isinstance(value.value, (list, tuple)) else value.value
    sample = plain[0] if isinstance(plain, list) and plain else plain
    kind = kinds.get(type(sample), "string") + ("_array" if isinstance(plain, list) else "")
    node = {"name": name, "value": escape(plain)}
    return node if kind == "string" else {**node, "type": kind}


def _provider(plan: Plan, planned: SignalPlan) -> Node:
    provider: Node = {}
    exports = [_export(item, planned.signal) for item in planned.exporters]
    staged = [_component(processor) for processor in planned.processors]
    if planned.signal == "metrics":
        provider["readers"] = exports
        if plan.views:
            provider["views"] = [escape(view.definition) for view in plan.views]
    else:
        provider["processors"] = [*staged, *exports]
    if planned.signal == "traces":
        # Plugins wrap the sampler that the file names, too.
        sampler = plan.sampler.innermost if plan.sampler else None
        if sampler and sampler.declaration is not DEFAULT_SAMPLER:
            provider["sampler"] = _component(sampler)
        if plan.id_generator:
            provider["id_generator"] = _component(plan.id_generator)
    if planned.scopes:
        configurator, several = SCOPES[planned.signal]
        rules = [{"name": rule.pattern, "config": _rule(rule)} for rule in planned.scopes]
        provider[configurator] = {several: rules}
    return provider


def _rule(rule: ScopeRule) -> Node:
    config: Node = {"enabled": rule.enabled}
    if rule.minimum_severity:
        number = rule.minimum_severity - 1
        config["minimum_severity"] = SEVERITIES[number // 4] + (str(number % 4 + 1) if number % 4 else "")
    if rule.trace_based:
        config["trace_based"] = True
    return config


def _export(item: ExporterPlan, signal: str) -> Node:
    exporter: Node = {"exporter": _component(item.exporter)}
    if item.cardinality_limits is not None:
        exporter[READER_KEY] = escape(item.cardinality_limits.plain())
    if item.processor is None:
        return {"pull" if signal == "metrics" else "simple": exporter}
    [(name, properties)] = _component(item.processor).items()
    return {name: {**(properties or {}), **exporter}}


def _component(component: Component[Any]) -> Node:
    """Return ``{name: properties}``, nested when its name in the file is dotted."""
    properties: Node = {}
    for name, value in component.parameters.items():
        if name == "properties" and isinstance(value.value, Mapping):
            properties.update(escape(without_secrets(dict(value.value))))
        elif value.key:
            _put(properties, value.key, _write_value(value))
    node: Any = properties or None
    for name in reversed((component.file_name or component.declaration.name).split(".")):
        node = {name: node}
    made: Node = node
    return made


def _write_value(value: Value[Any]) -> Any:
    return _component(value.value) if isinstance(value.value, Component) else write_value(value)


def _put(node: Node, path: str, plain: Any) -> None:
    """Set a dotted path; an empty value is left out, since the schema treats it as unset."""
    if plain is None or plain in ("", {}, []):
        return
    *parents, last = path.split(".")
    for parent in parents:
        node = node.setdefault(parent, {})
    node[last] = plain


def _add_settings(plan: Plan, model: Node) -> None:
    """Add what is a setting in both modes: limits, exemplars, captured headers."""
    for path, name in SETTING_BY_PATH.items():
        value = plan.settings.value(name)
        if value is None or path in (("disabled",), ("resource", "attributes_list")):
            continue
        if plan.sdk_settings.get(name, "") is None or (path[0].endswith("_provider") and path[0] not in model):
            continue
        text = plan.sdk_settings.get(name) or value.value
        if path[-1].endswith("_limit"):
            plain: Any = int(text)
        elif path[-1].endswith("_headers"):
            plain = [item.strip() for item in text.split(",")]
        else:
            plain = text.lower()
        _put(model, ".".join(path), plain)
    stability = plan.settings.get("OTEL_SEMCONV_STABILITY_OPT_IN")
    _put(model, "instrumentation/development.general.stability_opt_in_list", stability)


def _add_instrumentations(plan: Plan, model: Node) -> None:
    nodes = {}
    for name, item in plan.instrumentations.items():
        node: Node = {} if item.enabled else {"enabled": False}
        if isinstance(item.replacement, str):
            node["replaced_by"] = escape(item.replacement)
        init = _keywords(item, "init.", item.init_options)
        node = {**node, **({"init": init} if init else {}), **_keywords(item, "", item.options)}
        if node:
            nodes[name] = node
    if nodes:
        model.setdefault("instrumentation/development", {})["python"] = nodes


def _keywords(item: InstrumentationPlan, prefix: str, keywords: Mapping[str, Any]) -> Node:
    """Return the keywords that a file can hold; a secret becomes a reference to its variable."""
    node: Node = {}
    for keyword, value in keywords.items():
        source = item.sources.get(prefix + keyword)
        if is_secret(keyword) or is_broken_secret(value):
            node[keyword] = (reference_to(source) if source else "") or HIDDEN
        elif _is_data(value):
            node[keyword] = escape(without_secrets(value, keyword))
    return node


def _is_data(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool, list, dict))

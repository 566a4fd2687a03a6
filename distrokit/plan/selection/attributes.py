"""The user's own resource attributes: ``OTEL_RESOURCE_ATTRIBUTES``, ``OTEL_ENTITIES``, ``OTEL_SERVICE_NAME``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from distrokit.diagnostics import Problem
from distrokit.settings.layers import Settings
from distrokit.settings.values import Value

#: Specification, "Entity Propagation": type{identifying}[descriptive]@schema-url
_ENTITY = re.compile(
    r"(?P<type>[A-Za-z][\w.-]*)\{(?P<id>[^{}\[\]]*)\}(?:\[(?P<description>[^{}\[\]]*)\])?(?:@(?P<schema>.*))?", re.ASCII
)
_KEY = re.compile(r"[A-Za-z][\w.-]*", re.ASCII)

Attributes = dict[str, Value[Any]]
Warn = Callable[[str, str, str, str], None]


def attributes_of(settings: Settings, problems: list[Problem]) -> Attributes:
    """Read the resource attributes in the user's settings, weakest first: entities, attributes, service name."""

    def warn(setting: str, cause: str, outcome: str, remedy: str) -> None:
        # The value is not printed: users paste tokens into the wrong variable.
        problems.append(
            Problem(
                code="setting-invalid",
                subject=f"{setting}=…",
                cause=cause,
                outcome=outcome,
                remedy=remedy,
                severity="warning",
            )
        )

    attributes: Attributes = {}
    entities = settings.value("OTEL_ENTITIES")
    if entities:
        attributes.update(_parse_entities(entities, warn))
    pairs = settings.value("OTEL_RESOURCE_ATTRIBUTES")
    if pairs:
        attributes.update(_parse_pairs(pairs, warn))
    service = settings.value("OTEL_SERVICE_NAME")
    if service:
        weaker = attributes.get("service.name")
        overridden = ((str(weaker.value), weaker.source), *weaker.overridden) if weaker else ()
        attributes["service.name"] = replace(service, overridden=(*service.overridden, *overridden))
    return attributes


def _parse_pairs(given: Value[str], warn: Warn) -> Attributes:
    setting = str(given.source) if given.source.kind == "file" else "OTEL_RESOURCE_ATTRIBUTES"
    attributes: Attributes = {}
    for position, pair in enumerate(given.value.split(","), 1):
        key, equals, text = pair.partition("=")
        if equals and key.strip():
            attributes[unquote(key.strip())] = Value(unquote(text.strip()), given.source)
        elif pair.strip():
            warn(
                setting,
                f"item {position} is not key=value",
                "the other items are used",
                "Write key=value, commas and spaces in a value percent-encoded.",
            )
    return attributes


def _parse_entities(given: Value[str], warn: Warn) -> Attributes:
    """Return the attributes of all entities; the last entity of a type wins.

    The SDK has no public API for entities, so only their attributes are exported.
    """
    entities: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
    for position, text in enumerate(given.value.split(";"), 1):
        if not text.strip():
            continue
        match = _ENTITY.fullmatch(text.strip())
        identifying = _parse_entity_pairs(match["id"]) if match else None
        described = _parse_entity_pairs(match["description"] or "") if match else None
        if match is None or not identifying or described is None:
            warn(
                "OTEL_ENTITIES",
                f"item {position} is not type{{key=value}}[key=value]@schema-url",
                "that entity is left out, the others are used",
                "Write at least one key=value inside the braces, and percent-encode {}[]@;,= in values.",
            )
            continue
        if match["type"] in entities:
            warn(
                "OTEL_ENTITIES",
                f"item {position} is a second entity of type {match['type']}",
                "the last one is used",
                "Name each type once.",
            )
        entities[match["type"]] = (identifying, described)
    return {
        key: Value(text, given.source)
        for identifying, described in entities.values()
        for key, text in (*described.items(), *identifying.items())
    }


def _parse_entity_pairs(text: str) -> dict[str, str] | None:
    """Parse the pairs of an entity; ``None`` if one of them is malformed."""
    pairs = {}
    for item in text.split(",") if text else []:
        key, equals, value = item.partition("=")
        if not equals or not _KEY.fullmatch(key.strip()) or set(value) & set("@="):
            return None
        pairs[key.strip()] = unquote(value.strip())
    return pairs

"""Resources and instrumentation scopes of a payload, each stored once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from distrokit_spool.payloads.attribute_values import attributes_of, plain_attributes


class Origins:
    """Numbers resources and scopes while a batch is encoded.

    Attributes:
        resources, scopes: as JSON, by number.
    """

    def __init__(self) -> None:
        self.resources: list[Any] = []
        self.scopes: list[Any] = []
        self._numbers: dict[int, int] = {}

    def resource(self, resource: Resource | None) -> int | None:
        """Return the number of a resource; ``None`` for an item without one."""
        return self._number(resource, self.resources, _plain_resource)

    def scope(self, scope: InstrumentationScope | None) -> int | None:
        """Return the number of a scope; ``None`` for an item without one."""
        return self._number(scope, self.scopes, _plain_scope)

    def _number(self, thing: Any, plain: list[Any], as_plain: Callable[[Any], Any]) -> int | None:
        if thing is None:
            return None
        # By identity: the items keep the objects alive, and a comparison would read every attribute.
        number = self._numbers.get(id(thing))
        if number is None:
            plain.append(as_plain(thing))
            number = self._numbers[id(thing)] = len(plain) - 1
        return number


class OriginsRead:
    """Resources and scopes of a decoded payload, by number."""

    def __init__(self, resources: Sequence[Any], scopes: Sequence[Any]) -> None:
        self._resources, self._scopes = resources, scopes

    @cached_property
    def resources(self) -> list[Resource]:
        """By number."""
        return [Resource(attributes_of(read["attributes"]) or {}, read["schema_url"]) for read in self._resources]

    @cached_property
    def scopes(self) -> list[InstrumentationScope]:
        """By number."""
        return [
            InstrumentationScope(
                read["name"], read["version"], read["schema_url"], attributes_of(read["attributes"]) or None
            )
            for read in self._scopes
        ]

    def resource(self, number: int | None) -> Resource:
        """Return the resource with this number; an empty one for ``None``."""
        return Resource.get_empty() if number is None else self.resources[number]

    def scope(self, number: int | None) -> InstrumentationScope | None:
        """Return the scope with this number; ``None`` for ``None``."""
        return None if number is None else self.scopes[number]


def _plain_resource(resource: Resource) -> Any:
    return {"attributes": plain_attributes(resource.attributes), "schema_url": resource.schema_url}


def _plain_scope(scope: InstrumentationScope) -> Any:
    return {
        "name": scope.name,
        "version": scope.version,
        "schema_url": scope.schema_url,
        "attributes": plain_attributes(scope.attributes),
    }

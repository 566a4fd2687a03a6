"""Resources and instrumentation scopes, and the grouping of items by both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from distrokit_otlp.wire.format import delimited, varint
from distrokit_otlp.wire.repairs import Repairs
from distrokit_otlp.wire.values import Attributes, Names, Values

#: The number of resources, and of scopes, whose bytes are kept. A process has one of the former.
_RESOURCES, _SCOPES = 16, 1024


class Scopes:
    """Writes resources and scopes; the objects that were written are kept with their bytes.

    Args:
        repairs: for values that cannot be sent.
        values: writes attribute values.
    """

    def __init__(self, repairs: Repairs, values: Values) -> None:
        self._resource_attributes, self._scope_attributes = Attributes(values, b"\x0a"), Attributes(values, b"\x1a")
        self._names, self._versions = Names(repairs, b"\x0a", "a scope's name"), Names(repairs, b"\x12", "a version")
        self._urls = Names(repairs, b"\x1a", "a schema's URL")
        # By identity, with the object, so that no other one can get its identity.
        self._resources: dict[int, tuple[Any, bytes]] = {}
        self._scopes: dict[int, tuple[Any, bytes]] = {}

    def resource(self, resource: Any) -> bytes:
        """Return the field ``resource`` (1) of a request's first level."""
        known = self._resources.get(id(resource))
        if known is not None:
            return known[1]
        parts: list[bytes] = []
        self._resource_attributes.write(resource.attributes, parts.append)
        field = delimited(b"\x0a", b"".join(parts))
        if len(self._resources) >= _RESOURCES:
            self._resources.clear()
        self._resources[id(resource)] = resource, field
        return field

    def scope(self, scope: Any) -> bytes:
        """Return the field ``scope`` (1) of a request's second level."""
        known = self._scopes.get(id(scope))
        if known is not None:
            return known[1]
        parts: list[bytes] = []
        if scope is not None:
            parts += [self._names.write(scope.name), self._versions.write(scope.version)]
            self._scope_attributes.write(scope.attributes, parts.append)
        field = delimited(b"\x0a", b"".join(parts))
        if len(self._scopes) >= _SCOPES:
            self._scopes.clear()
        self._scopes[id(scope)] = scope, field
        return field

    def schema_url(self, owner: Any) -> bytes:
        """Return the field ``schema_url`` (3) of a resource's or a scope's level."""
        return self._urls.write(owner.schema_url) if owner is not None else b""


class Groups:
    """The items of one request by resource and scope, in the order in which each came first.

    Args:
        scopes: writes resources and scopes.
        item_tag: of the field that holds one item.
    """

    def __init__(self, scopes: Scopes, item_tag: bytes) -> None:
        self._scopes, self._tag = scopes, item_tag
        # Equal objects belong together; comparing them is dear, so those that were seen are known by identity.
        self._equal: dict[Any, dict[Any, list[bytes]]] = {}
        self._seen: dict[tuple[int, int], list[bytes]] = {}

    def of(self, resource: Any, scope: Any) -> list[bytes]:
        """Return the list that the bytes of this resource's and scope's items are appended to."""
        found = self._seen.get((id(resource), id(scope)))
        if found is None:
            found = self._equal.setdefault(resource, {}).setdefault(scope, [])
            self._seen[id(resource), id(scope)] = found
        return found

    def write(self) -> bytes:
        """Return the request."""
        levels: list[bytes] = []
        for resource, scopes in self._equal.items():
            inner = [
                delimited(b"\x12", self._scopes.scope(scope) + self._join(items) + self._scopes.schema_url(scope))
                for scope, items in scopes.items()
            ]
            level = self._scopes.resource(resource) + b"".join(inner) + self._scopes.schema_url(resource)
            levels.append(delimited(b"\x0a", level))
        return b"".join(levels)

    def _join(self, items: Iterable[bytes]) -> bytes:
        tag = self._tag
        return b"".join([tag + varint(len(item)) + item for item in items])

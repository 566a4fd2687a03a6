"""Resources and instrumentation scopes, and the grouping of items by both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from distrokit_otlp.wire.format import delimited
from distrokit_otlp.wire.repairs import Repairs
from distrokit_otlp.wire.values import Attributes, Names, Values

#: The number of resources, and of scopes, whose bytes are kept. A process has one of the former.
_RESOURCES, _SCOPES = 16, 1024


class _Known:
    """The bytes of objects, by identity.

    Args:
        write: returns the bytes of an object.
        largest: the number of objects that are kept.
    """

    def __init__(self, write: Callable[[Any], bytes], largest: int) -> None:
        self._write, self._largest = write, largest
        # With the object, so that no other one can get its identity.
        self._known: dict[int, tuple[Any, bytes]] = {}

    def get(self, owner: Any) -> bytes:
        """Return the bytes of an object."""
        known = self._known.get(id(owner))
        if known is None:
            if len(self._known) >= self._largest:
                self._known.clear()
            known = self._known[id(owner)] = owner, self._write(owner)
        return known[1]


class Scopes:
    """Writes the two levels of a request: resources, and in them scopes.

    Args:
        repairs: for values that cannot be sent.
        values: writes attribute values.
    """

    def __init__(self, repairs: Repairs, values: Values) -> None:
        self._resource_attributes, self._scope_attributes = Attributes(values, b"\x0a"), Attributes(values, b"\x1a")
        self._names, self._versions = Names(repairs, b"\x0a", "a scope's name"), Names(repairs, b"\x12", "a version")
        self._urls = Names(repairs, b"\x1a", "a schema's URL")
        self._resources, self._scopes = _Known(self._resource, _RESOURCES), _Known(self._scope, _SCOPES)

    def request(self, contents: Mapping[Any, Mapping[Any, bytes]]) -> bytes:
        """Return a request.

        Args:
            contents: by resource and scope, the fields of the items.
        """
        levels: list[bytes] = []
        for resource, scopes in contents.items():
            inner = [
                delimited(b"\x12", self._scopes.get(scope) + items + self._schema_url(scope))
                for scope, items in scopes.items()
            ]
            level = self._resources.get(resource) + b"".join(inner) + self._schema_url(resource)
            levels.append(delimited(b"\x0a", level))
        return b"".join(levels)

    def _resource(self, resource: Any) -> bytes:
        """Return the field ``resource`` (1) of the first level."""
        parts: list[bytes] = []
        self._resource_attributes.write(resource.attributes, parts.append)
        return delimited(b"\x0a", b"".join(parts))

    def _scope(self, scope: Any) -> bytes:
        """Return the field ``scope`` (1) of the second level."""
        parts: list[bytes] = []
        if scope is not None:
            parts += [self._names.write(scope.name), self._versions.write(scope.version)]
            self._scope_attributes.write(scope.attributes, parts.append)
        return delimited(b"\x0a", b"".join(parts))

    def _schema_url(self, owner: Any) -> bytes:
        """Return the field ``schema_url`` (3) of either level."""
        return self._urls.write(owner.schema_url) if owner is not None else b""


class Groups:
    """The items of one request by resource and scope, in the order in which each came first.

    Args:
        scopes: writes resources and scopes.
    """

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes
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

    def write(self, tag: bytes) -> bytes:
        """Return the request.

        Args:
            tag: of the field that holds one item.
        """
        return self._scopes.request(
            {
                resource: {scope: b"".join([delimited(tag, item) for item in items]) for scope, items in scopes.items()}
                for resource, scopes in self._equal.items()
            }
        )

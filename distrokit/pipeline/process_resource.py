"""The resource of a process that may fork: in a child it has the child's process id and instance id.

A provider's resource cannot be changed through public API, and the SDK (since 1.44) replaces the user's
``service.instance.id`` by a random one after a fork. So the resource itself changes: every provider, tracer and span
holds this one object.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.resources import Resource

_INSTANCE, _PID = "service.instance.id", "process.pid"


class ProcessResource(Resource):
    """A resource that takes the identity of a forked child.

    Args:
        attributes: of the process that starts.
        schema_url: ``None`` for none.
        named: true if the instance id was chosen and is not random; a child's is then the same with its process id
            appended, else another random one.
    """

    def __init__(self, attributes: Mapping[str, Any], schema_url: str | None, *, named: bool) -> None:
        super().__init__(attributes, schema_url)
        self._named = named
        self._pid = os.getpid()
        self._child: Resource | None = None
        self._settling = False
        self._own_hash: int | None = None

    @property
    def attributes(self) -> Mapping[str, Any]:
        return super().attributes if self._child is None else self._child.attributes

    def renew(self) -> None:
        """Take the identity of a forked child, once; do nothing in the parent."""
        if self._pid == os.getpid():
            return
        self._pid = pid = os.getpid()
        mine = dict(super().attributes)
        if _INSTANCE in mine:
            mine[_INSTANCE] = f"{mine[_INSTANCE]}-{pid}" if self._named else str(uuid.uuid4())
        if _PID in mine:
            mine[_PID] = pid
        self._child, self._settling, self._own_hash = Resource(mine, self.schema_url), True, None

    def settle(self) -> None:
        """Allow merging again, after the fork handlers have run."""
        self._settling = False

    def merge(self, other: Resource) -> Resource:
        # The SDK's fork handlers run before ours and merge a random id into each provider's resource: ignore that.
        self.renew()
        return self if self._settling else super().merge(other)

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Resource)
            and dict(self.attributes) == dict(other.attributes)
            and self.schema_url == other.schema_url
        )

    def __hash__(self) -> int:
        # The SDK's hash serializes to JSON on each call, and exporters hash the resource of each item.
        if self._own_hash is None:
            self._own_hash = hash(self._child) if self._child is not None else super().__hash__()
        return self._own_hash

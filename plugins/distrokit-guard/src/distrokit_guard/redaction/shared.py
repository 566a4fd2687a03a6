"""Resources and instrumentation scopes, which all items share: each is redacted once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from distrokit_guard.redaction.redactor import Redactor

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

T = TypeVar("T")

#: The number of objects that are kept. A process has one resource, and a scope for each instrumented library.
_KNOWN = 1024


class SharedObjects:
    """Resources and scopes without secrets.

    Args:
        redactor: of their attributes and texts.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        # By identity: the object, so that no other one gets its identity, and its redacted form.
        self._known: dict[int, tuple[Any, Any]] = {}

    def resource(self, resource: Resource) -> Resource:
        """Return a resource without secrets; always the same object for the same object."""
        known = self._known.get(id(resource))
        return known[1] if known is not None and known[0] is resource else self._add(resource, self._redact_resource)

    def scope(self, scope: InstrumentationScope) -> InstrumentationScope:
        """Return a scope without secrets; always the same object for the same object."""
        known = self._known.get(id(scope))
        return known[1] if known is not None and known[0] is scope else self._add(scope, self._redact_scope)

    def _add(self, shared: T, redact: Callable[[T], T]) -> T:
        redacted = redact(shared)
        if len(self._known) >= _KNOWN:
            self._known.clear()
        # Of several threads, the first one decides, so that exporters find one resource and not two equal ones.
        kept: T = self._known.setdefault(id(shared), (shared, redacted))[1]
        return kept

    def _redact_resource(self, resource: Resource) -> Resource:
        attributes = self._redactor.attributes(resource.attributes)
        url = self._redactor.optional_text(resource.schema_url)
        if attributes is resource.attributes and url is resource.schema_url:
            return resource
        from opentelemetry.sdk.resources import Resource

        return Resource(attributes, url)

    def _redact_scope(self, scope: InstrumentationScope) -> InstrumentationScope:
        attributes = self._redactor.attributes(scope.attributes) if scope.attributes else scope.attributes
        texts = [scope.name, scope.version, scope.schema_url]
        redacted = [self._redactor.optional_text(text) for text in texts]
        if attributes is scope.attributes and all(new is old for new, old in zip(redacted, texts, strict=True)):
            return scope
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        name, version, url = redacted
        return InstrumentationScope(name or "", version, url, attributes)

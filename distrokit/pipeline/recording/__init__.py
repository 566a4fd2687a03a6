"""Records spans at less cost than the SDK's tracer, as the SDK's own spans.

- ``tracer``: starts spans; ``current_span``: makes one the current span of a ``with`` block or a decorated function.
- ``span``: the span. It does the usual itself, and leaves the rest to the SDK's methods, on the same data;
  ``parts``: what can be read of it.
- ``attributes``: those that need no conversion.
- ``layout``: the private names of the SDK that this needs, and the check that this release has them.

``DISTROKIT_TRACER=sdk`` uses the SDK's tracer instead.
"""

"""A plugin of its own: whose work a span is, where agents call agents. The distro lists it first."""

from __future__ import annotations

from typing import Any

from distrokit import BuildContext, Processor, hookimpl

MAIN = "azure_example.main_agent"


@hookimpl
def distrokit_processors() -> list[Processor]:
    """At ``enrich``, and so before every exporter; first among its like, since the distro lists this plugin first."""
    return [Processor("main-agent", "traces", "enrich", make)]


def make(context: BuildContext) -> Any:
    """The processor."""
    from opentelemetry import trace
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

    class MainAgent(SpanProcessor):
        """The first agent on the way down from the root is named on everything below it."""

        def on_start(self, span: Span, parent_context: Context | None = None) -> None:
            parent = trace.get_current_span(parent_context)
            above = (parent.attributes or {}) if isinstance(parent, ReadableSpan) else {}
            own = span.attributes or {}
            name = above.get(MAIN) or (own.get("gen_ai.agent.name") if _invokes(own) else None)
            if name:
                span.set_attribute(MAIN, str(name))

    return MainAgent()


def _invokes(attributes: Any) -> bool:
    return bool(attributes.get("gen_ai.operation.name") == "invoke_agent")

"""The program works with the SDK's provider: a processor of its own, and a flush before the end."""

from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider


class Printing(SpanProcessor):
    def on_end(self, span):
        print(span.name, span.instrumentation_scope.name)


provider = trace.get_tracer_provider()
print(isinstance(provider, TracerProvider))
provider.add_span_processor(Printing())
import sqlite3

sqlite3.connect(":memory:").cursor().execute("SELECT 42")
print(provider.force_flush())

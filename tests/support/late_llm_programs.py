"""More programs, as in :mod:`late_programs`: with SDKs that trace calls of language models."""

from __future__ import annotations

MLFLOW = """
from shop import SECRET, processors, serve
import mlflow
from mlflow.entities import SpanEvent
from mlflow.entities.trace_location import MlflowExperimentLocation
from opentelemetry import trace

provider = trace.get_tracer_provider()
# A second time, as applications do that choose an experiment later.
mlflow.tracing.set_destination(MlflowExperimentLocation(experiment_id="0"))
mlflow.tracing.set_destination(MlflowExperimentLocation(experiment_id="0"))


@mlflow.trace(name=f"answer {SECRET}", span_type="CHAIN")
def answer(question):
    with mlflow.start_span("search") as span:
        span.set_inputs({"q": SECRET})
        span.add_event(SpanEvent(SECRET, attributes={"card": SECRET}))
        span.set_outputs([SECRET])
    mlflow.update_current_trace(tags={"tier": "gold"})
    serve()
    return {"a": question}


answer(SECRET)
mlflow.flush_trace_async_logging()
provider.force_flush()
print(trace.get_tracer_provider() is provider, len(processors("MlflowV3SpanProcessor")))
"""

BRAINTRUST = """
from shop import SECRET, VENDOR, serve
from braintrust.otel import BraintrustSpanProcessor, add_parent_to_baggage
from opentelemetry import trace

seen = []


def keep(span):
    seen.append(f"{span.name} {dict(span.attributes)}")
    return True if span.name.startswith(("order", "chat", "before")) else None


trace.get_tracer_provider().add_span_processor(
    BraintrustSpanProcessor(
        api_key="key", parent="project_name:shop", api_url=VENDOR, filter_ai_spans=True, custom_filter=keep
    )
)
serve()
add_parent_to_baggage("project_name:other")
with trace.get_tracer("shop").start_as_current_span("gen_ai.summary", attributes={"card": SECRET}):
    pass
trace.get_tracer_provider().force_flush()
print(len(seen) > 0, any(SECRET in text for text in seen))
"""

TRACELOOP = """
from shop import SECRET, VENDOR, serve
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import task, workflow
from traceloop.sdk.tracing.tracing import TracerWrapper


def post_process(span):
    if "gen_ai.prompt" in (span.attributes or {}):
        span._attributes["reviewed"] = "yes"


Traceloop.init(
    app_name="shop", api_endpoint=VENDOR, api_key="key", telemetry_enabled=False, instruments=set(),
    span_postprocess_callback=post_process,
)


@task(name="search")
def search(question):
    return [question]


@workflow(name="checkout")
def checkout(question):
    Traceloop.set_association_properties({"user": "u1"})
    search(question)
    serve()
    return question


checkout(SECRET)
TracerWrapper.instance.flush()
"""

OPIK = """
from shop import SECRET, VENDOR, serve
import opik
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opik.integrations.otel import OpikSpanProcessor

provider = trace.get_tracer_provider()
provider.add_span_processor(OpikSpanProcessor())
exporter = OTLPSpanExporter(endpoint=f"{VENDOR}/api/v1/private/otel/v1/traces", headers={"projectName": "shop"})
provider.add_span_processor(BatchSpanProcessor(exporter))


@opik.track(name="checkout", capture_input=False, capture_output=False)
def checkout(question):
    serve()


checkout(SECRET)
provider.force_flush()
opik.flush_tracker()
"""

LANGSMITH = """
from shop import SECRET, VENDOR, serve
from langsmith import traceable
from langsmith.integrations.otel.processor import OtelSpanProcessor
from langsmith.run_trees import get_cached_client
from opentelemetry import trace

processor = OtelSpanProcessor(api_key="key", project="shop", url=VENDOR)
processor.set_metadata({"thread_id": "t1"})
trace.get_tracer_provider().add_span_processor(processor)


@traceable(name=f"answer {SECRET}", metadata={"card": SECRET})
def answer(question):
    return [question]


answer(SECRET)
serve()
get_cached_client().flush()
trace.get_tracer_provider().force_flush()
"""

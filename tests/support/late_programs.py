"""Programs with SDKs of other vendors, as their documentation starts them beside an existing OpenTelemetry set-up.

They are run under the launcher, with a module ``shop``. Features that do not go through OpenTelemetry's providers are
switched off where an SDK has a setting for that; otherwise they get no secret.
"""

from __future__ import annotations

from late_plugins import REMOVED, SECRET

#: The module ``shop`` of each program. Its first lines refuse any other host than this one.
SHOP = f"""
import logging, os, socket, sys

_look_up = socket.getaddrinfo


def _only_loopback(host, *arguments, **named):
    if host not in (None, "", "127.0.0.1", "localhost"):
        print("asked for the host", host, file=sys.stderr)
        raise socket.gaierror(socket.EAI_NONAME, str(host))
    return _look_up(host, *arguments, **named)


socket.getaddrinfo = _only_loopback
# Nothing is printed of the log records.
logging.getLogger("shop").addHandler(logging.NullHandler())

from opentelemetry import _logs, trace

SECRET, VENDOR = {SECRET!r}, os.environ["VENDOR_URL"]


def serve():
    tracer = trace.get_tracer("shop")
    with tracer.start_as_current_span("before") as before:
        pass
    link = trace.Link(before.get_span_context(), {{"link": SECRET}})
    attributes = {{"card": SECRET, "cards": ["none", SECRET], "nested": {{"of": [{{"card": SECRET}}]}}, "size": 3}}
    with tracer.start_as_current_span(f"order {{SECRET}}", attributes=attributes, links=[link]) as span:
        span.add_event(f"paid {{SECRET}}", {{"card": SECRET}})
        try:
            raise ValueError(SECRET)
        except ValueError as error:
            span.record_exception(error, {{"card": SECRET}})
            span.set_status(trace.Status(trace.StatusCode.ERROR, SECRET))
        logging.getLogger("shop").warning("card %s", SECRET, extra={{"card": SECRET}})
        _logs.get_logger("shop").emit(body={{"cards": [SECRET]}}, attributes={{"card": SECRET}})
        with tracer.start_as_current_span("chat", attributes={{"gen_ai.prompt": SECRET}}) as chat:
            chat.update_name(f"chat {{SECRET}}")
            chat.set_attribute("gen_ai.completion", SECRET)
        with tracer.start_as_current_span("drop me", attributes={{"card": SECRET}}):
            pass


def processors(kind):
    active = trace.get_tracer_provider()._active_span_processor
    return [one for one in active._span_processors if type(one).__name__ == kind]
"""

#: The spans of ``serve``, as they leave.
SERVED = ("before", f"order {REMOVED}", f"chat {REMOVED}")

SENTRY_OTLP = """
from shop import SECRET, VENDOR, serve
import sentry_sdk
from opentelemetry import _logs, propagate, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.otlp import OTLPIntegration

sentry_sdk.init(
    dsn=VENDOR.replace("http://", "http://key@") + "/1",
    integrations=[OTLPIntegration()],
    disabled_integrations=[LoggingIntegration()],
    auto_session_tracking=False,
    send_client_reports=False,
)
# As Sentry's page about OTLP has it for logs.
exporter = OTLPLogExporter(
    endpoint=f"{VENDOR}/api/1/integration/otlp/v1/logs/", headers={"x-sentry-auth": "sentry sentry_key=key"}
)
_logs.get_logger_provider().add_log_record_processor(BatchLogRecordProcessor(exporter))

serve()
with trace.get_tracer("shop").start_as_current_span("outgoing") as span:
    sentry_sdk.capture_message("sold out")
    carrier = {}
    propagate.inject(carrier)
    print(carrier["sentry-trace"] == f"{span.get_span_context().trace_id:032x}-{span.get_span_context().span_id:016x}-1")
trace.get_tracer_provider().force_flush()
_logs.get_logger_provider().force_flush()
sentry_sdk.flush()
"""

SENTRY_TRANSACTIONS = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
from shop import SECRET, VENDOR, processors, serve
import sentry_sdk
from opentelemetry import trace
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.opentelemetry import SentrySpanProcessor

sentry_sdk.init(
    dsn=VENDOR.replace("http://", "http://key@") + "/1",
    instrumenter="otel",
    traces_sample_rate=1.0,
    disabled_integrations=[LoggingIntegration()],
    auto_session_tracking=False,
    send_client_reports=False,
)
trace.get_tracer_provider().add_span_processor(SentrySpanProcessor())

serve()
(processor,) = processors("SentrySpanProcessor")
print(len(processor.otel_span_map))
sentry_sdk.flush()
"""

LANGFUSE = """
from shop import SECRET, VENDOR, processors, serve
from langfuse import Langfuse, propagate_attributes

langfuse = Langfuse(public_key="pk", secret_key="sk", base_url=VENDOR)
with propagate_attributes(trace_name="checkout", user_id="u1", session_id="s1"):
    with langfuse.start_as_current_observation(
        name=f"answer {SECRET}", as_type="generation", input={"q": SECRET}, model="m1"
    ) as observation:
        serve()
        observation.update(output=SECRET, metadata={"card": SECRET})
langfuse.flush()
(processor,) = processors("LangfuseSpanProcessor")
print(len(processor._span_export_expectation_by_id))
"""

LANGFUSE_AND_SENTRY = """
from shop import SECRET, VENDOR, serve
import sentry_sdk
from langfuse import Langfuse
from opentelemetry import trace
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.otlp import OTLPIntegration

sentry_sdk.init(
    dsn=VENDOR.replace("http://", "http://key@") + "/1",
    integrations=[OTLPIntegration()],
    disabled_integrations=[LoggingIntegration()],
    auto_session_tracking=False,
    send_client_reports=False,
)
langfuse = Langfuse(public_key="pk", secret_key="sk", base_url=VENDOR)
with langfuse.start_as_current_observation(name=f"answer {SECRET}", as_type="generation", input=SECRET) as observation:
    serve()
    observation.update(output=SECRET)
langfuse.flush()
"""

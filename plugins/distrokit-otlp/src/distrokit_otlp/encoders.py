"""The encoders and the generated code of OTLP; imported by the first export, in its thread, since protobuf is large."""

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

#: By signal: the encoder, the class of requests, the class of responses.
ENCODERS = {
    "traces": (encode_spans, ExportTraceServiceRequest, ExportTraceServiceResponse),
    "metrics": (encode_metrics, ExportMetricsServiceRequest, ExportMetricsServiceResponse),
    "logs": (encode_logs, ExportLogsServiceRequest, ExportLogsServiceResponse),
}

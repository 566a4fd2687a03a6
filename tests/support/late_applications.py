"""The programs of :mod:`late_programs`, with the packages and settings that each needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from late_llm_programs import BRAINTRUST, LANGSMITH, MLFLOW, OPIK, TRACELOOP
from late_plugins import REMOVED
from late_programs import LANGFUSE, LANGFUSE_AND_SENTRY, SENTRY_OTLP, SENTRY_TRANSACTIONS


def _nothing(url: str) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Application:
    """A program and the packages that it needs beside distrokit.

    Attributes:
        packages: with exact versions.
        environ: returns settings of the SDK; takes the address of the vendor's receiver.
        own: the names of the spans that the program records beside those of ``serve``, as they leave.
    """

    program: str
    packages: tuple[str, ...]
    environ: Callable[[str], Mapping[str, str]] = _nothing
    own: tuple[str, ...] = ()


_SENTRY, _LANGFUSE = "sentry-sdk==2.75.0", "langfuse==5.0.4"

APPLICATIONS: Mapping[str, Application] = {
    "sentry-otlp": Application(SENTRY_OTLP, (_SENTRY,), own=("outgoing",)),
    "sentry-transactions": Application(SENTRY_TRANSACTIONS, (_SENTRY,)),
    "langfuse": Application(LANGFUSE, (_LANGFUSE,), own=(f"answer {REMOVED}",)),
    "mlflow": Application(
        MLFLOW,
        ("mlflow-tracing==3.17.2",),
        lambda url: {
            "MLFLOW_USE_DEFAULT_TRACER_PROVIDER": "false",
            "MLFLOW_TRACKING_URI": url,
            # It would send to the endpoint of distrokit's traces, a second time.
            "MLFLOW_ENABLE_OTLP_EXPORTER": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        },
        (f"answer {REMOVED}", "search"),
    ),
    "braintrust": Application(BRAINTRUST, ("braintrust[otel]==0.48.1",), own=("gen_ai.summary",)),
    "traceloop": Application(
        TRACELOOP,
        # It does not declare httpx, which it imports.
        ("traceloop-sdk==0.62.4", "httpx==0.28.1"),
        # It instruments threads itself.
        lambda url: {"TRACELOOP_METRICS_ENABLED": "false", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "threading"},
        ("checkout.workflow", "search.task"),
    ),
    "opik": Application(
        OPIK,
        ("opik==2.2.122",),
        lambda url: {
            "OPIK_URL_OVERRIDE": f"{url}/api",
            "OPIK_PROJECT_NAME": "shop",
            "OPIK_ANALYTICS_ENABLE": "false",
            "OPIK_SENTRY_ENABLE": "false",
            "OPIK_ENABLE_LITELLM_MODELS_MONITORING": "false",
            "HF_HUB_OFFLINE": "1",
        },
    ),
    "langsmith": Application(
        LANGSMITH,
        ("langsmith[otel]==0.15.1",),
        lambda url: {
            "LANGSMITH_ENDPOINT": url,
            "LANGSMITH_API_KEY": "key",
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_TRACING_MODE": "otel",
        },
        (f"answer {REMOVED}",),
    ),
    "langfuse-and-sentry": Application(LANGFUSE_AND_SENTRY, (_LANGFUSE, _SENTRY), own=(f"answer {REMOVED}",)),
}

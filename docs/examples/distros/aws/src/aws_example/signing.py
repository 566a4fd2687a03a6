"""Which requests are signed, and what keeps them from it."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from aws_example import settings
from distrokit import ExporterOptions, Plan, Problem, Settings

#: Whose signature it is, by signal.
SERVICES = {"traces": "xray", "metrics": "monitoring", "logs": "logs"}
#: The most that this service takes at once, in bytes; distrokit's exporter splits what is larger.
LARGEST_LOGS = 1024 * 1024


def wanted(given: Settings, endpoint: str) -> bool:
    """True if requests to this endpoint are signed."""
    host = urlsplit(endpoint).hostname or ""
    patterns = given.names(settings.SIGNED) or ("*.amazonaws.com",)
    return any(fnmatchcase(host, pattern.lower()) for pattern in patterns)


def sign(options: ExporterOptions) -> None:
    """Have the exporter's requests signed; what cannot be is said in the plan."""
    given = options.settings
    key = given.get(settings.KEY)
    if key and options.arguments.get("protocol") == "http/protobuf" and wanted(given, options.endpoint):
        from aws_example.signature import Signature

        scope = f"{given.get(settings.REGION, 'us-east-1')}/{SERVICES[options.signal]}"
        options.credentials = Signature(given.get(settings.KEY_ID), key, scope)
        if options.signal == "logs":
            options.arguments["max_request_size"] = LARGEST_LOGS


def problems(plan: Plan) -> Iterator[Problem]:
    """Yield a problem for each exporter whose requests cannot be signed."""
    for signal, planned in plan.signals.items():
        for item in planned.exporters:
            arguments = item.exporter.arguments
            endpoint, protocol = str(arguments.get("endpoint", "")), arguments.get("protocol")
            if item.exporter.declaration.name != "otlp" or not wanted(plan.settings, endpoint):
                continue
            cause, remedy = "", ""
            if protocol != "http/protobuf":
                cause, remedy = f"requests over {protocol} cannot be signed", "Unset OTEL_EXPORTER_OTLP_PROTOCOL."
            elif not plan.settings.get(settings.KEY):
                cause, remedy = f"{settings.KEY} is not set", f"Set {settings.KEY_ID} and {settings.KEY}."
            if cause:
                yield Problem(
                    code="aws-unsigned",
                    subject=f"{signal} to {endpoint}",
                    cause=cause,
                    outcome="they are sent without a signature, and will be refused",
                    remedy=remedy,
                    severity="warning",
                )

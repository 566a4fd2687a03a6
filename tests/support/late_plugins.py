"""Plugin files for processes with late processors: a redactor, and a filter."""

from __future__ import annotations

#: Stands in everything that an application may record.
SECRET = "4012-8888-hunter2"
REMOVED = "[removed]"

#: A plugin file. It also drops the spans that are named for it.
REDACTOR = f"""
from collections.abc import Mapping
from dataclasses import replace

from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event
from opentelemetry.trace import Link, Status

from distrokit import Processor, hookimpl, replace_span


def clean(value):
    if isinstance(value, str):
        return value.replace({SECRET!r}, {REMOVED!r})
    if isinstance(value, Mapping):
        return {{clean(key): clean(item) for key, item in value.items()}}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    return value


def clean_resource(resource):
    return Resource(clean(resource.attributes), resource.schema_url)


def redact_spans(context):
    def redact(span):
        if span.name == "drop me":
            return None
        return replace_span(
            span,
            name=clean(span.name),
            attributes=clean(span.attributes or {{}}),
            events=[Event(clean(event.name), clean(event.attributes), event.timestamp) for event in span.events],
            links=[Link(link.context, clean(link.attributes)) for link in span.links],
            status=Status(span.status.status_code, clean(span.status.description)),
            resource=clean_resource(span.resource),
        )

    return redact


def redact_log_records(context):
    def redact(record):
        record.log_record.body = clean(record.log_record.body)
        record.log_record.attributes = clean(record.log_record.attributes)
        record.resource = clean_resource(record.resource)
        return record

    return redact


def redact_metrics(context):
    def redact_points(metric):
        points = [replace(point, attributes=clean(point.attributes)) for point in metric.data.data_points]
        return replace(metric, data=replace(metric.data, data_points=points))

    def redact_group(group):
        scopes = [
            replace(scope, metrics=[redact_points(metric) for metric in scope.metrics]) for scope in group.scope_metrics
        ]
        return replace(group, resource=clean_resource(group.resource), scope_metrics=scopes)

    return lambda data: MetricsData([redact_group(group) for group in data.resource_metrics])


@hookimpl
def distrokit_processors():
    return [
        Processor("redactor", "traces", "transform", redact_spans),
        Processor("redactor", "logs", "transform", redact_log_records),
        Processor("redactor", "metrics", "transform", redact_metrics),
    ]
"""

#: Another plugin file: its transform raises on each span that has not ended.
BY_DURATION = """
from distrokit import Processor, hookimpl


@hookimpl
def distrokit_processors():
    return [
        Processor(
            "by-duration", "traces", "transform", lambda _: lambda span: span if span.end_time > span.start_time else None
        )
    ]
"""

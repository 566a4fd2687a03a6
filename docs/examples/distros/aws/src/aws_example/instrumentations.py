"""Which instrumentations are applied, and with what; the user's own word is stronger."""

from __future__ import annotations

from typing import Any

from aws_example import settings
from distrokit import Settings

#: A native one, and the third-party one for the same library: both at once would make two spans of each call.
RIVALS = (
    ("aws_crewai", "crewai"),
    ("aws_langchain", "langchain"),
    ("aws_openai_agents", "openai_agents"),
)
#: What talks to the daemon is not what the application does. Our own requests need no such thing: they are suppressed.
_POLLING = "GetSamplingRules,SamplingTargets"
_CLIENTS = ("requests", "urllib", "urllib3")


def choose(plans: dict[str, Any], given: Settings) -> None:
    """Amend the plan's instrumentations."""
    for native, other in RIVALS:
        off, on = (other, native) if given.flag(settings.NATIVE) else (native, other)
        if on in plans and plans[on].enabled:
            _turn_off(plans, off, f"{on} is for the same library; {settings.NATIVE} decides")
    if not given.get("DJANGO_SETTINGS_MODULE"):
        _turn_off(plans, "django", "DJANGO_SETTINGS_MODULE is not set")
    for client in _CLIENTS:
        if client in plans and not _excluded(client, given):
            plans[client].options.setdefault("excluded_urls", _POLLING)
    if "botocore" in plans:
        plans["botocore"].options.setdefault("request_hook", name_the_resource)


def _excluded(client: str, given: Settings) -> bool:
    """True if the user has set what is excluded; the keyword would override that."""
    return any(map(given.get, (f"OTEL_PYTHON_{client.upper()}_EXCLUDED_URLS", "OTEL_PYTHON_EXCLUDED_URLS")))


def _turn_off(plans: dict[str, Any], name: str, why: str) -> None:
    if name in plans and plans[name].enabled and not plans[name].source.chosen:
        plans[name].enabled, plans[name].why = False, why


def name_the_resource(span: Any, service: str, operation: str, parameters: dict[str, Any]) -> None:
    """For botocore: what a call is about."""
    for parameter in ("Bucket", "QueueUrl", "TableName", "FunctionName", "TopicArn"):
        if parameter in parameters and span.is_recording():
            span.set_attribute("aws_example.remote.resource", str(parameters[parameter]))

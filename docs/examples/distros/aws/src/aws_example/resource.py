"""Where the process runs."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from functools import partial

from aws_example import settings
from distrokit import ResourceDetector, Settings


def resource(given: Settings) -> Mapping[str, str] | list[ResourceDetector] | None:
    """On Lambda what the environment says, and nobody is asked; on ECS a detector."""
    function, region = given.get(settings.LAMBDA), given.get(settings.REGION)
    if function:
        return {"cloud.provider": "aws", "cloud.platform": "aws_lambda", "cloud.region": region, "faas.name": function}
    uri = given.get("ECS_CONTAINER_METADATA_URI_V4")
    return [ResourceDetector("aws_example_ecs", partial(ecs, uri))] if uri else None


def ecs(uri: str) -> Mapping[str, str]:
    """Asked in a thread, against ``DISTROKIT_DETECTOR_TIMEOUT``; if it fails, the process starts without it."""
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    with suppress_instrumentation(), urllib.request.urlopen(uri, timeout=1) as answer:  # noqa: S310  (the platform's)
        found = json.load(answer)
    return {
        "cloud.provider": "aws",
        "cloud.platform": "aws_ecs",
        "container.id": found["DockerId"],
        "container.name": found["Name"],
    }

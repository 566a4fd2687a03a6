"""Which cloud this may be: asked of the environment, so that no detector waits for a network where there is none of it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any

from distrokit import EntryPoints, ResourceDetector, Settings

_GROUP = "opentelemetry_resource_detector"

#: A variable that only one kind of place has, and the detectors that are worth running there. The first one counts.
_SIGNS = (
    ("AWS_LAMBDA_FUNCTION_NAME", ("aws_lambda",)),
    ("FUNCTIONS_WORKER_RUNTIME", ("azure_functions",)),
    ("K_CONFIGURATION", ("_gcp",)),
    ("KUBERNETES_SERVICE_HOST", ("_gcp", "aws_eks")),
)
#: Where nothing is known.
_MACHINES = ("_gcp", "aws_ec2", "aws_ecs", "aws_elastic_beanstalk", "azure_app_service", "azure_vm")


def likely(settings: Settings) -> tuple[str, ...]:
    """The detectors that may find something here."""
    return next((names for sign, names in _SIGNS if settings.get(sign)), _MACHINES)


def detectors(settings: Settings, entry_points: EntryPoints) -> list[ResourceDetector]:
    """Those of them that are installed; declared anew, they run without being named in a setting."""
    points = {point.name: point for point in entry_points.group(_GROUP)}
    return [
        ResourceDetector(name, _detect(points[name]), origin=points[name])
        for name in likely(settings)
        if name in points
    ]


def _detect(point: EntryPoint) -> Callable[[], dict[str, Any]]:
    return lambda: dict(point.load()().detect().attributes)

"""Another one: the Azure SDK makes spans by itself, if it is told to."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class AzureSDK:
    """Without ``azure-core`` there is nothing to do, and distrokit takes the missing module for that."""

    def instrument(self, **options: Any) -> None:
        """Tell it."""
        import_module("azure.core.settings").settings.tracing_implementation = "opentelemetry"

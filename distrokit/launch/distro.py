"""The two classes that OpenTelemetry's loader calls.

The loader (``opentelemetry.instrumentation.auto_instrumentation``) calls, in this order: the distro's
``configure()``, the configurator's ``configure()``, the distro's ``load_instrumentor()`` for each
instrumentation, and the functions under ``opentelemetry_post_instrument``.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]  # its file is untyped

from distrokit.launch.process import Process
from distrokit.launch.site.sitecustomize import hidden_by_upstream, run_users_own


class DistrokitDistro(BaseDistro):  # type: ignore[misc]  # see the import
    """Makes the plan and applies the instrumentations; delegates to another distro if that one is selected."""

    _ran_users_sitecustomize = False

    def _configure(self, **kwargs: Any) -> None:
        Process().configure(**kwargs)

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Apply the instrumentations of the plan, or delegate to the selected distro."""
        process = Process()
        if process.distro_selection().builds:
            # The loader calls in directory order; the first call applies all instrumentations, in plan order.
            process.instrument()
        elif process.other_distro is not None:
            process.other_distro.load_instrumentor(entry_point, **kwargs)
        else:
            super().load_instrumentor(entry_point, **kwargs)

    def run_users_sitecustomize(self) -> None:
        """Run the user's own ``sitecustomize``, which ``opentelemetry-instrument`` hides; SystemExit passes."""
        if not self._ran_users_sitecustomize and hidden_by_upstream() and Process().distro_selection().builds:
            run_users_own()
        self._ran_users_sitecustomize = True


class DistrokitConfigurator:
    """Builds what the distro planned.

    A plain class: the loader needs nothing but ``configure()``, and the SDK's base classes are private.
    """

    def configure(self, auto_instrumentation_version: str | None = None, **kwargs: Any) -> None:
        """Start the pipeline, or call the configurator of the selected distro.

        Args:
            auto_instrumentation_version: becomes ``telemetry.auto.version``.
            kwargs: arguments of a later loader; passed to another configurator, else ignored.
        """
        process = Process()
        configurator = process.distro_selection().configurator
        if configurator is not None:
            configurator.load()().configure(auto_instrumentation_version=auto_instrumentation_version, **kwargs)
        else:
            process.run(auto_instrumentation_version)


def after_instrumentations() -> None:
    """Finish the start; the loader calls this last (``opentelemetry_post_instrument``)."""
    try:
        Process().finish()
    finally:
        DistrokitDistro().run_users_sitecustomize()

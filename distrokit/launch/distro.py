"""The two classes that OpenTelemetry's loader calls.

The loader (``opentelemetry.instrumentation.auto_instrumentation``) calls, in this order: the distro's
``configure()``, the configurator's ``configure()``, the distro's ``load_instrumentor()`` for each
instrumentation, and the functions under ``opentelemetry_post_instrument``. In a process that waits for the first use of
telemetry they do nothing, and import nothing.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]  # its file is untyped

from distrokit.launch.lookup import hide_from_loader
from distrokit.launch.site.sitecustomize import hidden_by_upstream, redirect_children, run_users_own
from distrokit.lazy.bootstrap import sleep_until_used
from distrokit.settings.environ import lend

if TYPE_CHECKING:
    from collections.abc import Callable

    from distrokit.launch.process import Process
    from distrokit.lazy.on_demand import OnDemand


class DistrokitDistro(BaseDistro):  # type: ignore[misc]  # see the import
    """Makes the plan and applies the instrumentations; delegates to another distro if that one is selected."""

    # One per process: BaseDistro is a singleton, which is how the configurator finds it again.
    _sleeping: OnDemand | None = None
    _undo: tuple[Callable[[], None], ...] = ()
    _ran_users_sitecustomize = False

    def _configure(self, **kwargs: Any) -> None:
        self._sleeping = sleep_until_used()
        if self._sleeping is None:
            _process().configure(**kwargs)
            return
        # The loader reads both next.
        self._undo = (hide_from_loader(), lend("OTEL_PYTHON_CONFIGURATOR", "distrokit"))

    @property
    def asleep(self) -> bool:
        """True in a process that waits for the first use of telemetry."""
        return self._sleeping is not None

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Apply the instrumentations of the plan, or delegate to the selected distro."""
        process = _process()
        if process.distro_selection().builds:
            # The loader calls in directory order; the first call applies all instrumentations, in plan order.
            process.instrument()
        elif process.other_distro is not None:
            process.other_distro.load_instrumentor(entry_point, **kwargs)
        else:
            super().load_instrumentor(entry_point, **kwargs)

    def finish(self) -> None:
        """Finish the start, then run the user's own ``sitecustomize``, which ``opentelemetry-instrument`` hides.

        SystemExit of that module passes.
        """
        try:
            if self.asleep:
                for undo in self._undo:
                    undo()
            else:
                _process().finish()
        finally:
            if not self._ran_users_sitecustomize and hidden_by_upstream() and self._builds():
                redirect_children()
                run_users_own()
            self._ran_users_sitecustomize = True

    def _builds(self) -> bool:
        # A process with another vendor's distro does not wait.
        return self.asleep or _process().distro_selection().builds


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
        if DistrokitDistro().asleep:
            return
        process = _process()
        configurator = process.distro_selection().configurator
        if configurator is not None:
            configurator.load()().configure(auto_instrumentation_version=auto_instrumentation_version, **kwargs)
        else:
            process.run(auto_instrumentation_version)


def after_instrumentations() -> None:
    """Finish the start; the loader calls this last (``opentelemetry_post_instrument``)."""
    DistrokitDistro().finish()


def _process() -> Process:
    # Imported when it is needed: it imports the planner.
    from distrokit.launch.process import Process

    return Process()

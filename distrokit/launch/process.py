"""The start of distrokit in this process, by OpenTelemetry's loader, by ``distrokit run``, or by code."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from distrokit import instrumentation
from distrokit.diagnostics import Problem, StrictError
from distrokit.launch.assembly import Assembly, channel_for, plan_for, start_failed
from distrokit.launch.children import without_launchers
from distrokit.launch.distro_selection import (
    CONFIGURATOR,
    NAME,
    DistroSelection,
    configure_other,
    load_instrumentor_of,
    select_distro,
)
from distrokit.launch.ending import end_process
from distrokit.launch.exiting import is_exiting, without_threads
from distrokit.launch.inspection import answer_doctor, print_report, wants_report
from distrokit.launch.startup import finish_start, make_pipeline, start_pipeline
from distrokit.launch.upstream_entry_points import answer_loader, answer_lookups, given_entry_points
from distrokit.lazy.eager_reasons import has_foreign_plugins
from distrokit.lazy.on_demand import OnDemand
from distrokit.plan.instrumentation_planning import DISABLED
from distrokit.plugins.entry_points import EntryPoints
from distrokit.settings.environ import import_propagate, lend
from distrokit.settings.frozen_programs import bundle_of
from distrokit.settings.layers import Settings

if TYPE_CHECKING:
    from distrokit.pipeline.pipeline import Pipeline
    from distrokit.plugins.distros import Distro


class Process:
    """The state of the start; one per process."""

    _instance: Process | None = None

    def __new__(cls) -> Process:  # noqa: PYI034  (Self is in typing from Python 3.11 on)
        """Return the one of this process."""
        # Looked for in the class itself: tests take it away.
        instance = vars(cls).get("_instance")
        if not isinstance(instance, cls):
            instance = cls._instance = super().__new__(cls)
        return instance

    _on_demand: OnDemand | None = None
    _installed: EntryPoints | None = None
    _assembly: Assembly | None = None
    _other_distro: Any = None
    _distro_selection: DistroSelection | None = None
    _configured = _started = _started_late = _instrumented = _finished = False
    _lent: tuple[Callable[[], None], ...] = ()
    _failures: tuple[Problem, ...] = ()

    @property
    def on_demand(self) -> OnDemand:
        """Return what applies instrumentations when their libraries are imported."""
        if self._on_demand is None:
            self._on_demand = OnDemand(failed=self._report_failure)
        return self._on_demand

    def settings(self) -> Settings:
        """Read the environment as it was when the process started."""
        return Settings.from_environ(self._environ())

    def distro_selection(self) -> DistroSelection:
        """Return the distro selection, which is made once."""
        if self._distro_selection is None:
            settings = self.settings()
            self._distro_selection = select_distro(settings, self._entry_points())
            if not self._distro_selection.builds:
                # Printed here, since no plan will be made that would report them.
                channel_for(settings).problems(self._distro_selection.problems)
        return self._distro_selection

    def assembly(self) -> Assembly:
        """Return the assembly with the plan, which is made once."""
        if self._assembly is None:
            directory = self._on_demand.directory if self._on_demand else None
            self._assembly = plan_for(self._environ(), installed=self._entry_points(), directory=directory)
            self._assembly.plan.problems.extend((*self.distro_selection().problems, *self._failures))
        return self._assembly

    @property
    def pipeline(self) -> Pipeline | None:
        """Return the pipeline that runs or is being built; ``None`` before."""
        return self._assembly.pipeline if self._assembly else None

    @property
    def other_distro(self) -> Any:
        """Return the distro of another vendor that takes part in this process; ``None`` if none does."""
        return self._other_distro

    # ------------------------------------------------------------------------- on demand

    def wake(self, on_demand: OnDemand) -> None:
        """Start telemetry at its first use, as OpenTelemetry's loader would at the start of the process."""
        self._on_demand = on_demand
        self._configured = self._started_late = True
        installed = on_demand.installed
        foreign = installed is None or has_foreign_plugins(on_demand.environ, installed)
        with (
            # As OpenTelemetry does: a Python that a plugin runs must not start distrokit again, and so on without end.
            # But another thread of the application may start a child meanwhile, so not without such plugins.
            without_launchers() if foreign else nullcontext(),
            without_threads() if is_exiting() else nullcontext(),
        ):
            # Before OpenTelemetry looks for any.
            self._entry_points()
            import_propagate()
            from opentelemetry.instrumentation.version import __version__

            self.run(__version__)
            self.finish()

    # -------------------------------------------------------------- OpenTelemetry's loader

    def configure(self, **kwargs: Any) -> None:
        """Prepare the start, for OpenTelemetry's loader; configure another distro that is selected."""
        self._configured = True
        answer_doctor(self.settings())
        distro_selection = self.distro_selection()
        if distro_selection.builds:
            answer_loader(self._entry_points(), self._add_problem, self.instrument)
            self._other_distro, self._failures = configure_other(distro_selection, **kwargs)
            # The plan reads what the other distro has written into the environment.
            self._find_bundle(self.assembly().plan.problems)
            # The loader reads this next; the configurator must be distrokit's, too.
            self._lend(CONFIGURATOR, NAME)
        elif distro_selection.distro is not None:
            self._other_distro = distro_selection.distro.load()()
            self._other_distro.configure(**kwargs)

    def run(self, auto_instrumentation_version: str | None = None) -> None:
        """Build the plan and run it, for the configurator."""
        self._give_back()
        if self._started:
            return
        self._started = True
        extra = {"telemetry.auto.version": auto_instrumentation_version} if auto_instrumentation_version else {}
        if not self._configured:
            answer_loader(self._entry_points(), self._add_problem, self.instrument)
        try:
            start_pipeline(self.assembly(), extra, self._on_demand)
            if not self._configured:
                # The loader took another distro, which would now apply the instrumentations. distrokit has to, so it
                # applies them here and makes the loader apply none.
                self.instrument()
                self._lend(DISABLED, "*")
        except StrictError as error:
            self._print_report()
            end_process(error, started=self._started_late)

    def instrument(self) -> None:
        """Apply the instrumentations of the plan, once: now, or when their libraries are imported."""
        if not self._instrumented:
            self._instrumented = True
            plan = self.assembly().plan
            try:
                report = self.pipeline.report if self.pipeline else None
                load = load_instrumentor_of(self.distro_selection(), self._other_distro)
                say = partial(self.assembly().channel.say, logging.DEBUG)
                applier = instrumentation.Applier(plan, self.on_demand.hook, report, load, say)
                self.on_demand.stop_watching()
                applier.apply_all()
                self.on_demand.apply = partial(self._apply_triggered, applier)
            except Exception as error:
                plan.problems.append(start_failed(error))

    def _apply_triggered(self, applier: instrumentation.Applier, modules: list[str]) -> None:
        # The last export may be the first to import its transport; that is too late for instrumentations.
        if self.pipeline is None or not self.pipeline.stopped:
            applier.apply_triggered(modules)

    def finish(self) -> None:
        """Finish the start, after the last instrumentation: restore the environment, report new problems."""
        if self._finished:
            # With a second copy of distrokit on the path the loader calls twice.
            return
        self._finished = True
        self._give_back()
        answer_lookups(self._entry_points())
        answer_doctor(self.settings())
        # Its problems are printed, also if the loader has called another distro and configurator.
        self.distro_selection()
        if self._assembly is not None:
            try:
                self.instrument()
                finish_start(self._assembly)
            except StrictError as error:
                self._print_report()
                end_process(error, started=self._started_late)
        self._print_report()

    # ------------------------------------------------------------------------------- code

    def start_in_code(
        self,
        settings: Mapping[str, str] | None,
        plugins: Mapping[str, object] | None,
        *,
        instrument: bool,
        distro: Distro | None = None,
    ) -> Pipeline:
        """Plan, build, instrument, for :func:`distrokit.start`.

        Raises: :class:`StrictError`.
        """
        distro_selection = self.distro_selection()
        if not distro_selection.builds or self._started:
            # Another distro configures this process, or a plugin called start() during the start.
            aside = plan_for({"OTEL_SDK_DISABLED": "true"}, installed=EntryPoints(), project=False)
            # Nothing that is said of an empty plan is of any use.
            aside.plan.problems[:] = [
                _start_refused("distrokit itself" if distro_selection.builds else distro_selection.name)
            ]
            aside.report()
            return make_pipeline(aside)
        self._started = True
        self._other_distro, self._failures = configure_other(distro_selection)
        self._assembly = assembly = plan_for(
            plugins=plugins, installed=self._entry_points(), settings=settings, distro=distro
        )
        assembly.plan.problems.extend(self._failures)
        pipeline = assembly.pipeline = start_pipeline(assembly) or make_pipeline(assembly)
        if instrument:
            self.instrument()
        try:
            finish_start(assembly)
        finally:
            self._print_report()
        return pipeline

    # ------------------------------------------------------------------------------ parts

    def _environ(self) -> Mapping[str, str] | None:
        return self._on_demand.environ if self._on_demand else None

    def _entry_points(self) -> EntryPoints:
        if self._installed is None:
            read = self._on_demand.installed if self._on_demand else None
            self._installed = EntryPoints.of_files(read) if read else given_entry_points() or EntryPoints.scan()
            answer_lookups(self._installed)
        return self._installed

    @staticmethod
    def _find_bundle(problems: list[Problem]) -> None:
        """Report that this process is about to become a bundle, which the launcher does not reach."""
        bundle = bundle_of(sys.orig_argv)
        if bundle and (problem := bundle.problem()):
            problems.append(problem)

    def _print_report(self) -> None:
        """Print the doctor's report, if ``DISTROKIT_DOCTOR`` is set."""
        settings = self._assembly.plan.settings if self._assembly else self.settings()
        if wants_report(settings):
            assembly = self._assembly or plan_for(installed=self._entry_points())
            print_report(assembly, self.distro_selection())

    def _report_failure(self, error: BaseException) -> None:
        if self.pipeline is not None:
            self.pipeline.report(start_failed(error))

    def _lend(self, name: str, value: str) -> None:
        self._lent = (*self._lent, lend(name, value))

    def _add_problem(self, problem: Problem) -> None:
        self.assembly().plan.problems.append(problem)

    def _give_back(self) -> None:
        for take_back in reversed(self._lent):
            take_back()
        self._lent = ()


def _start_refused(who: str) -> Problem:
    return Problem(
        code="start-refused",
        subject="distrokit.start",
        cause=f"{who} is configuring this process",
        outcome="nothing is started by this call",
        remedy="Leave one of the two out, or name the other with OTEL_PYTHON_DISTRO.",
        severity="warning",
    )

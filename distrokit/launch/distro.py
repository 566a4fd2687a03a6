"""The two classes that OpenTelemetry's loader calls.

The loader (``opentelemetry.instrumentation.auto_instrumentation``) calls, in this order: the distro's
``configure()``, the configurator's ``configure()``, the distro's ``load_instrumentor()`` for each
instrumentation, and the functions under ``opentelemetry_post_instrument``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]  # its file is untyped

from distrokit import instrumentation
from distrokit.diagnostics import Problem, StrictError, write
from distrokit.launch.assembly import Assembly, channel_for, plan_for, start_failed
from distrokit.launch.distro_selection import (
    CONFIGURATOR,
    NAME,
    DistroSelection,
    configure_other,
    load_instrumentor_of,
    select_distro,
)
from distrokit.launch.site.sitecustomize import hidden_by_upstream, run_users_own
from distrokit.launch.startup import finish_start, make_pipeline, start_pipeline
from distrokit.launch.upstream_entry_points import answer_loader, answer_lookups, given_entry_points
from distrokit.plan.instrumentation_planning import DISABLED
from distrokit.plugins.entry_points import EntryPoints
from distrokit.settings.environ import ASKED, lend
from distrokit.settings.frozen_programs import bundle_of
from distrokit.settings.layers import Settings

if TYPE_CHECKING:
    from distrokit.pipeline.pipeline import Pipeline
    from distrokit.plugins.distros import Distro


class DistrokitDistro(BaseDistro):  # type: ignore[misc]  # see the import
    """Makes the plan and applies the instrumentations; delegates to another distro if that one is selected."""

    # One per process: BaseDistro is a singleton, which is how the configurator finds it again.
    _installed: EntryPoints | None = None
    _assembly: Assembly | None = None
    _other_distro: Any = None
    _distro_selection: DistroSelection | None = None
    _configured = _started = _instrumented = _finished = _ran_users_sitecustomize = False
    _lent: tuple[Callable[[], None], ...] = ()
    _failures: tuple[Problem, ...] = ()

    def distro_selection(self) -> DistroSelection:
        """Return the distro selection, which is made once."""
        if self._distro_selection is None:
            settings = Settings.from_environ()
            self._distro_selection = select_distro(settings, self._entry_points())
            if not self._distro_selection.builds:
                # Printed here, since no plan will be made that would report them.
                channel_for(settings).problems(self._distro_selection.problems)
        return self._distro_selection

    def _entry_points(self) -> EntryPoints:
        if self._installed is None:
            self._installed = given_entry_points() or EntryPoints.scan()
            answer_lookups(self._installed)
        return self._installed

    def assembly(self) -> Assembly:
        """Return the assembly with the plan, which is made once."""
        if self._assembly is None:
            self._assembly = plan_for(installed=self._entry_points())
            self._assembly.plan.problems.extend((*self.distro_selection().problems, *self._failures))
        return self._assembly

    def _configure(self, **kwargs: Any) -> None:
        self._configured = True
        self._answer_doctor()
        distro_selection = self.distro_selection()
        if distro_selection.builds:
            answer_loader(self._entry_points(), self._add_problem, self._instrument)
            self._other_distro, self._failures = configure_other(distro_selection, **kwargs)
            # The plan reads what the other distro has written into the environment.
            self._find_bundle(self.assembly().plan.problems)
            # The loader reads this next; the configurator must be distrokit's, too.
            self._lend(CONFIGURATOR, NAME)
        elif distro_selection.distro is not None:
            self._other_distro = distro_selection.distro.load()()
            self._other_distro.configure(**kwargs)

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Apply the instrumentations of the plan, or delegate to the selected distro."""
        if self.distro_selection().builds:
            # The loader calls in directory order; the first call applies all instrumentations, in plan order.
            self._instrument()
        elif self._other_distro is not None:
            self._other_distro.load_instrumentor(entry_point, **kwargs)
        else:
            super().load_instrumentor(entry_point, **kwargs)

    @property
    def pipeline(self) -> Pipeline | None:
        """Return the pipeline that runs or is being built; ``None`` before."""
        return self._assembly.pipeline if self._assembly else None

    def run(self, auto_instrumentation_version: str | None = None) -> None:
        """Build the plan and run it, for the configurator."""
        self._give_back()
        if self._started:
            return
        self._started = True
        extra = {"telemetry.auto.version": auto_instrumentation_version} if auto_instrumentation_version else {}
        if not self._configured:
            answer_loader(self._entry_points(), self._add_problem, self._instrument)
        try:
            start_pipeline(self.assembly(), extra)
            if not self._configured:
                # The loader took another distro, which would now apply the instrumentations. distrokit has to, so it
                # applies them here and makes the loader apply none.
                self._instrument()
                self._lend(DISABLED, "*")
        except StrictError as error:
            self._print_report()
            _end(error)

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
            self._instrument()
        try:
            finish_start(assembly)
        finally:
            self._print_report()
        return pipeline

    @staticmethod
    def _find_bundle(problems: list[Problem]) -> None:
        """Report that this process is about to become a bundle, which the launcher does not reach."""
        bundle = bundle_of(sys.orig_argv)
        if bundle and (problem := bundle.problem()):
            problems.append(problem)

    def _answer_doctor(self) -> None:
        """Run the subcommand of ``distrokit doctor -- COMMAND``, if there is one, and end this process."""
        asked = Settings.from_environ().environ.get(ASKED, "")
        if asked:
            from distrokit.cli import main
            from distrokit.cli.target_process import answer

            answer(asked, main)

    def _print_report(self) -> None:
        """Print the doctor's report, if ``DISTROKIT_DOCTOR`` is set."""
        settings = self._assembly.plan.settings if self._assembly else Settings.from_environ()
        wanted = settings.get("DISTROKIT_DOCTOR").lower()
        if settings.flag("DISTROKIT_DOCTOR") or wanted == "offline":
            from distrokit.doctor.checks import examine

            assembly = self._assembly or plan_for(installed=self._entry_points())
            report = examine(assembly, self.distro_selection(), online=wanted != "offline")
            write("\n".join([f"distrokit doctor, process {os.getpid()}", *report.lines()]))

    def finish(self) -> None:
        """Finish the start, after the last instrumentation: restore the environment, report new problems."""
        if self._finished:
            # With a second copy of distrokit on the path the loader calls twice.
            return
        self._finished = True
        self._give_back()
        answer_lookups(self._entry_points())
        self._answer_doctor()
        if self._assembly is not None:
            try:
                self._instrument()
                finish_start(self._assembly)
            except StrictError as error:
                self._print_report()
                _end(error)
        self._print_report()

    def run_users_sitecustomize(self) -> None:
        """Run the user's own ``sitecustomize``, which ``opentelemetry-instrument`` hides; SystemExit passes."""
        if not self._ran_users_sitecustomize and hidden_by_upstream() and self.distro_selection().builds:
            run_users_own()
        self._ran_users_sitecustomize = True

    def _instrument(self) -> None:
        if not self._instrumented:
            self._instrumented = True
            plan = self.assembly().plan
            try:
                report = self.pipeline.report if self.pipeline else None
                instrumentation.apply_all(
                    plan, report, load_instrumentor_of(self.distro_selection(), self._other_distro)
                )
            except Exception as error:
                plan.problems.append(start_failed(error))

    def _lend(self, name: str, value: str) -> None:
        self._lent = (*self._lent, lend(name, value))

    def _add_problem(self, problem: Problem) -> None:
        self.assembly().plan.problems.append(problem)

    def _give_back(self) -> None:
        for take_back in reversed(self._lent):
            take_back()
        self._lent = ()


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
        distro = DistrokitDistro()
        distro_selection = distro.distro_selection()
        if distro_selection.configurator is not None:
            distro_selection.configurator.load()().configure(
                auto_instrumentation_version=auto_instrumentation_version, **kwargs
            )
        else:
            distro.run(auto_instrumentation_version)


def after_instrumentations() -> None:
    """Finish the start; the loader calls this last (``opentelemetry_post_instrument``)."""
    distro = DistrokitDistro()
    try:
        distro.finish()
    finally:
        distro.run_users_sitecustomize()


def _start_refused(who: str) -> Problem:
    return Problem(
        code="start-refused",
        subject="distrokit.start",
        cause=f"{who} is configuring this process",
        outcome="nothing is started by this call",
        remedy="Leave one of the two out, or name the other with OTEL_PYTHON_DISTRO.",
        severity="warning",
    )


def _end(error: StrictError) -> None:
    """End the process before the application starts, under ``DISTROKIT_STRICT=1``.

    An exit raised inside ``sitecustomize`` would print "Fatal Python error" and a traceback, so the process is ended at
    once there. If a program called the loader itself, the error is raised.
    """
    count = len(error.problems)
    write(
        f"distrokit: DISTROKIT_STRICT is set and there {'is 1 problem' if count == 1 else f'are {count} problems'}"
        "; the application is not started"
    )
    if not hasattr(sys.modules.get("__main__"), "__file__"):
        sys.stdout.flush()
        os._exit(int(error.code or 1))
    raise error

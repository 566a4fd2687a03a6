"""The two classes OpenTelemetry's loader calls. Nothing is decided here.

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
from distrokit.launch.distro_selection import (
    CONFIGURATOR,
    NAME,
    DistroSelection,
    configure_other,
    loading_of,
    select_distro,
)
from distrokit.launch.lookups import answer_loader, answer_lookups, answered
from distrokit.launch.site.sitecustomize import hidden_by_upstream, run_users_own
from distrokit.launch.startup import Assembly, channel, start_failed
from distrokit.plan.instrumentation_planning import DISABLED
from distrokit.plugins.entry_points import EntryPoints
from distrokit.settings.bundles import bundle_of
from distrokit.settings.environ import ASKED, lend
from distrokit.settings.layers import Settings

if TYPE_CHECKING:
    from distrokit.pipeline.pipeline import Pipeline
    from distrokit.plugins.distros import Distro


class DistrokitDistro(BaseDistro):  # type: ignore[misc]  # see the import
    """Makes the plan; hands each instrumentation to it; steps aside where another distro is in charge."""

    # One per process: BaseDistro is a singleton, which is how the configurator finds it again.
    _installed: EntryPoints | None = None
    _assembly: Assembly | None = None
    _rival: Any = None
    _distro_selection: DistroSelection | None = None
    _configured = _started = _instrumented = _finished = _gave_way = False
    _lent: tuple[Callable[[], None], ...] = ()
    _failures: tuple[Problem, ...] = ()

    def distro_selection(self) -> DistroSelection:
        """Who is in charge; asked once."""
        if self._distro_selection is None:
            settings = Settings.from_environ()
            self._distro_selection = select_distro(settings, self._scanned())
            if not self._distro_selection.builds:
                # No plan will be made, and so nothing else will say it.
                channel(settings).problems(self._distro_selection.problems)
        return self._distro_selection

    def _scanned(self) -> EntryPoints:
        if self._installed is None:
            self._installed = answered() or EntryPoints.scan()
            answer_lookups(self._installed)
        return self._installed

    def assembly(self) -> Assembly:
        """The plan, made once."""
        if self._assembly is None:
            self._assembly = Assembly(installed=self._scanned(), plan_when_disabled=True)
            self._assembly.plan.problems.extend((*self.distro_selection().problems, *self._failures))
        return self._assembly

    def _configure(self, **kwargs: Any) -> None:
        self._configured = True
        self._answer()
        distro_selection = self.distro_selection()
        if distro_selection.builds:
            answer_loader(self._scanned(), self._problem, self._instrument)
            self._rival, self._failures = configure_other(distro_selection, **kwargs)
            # What the other distro has put into the environment is read here.
            self._find_bundle(self.assembly().plan.problems)
            # The loader reads this next: the other half must be ours, too.
            self._lend(CONFIGURATOR, NAME)
        elif distro_selection.distro is not None:
            self._rival = distro_selection.distro.load()()
            self._rival.configure(**kwargs)

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Apply instrumentations as the plan, or the distro in charge, says."""
        if self.distro_selection().builds:
            # The loader hands them out in directory order; at its first word all are applied, in ours.
            self._instrument()
        elif self._rival is not None:
            self._rival.load_instrumentor(entry_point, **kwargs)
        else:
            super().load_instrumentor(entry_point, **kwargs)

    @property
    def pipeline(self) -> Pipeline | None:
        """What runs, or is being built; ``None`` until then."""
        return self._assembly.pipeline if self._assembly else None

    def run(self, auto_instrumentation_version: str | None = None) -> None:
        """Build the plan and run it, as the configurator's half."""
        self._give_back()
        if self._started:
            return
        self._started = True
        extra = {"telemetry.auto.version": auto_instrumentation_version} if auto_instrumentation_version else {}
        if not self._configured:
            answer_loader(self._scanned(), self._problem, self._instrument)
        try:
            self.assembly().start(extra)
            if not self._configured:
                # Another distro was loaded in our place and would now hand out the instrumentations.
                # They are ours, so they are applied here and the loader is told to apply none.
                self._instrument()
                self._lend(DISABLED, "*")
        except StrictError as error:
            self._examine()
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
            # Another distro configures this process; or a plugin called start() while distrokit was starting.
            aside = Assembly({"OTEL_SDK_DISABLED": "true"})
            aside.plan.problems.append(
                _not_now("distrokit itself" if distro_selection.builds else distro_selection.name)
            )
            aside.report()
            return aside.idle()
        self._started = True
        self._rival, self._failures = configure_other(distro_selection)
        self._assembly = assembly = Assembly(
            plugins=plugins, installed=self._scanned(), settings=settings, distro=distro, plan_when_disabled=True
        )
        assembly.plan.problems.extend(self._failures)
        pipeline = assembly.pipeline = assembly.start() or assembly.idle()
        if instrument:
            self._instrument()
        try:
            assembly.started()
        finally:
            self._examine()
        return pipeline

    @staticmethod
    def _find_bundle(problems: list[Problem]) -> None:
        """A launcher has come as far as here, and what this process is about to become leaves it behind."""
        bundle = bundle_of(sys.orig_argv)
        if bundle and (problem := bundle.problem()):
            problems.append(problem)

    def _answer(self) -> None:
        """``distrokit doctor -- COMMAND`` and its like ask in this process, and end it."""
        asked = Settings.from_environ().environ.get(ASKED, "")
        if asked:
            from distrokit.cli import main
            from distrokit.cli.target_process import answer

            answer(asked, main)

    def _examine(self) -> None:
        """``DISTROKIT_DOCTOR``: the report, where nobody can type a command."""
        settings = self._assembly.plan.settings if self._assembly else Settings.from_environ()
        wanted = settings.get("DISTROKIT_DOCTOR").lower()
        if settings.flag("DISTROKIT_DOCTOR") or wanted == "offline":
            from distrokit.doctor.report import examine

            assembly = self._assembly or Assembly(installed=self._scanned(), plan_when_disabled=True)
            report = examine(assembly, self.distro_selection(), online=wanted != "offline")
            write("\n".join([f"distrokit doctor, process {os.getpid()}", *report.lines()]))

    def finish(self) -> None:
        """After the last instrumentation: restore the environment, tell what went wrong meanwhile."""
        if self._finished:
            # A copy of distrokit further down the path has the loader call twice.
            return
        self._finished = True
        self._give_back()
        answer_lookups(self._scanned())
        self._answer()
        if self._assembly is not None:
            try:
                self._instrument()
                self._assembly.started()
            except StrictError as error:
                self._examine()
                _end(error)
        self._examine()

    def give_way(self) -> None:
        """Run the user's own ``sitecustomize``, which ``opentelemetry-instrument`` hides; its SystemExit passes."""
        if not self._gave_way and hidden_by_upstream() and self.distro_selection().builds:
            run_users_own()
        self._gave_way = True

    def _instrument(self) -> None:
        if not self._instrumented:
            self._instrumented = True
            plan = self.assembly().plan
            try:
                report = self.pipeline.report if self.pipeline else None
                instrumentation.apply_all(plan, report, loading_of(self.distro_selection(), self._rival))
            except Exception as error:
                plan.problems.append(start_failed(error))

    def _lend(self, name: str, value: str) -> None:
        self._lent = (*self._lent, lend(name, value))

    def _problem(self, problem: Problem) -> None:
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
        """Start the pipeline, or let the configurator of the distro in charge do its work.

        Args:
            auto_instrumentation_version: becomes ``telemetry.auto.version``.
            kwargs: whatever a later loader passes; handed on, else ignored.
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
    """For ``opentelemetry_post_instrument``: the loader is done."""
    distro = DistrokitDistro()
    try:
        distro.finish()
    finally:
        distro.give_way()


def _not_now(who: str) -> Problem:
    return Problem(
        code="start-refused",
        subject="distrokit.start",
        cause=f"{who} is configuring this process",
        outcome="nothing is started by this call",
        remedy="Leave one of the two out, or name the other with OTEL_PYTHON_DISTRO.",
        severity="warning",
    )


def _end(error: StrictError) -> None:
    """Under ``DISTROKIT_STRICT=1``: end before the application begins.

    Raised inside ``sitecustomize`` an exit would come with "Fatal Python error" and a traceback, so
    there the process is ended at once. Where a program called the loader itself, it is raised.
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

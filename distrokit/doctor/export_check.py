"""The export check: sends one real item through each exporter of the plan."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from opentelemetry.sdk.resources import Resource

from distrokit.declarations import Check, Exporter, ExporterOptions, Sent, Signal
from distrokit.diagnostics import contain, describe_exception, one_line
from distrokit.doctor.sample_items import item
from distrokit.launch.assembly import Assembly
from distrokit.pipeline.component_factory import ComponentFactory
from distrokit.pipeline.rate_limit import text_of
from distrokit.pipeline.resource import build_resource
from distrokit.pipeline.sdk_messages import capture_sdk_messages, listen_to_sdk
from distrokit.plan.plan import Component

#: Longest timeout of one export, in milliseconds: a person waits for the report.
LONGEST_EXPORT = 5_000
#: Seconds for all exporters together, which are tried at the same time.
PATIENCE = 15.0


def check_exports(assembly: Assembly, resource: Resource | None = None) -> Iterator[Check]:
    """Try every exporter of the plan; takes at most :data:`PATIENCE` seconds.

    Args:
        resource: the one that is built already; ``None`` builds it.
    """
    plan = assembly.plan
    listen_to_sdk(assembly.channel, explicit=False)
    wanted: list[tuple[Signal, Component[Exporter]]] = [
        (signal, i.exporter) for signal, planned in plan.signals.items() for i in planned.exporters
    ]
    hidden = dict.fromkeys(name for _, component in wanted for name in component.declaration.hides)
    known = len(plan.problems)
    # An exporter's own output on stdout must not mix with the report.
    with plan.settings.exposed({**plan.sdk_settings, **hidden}), contextlib.redirect_stdout(sys.stderr):
        components = ComponentFactory(plan, assembly.plugins, resource or build_resource(plan, {}))
        building = threading.Lock()
        trials = [_Trial(components, signal, component, building) for signal, component in wanted]
        deadline = time.monotonic() + PATIENCE
        for trial in trials:
            trial.thread.start()
        for trial in trials:
            trial.thread.join(max(0.0, deadline - time.monotonic()))
    for trial in trials:
        yield from trial.checks()
    for problem in plan.problems[known:]:
        yield Check(problem.code, "fail", f"{problem.subject}: {problem.cause}", problem.remedy)
    # They are findings of this check, not of the settings.
    del plan.problems[known:]


class _Trial:
    """One exporter, tried in a thread of its own."""

    def __init__(
        self, components: ComponentFactory, signal: Signal, component: Component[Exporter], building: threading.Lock
    ) -> None:
        self._components, self._component = components, component
        self._signal: Signal = signal
        self._building = building
        self._checks: list[Check] = []
        self._done = False
        self.thread = threading.Thread(target=self._try, name="distrokit-doctor", daemon=True)

    def checks(self) -> list[Check]:
        """Return the findings so far."""
        if self._done:
            return self._checks
        evidence = f"{self._name}: not finished after {PATIENCE:.0f} seconds"
        return [*self._checks, Check("export", "fail", evidence, "See the last check above.")]

    @property
    def _name(self) -> str:
        return f"{self._component.name} {self._signal}"

    def _try(self) -> None:
        try:
            self._checks.extend(self._check())
        except BaseException as error:
            contain(error)
            remedy = "Correct what the message names; `distrokit explain` shows where each value comes from."
            self._checks.append(Check("export", "fail", f"{self._name}: {describe_exception(error)}", remedy))
        self._done = True

    def _check(self) -> Iterator[Check]:
        declaration = self._component.declaration
        if declaration.name == "console":
            yield Check("export", "ok", f"{self._name}: printed by the process itself; nothing is tried here")
            return
        options = self._components.options(self._component, self._signal)
        options.timeout_millis = min(options.timeout_millis or LONGEST_EXPORT, LONGEST_EXPORT)
        if declaration.probe is not None:
            found = list(declaration.probe(options, self._send))
            yield from found
            if not any(check.verdict == "fail" for check in found):
                # The probe may have made an exporter in another way.
                with self._building:
                    declaration.factory(options).shutdown()
        else:
            yield self._export_one(declaration.factory, options)

    def _export_one(self, factory: Callable[[ExporterOptions], Any], options: ExporterOptions) -> Check:
        """Export one item; for an exporter without a probe of its own."""
        with self._building:
            # Threads that import two modules of one package at a time may deadlock.
            exporter = factory(options)
        if not hasattr(exporter, "export"):
            return Check("export", "ok", f"{self._name}: it is scraped; nothing is sent")
        sent = self._send(exporter)
        exporter.shutdown()
        where = f" to {options.endpoint}" if options.endpoint else ""
        if sent.ok:
            return Check("export", "ok", f"{self._name}: an item was sent{where} in {sent.seconds * 1000:.0f} ms")
        why = one_line(sent.messages[-1]) if sent.messages else "it does not say why"
        return Check("export", "fail", f"{self._name}: an item could not be sent{where}: {why}", "")

    def _send(self, exporter: Any) -> Sent:
        batch = item(self._signal, self._components.resource)
        begin = time.monotonic()
        messages: list[str] = []
        with capture_sdk_messages() as records:
            try:
                ok = exporter.export(batch).name == "SUCCESS"
            except Exception as error:
                ok = False
                messages.append(describe_exception(error))
            messages[:0] = [text_of(record) for record in records]
            records.clear()
        return Sent(ok, tuple(messages), time.monotonic() - begin)

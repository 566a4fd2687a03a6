"""The checks of settings: problems of the plan, settings without effect, and probable mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from distrokit.declarations import Check, Verdict
from distrokit.doctor.env_file import check_env_files
from distrokit.plan.plan import Component, Plan

#: The core's own settings that select a component.
_SELECTING = ("DISTROKIT_TRACES_PROCESSOR", "DISTROKIT_LOGS_PROCESSOR", "DISTROKIT_METRICS_READER")

#: The specification's samplers that ignore their argument.
_WITHOUT_ARG = ("always_on", "always_off", "parentbased_always_on", "parentbased_always_off")


def check_settings(plan: Plan) -> Iterator[Check]:
    """Run the checks of settings."""
    for problem in plan.problems:
        verdict: Verdict = "fail" if problem.severity == "error" else "warn"
        evidence = f"{problem.subject}: {problem.cause}; {problem.outcome}"
        yield Check(problem.code, verdict, evidence, problem.remedy)
    if not plan.problems:
        yield Check("plan", "ok", "settings and plugins make a plan without problems")
    if plan.disabled.value:
        source = plan.disabled.source
        remedy = "Correct the file, or unset OTEL_CONFIG_FILE." if source.kind == "file" else f"unset {source}"
        evidence = f"telemetry is off: {source}; only propagators and instrumentations are active"
        yield Check("disabled", "warn", evidence, remedy)
    else:
        yield _service_name(plan)
        yield from _exports(plan)
        yield _late_processors(plan)
    yield from check_env_files(plan)
    yield from _without_effect(plan)


def _service_name(plan: Plan) -> Check:
    name = plan.resource.attributes.get("service.name")
    if name is None or not str(name.value) or str(name.value).startswith("unknown_service"):
        evidence = "the service has no name; it is sent as unknown_service"
        remedy = "export OTEL_SERVICE_NAME=my-service"
        if plan.configuration:
            remedy = f"Write service.name into resource: attributes: of {plan.configuration}."
        return Check("service-name", "warn", evidence, remedy)
    return Check("service-name", "ok", f"the service is called {name.printable()} ({name.source})")


def _exports(plan: Plan) -> Iterator[Check]:
    silent = [signal for signal, planned in plan.signals.items() if planned.withheld or not planned.exporters]
    if len(silent) == len(plan.signals):
        sources = sorted({str(planned.source) for planned in plan.signals.values() if planned.source})
        if any(planned.withheld for planned in plan.signals.values()):
            yield Check(
                "exports",
                "fail",
                "no signal is exported: required processors are missing",
                "Follow the remedy of required-missing.",
            )
            return
        evidence = f"no signal is exported ({', '.join(sources) or 'no exporter was selected'})"
        yield Check("exports", "fail", evidence, _how_to_export(plan, sources))
    else:
        sent = ", ".join(signal for signal in plan.signals if signal not in silent)
        yield Check("exports", "ok", f"exported: {sent}" + (f"; not exported: {', '.join(silent)}" if silent else ""))
    if plan.sampler is not None and "traces" not in silent and _drops_all(plan.sampler):
        source = plan.sampler.source
        evidence = f"the sampler {plan.sampler.name} ({source}) samples no trace that begins here"
        remedy = f"Change it at {source}." if source.kind == "file" else f"Change or unset {source}."
        yield Check("sampler", "warn", evidence, remedy)


def _late_processors(plan: Plan) -> Check:
    placement, source = plan.late_processors.value, plan.late_processors.source
    names = sorted({part.name for signal in ("traces", "logs") for part in plan.signals[signal].at("transform")})
    if placement == "raw" and names:
        evidence = f"processors that code adds later get every item before {', '.join(names)} ({source})"
        return Check("late-processors", "warn", evidence, f"unset {source}" if source.kind == "environment" else "")
    text = "are refused" if placement == "refuse" else "get what the exporters get"
    return Check("late-processors", "ok", f"processors that code adds later {text} ({source})")


def _how_to_export(plan: Plan, sources: list[str]) -> str:
    if plan.configuration:
        return f"Write a processor with an exporter into tracer_provider: processors: of {plan.configuration}."
    return f"unset {' '.join(sources)}" if sources else "Choose an exporter."


def _drops_all(sampler: Component[Any]) -> bool:
    root = sampler.parameters.get("root")
    if root is not None and isinstance(root.value, Component):
        return _drops_all(root.value)
    name = sampler.declaration.name.replace("_", "")
    if name in ("alwaysoff", "parentbasedalwaysoff"):
        return True
    ratio = next((value.value for key, value in sampler.parameters.items() if key in ("arg", "ratio")), None)
    try:
        return "ratio" in name and ratio not in (None, "") and float(str(ratio)) == 0
    except ValueError:
        return False


def _without_effect(plan: Plan) -> Iterator[Check]:
    """Report settings that are set and that no part of the plan uses, though a component could read them."""
    ignored = plan.settings.set_in_vain()
    if ignored:
        evidence = f"the configuration file takes the place of {', '.join(ignored)}"
        yield Check("setting-ignored", "warn", evidence, f"unset {' '.join(ignored)}")
    parameters = {setting.name for setting in plan.known if setting.parameter}
    used = set(_used(plan))
    reported = " ".join(problem.subject for problem in plan.problems)
    unused = [
        name
        for name in sorted(plan.settings.names_set())
        if name.partition("__")[0] in {*parameters, *_SELECTING}
        and name not in used
        and name not in reported
        and plan.settings.lookup(name)[0][1].chosen
    ]
    for name in unused:
        evidence = f"{name} is set, and no part of this pipeline uses it: it is overridden, or not needed"
        yield Check("setting-without-effect", "warn", evidence, f"unset {name}")
    if not unused and not ignored:
        yield Check("setting-without-effect", "ok", "every setting has an effect")


def _used(plan: Plan) -> Iterator[str]:
    """Yield the names of all settings that gave a value to the plan."""
    for value in plan.resource.attributes.values():
        yield value.source.name
    for planned in plan.signals.values():
        yield from (rule.source.name for rule in planned.scopes)
    for component in plan.components():
        yield from _used_by(component)


def _used_by(component: Component[Any]) -> Iterator[str]:
    yield component.source.name
    for key, value in component.parameters.items():
        if key == "arg" and component.declaration.name.lower() in _WITHOUT_ARG:
            continue
        yield value.source.name
        if isinstance(value.value, Component):
            yield from _used_by(value.value)

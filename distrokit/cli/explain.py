"""``distrokit explain``: the effective pipeline, with the source of each part."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from distrokit import instrumentation
from distrokit.cli.difference import show_difference
from distrokit.cli.mermaid import mermaid
from distrokit.cli.output import format_value, print_json, print_rows
from distrokit.cli.picture import picture_of
from distrokit.cli.setting import describe_unknown, explain_setting, lines
from distrokit.cli.svg import svg
from distrokit.declarations import Command, Processor
from distrokit.diagnostics import Mask, describe_exception, visible, write
from distrokit.lazy.eager_reasons import find_eager_reasons
from distrokit.lazy.entry_point_files import find_attached, read_installed
from distrokit.plan.plan import Component, ExporterPlan, Plan, SignalPlan
from distrokit.plugins.distros import ActiveDistro
from distrokit.plugins.entry_points import origin_of
from distrokit.settings.environ import ASKED
from distrokit.settings.values import Value

Row = tuple[str, str, str]

#: Texts of ``plan.late_processors``.
_PLACES = {
    "behind": "get what the exporters get",
    "refuse": "are refused",
    "raw": "get every item unchanged, in front of the transforms",
}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "setting", nargs="?", metavar="SETTING", help="show only this setting, for example OTEL_TRACES_SAMPLER"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--diff", action="store_true", help="show only the differences from the defaults")
    form.add_argument("--mermaid", action="store_true", help="print a flowchart in Mermaid's language")
    form.add_argument("--svg", action="store_true", help="print a picture: distrokit explain --svg > pipeline.svg")
    parser.add_argument("--json", action="store_true", help="print JSON; docs/explain.md describes its shape")


def _run(arguments: argparse.Namespace) -> int:
    plan: Plan = arguments.assembly.plan
    _check_instrumentations(plan)
    if (arguments.setting or arguments.json) and (arguments.mermaid or arguments.svg):
        write("distrokit explain: --mermaid and --svg draw the whole pipeline; leave SETTING and --json out")
        return 2
    if arguments.setting:
        return _setting(plan, arguments.setting, as_json=arguments.json)
    if arguments.diff:
        bare = arguments.assembly.bare().plan
        _check_instrumentations(bare)
        show_difference(bare, plan, as_json=arguments.json)
    elif arguments.mermaid:
        print(mermaid(picture_of(plan)), end="")
    elif arguments.svg:
        print(svg(picture_of(plan)), end="")
    elif arguments.json:
        attached = find_attached()
        where = {"folder": attached.root, "reason": attached.decision.reason} if attached else None
        print_json({**plan.describe(), "at_once": list(_find_eager_reasons(plan)), "attached": where})
    else:
        distro_selection = arguments.distro_selection
        if not distro_selection.builds:
            print(f"NOT ACTIVE: {distro_selection.name} configures the process; distrokit builds nothing\n")
        elif not distro_selection.ours:
            print(
                f"distro {distro_selection.name} has no configurator: it sets its defaults,"
                " and distrokit builds the pipeline\n"
            )
        print_text(plan)
    return 0


def _setting(plan: Plan, name: str, *, as_json: bool) -> int:
    data = explain_setting(plan, name)
    if data is None:
        write(f"distrokit explain: {describe_unknown(plan, name)}")
        return 1
    if as_json:
        print_json(data)
    else:
        print("\n".join(map(visible, lines(data))))
    return 0


EXPLAIN = Command("explain", "show the pipeline these settings and plugins make, and why", _run, _arguments)


def _check_instrumentations(plan: Plan) -> None:
    """Mark instrumentations off whose library is missing or does not fit, as the loader would at start."""
    for item in plan.instrumentations.values():
        if item.enabled and item.point is not None:
            try:
                reason = instrumentation.conflict(item.point)
            except Exception as error:
                reason = describe_exception(error)
            item.enabled, item.why = not reason, reason


def print_text(plan: Plan) -> None:
    """Print the plan as text, with the source of each value in the last column."""
    if attached := find_attached():
        print(f"attached from {attached.root}: {attached.decision.reason}\n")
    if plan.distro.others or not plan.distro.default:
        _print_distro(plan.distro)
    if plan.configuration:
        print(f"configuration file: {plan.configuration}")
        ignored = plan.settings.set_in_vain()
        if ignored:
            print(f"ignored, since the file takes their place: {', '.join(ignored)}")
        print()
    if plan.disabled.value:
        print(f"DISABLED by {plan.disabled.source}: only propagators and instrumentations are active\n")
    _print_lanes(plan)
    print("\nstart")
    print_rows(_start(plan))
    print("\nresource")
    print_rows(_resource(plan))
    for signal, planned in plan.signals.items():
        print(f"\n{signal}")
        print_rows(_signal(plan, signal, planned))
    if plan.policy_providers:
        print("\npolicies")
        print_rows(_policies(plan))
    print("\npropagators")
    print_rows(_propagators(plan))
    print("\ninstrumentations")
    print_rows(_instrumentations(plan))
    if plan.changes:
        print("\nmodified by plugins")
        print_rows([(c.plugin, c.path, plan.settings.mask(f"{c.before!r} → {c.after!r}")) for c in plan.changes])
    print("\nproblems")
    mask = plan.settings.mask
    print_rows([(problem.code, mask(str(problem))) for problem in plan.problems] or [("none", "")])


def _print_lanes(plan: Plan) -> None:
    print("pipeline")
    for lane in picture_of(plan).lanes:
        for at, path in enumerate(lane.paths()):
            way = " → ".join(["resource", *(box.title for box in path)])
            print(f"  {lane.signal if not at else '':7}  {visible(way)}")


def _print_distro(active_distro: ActiveDistro) -> None:
    who = (
        ""
        if active_distro.default
        else f" ({active_distro.distribution}{', closed' if active_distro.distro.closed else ''})"
    )
    print(f"distro {active_distro.label}{who}: {active_distro.why}")
    if active_distro.others:
        print(f"also installed, not active: {', '.join(active_distro.others)}")
    print()


def _start(plan: Plan) -> Iterator[Row]:
    reasons = _find_eager_reasons(plan)
    for reason in reasons:
        yield "at once", reason, ""
    if not reasons:
        yield "on first use", "of OpenTelemetry's API, of logging, or of an instrumented library", ""
    applied = "when their libraries are imported" if plan.lazy.value else "all at the start"
    yield "instrumentations", applied, _source(plan.lazy)
    yield "late processors", _PLACES[plan.late_processors.value], _source(plan.late_processors)
    for name, source in plan.required.items():
        yield "required", f"processor {name}", str(source)


def _find_eager_reasons(plan: Plan) -> list[str]:
    """Return why a process with these settings must start telemetry at once; empty if it need not."""
    # The mark of `distrokit explain -- COMMAND` is in the environment, and is no reason for COMMAND itself.
    environ = {name: text for name, text in plan.settings.environ.items() if name != ASKED}
    try:
        directory = str(Path.cwd())
    except OSError:
        directory = ""
    return list(find_eager_reasons(environ, read_installed(), directory))


def _resource(plan: Plan) -> Iterator[Row]:
    for name, value in plan.resource.attributes.items():
        yield name, format_value(value), _source(value)
    if plan.resource.schema_url:
        yield "schema_url", format_value(plan.resource.schema_url), str(plan.resource.schema_url.source)
    for detector in plan.resource.detectors:
        origin = origin_of(detector.declaration) or f"plugin {detector.plugin}"
        yield f"detector {detector.name}", f"({origin})", str(detector.source)


def _signal(plan: Plan, signal: str, planned: SignalPlan) -> Iterator[Row]:
    if signal == "traces":
        yield "tracer", plan.tracer.value, _source(plan.tracer)
        yield from _component("sampler", plan.sampler, "parentbased_always_on")
        yield from _component("id generator", plan.id_generator, "random")
    if not planned.built:
        yield "not built", "", f"{planned.source} has no provider for it"
        return
    if planned.withheld:
        yield "not exported", planned.withheld, ""
    for rule in planned.scopes:
        yield "scope", f"{rule.pattern}: {'on' if rule.enabled else 'off'}", str(rule.source)
    if planned.configurator:
        yield "scopes", f"decided by {planned.configurator.name}", ""
    for view in plan.views if signal == "metrics" else ():
        yield "view", json.dumps(view.definition), str(view.source)
    for processor in planned.processors:
        yield from _component(processor.declaration.stage, processor, "")
        yield from _in_front_of(processor, planned)
    for item in planned.exporters:
        yield from _export(item, _option_modifiers(plan))
    if not planned.exporters:
        yield "export", "nothing", str(planned.source) if planned.source else "no plugin and no setting selected one"


def _in_front_of(processor: Component[Processor], planned: SignalPlan) -> Iterator[Row]:
    """Yield the exporters of a transform that is not for all exporters."""
    names = [item.exporter.name.lower() for item in planned.exporters]
    for exporter in processor.declaration.exporters:
        here = "" if exporter.strip().lower() in names else ", which is not selected"
        yield "", f"  in front of {exporter}{here}", ""


def _option_modifiers(plan: Plan) -> str:
    """Return the plugins that may change an exporter's options when it is built; no command calls them."""
    plugins = [p.name for p in plan.plugins if p.status == "loaded" and "distrokit_exporter_options" in p.hooks]
    return ", ".join(plugins)


def _export(item: ExporterPlan, modifiers: str) -> Iterator[Row]:
    yield from _component("export", item.exporter, "")
    if modifiers:
        yield "", "  headers and other options when it is built", f"plugin {modifiers} may change them"
    if item.processor is not None:
        yield from _component("  fed by", item.processor, "")


def _component(what: str, component: Component[Any] | None, default: str) -> Iterator[Row]:
    if component is None:
        yield what, default, "default of opentelemetry-sdk"
        return
    origin = origin_of(component.declaration) or f"plugin {component.plugin}"
    yield what, f"{component.nested_name} ({origin})", str(component.source)
    yield from _parameters(component, "  ")


def _parameters(component: Component[Any], indent: str) -> Iterator[Row]:
    for name, value in component.parameters.items():
        inner = value.value
        if isinstance(inner, Component):
            yield "", f"{indent}{name} = {inner.nested_name}", str(inner.source)
            yield from _parameters(inner, indent + "  ")
        else:
            yield "", f"{indent}{name} = {format_value(value)}", _source(value)


def _policies(plan: Plan) -> Iterator[Row]:
    for provider in plan.policy_providers:
        yield from _component("provider", provider, "")
    mask = plan.settings.mask
    for policy in plan.policies:
        where = f"at {' and '.join(policy.stages)}, {policy.why}"
        yield visible(mask(policy.id)), visible(mask(f"{policy.signal}: {policy.action}, {where}")), mask(policy.source)


def _propagators(plan: Plan) -> Iterator[Row]:
    if plan.propagators is None:
        yield "tracecontext, baggage", "", "default of opentelemetry-api"
    elif not plan.propagators:
        yield "none", "", ""
    for component in plan.propagators or ():
        yield component.name, origin_of(component.declaration) or f"plugin {component.plugin}", str(component.source)
    for response in plan.response_propagators:
        origin = origin_of(response.declaration) or f"plugin {response.plugin}"
        yield f"on responses: {response.name}", origin, str(response.source)


def _instrumentations(plan: Plan) -> Iterator[Row]:
    for name, item in plan.instrumentations.items():
        given = [f"{keyword} ({item.sources.get(keyword, item.source)})" for keyword in sorted(item.keywords)]
        options = f" with {', '.join(given)}" if given else ""
        replaced = f", replaced by {item.replaced_by} ({item.source})" if item.replaced_by else ""
        which = f"{item.distribution} {item.version}" if item.point else "no package"
        moment = instrumentation.moment(item.name)
        if plan.lazy.value and not moment:
            moment = instrumentation.describe_triggers(item)
        when = f", applied {moment}" if moment and item.enabled else ""
        why = plan.settings.mask(item.why)
        yield name, "on" if item.enabled else "off", f"{which}{replaced}{options}{when}  {why}".rstrip()
    if not plan.instrumentations:
        yield "none installed", "", ""


def _source(value: Value[Any]) -> str:
    overridden = ", ".join(f"{source}={Mask()(text)}" for text, source in value.overridden)
    return f"{value.source}" + (f" (overrides {overridden})" if overridden else "")

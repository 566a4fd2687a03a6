"""``distrokit explain SETTING``: a setting's value, its source, what it overrides, which parts use it, its meaning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from distrokit.cli.output import format_value
from distrokit.declarations import Setting
from distrokit.lazy.spellings import LAUNCHER_PREFIX
from distrokit.plan.plan import Component, Plan
from distrokit.plan.selection.instrumentations import shown_text, split
from distrokit.settings.known_settings import OF_ONE_INSTRUMENTATION, is_of_a_family
from distrokit.settings.layers import is_secret
from distrokit.settings.settings_in_files import INSTRUMENTATION, is_of_one_instrumentation
from distrokit.settings.suggestions import did_you_mean
from distrokit.settings.values import Source

_ROWS = (
    ("default", "default"),
    ("required", "required"),
    ("ignored", "ignored"),
    ("used by", "taken_by"),
    ("read by", "read_by"),
    ("about", "about"),
    ("more", "documentation"),
)


def explain_setting(plan: Plan, name: str) -> dict[str, Any] | None:
    """Return everything about a setting as JSON-ready data, with secrets masked.

    ``None`` if no component reads it and it is not set.

    Args:
        name: in upper or lower case, with an instance's suffix (``__BACKUP``) if any; distrokit's own settings also
            in the launcher's spelling (``OTEL_PYTHON_DISTROKIT_…``).
    """
    name = name.upper()
    plain = name.removeprefix(LAUNCHER_PREFIX) if name.startswith(LAUNCHER_PREFIX + "DISTROKIT_") else name
    known = _row(plan, plain)
    found = plan.settings.lookup(plain)
    ignored = plain in plan.settings.set_in_vain()
    if known is None and not found and not ignored and not is_of_a_family(plain):
        return None
    candidates = [{"value": format_setting(plan, plain, text), "source": _where(source)} for text, source in found]
    candidates += [
        {"value": format_setting(plan, source.name, text), "source": _where(source)}
        for text, source in dict.fromkeys(_overridden(plan, plain))
        if source.kind not in ("plugin default", "distro")
    ]
    if plan.configuration and (known is None or known.ignored_with_file):
        candidates = [*_of_the_file(plan, plain), *candidates]
    elif known is not None and known.default and not known.parameter:
        candidates.append({"value": known.default, "source": f"default of {known.consumer}"})
    winner = candidates[0] if candidates else {"value": None, "source": None}
    return {
        "schema": 1,
        "setting": plain,
        "value": winner["value"],
        "source": winner["source"],
        "lost": candidates[1:],
        "default": (known.default or None) if known else None,
        "required": (known.remedy or f"Set {plain}.") if known and known.required else None,
        "ignored": f"{plan.configuration} takes the place of the variable" if ignored else None,
        "taken_by": list(dict.fromkeys(_taken_by(plan, plain))),
        "read_by": known.consumer if known else None,
        "about": _about(known) if known else _unknown_but_set(plain),
        "documentation": known.spec or "docs/settings.md" if known else None,
        "problems": [plan.settings.mask(str(p)) for p in plan.problems if plain in p.subject],
    }


def _row(plan: Plan, name: str) -> Setting | None:
    """Return the declaration of a setting; ``None`` if no component reads it."""
    if not is_of_one_instrumentation(name):
        return next((setting for setting in plan.known if setting.name == name.partition("__")[0]), None)
    switch, keyword, init = OF_ONE_INSTRUMENTATION
    fitting = split(name[len(INSTRUMENTATION) :], [item.name for item in plan.instrumentations.values()])
    if fitting is None:
        return None
    return init if fitting[1].startswith("init_") else keyword if fitting[1] else switch


def lines(data: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of :func:`explain_setting`'s data as text."""
    yield data["setting"]
    yield f"  value      {'(not set)' if data['value'] is None else data['value']}"
    if data["source"]:
        yield f"  source     {data['source']}"
    for candidate in data["lost"]:
        yield f"  overridden {candidate['value']}  ({candidate['source']})"
    for label, name in (*_ROWS, ("problem", "problems")):
        found = data[name] if isinstance(data[name], list) else [data[name]] if data[name] else []
        for at, text in enumerate(found):
            yield f"  {'' if at else label:9}  {text}"


def describe_unknown(plan: Plan, name: str) -> str:
    """Return the message about an unknown name."""
    hint = did_you_mean(name, [setting.name for setting in plan.known])
    remedy = hint or "docs/settings.md has the list."
    return f"unknown setting {name!r}: no component reads it, and it is not set. {remedy}"


def _of_the_file(plan: Plan, name: str) -> Iterator[dict[str, Any]]:
    """Yield the configuration file's value of this variable, where both use the same names."""
    service = plan.resource.attributes.get("service.name")
    if name == "OTEL_SERVICE_NAME" and service:
        yield {"value": format_value(service), "source": str(service.source)}
    elif name == "OTEL_TRACES_SAMPLER" and plan.sampler:
        sampler = plan.sampler.innermost
        yield {"value": sampler.name, "source": str(sampler.source)}
    for signal, planned in plan.signals.items():
        if name == f"OTEL_{signal.upper()}_EXPORTER" and planned.exporters:
            names = ",".join(item.exporter.name for item in planned.exporters)
            yield {"value": names, "source": str(planned.exporters[0].exporter.source)}


def _unknown_but_set(name: str) -> str:
    if is_of_a_family(name):
        return "one of a family of variables of instrumentations, or of other languages"
    return "no installed component reads a setting of this name"


def format_setting(plan: Plan, name: str, text: str) -> str:
    """Return the text of a setting, masked if it is secret."""
    # A file that cannot be read may be the secret itself, written in place of the file's name.
    no_file = any(p.code == "secret-file-unreadable" and p.subject.partition("=")[0] == name for p in plan.problems)
    if is_of_one_instrumentation(name):
        text = shown_text(name, text)
    return "****" if is_secret(name) or no_file else plan.settings.mask(text)


def _where(source: Source) -> str:
    return f"{source} (environment)" if source.kind == "environment" else str(source)


def _about(known: Setting) -> str:
    unit = f", in {known.unit}" if known.unit else ""
    return f"{known.meaning}; {known.kind}{unit}" if known.meaning else f"{known.kind}{unit}"


def _taken_by(plan: Plan, name: str) -> Iterator[str]:
    for key, value in plan.resource.attributes.items():
        if value.source.name == name:
            yield f"resource: {key} = {format_value(value)}"
    for key, instrumented in plan.instrumentations.items():
        for keyword, source in instrumented.sources.items():
            if source.name == name:
                yield f"instrumentation {key}: {keyword}"
        if instrumented.source.name == name and name not in map(str, instrumented.sources.values()):
            yield f"instrumentation {key}: {'on' if instrumented.enabled else 'off'}"
    if plan.disabled.source.name == name:
        yield "disables all telemetry"
    yield from _taken_by_signals(plan, name)


def _taken_by_signals(plan: Plan, name: str) -> Iterator[str]:
    if plan.sampler:
        yield from _of(plan.sampler, "sampler", name)
    for propagator in plan.response_propagators:
        yield from _of(propagator, "response propagator", name)
    for signal, planned in plan.signals.items():
        if planned.source and planned.source.name == name and not planned.exporters:
            yield f"{signal}: nothing is exported"
        for part in planned.processors:
            yield from _of(part, f"{signal}, {part.declaration.stage}", name)
        for item in planned.exporters:
            yield from _of(item.exporter, f"{signal}, exporter", name)
            if item.processor:
                yield from _of(item.processor, f"{signal}, processor", name)


def _overridden(plan: Plan, name: str) -> Iterator[tuple[str, Source]]:
    """Yield values of other settings that this one overrides, as a signal's own setting overrides the general one."""
    parameters = [value for component in plan.components() for value in component.parameters.values()]
    for value in (*plan.resource.attributes.values(), *parameters):
        if value.source.name == name:
            yield from (pair for pair in value.overridden if pair[1].name != name)


def _of(component: Component[Any], role: str, name: str) -> Iterator[str]:
    if component.source.name == name:
        yield f"{role}: {component.name}"
    for key, value in component.parameters.items():
        if isinstance(value.value, Component):
            yield from _of(value.value, f"{role} {component.name}, {key}", name)
        elif value.source.name == name:
            yield f"{role} {component.name}: {key} = {format_value(value)}"

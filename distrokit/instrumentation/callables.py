"""Keywords of instrumentations that say where something is: found, and imported."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.machinery import PathFinder
from importlib.util import find_spec
from typing import Any

from distrokit.plan.plan import InstrumentationPlan
from distrokit.settings.object_references import ObjectNotFoundError, a_kind, is_object_reference, load_object

#: A text that begins so is imported; at a keyword that ends in ``_hook`` every text is.
IMPORT, HOOK = "import:", "_hook"

#: Keywords that OpenTelemetry calls at once, often in the middle of the application; and what it calls there.
PROVIDERS = {"tracer_provider": "get_tracer", "meter_provider": "get_meter", "logger_provider": "get_logger"}


def loaded(keyword: str, value: Any) -> Any:
    """The value of a keyword, with everything imported that it names.

    Raises:
        ObjectNotFoundError: that is not there, or cannot be what the keyword is for.
    """
    if keyword in PROVIDERS:
        return _load_provider(keyword, value)
    return _load_hook(value) if keyword.endswith(HOOK) else _load_inside(value)


def not_found(item: InstrumentationPlan) -> Iterator[tuple[str, str]]:
    """Keywords that name what cannot be there, each with the reason. Nothing is imported for that: only the outermost
    package is looked for.
    """
    for keyword, value in item.keywords.items():
        for place in _places(keyword, value):
            if reason := _missing(place):
                yield keyword, reason
    if isinstance(item.replacement, str) and (reason := _missing(item.replacement)):
        yield "replaced_by", reason


def _places(keyword: str, value: Any) -> Iterator[str]:
    if isinstance(value, str) and (keyword.endswith(HOOK) or value.startswith(IMPORT)):
        yield value.removeprefix(IMPORT)
    elif isinstance(value, (dict, list)):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _places("", child)


def _missing(place: str) -> str:
    if not is_object_reference(place):
        return "it is no module:attribute"
    name = place.partition(":")[0].partition(".")[0]
    try:
        # opentelemetry-instrument puts the working directory on the path.
        there = find_spec(name) or PathFinder.find_spec(name, [""])
    except (ImportError, ValueError):
        # What is loaded and has no spec is there.
        return ""
    return "" if there else f"there is no module {name} here"


def _load_hook(value: Any) -> Any:
    if value is None or callable(value):
        return value
    return load_object(str(value).removeprefix(IMPORT), to_call=True)


def _load_provider(keyword: str, value: Any) -> Any:
    """What is none is found out by the application, where it makes what is instrumented; so it is looked at here."""
    loaded = _load_inside(value)
    if loaded is None or (hasattr(loaded, PROVIDERS[keyword]) and not isinstance(loaded, type)):
        return loaded
    raise ObjectNotFoundError(
        f"{a_kind(loaded)} is no {keyword.replace('_', ' ')}",
        "Write import:module:attribute of one, or unset it: the pipeline's own is the default.",
    )


def _load_inside(value: Any) -> Any:
    """The value, and what is inside it, with texts that begin with ``import:`` imported."""
    if isinstance(value, str) and value.startswith(IMPORT):
        return load_object(value.removeprefix(IMPORT))
    if type(value) is dict:
        return {key: _load_inside(child) for key, child in value.items()}
    return [_load_inside(child) for child in value] if type(value) is list else value

"""Imports the objects that keywords of instrumentations name as ``module:attribute``."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.machinery import PathFinder
from importlib.util import find_spec
from typing import Any

from distrokit.plan.plan import InstrumentationPlan
from distrokit.settings.object_references import ObjectNotFoundError, a_kind, is_object_reference, load_object

#: Prefix of strings to import, and the suffix of keywords whose strings are always imported.
IMPORT, HOOK = "import:", "_hook"

#: Keywords that take a provider, and the method that OpenTelemetry calls on it, often in the application.
PROVIDERS = {"tracer_provider": "get_tracer", "meter_provider": "get_meter", "logger_provider": "get_logger"}


def load_value(keyword: str, value: Any) -> Any:
    """Return the value of a keyword, with all objects that it names imported.

    Raises:
        ObjectNotFoundError: an object is not found, or has the wrong type for the keyword.
    """
    if keyword in PROVIDERS:
        return _load_provider(keyword, value)
    return _load_hook(value) if keyword.endswith(HOOK) else _load_nested(value)


def not_found(item: InstrumentationPlan) -> Iterator[tuple[str, str]]:
    """Yield each keyword whose object cannot exist, with the reason.

    Looks for the top-level package only, and imports nothing.
    """
    for keyword, value in item.keywords.items():
        for reference in _references(keyword, value):
            if reason := _why_missing(reference):
                yield keyword, reason
    if isinstance(item.replacement, str) and (reason := _why_missing(item.replacement)):
        yield "replaced_by", reason


def _references(keyword: str, value: Any) -> Iterator[str]:
    if isinstance(value, str) and (keyword.endswith(HOOK) or value.startswith(IMPORT)):
        yield value.removeprefix(IMPORT)
    elif isinstance(value, (dict, list)):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _references("", child)


def _why_missing(reference: str) -> str:
    if not is_object_reference(reference):
        return "it does not have the form module:attribute"
    name = reference.partition(":")[0].partition(".")[0]
    try:
        # opentelemetry-instrument puts the working directory on the path.
        spec = find_spec(name) or PathFinder.find_spec(name, [""])
    except (ImportError, ValueError):
        # The module is loaded and has no spec.
        return ""
    return "" if spec else f"module {name} cannot be found"


def _load_hook(value: Any) -> Any:
    if value is None or callable(value):
        return value
    return load_object(str(value).removeprefix(IMPORT), to_call=True)


def _load_provider(keyword: str, value: Any) -> Any:
    """Import a provider and check its type: otherwise the application would fail when it first uses the library."""
    loaded = _load_nested(value)
    if loaded is None or (hasattr(loaded, PROVIDERS[keyword]) and not isinstance(loaded, type)):
        return loaded
    raise ObjectNotFoundError(
        f"{a_kind(loaded)} is not a {keyword.replace('_', ' ')}",
        "Write import:module:attribute of one, or unset it to use the pipeline's own.",
    )


def _load_nested(value: Any) -> Any:
    """Return the value with every string that begins with ``import:`` imported, in lists and dicts, too."""
    if isinstance(value, str) and value.startswith(IMPORT):
        return load_object(value.removeprefix(IMPORT))
    if type(value) is dict:
        return {key: _load_nested(child) for key, child in value.items()}
    return [_load_nested(child) for child in value] if type(value) is list else value

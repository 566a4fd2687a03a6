"""Checks of the results of hooks: a wrong result is found here, where its plugin is known, not during the build."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint
from typing import Any

from distrokit.declarations import (
    LATE_PLACEMENTS,
    SIGNALS,
    STAGES,
    Check,
    Command,
    Configuration,
    Exporter,
    IdGenerator,
    PolicyProvider,
    Processor,
    Propagator,
    ResourceDetector,
    ResponsePropagator,
    Sampler,
    Setting,
    signals_of,
)
from distrokit.diagnostics import Problem
from distrokit.settings.environ import settable
from distrokit.settings.values import Value

#: The class that each declaring hook returns.
DECLARATIONS: dict[str, type[Any]] = {
    "distrokit_settings": Setting,
    "distrokit_samplers": Sampler,
    "distrokit_id_generators": IdGenerator,
    "distrokit_propagators": Propagator,
    "distrokit_response_propagators": ResponsePropagator,
    "distrokit_exporters": Exporter,
    "distrokit_processors": Processor,
    "distrokit_policies": PolicyProvider,
    "distrokit_checks": Check,
    "distrokit_commands": Command,
}


class HookError(TypeError):
    """The error for a hook implementation that does not fit its hookspec."""


def validate(hook: str, answer: Any) -> Any:
    """Check the result of one hook implementation and convert it to its canonical form.

    Args:
        hook: the hook's name.
        answer: the result.

    Returns: ``None`` for no result, a mapping, or a list of declarations.
    Raises: :class:`HookError` with the expected and the actual type.
    """
    if answer is None:
        return None
    if check := _CHECKS.get(hook):
        return check(answer)
    if hook in DECLARATIONS:
        return _declarations(DECLARATIONS[hook], answer)
    raise HookError(f"returned {_kind(answer)}, but this hook returns nothing")


def _placement(answer: Any) -> str:
    if answer not in LATE_PLACEMENTS:
        raise HookError(f"returned {answer!r}, expected one of {', '.join(LATE_PLACEMENTS)}, or None")
    return str(answer)


def _strings(answer: Any) -> dict[str, str]:
    if not isinstance(answer, Mapping) or not all(isinstance(i, str) for pair in answer.items() for i in pair):
        raise HookError(f"returned {_kind(answer)}, expected a mapping of setting names to text")
    for name, text in answer.items():
        # os.environ would refuse it, too, but here its plugin is known.
        if not settable(name, text):
            raise HookError(f"returned {name!r}, which cannot be the name or value of an environment variable")
    return dict(answer)


def _configuration(answer: Any) -> Configuration:
    if not isinstance(answer, Configuration) or not isinstance(answer.name, str):
        raise HookError(f"returned {_kind(answer)}, expected a Configuration")
    if not all(isinstance(problem, Problem) for problem in answer.problems):
        raise HookError("returned a Configuration whose problems are not all of class Problem")
    if answer.model is not None:
        _check_node(answer.model, "the model")
        if not isinstance(answer.model.value, Mapping):
            raise HookError("returned a Configuration whose model is not a mapping")
    return answer


def _check_node(node: Any, where: str) -> None:
    if not isinstance(node, Value):
        raise HookError(f"returned a Configuration in which {where} is {_kind(node)}, not a Value")
    if isinstance(node.value, Mapping):
        for name, child in node.value.items():
            _check_node(child, f"{where}.{name}")
    elif isinstance(node.value, list):
        for number, child in enumerate(node.value):
            _check_node(child, f"{where}.{number}")


def _resource(answer: Any) -> dict[str, Any] | list[Any]:
    if isinstance(answer, Mapping):
        return checked_attributes(answer)
    return _declarations(ResourceDetector, answer)


def checked_attributes(answer: Any) -> dict[str, Any]:
    """Return resource attributes as a dict; raise :class:`HookError` for anything else."""
    if not isinstance(answer, Mapping):
        raise HookError(f"returned {_kind(answer)}, expected a mapping of attributes")
    for key, value in answer.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        if not isinstance(key, str) or not key or not all(isinstance(v, (str, bool, int, float)) for v in values):
            raise HookError(f"returned attribute {key!r} of type {_kind(value)}")
    return dict(answer)


def _views(answer: Any) -> list[dict[str, Any]]:
    if isinstance(answer, Mapping):
        answer = [answer]
    if isinstance(answer, (str, bytes)) or not isinstance(answer, Iterable):
        raise HookError(f"returned {_kind(answer)}, expected a list of views, each a mapping")
    views = list(answer)
    for view in views:
        if not isinstance(view, Mapping):
            raise HookError(f"returned {_kind(view)} in its list, expected a view, which is a mapping")
    return [_plain(view) for view in views]


def _plain(node: Any) -> Any:
    """Copy plain data; raise :class:`HookError` for anything that a configuration file could not contain."""
    if isinstance(node, Mapping):
        if not all(isinstance(key, str) for key in node):
            raise HookError("returned a view with a key that is not text")
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [_plain(item) for item in node]
    if not isinstance(node, (str, bool, int, float, type(None))):
        raise HookError(f"returned a view with {_kind(node)} in it; a view is plain data, as in a configuration file")
    return node


def _declarations(kind: type[Any], answer: Any) -> list[Any]:
    if isinstance(answer, kind):
        answer = [answer]
    if isinstance(answer, (str, bytes, Mapping)) or not isinstance(answer, Iterable):
        raise HookError(f"returned {_kind(answer)}, expected a list of {kind.__name__}")
    declarations = list(answer)
    for declaration in declarations:
        if not isinstance(declaration, kind):
            raise HookError(f"returned {_kind(declaration)} in its list, expected {kind.__name__}")
        _check_fields(declaration)
    return declarations


def _check_fields(declaration: Any) -> None:
    name = getattr(declaration, "name", getattr(declaration, "id", None))
    what = type(declaration).__name__
    if not isinstance(name, str) or not name.strip() or "," in name:
        raise HookError(f"declared {what} with name {name!r}; a name is text without a comma")
    _check_kinds(declaration, f"{what} {name!r}")
    if isinstance(declaration, (Exporter, Processor)):
        signals = signals_of(declaration)
        if not signals or not set(signals) <= set(SIGNALS):
            raise HookError(f"declared {what} {name!r} for {declaration.signals!r}; signals are {', '.join(SIGNALS)}")
    if isinstance(declaration, Processor):
        _check_stage(declaration, f"{what} {name!r} at {declaration.stage!r}")
    if isinstance(declaration, PolicyProvider) and type(declaration.priority) is not int:
        raise HookError(f"declared {what} {name!r} whose priority is not a whole number")
    if isinstance(declaration, Check) and declaration.verdict not in ("ok", "warn", "fail"):
        raise HookError(f"returned check {name!r} with verdict {declaration.verdict!r}; verdicts are ok, warn, fail")


def _check_stage(processor: Processor, what: str) -> None:
    if processor.stage not in STAGES:
        raise HookError(f"declared {what}; stages are {', '.join(STAGES)}")
    if processor.stage == "measure" and set(signals_of(processor)) != {"metrics"}:
        raise HookError(f"declared {what} for {processor.signals!r}; only metrics have measurements")
    if processor.required and processor.stage == "export":
        raise HookError(f"declared {what} as required; that is for processors before an exporter")
    if processor.exporters and processor.stage != "transform":
        raise HookError(f"declared {what} with exporters; only transforms can name exporters")


def _check_kinds(declaration: Any, what: str) -> None:
    for attribute in ("help", "evidence", "remedy", "processor"):
        if not isinstance(getattr(declaration, attribute, ""), str):
            raise HookError(f"declared {what} whose {attribute} is not text")
    if not isinstance(getattr(declaration, "origin", ""), (str, EntryPoint)):
        raise HookError(f"declared {what} whose origin is neither text nor an entry point")
    for attribute in ("hides", "exporters"):
        names = getattr(declaration, attribute, ())
        if not isinstance(names, tuple) or not all(isinstance(name, str) and name.strip() for name in names):
            raise HookError(f"declared {what} whose {attribute} is not a tuple of names")
    for attribute in ("parameters", "arguments"):
        if not (getattr(declaration, attribute, None) is None or callable(getattr(declaration, attribute))):
            raise HookError(f"declared {what} whose {attribute} is not callable")
    for attribute in ("factory", "detect", "run"):
        if hasattr(declaration, attribute) and not callable(getattr(declaration, attribute)):
            raise HookError(f"declared {what} whose {attribute} is not callable")


def _kind(answer: Any) -> str:
    if inspect.iscoroutine(answer):
        answer.close()
        return "a coroutine (a hook is a plain function)"
    return f"{type(answer).__name__} {answer!r}"[:80] if isinstance(answer, (int, float)) else type(answer).__name__


#: The checks of hooks that do not return declarations only.
_CHECKS: dict[str, Callable[[Any], Any]] = {
    "distrokit_defaults": _strings,
    "distrokit_overrides": _strings,
    "distrokit_configuration": _configuration,
    "distrokit_resource": _resource,
    "distrokit_views": _views,
    "distrokit_late_processor": _placement,
}

"""Configuration of single instrumentations, from settings and from a configuration file. Nothing is imported here.

``DISTROKIT_INSTRUMENTATION_FLASK_EXCLUDED_URLS`` means the same as ``flask: {excluded_urls: …}`` below
``instrumentation/development: python:``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from distrokit.diagnostics import Problem
from distrokit.lazy.spellings import LAUNCHER_PREFIX
from distrokit.plan.instrumentation_names import without_digits
from distrokit.plan.selection.instrumentation_keywords import (
    find_json_fault,
    guess_keyword,
    misspelt_keyword_problem,
    refuse_constant,
)
from distrokit.plan.selection.selection import SelectedInstrumentation
from distrokit.settings.layers import Settings, is_secret
from distrokit.settings.object_references import is_object_reference
from distrokit.settings.secret_values import HIDDEN, secrets_inside, without_secrets
from distrokit.settings.settings_in_files import INSTRUMENTATION, is_of_one_instrumentation
from distrokit.settings.suggestions import MISSPELT, SUGGESTED, rate
from distrokit.settings.values import BOOLEANS, Source, Value

_WORD = re.compile(r"[\w-]+")


def in_variable(name: str) -> str:
    """Return an instrumentation's name as written in a variable's name: ``AIO_PIKA`` for ``aio-pika``."""
    return re.sub(r"\W", "_", name).upper()


def option_value(text: str) -> Any:
    """Parse the text of a variable as a JSON boolean, number, list, object or string; return other text unchanged.

    Never raises. ``True`` is a boolean, too; ``null`` is text, since leaving the keyword out means the same.
    """
    import json

    try:
        value = json.loads(text.lower() if text.lower() in ("true", "false") else text, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        return text
    return text if value is None else value


def shown_text(setting: str, text: str) -> str:
    """Return the text of a setting of one instrumentation with secrets masked.

    Invalid JSON that mentions a secret is masked whole, since the secret part of it is unknown.
    """
    import json

    value = option_value(text)
    if is_secret(setting) or is_broken_secret(value) or (value is text and setting.endswith("_INIT")):
        return HIDDEN
    hidden = without_secrets(value, setting)
    return text if hidden == value else json.dumps(hidden, ensure_ascii=False)


def is_broken_secret(value: Any) -> bool:
    """Tell whether the value of a keyword is invalid JSON that contains a secret."""
    return isinstance(value, str) and value[:1] in ("{", "[", '"') and any(map(is_secret, _WORD.findall(value)))


def split(rest: str, names: Collection[str]) -> tuple[list[str], str] | None:
    """Split ``FLASK_REQUEST_HOOK`` into the instrumentations of that name and ``request_hook`` (empty for ``FLASK``).

    Args:
        rest: the variable's name after ``DISTROKIT_INSTRUMENTATION_``, in any case.
        names: of the available instrumentations. The longest match wins.

    Returns: ``None`` when none matches.
    """
    rest = rest.upper()
    parts = {in_variable(name) for name in names}
    for part in sorted(parts, key=len, reverse=True):
        if rest == part or (rest.startswith(part + "_") and len(rest) > len(part) + 1):
            return [name for name in names if in_variable(name) == part], rest[len(part) + 1 :].lower()
    return None


def instrumentations_of_settings(
    settings: Settings, names: Collection[str], problems: list[Problem]
) -> Iterator[SelectedInstrumentation]:
    """Yield the configuration that each setting of an instrumentation makes.

    Args:
        names: of the available instrumentations.
        problems: receives names that match none, and invalid values.
    """
    set_here = {name.removeprefix(LAUNCHER_PREFIX) for name in settings.names_set()}
    for setting in sorted(filter(is_of_one_instrumentation, set_here)):
        found = settings.value(setting)
        if found is None:
            continue
        source = found.source
        subject = f"{source} {setting}" if source.kind in ("file", "project") else setting
        match = split(setting[len(INSTRUMENTATION) :], names)
        if match is None:
            problems += _unknown_setting(subject, setting, found, names)
            continue
        matching, keyword = match
        if is_broken_secret(option_value(found.value)):
            settings.learn_secret(found.value)
        value: Value[Any] = Value(option_value(found.value), source, found.overridden)
        if keyword and (fault := find_json_fault(found.value)):
            remedy = "Correct it, or put the text in double quotes."
            problems.append(_invalid_problem(subject, fault, "the keyword is left out", remedy))
            continue
        if keyword.startswith("init_"):
            properties = {"init": Value({keyword.removeprefix("init_"): value}, source)}
        elif keyword:
            properties = {keyword: value}
        else:
            # Not parsed as JSON: here 1 means on.
            properties = _switch(Value(found.value, source))
        for name in matching:
            yield _select(name, source, properties, f"{subject}={shown_text(setting, found.value)}", settings, problems)


def _switch(value: Value[str]) -> dict[str, Value[Any]]:
    """Return the properties for ``on``, ``off`` or ``module:Class``."""
    if ":" in value.value:
        return {"replaced_by": value, "enabled": Value("on", value.source)}
    return {"enabled": value}


def instrumentations_of_model(
    model: Value[Any], settings: Settings, problems: list[Problem]
) -> Iterator[SelectedInstrumentation]:
    """Yield the configuration below ``instrumentation/development: python:``; add its secrets to those to mask."""
    node = model.at("instrumentation/development", "python")
    for name, node_properties in node.value.items() if node is not None and isinstance(node.value, Mapping) else ():
        properties = node_properties.value if isinstance(node_properties.value, Mapping) else {}
        yield _select(str(name), node_properties.source, properties, "", settings, problems)


def _select(
    name: str,
    source: Source,
    properties: Mapping[str, Value[Any]],
    subject: str,
    settings: Settings,
    problems: list[Problem],
) -> SelectedInstrumentation:
    """Separate the keys for distrokit from the keywords for ``instrument()``.

    Args:
        subject: of problems; empty for the key's place in the file.
        settings: receive the secrets among the keywords, to mask them.
    """
    for text in secrets_inside("", properties):
        settings.learn_secret(text)
    options = {str(key): value for key, value in properties.items()}
    enabled, replaced_by, init = (options.pop(key, None) for key in ("enabled", "replaced_by", "init"))
    for key, value in options.items():
        if word := guess_keyword(key, value.value):
            problems.append(misspelt_keyword_problem(subject or f"{value.source} {name}.{key}", name, word))
    on = _parse_enabled(enabled, subject or f"{source} {name}.enabled", problems) if enabled is not None else None
    if replaced_by is not None and not is_object_reference(replaced_by.value):
        problems.append(
            _invalid_problem(
                subject or f"{source} {name}.replaced_by",
                "it does not name a class",
                "it has no effect",
                "Write module:Class.",
            )
        )
        replaced_by = None
    init_options: dict[str, Value[Any]] = {}
    if init is not None and isinstance(init.value, Mapping):
        init_options = {
            str(key): value if isinstance(value, Value) else Value(value, init.source)
            for key, value in init.value.items()
        }
    elif init is not None:
        problems.append(
            _invalid_problem(
                subject or f"{source} {name}.init",
                "it is not a mapping of keywords for the class",
                "it has no effect",
                "Write a mapping of keywords to values.",
            )
        )
    return SelectedInstrumentation(name, source, on, replaced_by, options, init_options)


def _parse_enabled(enabled: Value[Any], subject: str, problems: list[Problem]) -> Value[bool] | None:
    plain = enabled.value
    on = plain if isinstance(plain, bool) else BOOLEANS.get(str(plain).lower())
    if on is not None:
        return Value(on, enabled.source)
    if enabled.source.kind == "file":
        words = "it is neither true nor false", "the instrumentation is on", "Write true or false."
    else:
        words = "it is not on, off or module:Class", "it has no effect", "Correct it, or unset it."
    problems.append(_invalid_problem(subject, *words))
    return None


def _invalid_problem(subject: str, cause: str, outcome: str, remedy: str) -> Problem:
    return Problem(
        code="setting-invalid", subject=subject, cause=cause, outcome=outcome, remedy=remedy, severity="warning"
    )


def _unknown_setting(subject: str, setting: str, found: Value[str], names: Collection[str]) -> Iterator[Problem]:
    """Report a setting that matches no instrumentation.

    A default, and ``off``, may name one that is not installed, unless the name is likely a misspelt one.
    """
    normal = not found.source.chosen or BOOLEANS.get(found.value.lower()) is False
    close = _find_closest(setting[len(INSTRUMENTATION) :].upper(), names, MISSPELT if normal else SUGGESTED)
    if normal and (not close or without_digits(INSTRUMENTATION + close) == without_digits(setting)):
        return
    yield Problem(
        code="setting-unknown",
        subject=subject,
        cause=f"no installed instrumentation matches it (available: {', '.join(names) or 'none'})",
        outcome="it has no effect",
        remedy=f"Did you mean {INSTRUMENTATION + close!r}?" if close else "Install its package, or unset it.",
        severity="warning",
    )


def _find_closest(rest: str, names: Collection[str], at_least: float) -> str:
    """Return ``FLASK_REQUEST_HOOK`` for ``FLSK_REQUEST_HOOK``; empty when no name is similar enough."""
    words = rest.split("_")
    best, found = at_least, ""
    for part in sorted({in_variable(name) for name in names}):
        # Compare as many words as the name has.
        count = part.count("_") + 1
        ratio = rate("_".join(words[:count]), part)
        if ratio > best:
            best, found = ratio, "_".join([part, *words[count:]])
    return found

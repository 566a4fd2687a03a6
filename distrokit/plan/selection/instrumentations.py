"""What is said of single instrumentations: by settings, and by a configuration file. Nothing is imported here.

Two words for the same things: ``DISTROKIT_INSTRUMENTATION_FLASK_EXCLUDED_URLS`` is ``flask: {excluded_urls: …}``
below ``instrumentation/development: python:``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

from distrokit.diagnostics import Problem
from distrokit.plan.selection.instrumentation_keywords import broken_json, intended, misspelt
from distrokit.plan.selection.selection import SelectedInstrumentation
from distrokit.settings.layers import LAUNCHER_PREFIX, Settings, is_secret
from distrokit.settings.object_references import is_object_reference
from distrokit.settings.own_settings import INSTRUMENTATION, is_of_one_instrumentation
from distrokit.settings.secret_values import HIDDEN, secrets_inside, without_secrets
from distrokit.settings.values import BOOLEANS, Source, Value

_WORD = re.compile(r"[\w-]+")

#: How alike a name must be to an installed one to be taken for that one misspelt.
_CLOSE = 0.6
#: And where one that is not installed is normal.
_NEARLY = 0.88


def in_variable(name: str) -> str:
    """The name of an instrumentation as it stands in the name of a variable: ``aio-pika`` as ``AIO_PIKA``."""
    return re.sub(r"\W", "_", name).upper()


def option_value(text: str) -> Any:
    """The text of a variable as the value it stands for: a JSON boolean, number, list, object or text, else itself.

    Never raises. ``True`` is a boolean, too; ``null`` is a text, since a keyword that is not given says the same.
    """
    import json

    try:
        value = json.loads(text.lower() if text.lower() in ("true", "false") else text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text
    return text if value is None else value


def shown_text(setting: str, text: str) -> str:
    """The text of a setting of one instrumentation as it may be shown.

    What was to be JSON, and is none, is not when it speaks of a secret: which part of it that is, nobody can say.
    """
    import json

    value = option_value(text)
    if is_secret(setting) or is_broken_secret(value) or (value is text and setting.endswith("_INIT")):
        return HIDDEN
    hidden = without_secrets(value, setting)
    return text if hidden == value else json.dumps(hidden, ensure_ascii=False)


def is_broken_secret(value: Any) -> bool:
    """Whether the value of a keyword is a text that was to be JSON, with a secret inside, and is none."""
    return isinstance(value, str) and value[:1] in ("{", "[", '"') and any(map(is_secret, _WORD.findall(value)))


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def split(rest: str, names: Collection[str]) -> tuple[list[str], str] | None:
    """``FLASK_REQUEST_HOOK`` as the instrumentations of that name and ``request_hook``, which is empty for ``FLASK``.

    Args:
        rest: of a variable's name, behind ``DISTROKIT_INSTRUMENTATION_``, in any case.
        names: of the instrumentations there are. The longest one that fits is meant.

    Returns: ``None`` when none fits.
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
    """One choice for every setting of one instrumentation.

    Args:
        names: of the instrumentations there are.
        problems: receives names that fit none, and what cannot be used.
    """
    set_here = {name.removeprefix(LAUNCHER_PREFIX) for name in settings.names_set()}
    for setting in sorted(filter(is_of_one_instrumentation, set_here)):
        found = settings.value(setting)
        if found is None:
            continue
        source = found.source
        subject = f"{source} {setting}" if source.kind in ("file", "project") else setting
        fitting = split(setting[len(INSTRUMENTATION) :], names)
        if fitting is None:
            problems += _unknown(subject, setting, found, names)
            continue
        meant, keyword = fitting
        if is_broken_secret(option_value(found.value)):
            settings.learn_secret(found.value)
        value: Value[Any] = Value(option_value(found.value), source, found.overridden)
        if keyword and (wrong := broken_json(found.value)):
            remedy = "Correct it; a text that begins so is a text in double quotes."
            problems.append(_invalid(subject, wrong, "the keyword is left out", remedy))
            continue
        if keyword.startswith("init_"):
            given = {"init": Value({keyword.removeprefix("init_"): value}, source)}
        elif keyword:
            given = {keyword: value}
        else:
            # The text itself: here 1 is a word for on.
            given = _switch(Value(found.value, source))
        for name in meant:
            yield _choice(name, source, given, f"{subject}={shown_text(setting, found.value)}", settings, problems)


def _switch(value: Value[str]) -> dict[str, Value[Any]]:
    """``on``, ``off``, or the class that replaces it."""
    if ":" in value.value:
        return {"replaced_by": value, "enabled": Value("on", value.source)}
    return {"enabled": value}


def instrumentations_of_model(
    model: Value[Any], settings: Settings, problems: list[Problem]
) -> Iterator[SelectedInstrumentation]:
    """What a configuration file says below ``instrumentation/development: python:``; the settings learn its secrets."""
    node = model.at("instrumentation/development", "python")
    for name, properties in node.value.items() if node is not None and isinstance(node.value, Mapping) else ():
        given = properties.value if isinstance(properties.value, Mapping) else {}
        yield _choice(str(name), properties.source, given, "", settings, problems)


def _choice(
    name: str,
    source: Source,
    given: Mapping[str, Value[Any]],
    subject: str,
    settings: Settings,
    problems: list[Problem],
) -> SelectedInstrumentation:
    """The keys that mean something to distrokit, and the others, which are for ``instrument()``.

    Args:
        subject: what problems call it; empty for the key's place in the file.
        settings: learn what among the keywords is a secret.
    """
    for text in secrets_inside("", given):
        settings.learn_secret(text)
    options = {str(key): value for key, value in given.items()}
    enabled, replaced_by, init = (options.pop(key, None) for key in ("enabled", "replaced_by", "init"))
    for key, value in options.items():
        if word := intended(key, value.value):
            problems.append(misspelt(subject or f"{value.source} {name}.{key}", name, word))
    on = _on(enabled, subject or f"{source} {name}.enabled", problems) if enabled is not None else None
    if replaced_by is not None and not is_object_reference(replaced_by.value):
        problems.append(
            _invalid(
                subject or f"{source} {name}.replaced_by",
                "it does not say where a class is",
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
            _invalid(
                subject or f"{source} {name}.init",
                "it holds no keywords for the class",
                "it has no effect",
                "Write a mapping of keywords to values.",
            )
        )
    return SelectedInstrumentation(name, source, on, replaced_by, options, init_options)


def _on(enabled: Value[Any], subject: str, problems: list[Problem]) -> Value[bool] | None:
    plain = enabled.value
    on = plain if isinstance(plain, bool) else BOOLEANS.get(str(plain).lower())
    if on is not None:
        return Value(on, enabled.source)
    if enabled.source.kind == "file":
        words = "it is neither true nor false", "the instrumentation is on", "Write true or false."
    else:
        words = "it is none of on, off and module:Class", "it has no effect", "Write one of them, or unset it."
    problems.append(_invalid(subject, *words))
    return None


def _invalid(subject: str, cause: str, outcome: str, remedy: str) -> Problem:
    return Problem(
        code="setting-invalid", subject=subject, cause=cause, outcome=outcome, remedy=remedy, severity="warning"
    )


def _unknown(subject: str, setting: str, found: Value[str], names: Collection[str]) -> Iterator[Problem]:
    """What a distro or a plugin says of many, and ``off``, is normal for what is not installed, unless it is nearly."""
    normal = not found.source.chosen or BOOLEANS.get(found.value.lower()) is False
    close = _meant(setting[len(INSTRUMENTATION) :].upper(), names, _NEARLY if normal else _CLOSE)
    if normal and (not close or _same_but_digits(INSTRUMENTATION + close, setting)):
        return
    yield Problem(
        code="setting-unknown",
        subject=subject,
        cause=f"no instrumentation that it could be about is installed (there are {', '.join(names) or 'none'})",
        outcome="it has no effect",
        remedy=f"Did you mean {INSTRUMENTATION + close!r}?" if close else "Install its package, or unset it.",
        severity="warning",
    )


def _same_but_digits(one: str, other: str) -> bool:
    """``urllib`` and ``urllib3`` are two libraries."""
    return re.sub(r"\d", "", one) == re.sub(r"\d", "", other.upper())


def _meant(rest: str, names: Collection[str], at_least: float) -> str:
    """``FLASK_REQUEST_HOOK`` for ``FLSK_REQUEST_HOOK``; empty when no name is close enough."""
    words = rest.split("_")
    best, found = at_least, ""
    for part in sorted({in_variable(name) for name in names}):
        # As many words as the name has.
        count = part.count("_") + 1
        ratio = SequenceMatcher(None, "_".join(words[:count]), part).ratio()
        if ratio > best:
            best, found = ratio, "_".join([part, *words[count:]])
    return found

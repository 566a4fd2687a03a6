"""The semantic conventions that a configuration file selects, as the value of ``OTEL_SEMCONV_STABILITY_OPT_IN``.

Source: the schema's ``ExperimentalSemconvConfig``, and ``opentelemetry.instrumentation._semconv`` for the values that
Python's instrumentations support.
"""

from __future__ import annotations

from typing import Any

from distrokit.diagnostics import Problem
from distrokit.settings.suggestions import did_you_mean
from distrokit.settings.values import Source, Value

#: Areas with a stable version, and their values. ``http/dup`` also emits the old version.
_STABLE = {"http": "http", "db": "database"}
_GEN_AI = "gen_ai_latest_experimental"
_WORDS = ("http", "http/dup", "database", "database/dup", _GEN_AI)


def opt_ins(general: Value[Any] | None, problems: list[Problem]) -> Value[str] | None:
    """Return the opt-ins of every ``semconv`` node and of the weaker list; ``None`` when there are none.

    Args:
        general: ``instrumentation/development: general:``.
        problems: receives what no Python instrumentation supports.
    """
    if general is None:
        return None
    words: dict[str, Source] = {}
    decided: list[str] = []
    for area, word in {**_STABLE, "gen_ai": _GEN_AI}.items():
        node = general.at(area, "semconv")
        if node is None or node.value is None:
            continue
        decided += [word, f"{word}/dup"]
        if wanted := (_gen_ai if area == "gen_ai" else _stable)(node, area, problems):
            words[wanted] = node.source
    listed = general.at("stability_opt_in_list")
    if listed is not None:
        for item in filter(None, map(str.strip, str(listed.value).split(","))):
            if item not in _WORDS:
                outcome, remedy = (
                    "it has no effect",
                    did_you_mean(item, _WORDS) or f"Known values: {', '.join(_WORDS)}.",
                )
                problems.append(_unsupported(listed, f"stability_opt_in_list={item}", outcome, remedy))
            if item not in decided:
                words.setdefault(item, listed.source)
    return Value(",".join(words), next(iter(words.values()))) if words else None


def _stable(node: Value[Any], area: str, problems: list[Problem]) -> str:
    """Return the opt-in of an area with a stable version; empty for the old one. The default is the latest version."""
    version, experimental, dual = (_plain(node, key) for key in ("version", "experimental", "dual_emit"))
    if experimental:
        outcome, remedy = "it has no effect", "Remove it."
        problems.append(_unsupported(_at(node, "experimental"), f"{area}.semconv.experimental", outcome, remedy))
    if version not in (None, 0, 1):
        outcome, remedy = "the instrumentations use their default", "Write version: 1."
        problems.append(_unsupported(_at(node, "version"), f"{area}.semconv.version={version}", outcome, remedy))
    if version not in (None, 1):
        return ""
    return _STABLE[area] + ("/dup" if dual else "")


def _gen_ai(node: Value[Any], area: str, problems: list[Problem]) -> str:
    """Return the opt-in to the latest experimental conventions; there are no stable ones yet."""
    if _plain(node, "dual_emit"):
        outcome, remedy = "only one version is emitted", "Remove it."
        problems.append(_unsupported(_at(node, "dual_emit"), f"{area}.semconv.dual_emit", outcome, remedy))
    return _GEN_AI if _plain(node, "experimental") or _plain(node, "version") else ""


def _plain(node: Value[Any], key: str) -> Any:
    child = node.at(key)
    return None if child is None else child.value


def _at(node: Value[Any], key: str) -> Value[Any]:
    return node.at(key) or node


def _unsupported(node: Value[Any], part: str, outcome: str, remedy: str) -> Problem:
    return Problem(
        code="file-part-unsupported",
        subject=f"{node.source} {part}",
        cause="no OpenTelemetry Python instrumentation supports it",
        outcome=outcome,
        remedy=remedy,
        severity="warning",
    )

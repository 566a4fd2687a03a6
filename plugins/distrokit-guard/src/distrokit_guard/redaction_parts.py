"""The parts of the pipeline that redact: one engine for all signals of a process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextvars import Context
from typing import TYPE_CHECKING, Any

from distrokit import BuildContext, Instrument, Problem, Reader, Value
from distrokit_guard.redaction_parameters import (
    RULES,
    CheckedPatterns,
    InvalidRedactionError,
    read_patterns,
    redaction_parameters,
)

if TYPE_CHECKING:
    from distrokit_guard.redaction.redactor import Redactor

# A child of OpenTelemetry's logger: it reaches stderr whatever the application logs.
_logger = logging.getLogger("opentelemetry.sdk.distrokit_guard")

#: A rule that matches every item is reported from so many items on.
_ENOUGH = 100
#: Rules that are named in a message.
_NAMED = 5


def make_redactor(arguments: Mapping[str, Any], checked: CheckedPatterns) -> Redactor:
    """Make the engine of the values that :func:`~distrokit_guard.redaction_parameters.redaction_parameters` reads.

    Args:
        checked: the patterns that were checked already.

    Raises:
        InvalidRedactionError: a rule was refused.
        ValueError: there are no rules.
    """
    patterns, problems = read_patterns(arguments, checked)
    if problems:
        raise InvalidRedactionError(problems[0])
    if not (arguments.get("kinds") or arguments.get("keys") or patterns):
        raise ValueError(f"there is nothing to redact; set {' or '.join(RULES)}")
    # Imported here, since declaring the processor is for everybody.
    from distrokit_guard.redaction.redactor import Redactor, Rules

    return Redactor(
        Rules(
            kinds=arguments["kinds"],
            keys=arguments["keys"],
            patterns=tuple(patterns),
            action=arguments["action"],
            hash_key=arguments["hash_secret"].encode(),
            longest=arguments["max_value_length"],
        )
    )


class RedactionParts:
    """Makes the parts of one plan; those with equal rules share an engine, and its memory."""

    def __init__(self) -> None:
        self._redactors: dict[str, Redactor] = {}
        self._checked: CheckedPatterns = {}
        # By signal, what forbids to redact it.
        self._problems: dict[str | None, list[Problem]] = {}

    def parameters(self, reader: Reader) -> dict[str, Value[Any]]:
        """Read the rules; patterns are checked once for all signals."""
        parameters, self._problems[reader.signal] = redaction_parameters(reader, self._checked)
        return parameters

    def make_transform(self, context: BuildContext) -> RedactingTransform:
        """Return the part that redacts finished items.

        Raises:
            ValueError: see :func:`make_redactor`.
        """
        redactor = self._redactor(context)
        return RedactingTransform(_walker(context.signal, redactor), redactor)

    def make_measurement_filter(self, context: BuildContext) -> Callable[[Instrument], Any]:
        """Return what redacts the attributes of measurements before they are aggregated.

        Raises:
            ValueError: see :func:`make_redactor`.
        """
        redactor = self._redactor(context)

        def redact(attributes: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
            return redactor.attributes(attributes) if attributes else attributes

        return lambda instrument: redact

    def _redactor(self, context: BuildContext) -> Redactor:
        problems = self._problems.get(context.signal)
        if problems:
            raise InvalidRedactionError(problems[0])
        key = repr(sorted(context.arguments.items()))
        if key not in self._redactors:
            self._redactors[key] = make_redactor(context.arguments, self._checked)
        return self._redactors[key]


def _walker(signal: str | None, redactor: Redactor) -> Callable[[Any], Any]:
    if signal == "traces":
        from distrokit_guard.redaction.spans import SpanRedactor

        return SpanRedactor(redactor)
    if signal == "logs":
        from distrokit_guard.redaction.logs import LogRedactor

        return LogRedactor(redactor)
    from distrokit_guard.redaction.metrics import MetricRedactor

    return MetricRedactor(redactor)


class RedactingTransform:
    """Redacts the items of one signal.

    Args:
        walk: redacts one item.
        redactor: the engine.
    """

    records_nothing = True

    def __init__(self, walk: Callable[[Any], Any], redactor: Redactor) -> None:
        self._walk, self._redactor = walk, redactor

    def __call__(self, item: Any) -> Any:
        return self._walk(item)

    def forked(self) -> None:
        """Count from the beginning."""
        self._redactor.statistics.forget()

    def finish(self) -> None:
        """Log the rules that were of no use; once, since the signals share an engine."""
        statistics = self._redactor.statistics
        if statistics.items >= _ENOUGH:
            _say("matched nothing", self._redactor.find_idle_rules(), statistics.items)
            _say("matched in every item", statistics.find_greedy(), statistics.items)
        statistics.forget()


def _say(what: str, rules: list[str], items: int) -> None:
    if rules:
        more = f" and {len(rules) - _NAMED} more" if len(rules) > _NAMED else ""
        text = f"redaction: {', '.join(rules[:_NAMED])}{more} {what} ({items:,} items)"
        Context().run(_logger.info, "%s", text)

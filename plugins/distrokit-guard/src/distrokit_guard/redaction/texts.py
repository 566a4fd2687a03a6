"""Redacts one text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from distrokit_guard.redaction.finding import Finding, ValueRules
from distrokit_guard.redaction.json_texts import DEEPEST, NotJSONError, looks_like_json, redact_json
from distrokit_guard.redaction.keys_in_texts import find_keyed_values
from distrokit_guard.redaction.masking import KEY, LENGTH, UNSAFE, Masking
from distrokit_guard.redaction.quick_test import KnownValues, QuickTest, make_quick_test
from distrokit_guard.redaction.statistics import Statistics

#: Characters beyond the limit that are scanned, too, so that a secret at the limit is found.
_BEYOND = 4096
#: A text is cut at the end of a word, if there is one within so many characters.
_LONGEST_WORD = 1024
#: A text is redacted until nothing changes, at most so many times.
_ROUNDS = 8


class TextRedactor:
    """Redacts texts until nothing in them is found again, so that redacting twice gives the same.

    Args:
        values: rules about values.
        masking: makes the replacements.
        longest: of a text, in characters; a longer one is cut.
        match_key: tells whether the value of a key is redacted; ``None`` if there are no rules about keys.
        statistics: counts the matches.

    Attributes:
        may_change: tells whether a text may change; false is certain. It is much cheaper than :meth:`redact`.
        known: values that stay as they are.
    """

    def __init__(
        self,
        values: ValueRules,
        masking: Masking,
        longest: int,
        match_key: Callable[[str], bool] | None,
        statistics: Statistics,
    ) -> None:
        self._values, self._masking, self._longest = values, masking, longest
        self._match_key, self._statistics = match_key, statistics
        self._end = " " + masking.mark(LENGTH)
        self.known = KnownValues()
        self.may_change: QuickTest = make_quick_test(
            values.kinds, values.index, longest, self.known, has_keys=match_key is not None
        )

    def redact(self, text: str, redact_value: Callable[[Any, int], Any], depth: int = 0) -> str:
        """Return the text without secrets; the same object if nothing changed.

        Args:
            redact_value: redacts a value that was JSON, at a depth.
            depth: the number of texts around this one that were JSON.
        """
        before = text
        for _ in range(_ROUNDS):
            after = self._redact_once(before, redact_value, depth)
            if before.endswith(self._end) and not after.endswith(self._end):
                # A place that lasts to the end of the text, which was cut before.
                after = after + self._end if len(after) + len(self._end) <= self._longest else self._cut(after)
            if after == before:
                return text if after == text else after
            before = after
        return self._masking.mark(UNSAFE)

    def _redact_once(self, text: str, redact_value: Callable[[Any, int], Any], depth: int) -> str:
        if len(text) <= self._longest and looks_like_json(text):
            if depth >= DEEPEST:
                return self._masking.mark(UNSAFE)
            try:
                text = redact_json(text, lambda value: redact_value(value, depth + 1))
            except NotJSONError:
                pass
            except (RecursionError, TypeError, OverflowError):
                # It is JSON that cannot be looked at.
                return self._masking.mark(UNSAFE)
        is_long = len(text) > self._longest
        scanned = text[: self._longest + _BEYOND] if is_long else text
        redacted = self._replace(scanned, self.find(scanned), self._longest if is_long else len(text))
        return self._cut(redacted) if is_long or len(redacted) > self._longest else redacted

    def find(self, text: str) -> list[Finding]:
        """Return all places of secrets in a text, in no order; they may overlap."""
        found = self._values.find(text)
        if self._match_key is not None and ":" in text:
            places = find_keyed_values(text, self._match_key, self._masking.end_of_placeholder)
            found += [(*place, KEY) for place in places]
        return found

    def _replace(self, text: str, found: list[Finding], limit: int) -> str:
        """Return the text up to the limit, with each group of overlapping places that begins in front of it replaced.

        Nothing behind the limit is returned, since places behind what was scanned are not known.
        """
        protected = list(self._masking.placeholders(text)) if found else []
        if protected:
            ends = [end for _, end in protected]
            found = [place for finding in found for place in _leave_out(finding, protected, ends)]
        found = [finding for finding in found if finding[0] < limit]
        for _, _, rule in found:
            self._statistics.count(rule)
        pieces, place = [], 0
        for start, end, rule in _merge(found):
            pieces += [text[place:start], self._masking.replace(text[start:end], rule)]
            place = end
        return "".join(pieces) + text[place:limit] if pieces else text[:limit]

    def _cut(self, text: str) -> str:
        """Return the beginning of a text that is left out in part, within the limit; its end says that it was cut."""
        end = min(self._longest - len(self._end), len(text))
        blank = max(text.rfind(blank, max(end - _LONGEST_WORD, 0), end) for blank in " \n\t,;&\"'")
        end = blank if blank > 0 else end
        for start, stop in self._masking.placeholders(text):
            if start < end < stop:
                end = start
        return text[:end] + self._end


def _leave_out(finding: Finding, protected: list[tuple[int, int]], ends: list[int]) -> list[Finding]:
    """Return the place, made longer by the placeholders that it cuts; nothing if it has nothing but placeholders.

    Args:
        protected: the placeholders, in order.
        ends: of the placeholders.
    """
    start, end, rule = finding
    inside, number = 0, bisect_right(ends, start)
    while number < len(protected) and protected[number][0] < end:
        left, right = protected[number]
        inside += right - left
        start, end = min(start, left), max(end, right)
        number += 1
    return [(start, end, rule)] if end - start > inside else []


def _merge(found: list[Finding]) -> list[Finding]:
    """Return places that do not overlap, in order; of overlapping ones the rule of the longest is named."""
    merged: list[Finding] = []
    longest = 0
    for start, end, rule in sorted(found):
        if merged and start < merged[-1][1]:
            first, stop, name = merged[-1]
            if end - start > longest:
                longest, name = end - start, rule
            merged[-1] = (first, max(stop, end), name)
        else:
            longest = end - start
            merged.append((start, end, rule))
    return merged

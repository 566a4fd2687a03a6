"""Asks somebody, again and again, how this process shall behave; where Elastic's distro speaks OpAMP."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from distrokit import Problem, start_thread

if TYPE_CHECKING:
    from distrokit import Pipeline

LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
    "off": logging.CRITICAL + 10,
}
_TIMEOUT_SECONDS = 2.0
_LARGEST = 65_536


class Remote:
    """One per plan; what it steers is given it as a parameter, and tells it how to be told.

    Args:
        url: answers with JSON: ``sampling_rate``, ``logging_level``, ``deactivate_instrumentations``, each text. What is not in it
            goes back to what it was at the start.
        headers: sent with each question.
        interval_millis: between two questions, in milliseconds.

    Attributes:
        on_ratio: called with a ratio; ``None`` for that of the start.
        on_silence: called with names of instrumentations; ``None`` for none.
    """

    def __init__(self, url: str, headers: Mapping[str, str], interval_millis: int) -> None:
        self.on_ratio: list[Callable[[float | None], None]] = []
        self.on_silence: list[Callable[[list[str] | None], None]] = []
        self._url, self._headers, self._interval = url, dict(headers), interval_millis / 1000
        self._last: Any = {}
        self._said = ""
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        """As `distrokit explain` shows it."""
        return f"asks every {self._interval:g} s"

    def start(self, pipeline: Pipeline) -> None:
        """Begin to ask; in a forked child once more, since threads stay behind."""
        self._end = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(pipeline, self._end), name="elastic-example", daemon=True
        )
        start_thread(self._thread)

    def stop(self) -> None:
        """Ask no more; waits a moment for an answer that is on its way."""
        self._end.set()
        if self._thread is not None:
            self._thread.join(_TIMEOUT_SECONDS / 4)

    def _run(self, pipeline: Pipeline, end: threading.Event) -> None:
        from opentelemetry.instrumentation.utils import suppress_instrumentation

        service = str(pipeline.resource.attributes["service.name"]) if pipeline.resource else ""
        # It must not make spans of its own questions.
        with suppress_instrumentation():
            while not end.is_set():
                try:
                    self._take(pipeline, self._ask(service))
                    self._said = ""
                except Exception as error:
                    self._complain(pipeline, error)
                end.wait(self._interval)

    def _ask(self, service: str) -> Any:
        headers = {**self._headers, "X-Service-Name": quote(service)}
        request = Request(self._url, headers=headers)  # noqa: S310  # settings.py lets these schemes pass
        with urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return json.loads(answer.read(_LARGEST))

    def _take(self, pipeline: Pipeline, answer: Any) -> None:
        if answer == self._last:
            return
        # All of it is understood before any of it counts.
        ratio, level, silence = _ratio(answer), _level(answer), _silence(answer)
        first = pipeline.plan.settings.log_level
        pipeline.set_log_level(level if level is not None else logging.WARNING if first is None else first)
        for tell_silence in self.on_silence:
            tell_silence(silence)
        for tell_ratio in self.on_ratio:
            tell_ratio(ratio)
        self._last = answer

    def _complain(self, pipeline: Pipeline, error: Exception) -> None:
        """Once, until it is mended or something else is wrong."""
        if str(error) != self._said:
            self._said = str(error)
            pipeline.report(
                Problem(
                    code="elastic-example-remote",
                    subject="remote configuration",
                    cause=self._said,
                    outcome="what was said last goes on to count",
                    remedy="Look at what the URL answers.",
                    severity="warning",
                )
            )


def _text(answer: Any, key: str) -> str:
    if not isinstance(answer, dict) or not isinstance(answer.get(key, ""), str):
        raise TypeError(f"the answer is no object of texts, at {key}")
    return str(answer.get(key, "")).strip()


def _ratio(answer: Any) -> float | None:
    text = _text(answer, "sampling_rate")
    ratio = float(text) if text else None
    if ratio is not None and not 0 <= ratio <= 1:
        raise ValueError(f"sampling_rate is {text}, and not from 0 to 1")
    return ratio


def _level(answer: Any) -> int | None:
    text = _text(answer, "logging_level").lower()
    if text and text not in LEVELS:
        raise ValueError(f"logging_level is {text}, and none of {', '.join(LEVELS)}")
    return LEVELS.get(text)


def _silence(answer: Any) -> list[str] | None:
    text = _text(answer, "deactivate_instrumentations")
    return [name.strip() for name in text.split(",") if name.strip()] or None

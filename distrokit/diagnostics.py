"""distrokit's messages: problems as values, and the channel that prints them to stderr.

The channel writes to ``sys.stderr`` and not to :mod:`logging`, because the application's logging
set-up, or the logging instrumentation, may send log records into the pipeline that is broken
(opentelemetry-python#2594). Nothing here writes to stdout.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
import zlib
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

#: True while this thread writes to stderr, which an application may have redirected to its logging.
WRITING: ContextVar[bool] = ContextVar("distrokit_writing", default=False)

Severity = Literal["error", "warning"]

#: Values of ``OTEL_LOG_LEVEL``, each with its :mod:`logging` level.
LOG_LEVELS: dict[str, int] = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 10,
    "off": logging.CRITICAL + 10,
}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A fault that was found, with its outcome and remedy.

    Attributes:
        code: stable identifier, for example ``exporter-unknown``; documented in ``docs/problems.md``.
        subject: the faulty part: a setting (``OTEL_TRACES_EXPORTER=consol``) or a plugin
            (``plugin acme (acme-otel 1.2)``). Never holds a secret.
        cause: the fault.
        outcome: what distrokit did instead.
        remedy: how to repair it.
        severity: ``error`` if a part was left out, ``warning`` if a value was replaced.
        detail: a traceback, printed at ``OTEL_LOG_LEVEL=debug`` only; empty for none.
    """

    code: str
    subject: str
    cause: str
    outcome: str
    remedy: str
    severity: Severity = "error"
    detail: str = field(default="", repr=False, compare=False)

    def __str__(self) -> str:
        """Return one line, not shortened: secrets must be masked before it is cut."""
        return folded(f"{self.subject}: {self.cause}; {self.outcome}. {self.remedy}")


class StrictError(SystemExit):
    """Raised under ``DISTROKIT_STRICT=1`` instead of continuing without the faulty part.

    It is a ``SystemExit`` because OpenTelemetry's loader swallows every ``Exception``; its code is
    78 (``EX_CONFIG``).
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__(78)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "; ".join(map(str, self.problems))


class Mask:
    """Replaces secrets in a text by ``****``.

    Args:
        secrets: texts that must not appear, such as the values of headers. Those shorter than six
            characters are ignored, since they may be ordinary words.
    """

    # The user of a URL, up to the last "@" before its path, with or without a scheme; and its query.
    _USER = re.compile(r"(?<=://)[^/\s]+(?=@)|(?<![\w/:.])[\w.+-]+:[^\s/@]+(?=@\S)")
    _QUERY = re.compile(r"(?<=\?)[^\s#'\"]+")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._secrets: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Add texts that must not appear."""
        # In every form that a message may contain: folded, quoted, escaped, line by line.
        forms = {
            form
            for secret in secrets
            for form in (secret, folded(secret), repr(secret)[1:-1], quote(secret), *secret.splitlines())
        }
        new = {form.strip() for form in forms if len(form.strip()) >= 6} - self._known
        if new:
            self._known |= new
            known = sorted(self._known, key=len, reverse=True)
            # Short secrets as whole words only, since they may be part of a longer name.
            self._secrets = re.compile(
                "|".join(re.escape(s) if len(s) >= 12 else rf"(?<!\w){re.escape(s)}(?!\w)" for s in known)
            )

    def __call__(self, text: str) -> str:
        """Return the text with secrets, and the user part and query of URLs, masked."""
        if self._secrets is not None:
            text = self._secrets.sub("****", text)
        if "@" in text:
            text = self._USER.sub("****", text)
        return self._QUERY.sub("****", text) if "://" in text else text


class Channel:
    """Prints each problem once, as one line on stderr.

    Args:
        level: a :mod:`logging` level; messages below it are not printed.
        mask: masks secrets in messages.
        said: digests of messages that a parent process printed, which are not printed again; new ones are added.
    """

    def __init__(
        self, level: int = logging.WARNING, mask: Mask | None = None, said: dict[str, None] | None = None
    ) -> None:
        self.level = level
        self.mask = mask or Mask()
        self.said: dict[str, None] = {} if said is None else said

    def problems(self, problems: Iterable[Problem]) -> None:
        """Print the problems that this channel has not printed before."""
        for problem in problems:
            level = logging.ERROR if problem.severity == "error" else logging.WARNING
            if self.say(level, str(problem)) and problem.detail and self.level <= logging.DEBUG:
                write(self.mask(problem.detail.rstrip()))

    def say(self, level: int, text: str, *, again: bool = False) -> bool:
        """Print ``text`` unless it is below the level or was printed before; return whether it was printed.

        Args:
            again: print it even if it was printed before, for counts that are repeated every minute.
        """
        text = visible(one_line(self.mask(text)))
        digest = f"{zlib.crc32(text.encode(errors='replace')):08x}"
        if level < self.level or (digest in self.said and not again):
            return False
        if not again:
            # Not for repeated messages: the digests would grow with each.
            self.said[digest] = None
        write(f"distrokit: {text}")
        return True


def write(text: str) -> None:
    """Write a line to stderr; a closed or missing stderr is ignored."""
    stream = sys.stderr
    if stream is None:
        return
    token = WRITING.set(True)
    try:
        try:
            stream.write(text + "\n")
        except UnicodeEncodeError:
            stream.write(text.encode("ascii", "backslashreplace").decode() + "\n")
        stream.flush()
    except Exception:  # noqa: S110  (sys.stderr may be any object of the application)
        pass
    finally:
        WRITING.reset(token)


def write_to_terminal() -> bool:
    """True if stderr is a terminal."""
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except (OSError, ValueError):
        return False


def one_line(text: str, limit: int = 600) -> str:
    """Return the text as one line, cut at ``limit`` characters."""
    line = folded(text)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def visible(text: str) -> str:
    """Return the text with characters that could control a terminal escaped."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    return character if character == "\n" else character.encode("unicode_escape").decode()


def folded(text: str) -> str:
    """Return the text with each run of white space as one blank."""
    return " ".join(text.split())


def quantity(number: int, one: str, many: str = "") -> str:
    """Return, for example, ``1 span`` or ``7,168 spans``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def describe_exception(error: BaseException) -> str:
    """Return ``ValueError: the message`` on one line; only the class name if there is no message."""
    try:
        text = folded(str(error))
    except Exception:
        text = "(its message cannot be shown)"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def trace_of(error: BaseException) -> str:
    """Return the traceback as text, for :attr:`Problem.detail`."""
    return "".join(traceback.format_exception(error))


def contain(error: BaseException) -> None:
    """Re-raise ``KeyboardInterrupt`` and :class:`StrictError`, which the user wants; ignore all other exceptions.

    While distrokit starts, no other exception may keep the application from running, including
    ``SystemExit`` and the ``BaseException`` of a native extension's panic.
    """
    if isinstance(error, (KeyboardInterrupt, StrictError)):
        raise error

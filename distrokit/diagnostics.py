"""distrokit's own voice: problems as values, and the channel to stderr that nothing can swallow.

The channel writes to ``sys.stderr`` and not to :mod:`logging`, because a logging set-up of the
application, or the logging instrumentation, may send log records into the very pipeline that is
broken (opentelemetry-python#2594). Nothing here ever writes to stdout.
"""

from __future__ import annotations

import difflib
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

#: Whether this thread is writing to stderr: an application may have sent that to its logging.
WRITING: ContextVar[bool] = ContextVar("distrokit_writing", default=False)

Severity = Literal["error", "warning"]

#: ``OTEL_LOG_LEVEL`` values and the :mod:`logging` level each one stands for.
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
    """Something that was not as it should be, what was done instead, and the way to mend it.

    Attributes:
        code: stable identifier, for example ``exporter-unknown``; documented in ``docs/problems.md``.
        subject: what it is about: a setting (``OTEL_TRACES_EXPORTER=consol``) or a plugin
            (``plugin acme (acme-otel 1.2)``). Never holds a secret.
        cause: what was found.
        outcome: what distrokit did instead.
        remedy: the way to mend it.
        severity: ``error`` when a part was left out, ``warning`` when a value was replaced.
        detail: a traceback, printed at ``OTEL_LOG_LEVEL=debug`` only; empty when there is none.
    """

    code: str
    subject: str
    cause: str
    outcome: str
    remedy: str
    severity: Severity = "error"
    detail: str = field(default="", repr=False, compare=False)

    def __str__(self) -> str:
        """One line, as long as it needs to be: it is masked before it is cut."""
        return folded(f"{self.subject}: {self.cause}; {self.outcome}. {self.remedy}")


class StrictError(SystemExit):
    """Raised under ``DISTROKIT_STRICT=1`` instead of going on without the part that is at fault.

    It is a ``SystemExit`` because OpenTelemetry's loader swallows every ``Exception``; its code is
    78 (``EX_CONFIG``).
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__(78)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "; ".join(map(str, self.problems))


class Mask:
    """Takes secrets out of any text that is about to be shown.

    Args:
        secrets: texts that must not appear, such as the values of headers. Shorter than six
            characters they are ignored: such a value is as likely a word that messages need.
    """

    # The user of a URL, up to the last "@" before its path, with or without a scheme; and its query.
    _USER = re.compile(r"(?<=://)[^/\s]+(?=@)|(?<![\w/:.])[\w.+-]+:[^\s/@]+(?=@\S)")
    _QUERY = re.compile(r"(?<=\?)[^\s#'\"]+")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._secrets: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """More texts that must not appear."""
        # In every form in which a message may have it: folded, quoted, escaped, line by line.
        forms = {
            form
            for secret in secrets
            for form in (secret, folded(secret), repr(secret)[1:-1], quote(secret), *secret.splitlines())
        }
        new = {form.strip() for form in forms if len(form.strip()) >= 6} - self._known
        if new:
            self._known |= new
            known = sorted(self._known, key=len, reverse=True)
            # Short ones as whole words only: they may be part of a longer name.
            self._secrets = re.compile(
                "|".join(re.escape(s) if len(s) >= 12 else rf"(?<!\w){re.escape(s)}(?!\w)" for s in known)
            )

    def __call__(self, text: str) -> str:
        """The text without secrets, without the user part of URLs and without their query."""
        if self._secrets is not None:
            text = self._secrets.sub("****", text)
        if "@" in text:
            text = self._USER.sub("****", text)
        return self._QUERY.sub("****", text) if "://" in text else text


class Channel:
    """Prints each problem once, as one line on stderr.

    Args:
        level: a :mod:`logging` level; what is below it is not printed.
        mask: takes secrets out of what is printed.
        said: digests of what a parent process has said, which is not said again; grows.
    """

    def __init__(
        self, level: int = logging.WARNING, mask: Mask | None = None, said: dict[str, None] | None = None
    ) -> None:
        self.level = level
        self.mask = mask or Mask()
        self.said: dict[str, None] = {} if said is None else said

    def problems(self, problems: Iterable[Problem]) -> None:
        """Print those problems that this channel has not printed before."""
        for problem in problems:
            level = logging.ERROR if problem.severity == "error" else logging.WARNING
            if self.say(level, str(problem)) and problem.detail and self.level <= logging.DEBUG:
                write(self.mask(problem.detail.rstrip()))

    def say(self, level: int, text: str, *, again: bool = False) -> bool:
        """Print ``text`` unless it is below the level or was said before; tell whether it was printed.

        Args:
            again: it may be said before: a count that is the same as a minute ago is still news.
        """
        text = visible(one_line(self.mask(text)))
        digest = f"{zlib.crc32(text.encode(errors='replace')):08x}"
        if level < self.level or (digest in self.said and not again):
            return False
        if not again:
            # What is said every minute must not grow every minute.
            self.said[digest] = None
        write(f"distrokit: {text}")
        return True


def write(text: str) -> None:
    """Write a line to stderr; a closed or missing stderr never disturbs the application."""
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
    except Exception:  # noqa: S110  (whatever the application has put there)
        pass
    finally:
        WRITING.reset(token)


def write_to_terminal() -> bool:
    """Whether stderr is a terminal."""
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except (OSError, ValueError):
        return False


def one_line(text: str, limit: int = 600) -> str:
    """Fold white space, so a message stays one line, and cut it at ``limit`` characters."""
    line = folded(text)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def visible(text: str) -> str:
    """What could control a terminal, whoever put it there, as its escape."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(character: str) -> str:
    return character if character == "\n" else character.encode("unicode_escape").decode()


def folded(text: str) -> str:
    """Every run of white space as one blank."""
    return " ".join(text.split())


def quantity(number: int, one: str, many: str = "") -> str:
    """``1 span``, ``7,168 spans``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def describe_exception(error: BaseException) -> str:
    """``ValueError: the message`` on one line; the bare class name where there is no message."""
    try:
        text = folded(str(error))
    except Exception:
        text = "(its message cannot be shown)"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def trace_of(error: BaseException) -> str:
    """The traceback as text, for :attr:`Problem.detail`."""
    return "".join(traceback.format_exception(error))


def contain(error: BaseException) -> None:
    """Re-raise what is not a plugin's fault but the user's will: Ctrl-C, and a strict end.

    Everything else is contained while distrokit starts, ``SystemExit`` and the ``BaseException`` of a
    native extension's panic included: none of it may keep the application from running.
    """
    if isinstance(error, (KeyboardInterrupt, StrictError)):
        raise error


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """``Did you mean 'console'?`` or nothing; case is ignored. ``cutoff``: 0 takes anything, 1 only itself."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return f"Did you mean {by_lower[close[0]]!r}?" if close else ""

"""What is known of one provider: its last good set, and what was reported of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, NamedTuple

from distrokit import Problem, shorten_cause
from distrokit_policy.engine.reading import NotASetError, ReadPolicies, read_policies
from distrokit_policy.runtime.trial import Rollout, read_rollout

#: The most policies of one set that are reported one by one.
MOST_REPORTS = 20
_VALIDATE = "`distrokit policy validate FILE` checks a file"


#: The time between two questions if the provider does not say it, in seconds.
_USUAL_INTERVAL = 1.0


class Answer(NamedTuple):
    """A new set."""

    read: ReadPolicies
    rollout: Rollout | None


def _interval_of(provider: Any) -> float:
    """Return the time between two questions, in seconds."""
    value = getattr(provider, "interval_seconds", _USUAL_INTERVAL)
    return min(float(value), _LONGEST_INTERVAL) if value > _SHORTEST_INTERVAL else _USUAL_INTERVAL


_SHORTEST_INTERVAL, _LONGEST_INTERVAL = 0.05, 24 * 3600.0


@dataclass
class Source:
    """One provider.

    Attributes:
        name: as it is shown: ``file /etc/otel/policies.yaml``.
        provider: with the methods of :class:`distrokit.PolicyProvider`.
        read: its last good set.
        rollout: of that set; ``None`` if it is for all, at once.
        in_use: the set that is applied in this process.
        accepted: the last set that was not on trial, or has passed it.
        state: of ``read``, as it is reported.
        due: when it is asked next, on the monotonic clock.
    """

    name: str
    provider: Any
    read: ReadPolicies = field(default_factory=ReadPolicies)
    rollout: Rollout | None = None
    due: float = 0.0
    errors: list[str] = field(default_factory=list)
    in_use: ReadPolicies = field(default_factory=ReadPolicies)
    accepted: ReadPolicies = field(default_factory=ReadPolicies)
    state: str = "applied"
    _told: object = None
    _warned: str = ""
    _before: tuple[str, list[str]] | None = None

    def accept(self) -> None:
        """Use the last good set from now on."""
        self.in_use = self.accepted = self.read
        self.state = "partly applied" if self.read.errors else "applied"
        self.call("accepted")

    @property
    def wants_reports(self) -> bool:
        """Whether the provider wants to know what becomes of its sets."""
        return callable(getattr(self.provider, "report", None))

    def call(self, method: str, *arguments: object) -> None:
        """Call an optional method of the provider; what it raises is its own affair."""
        found = getattr(self.provider, method, None)
        if callable(found):
            with suppress(Exception, SystemExit):
                found(*arguments)

    def ask(self, method: str, problems: list[Problem]) -> Answer | None:
        """Ask the provider; return its new set, if there is one. Problems are added, and nothing is raised."""
        self.due = monotonic() + _USUAL_INTERVAL
        try:
            self.due = monotonic() + _interval_of(self.provider)
            data = getattr(self.provider, method)()
            self._add_warning(problems)
            self._reached()
            if data is None:
                return None
            read = read_policies(data, self.name)
            return Answer(read, read_rollout(data) if isinstance(data, Mapping) else None)
        except NotASetError as error:
            self._refuse(str(error), self.name, problems)
        except (Exception, SystemExit) as error:
            if getattr(error, "is_transient", False):
                self._unreachable(str(error), problems)
            else:
                place = getattr(error, "place", "") or self.name
                text = getattr(error, "reason", "") or f"{type(error).__name__}: {shorten_cause(str(error))}"
                self._refuse(text, place, problems)
        return None

    def take(self, answer: Answer) -> list[Problem]:
        """Take a new set; return what is wrong in it."""
        self.read, self.rollout = answer
        self.errors = [f"{error.policy_id}: {error.text}" for error in self.read.errors]
        problems = self._invalid()
        self.call("forget")
        return problems

    def _reached(self) -> None:
        """Return to the state before the provider could not be reached."""
        if self._before is not None:
            (self.state, self.errors), self._before = self._before, None

    def _unreachable(self, cause: str, problems: list[Problem]) -> None:
        """Note that the provider cannot be reached; that is no fault of its set."""
        if self._before is None:
            self._before = self.state, self.errors
        self._report_unread("unreachable", cause, self.name, problems)

    def _add_warning(self, problems: list[Problem]) -> None:
        """Report what the provider finds wrong beside its policies, once."""
        warning = str(getattr(self.provider, "warning", "") or "")
        if warning and warning != self._warned:
            problems.append(
                Problem(
                    code="policies-not-kept",
                    subject=f"policies of {self.name}",
                    cause=warning,
                    outcome="the policies are used; there is no copy of them for the next start",
                    remedy="Correct the folder, or set DISTROKIT_POLICY_CACHE_DIRECTORY to another one, or to none.",
                    severity="warning",
                )
            )
        self._warned = warning

    def _refuse(self, cause: str, place: str, problems: list[Problem]) -> None:
        self._report_unread("refused", cause, place, problems)

    def _report_unread(self, state: str, cause: str, place: str, problems: list[Problem]) -> None:
        """Note and report that there is no set; the same cause once until that changes."""
        before = self.state, self.errors
        self.state, self.errors = state, [cause]
        if before == (self.state, self.errors):
            return
        number = len(self.read.policies)
        outcome = f"its last policies stay ({number})" if number else "it has no policies; everything is kept"
        problems.append(
            Problem(
                code="policies-unread",
                subject=f"policies of {self.name}" if place == self.name else f"policies in {place}",
                cause=cause,
                outcome=outcome,
                remedy=f"Correct it; {_VALIDATE}.",
            )
        )

    def _invalid(self) -> list[Problem]:
        errors = self.read.errors
        made = [
            Problem(
                code="policy-invalid",
                subject=f"policy {error.policy_id or '(without an id)'} in {self.locate(error.path)}",
                cause=error.text,
                outcome="it is left out; the other policies apply",
                remedy=f"Correct it; {_VALIDATE}.",
            )
            for error in errors[:MOST_REPORTS]
        ]
        if len(errors) > MOST_REPORTS:
            made.append(
                Problem(
                    code="policy-invalid",
                    subject=f"policies of {self.name}",
                    cause=f"{len(errors) - MOST_REPORTS:,} more are not valid",
                    outcome="they are left out",
                    remedy=f"Correct them; {_VALIDATE}.",
                )
            )
        return made

    def locate(self, path: tuple[str | int, ...]) -> str:
        """Return where a part of the set is written, as far as it is known."""
        locate = getattr(self.provider, "locate", None)
        if callable(locate):
            try:
                return str(locate(path)) or self.name
            except Exception:
                # The place is a help only.
                return self.name
        return self.name

    def report(self, status: Mapping[str, Any]) -> None:
        """Tell the provider what became of its set, if it wants to know, and that has changed."""
        if status != self._told:
            self._told = status
            self.call("report", status)

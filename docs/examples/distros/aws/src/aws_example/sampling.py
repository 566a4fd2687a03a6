"""A sampler whose rules come from the agent beside the process, and one that records what the inner one drops."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from distrokit import BuildContext, start_thread

_logger = logging.getLogger("opentelemetry.aws_example")


@dataclass(frozen=True)
class Rule:
    """A rule: the share of some traces that is sampled.

    Attributes:
        path: a pattern for ``url.path``.
        rate: of the traces that are sampled, 0 to 1.
        service: a pattern for ``service.name``.
    """

    path: str
    rate: float
    service: str = "*"


class Poller:
    """Asks for the rules in a thread of its own, which begins with the first span of a process.

    Args:
        endpoint: of the agent.
        interval_seconds: between two requests.
        service: ``service.name``: rules for others are of no interest.
    """

    def __init__(self, endpoint: str, interval_seconds: float, service: str) -> None:
        self.endpoint = endpoint.rstrip("/")
        self.rules: tuple[Rule, ...] = ()
        self._interval, self._service = interval_seconds, service
        self.forked()

    def forked(self) -> None:
        """In a child: the thread is the parent's, and so is who held the lock; the rules are as good here."""
        self._lock, self._stop, self._begun = threading.Lock(), threading.Event(), False

    def begin_shutdown(self, deadline: float) -> None:
        """The process ends."""
        self._stop.set()

    def begin(self) -> None:
        """Ask from now on; called with every span, and so a prefork server's master, which has none, has no thread."""
        if self._begun:
            return
        with self._lock:
            if not self._begun:
                self._begun = True
                thread = threading.Thread(target=self._poll, args=(self._stop,), name="aws-example-rules", daemon=True)
                # At its very end Python starts no thread any more.
                with contextlib.suppress(RuntimeError):
                    start_thread(thread)

    def _poll(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                # No instrumentation makes a span of this, and none has to be told to leave it alone.
                with suppress_instrumentation():
                    self.rules = self._asked()
            except (OSError, ValueError, TypeError, KeyError) as error:
                _logger.warning("sampling rules: %s: %s; those there are stay", type(error).__name__, error)
            stop.wait(self._interval)

    def _asked(self) -> tuple[Rule, ...]:
        request = urllib.request.Request(f"{self.endpoint}/GetSamplingRules", b"{}")  # noqa: S310  (the user's)
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            found = json.load(answer)
        rules = [Rule(item["path"], float(item["rate"]), item.get("service", "*")) for item in found["rules"]]
        return tuple(rule for rule in rules if fnmatchcase(self._service, rule.service))


class Rules(Sampler):
    """The first rule that fits decides; without one, a twentieth of the traces is sampled, as X-Ray does."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._otherwise = TraceIdRatioBased(0.05)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        self._poller.begin()
        path = str((attributes or {}).get("url.path", ""))
        rule = next((rule for rule in self._poller.rules if fnmatchcase(path, rule.path)), None)
        sampler = TraceIdRatioBased(rule.rate) if rule else self._otherwise
        return sampler.should_sample(parent_context, trace_id, name, kind, attributes, links)

    def get_description(self) -> str:
        return f"Rules({self._poller.endpoint})"


class RulesForRoots(ParentBased):
    """Applies the rules to root spans; a child follows its parent. The poller handles forks and shutdown."""

    def __init__(self, poller: Poller) -> None:
        super().__init__(Rules(poller))
        self.forked, self.begin_shutdown = poller.forked, poller.begin_shutdown


def make(context: BuildContext) -> Sampler:
    """The sampler ``xray``; like any factory it is given the resource."""
    resource: Mapping[str, Any] = context.resource.attributes if context.resource else {}
    arguments = context.arguments
    service = str(resource.get("service.name", ""))
    return RulesForRoots(Poller(arguments["endpoint"], arguments["interval_seconds"], service))


class AlwaysRecord(Sampler):
    """Records what the inner sampler drops, so that metrics can be made of it; sampled it is not."""

    def __init__(self, context: BuildContext) -> None:
        self._inner: Sampler = context.arguments["inner"]

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        result = self._inner.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        if result.decision is Decision.DROP:
            # One that drops gives no attributes back, and the span would begin without its own.
            kept = {**(attributes or {}), **(result.attributes or {})}
            return SamplingResult(Decision.RECORD_ONLY, kept, result.trace_state)
        return result

    def get_description(self) -> str:
        return f"AlwaysRecord({self._inner.get_description()})"

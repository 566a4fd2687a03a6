"""Explains why no traces arrived: known facts, and where to look next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from distrokit_dev.receiver import Receiver
from distrokit_dev.tail.arguments import SIGNALS
from distrokit_dev.tail.totals import Totals
from distrokit_dev.tail.typeface import harmless

_WITHOUT_TRACES = "OTEL_TRACES_EXPORTER"


def why_no_traces(
    totals: Totals, receiver: Receiver, words: Sequence[str], environ: Mapping[str, str], signals: Sequence[str]
) -> list[str]:
    """Return lines to print; none if there were traces, or the filters exclude them.

    Args:
        words: the command that was run; empty if there was none.
        environ: its environment.
        signals: the signals that are shown.
    """
    counts = totals.counts
    arrived = sum(counts.values())
    if counts["spans"] or (arrived and "traces" not in (signals or SIGNALS)):
        return []
    refused = [f"Refused: {harmless(text)}" for text in receiver.store.refused]
    if arrived:
        names = {"metric points": "metric point", "logs": "log record"}
        rest = " and ".join(_quantity(counts[name], one) for name, one in names.items() if counts[name])
        if environ.get(_WITHOUT_TRACES, "").strip().lower() == "none" and words:
            return [f"No spans arrived, only {rest}: {_WITHOUT_TRACES}=none."]
        reason = "no span was created, or a sampler or a transform dropped all; most spans come from instrumentations"
        return [f"No spans arrived, only {rest}: {reason}.", *refused, _suggest_doctor(words)]
    where = f"{receiver.host}:{receiver.grpc_port} (grpc) and {receiver.host}:{receiver.http_port} (http)"
    if words:
        reasons = "it recorded nothing, or it ran without instrumentation (another Python, -I, a pex file)"
        return [f"No telemetry arrived at {where}: {reasons}.", *refused, _suggest_doctor(words)]
    return [
        f"No telemetry arrived at {where}.",
        *refused,
        "Has the application's OTEL_EXPORTER_OTLP_ENDPOINT this address? In a container, localhost is that container.",
        "Does its protocol match the port? Was it started with a launcher: distrokit run ...?",
        _suggest_doctor(words),
    ]


def _quantity(number: int, one: str) -> str:
    return f"{number} {one}{'' if number == 1 else 's'}"


def _suggest_doctor(words: Sequence[str]) -> str:
    # Not the command itself: it may contain a secret.
    return f"`distrokit doctor -- {'COMMAND' if words else 'python app.py'}` checks all of this."

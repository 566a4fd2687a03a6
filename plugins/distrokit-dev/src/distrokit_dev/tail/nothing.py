"""Why there are no traces, where it ends without one: what is known, and where to look."""

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
    """Lines to print; none where there were traces, or nobody wanted to see them.

    Args:
        words: the command that was run; empty for none.
        environ: what it was run with.
        signals: those that are shown.
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
        reason = (
            "no span was made, or a sampler or a transform dropped all; most come from an instrumentation of a library"
        )
        return [f"No spans arrived, only {rest}: {reason}.", *refused, _ask(words)]
    where = f"{receiver.host}:{receiver.grpc_port} (grpc) and {receiver.host}:{receiver.http_port} (http)"
    if words:
        reasons = "it recorded nothing, or no launcher gets into it (another Python, -I, a pex file)"
        return [f"No telemetry arrived at {where}: {reasons}.", *refused, _ask(words)]
    return [
        f"No telemetry arrived at {where}.",
        *refused,
        "Is OTEL_EXPORTER_OTLP_ENDPOINT of the application this address (in a container, localhost is the container)?",
        "Does its protocol fit the port? Was it started by a launcher: distrokit run ...?",
        _ask(words),
    ]


def _quantity(number: int, one: str) -> str:
    return f"{number} {one}{'' if number == 1 else 's'}"


def _ask(words: Sequence[str]) -> str:
    # Not the command itself: there may be a secret in it.
    return f"`distrokit doctor -- {'COMMAND' if words else 'python app.py'}` looks at all of it."

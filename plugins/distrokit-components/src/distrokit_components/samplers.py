"""The configuration schema's samplers, under the schema's names; ``OTEL_TRACES_SAMPLER`` can select them, too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from distrokit import BuildContext, Reader, Sampler, Value
from distrokit_components.composable import make_composite, make_probability

_PARENT_BASED = (
    "root",
    "remote_parent_sampled",
    "remote_parent_not_sampled",
    "local_parent_sampled",
    "local_parent_not_sampled",
)


def _ratio_parameters(reader: Reader) -> dict[str, Value[Any]]:
    return {"ratio": reader.number("OTEL_TRACES_SAMPLER_ARG", 1.0, minimum=0, maximum=1, key="ratio")}


def _make_ratio(context: BuildContext) -> Any:
    from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

    return TraceIdRatioBased(context.arguments["ratio"])


def _parent_parameters(reader: Reader) -> dict[str, Value[Any]]:
    found = {key: reader.component("sampler", key) for key in _PARENT_BASED}
    return {key: value for key, value in found.items() if value is not None}


def _make_parent_based(context: BuildContext) -> Any:
    """Make the sampler; a sampler that is missing or failed has the schema's default."""
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

    return ParentBased(**{"root": ALWAYS_ON, **context.arguments})


def _root_parameters(reader: Reader) -> dict[str, Value[Any]]:
    root = reader.component("sampler", "root")
    return {"root": root} if root else {}


def _make_always_record(context: BuildContext) -> Any:
    """Make a sampler that records spans its root drops, without sampling them (specification, *AlwaysRecord*)."""
    from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Decision, Sampler, SamplingResult

    root = context.arguments.get("root", DEFAULT_ON)

    class AlwaysRecord(Sampler):
        def should_sample(
            self, parent_context: Any, trace_id: int, name: str, kind: Any = None, attributes: Any = None, *rest: Any,
            **more: Any,
        ) -> SamplingResult:  # fmt: skip
            result: SamplingResult = root.should_sample(parent_context, trace_id, name, kind, attributes, *rest, **more)
            if result.decision is Decision.DROP:
                # A sampler returns no attributes with DROP, and the span would lose its own.
                kept = {**(attributes or {}), **(result.attributes or {})}
                return SamplingResult(Decision.RECORD_ONLY, kept, result.trace_state)
            return result

        def get_description(self) -> str:
            return f"AlwaysRecord{{{root.get_description()}}}"

    return AlwaysRecord()


def _jaeger_parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Read the initial sampler; remote strategies are not fetched, which is a problem.

    From a variable: ``endpoint=…,pollingIntervalMs=…,initialSamplingRate=0.25``.
    """

    def rate(text: str) -> float:
        pairs = [item.strip().partition("=") for item in text.split(",")]
        # A plain number works, as for all other samplers.
        found = float(
            next(
                (rate for name, _, rate in pairs if name.lower() == "initialsamplingrate"),
                text if len(pairs) == 1 and "=" not in text else "1",
            )
        )
        if not 0 <= found <= 1:
            raise ValueError("initialSamplingRate must be a number from 0 to 1")
        return found

    initial = reader.component("sampler", "initial_sampler")
    reader.node("interval")
    key = "initial_sampler.trace_id_ratio_based.ratio"
    read: dict[str, Value[Any]] = {
        "ratio": reader.parsed("OTEL_TRACES_SAMPLER_ARG", rate, 1.0, key="" if reader.in_file else key)
    }
    parent = "parent_based.root." if reader.name.startswith("parentbased") else ""
    reader.file_name = f"{parent}jaeger_remote/development"
    if initial is not None:
        read = {"initial": replace(initial, key="initial_sampler")}
    read["endpoint"] = reader.text((), "http://localhost:14250", key="endpoint")
    reader.problem(
        code="sampler-not-remote",
        setting=f"sampler {reader.name}",
        value="",
        cause="no Python package fetches sampling strategies from Jaeger",
        outcome="its initial sampler is used",
        remedy="Use parentbased_traceidratio, or a plugin that fetches them.",
    )
    return read


def _make_jaeger(context: BuildContext) -> Any:
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    sampler = context.arguments.get("initial") or TraceIdRatioBased(context.arguments.get("ratio", 1.0))
    return ParentBased(sampler) if context.name.startswith("parentbased") else sampler


def _definition(reader: Reader) -> dict[str, Value[Any]]:
    reader.everything()
    node = reader.properties
    return {"properties": Value(node.plain(), node.source)} if node is not None else {}


SAMPLERS = (
    Sampler("trace_id_ratio_based", _make_ratio, _ratio_parameters),
    Sampler("parent_based", _make_parent_based, _parent_parameters),
    Sampler("always_record", _make_always_record, _root_parameters),
    Sampler("probability/development", make_probability, _ratio_parameters),
    Sampler("composite/development", make_composite, _definition),
    Sampler("jaeger_remote", _make_jaeger, _jaeger_parameters),
    Sampler("parentbased_jaeger_remote", _make_jaeger, _jaeger_parameters),
)

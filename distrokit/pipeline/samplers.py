"""Builds the sampler from the inside out: the selected one, then the samplers that plugins wrap around it."""

from __future__ import annotations

from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Sampler

from distrokit import declarations
from distrokit.pipeline.component_factory import ComponentFactory
from distrokit.plan.components import DEFAULT_SAMPLER
from distrokit.plan.plan import Component


def build_sampler(
    components: ComponentFactory, planned: Component[declarations.Sampler] | None, around: str = ""
) -> Sampler:
    """Build the planned sampler; the SDK's default if there is none, or it cannot be built.

    Args:
        around: names the sampler that wraps this one, for the message; empty if none does.
    """
    if planned is None or planned.declaration is DEFAULT_SAMPLER:
        # Without a sampler the SDK reads OTEL_TRACES_SAMPLER itself, and logs the same problem again.
        return DEFAULT_ON
    if planned.inner is None:
        outcome = f"parentbased_always_on is used{around}"
        chosen: Sampler | None = components.component(planned, Sampler, outcome)
        return chosen or DEFAULT_ON
    inner = build_sampler(components, planned.inner, f" inside {planned.name!r}")
    outcome = f"{planned.inner.nested_name} samples without it"
    wrapper: Sampler | None = components.component(planned, Sampler, outcome, built={"inner": inner})
    return wrapper or inner

"""The sampler, from the inside out: the one that was chosen, and what plugins have put around it."""

from __future__ import annotations

from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Sampler

from distrokit import declarations
from distrokit.pipeline.components import Components
from distrokit.plan.parts import DEFAULT_SAMPLER
from distrokit.plan.plan import Component


def build_sampler(components: Components, planned: Component[declarations.Sampler] | None, around: str = "") -> Sampler:
    """The planned sampler; the SDK's default where there is none, or it cannot be built.

    Args:
        around: what the sampler is put inside of, for the message; empty where it samples by itself.
    """
    if planned is None or planned.declaration is DEFAULT_SAMPLER:
        # The SDK's own default would read OTEL_TRACES_SAMPLER once more, and complain once more.
        return DEFAULT_ON
    if planned.inner is None:
        outcome = f"parentbased_always_on is used{around}"
        chosen: Sampler | None = components.component(planned, Sampler, outcome)
        return chosen or DEFAULT_ON
    inner = build_sampler(components, planned.inner, f" inside {planned.name!r}")
    outcome = f"{planned.inner.nested_name} samples without it"
    wrapper: Sampler | None = components.component(planned, Sampler, outcome, built={"inner": inner})
    return wrapper or inner

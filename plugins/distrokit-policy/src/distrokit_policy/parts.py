"""The parts of one plan that apply policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from distrokit import BuildContext, Plan, PolicyPlan, Problem, shorten_cause
from distrokit_policy.runtime.placing import describe_action, place
from distrokit_policy.runtime.service import PolicyService
from distrokit_policy.runtime.sources import Source

if TYPE_CHECKING:
    from distrokit.pipeline.pipeline import Pipeline


class PolicyParts:
    """Makes the providers of a plan, and the parts that apply their policies; all share one service.

    Args:
        plan: its ``problems`` receive what is wrong with the policies that are known already.
    """

    def __init__(self, plan: Plan) -> None:
        problems: list[Problem] = []
        self._sources = [*_make_sources(plan, problems)]
        for source in self._sources:
            if callable(getattr(source.provider, "load", None)):
                answer = source.ask("load", problems)
                if answer is not None:
                    problems.extend(source.take(answer))
                # It is asked for news with the first item.
                source.due = 0.0
        self.service = PolicyService(self._sources)
        plan.problems.extend(problems)

    def describe_policies(self) -> Iterator[PolicyPlan]:
        """Yield the policies that are known already."""
        seen = set()
        for source in self._sources:
            for number, policy in enumerate(source.read.policies):
                if policy.id in seen:
                    continue
                seen.add(policy.id)
                placed = place(policy)
                where = source.locate(("policies", number))
                yield PolicyPlan(policy.id, policy.signal, where, describe_action(policy), placed.stages, placed.why)

    def make_sampler(self, context: BuildContext) -> Any:
        """Return the sampler around the one of the plan."""
        from distrokit_policy.runtime.sampler import PolicySampler

        self.service.use(context.resource)
        return PolicySampler(context.arguments["inner"], self.service)

    def make_transform(self, context: BuildContext) -> Any:
        """Return the transform of one signal."""
        from distrokit_policy.runtime.transforms import LogTransform, MetricTransform, SpanTransform

        self.service.use(context.resource)
        kinds: dict[Any, type[Any]] = {"traces": SpanTransform, "logs": LogTransform, "metrics": MetricTransform}
        return kinds[context.signal](self.service)

    def start(self, pipeline: Pipeline) -> None:
        """Report to a pipeline, and count hits and misses with its metrics."""
        from distrokit_policy.runtime.self_metrics import count_with_metrics

        self.service.connect(pipeline.report, lambda: pipeline.lost_items)
        if pipeline.meter_provider is not None:
            count_with_metrics(pipeline.meter_provider, self.service.statistics)


def _make_sources(plan: Plan, problems: list[Problem]) -> Iterator[Source]:
    attributes = {name: value.value for name, value in plan.resource.attributes.items()}
    for component in plan.policy_providers:
        arguments = {**component.arguments, "resource_attributes": attributes}
        context = BuildContext(name=component.name, arguments=arguments, settings=plan.settings)
        try:
            provider = component.declaration.factory(context)
        except Exception as error:
            problems.append(
                Problem(
                    code="policies-unread",
                    subject=f"policy provider {component.name} ({component.origin})",
                    cause=f"{type(error).__name__}: {shorten_cause(str(error))}",
                    outcome="it is left out; the other providers are used",
                    remedy="Correct its settings, or block its plugin with DISTROKIT_DISABLED_PLUGINS.",
                )
            )
            continue
        yield Source(component.name, provider)


def find_parts(plan: Plan) -> PolicyParts | None:
    """Return the parts of a plan; ``None`` if it has none. A plan has them in the factories of its components."""
    for component in plan.components():
        owner = getattr(component.declaration.factory, "__self__", None) if component.name == "policies" else None
        if isinstance(owner, PolicyParts):
            return owner
    return None

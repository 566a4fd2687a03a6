"""Declares the providers of policies, and puts the parts that apply them into the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from distrokit import Check, Command, Plan, PolicyProvider, Processor, Sampler, Setting, Settings, hookimpl
from distrokit_policy.arguments import add_arguments
from distrokit_policy.parts import PolicyParts, find_parts
from distrokit_policy.provider_parameters import (
    file_parameters,
    http_parameters,
    make_file_provider,
    make_http_provider,
    make_opamp_provider,
    opamp_parameters,
)
from distrokit_policy.settings import FILE, OPAMP, SETTINGS, URL

if TYPE_CHECKING:
    import argparse

    from distrokit.pipeline.pipeline import Pipeline


@hookimpl
def distrokit_settings() -> list[Setting]:
    """Return the settings of policies."""
    return list(SETTINGS)


@hookimpl
def distrokit_policies(settings: Settings) -> list[PolicyProvider]:
    """Return the providers whose settings are set."""
    providers = {
        OPAMP: PolicyProvider("opamp", make_opamp_provider, opamp_parameters, priority=1),
        URL: PolicyProvider("http", make_http_provider, http_parameters, priority=2),
        FILE: PolicyProvider("file", make_file_provider, file_parameters, priority=3),
    }
    return [provider for setting, provider in providers.items() if settings.get(setting)]


# tryfirst: inside of the samplers of other plugins, and in front of their transforms.
@hookimpl(tryfirst=True)
def distrokit_plan(plan: Plan) -> None:
    """Add sampler and transforms, if there is any provider of policies."""
    if not plan.policy_providers:
        return
    parts = PolicyParts(plan)
    plan.policies.extend(parts.describe_policies())
    plan.wrap_sampler(Sampler("policies", parts.make_sampler))
    plan.add_processor(Processor("policies", ("traces", "metrics", "logs"), "transform", parts.make_transform))


@hookimpl
def distrokit_started(pipeline: Pipeline) -> None:
    """Begin to follow the providers."""
    parts = find_parts(pipeline.plan)
    if parts is not None:
        parts.start(pipeline)


@hookimpl
def distrokit_forked(pipeline: Pipeline) -> None:
    """Begin again in a child, which has another resource."""
    parts = find_parts(pipeline.plan)
    if parts is not None:
        parts.service.forked()
        parts.service.use(pipeline.resource)


@hookimpl
def distrokit_checks(plan: Plan) -> list[Check]:
    """Check that the policies that are known without a network are valid."""
    if not plan.policy_providers:
        return []
    names = ", ".join(provider.name for provider in plan.policy_providers)
    wrong = [problem for problem in plan.problems if problem.code in ("policy-invalid", "policies-unread")]
    evidence = f"{len(plan.policies)} policies are known; providers: {names}"
    if wrong:
        return [Check("policies", "warn", f"{evidence}; {len(wrong)} faults", "distrokit policy validate FILE")]
    return [Check("policies", "ok", evidence)]


@hookimpl
def distrokit_commands() -> list[Command]:
    """Add ``distrokit policy``."""
    return [Command("policy", "check, try and watch telemetry policies", _run, add_arguments)]


def _run(arguments: argparse.Namespace) -> int:
    from distrokit_policy.commands.running import run

    return run(arguments)

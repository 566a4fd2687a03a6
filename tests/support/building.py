"""The builder of a plan, without a pipeline and without the process's globals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.resources import Resource

from distrokit.launch.assembly import Assembly
from distrokit.pipeline.builder import Builder
from distrokit.pipeline.component_factory import ComponentFactory
from distrokit.pipeline.lazy_start import LazyStart
from distrokit.pipeline.process_globals import ProcessGlobals
from distrokit.pipeline.runtime_services import RuntimeServices


def components_of(assembly: Assembly, resource: Resource | None = None) -> ComponentFactory:
    """The factory of a plan's components."""
    return ComponentFactory(assembly.plan, assembly.plugins, resource)


def builder_of(
    components: ComponentFactory, report: Any = lambda *_: None, say: Callable[[str], None] = print
) -> Builder:
    """The builder of a plan's providers; they are not the process's."""
    callbacks = RuntimeServices(report, say, LazyStart(lambda reader, error: report(type(reader).__name__, error)))
    return Builder(components, callbacks, ProcessGlobals(components.plan.problems, isolated=True))

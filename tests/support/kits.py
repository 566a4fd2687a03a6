"""Distributions that have a distro made of distrokit's plugins."""

from __future__ import annotations

from textwrap import dedent

from distributions import write_distribution

MODULE = """
    from distrokit import Distro, hookimpl

    DISTRO = Distro(name="{name}", version="1.0", closed={closed}, plugins={plugins},
                    defaults={{"OTEL_TRACES_SAMPLER": "always_on"}})

    @hookimpl
    def distrokit_resource(settings):
        return {{"from.{name}": True}}
"""


def write_kit(folder, name, *, plugins="()", closed="False", point="DISTRO"):
    """A distribution ``NAME-otel``: a distro and a plugin of that name."""
    module = f"{name}_otel"
    points = {
        "distrokit.distro": {name: f"{module}:{point}"},
        "opentelemetry_distro": {name: "distrokit.launch.distro:DistrokitDistro"},
        "distrokit": {name: module},
    }
    source = dedent(MODULE).format(name=name, plugins=plugins, closed=closed)
    return write_distribution(folder / name, f"{name}-otel", "1.0", points, {module: source})

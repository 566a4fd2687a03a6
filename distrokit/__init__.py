"""An OpenTelemetry Python distro made of plugins, and the kit other distros are made of.

This is everything a plugin needs; importing it loads pluggy and the standard library, nothing else.
"""

from distrokit.declarations import (
    BuildContext,
    Check,
    Command,
    Exporter,
    ExporterOptions,
    IdGenerator,
    Processor,
    Propagator,
    ResourceDetector,
    Sampler,
)
from distrokit.entry_points import EntryPoints
from distrokit.hookspecs import hookimpl
from distrokit.parameters import Reader
from distrokit.settings import Value

__version__ = "0.1.0"

__all__ = [
    "BuildContext",
    "Check",
    "Command",
    "EntryPoints",
    "Exporter",
    "ExporterOptions",
    "IdGenerator",
    "Processor",
    "Propagator",
    "Reader",
    "ResourceDetector",
    "Sampler",
    "Value",
    "__version__",
    "hookimpl",
]

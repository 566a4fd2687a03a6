"""distrokit's own settings, listed by ``opentelemetry-instrument --help``.

The launcher imports this module (entry-point group ``opentelemetry_environment_variables``) and makes
an option of every name here that begins with ``OTEL_``: ``--distrokit_strict`` sets
``OTEL_PYTHON_DISTROKIT_STRICT``, another spelling of ``DISTROKIT_STRICT``, which it overrides.

This module is also the only code of distrokit that runs before the loader chooses a distro. So if another
distro is installed as well, the choice is made here: the loader would take the one that the file system
lists first. It also notes that the launcher, not the user, puts the working directory on PYTHONPATH, and lets it put
distrokit's folder there in place of its own.
"""

from contextlib import suppress
from importlib.metadata import entry_points

from distrokit.launch.site.sitecustomize import note_added, redirect_launcher

#: Comma-separated plugin names that are never imported; ``*`` for all. Default: none.
OTEL_PYTHON_DISTROKIT_DISABLED_PLUGINS = "OTEL_PYTHON_DISTROKIT_DISABLED_PLUGINS"

#: Comma-separated paths of Python files that are loaded as plugins. Default: none.
OTEL_PYTHON_DISTROKIT_PLUGIN_FILES = "OTEL_PYTHON_DISTROKIT_PLUGIN_FILES"

#: ``1`` turns every problem into a failure, for CI. Default: off.
OTEL_PYTHON_DISTROKIT_STRICT = "OTEL_PYTHON_DISTROKIT_STRICT"

#: ``true`` prints the report of ``distrokit doctor`` to stderr when a process starts; ``offline`` sends nothing.
OTEL_PYTHON_DISTROKIT_DOCTOR = "OTEL_PYTHON_DISTROKIT_DOCTOR"

#: ``0`` starts telemetry and applies all instrumentations at the start of the process. Default: ``1``, on first use.
OTEL_PYTHON_DISTROKIT_LAZY = "OTEL_PYTHON_DISTROKIT_LAZY"

#: ``0`` switches an attached folder off. Default: ``1``.
OTEL_PYTHON_DISTROKIT_ATTACH = "OTEL_PYTHON_DISTROKIT_ATTACH"

#: ``1`` prints each call of a hook to stderr, with owner, duration and type of the result. Default: off.
OTEL_PYTHON_DISTROKIT_TRACE_HOOKS = "OTEL_PYTHON_DISTROKIT_TRACE_HOOKS"

#: The place of processors that are added after the start: ``behind``, ``refuse`` or ``raw``. Default: ``behind``.
OTEL_PYTHON_DISTROKIT_LATE_PROCESSORS = "OTEL_PYTHON_DISTROKIT_LATE_PROCESSORS"

#: Comma-separated names of processors without which their signals are not exported. Default: none.
OTEL_PYTHON_DISTROKIT_REQUIRED = "OTEL_PYTHON_DISTROKIT_REQUIRED"

#: ``sdk`` leaves the recording of spans to the SDK's tracers. Default: ``distrokit``.
OTEL_PYTHON_DISTROKIT_TRACER = "OTEL_PYTHON_DISTROKIT_TRACER"

#: The processor that feeds span exporters: ``batch`` or ``simple``. Default: ``batch``.
OTEL_PYTHON_DISTROKIT_TRACES_PROCESSOR = "OTEL_PYTHON_DISTROKIT_TRACES_PROCESSOR"

#: The processor that feeds log exporters: ``batch`` or ``simple``. Default: ``batch``.
OTEL_PYTHON_DISTROKIT_LOGS_PROCESSOR = "OTEL_PYTHON_DISTROKIT_LOGS_PROCESSOR"

#: The reader that feeds metric exporters. Default: ``periodic``.
OTEL_PYTHON_DISTROKIT_METRICS_READER = "OTEL_PYTHON_DISTROKIT_METRICS_READER"

#: The response propagators, comma-separated; ``none`` for nothing. Default: those that plugins enable.
OTEL_PYTHON_DISTROKIT_RESPONSE_PROPAGATORS = "OTEL_PYTHON_DISTROKIT_RESPONSE_PROPAGATORS"
#: Comma-separated names of the only instrumentations that are applied; ``*`` for all. Default: all.
OTEL_PYTHON_DISTROKIT_ENABLED_INSTRUMENTATIONS = "OTEL_PYTHON_DISTROKIT_ENABLED_INSTRUMENTATIONS"

#: Comma-separated names of instrumentations that are applied first, in this order. Default: by name.
OTEL_PYTHON_DISTROKIT_INSTRUMENTATION_ORDER = "OTEL_PYTHON_DISTROKIT_INSTRUMENTATION_ORDER"

#: How long all resource detectors together may take, in milliseconds. Default: 2000.
OTEL_PYTHON_DISTROKIT_DETECTOR_TIMEOUT = "OTEL_PYTHON_DISTROKIT_DETECTOR_TIMEOUT"

#: How long the end of the process may take, for all signals together, in milliseconds. Default: 5000.
OTEL_PYTHON_DISTROKIT_EXIT_TIMEOUT = "OTEL_PYTHON_DISTROKIT_EXIT_TIMEOUT"

if len(entry_points(group="opentelemetry_distro")) > 1:
    # Imported only if needed: most environments have one distro, and an import delays every start.
    from distrokit.launch import distro_selection

    # The launcher has no guard here: an exception would keep the program from starting.
    with suppress(Exception):
        distro_selection.claim_loader()

with suppress(OSError):
    note_added()
with suppress(Exception):
    redirect_launcher()

"""The start of distrokit in a process.

``process`` is the start, for each of its callers: the two classes in ``distro`` that OpenTelemetry's loader calls, the
first use of telemetry (``distrokit.lazy``), ``start``, which is ``distrokit.start``. It uses ``assembly``, which makes
the plan, and ``startup``, which runs it; ``exiting`` is for a start while the process ends, ``ending`` for an end under
``DISTROKIT_STRICT``, ``inspection`` for doctor. ``distro_selection`` decides between distrokit and other vendors'
distros. ``upstream_entry_points`` and ``lookup`` give OpenTelemetry the entry points that distrokit found.
``environment_variables`` lists settings for the launcher. ``site`` is the folder that ``distrokit run`` puts on
PYTHONPATH; ``pyinstaller`` is the hook for it.
"""

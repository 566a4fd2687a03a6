"""The start of distrokit in a process.

``distro`` has the two classes that OpenTelemetry's loader calls, ``start`` is ``distrokit.start``; both use
``assembly``, which makes the plan, and ``startup``, which runs it. ``distro_selection`` decides between distrokit and
other vendors' distros, ``upstream_entry_points`` gives OpenTelemetry the entry points that distrokit found,
``environment_variables`` lists settings for the launcher. ``site`` is the folder that ``distrokit run`` puts on
PYTHONPATH; ``pyinstaller`` is its hook.
"""

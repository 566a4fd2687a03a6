"""How distrokit comes into a process.

``distro`` has the two classes that OpenTelemetry's loader calls, ``start`` is ``distrokit.start``, ``startup`` makes
the plan and runs it for both. ``environment_variables`` lists settings for the launcher. ``site`` is the folder that
``distrokit run`` puts on PYTHONPATH.
"""

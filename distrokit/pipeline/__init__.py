"""The running pipeline: a plan becomes SDK providers.

``pipeline`` is the whole: start, fork, flush, stop. ``build`` and ``providers`` make it, ``components`` calls
factories, ``stages`` and ``signal_stages`` keep the order of processors, ``resource`` detects, ``scopes`` switches
scopes off. ``export_monitor``, ``losses`` and ``reports`` count what does not arrive. ``shutdown``, ``os_signals``,
``forks`` and ``lazy_start`` are the life of the process. ``sdk_messages`` is what OpenTelemetry logs.
"""

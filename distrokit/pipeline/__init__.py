"""The running pipeline: a plan becomes SDK providers.

``pipeline`` is the whole: start, fork, flush, stop. ``builder`` makes the providers, ``stage_builder`` the stages of
each signal, ``component_factory`` calls the plugins' factories; what they made calls ``runtime_services``.
``process_globals`` sets OpenTelemetry's globals, ``resource`` detects, ``stages`` keeps the order, ``scopes`` switches
scopes off. ``export_monitor``, ``losses`` and ``reports`` count what does not arrive. ``shutdown``, ``os_signals``,
``forks`` and ``lazy_start`` are the life of the process. ``sdk_messages`` is what OpenTelemetry logs.
``sdk_measurements`` and ``sdk_log_records`` do what the SDK does for the usual items at less cost, if ``known_code``
finds that the SDK's code is the one they know.
"""

"""Evaluates telemetry policies; knows neither pipeline nor transport.

``policies`` has the values that a policy consists of, ``names`` the words of the specification. ``reading`` makes
policies of plain data, with ``matcher_reading``, ``keep_reading`` and ``transform_reading``; what is wrong is a
``PolicyError``. ``compiling`` makes a ``CompiledPolicies`` for one kind of items, whose fields an ``Access`` reads; it
uses ``conditions`` (one matcher), ``regex`` (RE2's syntax), ``index`` (which policies may match an item), ``keeping``,
``sampling`` and ``tracestate`` (whether an item is kept), ``transforms`` and ``statistics``.

The source of all of it: github.com/usetero/policy, ``spec.md``, and the cases of its public conformance suite, which
count where both disagree.
"""

"""A program that records all three signals."""

THREE_SIGNALS = """
    import logging
    from opentelemetry import metrics, trace

    metrics.get_meter("my.meter").create_counter("orders").add(3, {"color": "red"})
    with trace.get_tracer("my.tracer", "1.2").start_as_current_span("foo", attributes={"n": [1, 2]}):
        logging.getLogger("my.logger").warning("hello %s", "there")
    print("done")
"""

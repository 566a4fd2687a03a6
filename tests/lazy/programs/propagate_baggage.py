"""The first use of OpenTelemetry is ``propagate.inject``, with baggage and without a span."""

from opentelemetry import baggage, propagate

carrier = {}
propagate.inject(carrier, context=baggage.set_baggage("tenant", "ada"))
print(carrier)
context = propagate.extract({"traceparent": f"00-{'1' * 32}-{'2' * 16}-01", "baggage": "tenant=eve"})
print(baggage.get_all(context))
again = {}
propagate.inject(again, context=context)
print(sorted(again.items()))

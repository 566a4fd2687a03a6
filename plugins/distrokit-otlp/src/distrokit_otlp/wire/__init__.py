"""OTLP as protobuf, written byte by byte from what the SDK's public read API gives.

Neither protobuf nor generated code is imported: whichever version the application has is none of our business.

- ``format``: numbers and lengths (protobuf, *Encoding*).
- ``values``: texts and attribute values, with caches; ``repairs``: what is sent in place of what cannot be.
- ``scopes``: resources and instrumentation scopes; ``spans``, ``logs``, ``metrics``: a request of each signal.
"""

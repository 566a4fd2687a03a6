"""OTLP as protobuf, written byte by byte from what the SDK's public read API gives; and as JSON, made of these bytes.

Neither protobuf nor generated code is imported: whichever version the application has is none of our business.

- ``format``: numbers and lengths (protobuf, *Encoding*).
- ``values``: texts and attribute values, with caches; ``repairs``: what is sent in place of what cannot be.
- ``scopes``: resources and instrumentation scopes; ``spans``, ``logs``, ``metrics``: a request of each signal.
- ``json_form``: turns a request into JSON; ``json_fields``: the names and kinds of its fields.
"""

"""Redaction: an engine that knows neither settings nor pipeline, and imports the SDK only where it makes SDK objects.

- ``detectors/``: the built-in kinds of secrets.
- ``patterns/``: patterns of users: their lines, the check that they take linear time, and an index of many of them.
- ``keys``: rules about keys of attributes and of mappings.
- ``masking``: the text that replaces a secret.
- ``quick_test``: a text that certainly stays as it is. ``finding``: all places of secrets in a text.
- ``texts``: a text without secrets. ``json_texts``, ``keys_in_texts``: JSON as a text, and in the middle of one.
- ``redactor``: attributes, texts and values; the public entry. ``nested``: values of any nesting.
- ``spans``, ``logs``, ``metrics``, ``shared``: items of the SDK. ``otlp_json``: items in OTLP/JSON.
- ``statistics``: how often each rule was needed.
"""

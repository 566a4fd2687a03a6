"""Policies for items in OTLP/JSON.

``values`` and ``fields`` read and change items, ``requests`` applies policies to them, and ``comparing`` tells whether
two requests are the same.
"""

"""Applies policies in a pipeline, and follows their changes.

``service`` holds the set in effect and the thread that asks providers; ``sources`` is what it knows of each,
``merging`` makes one set of all, ``placing`` decides where a policy is applied. ``sampler`` and ``transforms`` are the
parts in the pipeline; ``sdk_fields`` and ``sdk_logs`` read the SDK's items. ``trial`` takes a set back that makes
errors. ``live`` answers ``distrokit policy show --live``, ``self_metrics`` counts hits and misses.
"""

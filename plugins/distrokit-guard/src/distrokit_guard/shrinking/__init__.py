"""Shrinks spans and log records that are too large: the longest values lose their ends first, and the item arrives.

- ``sizes``: how large a value is when it is encoded. ``fitting``: a value within a number of bytes.
- ``content``: what an item consists of, and how much room each part of it has.
- ``spans``, ``logs``: items of the SDK. ``parts``: the parts of the pipeline.
"""

"""Probes for ``distrokit doctor``: the files, the headers, the way to the receiver, and the response to one item.

- ``probe``: the steps of one exporter; ``file_checks``: certificate files and headers.
- ``grpc_probe``, ``http_probe``, ``response_probe``: send one item, and explain the response.
"""

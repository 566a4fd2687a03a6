"""Explains why data does not arrive: ``distrokit doctor`` and a running process use the same words.

- ``diagnosis``: explains a failed connection in a running process.
- ``probe``, ``grpc_probe``, ``http_probe``, ``response_probe``: send one item for doctor, and explain the response.
- ``route``, ``handshake``: the way to the receiver, step by step.
- ``mismatch``, ``protocol_sniffing``: a receiver that speaks another protocol.
"""

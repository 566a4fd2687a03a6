"""Explains why a connection fails, in the same words in a running process and in ``distrokit doctor``.

- ``diagnosis``: explains a failed connection in a running process.
- ``route``, ``handshake``: the way to the receiver, step by step.
- ``mismatch``, ``protocol_sniffing``: a receiver that speaks another protocol.
"""

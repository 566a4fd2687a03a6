"""OTLP receivers on loopback, good and hostile, over HTTP and gRPC; what they counted stands in their ledger.

A behaviour is asked before each request and says what happens to it. They compose:

    with PEERS["grpc"](first(2, refuse(503, retry_after=1))) as peer:
        ...  # send to peer.endpoint
        peer.behave(only("metrics", hang(5)))
        assert not peer.ledger.lost(ids, "traces")
"""

from __future__ import annotations

from behaviours import (
    CODES,
    MIB,
    Answer,
    Behaviour,
    accept,
    always,
    dribble,
    drop_after_counting,
    first,
    gzip_bomb,
    hang,
    html,
    huge,
    json_answer,
    never,
    only,
    partial,
    redirect,
    refuse,
    reset_in_body,
    slow,
    sometimes,
)
from grpc_peer import GRPCPeer as grpc_peer  # noqa: N813
from http_peer import HTTPPeer as http_peer  # noqa: N813
from peer import TLS, Peer, tls_faults
from silent_peer import SilentPeer as silent_peer  # noqa: N813

PEERS = {"grpc": grpc_peer, "http/protobuf": http_peer}

__all__ = [
    "CODES",
    "MIB",
    "PEERS",
    "TLS",
    "Answer",
    "Behaviour",
    "Peer",
    "accept",
    "always",
    "dribble",
    "drop_after_counting",
    "first",
    "grpc_peer",
    "gzip_bomb",
    "hang",
    "html",
    "http_peer",
    "huge",
    "json_answer",
    "never",
    "only",
    "partial",
    "redirect",
    "refuse",
    "reset_in_body",
    "silent_peer",
    "slow",
    "sometimes",
    "tls_faults",
]

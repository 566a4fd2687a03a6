"""OTLP's JSON encoding: protobuf's, but ids are hexadecimal, not base64.

Source: specification, *OTLP*, "JSON Protobuf Encoding".
"""

from __future__ import annotations

import base64
import json
from typing import Any, TypeVar

from google.protobuf.json_format import MessageToJson, ParseDict
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)

_IDS = frozenset({"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"})


def parse(body: bytes, message: M) -> M:
    """Fill ``message`` from JSON; unknown fields are ignored, as the specification requires.

    Raises: ``ValueError`` if it is not OTLP JSON.
    """
    try:
        # dict(): ParseDict takes an empty list for an empty message.
        return ParseDict(dict(_with_base64_ids(json.loads(body)).items()), message, ignore_unknown_fields=True)
    except Exception as error:
        # ValueError, RecursionError, protobuf's ParseError, and errors inside its parser.
        raise ValueError(f"not OTLP JSON: {error}") from error


def dump(message: Message) -> bytes:
    """Convert a response to JSON."""
    return MessageToJson(message).encode()


def _with_base64_ids(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: base64.b64encode(bytes.fromhex(value)).decode()
            if key in _IDS and isinstance(value, str)
            else _with_base64_ids(value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_with_base64_ids(item) for item in node]
    return node

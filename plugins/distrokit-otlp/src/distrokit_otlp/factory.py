"""Makes the exporter of a signal, over the transport of its protocol."""

from __future__ import annotations

import sys
from typing import Any

from distrokit import ExporterOptions, metric_arguments
from distrokit_otlp.exporter import OTLPLogExporter, OTLPMetricExporter, OTLPSpanExporter
from distrokit_otlp.lazy import LazySender
from distrokit_otlp.own_parameters import OWN_PARAMETERS
from distrokit_otlp.sender import Sender
from distrokit_otlp.signals import signal_for
from distrokit_otlp.tls.files import KEYS

#: Size of a request in bytes, uncompressed: the default limit of grpc servers, less the framing.
LARGEST_REQUEST = 4 * 1024 * 1024 - 4096
#: Stands for "no limit", in seconds: one day.
NO_LIMIT = 86_400.0
#: Arguments of the transports.
_OF_TRANSPORT = ("protocol", "insecure", *OWN_PARAMETERS, *KEYS)


def make_exporter(options: ExporterOptions) -> Any:
    """Make the exporter of ``options.signal``; the transport is made with the first export.

    Raises: ``TypeError`` for an argument that the exporter does not have; ``ModuleNotFoundError`` for an encoder that
        is not installed; and what :func:`~distrokit_otlp.grpc.transport.prepare_grpc` and
        :func:`~distrokit_otlp.http.transport.prepare_http` raise.
    """
    signal, arguments = signal_for(options), dict(options.arguments)
    if arguments.get("protocol") == "grpc":
        from distrokit_otlp.grpc.transport import prepare_grpc as prepare

        arguments.pop("channel_options", None)
    else:
        from distrokit_otlp.http.transport import prepare_http as prepare

        arguments.pop("encoding", None)
    make = prepare(options, signal)

    def make_all() -> Sender:
        # Also the encoder: a fork waits for this function, and not for an import in an export.
        signal.prepare()
        return make()

    for name in _OF_TRANSPORT:
        arguments.pop(name, None)
    largest = arguments.pop("max_request_size", LARGEST_REQUEST) or sys.maxsize
    preferred: dict[str, Any] = {}
    if options.signal == "metrics":
        preferred = metric_arguments(options.arguments)
        preferred.update({name: arguments.pop(name) for name in list(arguments) if name in preferred})
        for name in ("temporality_preference", "default_histogram_aggregation"):
            arguments.pop(name, None)
    if arguments:
        raise TypeError(f"the exporter takes no {', '.join(sorted(arguments))}")
    timeout, sender = options.timeout_millis / 1000 or NO_LIMIT, LazySender(make_all)
    if options.signal == "metrics":
        return OTLPMetricExporter(signal, sender, timeout, largest, options.lost, **preferred)
    kind = OTLPSpanExporter if options.signal == "traces" else OTLPLogExporter
    return kind(signal, sender, timeout, largest, options.lost)

"""OTLP over grpc.

- ``transport``: selects and prepares the transport of an exporter.
- ``sender``, ``connection``: the transport of our own, over HTTP/2 by ``h2``; ``message``: the framing.
- ``status``: what a response means, for both transports.
- ``grpcio_channel``, ``grpcio_sender``, ``quiet``: the transport over ``grpcio``, where it is asked for.
"""

"""OTLP over HTTP/1.1, as protobuf or as JSON.

- ``transport``: selects and prepares the transport of an exporter.
- ``sender``, ``connection``: the transport of our own; ``signing`` lets a plugin's auth sign requests.
- ``library_sender``: sends through a session of ``requests``, or through a transport that another package publishes.
- ``response``: reads a response; ``verdict``: judges it.
"""

"""distrokit plugin: OTLP over grpc and HTTP.

From a setting to the receiver:

- ``plugin``: the hooks; ``settings``: declares the settings; ``parameters``, ``own_parameters``: read them.
- ``factory``: makes the exporter of a signal; ``exporter``: splits and retries batches.
- ``signals``: encodes items, by ``wire`` (our own encoder), or by ``encoders`` and ``json_encoders`` (upstream's).
- ``grpc``, ``http``: the transports; ``sender``, ``connected_sender``: their base; ``lazy``: makes them when needed.
- ``connection``: addresses and proxies; ``tls``: certificates; ``credentials``: headers and tokens.
- ``diagnosis``: explains failed connections; ``probing``, ``checks``: for ``distrokit doctor``.
- ``file``: lines of JSON in a file.
"""

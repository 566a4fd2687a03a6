"""Headers and credentials: read from settings and files, refreshed while the exporter runs.

- ``headers``: reads the headers of settings; ``header_list``: parses them; ``header_rules``: finds those that a
  transport cannot send.
- ``files``: files of headers and of a token; ``live_headers``: the headers of each request.
- ``provider``: upstream's credential providers.
"""

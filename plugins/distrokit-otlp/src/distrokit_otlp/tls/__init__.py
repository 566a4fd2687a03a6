"""TLS of connections: certificate and key files, checked by loading them, and read again when they change.

- ``files``: the files that settings name, with the message for each fault.
- ``loading``: loads files as TLS does.
- ``context``: the TLS context of the next connection.
"""

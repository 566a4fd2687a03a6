"""Connections to a receiver, for every transport: addresses, proxies, deadlines, and the message for a failure.

- ``endpoints``: parses endpoints; ``target``: the receiver that an endpoint names, and its addresses.
- ``proxies``: finds the proxy of a receiver.
- ``connector``: opens one connection, with TLS; ``tunnels``: through a proxy; ``timed_socket``: limits its operations.
- ``connections``: selects an address for each request, and keeps the connections.
"""

"""A test double stands in for a function of a library that is imported for it, and is taken away again."""

from unittest import mock

import _loopback

with mock.patch("requests.sessions.Session.send") as send:
    import requests

    send.return_value = mock.Mock(status_code=204, history=[])
    print(requests.sessions.Session().send(None).status_code)
with _loopback.http() as url:
    print(requests.get(url, timeout=5).status_code)

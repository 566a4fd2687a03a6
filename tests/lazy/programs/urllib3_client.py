"""urllib3 asks a server on loopback, with a pool manager and with a pool."""

import _loopback
import urllib3

with _loopback.http() as url:
    print(urllib3.PoolManager().request("GET", url).json())
    print(urllib3.connection_from_url(url).request("POST", "/missing", body=b"{}").status)

"""An ``atexit`` function imports a library and asks a server on loopback; a class's ``__del__`` comes even later."""

import atexit

import _loopback


def last():
    import urllib3

    with _loopback.http() as url:
        print(urllib3.PoolManager().request("GET", url).status)


class Late:
    def __del__(self):
        print("gone")


late = Late()
atexit.register(last)

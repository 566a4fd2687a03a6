"""gevent, patched by the program before everything else; requests then asks a server on loopback from greenlets."""

from gevent import monkey

monkey.patch_all()

import gevent
import requests
from gevent.pywsgi import WSGIServer


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"shop"]


server = WSGIServer(("127.0.0.1", 0), application, log=None)
server.start()
url = f"http://127.0.0.1:{server.server_port}/"
for job in gevent.joinall([gevent.spawn(requests.get, url, timeout=5) for _ in range(2)]):
    print(job.value.text)
server.stop()

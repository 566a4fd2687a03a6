"""Pyramid answers two requests over loopback."""

import _loopback
from pyramid.config import Configurator
from pyramid.response import Response


def hello(request):
    return Response("hello {}".format(request.matchdict["name"]))


with Configurator() as config:
    config.add_route("hello", "/hello/{name}")
    config.add_view(hello, route_name="hello")
    app = config.make_wsgi_app()

with _loopback.wsgi(app) as url:
    print(_loopback.fetch(f"{url}/hello/ada"))
    print(_loopback.fetch(f"{url}/nowhere")[0])

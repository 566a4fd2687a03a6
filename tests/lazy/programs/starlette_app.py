"""Starlette answers requests of its test client, one of them from a mounted application."""

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient


async def hello(request):
    return PlainTextResponse("hello {}".format(request.path_params["name"]))


def admin(request):
    return PlainTextResponse("admin")


app = Starlette(routes=[Route("/hello/{name}", hello), Mount("/admin", routes=[Route("/", admin)])])
client = TestClient(app)
print(client.get("/hello/ada").text)
print(client.get("/admin/").text)

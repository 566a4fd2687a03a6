"""Tornado is server and client in one event loop."""

import asyncio

from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler


class Index(RequestHandler):
    def get(self):
        self.write("shop")


async def main():
    server = HTTPServer(Application([("/", Index)]))
    socket, port = bind_unused_port()
    server.add_sockets([socket])
    for path in ("/", "/nowhere"):
        answer = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}{path}", raise_error=False)
        print(answer.code)
    server.stop()


asyncio.run(main())

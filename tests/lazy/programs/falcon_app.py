"""Falcon answers two requests over loopback."""

import _loopback
import falcon


class Hello:
    def on_get(self, request, response, name):
        response.text = f"hello {name}"


app = falcon.App()
app.add_route("/hello/{name}", Hello())

with _loopback.wsgi(app) as url:
    print(_loopback.fetch(f"{url}/hello/ada"))
    print(_loopback.fetch(f"{url}/nowhere")[0])

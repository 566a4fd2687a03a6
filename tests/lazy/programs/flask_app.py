"""Flask answers two requests over loopback, one of them to a route that does not exist."""

import _loopback
from flask import Flask

app = Flask(__name__)


@app.get("/hello/<name>")
def hello(name):
    app.logger.warning("greeting %s", name)
    return f"hello {name}"


with _loopback.wsgi(app) as url:
    print(_loopback.fetch(f"{url}/hello/ada"))
    print(_loopback.fetch(f"{url}/nowhere"))

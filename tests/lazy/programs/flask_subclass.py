"""An application that is a subclass of Flask, asked by Flask's own test client, with a view that raises."""

import flask


class Shop(flask.Flask):
    def __init__(self):
        super().__init__(__name__)
        self.add_url_rule("/", view_func=self.index)
        self.add_url_rule("/broken", view_func=self.broken)

    def index(self):
        return flask.jsonify(items=3)

    def broken(self):
        raise ValueError("out of stock")


client = Shop().test_client()
print(client.get("/").json)
print(client.get("/broken").status_code)

"""One request passes through Flask, jinja2, SQLAlchemy and requests, and everything is one trace."""

import logging

import _loopback
import requests
from flask import Flask, render_template_string
from sqlalchemy import create_engine, text

app = Flask(__name__)
engine = create_engine("sqlite://")


@app.get("/")
def index():
    logging.getLogger("shop").warning("asked")
    with engine.connect() as connection:
        number = connection.execute(text("SELECT 42")).scalar()
    answer = requests.get(app.config["UPSTREAM"], timeout=5).json()["answer"]
    return render_template_string("{{ number }} {{ answer }}", number=number, answer=answer)


with _loopback.http() as upstream, _loopback.wsgi(app) as url:
    app.config["UPSTREAM"] = upstream
    print(requests.get(url, timeout=5).text)

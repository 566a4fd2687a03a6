"""The command ``flask``, as ``python -m flask --app flask_cli.py routes``: click and Flask in one process."""

from flask import Flask

app = Flask(__name__)


@app.get("/orders")
def orders():
    return []

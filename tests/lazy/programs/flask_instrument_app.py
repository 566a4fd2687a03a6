"""The program applies the instrumentation of Flask to its application itself, as OpenTelemetry's documents show."""

from flask import Flask
from opentelemetry.instrumentation.flask import FlaskInstrumentor

app = Flask(__name__)
FlaskInstrumentor().instrument_app(app)


@app.get("/")
def index():
    return "shop"


print(app.test_client().get("/").text)

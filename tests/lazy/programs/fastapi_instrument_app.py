"""The program applies the instrumentation of FastAPI to its application itself."""

from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

app = FastAPI()
FastAPIInstrumentor.instrument_app(app)


@app.get("/")
def index():
    return "shop"


print(TestClient(app).get("/").json())

"""A subclass of FastAPI, imported from the module where the class is defined, asked by its test client."""

from fastapi.applications import FastAPI
from fastapi.testclient import TestClient


class Shop(FastAPI):
    pass


app = Shop(title="shop")


@app.get("/")
def index():
    return "shop"


print(TestClient(app).get("/").json())

"""Django as an ASGI application in uvicorn, with settings named by the program."""

import os

import _loopback

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "_django_settings")

from django.core.asgi import get_asgi_application

with _loopback.asgi(get_asgi_application()) as url:
    print(_loopback.fetch(f"{url}/quick/"))

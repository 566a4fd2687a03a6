"""Django with ``settings.configure()`` in the code, asked by Django's test client."""

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="not a secret",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="_django_urls",
    MIDDLEWARE=[],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()

from django.test import Client

client = Client()
print(client.get("/").content)
print(client.get("/items/7/").content)

"""Django as manage.py starts it: the program names its settings in ``os.environ``, runs a command, then serves."""

import os

import _loopback

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "_django_settings")

from django.core.management import execute_from_command_line

execute_from_command_line(["manage.py", "check"])

from django.core.wsgi import get_wsgi_application

with _loopback.wsgi(get_wsgi_application()) as url:
    print(_loopback.fetch(f"{url}/"))
    print(_loopback.fetch(f"{url}/items/7/"))
    print(_loopback.fetch(f"{url}/nowhere/"))

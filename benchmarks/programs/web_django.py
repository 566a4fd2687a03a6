"""Django: one request through its WSGI interface, without a server."""
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import json
import os
import sys
from typing import Any
from wsgiref.util import setup_testing_defaults

from django.core.wsgi import get_wsgi_application


def main() -> None:
    """Send one request to the site, and print the status and the number in the answer."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmark_settings")
    application = get_wsgi_application()
    statuses: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        statuses.append(status)

    environ: dict[str, Any] = {"PATH_INFO": "/items/7/", "REMOTE_ADDR": "127.0.0.1"}
    setup_testing_defaults(environ)
    response = application(environ, start_response)
    body = b"".join(response)
    response.close()
    sys.stdout.write(f"{statuses[0].split()[0]} {json.loads(body)['number']}\n")


if __name__ == "__main__":
    main()

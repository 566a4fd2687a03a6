"""nginx in front of a receiver, as an ingress is: it refuses requests above its ``client_max_body_size``."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

#: ``None`` where it is not installed.
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")

_CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;
events {{}}
http {{
  access_log off; client_max_body_size {largest};
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}{http2}; location / {{ {passing}; }} }}
}}
"""


class Nginx:
    """A context manager that runs it.

    Args:
        to: the port of the receiver behind it.
        largest: of a request, in bytes.
    """

    def __init__(self, folder: Path, protocol: str, to: int, largest: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        grpc = protocol == "grpc"
        self._folder = folder
        (folder / "nginx.conf").write_text(
            _CONFIGURATION.format(
                folder=folder,
                largest=largest,
                port=self._port,
                http2=" http2" if grpc else "",
                passing=f"grpc_pass grpc://127.0.0.1:{to}" if grpc else f"proxy_pass http://127.0.0.1:{to}",
            )
        )
        self.endpoint = f"http://127.0.0.1:{self._port}"

    def __enter__(self):
        command = [str(NGINX), "-p", str(self._folder), "-c", str(self._folder / "nginx.conf")]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                return self
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise
                time.sleep(0.02)

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)

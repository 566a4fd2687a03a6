"""OTLP receivers that are not ours, as processes on free loopback ports: started, killed, stopped, and started again."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

from processes import clean_environ


class OtherReceiver:
    """A receiver; a context manager that runs it.

    Attributes:
        ports: of each protocol, the same after each start.
    """

    #: Seconds within which it listens.
    starts = 10.0

    def __init__(self) -> None:
        own, grpc, http = _free_ports(3)
        self.own, self.ports = own, {"grpc": grpc, "http/protobuf": http}

    def endpoint(self, protocol: str) -> str:
        """For ``OTEL_EXPORTER_OTLP_ENDPOINT``."""
        return f"http://127.0.0.1:{self.ports[protocol]}"

    def command(self) -> list[str]:
        raise NotImplementedError

    def environ(self) -> dict[str, str]:
        return {}

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.process = subprocess.Popen(
            self.command(),
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + self.starts
        while not all(map(_listens, self.ports.values())):
            assert self.process.poll() is None, f"it ended with {self.process.returncode}"
            assert time.monotonic() < deadline, f"it does not listen within {self.starts} s"
            time.sleep(0.02)

    def signal(self, number: int) -> None:
        """To it and its children, which are one process group of ours."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def stop(self) -> None:
        """Stop it for a while; what is sent to it waits in the kernel."""
        self.signal(signal.SIGSTOP)
        # On a busy machine its threads work on until one of them gets to know.
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)
        time.sleep(0.1)

    def go_on(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once; what it had read and not passed on is gone."""
        self.signal(signal.SIGKILL)
        self.process.wait(10)
        deadline = time.monotonic() + 5
        while any(map(_listens, self.ports.values())):
            assert time.monotonic() < deadline, "its children outlive it"
            time.sleep(0.02)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()


class Rotel(OtherReceiver):
    """Rotel, in Rust, on tonic and hyper; passes on all that it takes, at once, over grpc.

    Args:
        to: the endpoint it passes on to.
        largest: of a request over grpc, in MiB.
    """

    def __init__(self, to: str, largest: int = 4) -> None:
        super().__init__()
        self._to, self._largest = to, largest

    def command(self) -> list[str]:
        return [
            str(rotel_binary()), "start", "--disable-batching",
            "--otlp-grpc-endpoint", f"127.0.0.1:{self.ports['grpc']}",
            "--otlp-http-endpoint", f"127.0.0.1:{self.ports['http/protobuf']}",
            "--otlp-grpc-max-recv-msg-size-mib", str(self._largest),
            "--exporter", "otlp", "--otlp-exporter-endpoint", self._to,
        ]  # fmt: skip


class Agent(OtherReceiver):
    """``ddapm-test-agent``, in Python, on grpc.aio and aiohttp, in an environment of its own; keeps what it takes."""

    #: It may have to be installed first.
    starts = 120.0

    def command(self) -> list[str]:
        return [
            "uv", "tool", "run", "--isolated", "ddapm-test-agent@1.69.1", "--port", str(self.own),
            "--otlp-grpc-port", str(self.ports["grpc"]), "--otlp-http-port", str(self.ports["http/protobuf"]),
        ]  # fmt: skip

    def environ(self) -> dict[str, str]:
        return {name: text for name, text in clean_environ().items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}

    def received(self, signal_name: str) -> list[dict[str, Any]]:
        """The requests with this signal since it was started, as JSON."""
        url = f"{self.endpoint('http/protobuf')}/test/session/{signal_name}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found


def rotel_binary() -> Path | None:
    """``None`` where the package is not installed: it is made for Linux on x86-64."""
    found = importlib.util.find_spec("rotel")
    return Path(found.origin).with_name("rotel-agent") if found and found.origin else None


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports

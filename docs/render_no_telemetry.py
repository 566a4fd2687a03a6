"""Runs every command in ``no-telemetry.md``, and writes what it prints under it.

A block is preceded by what the receiver at ``localhost:4317`` does while its commands run:
``<!-- receiver: closed -->``. Run from the root: ``uv run python docs/render_no_telemetry.py``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "tests" / "support"))

from answering import closed_port, grpc_answering, http_answering  # noqa: E402  (its folder is known since the line above)
from distributions import write_distribution  # noqa: E402  (its folder is known since the line above)
from processes import BIN, clean_environ  # noqa: E402  (its folder is known since the line above)

PAGE = DOCS / "no-telemetry.md"
APP = """\
import logging

from opentelemetry import trace

with trace.get_tracer("shop").start_as_current_span("checkout"):
    logging.getLogger("shop").warning("the card was declined")
"""
BLOCK = re.compile(r"<!-- receiver: (?P<receiver>[\w ]+) -->\n\n```console\n(?P<text>.*?)```\n", re.DOTALL)


def render(page: str) -> str:
    """The page with fresh output."""
    # Most of the time is spent in waiting for receivers that are not there.
    with ThreadPoolExecutor(4) as pool:
        rendered = pool.map(_rendered, list(BLOCK.finditer(page)))
    return BLOCK.sub(lambda block: next(rendered), page)


def _rendered(block: re.Match[str]) -> str:
    shown = ""
    with tempfile.TemporaryDirectory() as folder, RECEIVERS[block["receiver"]]() as port:
        Path(folder, "app.py").write_text(APP)
        points = {
            "opentelemetry_distro": {"vendor": "vendor:Distro"},
            "opentelemetry_configurator": {"vendor": "vendor:Configurator"},
        }
        write_distribution(Path(folder, "vendor"), "vendor-distro", "2.0", points)
        for command in re.findall(r"^\$ (.*)$", block["text"], re.MULTILINE):
            shown += f"$ {command}\n{_output(command, port, Path(folder))}"
    return f"<!-- receiver: {block['receiver']} -->\n\n```console\n{shown}```\n"


def _output(command: str, port: int, folder: Path) -> str:
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://localhost:{port}",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1000",
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "NO_PROXY": "localhost",
        "no_proxy": "localhost",
        "COLUMNS": "100",
    }
    if "--diff" in command:
        # Its output would be about what is set here.
        del settings["OTEL_EXPORTER_OTLP_ENDPOINT"], settings["OTEL_EXPORTER_OTLP_TIMEOUT"]
    environ = clean_environ(settings, [folder / "vendor"] if "vendor" in command else [])
    done = subprocess.run(
        ["sh", "-c", f"{command} 2>&1"], env=environ, cwd=folder, capture_output=True, text=True, timeout=120
    )
    return _lasting(done.stdout, port, folder)


def _lasting(text: str, port: int, folder: Path) -> str:
    """What is the same on every machine."""
    text = text.replace(str(folder.resolve()), "/app").replace(str(folder), "/app").replace(str(BIN), "/venv/bin")
    text = text.replace(f":{port}", ":4317").replace(f"port {port}", "port 4317")
    text = re.sub(r"\b\d+ ms\b", "12 ms", text)
    text = re.sub(r"Python 3\.[\d.]+", "Python 3.11.7", text)
    text = re.sub(r"in the last \d+ s", "in the last 1 s", text)
    text = re.sub(r"localhost is [\d.:, ]+", "localhost is 127.0.0.1", text)
    # What is installed where the page is made, and cut: it is a long list.
    text = re.sub(r"(?<= )('opentelemetry-(?!instrumentation-celery)[^']+' )+", "… ", text)
    text = re.sub(r"… 'opentelemetry-[^']+'$", "…", text, flags=re.MULTILINE)
    # Signals are exported side by side.
    losses = iter(sorted(line for line in text.splitlines() if " lost" in line))
    text = "".join(f"{next(losses) if ' lost' in line else line}\n" for line in text.splitlines())
    return text if text.endswith("\n") or not text else text + "\n"


@contextmanager
def _closed() -> Iterator[int]:
    yield closed_port()


RECEIVERS = {
    "closed": _closed,
    "grpc": grpc_answering,
    "http": http_answering,
    "refuses credentials": lambda: http_answering(401, b"no such key", {"content-type": "text/plain"}),
}

if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text()))
    print(f"wrote {PAGE}")

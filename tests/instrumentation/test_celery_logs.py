"""Celery sets up logging by itself: it takes the root's handlers, and gives the loggers of tasks one of their own."""

from __future__ import annotations

import importlib.util
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from applications import start

#: Its defaults: it hijacks the root logger, and ``print`` goes to a logger.
APP = """
import logging
import celery
from celery.signals import worker_ready
from celery.utils.log import get_task_logger

app = celery.Celery("app", broker="memory://")
task_logger = get_task_logger(__name__)

@app.task
def work(number):
    task_logger.warning("of the task %s", number)
    logging.getLogger("library").warning("of a library %s", number)
    print(f"printed {number}")
    with open("emitted", "a") as file:
        file.write(f"{number}\\n")

@worker_ready.connect
def send(**_):
    for number in range(20):
        work.delay(number)
"""


@pytest.mark.skipif(not importlib.util.find_spec("celery"), reason="celery is installed on one Python only")
@pytest.mark.parametrize(
    ("pool", "protocol"),
    [("prefork", "grpc"), ("threads", "http/protobuf"), ("solo", "grpc"), ("gevent", "http/protobuf")],
)
def test_every_record_of_every_task_arrives_once(tmp_path, receiver, pool, protocol):
    (tmp_path / "app.py").write_text(APP)
    command = [str(Path(sys.executable).parent / "celery"), "-A", "app", "worker", "-c", "2", "-P", pool]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    app = start(command, receiver.endpoint(protocol), protocol, tmp_path, {"PYTHONPATH": str(tmp_path)})
    try:
        app.until_emitted(20, 60)
        app.signal(signal.SIGTERM)
        app.end(60)
    finally:
        if app.process.poll() is None:
            app.kill()

    texts = ("of the task", "of a library", "printed")
    arrived = Counter(log.body for log in receiver.store.logs() if log.body.startswith(texts))
    assert arrived == Counter(f"{text} {number}" for text in texts for number in range(20)), app.err[-2000:]
    # Its console has what it has without a launcher.
    assert [app.err.count(text) for text in texts] == [20, 20, 20]

"""celery sends a task through a broker in memory to a worker in a thread."""

from celery import Celery
from celery.contrib.testing.worker import start_worker
from celery.utils.log import get_task_logger

app = Celery("shop", broker="memory://localhost/", backend="cache+memory://")
app.conf.broker_transport_options = {"polling_interval": 0.05}
logger = get_task_logger("shop")


@app.task(name="shop.add")
def add(one, other):
    logger.warning("adding")
    return one + other


with start_worker(app, pool="solo", perform_ping_check=False, loglevel="WARNING", shutdown_timeout=10):
    print(add.delay(1, 2).get(timeout=10))

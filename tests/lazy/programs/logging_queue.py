"""Log records go through a queue to a listener in another thread; warnings become log records."""

import logging
import queue
import sys
import warnings
from logging.handlers import QueueHandler, QueueListener

records = queue.SimpleQueue()
logger = logging.getLogger("shop")
logger.addHandler(QueueHandler(records))
listener = QueueListener(records, logging.StreamHandler(sys.stdout))
listener.start()
logger.warning("through the queue")
listener.stop()

logging.captureWarnings(True)
warnings.warn_explicit("old", UserWarning, "shop.py", 1)

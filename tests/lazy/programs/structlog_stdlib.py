"""structlog writes through the standard library, and to stdout by itself."""

import logging
import sys

import structlog

structlog.get_logger().bind(order=7)
structlog.configure(processors=[structlog.processors.KeyValueRenderer(sort_keys=True)])
structlog.get_logger().info("printed", order=7)

logging.basicConfig(format="%(message)s", stream=sys.stdout, level=logging.INFO)
structlog.configure(
    processors=[structlog.stdlib.add_log_level, structlog.processors.JSONRenderer(sort_keys=True)],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
structlog.get_logger("shop").warning("logged", order=7)

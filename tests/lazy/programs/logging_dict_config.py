"""``dictConfig`` replaces the root logger's handlers and disables a logger that exists."""

import logging
import logging.config

early = logging.getLogger("early")
early.warning("before the configuration")
logging.config.dictConfig(
    {
        "version": 1,
        "formatters": {"short": {"format": "%(name)s: %(message)s"}},
        "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "short"}},
        "loggers": {"shop.audit": {"level": "DEBUG", "handlers": ["out"], "propagate": False}},
        "root": {"level": "INFO", "handlers": ["out"]},
    }
)
early.warning("disabled")
logging.getLogger("shop").info("after the configuration")
logging.getLogger("shop.audit").debug("does not propagate")
logging.basicConfig(level="INFO", format="forced: %(message)s", force=True)
logging.getLogger("shop").info("after basicConfig by force")

"""Log records with an exception, by ``exc_info`` and by ``logger.exception``, and with a stack."""

import logging

logger = logging.getLogger("shop")
try:
    raise ValueError("out of stock")
except ValueError:
    logger.exception("cannot order")
    logger.warning("cannot order", exc_info=True)
logger.error("given", exc_info=KeyError("given"))

"""A class of loggers of the program, a level of its own, and an adapter."""

import logging

NOTICE = 25
logging.addLevelName(NOTICE, "NOTICE")


class ShopLogger(logging.Logger):
    def notice(self, message):
        self.log(NOTICE, message)


logging.setLoggerClass(ShopLogger)
logger = logging.getLogger("shop")
logger.setLevel(NOTICE)
logger.notice("noticed")
logging.LoggerAdapter(logger, {"tenant": "ada"}).warning("adapted")

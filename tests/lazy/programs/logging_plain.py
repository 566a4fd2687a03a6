"""Log records of a program that configures no logging, before it does anything else."""

import logging

logging.getLogger("shop").warning("by a logger: %s", 1)
logging.getLogger("shop").info("too low")
logging.warning("by the module")
logging.getLogger("shop").error("after the module has configured the root logger")
print(len(logging.getLogger().handlers))

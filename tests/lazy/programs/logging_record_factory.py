"""The program sets a factory of its own for log records, and shows which fields a record has."""

import logging

made_before = logging.getLogRecordFactory()


def factory(*arguments, **keywords):
    record = made_before(*arguments, **keywords)
    record.tenant = "ada"
    return record


class Showing(logging.Handler):
    def emit(self, record):
        print(sorted(name for name in vars(record) if name.startswith("otel") or name == "tenant"))


logging.setLogRecordFactory(factory)
logging.getLogger().addHandler(Showing())
logging.getLogger("shop").warning("made by the factory")

"""A child process by ``fork`` has telemetry of its own: a span, a log record and a query."""

import _child

if __name__ == "__main__":
    _child.run("fork")

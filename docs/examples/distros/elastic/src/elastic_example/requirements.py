"""Which instrumentations fit the libraries that are installed here; some are this distro's own."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from packaging.requirements import Requirement

#: Upstream's distribution, and the one that takes its place.
SWAPPED = {"opentelemetry-instrumentation-openai-v2": "elastic-example-instrumentation-openai"}


def requirements() -> Iterator[str]:
    """One requirement a line, for pip; upstream's own table of libraries is read, and nothing of it is changed."""
    from opentelemetry.instrumentation.bootstrap_gen import default_instrumentations, libraries

    found = [*default_instrumentations, *(item["instrumentation"] for item in libraries if _fits(item["library"]))]
    for text in dict.fromkeys(found):
        name = Requirement(text).name
        yield SWAPPED.get(name, text)


def _fits(library: str) -> bool:
    wanted = Requirement(library)
    try:
        return wanted.specifier.contains(version(wanted.name), prereleases=True)
    except PackageNotFoundError:
        return False

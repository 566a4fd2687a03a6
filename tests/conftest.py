"""Fixtures for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from distrokit_dev.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A real OTLP receiver on free loopback ports."""
    with Receiver() as running:
        yield running

"""The handlers of SIGTERM and SIGHUP, with real signals sent to this process; that they end one is in test_ending.py."""

from __future__ import annotations

import _signal
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from distrokit.pipeline import os_signals as room
from distrokit.pipeline.os_signals import OSSignals

NUMBERS = signal.SIGTERM, signal.SIGHUP


@pytest.fixture
def first_process(monkeypatch) -> Iterator[None]:
    """As the first process of a container, which the kernel does not end by a signal: so this one goes on, too."""
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals are handled in the main thread only")
    monkeypatch.setattr(room, "_INIT", os.getpid())
    before = {number: signal.signal(number, signal.SIG_DFL) for number in NUMBERS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Work:
    """What is done on a signal: in which threads."""

    def __init__(self) -> None:
        self.flushed: list[threading.Thread] = []
        self.stopped = 0
        self.stopping = False
        self.signals = OSSignals().connect(self.stop, self.flush, lambda: self.stopping)

    def stop(self) -> None:
        self.stopped += 1

    def flush(self) -> None:
        self.flushed.append(threading.current_thread())


def until(condition) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_first_process_of_a_container_flushes_at_each_signal_and_goes_on(first_process):
    work = Work()
    work.signals.install()

    for number, times in ((signal.SIGTERM, 1), (signal.SIGTERM, 2), (signal.SIGHUP, 3)):
        os.kill(os.getpid(), number)
        # The thread that has flushed sends it once more, and with that it is over.
        until(lambda: work.signals._pending is None)
        assert len(work.flushed) == times

    assert threading.main_thread() not in work.flushed
    assert work.stopped == 0
    work.signals.remove()
    assert [signal.getsignal(number) for number in NUMBERS] == [signal.SIG_DFL] * 2


def test_where_the_flush_is_under_way_a_signal_waits_for_it(first_process):
    work = Work()
    work.stopping = True
    work.signals.install()

    os.kill(os.getpid(), signal.SIGTERM)
    until(lambda: work.signals._pending == signal.SIGTERM)

    assert (work.flushed, work.stopped) == ([], 0)
    # In a child of a fork it is not there.
    work.signals.forked()
    work.signals.end()
    work.signals.remove()


def test_without_a_thread_to_be_had_a_signal_waits_for_the_end(first_process):
    work = Work()
    work.signals.install()
    # No address space has room for this.
    threading.stack_size(1 << 46)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        until(lambda: work.signals._pending == signal.SIGTERM)
    finally:
        threading.stack_size(0)

    assert (work.flushed, work.stopped) == ([], 0)
    work.signals.forked()
    work.signals.remove()


def test_another_ones_handler_and_another_thread_are_left_alone(first_process):
    work = Work()

    def own(number, frame):
        raise AssertionError

    signal.signal(signal.SIGTERM, own)
    thread = threading.Thread(target=work.signals.install)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL

    work.signals.install()
    assert signal.getsignal(signal.SIGTERM) is own
    # It stands there, and looks like what it stands for.
    assert _signal.getsignal(signal.SIGHUP) == work.signals._handle
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    work.signals.remove()
    assert _signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP)) == (own, signal.SIG_DFL)


def test_who_asks_for_the_default_gets_it_after_a_flush_and_the_functions_are_given_back(first_process):
    functions = signal.signal, signal.getsignal
    work = Work()
    work.signals.install()

    for default in (signal.SIG_DFL, 0):
        assert signal.signal(signal.SIGTERM, lambda *_: None) is signal.SIG_DFL
        signal.signal(signal.SIGTERM, default)
        assert _signal.getsignal(signal.SIGTERM) == work.signals._handle
    # The way that docs/reliability.md has for the default itself.
    signal.signal.__wrapped__(signal.SIGTERM, signal.SIG_DFL)
    assert _signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    before = signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    assert _signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
    signal.signal(signal.SIGUSR1, before)

    work.signals.remove()
    assert (signal.signal, signal.getsignal) == functions
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert _signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_called_by_another_ones_handler_it_flushes_and_ends_nothing(first_process):
    work = Work()
    work.signals.install()
    found = _signal.getsignal(signal.SIGTERM)

    calls = []

    def calls_it(number, frame):
        calls.append(number)
        found(number, frame)

    signal.signal(signal.SIGTERM, calls_it)

    os.kill(os.getpid(), signal.SIGTERM)
    until(lambda: work.flushed)
    # Nobody sends the signal once more.
    time.sleep(0.3)

    assert calls == [signal.SIGTERM]
    assert (work.stopped, work.signals._pending, signal.getsignal(signal.SIGTERM)) == (0, None, calls_it)
    work.signals.remove()

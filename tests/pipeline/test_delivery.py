"""The queue of distrokit's batch, with an exporter that does as it is told: nothing is lost, doubled or out of order."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distrokit import ExportFailure
from distrokit.launch.assembly import plan_for
from distrokit_batch import delivery, retry
from distrokit_batch.delivery import Delivery
from distrokit_batch.memory import default_burst, find_memory_limit
from distrokit_batch.sizes import Sizes


class Receiver:
    """Takes batches by a list of words, and everything when it is over.

    ``taken``; ``later``: none of it; ``away``: nobody is there; ``part``: the first half; ``none``: lost, and reported;
    ``raises``: lost, and not reported.
    """

    def __init__(self, words: list[str]) -> None:
        self._words = iter(words)
        self.arrived: list[int] = []
        self.lost: Counter[str] = Counter()
        self.largest = self.closed = 0
        self._lock = threading.Lock()

    def attempt(self, batch: list[int], seconds: float) -> ExportFailure | None:
        self.largest = max(self.largest, len(batch))
        word = next(self._words, "taken")
        if word == "raises":
            raise SystemExit("an exporter may")
        if word == "none":
            self.count(len(batch), "failed")
            return ExportFailure(None, "no")
        arrived = {"taken": len(batch), "part": len(batch) // 2}.get(word, 0)
        self.arrived += batch[:arrived]
        return ExportFailure(batch[arrived:], "not now", reached=word != "away") if batch[arrived:] else None

    def count(self, items: int, reason: str, cause: str = "") -> None:
        with self._lock:
            self.lost[reason] += items

    def close(self) -> None:
        self.closed += 1


def delivering(receiver: Receiver, **options) -> Delivery[int]:
    sizes = Sizes(**{"queue": 30, "batch": 7, "delay_seconds": 0.001, "timeout_seconds": 1.0, **options})
    return Delivery("a-queue", receiver.attempt, receiver.close, sizes, receiver.count)


@pytest.fixture(scope="module", autouse=True)
def _hurried() -> Iterator[None]:
    """An outage here is over in no time."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("FIRST_PAUSE", "FIRST_PAUSE_AWAITED", "LONGEST_PAUSE"):
            patch.setattr(retry, name, 0.001)
        yield


steps = st.lists(st.one_of(st.integers(1, 40), st.just("flush"), st.just("wait")), max_size=12)
words = st.lists(st.sampled_from(["taken", "later", "away", "part", "none", "raises"]), max_size=25)


@given(
    steps=steps,
    words=words,
    drop_newest=st.booleans(),
    delay=st.sampled_from([0.001, 3600]),
    burst=st.sampled_from([0, 60]),
)
@settings(suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_item_is_delivered_once_in_order_or_counted(steps, words, drop_newest, delay, burst):
    receiver, put = Receiver(words), 0
    queue = delivering(receiver, drop_newest=drop_newest, delay_seconds=delay, burst=burst)
    for step in steps:
        if step == "flush":
            lost = receiver.lost.total()
            assert queue.flush(10) == (receiver.lost.total() == lost)
            assert queue._empty
        elif step == "wait":
            time.sleep(0.002)
        else:
            for _ in range(step):
                queue.put(put)
                put += 1
                assert len(queue._queue) <= max(30, burst)
    queue.shutdown()
    assert receiver.arrived == sorted(set(receiver.arrived))
    assert len(receiver.arrived) + sum(receiver.lost.values()) == put
    assert receiver.largest <= 7
    assert set(receiver.lost) <= {"failed", "queue_full"}
    assert receiver.closed == 1
    queue.put(0)
    assert receiver.lost["after_shutdown"] == 1


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads that are interrupted far more often than usual."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def together(do: Callable[[int], None], threads: int = 8) -> None:
    """The same in many threads; raises what one of them raised."""
    raised: list[BaseException] = []
    barrier = threading.Barrier(threads)

    def run(number: int) -> None:
        try:
            barrier.wait(10)
            do(number)
        except BaseException as error:
            raised.append(error)

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(15)
        assert not thread.is_alive()
    assert raised == []


@pytest.mark.usefixtures("restless")
@pytest.mark.parametrize("drop_newest", [False, True])
def test_many_threads_put_at_once(drop_newest):
    receiver = Receiver(["later", "part"] * 50)
    queue = delivering(receiver, queue=500, batch=50, drop_newest=drop_newest)
    longest = []

    def put(thread: int) -> None:
        for one in range(2000):
            queue.put(thread * 2000 + one)
        longest.append(len(queue._queue))

    together(put)
    queue.shutdown()
    assert len(receiver.arrived) == len(set(receiver.arrived))
    assert len(receiver.arrived) + sum(receiver.lost.values()) == 16_000
    assert set(receiver.lost) <= {"queue_full"}
    for thread in range(8):
        mine = [one for one in receiver.arrived if one // 2000 == thread]
        assert mine == sorted(mine)
    # One more for each thread that had looked before another one put.
    assert max(longest) <= 500 + 8


@pytest.mark.usefixtures("restless")
def test_threads_that_put_while_the_end_comes():
    for _ in range(20):
        receiver = Receiver([])
        queue = delivering(receiver, queue=10_000)

        def put(thread: int, queue=queue) -> None:
            if thread == 0:
                time.sleep(0.002)
                queue.shutdown()
            else:
                for one in range(300):
                    queue.put(thread * 300 + one)

        together(put)
        assert len(receiver.arrived) == len(set(receiver.arrived))
        assert len(receiver.arrived) + sum(receiver.lost.values()) == 2100
        assert set(receiver.lost) <= {"after_shutdown", "queue_full"}


@pytest.mark.usefixtures("restless")
def test_many_threads_flush_at_once():
    receiver = Receiver(["later", "taken", "part"] * 20)
    queue = delivering(receiver, delay_seconds=3600, queue=10_000, batch=100)

    def put_and_flush(thread: int) -> None:
        for one in range(20):
            queue.put(thread * 20 + one)
            assert queue.flush(10)
            assert thread * 20 + one in receiver.arrived

    together(put_and_flush)
    queue.shutdown()
    assert sorted(receiver.arrived) == list(range(160))
    assert receiver.lost == Counter()


@pytest.mark.parametrize("late", ["taken", "later", "raises"])
def test_the_end_has_one_deadline(late):
    """An exporter that does not come back is left behind, and what was not sent is counted; once, whatever it does."""
    entered, leave, receiver = threading.Event(), threading.Event(), Receiver([late])

    def attempt(batch: list[int], seconds: float) -> ExportFailure | None:
        entered.set()
        leave.wait(20)
        return receiver.attempt(batch, seconds)

    sizes = Sizes(queue=100, batch=10, delay_seconds=0.001, timeout_seconds=60)
    queue = Delivery("a-queue", attempt, receiver.close, sizes, receiver.count)
    for one in range(30):
        queue.put(one)
    assert entered.wait(10)
    begin = time.monotonic()
    queue.begin_shutdown(begin + 0.3)
    queue.shutdown()
    # The exporter holds it for twenty seconds.
    assert time.monotonic() - begin < 15
    assert receiver.lost == {"exit": 30}
    leave.set()
    queue._thread.join(10)
    assert receiver.lost == {"exit": 30}
    assert receiver.closed == 1


def test_an_exporter_that_asks_for_time_is_left_alone():
    """And one that asks for more than there is, is not asked again."""
    asked: list[float] = []

    def attempt(batch: list[int], seconds: float) -> ExportFailure:
        asked.append(time.monotonic())
        return ExportFailure(batch, "not now", wait_seconds=0.3 if len(asked) == 1 else 3600)

    receiver = Receiver([])
    sizes = Sizes(queue=100, batch=10, delay_seconds=3600, timeout_seconds=60)
    queue = Delivery("a-queue", attempt, receiver.close, sizes, receiver.count)
    queue.put(1)
    begin = time.monotonic()
    assert not queue.flush(60)
    assert time.monotonic() - begin < 30
    assert len(asked) == 2
    assert asked[1] - asked[0] >= 0.3
    queue.begin_shutdown(time.monotonic() + 0.5)
    queue.shutdown()
    assert receiver.lost.total() == 1


def test_nothing_is_started_for_nothing():
    receiver = Receiver([])
    queue = delivering(receiver)
    before = threading.active_count()
    assert queue.flush(5)
    queue.shutdown()
    queue.shutdown()
    assert threading.active_count() == before
    assert receiver.closed == 1
    assert receiver.arrived == []


class Held(Receiver):
    """Takes nothing before it is let go."""

    def __init__(self, words: list[str]) -> None:
        super().__init__(words)
        self.asked, self.go = threading.Event(), threading.Event()

    def attempt(self, batch: list[int], seconds: float) -> ExportFailure | None:
        self.asked.set()
        self.go.wait(10)
        return super().attempt(batch, seconds)


def test_a_burst_is_longer_than_the_queue_and_not_longer_than_the_burst():
    receiver = Held([])
    queue = delivering(receiver, burst=100, delay_seconds=3600)
    for item in range(7):
        queue.put(item)
    assert receiver.asked.wait(10)
    for item in range(7, 120):
        queue.put(item)
    receiver.go.set()
    queue.shutdown()

    # The first seven are with the receiver; of the others the last hundred are left.
    assert (receiver.arrived, dict(receiver.lost)) == ([*range(7), *range(20, 120)], {"queue_full": 13})


def test_an_outage_keeps_the_queue_at_its_size(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_PAUSE", 3600)
    monkeypatch.setattr(retry, "LONGEST_PAUSE", 3600)
    receiver = Receiver(["later"])
    queue = delivering(receiver, burst=100, delay_seconds=3600)
    for item in range(7):
        queue.put(item)
    while not queue._retry.at:
        time.sleep(0.001)
    for item in range(7, 120):
        queue.put(item)
    assert len(queue._queue) == 30
    queue.shutdown()

    assert (receiver.arrived, dict(receiver.lost)) == ([*range(7), *range(90, 120)], {"queue_full": 83})


def test_a_receiver_that_hangs_is_no_burst(monkeypatch):
    monkeypatch.setattr(delivery, "_PROMPT", 0.05)
    receiver = Held([])
    queue = delivering(receiver, burst=100, delay_seconds=3600)
    for item in range(7):
        queue.put(item)
    assert receiver.asked.wait(10)
    time.sleep(0.1)
    for item in range(7, 120):
        queue.put(item)
    waiting = len(queue._queue)
    receiver.go.set()
    queue.shutdown()

    assert (waiting, dict(receiver.lost)) == (30, {"queue_full": 83})


def test_a_put_that_is_interrupted_before_it_wakes_the_thread_is_made_good_by_the_next(monkeypatch):
    receiver = Receiver([])
    queue = delivering(receiver, delay_seconds=0.02)
    queue.put(1)
    while not queue._idle:
        time.sleep(0.001)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(queue, "_wake_thread", interrupt)
        with pytest.raises(KeyboardInterrupt):
            queue.put(2)
    queue.put(3)
    until = time.monotonic() + 10
    while receiver.arrived != [1, 2, 3] and time.monotonic() < until:
        time.sleep(0.001)

    assert receiver.arrived == [1, 2, 3]
    queue.shutdown()


def test_what_comes_while_the_thread_is_paused_is_sent_afterwards():
    receiver = Receiver([])
    queue = delivering(receiver, delay_seconds=0.02)
    queue.put(1)
    assert queue.flush(10)
    queue.pause()
    queue.put(2)
    queue.resume()

    assert queue.flush(10)
    assert receiver.arrived == [1, 2]
    queue.shutdown()


def test_a_queue_that_collects_wakes_for_each_interval():
    receiver, collected = Receiver([]), threading.Semaphore(0)
    sizes = Sizes(queue=30, batch=7, delay_seconds=0.02, timeout_seconds=1.0)
    queue = Delivery("a-reader", receiver.attempt, receiver.close, sizes, receiver.count, collect=collected.release)
    queue.start()

    assert all(collected.acquire(timeout=10) for _ in range(3))
    queue.shutdown()


def test_an_idle_thread_can_be_paused():
    queue = delivering(Receiver([]), delay_seconds=0.02)
    queue.put(1)
    assert queue.flush(10)
    while not queue._idle:
        time.sleep(0.001)
    thread = queue._thread
    queue.pause()

    assert not thread.is_alive()
    queue.resume()
    queue.shutdown()


def test_an_item_after_a_rest_waits_for_the_whole_delay():
    receiver = Receiver([])
    queue = delivering(receiver, delay_seconds=1)
    queue.put(1)
    assert queue.flush(10)
    while not queue._idle:
        time.sleep(0.01)
    time.sleep(1.1)
    queue.put(2)
    time.sleep(0.1)
    early = list(receiver.arrived)
    assert queue.flush(10)
    queue.shutdown()

    assert (early, receiver.arrived) == ([1], [1, 2])


@pytest.mark.skipif(sys.platform != "linux", reason="counts the switches of a thread in /proc")
def test_a_thread_with_nothing_to_send_never_wakes_and_wakes_for_the_next_item():
    receiver = Receiver([])
    queue = delivering(receiver, delay_seconds=0.02)
    queue.put(1)
    while receiver.arrived != [1]:
        time.sleep(0.01)
    time.sleep(0.1)
    before = switches(queue)
    time.sleep(0.4)
    idle = switches(queue) - before
    queue.put(2)
    until = time.monotonic() + 10
    while receiver.arrived != [1, 2] and time.monotonic() < until:
        time.sleep(0.01)

    assert (idle, receiver.arrived) == (0, [1, 2])
    assert queue.flush(5)
    queue.shutdown()


def switches(queue: Delivery[int]) -> int:
    """How often the thread of a queue has gone to sleep."""
    status = Path(f"/proc/self/task/{queue._thread.native_id}/status").read_text()
    return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.MULTILINE)[1])


@pytest.mark.parametrize(
    ("memory", "items"), [(64 << 20, 512), (1 << 30, 8192), (8 << 30, 65_536), (1 << 50, 65_536), (0, 0)]
)
def test_the_size_of_a_burst_follows_the_memory(memory, items):
    assert default_burst(memory) == items


def test_the_memory_of_a_control_group_counts(tmp_path):
    group = tmp_path / "outer" / "inner"
    group.mkdir(parents=True)
    own = tmp_path / "own"
    own.write_text("1:name=systemd:/x\n0::/outer/inner\n")
    assert find_memory_limit(tmp_path, own) == find_memory_limit(tmp_path / "none", tmp_path / "none")
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "outer" / "memory.max").write_text("1048576\n")
    (group / "memory.max").write_text("2097152\n")
    assert find_memory_limit(tmp_path, own) == 1048576
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("4096\n")
    assert find_memory_limit(tmp_path, own) == 4096
    own.write_text("nonsense")
    assert find_memory_limit(tmp_path, own) == 4096


@pytest.mark.parametrize(
    ("environ", "sizes"),
    [
        ({}, (2048, default_burst())),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "3000"}, (3000, 3000)),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "3000", "DISTROKIT_BURST_QUEUE_SIZE": "4000"}, (3000, 4000)),
        ({"DISTROKIT_BURST_QUEUE_SIZE": "100"}, (2048, 2048)),
        ({"DISTROKIT_BURST_QUEUE_SIZE": "many"}, (2048, default_burst())),
    ],
)
def test_the_size_of_a_queue_that_is_set_is_a_limit(environ, sizes):
    plan = plan_for(environ, project=False).plan
    parameters = plan.signals["traces"].exporters[0].processor.parameters

    told = [problem for problem in plan.problems if "DISTROKIT_BURST_QUEUE_SIZE" in problem.subject]
    assert bool(told) == (environ.get("DISTROKIT_BURST_QUEUE_SIZE") in ("100", "many"))
    assert (parameters["max_queue_size"].value, parameters["burst_queue_size"].value) == sizes

"""What runs in a soak: programs that emit from threads, forks and pools, each with a time after which it ends by itself."""

from __future__ import annotations

from dataclasses import dataclass

#: ``work`` emits for a while; ``forked`` runs a child, and says how that ended when it was not by itself.
_COMMON = """
import multiprocessing, random, signal, threading
chance = random.Random(int(os.environ["SOAK_SEED"]))

def work(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        emit(chance.randrange(1, 8)); time.sleep(chance.random() * 0.05)

def threads(count, seconds):
    started = [threading.Thread(target=work, args=(seconds,)) for _ in range(count)]
    [thread.start() for thread in started]
    return started

def forked(work):
    child = os.fork()
    if child == 0:
        work()
        sys.exit(0)
    return child

def awaited(children, seconds):
    until = time.monotonic() + seconds
    for child in children:
        while (done := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < until:
            time.sleep(0.01)
        if done[0] == 0:
            os.kill(child, signal.SIGKILL); os.waitpid(child, 0)
            say(f"hung {child}")
        elif done[1]:
            say(f"status {child} {os.waitstatus_to_exitcode(done[1])}")

def end():
    say(f"end {time.monotonic()}")
"""


@dataclass(frozen=True)
class Program:
    """A program.

    Attributes:
        source: after ``EMITTING``.
        signal: what is sent to its process group at a random moment; empty for nothing.
    """

    source: str
    signal: str = ""


PROGRAMS = {
    "threads": Program(_COMMON + "[t.join() for t in threads(3, chance.uniform(1, 4))]\nend()"),
    "forks": Program(
        _COMMON
        + """
busy = threads(2, 3)
children = []
for _ in range(chance.randrange(2, 8)):
    children.append(forked(lambda: work(chance.random())))
    time.sleep(chance.random() * 0.4)
awaited(children, 12)
[t.join() for t in busy]
end()
"""
    ),
    "pool": Program(
        _COMMON
        + """
emit(1)
with multiprocessing.get_context("fork").Pool(2) as pool:
    pool.map(work, [chance.random() / 2 for _ in range(6)], chunksize=1)
    pool.close(); pool.join()
work(0.5)
end()
"""
    ),
    "processes": Program(
        _COMMON
        + """
busy = threads(1, 2)
started = [multiprocessing.get_context("fork").Process(target=work, args=(chance.random() * 2,)) for _ in range(3)]
[one.start() for one in started]
for one in started:
    one.join(12)
    if one.exitcode is None:
        one.kill(); one.join(); say(f"hung {one.pid}")
    elif one.exitcode:
        say(f"status {one.pid} {one.exitcode}")
[t.join() for t in busy]
end()
"""
    ),
    "sigterm": Program(_COMMON + "threads(2, 20); work(20)", "SIGTERM"),
    "sigterm with children": Program(
        _COMMON + "children = [forked(lambda: work(20)) for _ in range(2)]\nwork(20); awaited(children, 5)", "SIGTERM"
    ),
    "sigkill": Program(_COMMON + "threads(2, 20); work(20)", "SIGKILL"),
    "sigkill with children": Program(_COMMON + "forked(lambda: work(20)); work(20)", "SIGKILL"),
}

"""The balance of a soak: what was emitted against what arrived, and against what the processes said they lost."""

from __future__ import annotations

import contextlib
import re
import signal
import sqlite3
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from applications import Application
from ledger import Ledger

#: Lines of distrokit for each process of a tree.
MOST_LINES = 20
_LOST = re.compile(
    r"^distrokit: \S+ (traces|logs|metrics): .*?([\d,]+) (?:span|log record|data point)s? lost", re.MULTILINE
)
#: Documented: a child that begins while grpc waits for an answer may hang, or be aborted by grpc.
_WARNED = "forks while grpc waits for an answer"
_SPOOLED = re.compile(rb'"(\d+:\d+)"')


@dataclass
class Ran:
    """A process tree that has ended.

    Attributes:
        took: seconds from the end of its program, or from the signal, to the end of the process.
        expected: seconds for that, at most.
    """

    name: str
    app: Application
    signal: str = ""
    took: float = 0.0
    expected: float = 0.0
    hung: bool = False

    @property
    def killed(self) -> bool:
        return self.signal == "SIGKILL"

    @property
    def warned(self) -> bool:
        return _WARNED in self.app.err

    def lost(self, name: str) -> int:
        """How many items of a signal its lines tell of."""
        return sum(int(number.replace(",", "")) for which, number in _LOST.findall(self.app.err) if which == name)

    def ids(self) -> list[str]:
        """Those that are expected: not of children that had to be killed, or were aborted."""
        gone = set(re.findall(r"^(?:hung|status) (\d+)", self.app.out, re.MULTILINE))
        return [] if self.killed else [each for each in self.app.emitted if each.partition(":")[0] not in gone]

    def faults(self) -> list[str]:
        """What is wrong with how it ended."""
        found = [] if not self.hung else ["hung, and was killed"]
        status = self.app.process.returncode
        if not self.hung and status != (-signal.Signals[self.signal] if self.signal else 0):
            found.append(f"ended with {status}")
        if not self.warned:
            found += re.findall(r"^(?:hung|status) .*$", self.app.out, re.MULTILINE)
        if not self.killed and self.took > self.expected:
            found.append(f"its end took {self.took:.1f} s")
        if "Traceback" in self.app.err:
            found.append("a traceback")
        processes = len({each.partition(":")[0] for each in self.app.emitted}) or 1
        if len(self.app.said) > MOST_LINES * processes:
            found.append(f"{len(self.app.said)} lines")
        return found


@dataclass
class Balance:
    """Of some process trees that share what they say about losses: one, or all of a round with one spool."""

    ran: list[Ran]
    ledger: Ledger
    owed: dict[str, set[str]] = field(default_factory=dict)
    left: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def draw(self, copies: int) -> Balance:
        """Compute it.

        Args:
            copies: of an item, that may arrive beside the first one.
        """
        mine = {each for ran in self.ran for each in ran.ids()}
        for name in ("traces", "logs"):
            absent = self.ledger.lost(sorted(mine | self.owed.get(name, set())), name)
            self.missing[name], self.lost[name] = len(absent), sum(ran.lost(name) for ran in self.ran)
            if self.missing[name] > self.lost[name] + self.left[name]:
                self.faults.append(f"{name}: {len(absent)} missing, {self.lost[name]} said to be lost: {absent[:5]}")
            theirs = {each for ran in self.ran for each in ran.app.emitted}
            many = {each: n for each, n in self.ledger.duplicated(name).items() if n > copies and each in theirs}
            if many:
                self.faults.append(
                    f"{name}: {len(many)} more than {copies + 1} times, {max(many.values()) + 1} at most"
                )
        self._metrics(sorted(mine))
        return self

    def _metrics(self, ids: list[str]) -> None:
        """Each process's counter stands at what it emitted, unless data points were lost."""
        counted = Counter(int(each.partition(":")[0]) for each in ids)
        last: defaultdict[int | None, float] = defaultdict(float)
        for point in self.ledger.points:
            if point.name == "c":
                last[point.pid] = max(last[point.pid], point.value)
        self.lost["metrics"] = sum(ran.lost("metrics") for ran in self.ran)
        # What is counted while a process is ended by a signal is after the last collection.
        late = self.lost["traces"] if any(ran.signal for ran in self.ran) else 0
        wrong = {pid: (last[pid], n) for pid, n in counted.items() if last[pid] < n - late}
        self.missing["metrics"] = len(wrong)
        if wrong and not self.lost["metrics"] and not self.left["metrics"]:
            self.faults.append(f"metrics: counted and emitted of each process: {dict(list(wrong.items())[:5])}")
        if any(ran.signal for ran in self.ran):
            return
        above = {pid: (last[pid], n) for pid, n in counted.items() if last[pid] > n}
        if above:
            self.faults.append(f"metrics: counted more than emitted: {dict(list(above.items())[:5])}")


def spooled(directory: Path) -> tuple[dict[str, set[str]], Counter[str]]:
    """What waits on disk, of each signal: the ids, and how many items."""
    ids: defaultdict[str, set[str]] = defaultdict(set)
    left: Counter[str] = Counter()
    if not (directory / "spool-v1.db").exists():
        return ids, left
    with contextlib.closing(sqlite3.connect(f"file:{directory / 'spool-v1.db'}?mode=ro", uri=True)) as connection:
        for queue, items, content in connection.execute(
            "SELECT queue, items, content FROM batches JOIN payloads ON batch = id"
        ):
            name = queue.rpartition(" ")[2]
            left[name] += items
            ids[name] |= {found.decode() for found in _SPOOLED.findall(zlib.decompress(content))}
    return ids, left

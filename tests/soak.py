"""A soak: programs of all kinds against a receiver of all moods, until the time is up; then the balance has to be exact.

    python tests/soak.py --seconds 180 --protocol grpc --seed 7

Not collected by pytest. Talks to loopback only, ends by itself, and ends with status 1 on an imbalance.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))

from applications import start
from peers import (
    PEERS,
    Peer,
    accept,
    dribble,
    drop_after_counting,
    hang,
    html,
    partial,
    refuse,
    reset_in_body,
    slow,
    sometimes,
)
from soak_accounts import Balance, Ran, spooled
from soak_programs import PROGRAMS

#: Seconds: for the end of a process, for what a busy machine adds to it, and until one is taken for hung.
EXIT, MARGIN, HUNG = 3.0, 3.0, 45.0
#: Small batches, often, and short tries: more happens in the same time.
SETTINGS = {
    "OTEL_BSP_SCHEDULE_DELAY": "200",
    "OTEL_BLRP_SCHEDULE_DELAY": "200",
    "OTEL_METRIC_EXPORT_INTERVAL": "300",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "50",
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "50",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "1000",
    "DISTROKIT_EXIT_TIMEOUT": str(int(EXIT * 1000)),
}
#: What the receiver does.
MOODS = {
    "accepts": accept(),
    "refuses": refuse(503),
    "throttles": refuse(429, retry_after=1),
    "is slow": slow(0.3),
    "drops": drop_after_counting(),
    "drops half": sometimes(0.5, drop_after_counting()),
    "hangs": hang(5),
    "hangs a little": hang(0.8),
    "resets": sometimes(0.5, reset_in_body()),
    "refuses for good": sometimes(0.5, refuse(400)),
    "answers a page": sometimes(0.5, html()),
    "rejects two": partial(2),
    "dribbles": dribble(0.03),
}


ROW = "{:>5} {:13} {:6} {:>7} {:>11} {:>11} {:>11} {:>6} {:>6} {:>6}"


class Soak:
    """Rounds of some programs against one receiver.

    Args:
        chance: decides everything.
    """

    def __init__(self, chance: random.Random, folder: Path) -> None:
        self.chance, self.folder = chance, folder
        self.faults: list[str] = []
        self.table: list[tuple[object, ...]] = []

    def round(self, number: int, protocol: str, *, spool: bool) -> None:
        """Some programs at once; a line for the table."""
        names = self.chance.choices(list(PROGRAMS), k=3)
        # What a killed process lost it cannot tell; so the others have a spool of their own.
        directories = {
            killed: self.folder / f"spool-{number}-{'killed' if killed else 'others'}" for killed in (True, False)
        }
        with PEERS[protocol]() as peer:
            over = threading.Event()
            receiver = threading.Thread(target=self._moods, args=(peer, over, self.chance.random()))
            receiver.start()
            ran = self._together(number, names, peer, protocol, directories if spool else {})
            over.set()
            receiver.join()
            peer.behave(accept())
            faults = [f"{each.name}: {fault}" for each in ran for fault in each.faults()]
            balances = []
            if spool:
                for killed, directory in directories.items():
                    some = [each for each in ran if each.killed == killed]
                    balances += [self._of_a_spool(some, peer, protocol, directory)] if some else []
            else:
                balances = [Balance([each], peer.ledger).draw(copies=1) for each in ran]
            self._tell(number, protocol, "spool" if spool else "memory", balances, peer, faults)

    def _together(
        self, number: int, names: list[str], peer: Peer, protocol: str, directories: dict[bool, Path]
    ) -> list[Ran]:
        results: list[Ran] = []
        threads = []
        for index, name in enumerate(names):
            folder = self.folder / f"{number}-{index}"
            folder.mkdir()
            own = {**SETTINGS, "SOAK_SEED": str(self.chance.randrange(2**32))}
            if directories:
                own["DISTROKIT_SPOOL_DIRECTORY"] = str(directories[PROGRAMS[name].signal == "SIGKILL"])
            if self.chance.random() < 0.3:
                own |= {"OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_BLRP_MAX_QUEUE_SIZE": "100"}
            if self.chance.random() < 0.3:
                own["OTEL_EXPORTER_OTLP_COMPRESSION"] = "gzip"
            arguments = (results, name, peer.endpoint, protocol, folder, own, self.chance.uniform(0.2, 5))
            threads.append(threading.Thread(target=_run, args=arguments))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    @staticmethod
    def _moods(peer: Peer, over: threading.Event, seed: float) -> None:
        chance = random.Random(seed)
        while not over.wait(chance.uniform(0.2, 1.5)):
            if chance.random() < 0.15:
                peer.stop()
                over.wait(chance.uniform(0.1, 1.5))
                peer.start()
            peer.behave(MOODS[chance.choice(list(MOODS))])

    def _of_a_spool(self, ran: list[Ran], peer: Peer, protocol: str, directory: Path) -> Balance:
        """What is on disk at the end arrives as soon as another process runs, that of killed ones too."""
        owed = spooled(directory)[0]
        ran.append(self._drained(peer, protocol, directory))
        left = spooled(directory)[1]
        # A batch may go from one process to the next, and each of them may send it without being answered.
        processes = len({each.partition(":")[0] for one in ran for each in one.app.emitted})
        balance = Balance(ran, peer.ledger, owed, left).draw(copies=processes)
        if left:
            balance.faults.append(f"still on disk: {dict(left)}")
        return balance

    @staticmethod
    def _drained(peer: Peer, protocol: str, directory: Path) -> Ran:
        """A process that is there until nothing waits on disk; 20 seconds at most."""
        folder = directory.with_name(f"{directory.name}-drain")
        folder.mkdir()
        env = {**SETTINGS, "DISTROKIT_SPOOL_DIRECTORY": str(directory)}
        app = start("emit(1)\ntime.sleep(60)", peer.endpoint, protocol, folder, env)
        app.until_emitted(1)
        until = time.monotonic() + 20
        while time.monotonic() < until and spooled(directory)[1]:
            time.sleep(0.2)
        app.signal(signal.SIGTERM)
        app.end()
        return Ran("drain", app, "SIGTERM", 0, EXIT)

    def _tell(
        self, number: int, protocol: str, where: str, balances: list[Balance], peer: Peer, faults: list[str]
    ) -> None:
        total: Counter[str] = Counter()
        for balance in balances:
            names = ", ".join(each.name for each in balance.ran)
            faults += [f"{names}: {fault}" for fault in balance.faults]
            total.update({f"missing {name}": n for name, n in balance.missing.items()})
            total.update({f"lost {name}": n for name, n in balance.lost.items()})
        ran = [each for balance in balances for each in balance.ran]
        total["copies"] = sum(sum(peer.ledger.duplicated(name).values()) for name in ("traces", "logs"))
        total["emitted"] = sum(len(each.app.emitted) for each in ran)
        signals = [f"{total[f'missing {name}']}/{total[f'lost {name}']}" for name in ("traces", "logs", "metrics")]
        warned = sum(each.warned for each in ran)
        self.table.append((number, protocol, where, total["emitted"], *signals, total["copies"], warned, len(faults)))
        print(ROW.format(*self.table[-1]), flush=True)
        for fault in faults:
            print(f"      {fault}", flush=True)
        if faults:
            for index, each in enumerate(ran):
                (self.folder / f"{number}-{index}.stderr").write_text(f"{each.name}\n{each.app.out}\n{each.app.err}")
        self.faults += faults


def _run(
    results: list[Ran], name: str, endpoint: str, protocol: str, folder: Path, env: dict[str, str], moment: float
) -> None:
    program = PROGRAMS[name]
    app = start(program.source, endpoint, protocol, folder, env)
    ran = Ran(name, app, program.signal, expected=EXIT + MARGIN)
    since = 0.0
    if program.signal:
        # Before distrokit is there a signal ends a process at once, with nothing recorded.
        app.until_emitted(1)
        time.sleep(moment)
        since = time.monotonic()
        os.killpg(app.process.pid, signal.Signals[program.signal])
    try:
        app.end(HUNG)
    except subprocess.TimeoutExpired:
        ran.hung = True
    ended = [float(line.partition(" ")[2]) for line in app.out.splitlines() if line.startswith("end ")]
    ran.took = app.ended - (ended[-1] if ended else since or app.ended)
    results.append(ran)


def main() -> int:
    """Returns: the exit status."""
    parser = argparse.ArgumentParser(description="Random faults, and an exact balance at the end.")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--seconds", type=float, default=180.0, help="after which no round begins; default 180")
    parser.add_argument("--protocol", choices=["grpc", "http/protobuf"], help="default: both in turn")
    parser.add_argument("--spool", choices=["yes", "no"], help="default: both in turn")
    parser.add_argument("--keep", type=Path, help="a folder for what was emitted, and what imbalanced rounds said")
    options = parser.parse_args()
    print(f"seed {options.seed}")
    print(
        ROW.format("round", "protocol", "where", "emitted", "traces", "logs", "metrics", "copies", "warned", "faults")
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        soak = Soak(random.Random(options.seed), folder)
        until, number = time.monotonic() + options.seconds, 0
        while time.monotonic() < until:
            protocol = options.protocol or ("grpc", "http/protobuf")[number % 2]
            spool = {"yes": True, "no": False}.get(options.spool, number // 2 % 2 == 1)
            number += 1
            soak.round(number, protocol, spool=spool)
    print(
        f"missing/said to be lost, of each signal; {sum(row[3] for row in soak.table)} items, {len(soak.faults)} faults"
    )
    return 1 if soak.faults else 0


if __name__ == "__main__":
    sys.exit(main())

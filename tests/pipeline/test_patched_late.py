"""gevent patches in the middle of a program, as locust does it: inside the import of a package, with more imports to come."""

from __future__ import annotations

import pytest
from applications import run
from peers import PEERS
from releases import skip_without

PACKAGE = """
from gevent import monkey
monkey.{patch}()
import late.later
"""
PROGRAM = """
import faulthandler, threading
faulthandler.dump_traceback_later(90, exit=True)
histogram = metrics.get_meter("m").create_histogram("h")
if {before}:
    emit({before})
say(str([thread.name for thread in threading.enumerate()]))
import late
emit(3)
say("ends")
"""


@pytest.mark.parametrize(
    ("protocol", "before", "patch"),
    [("http/protobuf", 0, "patch_all"), ("grpc", 2, "patch_all"), ("http/protobuf", 2, "patch_thread")],
)
def test_a_program_that_patches_late_ends_by_itself_with_everything_sent(tmp_path, protocol, before, patch):
    skip_without("gevent")
    (tmp_path / "late").mkdir()
    (tmp_path / "late/__init__.py").write_text(PACKAGE.format(patch=patch))
    (tmp_path / "late/later.py").write_text("")
    with PEERS[protocol]() as peer:
        app = run(PROGRAM.replace("{before}", str(before)), peer.endpoint, protocol, tmp_path)

        assert app.process.returncode == 0, app.err
        threads, ends = app.out.splitlines()
        assert ends == "ends"
        if not before:
            assert threads == "['MainThread']"
        for signal in ("traces", "logs"):
            assert peer.ledger.lost(app.emitted, signal) == [], app.err
            assert peer.ledger.duplicated(signal) == {}
        assert sum({p.series: p.value for p in peer.ledger.points if p.name == "c"}.values()) == before + 3
    assert app.ended - app.started < 10
    assert app.said == []

"""Files of certificates and keys that change while the exporter runs: read again, and never used half renewed."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest
from answering import Authority
from exporting import GRPCIO, exporting
from peers import PEERS, TLS

GENERAL = "OTEL_EXPORTER_OTLP_"
NAMES = {"CERTIFICATE": "ca.pem", "CLIENT_KEY": "client.key", "CLIENT_CERTIFICATE": "client.pem"}


def files(folder: Path) -> dict[str, str]:
    """The settings that name the three files of a folder."""
    return {GENERAL + suffix: str(folder / name) for suffix, name in NAMES.items()}


def replace(folder: Path, name: str, content: bytes) -> None:
    """As those who renew certificates do it: there is never half a file."""
    (folder / f"{name}.new").write_bytes(content)
    (folder / f"{name}.new").replace(folder / name)


@pytest.mark.parametrize("protocol", [*PEERS, GRPCIO])
def test_files_that_are_renewed_are_read_again(tmp_path, protocol):
    for part in ("used", "old", "new"):
        (tmp_path / part).mkdir()
    old, new, used = Authority(tmp_path / "old"), Authority(tmp_path / "new"), tmp_path / "used"
    for name in NAMES.values():
        replace(used, name, (old.folder / name).read_bytes())
    env = files(used)
    with PEERS[protocol](tls=TLS(old, mutual=True)) as peer, exporting(protocol, "traces", peer, env) as sent:
        assert sent.attempt("a") is None
        peer.stop()
        peer.tls = TLS(new, mutual=True)
        peer.start()
        # A renewal that has not come to its end: the files are another's and do not fit.
        replace(used, "client.key", (new.folder / "client.key").read_bytes())
        replace(used, "ca.pem", (new.folder / "ca.pem").read_bytes())
        left = _until_reached(sent, "b")
        assert f"{GENERAL}CLIENT_KEY={used / 'client.key'}: it is not the key of the certificate" in left.cause
        assert (sent.left(left), left.reached, sent.lost) == (1, False, [])
        replace(used, "client.pem", (new.folder / "client.pem").read_bytes())
        end = time.monotonic() + 8
        while (left := sent.attempt("b")) is not None and time.monotonic() < end:
            time.sleep(0.1)
        assert (left, sent.lost) == (None, [])
        assert sent.arrived == {"a": 1, "b": 1}


@pytest.mark.parametrize("protocol", [*PEERS, GRPCIO])
def test_a_certificate_that_is_refused_after_it_worked_waits_for_its_renewal(tmp_path, protocol):
    """The receiver's comes first: what it has until then is another authority's."""
    for part in ("good", "other"):
        (tmp_path / part).mkdir()
    good, other = Authority(tmp_path / "good"), Authority(tmp_path / "other")
    with PEERS[protocol](tls=TLS(good)) as peer:
        env = {f"{GENERAL}CERTIFICATE": str(good.folder / "ca.pem")}
        with exporting(protocol, "traces", peer, env) as sent:
            assert sent.attempt("a") is None
            for authority in (other, good):
                peer.stop()
                peer.tls = TLS(authority)
                peer.start()
                if authority is other:
                    for _ in range(3):
                        left = sent.attempt("b")
                        assert sent.left(left) == 1
                    assert "unknown authority" in left.cause
            _until_taken(sent, "b")
            assert (sent.lost, sent.arrived) == ([], Counter("ab"))


def _until_reached(sent, ids):
    """The first answer that says more than that the old connection has ended."""
    for _ in range(5):
        left = sent.attempt(ids)
        if left is None or "CLIENT_KEY" in left.cause:
            break
    return left


@pytest.mark.parametrize(
    ("name", "content", "fault"), [("ca.pem", None, "no such file"), ("client.key", b"", "it is empty")]
)
@pytest.mark.parametrize("protocol", PEERS)
def test_a_file_that_turns_bad_leaves_the_last_good_one_in_force(tmp_path, protocol, name, content, fault, caplog):
    authority = Authority(tmp_path)
    env = files(tmp_path)
    with PEERS[protocol](tls=TLS(authority, mutual=True)) as peer, exporting(protocol, "logs", peer, env) as sent:
        good = (tmp_path / name).read_bytes()
        (tmp_path / name).unlink()
        if content is not None:
            (tmp_path / name).write_bytes(content)
        for ids in "abc":
            # Each over a new connection.
            peer.restart()
            _until_taken(sent, ids)
        (line,) = [text for text in caplog.messages if fault in text]
        assert str(tmp_path / name) in line
        assert line.endswith("the files that were read before stay in use until it is usable")
        (tmp_path / name).write_bytes(good)
        peer.restart()
        _until_taken(sent, "d")
        (tmp_path / name).unlink()
        peer.restart()
        _until_taken(sent, "e")
        # It was usable in between, so it is said again.
        assert sum("no such file" in text for text in caplog.messages) == (2 if content is None else 1)
        assert sent.lost == []
        assert sent.arrived == Counter("abcde")


def _until_taken(sent, ids):
    end = time.monotonic() + 8
    while (left := sent.attempt(ids)) is not None:
        assert sent.left(left) == 1
        assert time.monotonic() < end, left.cause
        time.sleep(0.05)

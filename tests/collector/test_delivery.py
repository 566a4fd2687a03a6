"""The real Collector: every signal and protocol, restarts, ages of connections, credentials and certificates renewed."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import ExitStack

import pytest
from answering import Authority
from applications import run
from collector import Collector
from exporting import exporting
from nginx import NGINX, Nginx
from processes import instrumented

# Against a Collector of one release, whatever Python sends.
pytestmark = pytest.mark.once
PROTOCOLS = pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])


def until(collectors: list[Collector], wanted: set[str]) -> Counter[str]:
    """What has arrived, as soon as it has all that is wanted; at most 15 seconds."""
    end = time.monotonic() + 15
    while True:
        found: Counter[str] = Counter()
        for one in collectors:
            found += one.ids()
        if wanted <= set(found) or time.monotonic() > end:
            return found
        time.sleep(0.1)


class Load:
    """Sends spans one after the other, as a processor does, until it is stopped; a context manager."""

    def __init__(self, sent, pause: float = 0.005) -> None:
        self._sent, self._pause = sent, pause
        self._end = threading.Event()
        self.number = 0
        self._thread = threading.Thread(target=self._send)

    def _send(self) -> None:
        while not self._end.is_set():
            left = self._sent.attempt([self.number], 5)
            until = time.monotonic() + 20
            while left is not None and left.items and time.monotonic() < until:
                time.sleep(left.wait_seconds or 0.1)
                left = self._sent.exporter.attempt(left.items, 5)
            self.number += 1
            time.sleep(self._pause)

    def reach(self, more: int, seconds: float = 30.0) -> None:
        """Wait for so many more."""
        wanted, end = self.number + more, time.monotonic() + seconds
        while self.number < wanted:
            assert time.monotonic() < end, (self.number, self._sent.lost)
            time.sleep(0.02)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._end.set()
        self._thread.join(30)

    @property
    def wanted(self) -> set[str]:
        return {str(number) for number in range(self.number)}


# ------------------------------------------------------------------------------ what is sent


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf", "http/json"])
def test_the_quick_start_and_all_signals(protocol, compression, tmp_path):
    program = """
        tracer = trace.get_tracer("my.tracer")
        with tracer.start_as_current_span("foo", attributes={"n": 1, "list": [1, 2], "id": "x"}):
            with tracer.start_as_current_span("bar"):
                logger.warning("hello")
        counter.add(3, {"a": "b"})
        metrics.get_meter("m").create_histogram("h").record(0.5)
    """
    with Collector(tmp_path / "collector") as collector:
        app = run(
            program, collector.endpoint(protocol), protocol, tmp_path, {"OTEL_EXPORTER_OTLP_COMPRESSION": compression}
        )
        assert app.said == [], app.err
        end = time.monotonic() + 10
        while not all(map(collector.received, ("traces", "logs", "metrics"))) and time.monotonic() < end:
            time.sleep(0.05)
        foo, bar = (
            next(span for span in collector.received("traces") if span["name"] == name) for name in ("foo", "bar")
        )
        assert bar["parentSpanId"] == foo["spanId"]
        assert bar["traceId"] == foo["traceId"]
        (record,) = [one for one in collector.received("logs") if one["body"]["stringValue"] == "hello"]
        assert record["spanId"] == bar["spanId"]
        names = {metric["name"]: metric for metric in collector.received("metrics")}
        assert names["c"]["sum"]["dataPoints"][0]["asInt"] == "3"
        assert names["h"]["histogram"]["dataPoints"][0]["sum"] == 0.5


# ------------------------------------------------------------------------- what happens to it


@PROTOCOLS
def test_restarts_under_load(protocol, tmp_path):
    with Collector(tmp_path) as collector:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint(protocol)}
        with exporting(protocol, "traces", collector, env) as sent:
            with Load(sent) as load:
                for _ in range(2):
                    load.reach(100)
                    collector.end()
                    collector.start()
                load.reach(100)
            assert sent.lost == []
        found = until([collector], load.wanted)
        assert load.wanted <= set(found)
        assert max(found.values()) <= 2


def test_connections_that_the_collector_ends_at_their_age(tmp_path):
    age = {"keepalive": {"server_parameters": {"max_connection_age": "1s", "max_connection_age_grace": "2s"}}}
    with Collector(tmp_path, grpc=age) as collector:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint("grpc")}
        with exporting("grpc", "traces", collector, env) as sent:
            with Load(sent, pause=0.002) as load:
                load.reach(800, 60)
            assert sent.lost == []
        found = until([collector], load.wanted)
        assert found == Counter(load.wanted)


@PROTOCOLS
def test_a_collector_that_is_frozen_for_a_while(protocol, tmp_path):
    with Collector(tmp_path) as collector:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint(protocol), "OTEL_EXPORTER_OTLP_TIMEOUT": "500"}
        with exporting(protocol, "traces", collector, env) as sent:
            with Load(sent) as load:
                load.reach(50)
                collector.stop()
                time.sleep(1.5)
                collector.go_on()
                load.reach(50)
            assert {reason for _, reason in sent.losses} <= {"unsure"}
        found = until([collector], load.wanted)
        assert load.wanted <= set(found)


@PROTOCOLS
def test_a_memory_limiter_that_refuses(protocol, tmp_path):
    limiter = {"memory_limiter": {"check_interval": "100ms", "limit_mib": 1, "spike_limit_mib": 0}}
    with Collector(tmp_path, more={"processors": limiter}) as collector:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint(protocol)}
        with exporting(protocol, "traces", collector, env) as sent:
            # It has more than a megabyte from its start on.
            time.sleep(0.5)
            left = sent.attempt("abc")
            assert (sent.left(left), sent.lost, left.reached) == (3, [], True)


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
@PROTOCOLS
def test_nginx_whose_collector_is_away(protocol, tmp_path):
    (tmp_path / "nginx").mkdir()
    with (
        Collector(tmp_path / "collector") as collector,
        Nginx(tmp_path / "nginx", protocol, collector.ports[protocol], 4_000_000) as ingress,
    ):
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": ingress.endpoint}
        with exporting(protocol, "traces", collector, env) as sent:
            with Load(sent) as load:
                load.reach(50)
                collector.end()
                time.sleep(0.5)
                collector.start()
                load.reach(50)
            assert sent.lost == []
        assert load.wanted <= set(until([collector], load.wanted))


# -------------------------------------------------------------- certificates and tokens renewed

GENERAL = "OTEL_EXPORTER_OTLP_"
FILES = {"CERTIFICATE": "ca.pem", "CLIENT_KEY": "client.key", "CLIENT_CERTIFICATE": "client.pem"}


@PROTOCOLS
def test_all_three_files_are_replaced_under_load(protocol, tmp_path):
    for name in ("old", "new", "used"):
        (tmp_path / name).mkdir()
    used = tmp_path / "used"
    old, new = Authority(tmp_path / "old"), Authority(tmp_path / "new")
    names = [*FILES.values(), "server.pem", "server.key"]
    for authority in (old, new):
        server = authority.ca.issue_cert("127.0.0.1")
        server.private_key_pem.write_to_path(authority.folder / "server.key")
        for blob in server.cert_chain_pems:
            blob.write_to_path(authority.folder / "server.pem", append=True)
    for name in names:
        (used / name).write_bytes((old.folder / name).read_bytes())
    tls = {"cert_file": str(used / "server.pem"), "key_file": str(used / "server.key"),
           "client_ca_file": str(used / "ca.pem")}  # fmt: skip
    with Collector(tmp_path / "collector", both={"tls": tls}) as collector:
        env = {f"{GENERAL}{name}": str(used / file) for name, file in FILES.items()}
        env[f"{GENERAL}ENDPOINT"] = collector.endpoint(protocol)
        with exporting(protocol, "traces", collector, env) as sent:
            with Load(sent) as load:
                load.reach(100)
                for name in names:
                    # One after the other, as a mount does it, and the collector reads them last.
                    (tmp_path / "half").write_bytes((new.folder / name).read_bytes())
                    (tmp_path / "half").replace(used / name)
                    time.sleep(0.1)
                collector.end()
                collector.start()
                load.reach(100)
            assert sent.lost == []
        assert load.wanted <= set(until([collector], load.wanted))


@PROTOCOLS
def test_the_token_is_replaced_under_load_and_the_old_one_is_refused(protocol, tmp_path):
    mine, its = tmp_path / "mine", tmp_path / "its"
    mine.write_text("first")
    its.write_text("first")
    extension = {"bearertokenauth": {"filename": str(its)}}
    with Collector(
        tmp_path / "collector", both={"auth": {"authenticator": "bearertokenauth"}}, more={"extensions": extension}
    ) as collector:
        env = {f"{GENERAL}ENDPOINT": collector.endpoint(protocol), "DISTROKIT_OTLP_BEARER_TOKEN_FILE": str(mine)}
        with exporting(protocol, "traces", collector, env) as sent:
            with Load(sent) as load:
                load.reach(100)
                its.write_text("second")
                time.sleep(1)
                mine.write_text("second")
                load.reach(100)
                # And the process first.
                mine.write_text("third")
                time.sleep(0.5)
                its.write_text("third")
                load.reach(100)
            assert sent.lost == []
        found = until([collector], load.wanted)
        assert found == Counter(load.wanted)


# --------------------------------------------------------------------------------- a fleet


@PROTOCOLS
def test_three_collectors_one_ended_and_one_added(protocol, tmp_path):
    with ExitStack() as stack:
        collectors = [stack.enter_context(Collector(tmp_path / str(number))) for number in range(4)]
        collectors[3].kill()
        listed = ",".join(f"127.0.0.1:{collector.ports[protocol]}" for collector in collectors)
        env = {f"{GENERAL}ENDPOINT": f"ipv4:{listed}", f"{GENERAL}INSECURE": "true",
               "DISTROKIT_OTLP_BALANCING": "round_robin"}  # fmt: skip
        with exporting(protocol, "traces", collectors[0], env) as sent:
            with Load(sent, pause=0.002) as load:
                load.reach(300)
                collectors[0].end()
                collectors[3].start()
                load.reach(200)
                # The one that was not there is tried again after five seconds at most.
                time.sleep(6)
                before = [sum(collector.ids().values()) for collector in collectors]
                load.reach(300)
            assert sent.lost == []
        found = until(collectors, load.wanted)
        assert load.wanted <= set(found)
        grown = [sum(collector.ids().values()) - then for collector, then in zip(collectors, before, strict=True)]
        share = sum(grown[1:]) / 3
        assert grown[0] == 0
        assert all(0.8 * share <= count <= 1.2 * share for count in grown[1:]), grown
        assert max(found.values()) <= 2


def test_ten_processes_use_all_three_collectors(tmp_path):
    """Each begins with a random one: ten use them all in 95 of 100 runs, forty in all but one of ten millions."""
    program = """
        import os
        from opentelemetry import trace
        for _ in range(39):
            if not os.fork():
                break
        trace.get_tracer("t").start_span("s", attributes={"id": str(os.getpid())}).end()
        trace.get_tracer_provider().force_flush()
    """
    with ExitStack() as stack:
        collectors = [stack.enter_context(Collector(tmp_path / str(number))) for number in range(3)]
        listed = ",".join(f"127.0.0.1:{collector.ports['grpc']}" for collector in collectors)
        env = {f"{GENERAL}ENDPOINT": f"ipv4:{listed}", f"{GENERAL}INSECURE": "true", "OTEL_METRICS_EXPORTER": "none"}
        result = instrumented(program, env)
        assert result.stderr == ""
        end = time.monotonic() + 10
        while sum(sum(one.ids().values()) for one in collectors) < 40 and time.monotonic() < end:
            time.sleep(0.1)
        counts = [sum(one.ids().values()) for one in collectors]
        assert sum(counts) == 40
        assert all(counts), counts

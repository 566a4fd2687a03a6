"""Files of certificates and keys that TLS cannot use: named at the start, in every mode, over every transport."""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest
from answering import Authority
from commands import in_process
from cryptography.hazmat.primitives import serialization
from exporting import GRPCIO, exporting
from peers import PEERS, TLS, grpc_peer
from plans import assembled, problems
from processes import configured, instrumented, run, said
from releases import needs_yaml

from distrokit.pipeline.component_factory import ComponentFactory

GENERAL = "OTEL_EXPORTER_OTLP_"
TRANSPORTS = ["grpc", "http/protobuf", "http/json"]

#: The files that are set: of the authority, the client's key, its certificate; which one is at fault, and how.
WAYS = {
    "key without certificate": (("ca.pem", "client.key", ""), "CLIENT_KEY", "no setting names the certificate"),
    "certificate without key": (("ca.pem", "", "client.pem"), "CLIENT_CERTIFICATE", "no setting names its private key"),
    "empty key": (("ca.pem", "empty", "client.pem"), "CLIENT_KEY", "it is empty"),
    "empty certificate": (("ca.pem", "client.key", "empty"), "CLIENT_CERTIFICATE", "it is empty"),
    "empty authority": (("empty", "", ""), "CERTIFICATE", "it is empty"),
    "another's key": (("ca.pem", "other.key", "client.pem"), "CLIENT_KEY", "it is not the key of the certificate"),
    "a key with a password": (("ca.pem", "locked.key", "client.pem"), "CLIENT_KEY", "its private key has a password"),
    "an old key with a password": (("ca.pem", "old.key", "client.pem"), "CLIENT_KEY", "its private key has a password"),
    "a certificate for a key": (("ca.pem", "client.pem", "client.pem"), "CLIENT_KEY", "it holds a certificate, but no"),
    "a key for a certificate": (("ca.pem", "client.key", "client.key"), "CLIENT_CERTIFICATE", "it holds a private key"),
    "a key for an authority": (("client.key", "", ""), "CERTIFICATE", "it holds a private key, but no certificate"),
    "no PEM": (("text", "", ""), "CERTIFICATE", "it holds no PEM"),
    "DER": (("der", "", ""), "CERTIFICATE", "it holds no PEM (it may be DER)"),
    "no PEM for a key": (("ca.pem", "text", "client.pem"), "CLIENT_KEY", "it holds no PEM"),
    "a broken authority": (("broken.pem", "", ""), "CERTIFICATE", "it cannot be read as a certificate"),
    "a broken certificate": (
        ("", "client.key", "broken.pem"),
        "CLIENT_CERTIFICATE",
        "it cannot be read as a certificate",
    ),
    "a broken key": (("", "broken.key", "client.pem"), "CLIENT_KEY", "it cannot be read as a private key"),
    "a request": (("request.pem", "", ""), "CERTIFICATE", "it holds certificate request only"),
    "a folder": ((".", "", ""), "CERTIFICATE", "it is a folder, not a file"),
    "gone": (("ca.pem", "gone.key", "client.pem"), "CLIENT_KEY", "there is no such file"),
    "gone authority": (("gone.pem", "", ""), "CERTIFICATE", "there is no such file"),
    "a pipe": (("pipe", "", ""), "CERTIFICATE", "it is not a regular file"),
}


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    folder = authority.folder
    key = serialization.load_pem_private_key((folder / "client.key").read_bytes(), None)
    for name, form in (("locked", "PKCS8"), ("old", "TraditionalOpenSSL")):
        locked = key.private_bytes(
            serialization.Encoding.PEM,
            getattr(serialization.PrivateFormat, form),
            serialization.BestAvailableEncryption(b"hush-hush"),
        )
        (folder / f"{name}.key").write_bytes(locked)
    authority.ca.issue_cert("other").private_key_pem.write_to_path(str(folder / "other.key"))
    (folder / "both.pem").write_bytes((folder / "client.key").read_bytes() + (folder / "client.pem").read_bytes())
    (folder / "empty").write_bytes(b"\n")
    (folder / "text").write_text("hello\n")
    (folder / "der").write_bytes(ssl.PEM_cert_to_DER_cert((folder / "ca.pem").read_text()))
    for name, label in (
        ("broken.pem", "CERTIFICATE"),
        ("broken.key", "PRIVATE KEY"),
        ("request.pem", "CERTIFICATE REQUEST"),
    ):
        (folder / name).write_text(f"-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n")
    os.mkfifo(folder / "pipe")
    return authority


def files(folder: Path, names: tuple[str, str, str], prefix: str = GENERAL) -> dict[str, str]:
    """The settings with these files; without those whose name is empty."""
    given = zip(("CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE"), names, strict=True)
    return {prefix + suffix: str(folder / name) for suffix, name in given if name}


def to(protocol: str, endpoint: str = "https://127.0.0.1:9") -> dict[str, str]:
    return {f"{GENERAL}PROTOCOL": protocol, f"{GENERAL}ENDPOINT": endpoint}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("protocol", TRANSPORTS)
def test_a_file_that_tls_cannot_use_costs_the_exporter(authority, protocol, way):
    names, suffix, fault = WAYS[way]
    env = files(authority.folder, names)
    assembly = assembled({**to(protocol), **env})

    # Three signals use it, and it is said once.
    (line,) = problems(assembly.plan)
    assert line.startswith(f"{GENERAL}{suffix}={env[GENERAL + suffix]}: {fault}")
    assert "; exporter otlp is left out. " in line
    for signal in ("traces", "metrics", "logs"):
        (planned,) = assembly.plan.signals[signal].exporters
        assert ComponentFactory(assembly.plan, assembly.plugins).exporter(planned.exporter, signal) is None
    assert problems(assembly.plan) == [line]


def test_a_file_that_may_not_be_read(authority):
    secret = authority.folder / "secret.pem"
    secret.write_bytes((authority.folder / "ca.pem").read_bytes())
    secret.chmod(0)
    user = os.geteuid()
    # Root may read everything.
    os.seteuid(user or 65534)
    try:
        (line,) = problems(assembled({**to("grpc"), f"{GENERAL}CERTIFICATE": str(secret)}).plan)
    finally:
        os.seteuid(user)
    assert f"{secret}: this user is not allowed to read it; " in line


def test_the_remedy_names_what_to_set(authority):
    folder = authority.folder

    def remedy(*names: str, prefix: str = GENERAL) -> str:
        (line,) = problems(assembled({**to("grpc"), **files(folder, names, prefix)}).plan)
        return line

    traces = f"{GENERAL}TRACES_"
    assert remedy("", "", "client.pem").endswith(f" export {GENERAL}CLIENT_KEY=/path/to/client.key")
    line = remedy("", "client.key", "", prefix=traces)
    assert line.endswith(
        f" exporter otlp is left out for traces. export {traces}CLIENT_CERTIFICATE=/path/to/client.pem"
    )
    assert f"`openssl pkey -in {folder / 'locked.key'} -out " in remedy("", "locked.key", "client.pem")
    assert "Name a file that holds the authority's certificate as PEM." in remedy("text", "", "")


def test_a_file_of_one_signal_costs_that_signal(authority):
    wrong = files(authority.folder, ("", "client.key", ""), f"{GENERAL}METRICS_")
    assembly = assembled({**to("grpc"), **wrong})

    built = {
        signal: ComponentFactory(assembly.plan, assembly.plugins).exporter(planned.exporters[0].exporter, signal)
        for signal, planned in assembly.plan.signals.items()
    }
    assert [signal for signal, exporter in built.items() if exporter is None] == ["metrics"]
    assert len(problems(assembly.plan)) == 1
    for exporter in filter(None, built.values()):
        exporter.shutdown()


@pytest.mark.parametrize("protocol", [*PEERS, GRPCIO])
def test_a_key_in_the_file_of_its_certificate_is_used(authority, protocol):
    env = files(authority.folder, ("ca.pem", "", "both.pem"))
    with PEERS[protocol](tls=TLS(authority, mutual=True)) as peer, exporting(protocol, "traces", peer, env) as sent:
        assert sent.attempt("abc") is None


def test_nothing_is_looked_at_for_plaintext(authority):
    env = files(authority.folder, ("gone.pem", "gone.key", ""))
    assert problems(assembled({**to("http/protobuf", "http://127.0.0.1:9"), **env}).plan) == []


# ---------------------------------------------------------------------------- the whole thing

PROGRAM = """
    import logging
    from opentelemetry import trace
    with trace.get_tracer("t").start_as_current_span("hello"):
        logging.getLogger("shop").warning("hello")
    print("goes on")
"""
ABORTED = ["key without certificate", "certificate without key", "empty key", "empty certificate"]


@pytest.mark.parametrize("way", ABORTED)
def test_the_application_runs(authority, way):
    names, suffix, fault = WAYS[way]
    wrong = files(authority.folder, names)
    with grpc_peer(tls=TLS(authority)) as peer:
        begin = time.monotonic()
        result = instrumented(PROGRAM, {**to("grpc", peer.endpoint), **wrong, "OTEL_METRICS_EXPORTER": "none"})
        assert time.monotonic() - begin < 8

    assert (result.returncode, result.stdout) == (0, "goes on\n")
    (line,) = said(result)
    assert line.startswith(f"distrokit: {GENERAL}{suffix}={wrong[GENERAL + suffix]}: {fault}")
    assert result.stderr.replace(line, "").split() == ["hello"]


ENDING = """
    import atexit, time
    # Registered before distrokit's own, and so called after it.
    atexit.register(lambda: print(time.monotonic() - begin))
    import distrokit
    distrokit.start()
    from opentelemetry import trace
    trace.get_tracer("t").start_span("s").end()
    begin = time.monotonic()
"""


@pytest.mark.parametrize("protocol", [*PEERS, GRPCIO])
def test_the_end_waits_for_nothing(authority, protocol):
    wrong = files(authority.folder, ("text", "", ""))
    result = run([sys.executable, "-c", dedent(ENDING)], {**to(protocol), **wrong})

    assert len(said(result)) == 1
    assert float(result.stdout) < 1


@needs_yaml
@pytest.mark.parametrize(
    ("tls", "key", "fault"),
    [
        ("cert_file: {0}/client.pem", "tls.cert_file={0}/client.pem", "no setting names its private key"),
        ("ca_file: {0}/empty", "tls.ca_file={0}/empty", "it is empty"),
    ],
)
def test_a_configuration_file(authority, tmp_path, tls, key, fault):
    file = f"""
        file_format: "1.0"
        tracer_provider:
          processors:
            - batch: {{exporter: {{otlp_grpc: {{endpoint: "https://localhost:9", tls: {{{tls.format(authority.folder)}}}}}}}}}
    """
    result = configured(PROGRAM, file, tmp_path)

    assert (result.returncode, result.stdout) == (0, "goes on\n")
    (line,) = said(result)
    assert line.startswith("distrokit: otel.yaml:5:")
    assert f" {key.format(authority.folder)}: {fault}; exporter otlp_grpc is left out. " in line


def test_explain_and_doctor_name_it(authority):
    env = {**to("http/protobuf"), **files(authority.folder, ("ca.pem", "", "client.pem"))}
    wanted = f"{GENERAL}CLIENT_CERTIFICATE={authority.folder / 'client.pem'}: no setting names its private key"

    explained = in_process("explain", env=env).stdout
    assert explained.count(wanted) == 1
    checks = json.loads(in_process("doctor", "--json", env=env).stdout)["checks"]
    found = {check["id"]: check for check in checks if wanted in check["evidence"]}
    assert set(found) == {"tls-file-unusable", "otlp-tls"}
    assert {check["remedy"] for check in found.values()} == {f"export {GENERAL}CLIENT_KEY=/path/to/client.key"}

"""The settings of policies."""

from __future__ import annotations

from distrokit import Setting

FILE = "DISTROKIT_POLICY_FILE"
URL, HEADERS, INTERVAL, TIMEOUT, CACHE = (
    f"DISTROKIT_POLICY_{name}" for name in ("URL", "HEADERS", "INTERVAL", "TIMEOUT", "CACHE_DIRECTORY")
)
CERTIFICATE, CLIENT_CERTIFICATE, CLIENT_KEY = (
    f"DISTROKIT_POLICY_{name}" for name in ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
)
OPAMP = "DISTROKIT_POLICY_OPAMP_ENDPOINT"


def _setting(name: str, meaning: str, kind: str = "text", default: str = "", unit: str = "") -> Setting:
    return Setting(name=name, kind=kind, default=default, unit=unit, consumer="policy", meaning=meaning, parameter=True)


SETTINGS = (
    _setting(FILE, "the file with telemetry policies, in YAML or JSON, or a folder of such files", "path"),
    _setting(URL, "the address from which telemetry policies are polled, http:// or https://"),
    _setting(HEADERS, "headers of these requests, as in OTEL_EXPORTER_OTLP_HEADERS", "list of key=value"),
    _setting(INTERVAL, "the time between two requests", "integer", "30000", "ms"),
    _setting(TIMEOUT, "time limit of one request", "integer", "10000", "ms"),
    _setting(
        CACHE,
        "the folder for the last good copy of these policies; `none` for none",
        "path",
        "a folder of this user in the system's folder for temporary files",
    ),
    _setting(CERTIFICATE, "certificates of authorities that sign the server's, in PEM", "path"),
    _setting(CLIENT_CERTIFICATE, "the client's certificate, in PEM", "path"),
    _setting(CLIENT_KEY, "the client's key, in PEM", "path"),
    _setting(OPAMP, "the address of an OpAMP server that sends telemetry policies; needs distrokit-policy[opamp]"),
)

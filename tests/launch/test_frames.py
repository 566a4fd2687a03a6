"""The way from OpenTelemetry's loader to an exporter is short enough to read in one go."""

from __future__ import annotations

import sys

import pytest
from processes import run

PROGRAM = """
import traceback
from distrokit_otlp.exporter import OTLPSpanExporter

construct = OTLPSpanExporter.__init__

def counting(self, *args, **kwargs):
    names = [frame.name for frame in traceback.extract_stack()[:-1]]
    print(len(names) - names.index("configure") + 1)
    construct(self, *args, **kwargs)

OTLPSpanExporter.__init__ = counting
from distrokit.launch.distro import DistrokitConfigurator
DistrokitConfigurator().configure()
"""


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_at_most_ten_frames_lead_from_the_configurator_to_an_exporters_constructor(protocol):
    env = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    result = run([sys.executable, "-c", PROGRAM], env)

    assert int(result.stdout) <= 10, result.stderr

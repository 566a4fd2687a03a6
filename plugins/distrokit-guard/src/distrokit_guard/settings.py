"""The settings of the guard."""

from __future__ import annotations

from distrokit import Setting
from distrokit_guard.cardinality_parameters import CARDINALITY_SETTINGS
from distrokit_guard.redaction_parameters import REDACTION_SETTINGS
from distrokit_guard.traffic_parameters import TRAFFIC_SETTINGS

SETTINGS: tuple[Setting, ...] = (*REDACTION_SETTINGS, *CARDINALITY_SETTINGS, *TRAFFIC_SETTINGS)

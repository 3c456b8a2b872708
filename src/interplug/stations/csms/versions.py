"""The versions of OCPP that are spoken here, the one that is preferred first."""

from __future__ import annotations

from . import v16, v21, v201
from .speech import Speech

SPEECHES: dict[str, Speech] = {speech.dialect.subprotocol: speech for speech in (v21.SPEECH, v201.SPEECH, v16.SPEECH)}
"""By subprotocol."""


def of_version(version: str) -> Speech:
    return SPEECHES[f"ocpp{version}"]

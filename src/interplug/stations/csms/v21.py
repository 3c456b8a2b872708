"""OCPP 2.1: what it changes. Messages of 2.0.1 keep their meaning; there are more, and one that is sent without an answer."""

from __future__ import annotations

from dataclasses import replace

from interplug.stations.ocpp.dialects import V21
from interplug.stations.ocpp.frames import Payload

from . import v201
from .speech import Ear, Speech, noted


async def no_stream(ear: Ear, payload: Payload) -> Payload:
    """Meter values come with their transaction; no stream of events is wanted."""
    return {"status": "Rejected"}


SPEECH: Speech = replace(
    v201.SPEECH,
    dialect=V21,
    handlers={
        **v201.HANDLERS,
        "ClosePeriodicEventStream": noted,
        "NotifyDERAlarm": noted,
        "NotifyDERStartStop": noted,
        "NotifyPeriodicEventStream": noted,
        "NotifyPriorityCharging": noted,
        "OpenPeriodicEventStream": no_stream,
        "ReportDERControl": noted,
    },
    longest_token=255,
)

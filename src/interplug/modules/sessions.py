"""Sessions: owned by the CPO, changed while the car charges (chapter 9). A patch appends charging periods (`merge.append_periods`)."""

from __future__ import annotations

from interplug.protocol.routes import Module, Route
from interplug.versions.table import VERSIONS

from . import feed, preferences, replica

PREFERENCES = tuple(number for number, version in VERSIONS.items() if version.charging_preferences)
SESSION = "{country_code}/{party_id}/{id}"

SESSIONS = Module(
    id="sessions",
    kind="session",
    sender=("CPO",),
    receiver=("EMSP", "PTP", "SCSP"),
    key=("country_code", "party_id", "id"),
    routes=(
        Route("SENDER", "GET", "", feed.page),
        Route("SENDER", "PUT", "{session_id}/charging_preferences", preferences.put, PREFERENCES),
        Route("RECEIVER", "GET", SESSION, replica.get),
        Route("RECEIVER", "PUT", SESSION, replica.put),
        Route("RECEIVER", "PATCH", SESSION, replica.patch),
    ),
)

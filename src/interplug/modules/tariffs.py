"""Tariffs: owned by the CPO, replaced as a whole, and the one object that can be deleted (chapter 11). Only 2.1.1 patches them."""

from __future__ import annotations

from interplug.protocol.routes import Module, Route
from interplug.versions.table import VERSIONS

from . import feed, replica

TARIFF = "{country_code}/{party_id}/{id}"
PATCHED = tuple(number for number, version in VERSIONS.items() if version.tariff_patch)

TARIFFS = Module(
    id="tariffs",
    kind="tariff",
    sender=("CPO",),
    receiver=("EMSP", "PTP"),
    key=("country_code", "party_id", "id"),
    routes=(
        Route("SENDER", "GET", "", feed.page),
        Route("RECEIVER", "GET", TARIFF, replica.get),
        Route("RECEIVER", "PUT", TARIFF, replica.put),
        Route("RECEIVER", "PATCH", TARIFF, replica.patch, PATCHED),
        Route("RECEIVER", "DELETE", TARIFF, replica.delete),
    ),
)

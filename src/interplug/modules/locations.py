"""Locations with their EVSEs and Connectors: owned by the CPO, three levels deep on both sides (chapter 8)."""

from __future__ import annotations

from interplug.protocol.routes import Module, Route

from . import children, feed, replica

LOCATION = "{country_code}/{party_id}/{id}"
EVSE = LOCATION + "/{evse_uid}"
CONNECTOR = EVSE + "/{connector_id}"

LOCATIONS = Module(
    id="locations",
    kind="location",
    sender=("CPO",),
    receiver=("EMSP",),
    key=("country_code", "party_id", "id"),
    routes=(
        Route("SENDER", "GET", "", feed.page),
        Route("SENDER", "GET", "{id}", feed.single),
        Route("SENDER", "GET", "{id}/{evse_uid}", feed.single),
        Route("SENDER", "GET", "{id}/{evse_uid}/{connector_id}", feed.single),
        Route("RECEIVER", "GET", LOCATION, replica.get),
        Route("RECEIVER", "PUT", LOCATION, replica.put),
        Route("RECEIVER", "PATCH", LOCATION, replica.patch),
        Route("RECEIVER", "GET", EVSE, children.get_evse),
        Route("RECEIVER", "PUT", EVSE, children.put_evse),
        Route("RECEIVER", "PATCH", EVSE, children.patch_evse),
        Route("RECEIVER", "GET", CONNECTOR, children.get_connector),
        Route("RECEIVER", "PUT", CONNECTOR, children.put_connector),
        Route("RECEIVER", "PATCH", CONNECTOR, children.patch_connector),
    ),
)

"""Locations with their EVSEs and Connectors: owned by the CPO, three levels deep on both sides (chapter 8)."""

from __future__ import annotations

from interplug.protocol.envelope import Answer
from interplug.protocol.routes import Module, Route
from interplug.store.tx import Tx
from interplug.versions import chain

from . import again, children, feed, replica
from .node import Call

LOCATION = "{country_code}/{party_id}/{id}"
EVSE = LOCATION + "/{evse_uid}"
CONNECTOR = EVSE + "/{connector_id}"


async def put(call: Call) -> Answer:
    """A Location is read when its turn to be stored has come, and let go at once: many that wait, read, would push each other out of
    the processor's caches."""
    place, plain = replica.key(call), chain.newest("location", call.version.number)

    async def work(tx: Tx) -> bool:
        held = await tx.objects.held(place) if plain else None
        document = again.news(call.request.body, held) if held is not None else None
        return await replica.save(tx, call, place, document or await replica.received(call, place))

    return replica.stored(await call.node.store.write(work))


LOCATIONS = Module(
    id="locations",
    kind="location",
    sender=("CPO",),
    receiver=("EMSP", "PTP"),
    key=("country_code", "party_id", "id"),
    routes=(
        Route("SENDER", "GET", "", feed.page),
        Route("SENDER", "GET", "{id}", feed.single),
        Route("SENDER", "GET", "{id}/{evse_uid}", feed.single),
        Route("SENDER", "GET", "{id}/{evse_uid}/{connector_id}", feed.single),
        Route("RECEIVER", "GET", LOCATION, replica.get),
        Route("RECEIVER", "PUT", LOCATION, put),
        Route("RECEIVER", "PATCH", LOCATION, replica.patch),
        Route("RECEIVER", "GET", EVSE, children.get_evse),
        Route("RECEIVER", "PUT", EVSE, children.put_evse),
        Route("RECEIVER", "PATCH", EVSE, children.patch_evse),
        Route("RECEIVER", "GET", CONNECTOR, children.get_connector),
        Route("RECEIVER", "PUT", CONNECTOR, children.put_connector),
        Route("RECEIVER", "PATCH", CONNECTOR, children.patch_connector),
    ),
)

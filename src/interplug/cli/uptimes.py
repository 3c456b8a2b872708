"""`interplug station uptime`: how much of the time the EVSEs of our Locations could be used."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.model.types import format_time
from interplug.modules import uptime
from interplug.modules.node import Node
from interplug.modules.uptime import Measured, Place, Uptime, summed

from .ending import USAGE, columns, end, show
from .messages import MOMENT, moment
from .opening import REPORTING, Reporting, with_node

HOUR = 3_600_000_000
HEADS = ("location", "evse", "uptime %", "up h", "down h", "unknown h", "not counted h", "recorded since")


def uptime_(
    *,
    from_: Annotated[str, Parameter(name="--from", help=f"From then on: {MOMENT}.")] = "30d",
    to: Annotated[str | None, Parameter(help="Until then, and without that moment; without it, until now.")] = None,
    location: Annotated[str | None, Parameter(help="Only this Location.")] = None,
    common: Reporting = REPORTING,
) -> None:
    """Show how much of the time each EVSE and Location of ours could be used, as far as it was recorded.

    Up is an EVSE that can charge, or is in use (AVAILABLE, CHARGING, RESERVED, BLOCKED); down is INOPERATIVE and OUTOFORDER. UNKNOWN, a
    station that is not heard of, counts and is not up. PLANNED, REMOVED and what was before the record began do not count. A Location is
    the sum of its EVSEs. Times are UTC.
    """

    async def work(node: Node) -> tuple[int, int, list[Place]]:
        now = node.clock()
        start, until = moment(from_, now), now if to is None else min(moment(to, now), now)
        if start >= until:
            end("--from is not before --to, or lies ahead", USAGE)
        return start, until, await node.store.read(lambda tx: uptime.of_locations(tx, start, until, location))

    start, until, places = with_node(common, work)
    if location is not None and not places:
        end(f"there is no Location {location} of ours")
    total = summed(place.uptime for place in places)
    document = {"from": format_time(start), "to": format_time(until), **_said(total), "locations": [_place(place) for place in places]}
    show(document, _lines(places, total, start, until), json=common.json)


def _place(place: Place) -> dict[str, Any]:
    return {"id": place.location.key.id, **_said(place.uptime), "evses": [_evse(one) for one in place.evses]}


def _evse(one: Measured) -> dict[str, Any]:
    return {"uid": one.uid, **_said(one.uptime), "recorded_since": format_time(one.recorded_since) if one.recorded_since else None}


def _said(found: Uptime) -> dict[str, Any]:
    share = found.share
    seconds = {name: Decimal(getattr(found, name)) / 1_000_000 for name in ("up", "down", "unknown", "away", "unrecorded")}
    return {"uptime": None if share is None else round(share, 6), "seconds": seconds}


def _lines(places: list[Place], total: Uptime, start: int, until: int) -> Iterator[str]:
    yield f"{format_time(start)} to {format_time(until)}"
    rows = [row for place in places for row in _rows(place)]
    yield from columns(HEADS, [*rows, _row("all", "", total, "")])


def _rows(place: Place) -> Iterator[tuple[object, ...]]:
    name = place.location.key.id
    for one in place.evses:
        since = format_time(one.recorded_since) if one.recorded_since else "no record"
        yield _row(name, one.uid, one.uptime, since)
    if len(place.evses) != 1:
        yield _row(name, "", place.uptime, "")


def _row(location: str, evse: str, found: Uptime, since: str) -> tuple[object, ...]:
    share = "-" if found.share is None else f"{found.share * 100:.2f}"
    return location, evse, share, *(_hours(time) for time in (found.up, found.down, found.unknown, found.away + found.unrecorded)), since


def _hours(time: int) -> str:
    return f"{Decimal(time) / HOUR:.2f}"

"""What the driver has charged: searched by time, place and card, live, and to take along as CSV or JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from interplug.drivers.cards import Shown, cards_of
from interplug.drivers.states import OPEN
from interplug.model.types import fold, format_time
from interplug.store.drivers import Drive, Wanted
from interplug.store.keys import Key
from interplug.store.tx import Tx
from interplug.web import asking
from interplug.web.live import OVER, Part, Stream, Topic
from interplug.web.session import Visitor
from interplug.web.wording import zone

from . import rides
from .ride import Ride
from .surface import Surface

PAGE = 20
MOST = 10_000
LONGEST = 80
FORMULA = ("=", "+", "-", "@", "\t", "\r")
COLUMNS = (
    "charge",
    "began_at",
    "ended_at",
    "state",
    "station",
    "address",
    "evse",
    "connector",
    "card",
    "kwh",
    "currency",
    "before_taxes",
    "with_taxes",
    "price",
    "cdr",
    "invoices",
)


@dataclass(slots=True, frozen=True)
class Asked:
    """What the form says. `card`: a folded uid, `page` for what was begun on the page, empty for all."""

    since: str = ""
    until: str = ""
    place: str = ""
    card: str = ""

    @property
    def any(self) -> bool:
        return bool(self.since or self.until or self.place or self.card)

    @property
    def query(self) -> str:
        said = {"from": self.since, "to": self.until, "place": self.place, "card": self.card}
        return urlencode({name: value for name, value in said.items() if value})


def asked(request: Request) -> Asked:
    query = request.query_params
    since, until = (text if _day(text) is not None else "" for text in (query.get("from", ""), query.get("to", "")))
    return Asked(since, until, " ".join(query.get("place", "").split())[:LONGEST], fold(query.get("card", ""))[:36])


class History:
    def __init__(self, surface: Surface) -> None:
        self.surface, self.node = surface, surface.node

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/drives", self.page),
            Route("/drives.json", self.page),
            Route("/drives.csv", self.table),
            Route("/drives/live", self.live),
        ]

    async def page(self, request: Request) -> Response:
        visitor, wanted = self.surface.visitor(request), asked(request)
        page, json = asking.page(request), asking.wants_json(request)
        size = MOST if request.query_params.get("all") and json else PAGE
        total, drives = await self._found(visitor, wanted, size, (page - 1) * size)
        pages = -(-total // PAGE)
        if page > pages > 0 and not json:
            page = pages
            total, drives = await self._found(visitor, wanted, size, (page - 1) * size)
        found = [await rides.ride(self.node, drive) for drive in drives]
        document = {"total": total, "page": page, "drives": [one.document() for one in found]}
        shown = await self._cards(visitor)
        named = {one.card.uid: one.card.label or one.uid for one in shown}
        context: dict[str, Any] = {
            "rides": found,
            "total": total,
            "page": page,
            "pages": pages,
            "asked": wanted,
            "cards": named,
            "held": await self.surface.open_reservation(visitor),
            "lent": [await rides.ride(self.node, drive) for drive in await self._lent(visitor)],
        }
        return self.surface.answer(request, visitor, "driver/drives.html", document, **context)

    async def _lent(self, visitor: Visitor) -> list[Drive]:
        """Of others, which this browser may follow."""
        found = [await self.node.store.read(lambda tx, name=name: tx.drivers.get(name)) for name in visitor.lent]  # type: ignore[misc]
        others = [drive for drive in found if drive is not None and drive.driver != visitor.driver]
        return sorted(others, key=lambda drive: drive.created_at, reverse=True)

    async def live(self, request: Request) -> ASGIApp:
        """The newest, as they come and go on: what was begun with a card appears by itself."""
        visitor = self.surface.visitor(request)
        named = {one.card.uid: one.card.label or one.uid for one in await self._cards(visitor)}
        going: frozenset[Topic] = frozenset()

        async def look() -> list[Part]:
            if visitor.account and not await self.surface.signed_in(visitor):
                return [Part(OVER, True, lambda: "")]
            total, drives = await self._found(visitor, Asked(), PAGE, 0)
            found = [await rides.ride(self.node, drive) for drive in drives]
            state = total, [(one.drive.id, one.shown(), one.faulty, one.stop_failed) for one in found]
            return [
                Part("drives", state, lambda: self.surface.part("driver/_drives.html", rides=found, cards=named, member=visitor.account))
            ]

        async def moved() -> object:
            nonlocal going
            here = await self.surface.signed_in(visitor) if visitor.account else None
            drives, going = await self.node.store.read(lambda tx: self._state(tx, visitor))
            return here, drives

        def topics() -> frozenset[Topic]:
            return frozenset({("driver", visitor.driver), *going} if visitor.driver else ())

        return Stream(self.surface.streams, self.surface.who(request), topics, look, moved)

    async def _state(self, tx: Tx, visitor: Visitor) -> tuple[object, frozenset[Topic]]:
        """Of the drives, and what those that go on hear of: their Sessions, and the statuses of their EVSEs."""
        drives = await tx.drivers.of_driver(visitor.driver, PAGE) if visitor.driver else []
        heard: set[Topic] = set()
        state: list[object] = []
        for one in drives:
            state.append((one.id, one.state, one.reason, one.session, one.cdr))
            if one.session and one.state in OPEN:
                state.append(await rides.moving(tx, self.node, one))
                place = await tx.objects.get(rides.location_of(one), whole=False)
                heard |= {one.session, *([] if place is None else [(place.pk, fold(one.evse))])}
        return state, frozenset(heard)

    async def table(self, request: Request) -> Response:
        """All that fits the search, written while it is read."""
        visitor, wanted = self.surface.visitor(request), asked(request)
        _total, drives = await self._found(visitor, wanted, MOST, 0)
        named = {"content-disposition": 'attachment; filename="my-charging.csv"'}
        return StreamingResponse(self._lines(drives), 200, named, "text/csv; charset=utf-8")

    async def _lines(self, drives: list[Drive]) -> AsyncIterator[str]:
        yield _line(COLUMNS)
        for drive in drives:
            yield _line(_row(await rides.ride(self.node, drive)))

    # --- looking

    async def _cards(self, visitor: Visitor) -> list[Shown]:
        return await self.node.store.read(lambda tx: cards_of(tx, self.node, visitor.driver)) if visitor.driver else []

    async def _found(self, visitor: Visitor, wanted: Asked, limit: int, offset: int) -> tuple[int, list[Drive]]:
        if not visitor.driver:
            return 0, []

        async def work(tx: Tx) -> tuple[int, list[Drive]]:
            where_last = await self._clock(tx, visitor.driver)
            since, until = _day(wanted.since, zone=where_last), _day(wanted.until, 1, where_last)
            where = Wanted(
                since=since or 0,
                until=2**62 if until is None else until,
                token={"": None, "page": ""}.get(wanted.card, wanted.card),
                places=await self._places(tx, visitor.driver, wanted.place) if wanted.place else None,
            )
            return await tx.drivers.found(visitor.driver, where, limit, offset)

        return await self.node.store.read(work)

    async def _clock(self, tx: Tx, driver: str) -> tzinfo:
        """That of the station where the driver charged last: days are meant as times are shown."""
        last = await tx.drivers.of_driver(driver, 1)
        place = await tx.objects.get(rides.location_of(last[0]), whole=False, gone=True) if last else None
        return zone(None if place is None else place.document.get("time_zone"))

    async def _places(self, tx: Tx, driver: str, words: str) -> list[tuple[int, str, str, str]]:
        """Of the places where the driver has charged those whose name or address has every word."""
        found, asked_for = [], fold(words).split()
        for place in await tx.drivers.places(driver):
            source, country, party, name = place
            stored = await tx.objects.get(Key("locations", source, country, party, name), whole=False, gone=True)
            document: dict[str, Any] = {} if stored is None else stored.document
            said = fold(" ".join(str(document.get(part) or "") for part in ("name", "address", "city", "postal_code")) + f" {name}")
            if all(word in said for word in asked_for):
                found.append(place)
        return found


def _day(text: str, later: int = 0, zone: tzinfo = UTC) -> int | None:
    """The beginning of a day as it is stored, or of the day so many days later."""
    try:
        at = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=zone) + timedelta(days=later)  # by the clock
        return int(at.timestamp()) * 1_000_000
    except (ValueError, OverflowError):
        return None


def _row(ride: Ride) -> list[object]:
    bill, live = ride.receipt, ride.live
    cost = bill.total if bill is not None else live.cost
    began, ended = (bill.began, bill.ended) if bill is not None else (live.began, live.ended)
    drive = ride.drive
    return [
        drive.id,
        format_time(drive.created_at if began is None else began),
        "" if ended is None else format_time(ended),
        drive.state,
        ride.name,
        ride.address,
        drive.evse,
        drive.connector,
        drive.token,
        live.kwh if bill is None else bill.kwh,
        "" if cost is None else cost.currency,
        "" if cost is None else cost.net,
        "" if cost is None else cost.gross,
        ride.price,
        "" if bill is None else bill.cdr["id"],
        " ".join(ride.invoices),
    ]


def _line(values: Any) -> str:
    """One line of CSV. What a spreadsheet would take for a formula is text: names of stations are written by others."""
    out = io.StringIO()
    told = ["" if value is None else str(value) for value in values]
    csv.writer(out).writerow([f"'{one}" if one.startswith(FORMULA) and not _number(one) else one for one in told])
    return out.getvalue()


def _number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdecimal()

"""Stations that a driver keeps, and those of which the driver is told once something is free there.

Who waits for a station is told once: by e-mail, and by whatever else the app has to reach a driver (`Notices`). Waiting ends with that,
when the driver does not want it any more, or after half a day.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interplug.store.favourites import Watch
from interplug.store.tx import Tx
from interplug.web.languages import _, speaking, spoken
from interplug.web.session import Visitor

from . import listing
from .members import HOUR, Members
from .surface import Surface
from .telling import Notices

WAITS = 12 * HOUR
MOST = 200


@dataclass(slots=True, frozen=True)
class Keeping:
    """What a driver has to do with a station. `told`: whether the driver can be told of it."""

    kept: bool
    waits: bool
    told: bool


async def keeping(surface: Surface, visitor: Visitor, pk: int) -> Keeping | None:
    """None: nobody is signed in."""
    if not visitor.account:
        return None

    async def work(tx: Tx) -> Keeping:
        waits = await tx.favourites.watched_by(visitor.driver, surface.node.clock())
        return Keeping(pk in await tx.favourites.of_driver(visitor.driver), any(one.object == pk for one in waits), surface.told)

    return await surface.node.store.read(work)


class Favourites:
    def __init__(self, members: Members, notices: Notices | None = None) -> None:
        """Who is reached by `notices` need not have an e-mail address."""
        self.members, self.surface, self.node = members, members.surface, members.node
        self.notices = notices

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/account/favourites", self.page),
            Route("/stations/{pk:row}/favourite", self.keep, methods=["POST"]),
            Route("/stations/{pk:row}/watch", self.wait, methods=["POST"]),
        ]

    async def page(self, request: Request) -> Response:
        account, now = await self.members.account(request), self.node.clock()
        kept = await self.node.store.read(lambda tx: tx.favourites.of_driver(account.driver))
        waits = {one.object: one for one in await self.node.store.read(lambda tx: tx.favourites.watched_by(account.driver, now))}
        numbers = list(dict.fromkeys([*kept, *waits]))
        rows = await listing.rows(self.node, numbers)
        document = {"favourites": [rows[pk].document() for pk in kept if pk in rows], "waits_for": sorted(waits)}
        shown = [rows[pk] for pk in numbers if pk in rows]
        context: dict[str, Any] = {"rows": shown, "kept": set(kept), "waits": waits, "told": self.surface.told}
        return self.surface.answer(request, self.surface.visitor(request), "driver/account/favourites.html", document, **context)

    async def keep(self, request: Request) -> Response:
        """Or keep it no longer."""
        form, account = await self.surface.form(request), await self.members.account(request)
        pk, now = await self._station(request), self.node.clock()

        async def work(tx: Tx) -> None:
            if form.get("kept") != "1":
                await tx.favourites.drop(account.driver, pk)
            elif len(await tx.favourites.of_driver(account.driver)) < MOST:
                await tx.favourites.add(account.driver, pk, now)

        await self.node.store.write(work)
        return self._back(request, str(form.get("back", "")), pk)

    async def wait(self, request: Request) -> Response:
        """Or wait no longer."""
        form, account = await self.surface.form(request), await self.members.account(request)
        pk = await self._station(request)
        watch = Watch(account.driver, pk, spoken(), self.node.after(WAITS))

        async def work(tx: Tx) -> None:
            if form.get("waits") != "1":
                await tx.favourites.unwatch(account.driver, pk)
            elif len(await tx.favourites.watched_by(account.driver, self.node.clock())) < MOST:
                await tx.favourites.watch(watch, self.node.clock())

        if not self.surface.told:
            raise HTTPException(404, _("Nobody can be told anything here: no e-mails are sent."))
        await self.node.store.write(work)
        return self._back(request, str(form.get("back", "")), pk)

    async def _station(self, request: Request) -> int:
        pk: int = request.path_params["pk"]
        if pk not in await listing.rows(self.node, [pk]):
            raise HTTPException(404, _("This station is not known here, or not any more."))
        return pk

    def _back(self, request: Request, back: str, pk: int) -> Response:
        where = "/account/favourites" if back == "/account/favourites" else f"/stations/{pk}"
        return self.members.go(self.surface.visitor(request), where)

    # --- who waits is told

    async def run(self) -> None:
        """Until cancelled."""
        position = 0
        while True:
            position = await self.node.store.changed(position, 5.0)
            await self.tick()
            await asyncio.sleep(1.0)

    async def tick(self) -> None:
        watches = await self.node.store.read(lambda tx: tx.favourites.watches(self.node.clock()), snapshot=False)
        if not watches:
            return
        rows = await listing.rows(self.node, list(dict.fromkeys(one.object for one in watches)))
        for watch in watches:
            row = rows.get(watch.object)
            if row is not None and row.place.free:
                await self._tell(watch, row)

    async def _tell(self, watch: Watch, row: listing.Row) -> None:
        with speaking(watch.language):
            text = _("{station} has a free charge point now.").format(station=row.place.name)
            url = self.members.link(f"/stations/{watch.object}")
            account = await self.node.store.read(lambda tx: tx.accounts.get(watch.driver))
            if not await self.node.store.write(lambda tx: tx.favourites.unwatch(watch.driver, watch.object)):
                return  # another process was quicker
            if account is not None and account.email and self.members.sender:
                lines = [text, url, _("Somebody else may be quicker. You are told this once; ask again on the page of the station.")]
                await self.members.post(account.email, text, lines, HOUR)
            if self.notices is not None:
                await self.notices.notify(watch.driver, text, url)

"""A driver reports a problem at a station: a plain form, kept and told to whoever looks after the drivers of this node.

OCPI has no way to tell the operator, so the page says whose help line can mend it, too.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interplug.backend import reports
from interplug.store.problems import Problem
from interplug.web.languages import _
from interplug.web.session import Limit

from . import station as stations
from . import words
from .plugs import NO_STATION
from .surface import Surface, address

REPORTS, OF_ADDRESS, WITHIN = 5, 30, 3600.0
"""Problems that one visitor, and one address, may report in WITHIN seconds."""
LONGEST = 1000


class Reporting:
    def __init__(self, surface: Surface, timer: Callable[[], float]) -> None:
        self.surface, self.node = surface, surface.node
        self.visitors, self.addresses = Limit(REPORTS, WITHIN, timer), Limit(OF_ADDRESS, WITHIN, timer)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/stations/{pk:row}/problem", self.form),
            Route("/stations/{pk:row}/problem", self.report, methods=["POST"]),
        ]

    async def form(self, request: Request) -> Response:
        return await self._page(request, wrong="", status=200)

    async def report(self, request: Request) -> Response:
        visitor, form = self.surface.visitor(request), await self.surface.form(request)
        found = await self._station(request)
        kind, said = str(form.get("kind", "")), str(form.get("said", "")).strip()[:LONGEST]
        if kind not in words.PROBLEMS:
            return await self._page(request, wrong=_("Choose what is wrong."), status=400)
        if not self.visitors.allows(visitor.name) or not self.addresses.allows(address(request)):
            raise HTTPException(429, _("You have reported much in a short time. Thank you; try again later."))
        evse = next((one for one in found.evses if one.uid == form.get("evse")), None)
        drive = await self.node.store.read(lambda tx: tx.drivers.get(str(form.get("drive", ""))[:64]))
        source = await self.node.store.read(lambda tx: tx.objects.get_pk(found.pk))
        assert source is not None
        problem = Problem(
            id=secrets.token_hex(4),
            connection=source.key.source,
            country=source.key.country,
            party=source.key.party,
            place=source.key.id,
            name=found.name,
            evse=evse.uid if evse is not None else "",
            evse_id=evse.evse_id if evse is not None else "",
            kind=kind,
            said=said,
            drive=drive.id if drive is not None and visitor.driver and drive.driver == visitor.driver else "",
            created_at=self.node.clock(),
        )
        await self.node.store.write(lambda tx: reports.report(tx, self.node, problem))
        reference = reports.reference(problem.id)
        return self.surface.answer(
            request, visitor, "driver/reported.html", {"reference": reference}, status=201, station=found, reference=reference
        )

    async def _page(self, request: Request, wrong: str, status: int) -> Response:
        found, asked = await self._station(request), request.query_params
        return self.surface.answer(
            request, self.surface.visitor(request), "driver/problem.html", {"kinds": list(words.PROBLEMS), "error": wrong or None},
            status=status, station=found, kinds=dict(words.PROBLEMS.items()), wrong=wrong,
            evse=asked.get("evse", "")[:64], drive=asked.get("drive", "")[:64],
        )  # fmt: skip

    async def _station(self, request: Request) -> stations.Station:
        found = await stations.station(self.node, request.path_params["pk"])
        if found is None:
            raise HTTPException(404, _(NO_STATION))
        return found

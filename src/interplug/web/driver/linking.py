"""From the code on a charge point to its plug: `/s/NL*ABC*E1`, or `/start?evse=NL*ABC*E1`.

The id may be spelled with or without its signs. Where several partners tell of the same charge point the one counts that can be started.
"""

from __future__ import annotations

import re
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from interplug.drivers.plugs import NotPossible, Plug, startable
from interplug.store.keys import Stored
from interplug.store.tx import Tx
from interplug.web.languages import _

from .surface import Surface

MOST = 20
LONGEST = 60
Document = dict[str, Any]


class Linking:
    def __init__(self, surface: Surface) -> None:
        self.node = surface.node

    def routes(self) -> list[BaseRoute]:
        return [Route("/s/{evse:path}", self.scanned), Route("/start", self.start)]

    async def scanned(self, request: Request) -> Response:
        return await self._to(request.path_params["evse"])

    async def start(self, request: Request) -> Response:
        return await self._to(request.query_params.get("evse", ""))

    async def _to(self, name: str) -> Response:
        found = await self.node.store.read(lambda tx: self._find(tx, name.strip()[:LONGEST])) if plain(name) else None
        if found is None:
            raise HTTPException(404, _("No charge point with this number is known here. Check the number, or look for the station."))
        pk, place = found
        return RedirectResponse(f"/stations/{pk}#evse-{place}", 303)

    async def _find(self, tx: Tx, name: str) -> tuple[int, int] | None:
        """The number of the Location, and which of its charge points it is on the page."""
        found: list[tuple[bool, int, int, int]] = []
        for rank, pk in enumerate((await tx.places.telling_of(plain(name).lower()))[:MOST]):
            stored = await tx.objects.get_pk(pk)
            if stored is not None:
                found += [(self._starts(stored, evse), -rank, pk, number) for number, evse in _named(stored, name)]
        return max(found)[2:] if found else None

    def _starts(self, stored: Stored, evse: Document) -> bool:
        try:
            startable(self.node, Plug(stored, evse, evse["connectors"][0]))
        except NotPossible:
            return False
        return True


def plain(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", name.upper())


def _named(stored: Stored, name: str) -> list[tuple[int, Document]]:
    shown = [evse for evse in stored.document.get("evses") or () if evse["status"] not in ("REMOVED", "PLANNED")]
    return [(place, evse) for place, evse in enumerate(shown, 1) if plain(evse.get("evse_id") or "") == plain(name)]

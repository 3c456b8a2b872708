"""An eMSP that a test plays: it judges tokens when it is asked, and hears results of its commands."""

from __future__ import annotations

import asyncio
from typing import Any

from interplug.model.types import decode_json, encode_json
from interplug.protocol.http import Request, Response
from tests.charges.meters import TOKEN
from tests.modules.said import said
from tests.nodes import Partner, Wire

FULL_TOKEN = {**TOKEN, "issuer": "XYZ", "valid": True, "whitelist": "NEVER", "last_updated": "2026-01-01T00:00:00Z"}
RESULT_URL = "https://emsp.example/results/1"


class Provider:
    def __init__(self, wire: Wire, partner: Partner) -> None:
        self.partner, self.node = partner, partner.node
        self.allowed: str | None = "ALLOWED"
        """What it says of a token; None: its server fails."""
        self.silent = False
        """It does not answer at all."""
        self.asked: list[str] = []
        self.results: list[str] = []
        wire.places["https://emsp.example"] = self

    async def __call__(self, request: Request) -> Response:
        data: dict[str, Any] = {}
        if "/authorize" in request.url:
            self.asked.append(request.url)
            if self.silent:
                await asyncio.Event().wait()
            if self.allowed is None:
                return Response(503, b"")
            data = {"data": {"allowed": self.allowed, "token": FULL_TOKEN, "authorization_reference": "REF-1"}}
        else:
            self.results.append(decode_json(request.body)["result"])
        return Response(200, encode_json({"status_code": 1000, "timestamp": "2026-01-01T00:00:00Z", **data}))

    async def command(self, name: str, **fields: Any) -> tuple[str, list[str]]:
        """The answer at once, and the results that have come by the time it is carried out."""
        document = said(name.lower(), {"response_url": RESULT_URL, **fields}, self.partner.version)
        answer = await self.partner.send("POST", f"commands/{name}", document)
        while self.node.tasks:
            await asyncio.gather(*self.node.tasks)
        results, self.results = self.results, []
        return str(answer.data["result"]), results

    async def sessions(self) -> list[dict[str, Any]]:
        return list((await self.partner.fetch("sessions?date_from=2020-01-01T00:00:00Z")).data)

    async def session(self) -> dict[str, Any]:
        [one] = await self.sessions()
        return one

    async def cdrs(self) -> list[dict[str, Any]]:
        return list((await self.partner.fetch("cdrs")).data)

    async def status(self, evse_uid: str = "EVSE1") -> str:
        return str((await self.partner.fetch(f"locations/LOC1/{evse_uid}")).data["status"])

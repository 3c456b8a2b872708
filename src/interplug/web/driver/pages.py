"""The driver's app as one ASGI application: every page, and the same as JSON for programs, under the same rules.

A visitor becomes a driver at the first start. Nothing outside this node is ever loaded by a page.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from interplug.drivers.plugs import NotPossible
from interplug.modules.node import Node
from interplug.web.guarding import guarded
from interplug.web.languages import speak
from interplug.web.live import TooMany
from interplug.web.rendering import STATIC

from .driving import Driving
from .finding import Finding
from .installing import Installing
from .linking import Linking
from .mapping import Mapping
from .members import NotSignedIn
from .membership import Membership
from .photos import Photos
from .plugs import Plugs
from .reporting import Reporting
from .reserving import Reserving
from .surface import Surface
from .tiles import Tiles


class Recognising:
    """In front of every page: who it is that asks."""

    def __init__(self, app: ASGIApp, surface: Surface) -> None:
        self.app, self.surface = app, surface

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/static/"):
            await self.surface.recognise(scope)
        await self.app(scope, receive, send)


class Pages:
    """What `Door` takes as `pages`. `run` is its loop (without it streams look only now and then), `end` is called when the node is told
    to stop."""

    def __init__(self, node: Node, *, timer: Callable[[], float] = time.monotonic) -> None:
        self.surface = Surface(node)
        self.photos = Photos(node.settings.network, timer)
        self.end = self.surface.streams.end
        driving = Driving(self.surface, timer)
        self.desk = driving.desk
        trouble = self.surface.trouble
        membership = Membership(self.surface, self.desk)
        tiles = Tiles(node.settings.map.pmtiles) if node.settings.map.pmtiles else None
        self.favourites, self.noticing = membership.favourites, membership.noticing
        self.app = Starlette(
            routes=[
                *Finding(self.surface, tiles, timer).routes(),
                *Mapping(self.surface, tiles).routes(),
                *Linking(self.surface).routes(),
                *Plugs(self.surface, self.photos).routes(),
                *Reporting(self.surface, timer).routes(),
                *Reserving(self.surface, driving).routes(),
                *membership.routes(),
                *driving.routes(),
                *Installing(self.surface).routes(),
                Route("/language", self.surface.language, methods=["POST"]),
                Mount("/static", StaticFiles(directory=STATIC)),
            ],
            middleware=[Middleware(Recognising, self.surface)],
            exception_handlers={
                HTTPException: trouble,
                NotPossible: trouble,
                TooMany: trouble,
                NotSignedIn: membership.members.not_signed_in,
                Exception: trouble,
            },
        )
        self.app.router.redirect_slashes = False

    async def run(self) -> None:
        """Until cancelled."""
        try:
            await self.surface.streams.run()
        finally:
            await self.photos.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        speak(Headers(scope=scope))
        await guarded(self.app, scope, receive, send)

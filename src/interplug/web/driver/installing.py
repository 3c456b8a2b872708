"""The app on the home screen: its manifest, its service worker, and what it shows without a network.

The worker keeps the files of this edition and the page of the last drive, for reading. It starts nothing and answers no form: without a
network nothing can be started or stopped from here, which is said.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interplug.model.types import encode_json
from interplug.web.languages import _, spoken
from interplug.web.rendering import EDITION, TEMPLATES

from .surface import Surface

SHELL = (
    *("tokens.css", "driver.css", "stations.css", "account.css", "live.js", "curve.js"),
    *("vendor/htmx.min.js", "vendor/sse.min.js", "vendor/uPlot.iife.min.js", "vendor/uPlot.min.css"),
    *("icon-180.png", "icons.svg", "icon.svg"),
)
"""What the page of a drive is made of."""


def _asset(name: str) -> str:
    return f"/static/{name}?v={EDITION}"


class Installing:
    def __init__(self, surface: Surface) -> None:
        self.surface = surface

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/manifest.webmanifest", self.manifest),
            Route("/worker.js", self.worker),
            Route("/offline", self.offline),
        ]

    async def manifest(self, request: Request) -> Response:
        pictures = [
            {"src": _asset("icon.svg"), "sizes": "any", "type": "image/svg+xml"},
            {"src": _asset("icon-192.png"), "sizes": "192x192", "type": "image/png"},
            {"src": _asset("icon-512.png"), "sizes": "512x512", "type": "image/png"},
            {"src": _asset("icon-full-512.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
        ]
        document = {
            "id": "/",
            "name": "Interplug",
            "short_name": "Interplug",
            "description": _("Find a charging station, see what it costs, charge and pay."),
            "lang": spoken(),
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "background_color": "#f2f6f4",
            "theme_color": "#08694d",
            "categories": ["travel", "utilities"],
            "icons": pictures,
            "shortcuts": [{"name": _("My charging"), "url": "/drives"}],
        }
        return Response(encode_json(document), media_type="application/manifest+json")

    async def worker(self, request: Request) -> Response:
        """Another edition is another script, which the browser takes up by itself."""
        script = TEMPLATES.get_template("driver/worker.js").render(
            edition=EDITION, shell=[_asset(name) for name in SHELL], icon=_asset("icon-192.png")
        )
        return Response(script, media_type="text/javascript")

    async def offline(self, request: Request) -> Response:
        """What the worker shows where it has nothing kept."""
        return self.surface.answer(request, self.surface.visitor(request), "driver/offline.html", {})

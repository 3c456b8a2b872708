"""Photos of stations, whose addresses partners name: fetched by this node, never by the browser.

What comes from there is a stranger's. It is fetched from public addresses alone, without following redirects, within limits of time and
size; it is opened as one of three kinds of picture, and what goes out is a new picture that this node has drawn from its points, small and
without anything else that was in the file. A few are kept in memory; what could not be had is not asked for again for a while.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from io import BytesIO

import msgspec
from PIL import Image, ImageOps

from interplug.config import Network
from interplug.partners.guard import check_url
from interplug.partners.transport import HttpTransport
from interplug.protocol.http import Handler, Request, Unreachable

LARGEST = 8_000_000
"""Bytes of a picture that is fetched."""
POINTS = 50_000_000
"""Points of a picture that is opened."""
SIDE = 800
"""The longer side of what is shown."""
KINDS = ("JPEG", "PNG", "WEBP")
KEPT = 200
FORGOTTEN = 600.0
"""Seconds after which one that could not be had is asked for again."""
WITHIN = 10.0
AT_ONCE = 4


class Photos:
    def __init__(self, network: Network, timer: Callable[[], float] = time.monotonic, transport: Handler | None = None) -> None:
        self._network = network
        self._own = HttpTransport(msgspec.structs.replace(network, largest_answer=LARGEST, timeout=WITHIN))
        self._transport = transport or self._own
        self._timer = timer
        self._kept: OrderedDict[str, tuple[float, bytes | None]] = OrderedDict()
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def get(self, url: str) -> bytes | None:
        """The small picture, as JPEG; None where there is none to be had."""
        found = self._known(url)
        if found is not None:
            return found[1]
        async with self._gate:
            if (found := self._known(url)) is None:
                found = self._timer(), await self._fetched(url)
                self._kept[url] = found
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return found[1]

    def _known(self, url: str) -> tuple[float, bytes | None] | None:
        found = self._kept.get(url)
        if found is None or (found[1] is None and self._timer() > found[0] + FORGOTTEN):
            return None
        self._kept.move_to_end(url)
        return found

    async def _fetched(self, url: str) -> bytes | None:
        try:
            check_url(url, self._network)
            answer = await self._transport(Request("GET", url, {"accept": "image/jpeg, image/png, image/webp"}, b""))
        except Unreachable:
            return None
        return await asyncio.to_thread(drawn, answer.body) if answer.status == 200 else None

    async def close(self) -> None:
        await self._own.close()


def drawn(raw: bytes) -> bytes | None:
    """A small picture of our own making; None where it is no picture, or one that nobody should open."""
    try:
        with Image.open(BytesIO(raw), formats=KINDS) as picture:
            if picture.width * picture.height > POINTS or picture.width < 2 or picture.height < 2:
                return None
            picture.draft("RGB", (SIDE, SIDE))
            turned = ImageOps.exif_transpose(picture).convert("RGB")
            turned.thumbnail((SIDE, SIDE))
            made = BytesIO()
            turned.save(made, "JPEG", quality=82, optimize=True, progressive=True)
    except (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError):
        return None
    return made.getvalue()

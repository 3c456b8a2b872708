"""A map of one colour: vector tiles that are land everywhere, as a PMTiles file or handed out by a server of somebody else."""

from __future__ import annotations

import asyncio
import gzip
import io
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from PIL import Image
from playwright.async_api import Page
from pmtiles.tile import Compression, TileType, tileid_to_zxy, zxy_to_tileid
from pmtiles.writer import Writer

from tests.stations.csms.certificates import Authority

DEEPEST = 4
WHOLE = ((0, 0), (4096, 0), (4096, 4096), (0, 4096))
"""The corners of a tile."""


def tile(layer: str) -> bytes:
    """A vector tile (version 2) with one layer, and in it one polygon that is all of it."""
    steps = [(x - before[0], y - before[1]) for before, (x, y) in zip(((0, 0), *WHOLE), WHOLE, strict=False)]
    first, *others = [[_zigzag(dx), _zigzag(dy)] for dx, dy in steps]
    geometry = [1 | 1 << 3, *first, 2 | 3 << 3, *(number for step in others for number in step), 7 | 1 << 3]
    feature = _number(3, 3) + _bytes(4, b"".join(map(_varint, geometry)))
    return _bytes(3, _bytes(1, layer.encode()) + _bytes(2, feature) + _number(5, 4096) + _number(15, 2))


def archive(path: Path, layer: str = "earth") -> Path:
    """The whole world down to a zoom that is far above where streets are."""
    packed = gzip.compress(tile(layer))
    with path.open("wb") as file:
        writer = Writer(file)  # type: ignore[no-untyped-call]
        for number in range(zxy_to_tileid(DEEPEST + 1, 0, 0)):
            assert tileid_to_zxy(number)[0] <= DEEPEST
            writer.write_tile(number, packed)  # type: ignore[no-untyped-call]
        header = {"tile_type": TileType.MVT, "tile_compression": Compression.GZIP, "min_zoom": 0, "max_zoom": DEEPEST}
        writer.finalize(header, {})  # type: ignore[no-untyped-call]
    return path


def _varint(number: int) -> bytes:
    return bytes([number & 127 | 128]) + _varint(number >> 7) if number > 127 else bytes([number])


def _zigzag(number: int) -> int:
    return number << 1 ^ number >> 31


def _number(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


class Elsewhere:
    """A server of somebody else, with a certificate: what it has, and what was asked of it."""

    def __init__(self) -> None:
        self.url = ""
        self.has: dict[str, bytes] = {}
        """By how a path begins."""
        self.asked: list[str] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        self.asked.append(path)
        found = next((content for start, content in self.has.items() if path.startswith(start)), None)
        status = "404 Not Found" if found is None else "200 OK"
        lines = ["access-control-allow-origin: *", f"content-length: {len(found or b'')}", "connection: close"]
        writer.write("\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + (found or b""))
        await writer.drain()
        writer.close()


@asynccontextmanager
async def elsewhere(folder: Path, count: int) -> AsyncIterator[list[Elsewhere]]:
    """So many servers, each of another origin."""
    files = Authority(folder, "maps").issue("127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    made = [Elsewhere() for _ in range(count)]
    servers = [await asyncio.start_server(one.answer, "127.0.0.1", 0, ssl=context) for one in made]
    for one, server in zip(made, servers, strict=True):
        one.url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    for server in servers:
        server.close()


async def drawn(page: Page, colour: str) -> None:
    """Returns when the left edge of the map, where no station is, has this colour."""
    wanted = tuple(bytes.fromhex(colour))
    async with asyncio.timeout(30):
        while True:
            shot = Image.open(io.BytesIO(await page.locator("#map canvas").screenshot())).convert("RGB")
            if shot.getpixel((4, shot.height // 2)) == wanted:
                return

"""What a visitor does on the driver's pages in many tests: picks a station, starts there, reads the page."""

from __future__ import annotations

import re
from typing import Any

from interplug.drivers.offers import read_offer
from interplug.store.drivers import Drive, Driver
from tests.drivers.played import World
from tests.web.visiting import Answer, Visit


async def number(visit: Visit, place: int = 0) -> int:
    return int((await visit.get("/stations.json")).json["stations"][place]["id"])


async def begin(visit: Visit) -> Answer:
    """Presses the start button of the page."""
    page = await visit.get(f"/stations/{await number(visit)}")
    return await visit.post("/drives", {name: page.field(name) for name in ("csrf", "station", "evse", "connector", "price")})


async def begun(visit: Visit, world: World) -> tuple[str, Drive, Driver]:
    """The URL of a drive that was just begun, and what the node knows of it."""
    url = (await begin(visit)).header("location")

    async def work(tx: Any) -> tuple[Drive, Driver]:
        drive = await tx.drivers.get(url.rpartition("/")[2])
        return drive, await tx.drivers.driver(drive.driver)

    return url, *(await world.node.store.read(work))


def words(answer: Answer) -> str:
    """What stands on the page."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


async def offered(world: World, id: str = "OURS", **more: Any) -> None:
    offer = read_offer({"id": id, **more})
    await world.node.store.write(lambda tx: tx.offers.put(id, offer.document(), world.clock()))

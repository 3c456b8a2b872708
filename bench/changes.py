"""Changes of our own EVSEs, each at its time, by a process beside the node: `python -m bench.changes URL` reads `[seconds, location,
evse]`, the party after it where it is another than the bench's, a line from standard input and writes `[evse, last_updated, time]` a line.

Each is durable before it is told; those of one moment are in one group.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import uvloop

from bench.data import PARTY
from interplug.model.types import format_time
from interplug.store.keys import OWN, Key
from interplug.store.store import Store, now_us
from interplug.store.tx import Tx


async def change(store: Store, location: str, uid: str, *party: str) -> tuple[str, float]:
    country, name = party or PARTY
    key, began = Key("locations", OWN, country, name, location), time.time()

    async def work(tx: Tx) -> str:
        evse = await tx.objects.get_evse(key, uid)
        assert evse is not None
        moment = now_us()
        status = "CHARGING" if evse.status == "AVAILABLE" else "AVAILABLE"
        await tx.objects.save_evse(key, uid, {**evse.document, "status": status, "last_updated": format_time(moment)}, last_updated=moment)
        found = await tx.objects.get_evse(key, uid)
        assert found is not None
        return str(found.document["last_updated"])

    return await store.write(work), began


async def run(url: str, wanted: list[list[Any]]) -> None:
    store = Store.open(url)
    begin = time.monotonic()

    async def one(seconds: float, location: str, uid: str, *party: str) -> None:
        await asyncio.sleep(seconds - (time.monotonic() - begin))
        moment, began = await change(store, location, uid, *party)
        print(json.dumps([uid, moment, began]))

    await asyncio.gather(*(one(*each) for each in wanted))
    await store.close()


if __name__ == "__main__":
    uvloop.run(run(sys.argv[1], [json.loads(line) for line in sys.stdin]))

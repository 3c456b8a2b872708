"""The HTTP client to compare pushing with: aiohttp alone, sending what a push would send.

`python -m bench.client PORT FIRST COUNT TIMES AT_ONCE` knows neither partners nor versions nor a database: the headers and the body are
ready, and of the answer nothing is looked at but its status. TIMES requests go to each of COUNT partners from FIRST on, so many at once.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import aiohttp
import uvloop

from bench import sink
from bench.data import PARTY

BODY = b'{"status":"CHARGING","last_updated":"2026-01-01T00:00:00.000Z"}'
HEADERS = {
    "authorization": "Token dG9rZW4tb2YtYS1wYXJ0bmVyLXRva2VuLW9mLWEtcGFydG5lcg==",
    "x-request-id": "f35d0a4e-5a40-4d2b-8b6f-6a1d3b0e9c11",
    "x-correlation-id": "77aa1b02-9c11-4d2b-8b6f-6a1d3b0e9c11",
    "ocpi-to-country-code": "DE",
    "ocpi-to-party-id": "ABC",
    "ocpi-from-country-code": PARTY[0],
    "ocpi-from-party-id": PARTY[1],
    "content-type": "application/json",
}


async def run(port: int, first: int, count: int, times: int, at_once: int) -> dict[str, float]:
    urls = [f"{sink.url(n, port, 0)}/{'/'.join(PARTY)}/LOC0000001/3257-1" for n in range(first, first + count)]
    connector = aiohttp.TCPConnector(limit=0, limit_per_host=32)
    async with aiohttp.ClientSession(connector=connector, headers={"User-Agent": "bench", "Accept": "application/json"}) as session:

        async def worker(waiting: list[str]) -> None:
            while waiting:
                async with session.request("PATCH", waiting.pop(), headers=HEADERS, data=BODY, allow_redirects=False) as answer:
                    await answer.read()
                    answer.raise_for_status()

        async def send(waiting: list[str]) -> None:
            await asyncio.gather(*(worker(waiting) for _ in range(at_once)))

        await send([one for one in urls for _ in range(max(1, at_once // count))])  # connects
        cpu, began = time.process_time(), time.perf_counter()
        await send(urls * times)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {"requests": count * times, "seconds": took, "cpu": cpu}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(*map(int, sys.argv[1:])))))

"""`python -m chaos.furnish PLACES` and `… PLACES VERSION`: what two nodes hold before the first storm, and the handshake that joins them.

In a process of its own, because a release does this with its own code: PLACES says for each node, as JSON, where its configuration is
and which settings it has besides. With a VERSION the nodes run and are joined; the last line is the provider's number at the operator.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from bench.nodes import Filled
from interplug import config
from interplug.config import Settings
from interplug.modules.opening import opened
from interplug.partners.invitations import invite
from interplug.partners.registration import Wish, register
from interplug.stations import city

from .city import CARDS, LOCATIONS, OPERATOR, PLAYED, PROVIDER, card


async def furnish(settings: dict[str, Settings]) -> None:
    now = time.time_ns() // 1000
    async with Filled(settings["cpo"]) as cpo:
        await cpo.party("CPO", OPERATOR.country_code, OPERATOR.party_id)
        await cpo.objects("tariffs", city.tariffs(OPERATOR, now))
        await cpo.objects("locations", city.locations(OPERATOR, now, seed=1, count=LOCATIONS))
    async with Filled(settings["emsp"]) as emsp:
        await emsp.party("EMSP", *PROVIDER[:2])
        await emsp.objects("tokens", (card(number, now) for number in range(CARDS)))
        await emsp.partner(PLAYED.name, "2.3.0", ("CPO", PLAYED.country_code, PLAYED.party_id))


async def join(settings: dict[str, Settings], version: str) -> int:
    """The number that the provider has at the operator."""
    async with opened(settings["cpo"]) as cpo, opened(settings["emsp"]) as emsp:
        invitation = await invite(cpo.directory, PROVIDER[2], version=version)
        wish = Wish(name=OPERATOR.name, version=version)
        await register(emsp.directory, emsp.client, invitation.versions_url, invitation.token, wish)
        return invitation.connection


async def main(places: str, *version: str) -> None:
    settings = {name: config.load(Path(one["config"]), one["environment"]) for name, one in json.loads(places).items()}
    if version:
        print(await join(settings, *version))
    else:
        await furnish(settings)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))

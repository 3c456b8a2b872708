"""A node that is told to stop ends in order: what has begun is ended, what was delivered is known, nothing is half said."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests.modules import said
from tests.nodes import CPO
from tests.stories.living import beside, furnish, neighbour, running, save


def ours(name: str) -> dict[str, object]:
    return {**said.location(name), "country_code": CPO[1], "party_id": CPO[2]}


async def test_what_is_being_sent_arrives_and_is_not_sent_again(tmp_path: Path) -> None:
    database, may_answer = tmp_path / "node.db", asyncio.Event()
    async with neighbour() as partner, beside(database) as commands:
        await furnish(database, partner)
        partner.before = may_answer.wait  # type: ignore[assignment]
        async with running(database) as node:
            await node.until_ready()
            await save(commands, ours("L1"))
            await partner.hears()
            ending = asyncio.ensure_future(node.ended(signal.SIGTERM))
            await node.until_deaf()
            may_answer.set()
            assert await ending == 0
        partner.before = None
        async with running(database) as node:
            await node.until_ready()
            await save(commands, ours("L2"))
            await partner.hears()
            assert await node.ended(signal.SIGTERM) == 0
    assert [path.rpartition("/")[2] for _, path, _ in partner.told if "locations" in path] == ["L1", "L2"]


async def test_a_partner_that_does_not_answer_holds_up_nobody_and_gets_it_again(tmp_path: Path) -> None:
    database, never = tmp_path / "node.db", asyncio.Event()
    async with neighbour() as partner, beside(database) as commands:
        await furnish(database, partner)
        partner.before = never.wait  # type: ignore[assignment]
        async with running(database) as node:
            await node.until_ready()
            await save(commands, ours("L1"))
            await partner.hears()
            assert await node.ended(signal.SIGTERM) == 0
        partner.before = None
        async with running(database) as node:
            await partner.hears()
            assert await node.ended(signal.SIGTERM) == 0
    assert [path.rpartition("/")[2] for _, path, _ in partner.told if "locations" in path] == ["L1", "L1"]


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
async def test_everything_that_was_accepted_before_the_end_is_there_after_it(tmp_path: Path, by: signal.Signals) -> None:
    database = tmp_path / "node.db"
    accepted: list[str] = []
    async with neighbour() as partner:
        await furnish(database, partner)
        async with running(database) as node:

            async def put(name: str) -> None:
                try:
                    http, ocpi = await node.put(said.theirs(said.location(name)))
                except (TimeoutError, OSError):
                    return  # the node takes no more
                if (http, ocpi) in ((200, 1000), (201, 1000)):
                    accepted.append(name)

            asked = [asyncio.create_task(put(f"L{n}")) for n in range(200)]
            while len(accepted) < 20:
                await asyncio.sleep(0)
            assert await node.ended(by) == 0
            await asyncio.gather(*asked)
        async with beside(database) as commands:
            found, _ = await commands.store.read(lambda tx: tx.objects.batch("locations", 0, 1000))
    assert len(accepted) >= 20
    assert set(accepted) <= {one.key.id for one in found}

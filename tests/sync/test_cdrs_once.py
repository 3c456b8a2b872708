"""CDRs arrive exactly once in effect, whatever becomes of the answer."""

from typing import Any

import pytest

from interplug.model.types import encode_json
from interplug.partners import audiences
from interplug.protocol.http import Request, Response, Unreachable
from tests.modules import said
from tests.nodes import own
from tests.sync.played import says
from tests.sync.pushing import World, ours


class Till:
    """A partner that takes each CDR once and tells what it does with a second one."""

    def __init__(self, world: World, twice: Response, *, shows: bool = True) -> None:
        self.taken: list[str] = []
        self.asked: list[str] = []
        self.twice, self.shows = twice, shows
        self.lose_answers = 0
        world.node.client.transport.places["https://partner.example"] = self  # type: ignore[attr-defined]

    async def __call__(self, request: Request) -> Response:
        path = request.url.split("/receiver/", 1)[-1]
        self.asked.append(f"{request.method} {path}")
        if request.method == "GET":
            known = self.shows and any(path.endswith(f"/{name}") for name in self.taken)
            return Response(200, encode_json({"status_code": 1000, "data": {"id": path.rsplit("/", 1)[-1]}})) if known else says(2001, 404)
        name = request.body.split(b'"id":"', 1)[1].split(b'"', 1)[0].decode()
        if name in self.taken:
            return self.twice
        self.taken.append(name)
        if self.lose_answers:
            self.lose_answers -= 1
            raise Unreachable("reset")
        return says(1000, 201, location=f"cdrs/{name}")


async def cdr(world: World, name: str = "C1") -> Any:
    return await own(world.node, "cdrs", {**ours(said.cdr()), "id": name}, audience=world.partner.connection.id)


async def refused(world: World) -> list[str]:
    return [row.reason for row in await world.node.store.read(lambda tx: tx.cursors.refused())]


@pytest.mark.parametrize(
    ("twice", "shows"),
    [
        (says(1000), False),
        (says(2000, 409), False),
        (Response(409, b"<html>conflict</html>"), False),
        (Response(200, encode_json({"status_code": 2001, "status_message": "CDR already exists"})), False),
        (says(2001), True),
    ],
    ids=["taken again", "conflict", "conflict in HTML", "says so", "shows it"],
)
async def test_a_partner_that_has_a_cdr_is_not_sent_it_for_ever_because_an_answer_was_lost(
    world: World, twice: Response, shows: bool
) -> None:
    till = Till(world, twice, shows=shows)
    till.lose_answers = 1
    await cdr(world)
    await world.settle()
    await world.wait(1000)
    assert till.taken == ["C1"] and await refused(world) == []
    till.asked.clear()
    await world.restart()
    await world.wait(100_000)
    assert till.asked == []


async def test_a_refusal_that_nothing_explains_is_listed_for_a_person(world: World) -> None:
    till = Till(world, says(2001), shows=False)
    till.lose_answers = 1
    await cdr(world)
    await world.settle()
    await world.wait(1000)
    assert len(await refused(world)) == 1


async def test_a_cdr_that_was_taken_is_not_sent_again_when_the_cursor_was_not_written(world: World) -> None:
    till = Till(world, says(1000))
    key = await cdr(world)
    before = world.push.lanes[world.partner.connection.id].cursor
    await world.settle()
    await world.push.stop()
    await world.node.store.write(lambda tx: tx.cursors.move([(world.partner.connection.id, "*", before)]))
    await world.restart()
    await world.settle()
    assert till.asked == ["POST cdrs"] and key.id == "C1"


async def test_a_partner_that_lost_a_cdr_gets_it_again_and_nobody_else_does(world: World) -> None:
    till = Till(world, says(2001))
    for name in ("C1", "C2"):
        await cdr(world, name)
    await world.settle()
    till.taken.remove("C1")
    till.asked.clear()
    connection = world.partner.connection
    await world.node.store.write(lambda tx: audiences.all_again(tx, connection))
    await world.restart()
    await world.wait(1000)
    assert sorted(till.asked) == ["GET cdrs/cdrs/C1", "GET cdrs/cdrs/C2", "POST cdrs"] and sorted(till.taken) == ["C1", "C2"]

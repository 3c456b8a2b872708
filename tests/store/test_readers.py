"""Cursors, refused objects, resyncs; quarantine; kept answers."""

from typing import Any

import pytest

from interplug.store.cursors import RETRY, Refused, Resync
from interplug.store.replies import DAY, Reply
from tests.store.conftest import Desk


async def test_cursors_move_together(desk: Desk) -> None:
    await desk.write(lambda tx: tx.cursors.move([(1, "locations", 5), (1, "tariffs", 6), (2, "locations", 7)]))
    await desk.write(lambda tx: tx.cursors.move([(1, "locations", 9)]))
    assert await desk.read(lambda tx: tx.cursors.all()) == {(1, "locations"): 9, (1, "tariffs"): 6, (2, "locations"): 7}
    assert await desk.read(lambda tx: tx.cursors.get(2, "locations")) == 7
    assert await desk.read(lambda tx: tx.cursors.get(3, "locations")) is None


def refused(connection: int = 1, pk: int = 4, evse: str = "", **more: Any) -> Refused:
    given = {"module": "locations", "reason": "no", "status": 2001, "since": 100, "attempts": 1, "next_at": 200, "changed_no": 8} | more
    return Refused(connection, pk, evse, **given)


async def test_what_is_refused_again_adds_up_and_keeps_its_beginning(desk: Desk) -> None:
    await desk.write(lambda tx: tx.cursors.refuse(refused()))
    await desk.write(lambda tx: tx.cursors.refuse(refused(reason="still no", since=150, next_at=400, changed_no=9)))
    await desk.write(lambda tx: tx.cursors.refuse(refused(evse="A")))
    assert await desk.read(lambda tx: tx.cursors.refused(1)) == [
        refused(reason="still no", attempts=2, next_at=400, changed_no=9),
        refused(evse="A"),
    ]


async def test_refused_objects_come_due_when_somebody_asks_and_are_accepted(desk: Desk) -> None:
    for connection, next_at in ((1, 300), (2, 200), (3, 900)):
        await desk.write(lambda tx, c=connection, n=next_at: tx.cursors.refuse(refused(c, next_at=n)))
    await desk.write(lambda tx: tx.cursors.hasten(3))
    assert [one.next_at for one in await desk.read(lambda tx: tx.cursors.refused())] == [300, 200, 0]
    assert await desk.read(lambda tx: tx.generation(RETRY)) == 1
    assert await desk.write(lambda tx: tx.cursors.accept(2, 4))
    assert not await desk.write(lambda tx: tx.cursors.accept(2, 4))
    assert [one.connection for one in await desk.read(lambda tx: tx.cursors.refused())] == [1, 3]


async def test_a_resync_has_a_goal_and_an_end(desk: Desk) -> None:
    for reached in (0, 50):
        await desk.write(lambda tx, reached=reached: tx.cursors.resync(Resync(1, "locations", reached, 90)))
    assert await desk.read(lambda tx: tx.cursors.resyncs()) == [Resync(1, "locations", 50, 90)]
    await desk.write(lambda tx: tx.cursors.finished(1, "locations"))
    assert await desk.read(lambda tx: tx.cursors.resyncs()) == []


async def test_a_reader_that_is_no_more_leaves_nothing(desk: Desk) -> None:
    async def work(tx: Any) -> None:
        for connection in (1, 2):
            await tx.cursors.move([(connection, "locations", 5)])
            await tx.cursors.refuse(refused(connection))
            await tx.cursors.resync(Resync(connection, "locations", 0, 9))
        await tx.cursors.forget(1)

    await desk.write(work)
    assert list(await desk.read(lambda tx: tx.cursors.all())) == [(2, "locations")]
    assert [one.connection for one in await desk.read(lambda tx: tx.cursors.refused())] == [2]
    assert [one.connection for one in await desk.read(lambda tx: tx.cursors.resyncs())] == [2]


async def test_quarantine_keeps_the_original_and_the_reason(desk: Desk) -> None:
    async def work(tx: Any) -> None:
        for n, (source, module) in enumerate([(7, "locations"), (7, "tariffs"), (8, "locations")]):
            original = b"\xff%d" % n
            await tx.quarantine.add(source, module, original, path="$.status", reason="not a status", received_at=n, id=f"X{n}")

    await desk.write(work)
    held = await desk.read(lambda tx: tx.quarantine.list(module="locations"))
    assert [(one.source, one.original, one.path, one.reason, one.id) for one in held] == [
        (8, b"\xff2", "$.status", "not a status", "X2"),
        (7, b"\xff0", "$.status", "not a status", "X0"),
    ]
    assert [one.id for one in await desk.read(lambda tx: tx.quarantine.list(7, before=2))] == ["X0"]
    assert (await desk.read(lambda tx: tx.quarantine.get(held[0].pk))) == held[0]
    assert await desk.write(lambda tx: tx.quarantine.drop(held[0].pk))
    assert await desk.read(lambda tx: tx.quarantine.count()) == 2
    assert await desk.write(lambda tx: tx.quarantine.forget(1)) == 1


async def test_a_repeated_post_finds_its_answer(desk: Desk) -> None:
    assert await desk.write(lambda tx: tx.replies.keep(1, "r1", b"asked", 201, {"location": "/x"}, b"answer", 50))
    assert await desk.read(lambda tx: tx.replies.find(1, "r1", b"asked", 60)) == Reply(True, 201, {"location": "/x"}, b"answer")
    assert await desk.read(lambda tx: tx.replies.find(2, "r1", b"asked", 60)) is None


async def test_the_same_id_with_another_body_is_told_apart_and_the_first_answer_stands(desk: Desk) -> None:
    await desk.write(lambda tx: tx.replies.keep(1, "r1", b"asked", 200, {}, b"answer", 50))
    assert not await desk.write(lambda tx: tx.replies.keep(1, "r1", b"other", 200, {}, b"other answer", 51))
    found = await desk.read(lambda tx: tx.replies.find(1, "r1", b"other", 60))
    assert found == Reply(False, 200, {}, b"answer")


async def test_answers_are_kept_for_a_day(desk: Desk) -> None:
    await desk.write(lambda tx: tx.replies.keep(1, "r1", b"", 200, {}, b"", 50))
    assert await desk.read(lambda tx: tx.replies.find(1, "r1", b"", 50 + DAY)) is not None
    assert await desk.read(lambda tx: tx.replies.find(1, "r1", b"", 51 + DAY)) is None
    assert await desk.write(lambda tx: tx.replies.forget(51 + DAY)) == 1


@pytest.mark.parametrize("forget", [False, True])
async def test_where_a_receiver_serves_what_it_was_given_is_kept(desk: Desk, forget: bool) -> None:
    await desk.write(lambda tx: tx.cursors.delivered(1, 4, "https://a/cdrs/4", 100))
    await desk.write(lambda tx: tx.cursors.delivered(2, 4, "https://b/cdrs/4", 200))
    await desk.write(lambda tx: tx.cursors.delivered(1, 4, "https://a/other/4", 300))
    if forget:
        await desk.write(lambda tx: tx.cursors.forget(1))
    assert await desk.read(lambda tx: tx.cursors.delivered_at(1, 4)) == "https://a/other/4"
    assert await desk.read(lambda tx: tx.cursors.delivered_at(1, 5)) is None
    assert await desk.read(lambda tx: tx.cursors.delivered_at(2, 4)) == "https://b/cdrs/4"

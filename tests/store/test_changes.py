"""The change log: each thing once, in its newest form, in number order."""

from typing import Any

import pytest

from interplug.store.keys import GONE, OWN
from tests.store.conftest import Desk
from tests.store.samples import evse, key, location, tariff


async def test_the_log_compacts_itself(desk: Desk) -> None:
    for n in range(5):
        await desk.save(key("T1"), tariff("T1", n, currency=f"C{n}"), n)
        await desk.save(key("T2"), tariff("T2", n, currency=f"C{n}"), n)
    assert await desk.log() == [("T1", None, "new"), ("T2", None, "new")]
    assert desk.store.head == 10


async def test_what_happened_is_told_as_seen_from_the_cursor(desk: Desk) -> None:
    await desk.save(key("T1"), tariff("T1"))
    first = desk.store.head
    saved = await desk.save(key("T1"), tariff("T1", 1, currency="SEK"), 1)
    second = desk.store.head
    await desk.write(lambda tx: tx.objects.set_audience(saved.pk, 7))
    assert [(await desk.log(after))[0][2] for after in (0, first, second)] == ["new", "body", "audience"]
    assert await desk.log(desk.store.head) == []


async def test_a_status_after_a_body_does_not_hide_it(desk: Desk) -> None:
    place = key("L", "locations")
    await desk.save(place, location("L", 1, [evse("A", 1)]), 1)
    first = desk.store.head
    await desk.save_evse(place, evse("A", 2, floor_level="1"), 2)
    second = desk.store.head
    await desk.save_evse(place, evse("A", 3, "CHARGING", floor_level="1"), 3)
    assert [[one[2] for one in await desk.log(after)] for after in (first, second)] == [["body", "status"], ["status"]]


async def test_what_is_told_after_a_number_does_not_depend_on_where_the_reader_stopped(desk: Desk) -> None:
    """An EVSE whose body and then status changed, a Tariff that left an audience and then changed, and much in between."""
    place = key("L", "locations")
    await desk.save(place, location("L", 1, [evse("A", 1)]), 1)
    saved = await desk.save(key("T"), tariff("T"), audience=3)
    start = desk.store.head
    await desk.save_evse(place, evse("A", 2, floor_level="1"), 2)
    await desk.write(lambda tx: tx.objects.set_audience(saved.pk, 5))
    for n in range(3):
        await desk.save(key(f"T{n}"), tariff(f"T{n}"))
    await desk.save_evse(place, evse("A", 3, "CHARGING", floor_level="1"), 3)
    await desk.save(key("T"), tariff("T", 4, currency="SEK"), 4)
    for limit in (1, 2, 3, 99):
        told, reached = [], start
        while changes := await desk.read(lambda tx, after=reached, limit=limit: tx.objects.changes(after, limit)):
            told += [(change.key.id, change.evse_uid, change.what, change.was) for change in changes]
            reached = changes[-1].no
        assert told[0] == ("L", "A", "body", ()) and ("T", None, "audience", (3,)) in told and ("L", "A", "status", ()) in told


async def test_audiences_that_were_left_are_named_once_each_reader_has_not_seen_it(desk: Desk) -> None:
    saved = await desk.save(key("T1"), tariff("T1"), audience=3)
    numbers = [desk.store.head]
    for audience in (5, 7, GONE):
        await desk.write(lambda tx, audience=audience: tx.objects.set_audience(saved.pk, audience))
        numbers.append(desk.store.head)
    left = [[change.was for change in await desk.read(lambda tx, no=no: tx.objects.changes(no, 9))] for no in numbers]
    assert left == [[(3,), (5,), (7,)], [(5,), (7,)], [(7,)], []]


async def test_one_module_at_a_time_and_no_more_than_asked_for(desk: Desk) -> None:
    await desk.save(key("T1"), tariff("T1"))
    await desk.save(key("L", "locations"), location("L", 1, [evse("A", 1), evse("B", 1)]), 1)
    for n, uid in enumerate("AB", 2):
        await desk.save_evse(key("L", "locations"), evse(uid, n, "CHARGING"), n)
    assert await desk.log(modules=["tariffs"]) == [("T1", None, "new")]
    assert await desk.log(modules=["locations"]) == [("L", None, "new"), ("L", "A", "status"), ("L", "B", "status")]
    first = await desk.read(lambda tx: tx.objects.changes(0, 2))
    rest = await desk.read(lambda tx: tx.objects.changes(first[-1].no, 2))
    assert [(change.no, change.evse_uid) for change in first + rest] == [(1, None), (2, None), (3, "A"), (4, "B")]


@pytest.mark.parametrize("limit", [1, 3, 1000])
async def test_a_reader_who_was_away_is_level_after_reading_to_the_end(desk: Desk, limit: int) -> None:
    for n in range(30):
        await desk.save(key(f"T{n % 7}"), tariff(f"T{n % 7}", n, currency=f"C{n}"), n)
    copy, reached = {}, 0
    while changes := await desk.read(lambda tx, reached=reached: tx.objects.changes(reached, limit)):
        for change in changes:
            copy[change.key.id] = await desk.document(change.key)
            reached = change.no
    assert copy == {f"T{n % 7}": tariff(f"T{n % 7}", n, currency=f"C{n}") for n in range(23, 30)}
    assert reached == desk.store.head


async def test_audiences_left_are_forgotten_below_the_slowest_reader(desk: Desk) -> None:
    saved = await desk.save(key("T1"), tariff("T1"), audience=3)
    for audience in (5, 7):
        await desk.write(lambda tx, audience=audience: tx.objects.set_audience(saved.pk, audience))
    assert await desk.write(lambda tx: tx.objects.forget_moves(3)) == 1
    [change] = await desk.read(lambda tx: tx.objects.changes(1, 9))
    assert change.was == (5,)


@pytest.mark.parametrize("modules", [None, ["tariffs"], ["locations"], []], ids=str)
async def test_looking_for_news_costs_nothing_where_there_are_none(desk: Desk, modules: list[str] | None) -> None:
    async def fill(tx: Any) -> None:
        for n in range(2000):
            await tx.objects.save(key(f"T{n}"), tariff(f"T{n}"), last_updated=1)
            place = key(f"L{n}", "locations")
            await tx.objects.save(place, location(f"L{n}", 1), last_updated=1)
            await tx.objects.save_evse(place, "A", evse("A", 1), last_updated=1)

    await desk.write(fill)
    await desk.settle(lambda: desk.log(desk.store.head, modules=modules))
    async with desk.effort() as steps:
        assert await desk.log(desk.store.head, modules=modules) == []
    assert steps[0] < (40 if desk.store.place.shared else 20)


@pytest.mark.parametrize("modules", [None, ["tariffs", "locations"]], ids=str)
async def test_who_reads_of_our_own_alone_is_past_what_partners_bring(desk: Desk, modules: list[str] | None) -> None:
    for source in (7, OWN, 8):
        place = key("L1", "locations", source)
        await desk.save(place, location("L1"))
        await desk.save_evse(place, evse("A", 1, status="CHARGING"), 1)
        saved = await desk.save(key("T1", source=source), tariff("T1"))
        await desk.write(lambda tx, pk=saved.pk: tx.objects.set_audience(pk, 3))
    changes, reached, more = await desk.store.news(0, 9, modules, own=True)
    assert {(change.source, change.key.id, change.evse_uid) for change in changes} == {
        (OWN, "L1", None),
        (OWN, "L1", "A"),
        (OWN, "T1", None),
    }
    assert (reached, more) == (desk.store.head, False)

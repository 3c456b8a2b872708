"""Locations and their EVSE rows: levels, numbers, and a cost that does not grow with the siblings."""

import asyncio
from typing import Any

import pytest

from interplug.store.locations import NoLocation
from tests.store.conftest import Desk, Opener
from tests.store.samples import LOC, at, evse, key, location

PARTNER = 7

THEIRS = key("LOC1", "locations", PARTNER)


async def test_the_whole_is_read_as_it_was_saved(desk: Desk) -> None:
    document = location("LOC1", 9, [evse("B", 1), evse("A", 9)])
    await desk.save(THEIRS, document, 9)
    assert await desk.document(THEIRS) == document


async def test_a_location_without_its_evses(desk: Desk) -> None:
    await desk.save(THEIRS, location("LOC1", 1, [evse("A", 1)]), 1)
    bare = await desk.read(lambda tx: tx.objects.get(THEIRS, whole=False))
    assert bare.document == location("LOC1", 1)
    await desk.save(THEIRS, location("LOC1", 2, city="Assen"), 2, whole=False)
    assert await desk.document(THEIRS) == location("LOC1", 2, [evse("A", 1)], city="Assen")


async def test_a_status_change_raises_the_parent_and_is_logged_as_status(desk: Desk) -> None:
    await desk.save(THEIRS, location("LOC1", 1, [evse("A", 1), evse("B", 1)]), 1)
    after = desk.store.head
    await desk.save_evse(THEIRS, evse("B", 5, "CHARGING"), 5)
    assert await desk.document(THEIRS) == location("LOC1", 5, [evse("A", 1), evse("B", 5, "CHARGING")])
    assert await desk.log(after) == [("LOC1", "B", "status")]


async def test_a_change_of_more_than_the_status_is_logged_as_body(desk: Desk) -> None:
    await desk.save(THEIRS, location("LOC1", 1, [evse("A", 1)]), 1)
    after = desk.store.head
    await desk.save_evse(THEIRS, evse("A", 5, floor_level="2"), 5)
    await desk.save_evse(THEIRS, evse("A", 6, "CHARGING", floor_level="2"), 6)
    assert await desk.log(after) == [("LOC1", "A", "body"), ("LOC1", "A", "status")]
    assert await desk.log(after + 1) == [("LOC1", "A", "status")]


async def test_a_new_evse_comes_last_and_is_logged_as_new(desk: Desk) -> None:
    await desk.save(THEIRS, location("LOC1", 1, [evse("A", 1)]), 1)
    after = desk.store.head
    saved = await desk.save_evse(THEIRS, evse("0", 2), 2)
    assert saved.created
    assert [one["uid"] for one in (await desk.document(THEIRS))["evses"]] == ["A", "0"]
    assert await desk.log(after) == [("LOC1", "0", "new")]


async def test_a_new_location_has_one_entry_in_the_log(desk: Desk) -> None:
    await desk.save(THEIRS, location("LOC1", 1, [evse("A", 1), evse("B", 1)]), 1)
    assert await desk.log() == [("LOC1", None, "new")]


async def test_the_parents_last_updated_is_never_lowered(desk: Desk) -> None:
    await desk.save(THEIRS, location("LOC1", 9, [evse("A", 1)]), 9)
    await desk.save_evse(THEIRS, evse("A", 5, "CHARGING"), 5)
    stored = await desk.get(THEIRS)
    assert stored is not None and stored.last_updated == at(9)


async def test_an_older_evse_is_stale_even_where_its_location_is_not(desk: Desk) -> None:
    await desk.save(THEIRS, location("LOC1", 1, [evse("A", 5, "CHARGING")]), 5)
    assert (await desk.save_evse(THEIRS, evse("A", 4), 4)).stale
    assert not (await desk.save(THEIRS, location("LOC1", 6, [evse("A", 4)], city="Assen"), 6)).stale
    assert (await desk.document(THEIRS))["evses"] == [evse("A", 5, "CHARGING")]


async def test_a_location_whose_evse_is_newer_is_not_stale(desk: Desk) -> None:
    """Partners forget to raise the Location; its EVSE tells."""
    await desk.save(THEIRS, location("LOC1", 1, [evse("A", 1)]), 1)
    await desk.save_evse(THEIRS, evse("A", 5, "CHARGING"), 5)
    assert (await desk.save(THEIRS, location("LOC1", 1, [evse("A", 6)]), 1)).changed
    assert (await desk.save(THEIRS, location("LOC1", 1, [evse("A", 5, "CHARGING")]), 1)).stale


@pytest.mark.req("TRN-039")
async def test_evses_that_a_replacement_does_not_name_become_removed(desk: Desk) -> None:
    await desk.save(THEIRS, location("LOC1", 1, [evse("A", 1), evse("B", 1), evse("C", 1)]), 1)
    after = desk.store.head
    await desk.save(THEIRS, location("LOC1", 8, [evse("C", 1), evse("B", 1)]), 8)
    assert (await desk.document(THEIRS))["evses"] == [evse("C", 1), evse("B", 1), evse("A", 8, "REMOVED")]
    assert await desk.log(after) == [("LOC1", "A", "status")]
    await desk.save(THEIRS, location("LOC1", 9), 9)
    assert [one["status"] for one in (await desk.document(THEIRS))["evses"]] == ["REMOVED"] * 3


async def test_a_touch_of_the_parents_last_updated_is_not_a_change_of_its_body(desk: Desk) -> None:
    await desk.save(THEIRS, location("LOC1", 1, [evse("A", 1)]), 1)
    after = desk.store.head
    await desk.save(THEIRS, location("LOC1", 2, [evse("A", 1)]), 2)
    assert (await desk.document(THEIRS))["last_updated"] == location("LOC1", 2)["last_updated"]
    assert await desk.log(after) == []


async def test_a_replacement_logs_each_level_that_changed(desk: Desk) -> None:
    await desk.save(THEIRS, location("LOC1", 1, [evse("A", 1), evse("B", 1), evse("C", 1)]), 1)
    after = desk.store.head
    new = location("LOC1", 2, [evse("A", 2, "CHARGING"), evse("B", 1), evse("C", 2, floor_level="1")], city="Assen")
    await desk.save(THEIRS, new, 2)
    assert await desk.log(after) == [("LOC1", None, "body"), ("LOC1", "A", "status"), ("LOC1", "C", "body")]
    assert await desk.document(THEIRS) == new


async def test_the_same_location_again_is_no_change(desk: Desk) -> None:
    document = location("LOC1", 1, [evse("B", 1), evse("A", 1)])
    await desk.save(LOC, document, 1)
    head = desk.store.head
    assert not (await desk.save(LOC, document, 1)).changed
    assert desk.store.head == head


async def test_our_own_evse_and_its_location_always_grow(open_store: Opener) -> None:
    desk = Desk(open_store(clock=lambda: at(10)))
    await desk.save(LOC, location("LOC1", 10, [evse("A", 10)]), 10)
    await desk.save_evse(LOC, evse("A", 10, "CHARGING"), 10)
    assert await desk.document(LOC) == location("LOC1", 10.001, [evse("A", 10.001, "CHARGING")])
    await desk.save(LOC, location("LOC1", 4, [evse("A", 4, "BLOCKED")], city="Assen"), 4)
    assert await desk.document(LOC) == location("LOC1", 10.002, [evse("A", 10.002, "BLOCKED")], city="Assen")


async def test_a_uid_may_stand_in_several_locations_of_one_party(desk: Desk) -> None:
    for name in ("LOC1", "LOC2"):
        await desk.save(key(name, "locations"), location(name, 1, [evse("A", 1)]), 1)
    await desk.save_evse(key("LOC2", "locations"), evse("a", 2, "CHARGING"), 2)
    found = await desk.read(lambda tx: tx.objects.find_evse("a", party=("NL", "abc")))
    assert [(one.key.id, one.uid, one.status) for one in found] == [("LOC1", "A", "AVAILABLE"), ("LOC2", "A", "CHARGING")]
    assert await desk.read(lambda tx: tx.objects.find_evse("a", party=("NL", "XYZ"))) == []


async def test_an_evse_needs_its_location(desk: Desk) -> None:
    with pytest.raises(NoLocation):
        await desk.save_evse(LOC, evse("A", 1), 1)


@pytest.mark.parametrize("siblings", [1, 200])
async def test_patching_an_evse_costs_the_same_whatever_stands_beside_it(desk: Desk, siblings: int) -> None:
    """Counted, not timed."""
    await desk.save(LOC, location("LOC1", 1, [evse(f"E{n}", 1) for n in range(siblings)]), 1)

    async def patch(tx: Any) -> None:
        seen = await tx.objects.get_evse(LOC, "E0")
        await tx.objects.save_evse(LOC, "E0", {**seen.document, **evse("E0", 2, "CHARGING")}, last_updated=at(2))

    with desk.statements() as mine:
        await desk.write(patch)
    assert [sql.split()[0] for sql in mine] == ["select", "update", "insert", "update"], "the row of the record is that of our own EVSE"
    assert "e.uid = ?" in mine[0]
    assert "where pk =" in mine[1] and "where pk =" in mine[3]


async def test_what_was_seen_before_another_write_is_looked_up_again(desk: Desk, open_store: Opener) -> None:
    await desk.save(THEIRS, location("LOC1", 1, [evse("A", 1)]), 1)

    async def within(tx: Any) -> Any:
        await tx.objects.get_evse(THEIRS, "A")
        await tx.objects.save(THEIRS, location("LOC1", 9, [evse("A", 9)]), last_updated=at(9))
        return await tx.objects.save_evse(THEIRS, "A", evse("A", 5, "CHARGING"), last_updated=at(5))

    assert (await desk.write(within)).stale
    seen = [await desk.read(lambda tx: tx.objects.get_evse(THEIRS, "A")) for _ in range(2)]
    await desk.write(lambda tx: tx.objects.get_evse(THEIRS, "A"))
    other = open_store()
    await other.write(lambda tx: tx.objects.save_evse(THEIRS, "A", evse("A", 20), last_updated=at(20)))
    assert (await desk.save_evse(THEIRS, evse("A", 15, "CHARGING"), 15)).stale
    seen.append(await desk.read(lambda tx: tx.objects.get_evse(THEIRS, "A")))
    assert [one.last_updated for one in seen] == [at(9), at(9), at(20)]


async def test_what_a_failed_transaction_saw_is_forgotten(desk: Desk) -> None:
    await desk.save(THEIRS, location("LOC1", 1, [evse("A", 1)]), 1)

    async def failing(tx: Any) -> None:
        await tx.objects.save_evse(THEIRS, "A", evse("A", 9), last_updated=at(9))
        await tx.objects.get_evse(THEIRS, "A")
        raise LookupError

    async def after(tx: Any) -> Any:
        return await tx.objects.save_evse(THEIRS, "A", evse("A", 5), last_updated=at(5))

    failed, saved = await asyncio.gather(desk.write(failing), desk.write(after), return_exceptions=True)
    assert isinstance(failed, LookupError) and saved.changed


async def test_of_our_own_an_evse_carries_the_time_that_its_location_gets(desk: Desk) -> None:
    """Partners are told of the EVSE alone: two that change in the same millisecond must leave them with the same Location as ours."""
    ours = key("LOC1", "locations")
    await desk.save(ours, location("LOC1", 1, [evse("A", 1), evse("B", 1)]), 1)
    for uid in ("A", "B", "new"):
        await desk.save_evse(ours, evse(uid, 5, "CHARGING"), 5)
        document = await desk.document(ours)
        assert document["last_updated"] == next(one["last_updated"] for one in document["evses"] if one["uid"] == uid)

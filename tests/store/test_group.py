"""What is written once for a whole group: nobody in it can tell, and a transaction that fails takes its own back."""

import asyncio
import sqlite3
from typing import Any

import asyncpg
import pytest

from interplug.store import postgres, sqlite
from interplug.store.database import ReadOnly
from interplug.store.evses import evse_of
from tests.store.conftest import Desk
from tests.store.samples import LOC, at, evse, key, location, saving, status


@pytest.fixture(autouse=True)
def all_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for engine in (sqlite, postgres):
        monkeypatch.setattr(engine, "LONGEST", 60.0)


@pytest.fixture
async def two(desk: Desk) -> None:
    await desk.save(LOC, location("LOC1", 1, [evse("A", 1), evse("B", 1)]), 1)


@pytest.fixture(params=[False, True], ids=["", "ahead"])
def ahead(request: pytest.FixtureRequest) -> bool:
    """Whether transactions say what they will look at."""
    return bool(request.param)


async def together(desk: Desk, *works: Any, ahead: bool = False) -> list[Any]:
    writing = (desk.store.write(work, getattr(work, "look", None) if ahead else None) for work in works)
    return await asyncio.gather(*writing, return_exceptions=True)


async def statuses(desk: Desk) -> list[str]:
    return [one["status"] for one in (await desk.document(LOC))["evses"]]


async def see(tx: Any) -> Any:
    """The status, the number, and how new the Location is."""
    found, whole = await tx.objects.get_evse(LOC, "A"), await tx.objects.get(LOC)
    assert whole.document["evses"][0]["status"] == found.status
    return found.status, found.changed_no, whole.last_updated


@pytest.mark.usefixtures("two")
async def test_the_statuses_of_a_group_are_a_statement_for_each_table(desk: Desk) -> None:
    other = key("LOC2", "locations")
    await desk.save(other, location("LOC2", 1, [evse("C", 1)]), 1)

    def elsewhere(tx: Any) -> Any:
        return tx.objects.save_evse(other, "C", evse("C", 3, "CHARGING"), last_updated=at(3))

    with desk.statements() as mine:
        await together(desk, status("A", 2, "CHARGING"), elsewhere)
    assert [sql.split()[0] for sql in mine] == ["select", "select", "update", "insert", "update"]
    assert await statuses(desk) == ["CHARGING", "AVAILABLE"]
    assert [one["status"] for one in (await desk.document(other))["evses"]] == ["CHARGING"]


async def test_whole_locations_of_a_partner_are_a_statement_for_each_table(desk: Desk) -> None:
    places = [key(name, "locations", source=7) for name in ("LOC1", "LOC2")]

    def whole(place: Any, seconds: float, city: str, status: str) -> Any:
        document = location(place.id, seconds, [evse("A", seconds, status), evse("B", 1)], city=city)
        return lambda tx: tx.objects.save(place, document, last_updated=at(seconds))

    await together(desk, *(whole(place, 1, "Gieten", "AVAILABLE") for place in places))
    with desk.statements() as mine:
        await together(desk, *(whole(place, 3, "Assen", "CHARGING") for place in places))
    assert [sql.split()[:2] for sql in mine] == [["select", "o.pk,"], ["select", "e.pk,"]] * 2 + [
        ["update", of] for of in ("evse", "body", "object")
    ]
    for place in places:
        assert await desk.document(place) == location(place.id, 3, [evse("A", 3, "CHARGING"), evse("B", 1)], city="Assen")


@pytest.mark.usefixtures("two")
async def test_whoever_comes_later_in_the_group_sees_what_was_before(desk: Desk, ahead: bool) -> None:
    works = (see, status("A", 2, "CHARGING"), see, status("B", 3, "CHARGING"), status("A", 4, "BLOCKED"), see)
    done = await together(desk, *works, ahead=ahead)
    assert [done[place] for place in (0, 2, 5)] == [("AVAILABLE", 0, at(1)), ("CHARGING", 2, at(2)), ("BLOCKED", 4, at(4))]
    assert [one[1:] for one in await desk.log(1)] == [("B", "status"), ("A", "status")]


@pytest.mark.usefixtures("two")
async def test_of_two_changes_of_one_evse_the_second_knows_the_first(desk: Desk, ahead: bool) -> None:
    first, second, again = await together(desk, *(status("A", n, "CHARGING") for n in (5, 5, 5)), ahead=ahead)
    assert (first.changed, second.changed, again.changed) == (True, False, False)
    assert desk.store.head == 2


@pytest.mark.usefixtures("two")
async def test_a_transaction_sees_what_it_has_changed_itself(desk: Desk) -> None:
    async def twice(tx: Any) -> Any:
        before = await see(tx)
        await status("A", 2, "CHARGING")(tx)
        between = await see(tx)
        await status("A", 3, "BLOCKED")(tx)
        return before[0], between[0], (await see(tx))[0]

    assert await desk.write(twice) == ("AVAILABLE", "CHARGING", "BLOCKED")


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("also", [None, saving("T1"), see])
async def test_one_that_fails_takes_its_own_back_and_nothing_else(desk: Desk, also: Any, ahead: bool) -> None:
    """Whether or not what was handed in had to be written before it failed."""

    async def fails(tx: Any) -> None:
        await status("B", 3, "CHARGING")(tx)
        if also is not None:
            await also(tx)
        raise LookupError

    done = await together(desk, status("A", 2, "CHARGING"), fails, saving("T2"), fails, status("A", 5, "BLOCKED"), ahead=ahead)
    assert [isinstance(one, LookupError) for one in done] == [False, True, False, True, False]
    assert await statuses(desk) == ["BLOCKED", "AVAILABLE"]
    assert await desk.log(1) == [("T2", None, "new"), ("LOC1", "A", "status")]
    assert desk.store.head == 4


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("swallowed", [False, True])
async def test_rows_that_cannot_be_written_are_nobodys_alone(desk: Desk, swallowed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    error = asyncpg.DiskFullError("full") if desk.store.place.shared else sqlite3.OperationalError("full")

    async def full(*_: Any) -> None:
        raise error

    async def looks(tx: Any) -> None:
        try:
            await tx.objects.get(LOC)
        except type(error):
            if not swallowed:
                raise

    with monkeypatch.context() as patch:
        for engine in (sqlite, postgres):
            patch.setattr(engine.Statements, "many", full)
        done = await together(desk, status("A", 2, "CHARGING"), looks)
    assert done == [error, error]
    assert (await desk.write(status("A", 2, "CHARGING"))).changed
    assert await desk.log(1) == [("LOC1", "A", "status")]


@pytest.mark.usefixtures("two")
async def test_what_transactions_say_that_they_will_look_at_is_asked_once(desk: Desk) -> None:
    """Where a question is a message to a server."""
    other = key("LOC2", "locations")
    await desk.save(other, location("LOC2", 1, [evse("C", 1)]), 1)
    asked = [(LOC, "A"), (other, "C"), (LOC, "NONE"), (key("NONE", "locations"), "A"), (LOC, "B\0")]
    works = [(lambda tx, one=one: tx.objects.get_evse(*one), evse_of(*one)) for one in asked]
    with desk.statements() as mine:
        found = await asyncio.gather(*(desk.store.write(*work) for work in works))
    assert [one and one.uid for one in found] == ["A", "C", None, None, None]
    assert len(mine) == (0 if desk.store.place.shared else len(asked))


@pytest.mark.usefixtures("two")
async def test_what_was_read_ahead_is_forgotten_when_something_is_written(desk: Desk) -> None:
    """A whole Location, between two who said that they would look at an EVSE of it."""

    def again(tx: Any) -> Any:
        return tx.objects.save(LOC, location("LOC1", 9, [evse("B", 9), evse("A", 9, "BLOCKED")]), last_updated=at(9))

    done = await together(desk, status("A", 2, "CHARGING"), again, status("A", 1, "BLOCKED"), status("B", 10, "CHARGING"), ahead=True)
    assert [one.changed for one in done] == [True, True, False, True]
    assert await statuses(desk) == ["CHARGING", "BLOCKED"]


async def test_who_reads_hands_nothing_in(desk: Desk) -> None:
    with pytest.raises(ReadOnly):
        await desk.read(lambda tx: tx.db.later(1, "update evse set status = ? where pk = 1", ""))

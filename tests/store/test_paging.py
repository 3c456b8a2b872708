"""Feeds: order, offsets, keys, dates, visibility and exact totals."""

import random
from typing import Any

import pytest

from interplug.store.keys import Page
from tests.store.conftest import Desk
from tests.store.samples import at, key, tariff

EVERYONE, CLASS, OTHERS = 0, 7, 8


async def fill(desk: Desk, count: int, **more: Any) -> None:
    async def work(tx: Any) -> None:
        for n in range(count):
            await tx.objects.save(key(f"T{n}", **more), tariff(f"T{n}", n), last_updated=at(n))

    await desk.write(work)


async def ids(desk: Desk, page: Page) -> list[str]:
    async def work(tx: Any) -> list[str]:
        return [(await tx.objects.get_pk(pk)).key.id for pk in page.pks]

    return list(await desk.read(work))


async def crawl(desk: Desk, limit: int, **more: Any) -> list[str]:
    seen: list[str] = []
    after = None
    while True:
        page = await desk.page(limit=limit, after=after, **more)
        seen += await ids(desk, page)
        after = page.last_no
        if not page.more:
            return seen


@pytest.mark.req("TRN-024")
async def test_a_page_starts_at_its_offset_and_at_the_first_object_without_one(desk: Desk) -> None:
    await fill(desk, 12)
    assert await ids(desk, await desk.page(limit=3)) == ["T0", "T1", "T2"]
    assert await ids(desk, await desk.page(limit=3, offset=7)) == ["T7", "T8", "T9"]
    assert await ids(desk, await desk.page(limit=3, offset=12)) == []


@pytest.mark.req("TRN-025", "TRN-029")
async def test_never_more_than_the_limit_and_the_total_does_not_depend_on_it(desk: Desk) -> None:
    await fill(desk, 12)
    pages = [await desk.page(limit=limit, offset=offset) for limit in (1, 5, 20) for offset in (0, 4, 11, 40)]
    assert {page.total for page in pages} == {12}
    assert [len(page.pks) for page in pages] == [1, 1, 1, 0, 5, 5, 1, 0, 12, 8, 1, 0]


async def test_the_last_page_knows_that_it_is_the_last(desk: Desk) -> None:
    await fill(desk, 10)
    assert (await desk.page(limit=5)).more
    assert not (await desk.page(limit=5, offset=5)).more
    assert not (await desk.page(limit=10)).more


async def test_an_empty_feed(desk: Desk) -> None:
    assert await desk.page() == Page([], [], 0, 0, False)


@pytest.mark.req("TRN-034", "TRN-035")
async def test_the_order_is_that_of_creation_and_changes_keep_their_place(desk: Desk) -> None:
    await fill(desk, 6)
    await desk.save(key("T2"), tariff("T2", 99, currency="SEK"), 99)
    assert await crawl(desk, 2) == await crawl(desk, 2) == [f"T{n}" for n in range(6)]


@pytest.mark.req("TRN-030", "TRN-029")
async def test_a_reader_sees_and_counts_what_is_visible_to_it(desk: Desk) -> None:
    for n, audience in enumerate([EVERYONE, CLASS, OTHERS, CLASS, EVERYONE]):
        await desk.save(key(f"T{n}"), tariff(f"T{n}"), audience=audience)
    page = await desk.page(audiences=(EVERYONE, CLASS))
    assert (await ids(desk, page), page.total) == (["T0", "T1", "T3", "T4"], 4)
    assert await crawl(desk, 1, audiences=(EVERYONE, CLASS)) == ["T0", "T1", "T3", "T4"]
    assert (await desk.page(audiences=(99,))).total == 0
    assert await desk.read(lambda tx: tx.objects.audiences("tariffs")) == [EVERYONE, CLASS, OTHERS]


async def test_the_audience_stays_unless_another_is_named(desk: Desk) -> None:
    saved = await desk.save(key("T0"), tariff("T0"), audience=CLASS)
    await desk.save(key("T0"), tariff("T0", 1), 1)
    assert (await desk.page(audiences=(CLASS,))).total == 1
    assert await desk.write(lambda tx: tx.objects.set_audience(saved.pk, OTHERS))
    assert not await desk.write(lambda tx: tx.objects.set_audience(saved.pk, OTHERS))
    assert [(await desk.page(audiences=(one,))).total for one in (EVERYONE, CLASS, OTHERS)] == [0, 0, 1]


async def test_one_party_and_never_what_is_a_partners(desk: Desk) -> None:
    await fill(desk, 2)
    await fill(desk, 3, party="XYZ")
    await fill(desk, 4, source=5)
    totals = [(await desk.page(**more)).total for more in ({}, {"party": ("nl", "xyz")})]
    assert totals == [5, 3]


@pytest.mark.req("TRN-020", "TRN-021", "TRN-022", "TRN-023")
async def test_date_from_is_inclusive_and_date_to_exclusive(desk: Desk) -> None:
    await fill(desk, 10)
    page = await desk.page(date_from=at(3), date_to=at(6))
    assert (await ids(desk, page), page.total) == (["T3", "T4", "T5"], 3)
    assert await ids(desk, await desk.page(date_to=at(2))) == ["T0", "T1"]
    assert await ids(desk, await desk.page(date_from=at(8))) == ["T8", "T9"]
    assert (await desk.page(date_from=at(3), total=77)).total == 77


@pytest.mark.parametrize("few_rows", [0, 2000])
@pytest.mark.parametrize("sparse", [1, 10])
@pytest.mark.parametrize("parties", [1, 12])
async def test_all_ways_to_walk_give_the_same_pages(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, few_rows: int, sparse: int, parties: int
) -> None:
    """One feed, many feeds, a part of the module, with dates and without, against a plain list."""
    monkeypatch.setattr("interplug.store.feeds.FEW_ROWS", few_rows)
    monkeypatch.setattr("interplug.store.feeds.SPARSE", sparse)
    dice = random.Random(parties)
    rows: list[tuple[str, int, int]] = []

    async def work(tx: Any) -> None:
        for n in range(200):
            audience, moment = dice.choice([EVERYONE, CLASS, OTHERS]), dice.randrange(100)
            rows.append((f"T{n}", audience, moment))
            place = key(f"T{n}", party=f"P{n % parties}")
            await tx.objects.save(place, tariff(f"T{n}", moment), last_updated=at(moment), audience=audience)

    await desk.write(work)
    for audiences in [(EVERYONE,), (EVERYONE, CLASS), (EVERYONE, CLASS, OTHERS)]:
        for dates in [{}, {"date_from": at(20), "date_to": at(70)}]:
            wanted = [name for name, audience, moment in rows if audience in audiences and (not dates or 20 <= moment < 70)]
            assert await crawl(desk, 17, audiences=audiences, **dates) == wanted
            page = await desk.page(limit=9, offset=31, audiences=audiences, **dates)
            assert (await ids(desk, page), page.total) == (wanted[31:40], len(wanted))


@pytest.mark.req("TRN-035")
async def test_nothing_is_lost_or_repeated_while_objects_come_and_change_during_a_crawl(desk: Desk) -> None:
    await fill(desk, 40)
    seen: list[str] = []
    after, n = None, 40
    while True:
        page = await desk.page(limit=7, after=after)
        seen += await ids(desk, page)
        if not page.more:
            break
        after = page.last_no
        if n < 60:
            await desk.save(key(f"T{n}"), tariff(f"T{n}", n), n)
            await desk.save(key(f"T{n - 40}"), tariff(f"T{n - 40}", n, currency="SEK"), n)
            n += 1
    assert seen == [f"T{i}" for i in range(n)]


@pytest.mark.parametrize("audiences", [(EVERYONE,), (EVERYONE, CLASS)])
async def test_a_deep_page_costs_what_the_first_does(desk: Desk, audiences: tuple[int, ...]) -> None:
    await fill(desk, 5000)
    await desk.save(key("X"), tariff("X"), audience=CLASS)
    deep = await desk.page(limit=4000)
    await desk.settle(lambda: desk.page(limit=100, audiences=audiences, offset=100))
    async with desk.effort() as first:
        await desk.page(limit=100, audiences=audiences)
    async with desk.effort() as by_key:
        await desk.page(limit=100, audiences=audiences, after=deep.last_no)
    await desk.page(limit=100, audiences=audiences, offset=4500)
    async with desk.effort() as by_offset:
        page = await desk.page(limit=100, audiences=audiences, offset=4607)
    assert await ids(desk, page) == [f"T{n}" for n in range(4607, 4707)]
    assert by_key[0] <= first[0] * 1.1
    assert by_offset[0] <= first[0] * 3


async def test_offsets_stay_right_after_objects_leave_and_enter_in_the_middle(desk: Desk) -> None:
    await fill(desk, 1200)
    everyone = [f"T{n}" for n in range(1200)]

    async def check() -> None:
        for offset in (0, 255, 256, 257, 700, 1023, 1100):
            assert await ids(desk, await desk.page(limit=3, offset=offset)) == everyone[offset : offset + 3]

    await check()
    await desk.write(lambda tx: tx.objects.remove(key("T300")))
    everyone.remove("T300")
    await check()
    await desk.save(key("T300"), tariff("T300", 1), 1)
    everyone.insert(300, "T300")
    await check()
    await desk.save(key("T1200"), tariff("T1200"))
    everyone.append("T1200")
    await check()


async def test_counters_are_what_a_count_would_say(desk: Desk) -> None:
    dice = random.Random(4)
    pks: list[int] = []

    async def work(tx: Any) -> None:
        for n in range(300):
            place = key(f"T{n % 120}", party=dice.choice("AB"), source=dice.randrange(2))
            saved = await tx.objects.save(place, tariff(place.id, n), last_updated=at(n), audience=dice.choice([None, 0, 7, 8]))
            pks.append(saved.pk)
            await tx.objects.set_audience(dice.choice(pks), dice.choice([-1, 0, 7, 8]))

    await desk.write(work)
    counted = "select module, source, audience, country, party, count(*) from object group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5"
    kept = "select module, source, audience, country, party, n from feed where n <> 0 order by 1, 2, 3, 4, 5"
    assert await desk.read(lambda tx: tx.db.all(counted)) == await desk.read(lambda tx: tx.db.all(kept))

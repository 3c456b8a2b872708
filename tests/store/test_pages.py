"""Pages in memory: the same as from the database after whatever has happened, and never more than is allowed."""

import random
from typing import Any

import pytest

from interplug.store.keys import Page, PageQuery
from interplug.store.pages import Known, Pages
from tests.store.conftest import Desk
from tests.store.samples import evse, key, location, tariff

SEEN = [(0,), (0, 7), (0, 7, 8)]
VERSIONS = ["2.3.0", "2.1.1"]


async def read(desk: Desk, pages: Pages | None, module: str = "tariffs", **more: Any) -> Page:
    query = PageQuery(module, more.pop("limit", 3), more.pop("version", "2.3.0"), **more)
    return await desk.read(lambda tx: tx.objects.page(query, pages))


async def same(desk: Desk, pages: Pages, module: str, **more: Any) -> Page:
    fresh, found = await read(desk, None, module, **more), await read(desk, pages, module, **more)
    assert (found.pks, found.last_no, found.total, found.more) == (fresh.pks, fresh.last_no, fresh.total, fresh.more)
    if found.joined is None:
        assert found.bodies == fresh.bodies
    else:
        assert found.joined == b",".join(filter(None, fresh.bodies)) and None not in fresh.bodies
    return found


class Happening:
    """Things that happen to our own objects, one after another."""

    def __init__(self, desk: Desk, dice: random.Random) -> None:
        self.desk, self.dice, self.now = desk, dice, 0
        self.all = [self.tariff, self.location, self.evse, self.reorder, self.audience, self.remove, self.keep]

    def name(self) -> str:
        return self.dice.choice("ABCDEFGH")

    async def next(self) -> None:
        self.now += 1
        await self.dice.choice(self.all)()

    async def tariff(self) -> None:
        name = self.name()
        document = tariff(name, self.now, currency=self.dice.choice(["EUR", "SEK"]))
        await self.desk.save(key(name), document, self.now, audience=self.dice.choice([None, 0, 7, 8]))

    async def location(self, uids: str = "XY") -> None:
        name = self.name()
        document = location(name, self.now, [evse(uid, self.now) for uid in uids], publish=self.dice.random() < 0.8)
        await self.desk.save(key(name, "locations"), document, self.now, audience=self.dice.choice([None, None, 0, 7]))

    async def reorder(self) -> None:
        await self.location("YX")

    async def evse(self) -> None:
        place = key(self.name(), "locations")
        if await self.desk.get(place) is not None:
            await self.desk.save_evse(place, evse("X", self.now, self.dice.choice(["AVAILABLE", "CHARGING"])), self.now)

    async def audience(self) -> None:
        stored = await self.desk.get(key(self.name(), self.dice.choice(["tariffs", "locations"])))
        if stored is not None:
            await self.desk.write(lambda tx: tx.objects.set_audience(stored.pk, self.dice.choice([0, 7, 8])))

    async def remove(self) -> None:
        await self.desk.write(lambda tx: tx.objects.remove(key(self.name(), self.dice.choice(["tariffs", "locations"]))))

    async def keep(self) -> None:
        """What is lacking is made, so that there are pages to remember."""

        async def work(tx: Any) -> None:
            for module in ("tariffs", "locations"):
                async for stored in tx.objects.each(module):
                    for version, raw in (("2.3.0", None), ("2.1.1", b"" if self.dice.random() < 0.2 else b"[%d]" % stored.changed_no)):
                        if await tx.objects.lacks(stored.pk, version):
                            await tx.objects.keep([(stored.pk, version, stored.changed_no, raw)])

        await self.desk.write(work)


@pytest.mark.parametrize("seed", range(4))
async def test_a_page_from_memory_is_the_page_of_the_database_whatever_happens(desk: Desk, seed: int) -> None:
    pages, dice = Pages(), random.Random(seed)
    happening, joined = Happening(desk, dice), 0
    for _ in range(150):
        await happening.next()
        module, audiences, version = dice.choice(["tariffs", "locations"]), dice.choice(SEEN), dice.choice(VERSIONS)
        for _ in range(3):
            page = await same(desk, pages, module, audiences=audiences, version=version)
            joined += page.joined is not None
            await same(desk, pages, module, audiences=audiences, version=version, after=page.last_no)
            await same(desk, pages, module, audiences=audiences, version=version, offset=2)
    assert joined > 20


async def test_what_is_in_memory_is_not_read_again(desk: Desk) -> None:
    pages = Pages()
    for name in "ABCDE":
        await desk.save(key(name), tariff(name))
    assert [(await read(desk, pages)).joined is None for _ in range(3)] == [True, True, False]
    with desk.statements() as statements:
        assert (await read(desk, pages)).joined is not None
    assert not any("body" in sql for sql in statements)


async def test_a_page_that_has_changed_is_kept_when_it_is_asked_for_again_as_it_is_now(desk: Desk) -> None:
    pages = Pages()
    await desk.save(key("A"), tariff("A"))
    for _ in range(3):
        await read(desk, pages)
    await desk.save(key("A"), tariff("A", 1, currency="SEK"), 1)
    found = [await same(desk, pages, "tariffs") for _ in range(3)]
    assert [b"SEK" in (page.joined or b"") for page in found] == [False, False, True]


async def test_a_page_in_which_something_is_yet_to_be_made_is_not_remembered(desk: Desk) -> None:
    pages = Pages()
    await desk.save(key("A"), tariff("A"))
    for _ in range(4):
        assert (await read(desk, pages, version="2.1.1")).bodies == [None]


async def test_what_was_not_asked_for_longest_goes_first() -> None:
    pages = Pages(most=10_500)
    known = {n: Known((1, n), [n], n, b"x" * 3000) for n in range(4)}
    places = {n: ((n,), 0, 0, 100, "2.3.0") for n in known}
    for n in (0, 1, 2):
        pages.keep(places[n], known[n])
        assert pages.get(places[0]) is known[0]
    pages.keep(places[3], known[3])
    assert [n for n in known if pages.get(places[n])] == [0, 2, 3]
    pages.keep(places[3], Known((1, 4)))
    pages.keep(places[1], known[1])
    assert [n for n in known if pages.get(places[n])] == [0, 1, 2, 3] and pages.get(places[3]) == Known((1, 4))

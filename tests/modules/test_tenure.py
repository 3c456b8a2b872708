"""Several processes on one database: each thing is done by one of them, and by another when that one dies."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from interplug.modules import tenure
from interplug.modules.tenure import BEAT, HELD, LOST, SHARES, Tenure, View, share_of
from interplug.store.leases import Lease
from interplug.store.store import Store
from interplug.store.tx import Tx

NAMES = ("a", "b", "c", "d", "e")


class Process:
    """One of them: its own connection to the database, its own timer, and what it is told to do."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = 0.0
        self.told: list[frozenset[str]] = []
        self.tenure = Tenure(store, NAMES, self._told, timer=lambda: self.now)

    async def _told(self, held: frozenset[str]) -> None:
        self.told.append(held)

    def holds(self) -> set[str]:
        return {name for name in NAMES if self.tenure.holds(name)}

    async def beat(self, seconds: float = BEAT) -> None:
        self.now += seconds
        await self.tenure.beat()


@pytest.fixture
async def begin(database: str) -> AsyncIterator[Callable[[], Process]]:
    async with AsyncExitStack() as rest:

        def opened() -> Process:
            store = Store.open(database)
            rest.push_async_callback(store.close)
            return Process(store)

        yield opened


async def held_twice(*processes: Process) -> set[str]:
    return {name for name in NAMES if sum(process.tenure.holds(name) for process in processes) > 1}


async def together(*processes: Process, beats: int = 3) -> None:
    for _ in range(beats):
        for process in processes:
            await process.beat()
            assert await held_twice(*processes) == set()


async def test_one_alone_does_everything(begin: Callable[[], Process]) -> None:
    one = begin()
    assert one.holds() == set()
    await one.beat()
    assert one.holds() == set(NAMES)
    assert one.told == [frozenset(NAMES)]


async def test_several_share_and_nothing_is_done_twice(begin: Callable[[], Process]) -> None:
    one, two = begin(), begin()
    await together(one)
    await together(one, two)
    assert one.holds() | two.holds() == set(NAMES)
    assert {len(one.holds()), len(two.holds())} == {2, 3}
    three = begin()
    await together(one, two, three)
    assert sorted(map(len, (one.holds(), two.holds(), three.holds()))) == [1, 2, 2]


async def test_what_a_dead_process_held_is_done_by_another(begin: Callable[[], Process]) -> None:
    one, two = begin(), begin()
    await together(one, two, beats=4)
    beats = 0
    while two.holds() != set(NAMES):
        await two.beat()
        one.now += BEAT
        beats += 1
        assert await held_twice(one, two) == set()
    assert HELD < beats * BEAT <= LOST + BEAT


async def test_a_process_that_cannot_say_that_it_lives_stops_before_another_begins(begin: Callable[[], Process]) -> None:
    one = begin()
    await one.beat()
    one.now += HELD
    assert one.holds() == set()
    await one.beat()
    assert one.holds() == set(NAMES), "nobody has taken it meanwhile"


async def test_a_process_that_comes_back_does_not_do_what_another_does_by_now(begin: Callable[[], Process]) -> None:
    one, two = begin(), begin()
    await together(one, two, beats=4)
    for _ in range(int(LOST) + 1):
        await two.beat()
    one.now += 100
    await one.beat()
    assert one.holds() <= set(NAMES) - two.holds()
    await together(two, one)
    assert len(one.holds()) == 2 and one.told[-1] == frozenset(one.holds())


async def test_what_is_left_in_an_orderly_way_is_free_at_once(begin: Callable[[], Process]) -> None:
    one, two = begin(), begin()
    await together(one, two, beats=4)
    await one.tenure.end()
    assert one.told[-1] == frozenset()
    await two.beat()
    assert two.holds() == set(NAMES)
    assert [row.name for row in await two.store.read(lambda tx: tx.leases.all()) if row.name.startswith("process")] == [
        f"process {two.tenure.process}"
    ]


async def test_it_is_stopped_here_before_it_is_left_to_others(begin: Callable[[], Process]) -> None:
    one, two = begin(), begin()
    await one.beat()
    rows: list[list[Lease]] = []

    async def told(held: frozenset[str]) -> None:
        rows.append(await one.store.read(lambda tx: tx.leases.all()))

    one.tenure._told = told
    await two.beat()
    await one.beat()
    assert {row.holder for row in rows[0] if row.name in NAMES} == {one.tenure.process}, "not yet left"
    assert {row.holder for row in await one.store.read(lambda tx: tx.leases.all()) if row.name in NAMES} == {one.tenure.process, ""}


async def test_a_database_that_was_away_makes_nobody_dead(begin: Callable[[], Process]) -> None:
    one, two = begin(), begin()
    await together(one, two, beats=4)
    before = one.holds(), two.holds()
    for process in (one, two):
        process.now += 60
    await together(two, one, beats=1)
    assert (one.holds(), two.holds()) == before


async def test_a_beat_that_fails_keeps_nothing_beyond_its_time(begin: Callable[[], Process], monkeypatch: pytest.MonkeyPatch) -> None:
    one = begin()
    await one.beat()

    async def away(work: Callable[[Tx], Any]) -> Any:
        raise ConnectionError

    monkeypatch.setattr(one.store, "write", away)
    monkeypatch.setattr(tenure, "BEAT", 0.0)
    turns = 0

    async def sleep(_: float) -> None:
        nonlocal turns
        turns += 1
        one.now += 1
        if turns > HELD:
            raise KeyboardInterrupt

    monkeypatch.setattr(tenure.asyncio, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        await one.tenure.run()
    assert one.told[-1] == frozenset()


def test_a_process_that_is_silent_for_long_is_forgotten() -> None:
    view = View("me", NAMES)
    for passed in (0.0, 2.0, tenure.FORGOTTEN):
        view.look([Lease("process old", "old", 7)], passed)
    assert view.gone() == ["old"] and view.living() == {"me"}


def test_every_connection_has_its_share() -> None:
    assert {share_of(number) for number in range(100)} == set(SHARES)

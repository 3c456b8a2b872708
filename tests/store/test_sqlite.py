"""What SQLite alone does: everything in the thread of the loop, and one file."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from interplug.store.sqlite import Suspended
from tests.store.conftest import Desk, Opener
from tests.store.samples import key, saving, tariff


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'node.db'}"


async def test_a_transaction_may_wait_for_nothing_else(desk: Desk) -> None:
    async def sleepy(tx: Any) -> None:
        await tx.objects.save(key("T1"), tariff("T1"), last_updated=1)
        await asyncio.sleep(0)

    with pytest.raises(Suspended):
        await desk.write(sleepy)
    assert await desk.get(key("T1")) is None


async def test_one_read_sees_one_state(desk: Desk, open_store: Opener) -> None:
    other = open_store()

    async def work(tx: Any) -> tuple[int, int]:
        before = len(await tx.objects.changes(0, 10))
        other._engine._writer.execute("insert into counter (name, no) values ('x', 1)")
        return before, await tx.generation("x")

    assert await desk.read(work) == (0, 0)
    assert await desk.read(lambda tx: tx.generation("x")) == 1


async def test_when_the_disk_is_full_nobody_is_told_that_he_is_safe(desk: Desk) -> None:
    connection = desk.store._engine._writer
    pages = connection.execute("pragma page_count").fetchone()[0]
    connection.execute(f"pragma max_page_count={pages + 5}")

    def large(tx: Any) -> Any:
        return tx.objects.save(key("BIG"), tariff("BIG", x="x" * 400_000), last_updated=1)

    outcomes = await asyncio.gather(desk.write(saving("T1")), desk.write(large), desk.write(saving("T2")), return_exceptions=True)
    connection.execute("pragma max_page_count=1000000")
    assert isinstance(outcomes[1], sqlite3.OperationalError)
    acknowledged = [name for name, outcome in zip(("T1", "BIG", "T2"), outcomes, strict=True) if not isinstance(outcome, Exception)]
    assert [name for name, _, _ in await desk.log()] == acknowledged
    assert (await desk.write(saving("T3"))).created


async def test_a_commit_is_on_the_disk_before_it_is_acknowledged(desk: Desk) -> None:
    """FULL (2): the write-ahead log is synced with each commit; 1 would lose the last ones with the power."""
    engine = desk.store._engine
    assert engine._writer.execute("pragma synchronous").fetchone() == (2,)
    assert engine._writer.execute("pragma journal_mode").fetchone() == ("wal",)

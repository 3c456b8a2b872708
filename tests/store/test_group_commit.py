"""Transactions: grouped, undone alone, numbered in the order of commits, and safe once acknowledged."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from interplug.store import postgres, sqlite
from interplug.store.database import ReadOnly
from interplug.store.store import Store
from tests.store.conftest import Desk, Opener
from tests.store.samples import key, saving, tariff


def groups(store: Store) -> list[str]:
    seen: list[str] = []
    queue = store._engine._queue
    group = queue._group

    async def counted() -> None:
        seen.append("group")
        await group()

    queue._group = counted
    return seen


async def test_what_waits_together_is_committed_together(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for engine in (sqlite, postgres):
        monkeypatch.setattr(engine, "LONGEST", 60.0)  # a busy machine makes smaller groups
    seen = groups(desk.store)
    await asyncio.gather(*(desk.write(saving(f"T{n}")) for n in range(200)))
    assert (await desk.page()).total == 200
    assert len(seen) <= 3


async def test_a_transaction_that_raises_is_undone_alone(desk: Desk) -> None:
    async def failing(tx: Any) -> None:
        await tx.objects.save(key("BAD"), tariff("BAD"), last_updated=1)
        await tx.number()
        raise LookupError("mine")

    one, two, three = await asyncio.gather(desk.write(saving("T1")), desk.write(failing), desk.write(saving("T2")), return_exceptions=True)
    assert isinstance(two, LookupError)
    assert one.created and three.created
    assert [name for name, _, _ in await desk.log()] == ["T1", "T2"]
    assert desk.store.head == 2


async def test_reading_cannot_change_anything(desk: Desk) -> None:
    with pytest.raises(ReadOnly):
        await desk.read(saving("T1"))
    with pytest.raises(Exception, match=r"read.?only"):
        await desk.read(lambda tx: tx.db.execute("delete from counter"))


async def test_a_writer_that_failed_goes_on_with_what_comes_next(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it was: those who waited hear of it, and the store is not silent for ever."""
    queue = desk.store._engine._queue
    real = queue._group

    async def broken() -> None:
        monkeypatch.setattr(queue, "_group", real)
        raise OSError("the disk is gone")

    monkeypatch.setattr(queue, "_group", broken)
    outcomes = await asyncio.gather(desk.write(saving("T1")), desk.write(saving("T2")), return_exceptions=True)
    assert [type(one) for one in outcomes] == [OSError, OSError]
    assert (await desk.write(saving("T3"))).created


async def test_a_caller_that_gives_up_does_not_stop_the_others(desk: Desk) -> None:
    gone = asyncio.ensure_future(desk.write(saving("T1")))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await desk.write(saving("T2"))).created
    assert gone.cancelled() or gone.done()


async def test_generations_move_by_one(desk: Desk) -> None:
    assert await desk.read(lambda tx: tx.generation("keys")) == 0
    assert [await desk.write(lambda tx: tx.bump("keys")) for _ in range(2)] == [1, 2]


async def test_whoever_waits_for_the_log_is_woken_by_a_commit(desk: Desk) -> None:
    waiting = asyncio.ensure_future(desk.store.changed(0, 60))
    await asyncio.sleep(0)
    await desk.write(saving("T1"))
    assert await waiting == 1
    assert await desk.store.changed(1, 0) == 1


async def test_commits_of_another_process_are_seen(desk: Desk, open_store: Opener) -> None:
    other = open_store()
    waiting = asyncio.ensure_future(desk.store.changed(0, 60))
    await asyncio.sleep(0)
    await other.write(saving("T1"))
    assert await waiting == 1


async def test_a_closed_store_has_written_what_it_was_given_and_takes_no_more(open_store: Opener) -> None:
    store = open_store()
    handed_in = [asyncio.ensure_future(store.write(saving(f"T{n}"))) for n in range(50)]
    await asyncio.sleep(0)
    await store.close()
    assert all(saved.created for saved in await asyncio.gather(*handed_in))
    with pytest.raises(RuntimeError, match="closed"):
        await store.write(saving("T"))


WRITER = """
import asyncio, sys
from interplug.store.store import Store
from tests.store.samples import key, tariff

async def main(url, name, count):
    store = Store.open(url)
    print("ready", flush=True)
    sys.stdin.readline()

    async def one(n):
        saved = await store.write(lambda tx: tx.objects.save(key(f"{name}-{n}"), tariff(f"{name}-{n}"), last_updated=1))
        assert saved.created
        print(n, flush=True)

    for start in range(0, count, 50):
        await asyncio.gather(*(one(n) for n in range(start, start + 50)))
    await store.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def writer(url: str, name: str, count: int) -> subprocess.Popen[str]:
    started = subprocess.Popen(
        [sys.executable, "-c", WRITER, url, name, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert started.stdout is not None and started.stdout.readline() == "ready\n"
    return started


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


async def test_number_order_is_commit_order_for_four_processes_and_a_reader(desk: Desk, database: str) -> None:
    """A sequence would lose changes here: the reader goes by number, beside the writers, and never looks back."""
    writers = [writer(database, f"W{n}", 200) for n in range(4)]
    for process in writers:
        go(process)
    read: list[str] = []
    reached = 0
    while len(read) < 800:
        head = await desk.store.changed(reached, 30)
        assert head > reached, "the writers have stopped early"
        for change in await desk.read(lambda tx, reached=reached: tx.objects.changes(reached, 1000)):
            read.append(change.key.id)
            reached = change.no
    for process in writers:
        process.communicate()
    assert [process.returncode for process in writers] == [0] * 4
    assert sorted(read) == sorted(f"W{n}-{i}" for n in range(4) for i in range(200))
    assert reached == 800


async def test_what_was_acknowledged_survives_kill_9(desk: Desk, database: str) -> None:
    process = writer(database, "K", 100_000)
    go(process)
    assert process.stdout is not None
    acknowledged = [process.stdout.readline().strip() for _ in range(300)]
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    acknowledged += rest.split("\n")[:-1]
    stored = {name for name, _, _ in await desk.log()}
    assert {f"K-{n}" for n in acknowledged} <= stored
    assert process.returncode == -signal.SIGKILL
    assert (await desk.page()).total == len(stored) < 100_000
    if not desk.store.place.shared:
        assert await desk.read(lambda tx: tx.db.one("pragma integrity_check")) == ("ok",)

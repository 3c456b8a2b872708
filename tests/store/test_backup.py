"""Copies of a database: whole, taken while it is written to, looked at before they are relied on."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from interplug.store import backup, schema
from interplug.store.store import Store
from interplug.store.tx import Tx
from interplug.store.urls import SqliteFile
from tests.store import kept
from tests.store.conftest import Desk, Opener
from tests.store.samples import key, tariff

COPY = "copy.db"


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'node.db'}"


def file_of(store: Store) -> Path:
    assert isinstance(store.place, SqliteFile)
    return store.place.path


async def test_a_copy_is_one_moment_of_a_database_that_is_written_to(open_store: Opener, tmp_path: Path) -> None:
    """Two marks are always set together; no copy has one further than the other."""
    store, ended = open_store(), asyncio.Event()

    async def both(tx: Tx) -> None:
        await tx.bump("left")
        await tx.bump("right")

    async def write() -> None:
        while not ended.is_set():
            await store.write(both)

    writing = asyncio.create_task(write())
    marks = []
    for _ in range(5):
        await store.write(both)
        await asyncio.to_thread(backup.take, file_of(store), tmp_path / COPY)
        copy = Store.open(f"sqlite:///{tmp_path / COPY}")
        marks.append([await copy.read(lambda tx, name=name: tx.generation(name)) for name in ("left", "right")])  # type: ignore[misc]
        await copy.close()
    ended.set()
    await writing
    assert all(left == right for left, right in marks)
    assert [left for left, _ in marks] == sorted({left for left, _ in marks})
    assert [one.name for one in tmp_path.iterdir() if "copy" in one.name] == [COPY]


async def test_what_is_put_back_is_what_was_copied_and_numbers_are_never_given_twice(desk: Desk, tmp_path: Path) -> None:
    await desk.save(key("T1"), tariff("T1"))
    backup.take(file_of(desk.store), tmp_path / COPY)
    await desk.save(key("T2"), tariff("T2"))
    lost = desk.store.head
    backup.put_back(tmp_path / COPY, tmp_path / "other.db")
    store = Store.open(f"sqlite:///{tmp_path / 'other.db'}")
    other = Desk(store)
    assert await other.document(key("T1")) == tariff("T1")
    assert await other.get(key("T2")) is None
    await other.save(key("T3"), tariff("T3"))
    assert store.head > lost + schema.GAP // 2
    assert [name for name, _, _ in await other.log()] == ["T1", "T3"]
    await store.close()


async def test_what_was_there_is_kept_with_what_only_its_journal_held(open_store: Opener, tmp_path: Path) -> None:
    old = open_store("old.db")
    await old.write(lambda tx: tx.bump("mark"))
    await old.close()
    new = open_store("new.db")
    backup.take(file_of(new), tmp_path / COPY)
    kept_at = backup.put_back(tmp_path / COPY, tmp_path / "old.db")
    assert kept_at is not None
    aside, now = Store.open(f"sqlite:///{kept_at}"), open_store("old.db")
    assert await aside.read(lambda tx: tx.generation("mark")) == 1
    assert await now.read(lambda tx: tx.generation("mark")) == 0
    await aside.close()


async def test_a_database_that_somebody_has_open_is_not_replaced(open_store: Opener, tmp_path: Path) -> None:
    store = open_store()
    await store.write(lambda tx: tx.bump("mark"))
    backup.take(file_of(store), tmp_path / COPY)
    with pytest.raises(backup.InUse):
        backup.put_back(tmp_path / COPY, file_of(store))
    assert await store.read(lambda tx: tx.generation("mark")) == 1


async def test_a_broken_database_is_replaced_and_kept_as_it_is(open_store: Opener, tmp_path: Path) -> None:
    backup.take(file_of(open_store()), tmp_path / COPY)
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"SQLite format 3\0" + b"\xff" * 9000)
    aside = backup.put_back(tmp_path / COPY, broken)
    assert aside is not None and aside.read_bytes().startswith(b"SQLite format 3\0\xff")
    assert schema.found(broken) == schema.newest()


def test_a_copy_of_an_older_release_is_put_back_with_the_newest_schema(tmp_path: Path) -> None:
    old = kept.unpack(kept.databases()[0], tmp_path)
    backup.put_back(old, tmp_path / "back.db")
    assert schema.found(tmp_path / "back.db") == schema.newest()


def test_a_copy_with_a_broken_page_is_told(tmp_path: Path) -> None:
    path = kept.unpack(kept.databases()[0], tmp_path)
    whole = path.read_bytes()
    place = len(whole) // 2
    path.write_bytes(whole[:place] + b"\xff" * 20_000 + whole[place + 20_000 :])
    with pytest.raises(backup.Damaged):
        backup.look(path, thoroughly=True)
    path.write_bytes(whole[: len(whole) // 3])
    with pytest.raises((backup.Damaged, schema.NotOurs)):
        backup.look(path, thoroughly=True)


def test_a_copy_of_somebody_else_or_of_a_later_release_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    connection = sqlite3.connect(path)
    connection.execute("create table photo (name text)")
    connection.close()
    with pytest.raises(schema.NotOurs):
        backup.look(path)
    later = kept.unpack(kept.databases()[0], tmp_path)
    connection = sqlite3.connect(later)
    connection.execute("update alembic_version set version_num = '9999_later'")
    connection.commit()
    connection.close()
    with pytest.raises(schema.SchemaTooNew):
        backup.look(later)

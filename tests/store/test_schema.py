"""Databases: new, old, too new, and opened by many at once."""

import asyncio
import sqlite3
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from interplug.store import schema
from interplug.store.bodies import BITS, SLOTS
from interplug.store.charging_stations import StationRow
from interplug.store.ocpp import Message, Received
from interplug.store.store import Store
from interplug.store.urls import UnknownStore
from interplug.versions.table import NEWEST, VERSIONS


def shape(path: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(path)
    rows = connection.execute("select name, sql from sqlite_master where name not like 'sqlite_%' order by name").fetchall()
    connection.close()
    return rows


def steps() -> list[str]:
    return sorted(path.stem for path in (schema.MIGRATIONS / "versions").glob("[0-9]*.py"))


def test_step_by_step_gives_what_a_fresh_database_is(tmp_path: Path) -> None:
    fresh, grown = tmp_path / "fresh.db", tmp_path / "grown.db"
    schema.prepare(fresh)
    for step in steps():
        schema.upgrade(grown, step)
        assert schema.found(grown) == step
    assert shape(grown) == shape(fresh)
    assert schema.found(fresh) == schema.newest() == steps()[-1]


async def test_an_older_database_is_brought_up_and_keeps_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    schema.upgrade(path, steps()[0])
    connection = sqlite3.connect(path)
    connection.execute("insert into counter (name, no) values ('kept', 5)")
    connection.commit()
    connection.close()
    store = Store.open(f"sqlite:///{path}")
    assert await store.read(lambda tx: tx.generation("kept")) == 5
    assert schema.found(path) == schema.newest()
    await store.close()


async def test_what_stations_said_before_the_inbox_had_groups_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    schema.upgrade(path, "0021_statuses")
    connection = sqlite3.connect(path)
    fields = {name: b"[]" if name == "outlets" else b"{}" if name == "about" else "" for name in StationRow.__struct_fields__[:-2]}
    for station, reached in (("CS1", 1), ("CS2", 2)):
        row = {**fields, "id": station, "profile": 1, "epoch": 1, "since": 0, "heard_at": 0, "reached": reached, "created_at": 0}
        connection.execute(f"insert into charging_station ({', '.join(row)}) values ({', '.join('?' * len(row))})", tuple(row.values()))
    for at, station in enumerate(("CS1", "CS2", "CS1"), 1):
        raw = zlib.compress(f"{station} {at}".encode(), 1)
        connection.execute("insert into ocpp_inbox (station, version, at, raw) values (?, '1.6', ?, ?)", (station, at, raw))
    connection.commit()
    connection.close()
    store = Store.open(f"sqlite:///{path}")
    assert [one.message.raw for one in await store.read(lambda tx: tx.ocpp.received("CS1", 0, 10))] == ["CS1 3", "CS1 1"]
    waiting = [await store.read(lambda tx, name=name: tx.ocpp.waiting(name, 9, 9)) for name in ("CS1", "CS2")]  # type: ignore[misc]
    assert waiting == [[Received(3, Message("CS1", "1.6", 3, "CS1 3"))], []]
    assert await store.write(lambda tx: tx.bump("ocpp inbox")) == 4
    await store.close()


def test_a_newest_database_is_opened_without_the_migration_tool(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    schema.prepare(path)
    code = f"import sys; from interplug.store import schema, store; from pathlib import Path; schema.prepare(Path({str(path)!r}))"
    code += "; assert not {'alembic', 'sqlalchemy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


async def test_many_processes_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "node.db"
    code = f"from interplug.store import schema; from pathlib import Path; schema.prepare(Path({str(path)!r}))"
    started = [await asyncio.create_subprocess_exec(sys.executable, "-c", code) for _ in range(3)]
    assert [await process.wait() for process in started] == [0, 0, 0]
    assert schema.found(path) == schema.newest()
    assert [one.name for one in path.parent.iterdir()] == ["node.db"]


def test_a_file_that_is_no_database_of_ours_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, and they are longer than the header of a database file would be " * 3)
    with pytest.raises(schema.NotOurs, match=r"notes\.txt"):
        Store.open(f"sqlite:///{path}")
    assert path.read_text().startswith("these are my notes")


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    connection = sqlite3.connect(path)
    connection.execute("create table photo (name text)")
    connection.close()
    before = shape(path)
    with pytest.raises(schema.NotOurs, match="none of Interplug's"):
        Store.open(f"sqlite:///{path}")
    assert shape(path) == before


@pytest.mark.parametrize(
    "url", ["mysql://user:secret@host/db", "postgresql://user:secret@127.0.0.1:1/db", "sqlite://", "sqlite:///:memory:", "node.db"]
)
def test_other_urls_are_refused_without_their_password(url: str) -> None:
    with pytest.raises(UnknownStore) as refusal:
        Store.open(url)
    assert "secret" not in str(refusal.value)


def test_every_version_has_its_place_among_the_renditions() -> None:
    assert set(BITS) == set(SLOTS) == set(VERSIONS)
    assert SLOTS[NEWEST] == 1
    assert len({*BITS.values()}) == len({*SLOTS.values()}) == len(VERSIONS)

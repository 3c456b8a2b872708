"""Every release's database is opened by this one and loses nothing; and the neighbour's code still works on what this one makes of it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from interplug.store import schema
from interplug.store.store import Store
from tests.store import kept
from tests.store.test_schema import shape

DATABASES = [pytest.param(file, id=f"{file.parent.name}/{file.name.partition('.')[0]}") for file in kept.databases()]


def columns(path: Path) -> dict[str, dict[str, bool]]:
    """By table and column: whether a row may be added that does not name it."""
    connection = sqlite3.connect(path)
    tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
    found = {
        table: {row[1]: not row[3] or row[4] is not None or bool(row[5]) for row in connection.execute(f"pragma table_info({table})")}
        for table in tables
    }
    connection.close()
    return found


@pytest.mark.parametrize("file", DATABASES)
async def test_a_database_of_a_release_is_upgraded_and_read_as_it_was(file: Path, tmp_path: Path) -> None:
    path = kept.unpack(file, tmp_path)
    store = Store.open(f"sqlite:///{path}")
    now = await store.read(kept.content)
    await store.close()
    assert schema.found(path) == schema.newest()
    assert list(kept.lost(kept.read(file.with_name(file.name.replace(".db.", ".json."))), kept.plain(now))) == []
    schema.prepare(tmp_path / "fresh.db")
    assert shape(path) == shape(tmp_path / "fresh.db")


@pytest.mark.parametrize("file", DATABASES)
def test_the_code_of_a_release_works_on_the_newest_schema_as_long_as_it_is_promised(file: Path, tmp_path: Path) -> None:
    path = kept.unpack(file, tmp_path)
    before = columns(path)
    release = json.loads((file.parent / "statements.json").read_text())
    schema.prepare(path)
    if not schema.works(release["schema"], schema.oldest(path)):
        pytest.skip("a later release has taken away what this one needs, and says so")
    connection = sqlite3.connect(path)
    assert [one for one in release["statements"] if not kept.understood(connection, one)] == []
    connection.close()
    now = columns(path)
    new = {(table, column) for table in before for column in now[table].keys() - before[table].keys()}
    assert [(table, column) for table, column in new if not now[table][column]] == []


def test_a_newer_database_is_worked_on_as_long_as_it_serves_this_release(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    schema.prepare(path)
    ours = schema.number(schema.newest())
    for oldest, fits in ((ours, True), (ours + 1, False)):
        connection = sqlite3.connect(path)
        connection.execute("update alembic_version set version_num = '9999_later'")
        connection.execute("insert or replace into counter (name, no) values ('schema', ?)", (oldest,))
        connection.commit()
        connection.close()
        if fits:
            schema.prepare(path)
        else:
            with pytest.raises(schema.SchemaTooNew, match="9999_later"):
                schema.prepare(path)
        assert schema.found(path) == "9999_later"


def test_a_loss_would_be_seen() -> None:
    then = {"rows": [{"a": 1}, {"a": 2}]}
    assert list(kept.lost(then, {"rows": [{"a": 1, "b": 0}, {"a": 2}]})) == []
    assert list(kept.lost(then, {"rows": [{"a": 1}, {"a": 3}]})) == ["$.rows[1].a"]
    assert list(kept.lost(then, {"rows": [{"a": 1}]})) == ["$.rows"]
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (a)")
    assert kept.understood(connection, "select a from t where a = ?")
    assert not kept.understood(connection, "select b from t")

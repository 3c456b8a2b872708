"""What only a server does: several processes, a connection that can be lost, a database that goes away and comes back."""

import asyncio
import importlib
import pkgutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import pytest

import interplug.store
from interplug.store import postgres, schema, server_schema, server_statements
from interplug.store.database import Unsure
from interplug.store.keys import Evidence
from interplug.store.store import Store
from interplug.store.urls import UnknownStore, place_of
from tests.postgres import Cluster, ask
from tests.store.conftest import Desk, Opener
from tests.store.samples import LOC, evse, key, location, saving, status, tariff


@pytest.fixture
def database(cluster: Cluster) -> Iterator[str]:
    with cluster.database() as url:
        yield url


@pytest.fixture
async def other(open_store: Opener) -> Desk:
    """The same database, as another process has it."""
    return Desk(open_store())


class Held:
    """A transaction that has taken its number and is not yet at its end."""

    def __init__(self, desk: Desk, id: str) -> None:
        self.id = id
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.task = asyncio.ensure_future(desk.write(self.work))

    async def work(self, tx: Any) -> None:
        await saving(self.id)(tx)
        self.begun.set()
        await self.go_on.wait()


async def until(database: str, sql: str) -> None:
    """Until the server says so; whoever waits for it waits for an event, not for a time."""
    async with asyncio.timeout(30):
        while not ask(database, sql)[0][0]:
            await asyncio.sleep(0)


WAITS = "select exists (select 1 from pg_locks where not granted)"


# --- numbers


async def test_a_reader_never_passes_a_change_that_may_still_be_committed(desk: Desk, other: Desk, database: str) -> None:
    """One transaction is open while another wants to commit, and a reader goes by number beside them."""
    held = Held(desk, "FIRST")
    await held.begun.wait()
    second = asyncio.ensure_future(other.write(saving("SECOND")))
    await until(database, WAITS)
    early, reached, _ = await other.store.news(0, 100)
    assert (early, reached, second.done()) == ([], 0, False)
    held.go_on.set()
    await asyncio.gather(held.task, second)
    late, _, _ = await other.store.news(reached, 100)
    assert [(change.no, change.key.id) for change in late] == [(1, "FIRST"), (2, "SECOND")]


async def test_who_stands_still_in_the_middle_holds_the_others_up_for_a_while_only(
    desk: Desk, other: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(postgres, "ABANDONED", "2s")
        held = Held(desk, "STUCK")
        await held.begun.wait()
    assert (await other.write(saving("NEXT"))).created
    held.go_on.set()
    with pytest.raises(Exception, match=r"(?i)connection|idle|operation"):
        await held.task
    assert [name for name, _, _ in await other.log()] == ["NEXT"]
    assert (await desk.write(saving("STUCK"))).created, "and it goes on with a new connection"


# --- one transaction of several


async def test_one_read_sees_one_state(desk: Desk, other: Desk) -> None:
    async def work(tx: Any) -> tuple[int, int, int]:
        before = await tx.generation("x")
        moved = await other.write(lambda tx: tx.bump("x"))
        return before, moved, await tx.generation("x")

    assert await desk.read(work) == (0, 1, 0)
    assert await desk.read(lambda tx: tx.generation("x")) == 1


async def test_a_statement_that_fails_undoes_its_transaction_alone(desk: Desk) -> None:
    async def twice(tx: Any) -> None:
        await saving("BAD")(tx)
        await tx.db.execute("insert into counter (name, no) values ('change', 1)")

    one, two, three = await asyncio.gather(desk.write(saving("T1")), desk.write(twice), desk.write(saving("T2")), return_exceptions=True)
    assert isinstance(two, asyncpg.UniqueViolationError)
    assert one.created and three.created
    assert [name for name, _, _ in await desk.log()] == ["T1", "T2"]
    assert desk.store.head == 2


async def wrote(tx: Any) -> None:
    await saving("BAD")(tx)
    raise LookupError


async def was_refused(tx: Any) -> None:
    try:
        await tx.db.one("select 1 / 0")
    except asyncpg.DivisionByZeroError as error:
        raise LookupError from error


async def did_nothing(tx: Any) -> None:
    await tx.number()
    raise LookupError


@pytest.mark.parametrize("failing", [wrote, was_refused, did_nothing])
async def test_what_fails_takes_nobody_with_it_whether_first_or_later(desk: Desk, failing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "LONGEST", 60.0)  # all in one group
    works = (failing, failing, saving("T1"), failing, saving("T2"))
    done = await asyncio.gather(*(desk.write(work) for work in works), return_exceptions=True)
    assert [isinstance(one, LookupError) for one in done] == [True, True, False, True, False]
    assert [name for name, _, _ in await desk.log()] == ["T1", "T2"]
    assert desk.store.head == 2


@pytest.mark.parametrize("failing", [wrote, was_refused, did_nothing])
async def test_what_fails_takes_nothing_of_what_is_yet_to_be_written(desk: Desk, failing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "LONGEST", 60.0)
    await desk.save(LOC, location("LOC1", 1, [evse("A", 1), evse("B", 1)]), 1)
    works = (status("A", 2, "CHARGING"), failing, status("B", 3, "CHARGING"), failing)
    done = await asyncio.gather(*(desk.write(work) for work in works), return_exceptions=True)
    assert [isinstance(one, LookupError) for one in done] == [False, True, False, True]
    assert [one["status"] for one in (await desk.document(LOC))["evses"]] == ["CHARGING", "CHARGING"]
    assert desk.store.head == 3


# --- the connection, and the database


async def test_a_connection_that_is_lost_takes_its_group_with_it_and_nothing_else(desk: Desk, database: str) -> None:
    await desk.write(saving("BEFORE"))
    held = Held(desk, "LOST")
    await held.begun.wait()
    ask(database, "select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction'")
    held.go_on.set()
    with pytest.raises(Exception, match=r"(?i)connection|terminat"):
        await held.task
    assert (await desk.write(saving("AFTER"))).created
    assert [name for name, _, _ in await desk.log()] == ["BEFORE", "AFTER"]


@pytest.mark.parametrize("arrived", [True, False])
async def test_what_a_commit_came_to_is_not_known_when_its_answer_is_lost(
    desk: Desk, arrived: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.write(saving("BEFORE"))
    execute = asyncpg.Connection.execute

    async def lost(self: Any, sql: str, *values: Any, **more: Any) -> str:
        if not sql.endswith("commit"):
            return str(await execute(self, sql, *values, **more))
        if arrived:
            await execute(self, sql, *values, **more)
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr(asyncpg.Connection, "execute", lost)
        with pytest.raises(Unsure):
            await desk.write(saving("PERHAPS"))
    assert (await desk.write(saving("PERHAPS"))).created != arrived, "who tries again finds out"


async def test_a_database_that_was_restarted_is_used_as_if_nothing_had_been(desk: Desk, cluster: Cluster) -> None:
    await desk.write(saving("BEFORE"))
    await desk.log()
    cluster.stop()
    waiting = asyncio.ensure_future(desk.write(saving("MEANWHILE")))
    looking = asyncio.ensure_future(desk.document(key("BEFORE")))
    await asyncio.sleep(0)
    cluster.start()
    assert (await waiting).created and (await looking)["id"] == "BEFORE"
    assert [name for name, _, _ in await desk.log()] == ["BEFORE", "MEANWHILE"]


async def test_a_commit_is_on_the_disk_before_it_is_acknowledged(cluster: Cluster, database: str, open_store: Opener) -> None:
    """Whatever the database was told."""
    name = database.partition("?")[0].rpartition("/")[2]
    cluster.execute(f"alter database {name} set synchronous_commit = off")
    desk = Desk(open_store())
    assert await desk.write(lambda tx: tx.db.one("show synchronous_commit")) == ("on",)


async def test_a_nul_in_a_text_harms_nobody(desk: Desk) -> None:
    """SQLite keeps it, PostgreSQL's text cannot; the bytes of documents and messages are kept as they are."""
    number = await desk.write(lambda tx: tx.quarantine.add(7, "tariffs", b"a\0b", path="$.id", reason="a\0b", received_at=1, id="x\0"))
    held = await desk.read(lambda tx: tx.quarantine.get(number))
    assert (held.reason, held.original) == ("a\ufffdb", b"a\0b")
    saved = await desk.save(key("T\0"), tariff("T"), evidence=Evidence(b"a\0b", 0, "2.3.0", 1))
    assert (await desk.get(key("T\0"))).pk == saved.pk  # type: ignore[union-attr]


# --- the schema


def statements() -> Iterator[tuple[str, str]]:
    for module in pkgutil.iter_modules(interplug.store.__path__):
        if module.name in ("migrations", "postgres", "server_schema", "schema"):
            continue
        for name, value in vars(importlib.import_module(f"interplug.store.{module.name}")).items():
            for sql in value if isinstance(value, tuple) else (value,):
                if (
                    isinstance(sql, str)
                    and sql.split(maxsplit=1)[:1] in (["select"], ["insert"], ["update"], ["delete"])
                    and "{" not in sql
                ):
                    yield f"{module.name}.{name}", sql


async def test_both_engines_understand_every_statement_of_the_room(database: str, tmp_path: Any) -> None:
    file = Store.open(f"sqlite:///{tmp_path / 'node.db'}")
    server = await asyncpg.connect(database)
    found = list(statements())
    assert len(found) > 150
    for name, sql in found:
        try:
            await server.prepare(server_statements.statement(sql).sql)
            file._engine._reader.execute(f"explain {sql}", (None,) * sql.count("?"))  # type: ignore[attr-defined]
        except (asyncpg.PostgresError, sqlite3.Error) as error:
            pytest.fail(f"{name}: {error}", pytrace=False)
    await server.close()
    await file.close()


def test_marks_are_numbered_but_for_those_in_quotes() -> None:
    known = server_statements.statement("select a from b where c = ? and d like '%?%' escape '\\' and e in (?, ?)")
    assert known.sql == "select a from b where c = $1 and d like '%?%' escape '\\' and e in ($2, $3)"


SHAPE = """
select table_name, column_name, data_type, is_nullable, column_default, collation_name from information_schema.columns
where table_schema = 'public' union all
select tablename, indexname, indexdef, null, null, null from pg_indexes where schemaname = 'public' order by 1, 2"""


def empty(cluster: Cluster) -> Any:
    return cluster.database("template0")


def test_step_by_step_gives_what_a_fresh_database_is(cluster: Cluster, database: str) -> None:
    with empty(cluster) as grown:
        assert server_schema.found(grown) is None
        for step in sorted(path.stem for path in (schema.MIGRATIONS / "versions").glob("[0-9]*.py")):
            server_schema.upgrade(grown, step)
            assert server_schema.found(grown) == step
        assert [tuple(row) for row in ask(grown, SHAPE)] == [tuple(row) for row in ask(database, SHAPE)]


def test_text_is_compared_byte_by_byte_whatever_language_the_database_speaks(database: str) -> None:
    columns = ask(database, "select collation_name from information_schema.columns where table_schema = 'public' and data_type = 'text'")
    assert len(columns) > 50 and {row[0] for row in columns} == {"C"}


def test_many_processes_may_bring_up_a_new_database_at_once(cluster: Cluster) -> None:
    code = "import sys; from interplug.store.urls import place_of; place_of(sys.argv[1]).prepare()"
    with empty(cluster) as url:
        started = [subprocess.Popen([sys.executable, "-c", code, url]) for _ in range(3)]
        assert [process.wait(60) for process in started] == [0, 0, 0]
        assert place_of(url).found() == schema.newest()


def test_a_newer_database_is_left_alone_unless_it_serves_this_release(database: str) -> None:
    ask(database, "update alembic_version set version_num = '9999_later'")
    place_of(database).prepare()
    ask(database, "update counter set no = 9999 where name = 'schema'")
    with pytest.raises(schema.SchemaTooNew, match="9999_later"):
        Store.open(database)


def test_a_database_of_another_program_is_left_alone(cluster: Cluster) -> None:
    with empty(cluster) as url:
        ask(url, "create table photo (name text)")
        with pytest.raises(schema.NotOurs, match="none of Interplug's"):
            Store.open(url)
        assert [row[0] for row in ask(url, "select tablename from pg_tables where schemaname = 'public'")] == ["photo"]


async def test_a_newest_database_is_opened_without_the_migration_tool(database: str) -> None:
    code = "import sys; from interplug.store.store import Store; Store.open(sys.argv[1])"
    subprocess.run([sys.executable, "-c", f"{code}; assert not {{'alembic', 'sqlalchemy'}} & set(sys.modules)", database], check=True)


@pytest.mark.parametrize("change", [lambda url: url.replace("test_", "nowhere_"), lambda url: url.replace("?host=", "?host=/nowhere")])
def test_what_cannot_be_reached_is_said_without_the_password(database: str, change: Callable[[str], str]) -> None:
    url = change(database).replace("postgres@", "postgres:secret@")
    with pytest.raises(UnknownStore) as refusal:
        Store.open(url)
    assert "secret" not in str(refusal.value) and "postgres:***@" in str(refusal.value)


async def test_a_step_of_the_schema_that_has_to_wait_keeps_nobody_waiting(cluster: Cluster) -> None:
    """Somebody reads a long list; what the next step needs is not to be had until he ends, and all others go on meanwhile."""
    with cluster.database("template1") as url:
        server_schema.upgrade(url, "0010_health")
        reader = await asyncpg.connect(url)
        reading = reader.transaction()
        await reading.start()
        await reader.fetch("select * from object")
        upgrading = asyncio.create_task(asyncio.to_thread(server_schema.upgrade, url))
        await asyncio.to_thread(lambda: asyncio.run(until(url, WAITS)))
        async with asyncio.timeout(60):
            await asyncio.to_thread(ask, url, "select count(*) from object")
        assert server_schema.found(url) == "0010_health" and not upgrading.done()
        await reading.rollback()
        await upgrading
        assert server_schema.found(url) == schema.newest()
        await reader.close()

"""Bringing a SQLite database to the newest schema (that of a server: `server_schema.py`). Alembic is imported only when there is
something to do.

A release runs on the schema of its neighbours, so that processes of two releases may share a database while one replaces the other:
migrations expand (new tables, new columns with a default), and what no release needs any more is taken away by a later one. A migration
that takes away says so: it sets the counter `schema` to the number of the oldest schema whose code still works.

A database that does not exist yet is a copy of a template, migrated once per process: opening a second fresh database costs a file
write. The template is linked into place, so that of two processes that start together one wins and both see a whole file.
"""

import contextlib
import functools
import os
import sqlite3
import tempfile
from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"
OLDEST = "select no from counter where name = 'schema'"
UNKNOWN = 10_000
GAP = 1_000_000_000
LIFT = f"update counter set no = no + {GAP} where name = 'change'"
"""The change log goes on far above what a copy had reached: the numbers that were given after it was taken are lost with it, and
whoever remembers one of them must not meet it again for another change."""
PAGE_SIZE = 8192
"""Of new databases. Most Locations fit in one page of this size: a list of them is read a fifth faster than from pages of 4096."""


class SchemaTooNew(RuntimeError):
    """The database was changed by a newer Interplug in a way that this one cannot work with."""


class NotOurs(RuntimeError):
    """The file is there, and it is somebody else's."""


@functools.cache
def newest() -> str:
    return max(path.stem for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def found(path: Path) -> str | None:
    """The revision of an existing database; None when it is empty. What somebody else keeps there is not touched."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        tables = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
        if not tables:
            return None
        row = connection.execute("select version_num from alembic_version").fetchone() if "alembic_version" in tables else None
    except sqlite3.OperationalError:
        raise  # the disk is full or broken
    except sqlite3.DatabaseError as error:
        raise NotOurs(f"{path}: {error}") from None
    finally:
        connection.close()
    if row is None:
        raise NotOurs(f"{path} is a database, but none of Interplug's")
    return str(row[0])


def prepare(path: Path) -> None:
    """Makes the database, or brings it up to date. Raises SchemaTooNew, and NotOurs where the file is something else."""
    if not path.exists():
        _create(path)
    revision = found(path)
    if revision == newest():
        return
    if revision is None or revision < newest():
        upgrade(path)
    elif not fits(path):
        raise SchemaTooNew(f"{path} has schema {revision}, this Interplug knows {newest()}")


def fits(path: Path) -> bool:
    """Whether this code may work on an existing database, once it was upgraded if it is older."""
    revision = found(path)
    return revision is None or revision <= newest() or works(newest(), oldest(path))


def works(known: str, oldest: int) -> bool:
    """Whether the code whose newest schema is `known` may work on a newer one that still serves all from `oldest` on."""
    return number(known) >= oldest


def number(revision: str) -> int:
    return int(revision.partition("_")[0])


def oldest(path: Path) -> int:
    """The number of the oldest schema whose code this database still serves."""
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        row = connection.execute(OLDEST).fetchone()
    return UNKNOWN if row is None else int(row[0])


def upgrade(path: Path, target: str = "head") -> None:
    """Takes the write lock before it looks which steps are missing, so that two processes do not both take them."""
    import sqlalchemy as sa

    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.pool.NullPool)
    sa.event.listen(engine, "connect", _leave_transactions_to_us)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("begin immediate"))
    with engine.begin() as connection:
        steps(connection, target)
    engine.dispose()


def steps(connection: object, target: str) -> None:
    """Runs the steps that are missing, in the transaction of this connection of SQLAlchemy."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, target)


def _leave_transactions_to_us(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute(f"pragma page_size={PAGE_SIZE}")
    connection.execute("pragma busy_timeout=60000")


@functools.cache
def _template() -> bytes:
    with tempfile.TemporaryDirectory(prefix="interplug-") as folder:
        path = Path(folder) / "template.db"
        upgrade(path)
        return path.read_bytes()


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_template())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(name, path)
        except FileExistsError:
            pass  # another process was quicker; its file is as good
    finally:
        os.unlink(name)

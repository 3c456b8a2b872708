"""Copies of a SQLite database: taken while the node runs, and put back.

SQLite's own backup reads one snapshot, so a copy is whole, and the node writes on meanwhile. A copy is looked at before anybody relies on
it, when it is taken and when it is put back.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from interplug.store import schema

CHECKS = {True: "pragma integrity_check(1)", False: "pragma quick_check(1)"}
CHANGES = "select no from counter where name = 'change'"
OBJECTS = "select count(*) from object where audience >= 0"
SEALED = "select id, token_out from connection where token_out is not null"
BESIDE = ("-wal", "-shm")


class Damaged(RuntimeError):
    """The file is a database, but not a whole one."""


class InUse(RuntimeError):
    """Another process has the database open."""


class Copy(msgspec.Struct, frozen=True):
    """What is in a copy. `sealed` are the tokens of partners by connection: only the right node key opens them."""

    schema: str
    changes: int
    objects: int
    size: int
    sealed: dict[int, bytes]


def take(source: Path, target: Path) -> Copy:
    """Copies the database that may be in use; `target` appears when it is whole, and replaces what was there."""
    with _beside(target) as part:
        _copy(source, part)
        found = look(part)
        _settle(part, target)
    return found


def look(path: Path, *, thoroughly: bool = False) -> Copy:
    """What is in a copy; raises NotOurs, SchemaTooNew or Damaged where it is of no use."""
    revision = schema.found(path)
    if revision is None:
        raise schema.NotOurs(f"{path} is an empty database")
    if not schema.fits(path):
        raise schema.SchemaTooNew(f"{path} has schema {revision}, this Interplug knows {schema.newest()}")
    try:
        with _opened(path) as connection:
            said = connection.execute(CHECKS[thoroughly]).fetchone()[0]
            if said != "ok":
                raise Damaged(f"{path}: {said}")
            sealed = dict(connection.execute(SEALED).fetchall())
            numbers = [connection.execute(sql).fetchone()[0] for sql in (CHANGES, OBJECTS)]
    except sqlite3.DatabaseError as error:
        raise Damaged(f"{path}: {error}") from None
    return Copy(revision, numbers[0], numbers[1], path.stat().st_size, sealed)


def put_back(copy: Path, target: Path) -> Path | None:
    """Makes `target` what `copy` is, with the newest schema; nobody may serve it meanwhile. What was there is kept, and its new
    place is the answer."""
    with _beside(target) as part:
        _copy(copy, part)
        schema.prepare(part)
        with _opened(part) as connection:
            connection.execute(schema.LIFT)
            connection.commit()
        kept = _set_aside(target) if target.exists() else None
        _settle(part, target)
    return kept


def _copy(source: Path, target: Path) -> None:
    with _opened(source) as one, _opened(target) as other:
        one.backup(other)  # in one step: in several, each write of the node would begin it anew
        other.execute("pragma journal_mode=delete")


def _set_aside(target: Path) -> Path:
    kept = target.with_name(f"{target.name}-before-{time.strftime('%Y%m%dT%H%M%S')}")
    try:
        with _opened(target) as connection:
            # Takes in what stands beside the file, and is possible only where nobody else has it open.
            connection.execute("pragma journal_mode=delete")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise InUse(f"another process has {target} open") from None
    except sqlite3.DatabaseError:
        pass  # it is broken: it is kept as it is, with what stands beside it
    for end in ("", *BESIDE):
        if (old := target.with_name(f"{target.name}{end}")).exists():
            os.rename(old, f"{kept}{end}")
    return kept


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, timeout=1.0)) as connection:
        yield connection


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A file that is written beside `target`, for the owner's eyes alone, and is gone afterwards, whatever happens."""
    part = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL, 0o600))
        yield part
    finally:
        for end in ("", "-journal", *BESIDE):
            part.with_name(f"{part.name}{end}").unlink(missing_ok=True)


def _settle(part: Path, target: Path) -> None:
    """On the disk first, then under its name, and that on the disk, too."""
    _sync(part)
    os.replace(part, target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

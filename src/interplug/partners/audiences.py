"""Who sees what: classes of partners, for Locations, Tariffs and Tokens that are not for everybody.

An object has one audience: everybody, or a class with members. A partner that joins or leaves a class has to be told what it may see
now, and that is written down with the change itself, so that push does it however long it takes. A partner that is not registered yet
need not be told: it reads the lists when it registers. Sessions, CDRs, payment terminals and what was captured for a Session have no
class: they belong to one connection.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from interplug.model.types import fold
from interplug.protocol.routes import INSIDE
from interplug.store.cursors import Resync
from interplug.store.keys import Key
from interplug.store.tx import Tx

from . import states
from .connection import ALL_SESSIONS, EVERYBODY, OWN_DRIVERS, Connection
from .directory import Directory

NAMED_EVERYBODY = "everybody"
HELD = "held"
"""The class without members that sees CDRs of ours which are not to leave yet."""
STOCK = "stock"
"""The class without members that sees payment terminals which no operator has yet."""
NAMELESS = (OWN_DRIVERS, HELD, STOCK)
"""Classes of the node's own, which no partner joins."""
MODULES = ("locations", "tariffs", "tokens")
"""The modules whose objects can be for some partners only."""
BATCH = 500
SHARED = (*MODULES, "sessions", "cdrs")
READ = "read:"
"""Before a module: no place in the log, but when a connection last began to read that list of ours as a whole."""
_RESYNC = "audience "
_ALL = "all "


class NoAudience(ValueError):
    """There is no such class; the text says it."""


@dataclass(slots=True, frozen=True)
class Class:
    id: int
    name: str
    members: tuple[int, ...]


async def number(tx: Tx, name: str) -> int:
    """The audience of that name; a class is made when it is first named."""
    if name in NAMELESS or not name.strip():
        raise NoAudience(f"{name!r} cannot be the name of an audience")
    return EVERYBODY if name == NAMED_EVERYBODY else await tx.parties.audience_class(name)


async def join(directory: Directory, name: str, connection: Connection) -> None:
    """From now on the connection sees what this audience sees, and is told of it. Raises NoAudience."""

    async def work(tx: Tx) -> None:
        audience = await number(tx, name)
        if audience == EVERYBODY:
            raise NoAudience("every partner sees what everybody sees; nobody joins or leaves that")
        if audience not in connection.audiences:
            await tx.parties.join(audience, connection.id)
            await _told(tx, connection, audience)

    await directory.write(work)


async def leave(directory: Directory, name: str, connection: Connection) -> None:
    """The connection sees it no more, and is told that it ends. Raises NoAudience."""

    async def work(tx: Tx) -> None:
        audience = next((one for one, known in (await tx.parties.classes()).items() if known == name), None)
        if audience is None or audience not in connection.audiences:
            raise NoAudience(f"{connection.partner} is not in {name!r}")
        await tx.parties.leave(audience, connection.id)
        await _told(tx, connection, audience)

    await directory.write(work)


async def _told(tx: Tx, connection: Connection, audience: int) -> None:
    if connection.state not in (states.REGISTERED, states.SUSPENDED):
        return
    classes = await tx.parties.classes()
    if classes.get(audience) != ALL_SESSIONS:
        await tx.cursors.resync(Resync(connection.id, f"{_RESYNC}{audience}", 0, 0))
        return
    own_drivers = [one for one, name in classes.items() if name == OWN_DRIVERS]
    for other in (*(one.id for one in await tx.partners.all() if one.id != connection.id), *own_drivers):
        await tx.cursors.resync(Resync(connection.id, f"{_ALL}sessions {other}", 0, tx.clock()))


async def all_again(tx: Tx, connection: Connection) -> None:
    """Everything that a partner may see is new to it, or may be: it is told of all, list by list, unless it reads that list to its end."""
    for audience in connection.audiences:
        for module in _shared(connection) if audience == connection.id else MODULES:
            await tx.cursors.resync(Resync(connection.id, f"{_ALL}{module} {audience}", 0, tx.clock()))
    for audience in connection.steered:
        await tx.cursors.resync(Resync(connection.id, f"{_ALL}sessions {audience}", 0, tx.clock()))


def _shared(connection: Connection) -> tuple[str, ...]:
    """The modules with objects for this connection alone; those of Payments where it is an operator with terminals."""
    return (*SHARED, *(module for module in INSIDE if connection.endpoint(module, "RECEIVER") is not None))


async def has_read(tx: Tx, connection: int, module: str, begun: int) -> None:
    """The partner has read this list of ours to its end, and began after it had come to need it."""
    await tx.cursors.move([(connection, READ + module, begun)])
    for row in await tx.cursors.resyncs(connection):
        known = of_all(row)
        if known is not None and known[0] == module and begun >= row.goal:
            await tx.cursors.finished(connection, row.module)


def of_all(row: Resync) -> tuple[str, int] | None:
    """The module and audience of which a partner is told everything; None where the row is about a change of audiences."""
    if not row.module.startswith(_ALL):
        return None
    module, audience = row.module.removeprefix(_ALL).split()
    return module, int(audience)


def needed(rows: Iterable[Resync]) -> list[str]:
    """The lists of ours that a partner should read as a whole."""
    return sorted({known[0] for row in rows if (known := of_all(row)) is not None})


def resynced(row: Resync) -> int:
    """The audience whose objects a partner has still to be told of."""
    return int(row.module.removeprefix(_RESYNC))


async def classes(directory: Directory) -> list[Class]:
    """All that were ever named, with the connections in them."""
    found = await directory.store.read(lambda tx: tx.parties.classes())
    known = directory.all()
    return [
        Class(audience, name, tuple(one.id for one in known if audience in one.audiences))
        for audience, name in found.items()
        if name not in NAMELESS
    ]


async def show_to(directory: Directory, module: str, name: str, ids: frozenset[str] | None, party: tuple[str, str] | None) -> int:
    """Gives own objects of the module (those named, of that party) the audience; how many have another one now."""
    changed = after = 0
    while True:
        found, after, moved = await directory.store.write(partial(_show_some, module=module, name=name, ids=ids, party=party, after=after))
        changed += moved
        if not found:
            return changed


async def _show_some(
    tx: Tx, module: str, name: str, ids: frozenset[str] | None, party: tuple[str, str] | None, after: int
) -> tuple[int, int, int]:
    audience = await number(tx, name)
    rows = await tx.objects.keys(after, BATCH, module=module)
    moved = [pk for pk, key in rows if _meant(key, ids, party) and await tx.objects.set_audience(pk, audience)]
    for pk in moved:
        await tx.objects.renew(pk)
    return len(rows), rows[-1][0] if rows else after, len(moved)


def _meant(key: Key, ids: frozenset[str] | None, party: tuple[str, str] | None) -> bool:
    theirs = party is None or party == (key.country.upper(), key.party.upper())
    return theirs and (ids is None or fold(key.id) in ids)

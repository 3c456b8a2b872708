"""Databases of releases, kept for ever: what is in one, as its own code read it, and which statements that code says to it.

`python -m tests.store.kept FOLDER` is run once for each release, with the folder of a `interplug demo --once --keep`: it adds what a
demo does not do, and writes `tests/fixtures/releases/VERSION-SCHEMA`. Nobody real is in it: the demo's cities and companies are invented.
Of the newest release the code is kept, too, so that `make chaos` can have it work beside what comes after it (`chaos.releases`).
"""

from __future__ import annotations

import asyncio
import importlib
import json
import lzma
import pkgutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

import interplug
import interplug.store
from chaos.releases import CODE, KEPT, pack
from interplug.drivers import states as driver_states
from interplug.modules import session_states
from interplug.store import schema
from interplug.store.cursors import Refused, Resync
from interplug.store.holds import Hold, Note
from interplug.store.store import Store
from interplug.store.tx import Tx

RELEASES = KEPT
NODES = {"kad": "operator", "vnk": "provider"}
MODULES = ("locations", "tariffs", "tokens", "sessions", "cdrs")
CHARGES = sorted({*session_states.STATES.values(), *(state for state, _ in session_states.STATES)} - {""})
DRIVES = sorted({*driver_states.DRIVES.values(), *(state for state, _ in driver_states.DRIVES)} - {""})
VERBS = ("select", "insert", "update", "delete", "with")


# --- what is in it


async def content(tx: Tx) -> dict[str, Any]:
    """Everything that a node reads of its database, as plain values."""
    objects = [one for module in MODULES async for one in tx.objects.each(module)]
    return plain(
        {
            "objects": [
                [one.pk, one.key, one.last_updated, one.received_at, one.audience, one.changed_no, one.raw.decode()] for one in objects
            ],
            "counts": [[*of, n] for of, n in sorted((await tx.objects.counts()).items())],
            "changes": [[one.no, one.key, one.evse_uid, one.what] for one in await tx.objects.changes(0, 10_000)],
            "history": [await tx.history.versions_of(one.key) for one in objects],
            "checks": [await tx.checks.get(one.pk) for one in objects if one.key.module == "cdrs"],
            "holds": [[await tx.holds.get(one.pk), await tx.holds.notes(one.pk)] for one in objects if one.key.module == "cdrs"],
            "bills": [await tx.bills.of_cdr(one.pk) for one in objects if one.key.module == "cdrs"],
            "parties": await tx.parties.all(),
            "classes": sorted((await tx.parties.classes()).items()),
            "members": sorted((await tx.parties.members()).items()),
            "connections": await tx.partners.all(),
            "tokens": await tx.partners.tokens(),
            "clients": sorted((await tx.partners.clients()).items()),
            "cursors": [[*of, number] for of, number in sorted((await tx.cursors.all()).items())],
            "refused": await tx.cursors.refused(),
            "resyncs": await tx.cursors.resyncs(),
            "quarantine": await tx.quarantine.list(),
            "messages": await tx.messages.search(limit=10_000),
            "commands": await tx.commands.newest(None, 1000),
            "charges": [await tx.stations.in_state(state) for state in CHARGES],
            "offers": await tx.offers.all(),
            "drives": [[one, await tx.drivers.driver(one.driver)] for one in await tx.drivers.in_states(DRIVES)],
            "numbers": [await tx.generation(name) for name in ("change", "partners", "keys")],
        }
    )


GIVEN_UP = frozenset({"$.stations"})
"""What nobody reads any more: the memory of simulated stations that lived inside a node."""


def plain(value: Any) -> Any:
    return json.loads(msgspec.json.encode(value))


def lost(then: Any, now: Any, place: str = "$") -> Iterator[str]:
    """Where what was read then is not what is read now; fields that have come since are no loss."""
    if isinstance(then, dict) and isinstance(now, dict):
        for name, value in then.items():
            if f"{place}.{name}" not in GIVEN_UP:
                yield from lost(value, now.get(name), f"{place}.{name}")
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for number, (one, other) in enumerate(zip(then, now, strict=True)):
            yield from lost(one, other, f"{place}[{number}]")
    elif then != now:
        yield place


# --- what is said to it


def statements() -> list[str]:
    """Every statement that stands by name in the store of this release."""
    found = set()
    for module in pkgutil.iter_modules(interplug.store.__path__, "interplug.store."):
        if not module.ispkg:
            for value in vars(importlib.import_module(module.name)).values():
                texts: Iterable[Any] = value if isinstance(value, tuple) else (value,)
                found |= {text.strip() for text in texts if isinstance(text, str) and text.strip().lower().startswith(VERBS)}
    return sorted(found)


def understood(connection: sqlite3.Connection, statement: str) -> bool:
    """Whether a database of this schema can carry out the statement; nothing is changed."""
    try:
        connection.execute(f"explain {statement}", [None] * statement.count("?"))
    except sqlite3.Error:
        return False
    return True


# --- kept releases


def releases() -> list[Path]:
    return sorted(path for path in RELEASES.iterdir() if path.is_dir())


def databases() -> list[Path]:
    return [file for release in releases() for file in sorted(release.glob("*.db.xz"))]


def unpack(file: Path, folder: Path) -> Path:
    path = folder / "node.db"
    path.write_bytes(lzma.decompress(file.read_bytes()))
    return path


def read(file: Path) -> Any:
    return json.loads(lzma.decompress(file.read_bytes()))


# --- keeping one


async def _add(tx: Tx) -> None:
    """What the demo leaves empty."""
    now = 1_790_000_000_000_000
    connection = (await tx.partners.all())[0].id
    first = await anext(tx.objects.each("locations"))
    reason = "HTTP 400, OCPI 2001: $.name is missing"
    await tx.cursors.refuse(Refused(connection, first.pk, "", "locations", reason, 0, now, 3, now + 1, first.changed_no))
    await tx.cursors.resync(Resync(connection, "locations", 7, 9))
    original = b'{"id": "BAD", "last_updated": "yesterday"}'
    await tx.quarantine.add(connection, "tariffs", original, path="$.last_updated", reason="is no time", received_at=now, id="BAD")
    client = {"role": "CPO", "country_code": "BE", "party_id": "AAA", "status": "CONNECTED", "last_updated": "2026-01-01T00:00:00Z"}
    await tx.partners.put_client(connection, client, now)
    await tx.parties.join(await tx.parties.audience_class("night prices"), connection)
    await tx.commands.reservation_number(connection, "RES-1")
    if (cdr := await anext(tx.objects.each("cdrs"), None)) is not None:
        await tx.holds.hold(Hold(cdr.pk, cdr.audience, shown=False))
        await tx.holds.note(Note(cdr.pk, "disputed", "the meter was exchanged", "somebody", now))


async def keep(demo: Path, target: Path) -> None:
    target.mkdir(parents=True)
    sayable: set[str] = set()
    for node, name in NODES.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "node.db"
            source = sqlite3.connect(demo / node / "node.db")
            source.execute("vacuum into ?", (str(path),))
            source.close()
            store = Store.open(f"sqlite:///{path}")
            await store.write(_add)
            known = await store.read(content)
            await store.close()
            connection = sqlite3.connect(path)
            connection.execute("pragma wal_checkpoint(truncate)")
            sayable |= {one for one in statements() if understood(connection, one)}
            connection.close()
            (target / f"{name}.db.xz").write_bytes(lzma.compress(path.read_bytes(), preset=9))
            (target / f"{name}.json.xz").write_bytes(lzma.compress(json.dumps(known).encode(), preset=9))
    lines = {"schema": schema.newest(), "statements": sorted(sayable)}
    for old in RELEASES.glob(f"*/{CODE}"):
        old.unlink()
    pack(target / CODE)
    (target / "statements.json").write_text(json.dumps(lines, indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(keep(Path(sys.argv[1]), RELEASES / f"{interplug.__version__}-{schema.newest()[:4]}"))

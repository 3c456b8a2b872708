"""What grows is kept for as long as the settings say, and no longer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interplug.config import StoreSettings
from interplug.modules import retention
from interplug.store.commands import Command
from interplug.store.keys import Evidence, Key
from interplug.store.messages import Message, pack
from tests.modules import said
from tests.nodes import T0, befriend, close, make_node

DAY = 86_400_000_000
NOW = T0
KEPT = StoreSettings(tariff_days=40, cdr_days=30, session_days=20, command_days=10, quarantine_days=5, message_days=3)


def command(name: str, at: int, state: str) -> Command:
    return Command(
        id=name, direction="in", connection=1, version="2.2.1", command="STOP_SESSION", state=state, document=b"{}", response_url="",
        created_at=at, deadline=at,
    )  # fmt: skip


async def fill(tx: Any, days: int) -> None:
    """One of everything, so many days old."""
    at, name = NOW - days * DAY, f"{days}"
    for module in ("tariffs", "cdrs", "sessions"):
        await tx.history.add(Key(module, 1, "NL", "TNM", name), 1, "new", Evidence(b"{}", 1, "2.2.1", at))
    await tx.messages.add([pack([Message("in", 1, "GET", "/", 200, 1000, name, "", at, 1)])])
    await tx.quarantine.add(1, "locations", b"{}", path="$", reason="bad", received_at=at, id=name)
    await tx.commands.add(command(f"done {days}", at, "done"))
    await tx.commands.add(command(f"working {days}", at, "working"))


async def count(tx: Any, table: str, where: str = "1 = 1") -> int:
    return int((await tx.db.one(f"select count(*) from {table} where {where}"))[0])


async def test_each_kind_is_kept_for_its_own_time(tmp_path: Path) -> None:
    node = await make_node(tmp_path, store=KEPT)
    for days in (1, 4, 8, 15, 25, 35, 45):
        await node.store.write(lambda tx, days=days: fill(tx, days))
    await retention.forget(node)
    wheres = (
        *(("message", "1 = 1"), ("quarantine", "1 = 1"), ("command", "state = 'done'"), ("command", "state = 'working'")),
        *(("history", f"module = '{module}'") for module in ("sessions", "cdrs", "tariffs")),
    )
    assert [await node.store.read(lambda tx, one=one: count(tx, *one)) for one in wheres] == [1, 2, 3, 7, 4, 5, 6]
    await close(node)


@pytest.mark.parametrize("reached", [True, False])
async def test_a_move_is_remembered_until_every_partner_was_told(tmp_path: Path, reached: bool) -> None:
    node = await make_node(tmp_path)
    partner = await befriend(node, "2.2.1")

    async def move(tx: Any) -> None:
        document = {**said.tariff(), "country_code": "NL", "party_id": "TNM"}
        saved = await tx.objects.save(Key("tariffs", 0, "NL", "TNM", "T1"), document, last_updated=1)
        await tx.objects.set_audience(saved.pk, 99)
        await tx.cursors.move([(partner.connection.id, "*", 2 if reached else 1)])

    await node.store.write(move)
    await retention.forget(node)
    assert await node.store.read(lambda tx: count(tx, "visibility")) == int(not reached)
    await close(node)

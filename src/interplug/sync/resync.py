"""What a partner has to be told of although no object has changed: the change log knows nothing of it, so it is written down in rows.

A partner joined or left an audience: the objects of the audience, each to be sent if it may be seen now and to be ended otherwise, and
the EVSEs that name Tariffs of the audience. What comes into sight is as new as that moment, for who reads our lists by date and who was
told of its end before. A partner speaks another version now, or was away for longer than changes may be trusted to have reached it:
everything that it may see, a row for each module and audience, unless it reads that list to its end by itself.

Rows become objects part by part. A part is done when the next one is asked for; after a crash the row says where to go on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from interplug.modules.node import Node
from interplug.partners import audiences
from interplug.partners.connection import Connection
from interplug.store.cursors import Resync
from interplug.store.keys import Key
from interplug.store.tx import Tx

from .item import Item
from .naming import Place, naming

PART = 500


async def parts(node: Node, connection: Connection) -> AsyncIterator[list[Item]]:
    """Everything that is to be told to a connection beside the log, some hundred objects at a time."""
    for row in await node.store.read(lambda tx: tx.cursors.resyncs(connection.id)):
        whole = audiences.of_all(row)
        if whole is None:
            audience, module = audiences.resynced(row), None
        else:
            module, audience = whole
        async for found in _keys(node, row, module, audience):
            if whole is None and audience in connection.audiences:
                await _renew(node, [pk for pk, _ in found])
            listed = [one for one in found if connection.endpoint(one[1].module, "RECEIVER") is not None]
            yield [Item(pk, key, 0, whole=True, left=whole is None, again=whole is not None) for pk, key in listed]
        if whole is None:
            async for places in _naming(node, audience):
                if connection.endpoint("locations", "RECEIVER") is not None:
                    yield [Item(stored.pk, stored.key, 0, evses=dict.fromkeys(uids, True)) for stored, uids in places]
                else:
                    await _renew(node, [stored.pk for stored, _ in places])
        await node.store.write(lambda tx, row=row: tx.cursors.finished(row.connection, row.module))  # type: ignore[misc]


async def _keys(node: Node, row: Resync, module: str | None, audience: int) -> AsyncIterator[list[tuple[int, Key]]]:
    async def read(tx: Tx) -> list[tuple[int, Key]]:
        return await tx.objects.keys(row.reached, PART, module=module, audience=audience)

    while found := await node.store.read(read):
        yield found
        if not await _still(node, row):
            return
        row = msgspec.structs.replace(row, reached=found[-1][0])
        await node.store.write(lambda tx, row=row: tx.cursors.resync(row))  # type: ignore[misc]


async def _still(node: Node, row: Resync) -> bool:
    """Whether the row is there: the partner may have read the list by itself meanwhile."""
    rows = await node.store.read(lambda tx: tx.cursors.resyncs(row.connection))
    return any(one.module == row.module for one in rows)


async def _renew(node: Node, pks: list[int]) -> None:
    async def work(tx: Tx) -> None:
        for pk in pks:
            await tx.objects.renew(pk)

    await node.store.write(work)


async def _naming(node: Node, audience: int) -> AsyncIterator[list[Place]]:
    """The EVSEs that name Tariffs of an audience: the partner sees other `tariff_ids` there now."""
    ids: set[str] = set()
    after = 0
    while found := await node.store.read(
        lambda tx, after=after: tx.objects.keys(after, PART, module="tariffs", audience=audience)  # type: ignore[misc]
    ):
        ids |= {key.id for _, key in found}
        after = found[-1][0]
    if ids:
        async for places in naming(node.store, ids):
            yield places

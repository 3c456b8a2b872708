"""What a partner may see has changed because it joined or left an audience: which objects it has to be told of.

The change log knows nothing of this, for no object has changed. `partners.audiences` leaves a row, and here it becomes objects: those of
the audience, part by part, each to be sent if the partner may see it now and to be ended otherwise. A part is done when the next one is
asked for; after a crash the row says where to go on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from interplug.modules.node import Node
from interplug.partners import audiences
from interplug.partners.directory import Connection
from interplug.store.cursors import Resync
from interplug.store.keys import Key
from interplug.store.tx import Tx

from .deliver import Item

PART = 500


async def parts(node: Node, connection: Connection, since: int) -> AsyncIterator[list[Item]]:
    """`since` is the number of the change log at which the objects count as unsent."""
    for row in await node.store.read(lambda tx: tx.cursors.resyncs(connection.id)):
        async for found in _keys(node, row):
            yield [
                Item(pk, key, since, whole=True, left=True) for pk, key in found if connection.endpoint(key.module, "RECEIVER") is not None
            ]
        await node.store.write(lambda tx, row=row: tx.cursors.finished(row.connection, row.module))  # type: ignore[misc]


async def _keys(node: Node, row: Resync) -> AsyncIterator[list[tuple[int, Key]]]:
    audience = audiences.resynced(row)

    async def read(tx: Tx) -> list[tuple[int, Key]]:
        return await tx.objects.keys(row.reached, PART, audience=audience)

    while found := await node.store.read(read):
        yield found
        row = msgspec.structs.replace(row, reached=found[-1][0])
        await node.store.write(lambda tx, row=row: tx.cursors.resync(row))  # type: ignore[misc]

"""A reader of the change log: what partners bring of one module, in order, with a cursor that survives a restart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from interplug.modules.node import Node
from interplug.store.keys import OWN, Stored
from interplug.store.tx import Tx

CHUNK = 200
Take = Callable[[Tx, Stored], Awaitable[None]]


class Reader:
    """`name` is that of its cursor; `take` is called for each object that is new or changed, in the transaction that moves it."""

    def __init__(self, node: Node, name: str, module: str, take: Take) -> None:
        self._node, self._name, self._module, self._take = node, name, module, take
        self.position = 0

    async def start(self) -> None:
        reached = await self._node.store.read(lambda tx: tx.cursors.get(0, self._name))
        self.position = reached or 0

    async def read(self) -> None:
        more = True
        while more:
            changes, reached, more = await self._node.store.news(self.position, CHUNK, (self._module,))
            received = [change.pk for change in changes if change.source != OWN]
            if received:
                await self._node.store.write(partial(self._write, received=received, reached=reached))
            self.position = reached

    async def _write(self, tx: Tx, received: list[int], reached: int) -> None:
        for pk in received:
            stored = await tx.objects.get_pk(pk)
            if stored is not None:
                await self._take(tx, stored)
        await tx.cursors.move([(0, self._name, reached)])

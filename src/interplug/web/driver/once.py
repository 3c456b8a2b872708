"""What is made once for all pages that ask for it, for as long as nothing changes in the store: where a status changes, every page that
shows it asks at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Any, TypeVar

from interplug.modules.node import Node

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST = 5000
"""Things that are remembered of each kind."""


class Once:
    def __init__(self, node: Node) -> None:
        self._node = node
        self._head = -1
        self._known: dict[Any, Any] = {}
        """What was read; None: there is nothing."""
        self._reading: dict[Any, asyncio.Future[None]] = {}
        self._made: dict[Hashable, Any] = {}
        self._before: dict[Hashable, Any] = {}

    async def read(self, keys: Iterable[K], read: Callable[[list[K]], Awaitable[dict[K, V]]]) -> dict[K, V]:
        """What `read` finds for these keys, without those for which there is nothing. What somebody else reads just now is waited for."""
        self._forget()
        found, lacking = {}, []
        for key in keys:
            if key not in self._known:
                lacking.append(key)
            elif (value := self._known[key]) is not None:
                found[key] = value
        if not lacking:
            return found
        others = {key: self._reading[key] for key in lacking if key in self._reading}
        if new := [key for key in lacking if key not in others]:
            found |= await self._anew(new, read)
        if others:
            await asyncio.wait(set(others.values()))
            found |= await self.read(others, read)
        return found

    async def _anew(self, keys: list[K], read: Callable[[list[K]], Awaitable[dict[K, V]]]) -> dict[K, V]:
        reading: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reading |= dict.fromkeys(keys, reading)
        try:
            found = await read(keys)
            # What was read while something changed is nobody's but theirs who asked for it.
            self._known |= {key: found.get(key) for key in keys if self._reading.get(key) is reading}
            return found
        finally:
            for key in keys:
                if self._reading.get(key) is reading:
                    del self._reading[key]
            reading.set_result(None)

    def made(self, key: Hashable, make: Callable[[], V]) -> V:
        self._forget()
        if key not in self._made:
            self._made[key] = make()
        value: V = self._made[key]
        return value

    def same(self, key: Hashable, value: V) -> V:
        """The one from before if it is equal: who compares them has little to do. It is kept whatever changes."""
        if len(self._before) > MOST:
            self._before.clear()
        before: V | None = self._before.get(key)
        if before is None or before != value:
            self._before[key] = before = value
        return before

    def _forget(self) -> None:
        if self._head != self._node.store.head or len(self._known) > MOST or len(self._made) > MOST:
            self._head = self._node.store.head
            self._known.clear()
            self._reading.clear()
            self._made.clear()

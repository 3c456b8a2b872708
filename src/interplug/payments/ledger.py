"""Where the test provider keeps its accounts: in memory, or in the node's database, so that they outlive the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from interplug.model.types import decode_json, encode_json
from interplug.protocol.http import Response
from interplug.store.store import Store
from interplug.store.tx import Tx

from .bank import Document


class Memory:
    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}
        self._lock = asyncio.Lock()

    async def within(self, work: Callable[[Any], Any]) -> Response:
        async with self._lock:
            accounts = _Draft(self.documents)
            answer: Response = await work(accounts)
            self.documents |= accounts.written
            return answer


class _Draft:
    def __init__(self, documents: dict[str, bytes]) -> None:
        self._documents, self.written = documents, dict[str, bytes]()

    async def get(self, name: str) -> Document | None:
        raw = self.written.get(name) or self._documents.get(name)
        return None if raw is None else decode_json(raw)

    async def put(self, name: str, document: Document) -> None:
        self.written[name] = encode_json(document)


class InStore:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def within(self, work: Callable[[Any], Any]) -> Response:
        async def inside(tx: Tx) -> Response:
            answer: Response = await work(_Rows(tx))
            return answer

        return await self._store.write(inside)


class _Rows:
    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def get(self, name: str) -> Document | None:
        raw = await self._tx.payments.test_get(name)
        return None if raw is None else decode_json(raw)

    async def put(self, name: str, document: Document) -> None:
        await self._tx.payments.test_put(name, encode_json(document))

"""What waits to be written, and who waits for it: the half of an engine that knows nothing of its database.

Transactions that come while others are under way are run together, with one commit. `group` takes from `waiting` as many as it likes,
and must see to it that each that it took has its value or its error before it answers them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from interplug.store.database import Look
from interplug.store.tx import Tx

log = logging.getLogger(__name__)
T = TypeVar("T")
Work = Callable[[Tx], Coroutine[Any, Any, T]]


class Waiting:
    """One transaction on its way through the writer."""

    __slots__ = ("error", "future", "look", "value", "work")

    def __init__(self, future: "asyncio.Future[Any]", work: Work[Any], look: Look | None) -> None:
        self.future = future
        self.work = work
        self.look = look
        self.value: Any = None
        self.error: BaseException | None = None

    def answer(self) -> None:
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.value)
        else:
            self.future.set_exception(self.error)


class Queue:
    def __init__(self, group: Callable[[], Awaitable[None]]) -> None:
        self.waiting: deque[Waiting] = deque()
        self._group = group
        self._serving: asyncio.Task[None] | None = None
        self._closed = False

    async def write(self, work: Work[T], look: Look | None = None) -> T:
        """`look`: what the work will look at first, where it knows (`locations.evse_of`); it is the quicker for it."""
        if self._closed:
            raise RuntimeError("the store is closed")
        loop = asyncio.get_running_loop()
        item = Waiting(loop.create_future(), work, look)
        self.waiting.append(item)
        if self._serving is None:
            self._serving = loop.create_task(self._serve())
        value: T = await item.future
        return value

    def fail(self, group: list[Waiting], error: BaseException) -> None:
        """None of these is written, and each hears why; where none was taken yet, the first that waits does."""
        if not group:
            group.append(self.waiting.popleft())
        for item in group:
            item.error = item.error or error

    async def close(self) -> bool:
        """Everything that was handed in before is still written. False: it was closed already."""
        if self._closed:
            return False
        self._closed = True
        if self._serving is not None:
            await self._serving
        return True

    async def _serve(self) -> None:
        task = asyncio.current_task()
        error: Exception | None = None
        try:
            while self.waiting and not (task and task.cancelling()):
                await self._group()
        except Exception as failed:
            log.exception("the writer failed, and goes on with what comes next")
            error = failed
        finally:
            self._serving = None
        while self.waiting:
            item = self.waiting.popleft()
            if error is None:  # the loop ends, and nobody in it waits any more
                item.future.cancel()
            else:
                item.error = error
                item.answer()

"""Letters to drivers: what the pages have written goes to the mail server, one at a time, the oldest first.

A letter may hold a link that lets somebody in, so it is kept no longer than need be: until the mail server has it, or until its link is
worth nothing any more. No log names whom it is for. After a crash one may be sent twice; its Message-ID says that it is the same.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from interplug.modules.node import Node
from interplug.store.letters import Letter
from interplug.store.tx import Tx

from .smtp import hand_over
from .targets import Away, Refused, pause

log = logging.getLogger(__name__)
TICK = 0.5
AT_ONCE = 50


class Letters:
    def __init__(self, node: Node, sender: str) -> None:
        self.node, self.sender = node, sender

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if not await self.tick():
                await asyncio.sleep(TICK)
            if (task := asyncio.current_task()) is not None and task.cancelling():
                return  # what sends mail waits with `wait_for`, which in Python 3.11 gives an answer that comes just then, and no end

    async def tick(self) -> bool:
        """Whether there was anything to send."""
        now = self.node.clock()
        if not await self.node.store.read(lambda tx: tx.letters.due(now, 1), snapshot=False):
            return False
        for letter in await self.node.store.write(self._due):
            await self._send(letter)
        return True

    async def _due(self, tx: Tx) -> list[Letter]:
        """Without those whose time is over, which are gone."""
        now = self.node.clock()
        await tx.letters.forget(now)
        return await tx.letters.due(now, AT_ONCE)

    async def _send(self, letter: Letter) -> None:
        again = 0
        try:
            await hand_over(self.node.settings.alerts, self.written(letter))
        except Refused as error:
            log.warning("a letter to a driver: %s", error)
        except Away as error:
            log.warning("a letter to a driver waits: %s", error)
            again = self.node.after(pause(self.node.settings.delivery, letter.tries + 1))

        async def work(tx: Tx) -> None:
            if again:
                await tx.letters.later(letter.no, again)
            else:
                await tx.letters.drop(letter.no)

        await self.node.store.write(work)

    def written(self, letter: Letter) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self.sender
        mail["To"] = letter.address
        mail["Subject"] = letter.subject
        mail["Date"] = format_datetime(datetime.now(UTC))
        domain = parseaddr(self.sender)[1].rpartition("@")[2] or "interplug.invalid"
        mail["Message-ID"] = f"<letter-{letter.no}-{self.node.directory.key.derive('letters').hex()[:12]}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(letter.text)
        return mail

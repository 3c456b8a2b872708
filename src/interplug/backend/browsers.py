"""Notices to browsers: what waits goes to the push service that each browser has named. Nobody vouches for what it names, so its URL is
checked like one of a partner, when it comes and at each connection.

A notice is sent until it is taken or too late for it. A browser that is no longer there is forgotten. One push service that is away holds
up no other; which one a driver uses stands in no log.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec

from interplug.modules.node import Node
from interplug.partners.guard import Forbidden, check_url
from interplug.partners.transport import HttpTransport
from interplug.protocol.http import Request, Unreachable
from interplug.store.notices import Browser, Notice
from interplug.store.tx import Tx

from .targets import pause
from .webpush import BadKeys, Vapid, checked, sealed

log = logging.getLogger(__name__)
TICK = 0.5
AT_ONCE = 16
TIMEOUT, LARGEST = 10.0, 4096
KEPT = 30 * 86_400
"""Seconds for which it is remembered what was told of a drive; longer than any is looked at."""
MOST = 10
"""Browsers of one driver."""
GONE = (404, 410)
LATER = (408, 425, 429)
SECOND = 1_000_000


class NotOurs(ValueError):
    """What a browser has sent is no subscription that we would serve."""


def vapid_of(node: Node) -> Vapid | None:
    """None where browsers are told nothing."""
    contact = node.settings.notices.contact
    return Vapid(node.directory.key.derive("web push"), contact) if contact else None


async def subscribe(node: Node, browser: Browser) -> None:
    """Raises NotOurs."""
    try:
        check_url(browser.endpoint, node.settings.network)
        checked(browser.public_key, browser.secret)
    except (Forbidden, BadKeys) as error:
        raise NotOurs(str(error)) from None

    async def work(tx: Tx) -> None:
        known = [one for one in await tx.notices.of_driver(browser.driver) if one.endpoint != browser.endpoint]
        for oldest in known[: max(0, len(known) + 1 - MOST)]:
            await tx.notices.drop(oldest.endpoint)
        await tx.notices.put(browser)

    await node.store.write(work)


class Browsers:
    def __init__(self, node: Node, vapid: Vapid) -> None:
        self.node, self.vapid = node, vapid
        self._transport = HttpTransport(msgspec.structs.replace(node.settings.network, timeout=TIMEOUT, largest_answer=LARGEST))

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                if not await self.tick():
                    await asyncio.sleep(TICK)
        finally:
            await self.close()

    async def close(self) -> None:
        await self._transport.close()

    async def tick(self) -> bool:
        """Whether there was anything to send."""
        now = self.node.clock()
        due = await self.node.store.read(lambda tx: tx.notices.due(now, AT_ONCE), snapshot=False)
        if due:
            await self.node.store.write(lambda tx: tx.notices.forget(now, now - KEPT * SECOND))
            await asyncio.gather(*(self._send(notice) for notice in due))
        return bool(due)

    async def _send(self, notice: Notice) -> None:
        browser = await self.node.store.read(lambda tx: tx.notices.get(notice.endpoint), snapshot=False)
        event = "gone" if browser is None else await self._told(notice, browser)
        again = self.node.after(pause(self.node.settings.delivery, notice.tries + 1))

        async def work(tx: Tx) -> None:
            if event == "gone":
                await tx.notices.drop(notice.endpoint)
            if event == "later":
                await tx.notices.later(notice.no, again)
            else:
                await tx.notices.sent(notice.no)

        await self.node.store.write(work)

    async def _told(self, notice: Notice, browser: Browser) -> str:
        headers = {
            "authorization": self.vapid.authorization(browser.endpoint, self.node.clock() // SECOND),
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": "3600",
            "urgency": "high",
        }
        try:
            check_url(browser.endpoint, self.node.settings.network)
            body = sealed(notice.document.encode(), browser.public_key, browser.secret)
            answer = await self._transport(Request("POST", browser.endpoint, headers, body))
        except (Forbidden, BadKeys):
            return "gone"
        except Unreachable:
            return "later"
        if 200 <= answer.status < 300:
            return "sent"
        if answer.status in GONE:
            return "gone"
        if answer.status >= 500 or answer.status in LATER:
            return "later"
        log.warning("a push service refuses a notice with %s", answer.status)
        return "refused"

"""What a driver is told while no page is open: as a notice of every browser that wants it, and of a drive as an e-mail where that was
chosen. What happened before somebody asked is not told."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

from interplug.model.types import encode_json
from interplug.modules.node import Node
from interplug.store.drivers import Drive
from interplug.store.tx import Tx
from interplug.web.languages import LANGUAGES, speaking

from . import rides
from .news import news, states, text

HOUR = 3600.0
LOOKED_AT = 48 * HOUR
"""Drives are, from their start."""
SPACING = 2.0
LONGEST = 500


class Mail(Protocol):
    """Of the rest of the app: who can write a letter."""

    sender: str

    def link(self, path: str) -> str: ...
    async def write(self, tx: Tx, email: str, subject: str, lines: list[str], seconds: float) -> None: ...


class Notices:
    """For browsers."""

    def __init__(self, node: Node) -> None:
        self.node = node

    async def notify(self, driver: str, text: str, url: str) -> None:
        """The text is in the driver's language; `url` is a page of ours."""
        texts = dict.fromkeys(LANGUAGES, text)
        await self.node.store.write(lambda tx: self.add(tx, driver, texts, url))

    async def add(self, tx: Tx, driver: str, texts: dict[str, str], url: str) -> None:
        for browser in await tx.notices.of_driver(driver):
            document = encode_json({"text": texts.get(browser.language, texts["en"])[:LONGEST], "url": urlsplit(url).path})
            await tx.notices.add(browser.endpoint, document.decode(), self.node.clock(), self.node.after(HOUR))


class Drives:
    """Sees what there is to tell of the drives of those who want to be told."""

    def __init__(self, node: Node, notices: Notices, mail: Mail) -> None:
        self.node, self.notices, self.mail = node, notices, mail
        self._seen: dict[str, object] = {}

    async def silently(self, tx: Tx, driver: str) -> None:
        """What has happened by now is no news."""
        for drive in await tx.drivers.of_driver(driver, 20):
            for what in states(drive):
                await tx.notices.tell(drive.id, what, self.node.clock())

    async def run(self) -> None:
        """Until cancelled."""
        position = 0
        while True:
            position = await self.node.store.changed(position, 5.0)
            await self.tick()
            await asyncio.sleep(SPACING)

    async def tick(self) -> None:
        seen = self._seen
        self._seen = {}
        for drive in await self.node.store.read(self._untold):
            now = await rides.moved(self.node, drive)
            self._seen[drive.id] = now
            if seen.get(drive.id) != now:
                await self._look(drive)

    async def _untold(self, tx: Tx) -> list[Drive]:
        """Those of which there may be something to tell."""
        found = [await tx.drivers.get(name) for name in await tx.notices.wanted(self.node.after(-LOOKED_AT))]
        return [one for one in found if one is not None and not (one.cdr and (await tx.notices.told(one.id)).issuperset(states(one)))]

    async def _look(self, drive: Drive) -> None:
        ride = await rides.ride(self.node, drive)
        for what in news(ride):
            texts = {}
            for language in LANGUAGES:
                with speaking(language):
                    texts[language] = text(ride, what)
            await self.node.store.write(partial(self._tell, drive=drive, what=what, texts=texts))

    async def _tell(self, tx: Tx, drive: Drive, what: str, texts: dict[str, str]) -> None:
        if not await tx.notices.tell(drive.id, what, self.node.clock()):
            return
        url = f"/drives/{drive.id}"
        await self.notices.add(tx, drive.driver, texts, url)
        account, language = await tx.accounts.get(drive.driver), await tx.notices.mailed(drive.driver)
        if account is not None and account.email and language is not None and self.mail.sender:
            said = texts.get(language, texts["en"])
            await self.mail.write(tx, account.email, said, [said, self.mail.link(url)], HOUR)

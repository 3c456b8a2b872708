"""The reading of one list of a partner, page by page, safe to kill: with each page it is written down where the next one is.

A list is read as the partner gives it, by its links. Lists of partners are wrong in many ways, so a reading ends by itself: at a link
that was followed before, or when page after page brings nothing new. What was read stands; what was wrong with the list is noted, and a
list with something wrong ends nothing by what it lacks. Memory holds one page and the numbers of what was seen. A list is read whole where
a party has come to its partner since it last was: what is new to us of that party is old to the partner, and no delta has it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from interplug import faults
from interplug.model.types import encode_json, format_time
from interplug.modules.node import Node
from interplug.partners import lists
from interplug.partners.directory import Connection
from interplug.partners.lists import Page, PageFailed
from interplug.protocol.envelope import Reply
from interplug.protocol.routes import Module
from interplug.store.tx import Tx

from . import course
from .absence import ENDED_BY_ABSENCE, Absence
from .course import SEEN, Course, Pulled, Seen, UnderWay
from .decide import OVERLOADED, retry_after
from .taking import CLIENTS, Taking

Progress = Callable[[str, int, int | None], None]
"""Told (module, objects read, total that the partner claims)."""

CURSOR = "pull:"
"""A pull's cursor is a time, not a number of our log: the newest last_updated that was seen."""
EVER = "2000-01-01T00:00:00Z"
"""The date_from of a full list where the version wants one."""
HOUR = 3600 * 1_000_000
STALE = 24 * HOUR
"""A reading that was cut off longer ago begins anew: its pages have moved."""
PATIENCE = 3
"""Failures in a row at the place where a reading was cut off after which the list is tried from its beginning."""
NOTHING_NEW = 10
"""Pages in a row without anything new after which a list has no end."""


def _lost(reply: Reply) -> bool:
    """Whether the partner no longer knows the place where a reading was cut off."""
    return reply.http in (400, 404, 410) or (reply.code is not None and 2000 <= reply.code < 3000)


class Crawl:
    def __init__(
        self,
        node: Node,
        connection: Connection,
        module: Module,
        *,
        full: bool,
        believe: bool = False,
        progress: Progress | None = None,
        anew: bool = False,
    ) -> None:
        self.node, self.connection, self.module = node, connection, module
        self.full, self.believe, self.progress = full, believe, progress
        self.anew = anew
        """What is under way is given up, once there is a first page to go on from."""
        self.grace = int(node.settings.pull.grace * HOUR)
        self.seen: set[int] = set()
        self.aside: set[str] = set()
        """The ids of what could not be taken: it was on the list all the same. Empty: one had no id."""
        self.nameless = 0
        self.urls: set[str] = set()
        self.nothing_new = 0
        self.short: str | None = None
        """Why the list was not read to a proper end."""

    async def run(self) -> Pulled:
        self.course = await self.node.store.read(lambda tx: course.read(tx, self.connection.id, self.module.id))
        self.full = self.full or self._joined(self.course.parties)
        resumed = await self._resume()
        way = self.course.under_way if resumed else None
        self.way = way or await self._begin()
        self.taking = Taking(self.node, self.connection, self.module, self.way, self.grace)
        try:
            while not self.way.read:
                await self._page()
                resumed = False
        except PageFailed as error:
            if resumed and (_lost(error.reply) or (self.way.failed >= PATIENCE and error.reply.http not in OVERLOADED)):
                return await Crawl(
                    self.node, self.connection, self.module, full=self.full, believe=self.believe, progress=self.progress, anew=True
                ).run()
            return await self._failed(error)
        return await self._finish()

    # --- where

    async def _resume(self) -> bool:
        """Goes on with what is under way, if that is as much as is wanted; the parties behind a hub are always read anew."""
        way = self.course.under_way
        if way is None or self.anew:
            return False
        outdated = way.began < self.node.clock() - STALE or self._joined(way.parties)
        if (self.full and not way.report.full) or outdated or self.module.id == CLIENTS:
            await self._forget()
            return False
        for doc in await self.node.store.read(lambda tx: tx.pulls.pages(self.connection.id, self.module.id)):
            self._know(SEEN.decode(doc))
        return True

    def _joined(self, known: list[tuple[str, str]] | None) -> bool:
        """Whether a party has come to the partner since; the list of the parties themselves is of nobody."""
        return known is not None and self.module.id != CLIENTS and not self.connection.writable <= set(known)

    async def _begin(self) -> UnderWay:
        way = await self._first()
        way.parties = sorted(self.connection.writable)
        return way

    async def _first(self) -> UnderWay:
        limit = {"limit": str(self.node.settings.ocpi.page_largest)}
        now, report = self.node.clock(), Pulled(self.module.id, self.full)
        if not self.full:
            since = await self.node.store.read(lambda tx: tx.cursors.get(self.connection.id, CURSOR + self.module.id))
            if since is not None:
                earlier = since - int(self.node.settings.pull.overlap * HOUR)
                return UnderWay(now, {**limit, "date_from": format_time(earlier, whole_seconds=True)}, since, report)
        report.full = True
        needs_date = self.module.id == "sessions" and self.connection.speaks.sessions_need_date_from
        return UnderWay(now, {**limit, "date_from": EVER} if needs_date else limit, 0, report)

    async def _forget(self) -> None:
        self.course.under_way = None
        await self.node.store.write(self._close)

    async def _close(self, tx: Tx) -> None:
        await tx.pulls.drop_pages(self.connection.id, self.module.id)
        await course.write(tx, self.connection.id, self.module.id, self.course)

    # --- a page

    async def _page(self) -> None:
        way = self.way
        page = await lists.page(self.node.client, self.connection, self.module.id, way.query, url=way.url)
        taken = [await self.taking.take(item) for item in page.items]
        way.report.read += len(page.items)
        way.total = page.total if way.total is None else max(way.total, page.total or 0)
        here, number, way.pages, way.failed = way.url or page.url, way.pages, way.pages + 1, 0

        async def work(tx: Tx) -> Seen:
            if number == 0:
                await tx.pulls.drop_pages(self.connection.id, self.module.id)
            before = self._known()
            seen = await self.taking.save(tx, here, page.items, taken)
            self._turn(page, seen, before)
            self.course.under_way, self.course.tried_at = way, self.node.clock()
            await tx.pulls.put_page(self.connection.id, self.module.id, number, encode_json(seen))
            await course.write(tx, self.connection.id, self.module.id, self.course)
            return seen

        await self.node.directory.write(work)
        faults.at("pull.after_page")
        if self.progress is not None:
            self.progress(self.module.id, way.report.read, page.total)

    def _turn(self, page: Page, seen: Seen, before: int) -> None:
        """To the next page, if there is one that may bring something."""
        way = self.way
        self._know(seen)
        new = self._known() - before
        way.report.repeated += len(page.items) - new
        self.nothing_new = 0 if new else self.nothing_new + 1
        way.url = page.next
        if page.next is not None and page.next in self.urls:
            self.short = "its next link leads back to a page that was read"
        elif page.next is not None and self.nothing_new > NOTHING_NEW:
            self.short = f"{self.nothing_new} pages in a row brought nothing new, and still there is a next link"
        way.read = page.next is None or self.short is not None

    def _know(self, seen: Seen) -> None:
        self.seen.update(seen.pks)
        self.aside.update(seen.aside)
        self.nameless += seen.aside.count("")
        self.urls.add(seen.url)

    def _known(self) -> int:
        """How many different objects the list had, as far as can be said."""
        return len(self.seen) + len(self.aside - {""}) + self.nameless + len(self.taking.clients)

    # --- the end

    async def _failed(self, error: PageFailed) -> Pulled:
        report = self.way.report
        report.fault = str(error)
        report.retry_after = retry_after(error.reply, self.node.clock() / 1_000_000)
        self.way.failed += error.reply.http not in OVERLOADED
        self.course.tried_at = self.node.clock()
        # What the page under way has written stays; a fault of now is no fault of the reading that goes on later.
        shown = msgspec.structs.replace(self.course, report=report)
        await self.node.store.write(lambda tx: course.write(tx, self.connection.id, self.module.id, shown))
        return report

    async def _finish(self) -> Pulled:
        way, report, now = self.way, self.way.report, self.node.clock()
        report.fault, report.retry_after = None, None
        doubt = self._doubt()
        if report.full and self.module.id in ENDED_BY_ABSENCE:
            absence = Absence(self.node, self.connection.id, self.module.id, way, self.seen, self.aside, self.grace)
            await absence.settle(doubt, believe=self.believe)
        if self.module.id == CLIENTS and doubt is None:
            listed = list(self.taking.clients.values())
            await self.node.directory.write(lambda tx: tx.partners.keep_clients(self.connection.id, listed, way.began))
        if report.full:
            self.course = Course(now, way.began, now, report, parties=way.parties)
        else:
            # Of a party that was away meanwhile this list was not read either.
            there = set(way.parties or ())
            still = None if self.course.parties is None else [one for one in self.course.parties if one in there]
            self.course = Course(now, self.course.full_at, now, report, parties=still)

        async def work(tx: Tx) -> None:
            if way.newest:
                await tx.cursors.move([(self.connection.id, CURSOR + self.module.id, way.newest)])
            await self._close(tx)

        await self.node.store.write(work)
        return report

    def _doubt(self) -> str | None:
        """Why the list is not to be believed where it lacks something; what is wrong with it is noted in any case."""
        notes, known, total = self.way.report.notes, self._known(), self.way.total
        if self.short is not None:
            notes.append(self.short)
        if total is not None and total != known:
            notes.append(f"it says that it has {total} objects and gave {known}")
        if self.short is not None:
            return self.short
        if "" in self.aside:
            return "an object without an id could not be taken"
        if self.module.id == CLIENTS and self.aside:
            return "not all of it could be taken"
        return notes[-1] if total is not None and total > known else None

"""Every CDR has a verdict: what is sent to us when it has arrived, our own before it leaves (`holding`).

A reader of the change log with a cursor of its own: a CDR is acknowledged when it is stored and judged afterwards, so no judgement makes
a POST slow or lets it fail, and a crash loses none. First a row says what the CDRs are about, then each is judged, in a thread, then
what was found is written. A CDR is judged again when a Session, a credit or the CDR that it takes back comes later.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any, NamedTuple

import msgspec

from interplug.model.types import encode_json
from interplug.modules.node import Node
from interplug.partners.directory import Directory
from interplug.store.checks import About, Check
from interplug.store.keys import OWN, Change, Key, Stored
from interplug.store.tx import Tx

from . import facts
from .findings import MAKERS, Finding
from .judgement import Judgement, Known
from .judging import failed, judge
from .missing import used

log = logging.getLogger(__name__)
Document = dict[str, Any]
READERS = {"sessions": (0, "checks sessions"), "cdrs": (0, "checks cdrs")}
"""The names of this reader among the cursors; Sessions are read first."""
CHUNK = 100
ROUND = 0.5
"""Seconds between looks at the log when there was nothing to do."""


class Case(NamedTuple):
    """A CDR, and what is known of it."""

    about: About
    document: Document
    known: Known


class Checker:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.reached: dict[str, int] = {}

    async def run(self) -> None:
        """Until cancelled."""
        await self.start()
        while True:
            await self.tick()
            await asyncio.sleep(ROUND)

    async def start(self) -> None:
        for module, reader in READERS.items():
            self.reached[module] = await self.node.store.read(lambda tx, reader=reader: tx.cursors.get(*reader)) or 0  # type: ignore[misc]

    async def tick(self) -> None:
        """Everything that has come since."""
        for module, work in (("sessions", self._sessions), ("cdrs", self._cdrs)):
            more = True
            while more:
                changes, reached, more = await self.node.store.news(self.reached[module], CHUNK, (module,))
                if changes:
                    await work(changes)
                    await self.node.store.write(lambda tx, of=(*READERS[module], reached): tx.cursors.move([of]))  # type: ignore[misc]
                self.reached[module] = reached

    async def _sessions(self, changes: list[Change]) -> None:
        again = await self.node.store.write(lambda tx: _note_sessions(tx, changes))
        await check(self.node.directory, again)

    async def _cdrs(self, changes: list[Change]) -> None:
        """Our own were judged before they could leave; what was here before there were checks is judged now."""
        own = [change.pk for change in changes if change.source == OWN]
        known = await self.node.store.read(lambda tx: _known(tx, own))
        await check(self.node.directory, [change.pk for change in changes if change.pk not in known])


async def _known(tx: Tx, pks: list[int]) -> set[int]:
    return {pk for pk in pks if await tx.checks.get(pk) is not None}


async def _note_sessions(tx: Tx, changes: list[Change]) -> list[int]:
    """Sessions that have no CDR yet are remembered; the CDRs to be judged again are those whose Session came after them."""
    again = []
    for change in changes:
        stored = await tx.objects.get_pk(change.pk)
        if stored is None:
            continue
        cdrs = await _cdrs_of(tx, stored)
        if cdrs or _never_billed(stored.document):
            await tx.checks.billed(stored.pk)
        else:
            token, evse, start = facts.about_session(stored.key, stored.document)
            await tx.checks.without(stored.pk, stored.key.source, token, evse, start)
        for pk in cdrs:
            await tx.checks.session_is(pk, stored.pk)
        again += cdrs
    return again


def _never_billed(session: Document) -> bool:
    return session["status"] == "INVALID" or (session["status"] == "COMPLETED" and not used(session))


async def _cdrs_of(tx: Tx, session: Stored) -> list[int]:
    """The CDRs of a Session, credits apart."""
    named = await tx.checks.of_session(session.key, session.key.id)
    if named:
        return [one.object for one in named if not one.credits]
    token, evse, start = facts.about_session(session.key, session.document)
    near = await tx.checks.of_token(token, start - 1, start + facts.GRACE)
    return [
        one.object
        for one in near
        if one.source == session.key.source and one.evse == evse and not one.session and one.session_object in (0, session.pk)
    ]


# --- judging


async def check(directory: Directory, pks: list[int]) -> None:
    """Judges these CDRs, and those that look different now because of them."""
    done: set[int] = set()
    while pks:
        part, pks = pks[:CHUNK], pks[CHUNK:]
        related = await directory.store.write(partial(_write_about, pks=part))
        await _judge(directory, part)
        done.update(part)
        pks += [pk for pk in dict.fromkeys(related) if pk not in done and pk not in pks]


async def _write_about(tx: Tx, pks: list[int]) -> list[int]:
    """First a row: what the CDRs are about, their Sessions billed. Which others have to be looked at again."""
    related: list[int] = []
    for pk in pks:
        stored = await tx.objects.get_pk(pk)
        if stored is not None:
            before = await tx.checks.get(pk)
            new = before is None or not before.checked_at
            found = await write_about(tx, stored.pk, stored.key, stored.document)
            related += await _touched(tx, found, stored.key) if new else ()
    return related


async def write_about(tx: Tx, pk: int, key: Key, document: Document) -> About:
    session = await facts.session_of(tx, key, document, await tx.checks.get(pk))
    found = facts.about(pk, key, document, session)
    await tx.checks.put(found)
    if session and not found.credits:
        await tx.checks.billed(session)
    return found


async def _touched(tx: Tx, about: About, key: Key) -> list[int]:
    """The CDRs that collided with one that is taken back now, and the credits that were here before what they take back."""
    if not about.credits:
        return [one.object for one in await tx.checks.credits_of(key, about.id)]
    return [one.object for one in await met(tx, about, key)]


async def met(tx: Tx, about: About, key: Key) -> list[Check]:
    """The other CDRs of its Session, or of its Token at that time, in the order in which they came."""
    found = [*await tx.checks.of_session(key, about.session), *await tx.checks.of_token(about.token, about.start_at, about.end_at)]
    return [one for number, one in sorted({one.object: one for one in found}.items()) if number != about.object]


async def _judge(directory: Directory, pks: list[int]) -> None:
    async def read(tx: Tx, pk: int) -> Case | None:
        stored, about = await tx.objects.get_pk(pk), await tx.checks.get(pk)
        return None if stored is None or about is None else await case(tx, directory, about, stored)

    found = []
    for pk in pks:
        try:
            one = await directory.store.read(partial(read, pk=pk))
        except Exception:
            log.exception("what is known of CDR %s cannot be read", pk)
            found.append((pk, failed()))
            continue
        if one is not None:
            found.append((pk, await asyncio.to_thread(judged, directory, one)))
    await directory.store.write(lambda tx: _write(tx, directory.clock(), found))


async def case(tx: Tx, directory: Directory, about: About, stored: Stored) -> Case:
    return Case(about, stored.document, await facts.known(tx, directory, about, stored.key, stored.document, stored.received_at))


def judged(directory: Directory, case: Case) -> Judgement:
    """A fault of the check itself is a finding like another: it stops no other CDR, and one of ours does not leave."""
    try:
        return judge(case.document, case.known, directory.settings.cdrs)
    except Exception:
        log.exception("the check of CDR %s failed", case.document.get("id"))
        return failed()


async def _write(tx: Tx, now: int, found: list[tuple[int, Judgement]]) -> None:
    for pk, judgement in found:
        before = await tx.checks.get(pk)
        told = msgspec.json.decode(before.findings, type=list[Finding]) if before is not None else []
        await write(tx, pk, judgement.with_these([one for one in told if one.code in MAKERS]), now)


async def write(tx: Tx, pk: int, judgement: Judgement, now: int) -> None:
    excess = "" if judgement.excess is None else str(judgement.excess)
    await tx.checks.found(pk, judgement.verdicts, excess, judgement.currency, now, encode_json(list(judgement.findings)))

"""A CDR of ours leaves when it has been found right; else it is held: stored and listed with the reason, seen by no partner.

All of them come through `issue`: from our own charging, from files, corrections. It judges and saves in one transaction, so nothing is
seen before it was judged. Held is who is seen by an audience without members; the row says who sees it once it is released, by a
person, or because a right one came in its place. A CDR that has left is never held and never changed: it is taken back
(`corrections`). A dispute is a note that we keep with the CDR, for OCPI has no message for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from interplug.model.types import format_time, parse_time
from interplug.partners.audiences import HELD
from interplug.partners.connection import OWN_DRIVERS
from interplug.partners.directory import Directory
from interplug.store.holds import Hold, Note
from interplug.store.keys import OWN, Evidence, Key, Saved, Stored
from interplug.store.tx import Tx

from . import checking, facts
from .checking import Case
from .findings import Finding, said
from .judgement import Judgement

Document = dict[str, Any]
CHECK = "the check"
"""Who holds and releases by itself."""
NEXT = 2**62
"""The number of a CDR that is not stored yet: later than all others."""


class NotPossible(ValueError):
    """Why a CDR cannot be held, released or changed, in words for a person."""


class Issued(NamedTuple):
    saved: Saved
    held: Finding | None = None
    """Why it does not leave."""


async def issue(
    tx: Tx,
    directory: Directory,
    key: Key,
    document: Document,
    audience: int,
    *,
    zone: str | None = None,
    wrong: Sequence[str] = (),
    doubt: str = "",
    evidence: Evidence | None = None,
) -> Issued:
    """Saves a CDR of ours, for that audience if it is right. `wrong`: totals that its maker knows not to be; `doubt`: why what it rests on
    may not be. Raises `NotPossible` where another content has left already."""
    before = await tx.objects.get(key)
    hold = await tx.holds.get(before.pk) if before is not None else None
    moment = parse_time(document["last_updated"])
    if before is not None and _same(before.document, document):
        seen = None if hold is not None else audience
        return Issued(await tx.objects.save(key, document, last_updated=moment, audience=seen, evidence=evidence))
    if before is not None and hold is None and before.audience != await tx.parties.audience_class(OWN_DRIVERS):
        raise NotPossible("is known with another content and may have left; a CDR never changes, take it back (interplug cdr credit)")
    pk = before.pk if before is not None else NEXT
    found = [said("not_reproducible", "/cdr", ", ".join(wrong))] if wrong else []
    found += [said("station_doubtful", "/cdr", doubt)] if doubt else []
    judgement = await _judged(tx, directory, pk, key, document, zone, found)
    reason = judgement.against or next((one for one in found if one.code == "station_doubtful"), None)
    if hold is not None and reason is None:
        document, moment = _of_now(document, directory.clock())
    seen = audience if reason is None else await tx.parties.audience_class(HELD)
    saved = await tx.objects.save(key, document, last_updated=moment, audience=seen, evidence=evidence)
    if document.get("authorization_reference") and not document.get("credit"):
        await tx.terminals.bill_is(audience, document["authorization_reference"], saved.pk)
    await checking.write_about(tx, saved.pk, key, document)
    await checking.write(tx, saved.pk, judgement, directory.clock())
    if reason is not None:
        await tx.holds.hold(Hold(saved.pk, audience, shown=False))
        await _note(tx, directory, saved.pk, "held", reason.words, CHECK)
    elif hold is not None:
        await tx.holds.release(saved.pk)
        await _note(tx, directory, saved.pk, "released", "One that is right came in its place.", CHECK)
    return Issued(saved, reason)


async def _judged(tx: Tx, directory: Directory, pk: int, key: Key, document: Document, zone: str | None, found: list[Finding]) -> Judgement:
    about = facts.about(pk, key, document, await facts.session_of(tx, key, document, None))
    known = await facts.known(tx, directory, about, key, document, directory.clock(), zone)
    return checking.judged(directory, Case(about, document, known)).with_these(found)


def _same(one: Document, other: Document) -> bool:
    return one == {**other, "last_updated": one["last_updated"]}


def _of_now(document: Document, now: int) -> tuple[Document, int]:
    """A CDR that nobody has seen is new to whoever asks for what has changed since the last time."""
    moment = max(now // 1_000_000 * 1_000_000, parse_time(document["last_updated"]))
    return {**document, "last_updated": format_time(moment)}, moment


async def _note(tx: Tx, directory: Directory, pk: int, what: str, reason: str, who: str) -> None:
    await tx.holds.note(Note(pk, what, reason, who, directory.clock()))


# --- by hand


async def hold(directory: Directory, cdr: Stored, reason: str, who: str) -> None:
    """An own CDR that has not left yet stays here until it is released."""

    async def work(tx: Tx) -> None:
        stored = await _own(tx, cdr)
        if await tx.holds.get(stored.pk) is not None:
            raise NotPossible(f"CDR {cdr.key.id} is held already")
        if await tx.cursors.delivered_at(stored.audience, stored.pk) is not None:
            raise NotPossible(f"CDR {cdr.key.id} has been sent; take it back with: interplug cdr credit {cdr.key.id}")
        await tx.holds.hold(Hold(stored.pk, stored.audience, shown=True))
        await tx.objects.set_audience(stored.pk, await tx.parties.audience_class(HELD))
        await _note(tx, directory, stored.pk, "held", reason, who)

    await directory.store.write(work)


async def release(directory: Directory, cdr: Stored, reason: str, who: str) -> None:
    """It leaves now, whatever was found."""

    async def work(tx: Tx) -> None:
        stored = await _own(tx, cdr)
        held = await tx.holds.get(stored.pk)
        if held is None:
            raise NotPossible(f"CDR {cdr.key.id} is not held")
        about = await tx.checks.get(stored.pk)
        takers = await tx.checks.taken_back_by(stored.key, about.credits) if about is not None and about.credits else []
        if takers:
            raise NotPossible(f"CDR {cdr.key.id} takes back what {await facts.name_of(tx, takers[0])} has taken back already")
        document, moment = (stored.document, stored.last_updated) if held.shown else _of_now(stored.document, directory.clock())
        await tx.objects.save(stored.key, document, last_updated=moment, audience=held.audience)
        await tx.holds.release(stored.pk)
        await _note(tx, directory, stored.pk, "released", reason, who)

    await directory.store.write(work)


async def dispute(directory: Directory, cdr: Stored, reason: str, who: str, *, settled: bool = False) -> None:
    """That a CDR, our own or a partner's, is argued about, or no longer."""

    async def work(tx: Tx) -> None:
        open_ = await tx.holds.in_dispute(cdr.pk)
        if settled and not open_:
            raise NotPossible(f"CDR {cdr.key.id} is not in dispute")
        await _note(tx, directory, cdr.pk, "settled" if settled else "disputed", reason, who)

    await directory.store.write(work)


async def _own(tx: Tx, cdr: Stored) -> Stored:
    stored = await tx.objects.get_pk(cdr.pk)
    if stored is None or stored.key.source != OWN:
        raise NotPossible(
            f"CDR {cdr.key.id} is a partner's; only our own are held and released (interplug cdr dispute notes what is wrong)"
        )
    return stored

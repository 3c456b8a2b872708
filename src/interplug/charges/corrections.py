"""A CDR that was wrong is never changed: it is taken back by a credit CDR, and another one takes its place (10.1.4).

Both go where the first one went. A connection of 2.1.1 cannot be told (CDR-022); who settles with it by hand finds the
credit CDR here like any other.
"""

from __future__ import annotations

import uuid
from typing import Any

from interplug.model.validate import Invalid, validate
from interplug.modules.node import Node
from interplug.store.holds import Note
from interplug.store.keys import OWN, Key, Stored
from interplug.store.tx import Tx
from interplug.tariffs import TariffError

from . import bills, facts, holding, invoices

Document = dict[str, Any]
WRONG = (Invalid, TariffError, bills.Unbillable)
"""What a document that is no CDR, or whose Tariffs price nothing, is known by."""


class NotCreditable(ValueError):
    """There is no such CDR of ours, it has not left, it is a credit itself, a credit of it is held, or nothing right would replace it."""


async def credit(node: Node, cdr_id: str, reason: str = "", who: str = "") -> str:
    """Takes an own CDR back; the id of the credit CDR. A second time changes nothing. `who` leaves a note."""

    async def work(tx: Tx) -> str:
        first = await _own(tx, cdr_id)
        if who and not await tx.checks.credits_of(first.key, first.key.id):
            await tx.holds.note(Note(first.pk, "credited", reason, who, node.clock()))
        return await _credit(tx, node, cdr_id)

    return await node.store.write(work)


async def correct(node: Node, cdr_id: str, document: Document, reason: str = "", who: str = "") -> str:
    """Takes an own CDR back and puts `document` in its place, at the same party, with a new id and totals worked out anew; the new id.
    Raises NotCreditable where that cannot be, and then nothing has changed. `who` leaves a note with the first one."""

    async def work(tx: Tx) -> str:
        stored = await _own(tx, cdr_id)
        if await _taker(tx, stored) is not None:
            raise NotCreditable(f"CDR {cdr_id} has been taken back already")
        whose = {name: stored.document[name] for name in ("country_code", "party_id")}
        try:
            validate("cdr", document | whose)
            zone = await facts.zone_of(tx, stored.key, document)
            again = bills.corrected(document | whose, str(uuid.uuid4()), zone, _now(node))
        except WRONG as error:
            raise NotCreditable(f"what is to replace it is no CDR: {error}") from error
        if who:
            await tx.holds.note(Note(stored.pk, "credited", reason, who, node.clock()))
        await _credit(tx, node, cdr_id)
        await _save(tx, node, stored, again)
        return str(again["id"])

    return await node.store.write(work)


async def _credit(tx: Tx, node: Node, cdr_id: str) -> str:
    stored = await _own(tx, cdr_id)
    taker = await _taker(tx, stored)
    if taker is not None:
        return taker
    negative = bills.credited(stored.document, _now(node))
    await _save(tx, node, stored, negative)
    return str(negative["id"])


async def _taker(tx: Tx, first: Stored) -> str | None:
    """The credit CDR that takes it back already."""
    for one in await tx.checks.credits_of(first.key, first.key.id):
        name = await facts.name_of(tx, one)
        if await tx.holds.get(one.object) is not None:
            raise NotCreditable(f"the credit {name} of CDR {first.key.id} is held; release it, or bring the right one under its id")
        return name
    return None


async def _own(tx: Tx, cdr_id: str) -> Stored:
    for stored in await tx.objects.find_id("cdrs", cdr_id, OWN):
        if await tx.holds.get(stored.pk) is not None:
            raise NotCreditable(f"CDR {cdr_id} is held and has not left; there is nothing to take back")
        if not stored.document.get("credit"):
            return stored
    raise NotCreditable(f"CDR {cdr_id} is none of ours that could be credited")


async def _save(tx: Tx, node: Node, first: Stored, document: Document) -> None:
    key = Key("cdrs", OWN, first.key.country, first.key.party, document["id"])
    if await tx.objects.get(key) is None:
        if document.get("invoice_reference_id"):
            document = {**document, "invoice_reference_id": await invoices.take_number(tx, node)}
        await holding.issue(tx, node.directory, key, document, first.audience)


def _now(node: Node) -> int:
    return node.clock() // 1000 * 1000

"""`interplug apply`: parties and offers as a file says them, so that a node can be set up from what is kept under version control.

A section that is there is the whole truth about offers: one that the file does not name ends. Parties are added and renamed, and never
taken away, for partners know of them. Nothing is done if anything in the file is wrong.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from interplug.drivers.offers import BadOffer, Offer, read_offer
from interplug.model.types import BadJson, decode_json, encode_json, fold
from interplug.modules.node import Node
from interplug.store.tx import Tx

from .ending import USAGE, end, show
from .opening import REPORTING, Reporting, with_node
from .parties import Role
from .parties import party as party_of

Document = dict[str, Any]
SIGNS = {"add": "+", "change": "~", "end": "-"}


class PartyEntry(msgspec.Struct, forbid_unknown_fields=True):
    role: Role
    id: str
    """As NL-TNM."""
    name: str = ""
    website: str = ""


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    parties: list[PartyEntry] = []
    offers: list[Document] | None = None


class Change(msgspec.Struct):
    what: Literal["add", "change", "end"]
    kind: Literal["party", "offer"]
    id: str
    before: Document | None
    after: Document | None


def apply(
    file: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    dry_run: Annotated[bool, Parameter(name="--dry-run", negative=(), help="Only say what would change.")] = False,
    common: Reporting = REPORTING,
) -> None:
    """Bring parties and offers to what a file says, and show what that changes. A second time changes nothing.

    `[[parties]]` has role, id, name and website; `[[offers]]` the fields that `interplug offer show --json` prints.

    Parameters
    ----------
    file
        TOML, or JSON; - for JSON on standard input.
    """
    wanted, offers = _wanted(file)

    async def work(node: Node) -> list[Change]:
        changes = await node.store.read(lambda tx: _changes(tx, node, wanted, offers))
        if changes and not dry_run:
            await node.directory.write(lambda tx: _carry_out(tx, node, changes))
        return changes

    changes = with_node(common, work, makes=not dry_run)
    document = {"applied": not dry_run, "changes": changes}
    show(msgspec.to_builtins(document, builtin_types=(Decimal,)), _lines(changes, dry_run=dry_run), json=common.json)


def _wanted(file: str) -> tuple[Wanted, list[Offer] | None]:
    try:
        wanted = msgspec.convert(_read(file), Wanted)
        offers = None if wanted.offers is None else [read_offer(one) for one in wanted.offers]
    except (msgspec.ValidationError, BadOffer) as error:
        end(f"{file}: {error}", USAGE)
    names = [fold(one.id) for one in offers or ()]
    if len(names) > len(set(names)):
        end(f"{file}: two offers have the same id", USAGE)
    return wanted, offers


def _read(file: str) -> Any:
    raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    try:
        # By way of JSON: a time of TOML is a text of OCPI.
        return decode_json(encode_json(tomllib.loads(raw.decode(), parse_float=Decimal)) if file.endswith(".toml") else raw)
    except (BadJson, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        end(f"{file}: {error}", USAGE)


async def _changes(tx: Tx, node: Node, wanted: Wanted, offers: list[Offer] | None) -> list[Change]:
    found = [change for one in wanted.parties if (change := _party_change(node, one)) is not None]
    if offers is not None:
        known = {fold(one["id"]): one for one in await tx.offers.all()}
        for offer in offers:
            before = known.pop(fold(offer.id), None)
            if before != offer.document():
                found.append(Change("add" if before is None else "change", "offer", offer.id, before, offer.document()))
        found += [Change("end", "offer", one["id"], one, None) for one in known.values()]
    return found


def _party_change(node: Node, entry: PartyEntry) -> Change | None:
    wanted = party_of(entry.id)
    after = {"name": entry.name or str(wanted)} | ({"website": entry.website} if entry.website else {})
    known = [
        one for one in node.directory.our_parties(entry.role) if (one.country_code, one.party_id) == (wanted.country_code, wanted.party_id)
    ]
    if not known:
        return Change("add", "party", f"{entry.role} {wanted}", None, after)
    before = known[0].business_details
    unchanged = before == after or not (entry.name or entry.website)
    return None if unchanged else Change("change", "party", f"{entry.role} {wanted}", before, after)


async def _carry_out(tx: Tx, node: Node, changes: list[Change]) -> None:
    for change in changes:
        if change.kind == "party":
            role, _, name = change.id.partition(" ")
            one = party_of(name)
            await tx.parties.add(role, one.country_code, one.party_id, change.after)
        elif change.after is None:
            await tx.offers.end(change.id, node.clock())
        else:
            await tx.offers.put(change.id, change.after, node.clock())


def _lines(changes: list[Change], *, dry_run: bool) -> Iterator[str]:
    if not changes:
        yield "nothing to change"
    for change in changes:
        yield f"{SIGNS[change.what]} {change.kind} {change.id}"
        before, after = change.before or {}, change.after or {}
        for name in (*before, *(one for one in after if one not in before)):
            old, new = before.get(name), after.get(name)
            if change.what == "change" and old != new:
                yield f"    {name}: {_spelled(old)} -> {_spelled(new)}"
    if changes and dry_run:
        yield "nothing was changed: this was a dry run"


def _spelled(value: Any) -> str:
    return "-" if value is None else encode_json(value).decode()

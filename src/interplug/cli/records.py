"""`interplug cdr list`, `show` and `check`: the charge detail records, our own and those that we received, and what was found in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from cyclopts import Parameter

from interplug.charges import checking, facts
from interplug.charges.findings import VERDICTS
from interplug.charges.missing import missing
from interplug.charges.signed import Proof, prove
from interplug.model.types import decode_json, format_time
from interplug.modules.node import Node
from interplug.store.bills import Bill
from interplug.store.checks import Check, Listed, Wanted
from interplug.store.holds import Note
from interplug.store.keys import OWN, Stored
from interplug.store.tx import Tx
from interplug.tariffs import worked

from .ending import USAGE, columns, end, show
from .margins import bill_lines, billed
from .opening import DASH, REPORTING, Reporting, with_node
from .options import Limit
from .partners import named

BATCH = 500
OWN_CDRS = "-"
OF_PARTNER = Annotated[str | None, DASH, Parameter(help="Only those that this partner sent; - for our own.")]


def list_(
    *,
    partner: OF_PARTNER = None,
    verdict: Annotated[str | None, Parameter(help=f"Only those with this verdict: {', '.join(VERDICTS)}.")] = None,
    held: Annotated[bool, Parameter(negative=(), help="Only those of ours that are held.")] = False,
    disputed: Annotated[bool, Parameter(negative=(), help="Only those in dispute.")] = False,
    missing_: Annotated[bool, Parameter(name="--missing", negative=(), help="Sessions for which no CDR has come, instead.")] = False,
    limit: Limit = 50,
    common: Reporting = REPORTING,
) -> None:
    """List CDRs with their verdicts, newest first."""
    if verdict is not None and verdict not in VERDICTS:
        end(f"{verdict} is no verdict; there are {', '.join(VERDICTS)}", USAGE)

    async def work(node: Node) -> list[dict[str, Any]]:
        source, names = _source(node, partner), _names(node)
        if missing_:
            return [_session(one, names) for one in await missing(node, source, limit)]
        wanted = Wanted(source, verdict or "", held, disputed, limit)

        async def read(tx: Tx) -> list[dict[str, Any]]:
            found = [(one, await tx.objects.get_pk(one.pk)) for one in await tx.checks.newest(wanted)]
            return [_row(one, stored, names, await tx.bills.of_cdr(one.pk)) for one, stored in found if stored is not None]

        return await node.store.read(read)

    found = with_node(common, work)
    if missing_:
        heads: tuple[str, ...] = ("id", "from", "start", "kwh", "cost", "currency", "state", "last heard of")
        empty, lines = "no Session lacks its CDR", [list(one.values()) for one in found]
    else:
        heads = ("id", "from", "start", "end", "kwh", "cost", "currency", "session", "verdict", "excess", "state", "sold", "margin")
        empty, lines = "no such CDR" if verdict or held or disputed else "no CDR yet", [_cells(one) for one in found]
    show(found, columns(heads, lines) if found else [empty], json=common.json)


def _source(node: Node, partner: str | None) -> int | None:
    return None if partner is None else OWN if partner == OWN_CDRS else named(node, partner).id


def _names(node: Node) -> dict[int, str]:
    return {OWN: "own", **{one.id: one.partner for one in node.directory.all(removed=True)}}


def _row(one: Listed, stored: Stored, names: dict[int, str], bill: Bill | None) -> dict[str, Any]:
    cdr = stored.document
    return {
        "id": cdr["id"],
        "from": names.get(stored.key.source, str(stored.key.source)),
        "start_date_time": cdr["start_date_time"],
        "end_date_time": cdr["end_date_time"],
        "total_energy": cdr["total_energy"],
        "total_cost": cdr["total_cost"]["before_taxes"],
        "currency": cdr["currency"],
        "session_id": cdr.get("session_id"),
        "party": f"{cdr['country_code']}-{cdr['party_id']}",
        "verdicts": one.verdicts,
        "excess": one.excess or None,
        "findings": decode_json(one.findings),
        "held": one.held,
        "credited": one.credited,
        "dispute": one.dispute or None,
        **_sale(billed(bill)),
    }


def _sale(bill: dict[str, Any] | None) -> dict[str, Any]:
    """What our driver was billed for it."""
    names = ("offer", "sold", "margin", "margin_unknown")
    return {name: None if bill is None else bill[name] for name in names}


def _cells(row: dict[str, Any]) -> list[Any]:
    states = [name for name in ("held", "credited") if row[name]] + ([row["dispute"]] if row["dispute"] else [])
    shown = [
        row[name] for name in ("id", "from", "start_date_time", "end_date_time", "total_energy", "total_cost", "currency", "session_id")
    ]
    sold = row["sold"]
    return [
        *shown,
        ", ".join(row["verdicts"]) or "not checked yet",
        row["excess"],
        ", ".join(states),
        sold and sold["before_taxes"],
        row["margin"],
    ]


def _session(stored: Stored, names: dict[int, str]) -> dict[str, Any]:
    session = stored.document
    return {
        "id": session["id"],
        "from": names.get(stored.key.source, str(stored.key.source)),
        "start_date_time": session["start_date_time"],
        "kwh": session["kwh"],
        "total_cost": (session.get("total_cost") or {}).get("before_taxes"),
        "currency": session["currency"],
        "status": session["status"],
        "last_heard_of": format_time(stored.received_at),
    }


# --- one


def show_(id: str, /, *, partner: OF_PARTNER = None, common: Reporting = REPORTING) -> None:
    """Show a CDR as it is stored, in the newest form, with what was found and its price worked by hand.

    With --json these stand in `interplug`, beside the fields of the CDR.

    Parameters
    ----------
    id
        The id of the CDR.
    """

    async def work(node: Node) -> dict[str, Any]:
        stored = await found(node, id, partner)

        async def read(tx: Tx) -> dict[str, Any]:
            check = await tx.checks.get(stored.pk)
            held = await tx.holds.get(stored.pk)
            notes = await tx.holds.notes(stored.pk)
            about = check or facts.about(stored.pk, stored.key, stored.document, 0)
            case = await checking.case(tx, node.directory, about, stored)
            verified = checking.judged(node.directory, case).verified
            return {
                **stored.document,
                "interplug": {
                    "from": _names(node).get(stored.key.source, str(stored.key.source)),
                    "check": _check(check),
                    "held": held is not None,
                    "notes": [_note(note) for note in notes],
                    "bill": billed(await tx.bills.of_cdr(stored.pk)),
                    "signed": _signed(prove(stored.document)),
                    "price": worked(verified.priced) if verified is not None and verified.priced is not None else [],
                },
            }

        return await node.store.read(read)

    document = with_node(common, work)
    show(document, _lines(document), json=common.json)


async def found(node: Node, id: str, partner: str | None) -> Stored:
    """The one CDR of that id; of several the one that `partner` says."""
    source = _source(node, partner)
    several = await node.store.read(lambda tx: tx.objects.find_id("cdrs", id, source))
    if not several:
        end(f"there is no CDR {id!r}")
    if len(several) > 1:
        names = _names(node)
        end(
            f"there are {len(several)} CDRs {id!r}, from {', '.join(names[one.key.source] for one in several)}; say whose with --partner",
            USAGE,
        )
    return several[0]


def _check(check: Check | None) -> dict[str, Any] | None:
    if check is None or not check.checked_at:
        return None
    return {
        "verdicts": check.verdicts,
        "excess": check.excess or None,
        "currency": check.currency,
        "checked_at": format_time(check.checked_at),
        "findings": decode_json(check.findings),
    }


def _signed(proof: Proof | None) -> dict[str, Any] | None:
    """What the meter signed; the key is for comparing it with the one on the meter."""
    return None if proof is None else {"verdict": proof.verdict, "kwh": proof.kwh, "public_key": proof.key or None}


def _note(note: Note) -> dict[str, Any]:
    return {"what": note.what, "reason": note.reason, "who": note.who, "at": format_time(note.at)}


def _lines(document: dict[str, Any]) -> Iterator[str]:
    cdr, ours = document, document["interplug"]
    check, cost = ours["check"], cdr["total_cost"]
    amounts = [tax["amount"] for tax in cost.get("taxes") or ()]
    taxes = f"taxes {sum(amounts)}" if amounts else "taxes not told"
    yield f"CDR        {cdr['id']} of {cdr['country_code']}-{cdr['party_id']}, from {ours['from']}"
    yield f"session    {cdr.get('session_id') or '-'}, {cdr['start_date_time']} to {cdr['end_date_time']}"
    yield f"place      {cdr['cdr_location'].get('name') or ''} {cdr['cdr_location']['address']}, {cdr['cdr_location']['city']}"
    yield f"token      {cdr['cdr_token']['contract_id']}"
    yield f"energy     {cdr['total_energy']} kWh in {cdr['total_time']} h"
    yield f"cost       {cost['before_taxes']} {cdr['currency']} before taxes, {taxes}"
    yield f"verdict    {', '.join(check['verdicts']) if check else 'not checked yet'}{', held' if ours['held'] else ''}"
    for finding in check["findings"] if check else ():
        yield f"  {finding['severity']:8} {finding['code']}: {finding['words']}"
    if ours["signed"]:
        kwh, key = ours["signed"]["kwh"], ours["signed"]["public_key"]
        yield f"signed     {'-' if kwh is None else f'{kwh} kWh'}, key of the meter: {key or 'not known'}"
    if ours["price"]:
        yield "price"
        yield from (f"  {line}" for line in ours["price"])
    if ours["bill"] is not None:
        yield from bill_lines(ours["bill"])
    for note in ours["notes"]:
        yield f"{note['what']:10} {note['at']} by {note['who']}{': ' + note['reason'] if note['reason'] else ''}"


# --- once more


def check(
    ids: Annotated[list[str] | None, Parameter(help="Ids of CDRs; without any, all.")] = None,
    /,
    *,
    partner: OF_PARTNER = None,
    common: Reporting = REPORTING,
) -> None:
    """Judge CDRs again, with what is known now. Nothing is held or released by it."""

    async def work(node: Node) -> dict[str, int]:
        if ids:
            return await _checked(node, [(await found(node, name, partner)).pk for name in ids])
        source, after, counts = _source(node, partner), 0, dict[str, int]()
        while True:
            part, after = await node.store.read(lambda tx, after=after: tx.objects.batch("cdrs", after, BATCH, source))  # type: ignore[misc]
            if not part:
                return counts
            for name, n in (await _checked(node, [one.pk for one in part])).items():
                counts[name] = counts.get(name, 0) + n

    counts = with_node(common, work)
    lines = [f"{counts.get('checked', 0)} checked", *(f"  {name} {counts[name]}" for name in VERDICTS if name in counts)]
    show(counts, lines, json=common.json)


async def _checked(node: Node, pks: list[int]) -> dict[str, int]:
    await checking.check(node.directory, pks)
    checks = await node.store.read(lambda tx: _all(tx, pks))
    counts = {"checked": len(checks)}
    for one in checks:
        for verdict in one.verdicts:
            counts[verdict] = counts.get(verdict, 0) + 1
    return counts


async def _all(tx: Tx, pks: list[int]) -> list[Check]:
    return [one for pk in pks if (one := await tx.checks.get(pk)) is not None]

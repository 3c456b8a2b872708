"""Everything that this node can say about one CDR, for somebody who has to argue about it: with a partner, a driver or before a court.

What arrived is given byte for byte, as history holds it; what was computed is computed now, by the engine that checks every CDR. What
is not there any more, or never was, is said with the reason. Nothing is changed by it, and it works for a CDR of ours as for one that
a partner sent. No token is in it: the message log never holds one.
"""

from __future__ import annotations

from typing import Any

import msgspec

from interplug import __version__
from interplug.model.types import BadJson, decode_json, fold, format_time
from interplug.modules import lens
from interplug.modules.node import Node
from interplug.partners.directory import Connection
from interplug.partners.presentation import root
from interplug.store.history import Version
from interplug.store.keys import OWN, Key, Stored
from interplug.store.tx import Tx
from interplug.tariffs import worked

from . import checking
from .archive import Exhibit, manifest
from .conversation import converse
from .matter import Matter, gather
from .pinned import Pinned

Document = dict[str, Any]


async def collect(node: Node, cdr: Stored, *, retail: bool = False) -> tuple[Document, list[Exhibit]]:
    """The manifest and the exhibits, all from one moment of the database. `retail`: also what the driver pays, which is no business of the
    partner."""

    async def read(tx: Tx) -> Matter:
        matter = await gather(tx, node, cdr)
        await _cdr(matter)
        await _price(matter)
        await _tariffs(matter)
        await _session(matter)
        await _retail(matter, wanted=retail)
        await converse(matter)
        return matter

    matter = await node.store.read(read)
    return manifest(_about(matter), matter.exhibits, matter.missing), matter.exhibits


def _about(matter: Matter) -> Document:
    node, cdr, connection = matter.node, matter.cdr.document, matter.connection
    parties = [f"{one.role} {one.country_code}-{one.party_id}" for one in node.directory.our_parties()]
    return {
        "cdr": cdr["id"],
        "of": f"{cdr['country_code']}-{cdr['party_id']}",
        "session": matter.session_id,
        "start_date_time": cdr["start_date_time"],
        "end_date_time": cdr["end_date_time"],
        "currency": cdr["currency"],
        "total_cost": cdr["total_cost"],
        "here_since": format_time(matter.cdr.received_at),
        "made": "here" if matter.own else "by the partner",
        "partner": None if connection is None else connection.partner,
        "ocpi": None if connection is None else connection.version,
        "node": {"interplug": __version__, "parties": parties, "url": root(node.settings)},
        "made_at": format_time(node.clock()),
    }


# --- the CDR and its price


async def _cdr(matter: Matter) -> None:
    versions = await matter.tx.history.versions_of(matter.cdr.key)
    first = next((one for one in versions if one.why == "new"), None)
    if first is not None:
        said = "as it was made" if matter.own else f"as it was received over OCPI {first.version}"
        matter.show("cdr/received.json", f"The CDR {said}, byte for byte.", first.document)
    else:
        matter.lack("the CDR as it was received", matter.kept("cdr_days"))
    matter.show("cdr/stored.json", "The CDR as it is stored, in the form of OCPI 2.3.0.", matter.cdr.document)
    _versions(matter, "cdr", versions)
    if matter.own and matter.connection is not None and matter.connection.version is not None:
        await _as_sent(matter, matter.connection, matter.connection.version)


async def _as_sent(matter: Matter, connection: Connection, version: str) -> None:
    view = await lens.show(matter.tx, connection, version, "cdr", matter.cdr.document, matter.node.clock(), matter.node.settings)
    if view is not None:
        matter.show("cdr/for_partner.json", f"The CDR in the form in which {connection.partner} is given it, OCPI {version}.", view)
    else:
        matter.lack("the CDR in the partner's form", f"OCPI {version} cannot say it")


def _versions(matter: Matter, folder: str, versions: list[Version]) -> None:
    """Every version that history holds, each as it arrived, and a list of them."""
    names = {OWN: "this node", **{one.id: one.partner for one in matter.node.directory.all(removed=True)}}
    listed = []
    for number, one in enumerate(versions, start=1):
        name = f"{folder}/versions/{number:04}-{one.why}.json" if one.document else None
        listed.append(
            {
                "file": name,
                "why": one.why,
                "received_at": format_time(one.received_at),
                "from": names.get(one.connection, str(one.connection)),
                **_told(one.document),
                "ocpi": one.version,
                "change": one.no,
                "sha256": one.sha256.hex(),
            }
        )
        if name is not None:
            matter.show(name, f"{one.why}, {format_time(one.received_at)}, OCPI {one.version}, byte for byte.", one.document)
    if listed:
        matter.show(f"{folder}/versions.json", "When each version came, over which connection, and its hash as it was kept then.", listed)


def _told(raw: bytes) -> Document:
    """How far the session was, in so far as this version says it."""
    try:
        found = decode_json(raw)
    except BadJson:
        return {}
    said = {name: found[name] for name in ("status", "kwh") if name in found} if isinstance(found, dict) else {}
    return said | ({"charging_periods": len(found["charging_periods"])} if said and isinstance(found.get("charging_periods"), list) else {})


async def _price(matter: Matter) -> None:
    tx, directory, cdr = matter.tx, matter.node.directory, matter.cdr
    case = await checking.case(tx, directory, matter.about, cdr)
    judgement = checking.judged(directory, case)
    verified = judgement.verified
    priced = verified.priced if verified is not None else None
    if priced is not None:
        matter.show("price/worked.txt", "The price worked by hand, line by line.", ("\n".join(worked(priced)) + "\n").encode())
        matter.show(
            "price/priced.json", "The same with every line, the tariff elements that failed and why, and each policy.", priced.to_document()
        )
    else:
        matter.lack("the price worked by hand", _unpriced(case) or "; ".join(finding.words for finding in judgement.findings))
    kept = await tx.checks.get(cdr.pk)
    held, notes = await tx.holds.get(cdr.pk), await tx.holds.notes(cdr.pk)
    said = {
        "now": {
            "verdicts": judgement.verdicts,
            "excess": judgement.excess,
            "currency": judgement.currency,
            "findings": judgement.findings,
            "price": verified.to_document() if verified is not None else None,
        },
        "when_last_checked": None
        if kept is None or not kept.checked_at
        else {
            "checked_at": format_time(kept.checked_at),
            "verdicts": kept.verdicts,
            "excess": kept.excess or None,
            "findings": decode_json(kept.findings),
        },
        "held": held is not None,
        "notes": [{"what": one.what, "reason": one.reason, "by": one.who, "at": format_time(one.at)} for one in notes],
    }
    matter.show("price/check.json", "What the check of the CDR found, now and then; whether it is held; what people noted.", said)


def _unpriced(case: checking.Case) -> str:
    """What the total was compared with instead of a price."""
    original = case.known.original
    if case.document.get("credit") and original is not None:
        total = f"{original['total_cost']['before_taxes']} {original['currency']} before taxes"
        return f"a credit is compared with the total of CDR {original['id']}, which it takes back: {total}"
    return ""


# --- the tariffs


async def _tariffs(matter: Matter) -> None:
    if matter.charge is not None:
        matter.show(
            "tariffs/pinned.json",
            "What was settled when the session began: place, time zone and tariff.",
            decode_json(matter.charge.pinned),
        )
    elif matter.own:
        matter.lack("what was pinned when the session began", "the session was not run by this node")
    if matter.drive is not None:
        matter.show("tariffs/shown.json", "The tariffs that the driver was shown before the start.", decode_json(matter.drive.shown))
    elif not matter.own:
        matter.lack("the tariffs that the driver was shown", "the charge was not started on this node's driver's page")
    key, start = matter.cdr.key, matter.about.start_at
    for number, name in enumerate(await _named(matter), start=1):
        at = Key("tariffs", key.source, key.country, key.party, name)
        held = await matter.tx.history.at(at, start)
        if held is not None and held.document:
            since = f"of {format_time(held.received_at)}, OCPI {held.version}, byte for byte"
            said = f"Tariff {name} as it was known when the session began: {since}."
            matter.show(f"tariffs/at_start_{number}.json", said, held.document)
        else:
            matter.lack(f"tariff {name} as it was known when the session began", matter.kept("tariff_days"))


async def _named(matter: Matter) -> list[str]:
    """The tariffs in the CDR, those that its periods name, and else those that the Connector names."""
    cdr, key = matter.cdr.document, matter.cdr.key
    names = [tariff["id"] for tariff in cdr.get("tariffs") or ()]
    names += [period["tariff_id"] for period in cdr["charging_periods"] if period.get("tariff_id")]
    if not names:
        place = cdr["cdr_location"]
        evse = await matter.tx.objects.get_evse(Key("locations", key.source, key.country, key.party, place["id"]), place["evse_uid"])
        connectors = evse.document["connectors"] if evse is not None else ()
        names = [name for one in connectors if fold(one["id"]) == fold(place["connector_id"]) for name in one.get("tariff_ids") or ()]
    return list({fold(name): name for name in names}.values())


# --- the session


async def _session(matter: Matter) -> None:
    session = matter.session
    if session is None:
        matter.lack("the session", "this node knows of none that belongs to the CDR")
    else:
        matter.show("session/stored.json", "The session as it is stored, in the form of OCPI 2.3.0.", session.document)
        versions = await matter.tx.history.versions_of(session.key)
        _versions(matter, "session", versions)
        if not versions:
            matter.lack("the course of the session", matter.kept("session_days"))
    if matter.charge is not None:
        readings = await matter.tx.stations.readings(matter.charge.id)
        listed = [{**msgspec.structs.asdict(one), "at": format_time(one.at)} for one in readings]
        if listed:
            said = "What the meter said: kWh, watts, amperes, state of charge."
            begun = Pinned.read(matter.charge.pinned).begun_kwh
            matter.show(
                "session/readings.json", said if begun is None else f"{said} It showed {begun:f} kWh when the charge began.", listed
            )
        else:
            matter.lack("the readings of the meter", matter.kept("reading_days"))


# --- what the driver pays


async def _retail(matter: Matter, *, wanted: bool) -> None:
    bill = await matter.tx.bills.of_cdr(matter.cdr.pk)
    offer = decode_json(matter.drive.offer) if matter.drive is not None else None
    if bill is None and offer is None:
        return
    if not wanted:
        matter.lack("what the driver pays", "it is no business of the partner; ask for it by --retail")
        return
    if offer is not None:
        matter.show("retail/offer.json", "The offer under which the driver started.", offer)
    if bill is not None:
        written = {**msgspec.structs.asdict(bill), "lines": decode_json(bill.lines)}
        times = {name: format_time(written[name]) for name in ("ended_at", "billed_at")}
        matter.show("retail/bill.json", "What was bought from the operator, and what was sold to the driver.", written | times)

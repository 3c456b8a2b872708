"""What the node knows about a CDR besides the CDR: gathered for `judging`, which decides, in one read of the store.

A Session and a CDR belong together by `session_id`, or where that is not said (2.1.1) by Token, EVSE and time.
"""

from __future__ import annotations

from typing import Any

from interplug.model.types import decode_json, fold, parse_time
from interplug.modules import lens
from interplug.modules.zones import zone_at
from interplug.partners.directory import Directory
from interplug.store.checks import About, Check
from interplug.store.history import Version
from interplug.store.keys import OWN, Key, Stored
from interplug.store.tx import Tx
from interplug.versions import chain, tolerant
from interplug.versions.facts import Facts

from .judgement import Known, Other
from .judging import capacity_of, far_beyond
from .money import named

Document = dict[str, Any]
SECOND = 1_000_000
GRACE = 15 * 60 * SECOND
"""A tariff is pinned when the cable is in, and what is pushed takes a moment: so far before and after the start a version may be meant."""
NO_EVSE = "#NA"
"""A reservation that was never used names no EVSE (10.4.5)."""


# --- what it is about


def about(pk: int, key: Key, cdr: Document, session_object: int) -> About:
    """What of a CDR is kept beside it, to find it by; names are folded. `session_object`: the number of its Session in the store, 0:
    none."""
    place = cdr["cdr_location"]
    return About(
        object=pk,
        source=key.source,
        country=fold(key.country),
        party=fold(key.party),
        id=fold(key.id),
        session=fold(cdr.get("session_id") or ""),
        session_object=session_object,
        token=_token(cdr),
        evse=_evse(key, place["id"], place["evse_uid"]),
        start_at=parse_time(cdr["start_date_time"]),
        end_at=parse_time(cdr["end_date_time"]),
        credits=fold(cdr.get("credit_reference_id") or "") if cdr.get("credit") else "",
    )


def about_session(key: Key, session: Document) -> tuple[str, str, int]:
    """The Token, the EVSE and the start of a Session, as `About` has them of a CDR."""
    return _token(session), _evse(key, session["location_id"], session["evse_uid"]), parse_time(session["start_date_time"])


def _token(document: Document) -> str:
    """By uid; what came over 2.1.1 may know the contract alone."""
    token = document["cdr_token"]
    return fold(token["contract_id"] if token["uid"] == NO_EVSE else token["uid"])


def _evse(key: Key, location: str, uid: str) -> str:
    return "" if uid == NO_EVSE else fold("/".join((key.country, key.party, location, uid)))


async def session_of(tx: Tx, key: Key, cdr: Document, known: Check | None) -> int:
    """The number of the Session that a CDR is for, 0 where none is known."""
    if cdr.get("session_id"):
        stored = await tx.objects.get(Key("sessions", key.source, key.country, key.party, cdr["session_id"]))
        return stored.pk if stored is not None else 0
    if known is not None and known.session_object:
        return known.session_object
    found = about(0, key, cdr, 0)
    billed = await tx.checks.of_token(found.token, found.start_at, found.end_at)
    same = (one.session_object for one in billed if one.source == key.source and one.evse == found.evse and one.session_object)
    open_ = await tx.checks.open_at(key.source, found.token, found.evse, found.start_at - GRACE, found.end_at)
    return open_ or next(same, 0)


# --- what is known


async def known(tx: Tx, directory: Directory, about: About, key: Key, cdr: Document, received_at: int, zone: str | None = None) -> Known:
    """`zone` where the caller knows it better than the Location that we hold."""
    own, place = key.source == OWN, cdr["cdr_location"]
    where = Key("locations", key.source, key.country, key.party, place["id"])
    connector = await _connector(tx, where, place)
    session = await tx.objects.get_pk(about.session_object) if about.session_object else None
    connection = directory.by_id(key.source)
    takers = await tx.checks.taken_back_by(key, about.credits) if about.credits else []
    original = Key("cdrs", key.source, key.country, key.party, cdr["credit_reference_id"]) if about.credits else None
    first = await tx.objects.get(original) if original is not None else None
    return Known(
        own=own,
        received_at=received_at,
        since=(connection.registered_at or connection.created_at) if connection is not None else 0,
        zone=zone or await zone_of(tx, key, cdr),
        published=await _published(tx, key, cdr, connector, about.start_at),
        session=session.document if session is not None else None,
        session_expected=connection is not None and connection.endpoint("sessions", "SENDER") is not None,
        authorised=not own and await _driven(tx, key, cdr),
        token_known=not own and await our_token(tx, cdr),
        watts=capacity_of(connector) if connector is not None else None,
        others=[] if about.credits else await others(tx, about, key),
        original=first.document if first is not None else None,
        credited_by=tuple(one.id for one in takers if one.object < about.object),
    )


async def zone_of(tx: Tx, key: Key, cdr: Document) -> str | None:
    """The time zone in which a CDR is priced: of its Location as it is held, else where that lies."""
    place = cdr["cdr_location"]
    location = await tx.objects.get(Key("locations", key.source, key.country, key.party, place["id"]), whole=False)
    return (location.document.get("time_zone") if location is not None else None) or zone_at(place)


async def impossible(tx: Tx, key: Key, cdr: Document) -> bool:
    """Whether its Connector cannot have given what it claims."""
    place = cdr["cdr_location"]
    connector = await _connector(tx, Key("locations", key.source, key.country, key.party, place["id"]), place)
    watts = None if connector is None else capacity_of(connector)
    return watts is not None and far_beyond(cdr, watts)


async def _connector(tx: Tx, where: Key, place: Document) -> Document | None:
    evse = await tx.objects.get_evse(where, place["evse_uid"])
    listed = evse.document["connectors"] if evse is not None else ()
    return next((one for one in listed if fold(one["id"]) == fold(place["connector_id"])), None)


async def _driven(tx: Tx, key: Key, cdr: Document) -> bool:
    """Whether one of our drivers asked this partner for it."""
    reference = cdr.get("authorization_reference")
    drive = await tx.drivers.get(reference) if reference else None
    return drive is not None and drive.connection == key.source


async def our_token(tx: Tx, cdr: Document) -> bool:
    """By uid and party; where the version knows contracts alone, `lens` has found the Token already if it is ours, and where it knows no
    parties, what it filled in is the one of ours that speaks with the partner."""
    token = cdr["cdr_token"]
    named = fold(token["country_code"]), fold(token["party_id"])
    found = await tx.objects.find_id("tokens", token["uid"], OWN)
    return any((fold(one.key.country), fold(one.key.party)) == named for one in found)


async def others(tx: Tx, about: About, key: Key) -> list[Other]:
    """The CDRs that share the Session, or the Token and the time, in the order in which they came."""
    same = {one.object: one for one in await tx.checks.of_session(key, about.session)}
    met = {one.object: one for one in await tx.checks.of_token(about.token, about.start_at, about.end_at)}
    found = {**same, **met}
    return [
        Other(
            id=await name_of(tx, one),
            earlier=one.object < about.object,
            standing=not one.credits and not await tx.checks.taken_back_by(_key(one), one.id),
            same_session=number in same,
            same_evse=bool(about.evse) and one.evse == about.evse,
            same_time=number in met and _together(about, one),
        )
        for number, one in sorted(found.items())
        if number != about.object
    ]


def _together(one: About, other: About) -> bool:
    """Whether both are of one time. Of two that follow one another at once, the first may end a second after the next one begins: times
    are rounded."""
    first, second = sorted((one, other), key=lambda each: each.start_at)
    return first.start_at == second.start_at or first.end_at - second.start_at > SECOND


def _key(one: Check) -> Key:
    return Key("cdrs", one.source, one.country, one.party, one.id)


async def name_of(tx: Tx, one: Check) -> str:
    stored = await tx.objects.get_pk(one.object)
    return stored.key.id if stored is not None else one.id


# --- the tariffs of that time


async def _published(tx: Tx, key: Key, cdr: Document, connector: Document | None, start: int) -> dict[str, list[Document]]:
    """The Tariffs that the CDR may be priced by, as they were known when the session began. A partner's CDR that names none is one for
    the Tariff of its Connector, if that has one alone. What stands in a CDR of our own was pinned."""
    embedded, own = [tariff["id"] for tariff in cdr.get("tariffs") or ()], key.source == OWN
    if embedded and own:
        return {}
    only = (connector or {}).get("tariff_ids") or ()
    names = [*embedded, *named(cdr)] or ([*only] if len(only) == 1 and not own else [])
    found: dict[str, list[Document]] = {}
    for name in dict.fromkeys(fold(name) for name in names):
        versions = await _versions(tx, Key("tariffs", key.source, key.country, key.party, name), start)
        if versions:
            found[name] = versions
    return found


async def _versions(tx: Tx, key: Key, start: int) -> list[Document]:
    """As it was at the start, then as it was just before and just after. One that came later counts where it says itself that it has not
    changed since before."""
    at = [await tx.history.at(key, moment) for moment in (start, start - GRACE, start + GRACE)]
    seen = {version.no: version for version in at if version is not None}
    found = [document for version in seen.values() if (document := _newest(key, version)) is not None]
    if found:
        return found
    stored = await tx.objects.get(key)
    return [stored.document] if stored is not None and _unchanged_since(stored, start) else []


def _unchanged_since(stored: Stored, moment: int) -> bool:
    return parse_time(stored.document["last_updated"]) <= moment


def _newest(key: Key, version: Version) -> Document | None:
    """A Tariff of the history in the newest form; None where it was removed, or cannot be read any more."""
    if not version.document:
        return None
    facts = Facts(owner=(key.country, key.party), received_at=version.received_at)
    try:
        document, _ = tolerant.repair("tariff", decode_json(version.document), version.version, facts)
        return chain.up("tariff", document, version.version, facts)
    except lens.UNREADABLE:
        return None

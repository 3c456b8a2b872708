"""One object of a file on its way into the store: recognised, repaired by name, raised to the newest form, checked, saved as ours.

`take` needs no database and decides; `save` writes many in one transaction, those that were refused into quarantine. Whose an object
is decides whether it may come in: a party that nobody knows becomes ours, a partner's party does not, for its objects come from
the partner. A Session or a CDR is seen by the one connection over which its Token's party is reached, else by nobody. A payment
terminal does not say whose it is: it is our PTP's, and what party it names is the operator to which it was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from interplug.charges import holding
from interplug.charges.findings import Finding
from interplug.model.types import BadJson, decode_json, format_time, parse_time
from interplug.model.validate import Invalid, validate
from interplug.modules import own
from interplug.modules.zones import zone_at
from interplug.partners import audiences, states
from interplug.partners.connection import OWN_DRIVERS
from interplug.partners.directory import Directory
from interplug.partners.roles import CUSTOMERS
from interplug.protocol.headers import Party
from interplug.store.keys import OWN, Evidence, Key, Saved
from interplug.store.locations import without
from interplug.store.tx import Tx
from interplug.versions import chain, tolerant
from interplug.versions.facts import Facts
from interplug.versions.table import NEWEST

from .recognise import MODULES, kind_of, version_of

Document = dict[str, Any]
TIME = "last_updated"


@dataclass(slots=True, frozen=True)
class Wish:
    """What the operator said: the version of the objects, and the parties whose objects are wanted (none: all)."""

    version: str | None = None
    parties: tuple[Party, ...] = ()
    audience: str | None = None
    """Who may see them; without it everybody, and for objects that are known whoever may already."""
    keep_times: bool = False
    """Each last_updated stays as it was written, though partners who ask by date may never hear of the object."""


@dataclass(slots=True, frozen=True)
class Refused:
    raw: bytes
    module: str
    id: str
    path: str
    reason: str


@dataclass(slots=True, frozen=True)
class Taken:
    """An object in its newest form, ready to be saved."""

    key: Key
    document: Document
    last_updated: int
    evidence: Evidence
    repairs: tuple[str, ...]
    dated: bool = False


@dataclass(slots=True, frozen=True)
class Load:
    """Objects that are written in one transaction, after the parties that become ours with them."""

    founded: list[tuple[str, Party, Document]]
    objects: list[Taken | Refused]
    audience: str | None = None
    keep_times: bool = False


class Intake:
    """Takes objects without looking into the database."""

    def __init__(self, directory: Directory, wish: Wish) -> None:
        self.directory = directory
        self.wish = wish
        self._wanted = frozenset(party.key for party in wish.parties)
        self._known = {(party.role, Party(party.country_code, party.party_id).key) for party in directory.our_parties()}
        self._founded: list[tuple[str, Party, Document]] = []

    def load(self, batch: Sequence[bytes]) -> Load:
        objects = [self.take(raw) for raw in batch]
        founded, self._founded = self._founded, []
        return Load(founded, objects, self.wish.audience, self.wish.keep_times)

    def take(self, raw: bytes) -> Taken | Refused:
        try:
            document = decode_json(raw)
        except BadJson as error:
            return Refused(raw, "", "", "$", f"is not readable JSON: {error.reason}")
        kind = kind_of(document) if isinstance(document, dict) else None
        if kind is None:
            return Refused(raw, "", "", "$", "is no Location, Tariff, Token, Session, CDR or Terminal")
        try:
            return self._taken(raw, kind, document)
        except Invalid as error:
            return Refused(raw, MODULES[kind], _id(document), error.path, error.reason)

    def _taken(self, raw: bytes, kind: str, document: Document) -> Taken:
        if kind == "terminal":
            return self._terminal(raw, document)
        version = self.wish.version or version_of(kind, document)
        module, now = MODULES[kind], self.directory.clock()
        role = "EMSP" if kind == "token" else "CPO"
        owner = self._owner(role, document)
        facts = Facts(owner=owner, token_owner=owner, received_at=now, time_zone=zone_at(document) if kind == "location" else None)
        repaired, repairs = tolerant.repair(kind, document, version, facts)
        newest = _raised(kind, repaired, version, facts)
        validate(kind, newest)
        newest, mended = own.settle(kind, newest)
        self._admit(role, newest)
        name = newest["uid" if kind == "token" else "id"]
        key = Key(module, OWN, newest["country_code"], newest["party_id"], name, newest["type"] if kind == "token" else "")
        evidence = Evidence(raw, OWN, version, now)
        return Taken(
            key, newest, parse_time(newest["last_updated"]), evidence, (*(one.name for one in repairs), *(one.name for one in mended))
        )

    def _terminal(self, raw: bytes, document: Document) -> Taken:
        version, now = self.wish.version or NEWEST, self.directory.clock()
        if version != NEWEST:
            raise Invalid("$", f"OCPI {version} has no payment terminals")
        country, party = self._only("PTP")
        repaired, repairs = tolerant.repair("terminal", document, version, Facts(received_at=now))
        validate("terminal", repaired)
        key = Key(MODULES["terminal"], OWN, country, party, repaired["terminal_id"])
        return Taken(
            key, repaired, parse_time(repaired["last_updated"]), Evidence(raw, OWN, version, now), tuple(one.name for one in repairs)
        )

    def _owner(self, role: str, document: Document) -> tuple[str, str] | None:
        """Whose an object is that does not say it: the one party that was named, or the only one that we are."""
        if document.get("country_code") is not None or document.get("party_id") is not None:
            return None
        return self._only(role)

    def _only(self, role: str) -> tuple[str, str]:
        ours = self.wish.parties or tuple(Party(party.country_code, party.party_id) for party in self.directory.our_parties(role))
        if len(ours) != 1 or (role == "PTP" and (role, ours[0].key) not in self._known):
            missing = f"no party of ours with the role {role} is that" if role == "PTP" else "is not said"
            raise Invalid("$.party_id", f"{missing}; name one party whose objects these are (--party)")
        return ours[0].country_code, ours[0].party_id

    def _admit(self, role: str, document: Document) -> None:
        party = Party(document["country_code"], document["party_id"])
        if self._wanted and party.key not in self._wanted:
            raise Invalid("$.party_id", "is none of the parties that were asked for")
        if (role, party.key) in self._known:
            return
        if any(self.directory.may_write(one, party.country_code, party.party_id) for one in self.directory.all(registered=True)):
            raise Invalid("$.party_id", f"{party} is a partner's party; its objects come from the partner")
        self._known.add((role, party.key))
        self._founded.append((role, party, document))


# --- in one transaction


class Kept(NamedTuple):
    """What became of an object in the store. `held`: why a CDR does not leave."""

    saved: Saved
    held: Finding | None = None
    refused: Refused | None = None
    dated: bool = False
    """It is as new as this moment, and not as what was written there."""


async def save(tx: Tx, directory: Directory, load: Load) -> list[Kept]:
    """Writes what `take` has decided, and says what became of each object, in their order."""
    for role, party, document in load.founded:
        operator = document.get("operator")
        await tx.parties.add(role, party.country_code, party.party_id, {"name": operator["name"]} if operator else None)
    now = directory.clock()
    named = await audiences.number(tx, load.audience) if load.audience is not None else None
    asked = not load.keep_times and any(one.state in (states.REGISTERED, states.SUSPENDED) for one in directory.all())
    return [
        await _keep(tx, directory, await _dated(tx, one, now) if asked else one, named)
        if isinstance(one, Taken)
        else await _set_aside(tx, one, now)
        for one in load.objects
    ]


async def _dated(tx: Tx, taken: Taken, now: int) -> Taken:
    """What is new here or has changed is as new as this moment: partners who have asked for the changes until yesterday ask for those
    since yesterday next. Before there is a partner the time stays, for the first question is for everything."""
    if taken.last_updated >= now:
        return taken
    known = await tx.objects.get(taken.key)
    if known is not None and without(known.document, TIME) == without(taken.document, TIME):
        return taken
    moment = now // 1000 * 1000  # as finely as it is written
    return replace(taken, document={**taken.document, TIME: format_time(moment)}, last_updated=moment, dated=True)


async def _keep(tx: Tx, directory: Directory, taken: Taken, named: int | None) -> Kept:
    if taken.key.module == MODULES["terminal"]:
        return await _shipped(tx, directory, taken)
    audience = named if taken.key.module in audiences.MODULES else await _audience(tx, directory, taken.document)
    if taken.key.module == "cdrs":
        return await _issue(tx, directory, taken, audience or 0)
    saved = tx.objects.save(taken.key, taken.document, last_updated=taken.last_updated, audience=audience, evidence=taken.evidence)
    return Kept(await saved, dated=taken.dated)


async def _shipped(tx: Tx, directory: Directory, taken: Taken) -> Kept:
    """A payment terminal: at the operator that it names, where we are connected with it, else in stock. What an operator has said about one
    that is known stays, unless the file says otherwise."""
    known = await tx.objects.get(taken.key)
    document = taken.document if known is None else {**known.document, **taken.document}
    country, party = document.get("country_code"), document.get("party_id")
    reached = directory.of_party(country, party, "CPO") if country and party else []
    audience = reached[0].id if reached else None if known is not None else await tx.parties.audience_class(audiences.STOCK)
    saved = tx.objects.save(taken.key, document, last_updated=taken.last_updated, audience=audience, evidence=taken.evidence)
    return Kept(await saved, dated=taken.dated)


async def _issue(tx: Tx, directory: Directory, taken: Taken, audience: int) -> Kept:
    """A CDR leaves if it is right; one that has left already is never changed."""
    try:
        issued = await holding.issue(tx, directory, taken.key, taken.document, audience, evidence=taken.evidence)
    except holding.NotPossible as error:
        return await _set_aside(tx, Refused(taken.evidence.raw, "cdrs", taken.key.id, "$.id", str(error)), directory.clock())
    return Kept(issued.saved, issued.held, dated=taken.dated)


async def _audience(tx: Tx, directory: Directory, document: Document) -> int:
    token = document["cdr_token"]
    reached = [one for role in CUSTOMERS for one in directory.of_party(token["country_code"], token["party_id"], role)]
    return reached[0].id if reached else await tx.parties.audience_class(OWN_DRIVERS)


async def _set_aside(tx: Tx, refused: Refused, now: int) -> Kept:
    await tx.quarantine.add(OWN, refused.module, refused.raw, path=refused.path, reason=refused.reason, received_at=now, id=refused.id)
    return Kept(Saved(), refused=refused)


def _raised(kind: str, document: Document, version: str, facts: Facts) -> Document:
    try:
        return chain.up(kind, document, version, facts)
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        # A field of quite another type than that version has, met before the model could name it.
        raise Invalid("$", f"is no {kind} of OCPI {version} ({type(error).__name__})") from None


def _id(document: Document) -> str:
    name = next((document[one] for one in ("id", "uid", "terminal_id") if one in document), "")
    return name[:100] if isinstance(name, str) else ""

"""What terminals and confirmations have in common: whose they are, what a partner may leave out, and where our receipts stand.

The objects of Payments do not say whose they are: they are the Payment Terminal Provider's (PTP) over whose connection they came. The
examples in its text leave out fields that its tables require, so what can only mean one thing is filled in, and the answer says so.
"""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from interplug.model.types import format_time
from interplug.model.validate import validate
from interplug.partners.connection import Connection
from interplug.partners.directory import Directory
from interplug.partners.presentation import root
from interplug.protocol.headers import Party
from interplug.protocol.http import join
from interplug.protocol.status import invalid
from interplug.store.keys import Key
from interplug.versions import tolerant
from interplug.versions.facts import Facts
from interplug.versions.table import VERSIONS

from . import lens
from .node import Call, Node

Document = dict[str, Any]
SPOKEN = tuple(number for number, version in VERSIONS.items() if "payments" in version.modules)
IDS = {"terminals": "terminal_id", "financial-advice-confirmations": "id"}
"""The modules whose objects are a PTP's, and the field that names one."""

log = logging.getLogger(__name__)


def provider(directory: Directory, connection: Connection, sender: Party | None = None) -> Party | None:
    """The PTP of a connection: whom FROM names where that is one, else the first. The role stands in no table of roles, so a platform that
    has the sender's side of Payments may present it as OTHER."""
    roles = ("PTP", "OTHER") if connection.endpoint("payments", "SENDER") is not None else ("PTP",)
    found = [one.party for role in roles for one in connection.parties if one.role == role]
    able = [party for party in found if directory.may_write(connection, party.country_code, party.party_id)]
    return next((party for party in able if sender is not None and party.key == sender.key), able[0] if able else None)


def key(call: Call, name: str) -> Key:
    """Where an object of the PTP that calls stands in the store."""
    party = provider(call.node.directory, call.connection, call.sender)
    if party is None:
        raise invalid("this connection has no party with the role PTP")
    return Key(call.place.module.id, call.connection.id, party.country_code, party.party_id, name)


def repaired(call: Call, **known: str) -> tuple[Document, str | None]:
    """The object in the body, and in words what was filled in. `known` is what the URL says."""
    kind, document = call.place.module.kind, lens.body(call)
    document = known | {name: value for name, value in document.items() if value is not None}
    document, repairs = tolerant.repair(kind, document, call.version.number, Facts(received_at=call.now))
    validate(kind, document)
    if not repairs:
        return document, None
    said = ", ".join(f"{one.path}: {one.name}" for one in repairs)
    log.warning("%s from %s: %s", kind, call.connection.partner, said)
    return document, f"taken, with this mended: {said}"[:255]


def renewed(document: Document, now: int) -> Document:
    return {**document, "last_updated": format_time(now)}


# --- receipts


def invoice_base_url(node: Node, connection: Connection) -> str:
    """Where receipts stand that we issue for charges which a PTP started over this connection. The reference follows it."""
    return join(root(node.settings), "invoices", desk(node.secret, connection.id)) + "/"


def desk(secret: bytes, connection: int) -> str:
    """The part of the address of a receipt that nobody guesses, for references may be counted up."""
    return hashlib.blake2b(f"invoices {connection}".encode(), key=secret[:64], digest_size=12).hexdigest()


def invoice_url(base: str, reference: str) -> str:
    """`invoice_base_url` followed by the reference; with one slash between, unless the address is made to be gone on with."""
    return base + reference if base.endswith(("/", "=")) else join(base, reference)

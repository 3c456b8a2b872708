"""Which market role stands on which side of a module, and which endpoints a partner must have for us (7.1.6).

A Payment Terminal Provider (PTP) stands where an eMSP stands, for drivers who pay at a terminal: it is sent Locations, Tariffs, Sessions
and CDRs, and sends commands. ChargingProfiles have several senders, an eMSP or an SCSP, so who they are for is said with each message.

Used where a party has to be chosen for a header and where a handshake asks whether the other side is of use at all. A 2.1.1 connection
has no roles in its documents: there the partner's role is the counterpart of the one that we show.
"""

from __future__ import annotations

from collections.abc import Iterable

from interplug.protocol.routes import Side

# The role that owns the objects, so that it serves the Sender interface; the other market role serves the Receiver's.
SENDERS: dict[str, str] = {
    "locations": "CPO",
    "tariffs": "CPO",
    "sessions": "CPO",
    "cdrs": "CPO",
    "tokens": "EMSP",
    "commands": "EMSP",
    "terminals": "PTP",
    "financial-advice-confirmations": "PTP",
}
COUNTERPART = {"CPO": "EMSP", "EMSP": "CPO", "PTP": "CPO"}
CUSTOMERS = ("EMSP", "PTP")
"""Whose drivers charge at a CPO's stations."""

Need = tuple[str, Side]

# What a counterpart must have to be of use; one of several is enough. An eMSP whose CPO has no Locations has nothing to show; a CPO whose
# eMSP neither lists Tokens nor takes CDRs can serve nobody and bill nothing. A PTP has to be able to start a charge.
REQUIRED: dict[str, tuple[Need, ...]] = {
    "EMSP": (("locations", "SENDER"),),
    "CPO": (("tokens", "SENDER"), ("cdrs", "RECEIVER")),
    "PTP": (("commands", "RECEIVER"),),
}

# Modules that are about the link itself: no routing headers (4.1.9), and a hub does not forward them.
CONFIGURATION = frozenset(("versions", "version_details", "credentials", "hubclientinfo"))


def role_at(module_id: str, side: Side) -> str | None:
    """The market role that serves this side of a module; None where several do."""
    sender = SENDERS.get(module_id)
    return sender if sender is None or side == "SENDER" else COUNTERPART[sender]


def required(ours: Iterable[str], theirs: Iterable[str]) -> list[tuple[Need, ...]]:
    """What parties in our roles need from a platform in their roles: only counterparts need anything of each other."""
    present = set(theirs)
    return [REQUIRED[role] for role in dict.fromkeys(ours) if COUNTERPART.get(role) in present]

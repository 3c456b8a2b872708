"""The states of a connection, and those of a token that we issued.

A connection begins when an operator invites a partner (we are the Receiver of chapter 7 and wait for the POST) or when we register
with one (we are the Sender). It is REGISTERED from the moment at which both sides' credentials stand in one committed transaction,
and it stays so while it is renewed: a new invitation or a rotation stands beside the working link and changes nothing until it has
succeeded. REGISTERING means that our POST went out and no answer came: the partner may have carried it out, so the token that we
offered stays valid for versions and credentials, and the operator invites or registers again. Unregistered and removed connections
keep their number, because objects and history name it.

    event           who                                      what happens
    invite          operator                                 a registration token is issued
    offer           operator, our POST                       a token is offered, nothing else changes
    silence         nobody answered our POST or PUT          the offered token stays
    refuse          the partner refused our POST or PUT      the offered token is gone
    register        either side's POST or PUT succeeded      tokens, version, endpoints and roles change together
    unregister      either side's DELETE                     all tokens are gone
    suspend         operator                                 tokens are kept and not accepted, nothing is sent
    resume          operator                                 as before
    remove          operator                                 all tokens are gone, the connection is no longer shown

An event that is missing for a state does not happen in it: `after` raises `NotPossible`.
"""

from __future__ import annotations

INVITED = "INVITED"
REGISTERING = "REGISTERING"
REGISTERED = "REGISTERED"
SUSPENDED = "SUSPENDED"
UNREGISTERED = "UNREGISTERED"
REMOVED = "REMOVED"

NEW = ""

CONNECTION_STATES: dict[tuple[str, str], str] = {
    (NEW, "invite"): INVITED,
    (NEW, "offer"): REGISTERING,
    (INVITED, "invite"): INVITED,
    (INVITED, "offer"): REGISTERING,
    (INVITED, "register"): REGISTERED,
    (INVITED, "remove"): REMOVED,
    (REGISTERING, "invite"): INVITED,
    (REGISTERING, "offer"): REGISTERING,
    (REGISTERING, "silence"): REGISTERING,
    (REGISTERING, "refuse"): UNREGISTERED,
    (REGISTERING, "register"): REGISTERED,
    (REGISTERING, "remove"): REMOVED,
    (REGISTERED, "invite"): REGISTERED,
    (REGISTERED, "offer"): REGISTERED,
    (REGISTERED, "silence"): REGISTERED,
    (REGISTERED, "refuse"): REGISTERED,
    (REGISTERED, "register"): REGISTERED,
    (REGISTERED, "unregister"): UNREGISTERED,
    (REGISTERED, "suspend"): SUSPENDED,
    (REGISTERED, "remove"): REMOVED,
    (SUSPENDED, "resume"): REGISTERED,
    (SUSPENDED, "unregister"): UNREGISTERED,
    (SUSPENDED, "remove"): REMOVED,
    (UNREGISTERED, "invite"): INVITED,
    (UNREGISTERED, "offer"): REGISTERING,
    (UNREGISTERED, "refuse"): UNREGISTERED,
    (UNREGISTERED, "remove"): REMOVED,
}

# A token that we issued. Those in no state are gone: unknown, 401.
REGISTRATION = "registration"
OFFERED = "offered"
PENDING = "pending"
ACTIVE = "active"
RETIRING = "retiring"

TOKEN_STATES: dict[str, str] = {
    REGISTRATION: "issued with an invitation; serves for versions, details and credentials, until it is used or replaced",
    OFFERED: "sent in our POST or PUT that is not answered; serves as the connection stands, so that the partner can call back",
    PENDING: "issued in a handshake that succeeded here; becomes active when the partner first uses it, for the answer may be lost",
    ACTIVE: "the token of the partner",
    RETIRING: "replaced; accepted until the partner uses its successor, and what is under way has arrived, or until the overlap ends",
}


class NotPossible(Exception):
    """The event does not happen in this state."""


def after(state: str, event: str) -> str:
    try:
        return CONNECTION_STATES[state, event]
    except KeyError:
        raise NotPossible(f"a connection that is {state.lower() or 'new'} cannot {event}") from None

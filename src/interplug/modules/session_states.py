"""The life of our own Session as a table (9.3.4 SessionStatus). A deadline that passes is one more event.

A Session begins with a reservation, or when a cable is in and the driver is known; before that there is none (14.1). It is
ACTIVE from the first reading of the meter. What was used becomes one CDR, in the transaction that makes it COMPLETED; INVALID
never has one. A pair that is not in the table changes nothing: a station may report an end twice.
"""

from __future__ import annotations

STATES: dict[tuple[str, str], str] = {
    ("", "reserved"): "RESERVATION",
    ("", "begun"): "PENDING",
    ("RESERVATION", "reserved"): "RESERVATION",  # once more, with another expiry
    ("RESERVATION", "begun"): "RESERVATION",  # the cable is in; no energy yet
    ("RESERVATION", "metered"): "ACTIVE",
    ("RESERVATION", "expired"): "COMPLETED",
    ("RESERVATION", "canceled"): "COMPLETED",
    ("RESERVATION", "ended"): "COMPLETED",
    ("PENDING", "metered"): "ACTIVE",
    ("PENDING", "ended"): "INVALID",
    ("PENDING", "lost"): "INVALID",
    ("ACTIVE", "metered"): "ACTIVE",
    ("ACTIVE", "ended"): "COMPLETED",
    # The station was not heard of for too long: closed with what its meter last said.
    ("ACTIVE", "lost"): "COMPLETED",
    # Nothing was used, or a fault came before the first energy: nothing to bill.
    ("ACTIVE", "nothing"): "INVALID",
}

OPEN = ("RESERVATION", "PENDING", "ACTIVE")
ENDED = ("COMPLETED", "INVALID")
BILLED = "COMPLETED"


def advance(state: str, event: str) -> str | None:
    """The next state, or None where the event means nothing in this state."""
    return STATES.get((state, event))

"""The life of a drive, from the button to the receipt, as a table.

The truth comes from three sides, in any order: the answers to our commands, the CPO's Session, and its CDR. A Session counts more
than a command: when charging began the drive is CHARGING, also after a TIMEOUT or a failure was reported (commands are
known to be answered wrongly). A pair that is not in the table changes nothing.
"""

from __future__ import annotations

PAYING, ASKED, ACCEPTED, STARTED, UNSURE = "PAYING", "ASKED", "ACCEPTED", "STARTED", "UNSURE"
CHARGING, STOPPING, FINISHED, BILLED, FAILED = "CHARGING", "STOPPING", "FINISHED", "BILLED", "FAILED"

DRIVES: dict[tuple[str, str], str] = {
    # Nothing is asked of the operator before the driver's money is held.
    (PAYING, "paid"): ASKED,
    (PAYING, "unpaid"): FAILED,
    (ASKED, "accepted"): ACCEPTED,
    (ASKED, "refused"): FAILED,
    (ASKED, "failed"): FAILED,
    (ASKED, "succeeded"): STARTED,
    (ASKED, "late"): UNSURE,
    (ACCEPTED, "succeeded"): STARTED,
    (ACCEPTED, "failed"): FAILED,
    (ACCEPTED, "late"): UNSURE,
    # The station said yes, but no Session was seen in time.
    (STARTED, "late"): UNSURE,
    (UNSURE, "succeeded"): STARTED,
    (UNSURE, "failed"): FAILED,
    (UNSURE, "over"): FAILED,
    **{(state, "charging"): CHARGING for state in (ASKED, ACCEPTED, STARTED, UNSURE, FAILED)},
    (CHARGING, "stop"): STOPPING,
    (STOPPING, "stop failed"): CHARGING,
    # The operator said yes, but the Session goes on: the driver may ask again.
    (STOPPING, "not over"): CHARGING,
    # Nothing was sent.
    (CHARGING, "not asked"): CHARGING,
    # A result that came too late to be waited for.
    (CHARGING, "stopping"): STOPPING,
    **{(state, "ended"): FINISHED for state in (ASKED, ACCEPTED, STARTED, UNSURE, FAILED, CHARGING, STOPPING)},
    **{(state, "invalid"): FAILED for state in (ASKED, ACCEPTED, STARTED, UNSURE, CHARGING, STOPPING)},
    **{(state, "billed"): BILLED for state in (ASKED, ACCEPTED, STARTED, UNSURE, FAILED, CHARGING, STOPPING, FINISHED)},
}

OPEN = (PAYING, ASKED, ACCEPTED, STARTED, UNSURE, CHARGING, STOPPING)
"""A driver has one open drive at most."""
WAITING = (*OPEN, FINISHED, FAILED)
"""States in which a Session or a CDR may still change something."""
STARTING = (ASKED, ACCEPTED, STARTED, UNSURE)


def advance(state: str, event: str) -> str | None:
    """The next state, or None where the event means nothing in this state."""
    return DRIVES.get((state, event))

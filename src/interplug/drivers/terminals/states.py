"""A card that was presented at a terminal, from its hold to what was taken of it. Row first, then the bank; so a restart goes on here."""

from __future__ import annotations

HOLDING, ASKED, CHARGING, STOPPING, BILLED = "HOLDING", "ASKED", "CHARGING", "STOPPING", "BILLED"
RELEASING, RELEASED, DECLINED, CAPTURED, FAILED = "RELEASING", "RELEASED", "DECLINED", "CAPTURED", "FAILED"
CARDS: dict[tuple[str, str], str] = {
    (HOLDING, "held"): ASKED,
    (HOLDING, "declined"): DECLINED,
    (HOLDING, "restart"): RELEASING,  # nobody stands there any more
    (ASKED, "refused"): RELEASING,
    (ASKED, "charging"): CHARGING,
    (ASKED, "billed"): BILLED,
    (ASKED, "late"): RELEASING,
    (CHARGING, "enough"): STOPPING,  # what is held is nearly used up
    (CHARGING, "invalid"): RELEASING,
    (CHARGING, "billed"): BILLED,
    (STOPPING, "invalid"): RELEASING,
    (STOPPING, "billed"): BILLED,
    (BILLED, "captured"): CAPTURED,
    (BILLED, "failed"): FAILED,
    (RELEASING, "released"): RELEASED,
    (RELEASING, "billed"): BILLED,  # it began all the same
    (RELEASED, "billed"): BILLED,
}
OPEN = (HOLDING, ASKED, CHARGING, STOPPING)
RUNNING = (ASKED, CHARGING, STOPPING)


def advance(state: str, event: str) -> str | None:
    """The next state, or None where the event means nothing in this state."""
    return CARDS.get((state, event))

"""The life of a payment, from the hold to what goes back, as a table.

What we ask of the provider is an event (raise, capture, void, refund), and its answer is one: the truth is the provider's, and whatever
tells of it (an answer, a webhook in any order, a look of ours) is read from it as it stands now. A pair that is not in the table
changes nothing, so an old answer that comes late does no harm.
"""

from __future__ import annotations

CREATED, ACTION, HELD, RAISING = "created", "requires_action", "held", "raising"
CAPTURING, CAPTURED, VOIDING, VOIDED = "capturing", "captured", "voiding", "voided"
REFUNDING, REFUNDED, EXPIRED, FAILED = "refunding", "refunded", "expired", "failed"
DISPUTED, LOST = "disputed", "lost"

PAYMENTS: dict[tuple[str, str], str] = {
    # The row is there and the provider has been asked; then the driver has to enter a card, or to prove who pays.
    (CREATED, "action"): ACTION,
    (CREATED, "held"): HELD,
    (CREATED, "refused"): FAILED,
    (CREATED, "given up"): FAILED,
    (ACTION, "held"): HELD,
    (HELD, "raise"): RAISING,
    (RAISING, "held"): HELD,
    (RAISING, "refused"): HELD,
    (HELD, "capture"): CAPTURING,
    (CAPTURING, "refused"): HELD,
    **{(state, "void"): VOIDING for state in (ACTION, HELD)},
    **{(state, "captured"): CAPTURED for state in (CREATED, ACTION, HELD, RAISING, CAPTURING, VOIDING)},
    **{(state, "voided"): VOIDED for state in (CREATED, ACTION, HELD, RAISING, CAPTURING, VOIDING)},
    # The provider has let go of the money by itself.
    **{(state, "expired"): EXPIRED for state in (HELD, RAISING, CAPTURING)},
    **{(state, "expired"): VOIDED for state in (CREATED, ACTION, VOIDING)},
    (CAPTURED, "refund"): REFUNDING,
    # In part: what is kept is in the row.
    (REFUNDING, "captured"): CAPTURED,
    (REFUNDING, "refused"): CAPTURED,
    # Somebody may have acted at the provider, by hand.
    **{(state, "refunded"): REFUNDED for state in (HELD, RAISING, CAPTURING, VOIDING, CAPTURED, REFUNDING, DISPUTED)},
    **{(state, "disputed"): DISPUTED for state in (CAPTURING, CAPTURED, REFUNDING, REFUNDED)},
    (DISPUTED, "captured"): CAPTURED,
    **{(state, "lost"): LOST for state in (CAPTURED, REFUNDING, REFUNDED, DISPUTED)},
}

ASKING = (CREATED, RAISING, CAPTURING, VOIDING, REFUNDING)
"""An answer is awaited; where it was lost, the provider is asked."""
HOLDING = (HELD, RAISING, CAPTURING)
"""The driver's money is held."""
UNPAID = (VOIDING, VOIDED, EXPIRED, FAILED)
"""No session may go on."""
ENDED = (VOIDED, REFUNDED, EXPIRED, FAILED, LOST)


def advance(state: str, event: str) -> str | None:
    """The next state, or None where the event means nothing in this state."""
    return PAYMENTS.get((state, event))

"""The life of a reservation of a driver, as a table.

The operator answers, may take it back at any time, and a driver who has started has used it. A pair that is not in the table changes
nothing.
"""

from __future__ import annotations

ASKED, RESERVED, CANCELLING = "ASKED", "RESERVED", "CANCELLING"
REFUSED, CANCELED, EXPIRED, USED = "REFUSED", "CANCELED", "EXPIRED", "USED"
RESERVATIONS: dict[tuple[str, str], str] = {
    (ASKED, "succeeded"): RESERVED,
    (ASKED, "failed"): REFUSED,
    # What was late may come true all the same.
    (REFUSED, "succeeded"): RESERVED,
    (RESERVED, "cancel"): CANCELLING,
    (CANCELLING, "let go"): CANCELED,
    (CANCELLING, "kept"): RESERVED,
    # Nothing was sent.
    (RESERVED, "not asked"): RESERVED,
    # A result that came too late to be waited for.
    (RESERVED, "let go"): CANCELED,
    **{(state, "taken back"): CANCELED for state in (ASKED, RESERVED, CANCELLING)},
    **{(state, "used"): USED for state in (ASKED, RESERVED, CANCELLING)},
    **{(state, "over"): EXPIRED for state in (ASKED, RESERVED, CANCELLING)},
}
OPEN = (ASKED, RESERVED, CANCELLING)

"""The life of a command, on both sides, as tables. A deadline that passes is one more event.

    Receiver (CPO): the command was answered ACCEPTED, the station works on it, one result goes to `response_url`.
    Sender (eMSP): the command is a row before it is posted; the partner answers at once, and later with a result.

A pair that is not in a table changes nothing: a second result of a station, a result for a command that was refused. The
sender takes a late result after its own TIMEOUT (notes, 3: late results are accepted) and, after RESERVE_NOW, the later
CANCELED_RESERVATION (14.1). The tables know no clock and no store.
"""

from __future__ import annotations

Table = dict[tuple[str, str], str]

RECEIVED: Table = {
    ("working", "result"): "done",
    ("working", "deadline"): "timed_out",
    ("working", "restart"): "failed",
    # Whom we have asked in its stead does not take it: nothing was accepted, and nothing is reported.
    ("working", "refused"): "refused",
    # The CPO withdraws a reservation that it had confirmed (CMD-040).
    ("done", "canceled"): "canceled",
}

SENT: Table = {
    ("posting", "accepted"): "waiting",
    ("posting", "refused"): "refused",
    ("posting", "fault"): "failed",
    # Nobody knows whether the partner has the command: nothing came back, or this process ended before it did.
    ("posting", "silence"): "unanswered",
    ("posting", "restart"): "unanswered",
    # A quick partner's result overtakes its own answer.
    ("posting", "succeeded"): "succeeded",
    ("posting", "failed"): "failed",
    ("posting", "deadline"): "timed_out",
    ("unanswered", "succeeded"): "succeeded",
    ("unanswered", "failed"): "failed",
    ("unanswered", "deadline"): "timed_out",
    # It was another process that waited.
    ("unanswered", "accepted"): "waiting",
    ("unanswered", "refused"): "refused",
    ("unanswered", "fault"): "failed",
    ("waiting", "succeeded"): "succeeded",
    ("waiting", "failed"): "failed",
    ("waiting", "deadline"): "timed_out",
    ("timed_out", "succeeded"): "succeeded",
    ("timed_out", "failed"): "failed",
    ("succeeded", "canceled"): "canceled",
}

OPEN = ("working", "posting", "waiting", "unanswered")
"""States in which a deadline still runs."""


def advance(table: Table, state: str, event: str) -> str | None:
    """The next state, or None where the event means nothing in this state."""
    return table.get((state, event))

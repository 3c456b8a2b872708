"""What an operator's answer to a command says to the driver who waits for it: plain words, and whether it was asked at all."""

from __future__ import annotations

from interplug.model.said import said
from interplug.store.commands import Command

NOT_CONFIRMED = said("The operator has not confirmed that charging began. If it does, you see it here.")
NOT_OVER = said("The operator has accepted the stop, but has not said that charging is over. Try again, or unplug at the car.")
TAKEN = ("waiting", "succeeded")
"""States of a stop to which nobody has said no."""


def in_words(row: Command) -> str:
    """Why a command did not do what the driver wanted, in plain words; the operator's own words come last, in brackets."""
    if row.command == "CANCEL_RESERVATION":
        ours = said("The reservation could not be cancelled. It ends by itself.")
    elif row.command == "STOP_SESSION":
        ours = NOT_OVER if row.state in TAKEN else said("The station could not be stopped from here. Try again, or unplug at the car.")
    elif not_asked(row):
        ours = said("The operator could not be reached, so nothing was asked of it.")
    elif row.state == "unanswered":
        ours = NOT_CONFIRMED
    else:
        ours = _WORDS.get(row.result, said("The operator could not do it."))
    words = operators_words(row)
    return f"{ours} ({words})" if words else ours


def operators_words(row: Command) -> str:
    """What the operator says itself about a command; where it has said nothing, the message is ours, and not for drivers."""
    return row.message if row.answered or row.state not in ("failed", "unanswered", "timed_out") else ""


def not_asked(row: Command) -> bool:
    """Whether it has not come to the operator, or not in a way that it could do something about."""
    return row.state == "failed" and not row.answered


_WORDS = {
    "EVSE_OCCUPIED": said("Somebody was quicker: the station is in use."),
    "EVSE_INOPERATIVE": said("The station does not work at the moment."),
    "REJECTED": said("The operator did not allow it."),
    "NOT_SUPPORTED": said("This station cannot be started from here."),
    "TIMEOUT": said("The station did not answer in time."),
    "UNKNOWN_SESSION": said("The operator does not know this session."),
    "FAILED": said("It did not work."),
}

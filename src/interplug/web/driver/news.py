"""What there is to tell of a drive, in the language that is spoken now. Each is told once, so none may be true and then false again."""

from __future__ import annotations

from interplug.drivers.states import FAILED
from interplug.store.drivers import Drive
from interplug.web import wording
from interplug.web.languages import N_, _, say

from .ride import UNDERWAY, Ride
from .words import OUT_OF_ORDER

OVER = ("FINISHED", "BILLED")
NEARLY_FULL = 90
"""Per cent of the battery."""


TEXTS = {
    "began": N_("Charging has begun: {station}."),
    "fault": OUT_OF_ORDER.what,
    "unstopped": N_("Charging was to stop, and goes on as far as the operator tells: {station}. Look at your car."),
    "full": N_("Your car is nearly full: {station}. Once it is, standing there costs: {fee}."),
    "idle": N_("Your car does not charge any more: {station}. Standing there costs: {fee}."),
    "hold": N_("What is held on your card is nearly used up. Charging stops before it is: {station}."),
}


def states(drive: Drive) -> tuple[str, ...]:
    """What follows from its state alone."""
    if drive.state in UNDERWAY:
        return ("began",)
    return ("over",) if drive.state in OVER else ("failed",) if drive.state == FAILED else ()


def news(ride: Ride) -> tuple[str, ...]:
    """All that can be told by now."""
    underway = ride.drive.state in UNDERWAY
    fault = ("fault",) if ride.faulty else ()
    unstopped = ("unstopped",) if ride.stop_failed else ()
    idle = ("idle",) if underway and ride.live.idle and ride.deal.idle_fee else ()
    soon = ("full",) if underway and not idle and ride.deal.idle_fee and (ride.live.soc or 0) >= NEARLY_FULL else ()
    hold = ("hold",) if underway and ride.payment is not None and ride.payment.warned else ()
    return (*states(ride.drive), *fault, *unstopped, *soon, *idle, *hold)


def text(ride: Ride, what: str) -> str:
    if what == "over":
        return _over(ride)
    if what == "failed" and ride.called == "INVALID":
        return _("{station}: {reason}").format(station=ride.name, reason=say(ride.drive.reason))
    if what == "failed":
        return " ".join([_("Charging has not begun: {station}.").format(station=ride.name), say(ride.drive.reason)]).strip()
    return _(TEXTS[what]).format(station=ride.name, fee=say(ride.deal.idle_fee))


def _over(ride: Ride) -> str:
    kwh = ride.live.kwh if ride.receipt is None else ride.receipt.kwh
    cost = ride.live.cost if ride.receipt is None else ride.receipt.total
    told = [*([f"{wording.number(kwh, 2)} kWh"] if kwh is not None else []), *([wording.cost(cost)] if cost is not None else [])]
    return " ".join([_("Charging is over: {station}.").format(station=ride.name), *([", ".join(told) + "."] if told else [])])

"""What a payment has to come to, and what has to be done about its session: decided here, from rows alone.

The CDR says it, as it was billed. Where none comes in time, or the hold is about to end, the Session's own price stands in for it, and the
CDR is made good for afterwards: a lower one gives money back, a higher one is absorbed. A start that came to nothing is worth nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from interplug.config import Payments
from interplug.payments import states as paying
from interplug.store.bills import Bill
from interplug.store.drivers import Drive
from interplug.store.payments import NEVER, Payment

from . import states
from .billing import AT_HOME, DOUBLED, IMPOSSIBLE, NEGATIVE, NOT_HERE, TWICE
from .receipt import Amount

ZERO = Decimal()
SECOND = 1_000_000
HOUR = 3600 * SECOND
NO_MATTER = (DOUBLED, IMPOSSIBLE, NEGATIVE, NOT_HERE, TWICE)
"""Bills that say nothing of what the driver owes."""
CDR, CREDIT, SESSION, FAILED, UNPAID, UNKNOWN = "CDR", "credit CDR", "Session", "no session", "not paid", "price not known"
RETRY = 60 * SECOND
"""Between two tries to stop a session."""


@dataclass(slots=True, frozen=True)
class Known:
    """What there is to decide by. `cost`: the Session's price so far; `ended`: when it ended, as it says; `speed`: that of the clock."""

    payment: Payment
    drive: Drive
    bills: Sequence[Bill]
    cost: Amount | None
    ended: int
    now: int
    speed: float = 1.0
    asked: bool = True
    """An operator may have been asked to start."""


@dataclass(slots=True, frozen=True)
class Verdict:
    """`due`: None: not known yet. `look_at`: when to decide again, if nothing happens before."""

    due: Decimal | None = None
    basis: str = ""
    look_at: int = NEVER
    over: bool = False
    """The drive waits for a payment that does not come."""
    stop: bool = False
    """No session may go on at the driver's cost."""
    warn: bool = False


def decide(known: Known, settings: Payments) -> Verdict:
    drive, payment = known.drive, known.payment
    if drive.state == states.PAYING:
        return _waits(known)
    if drive.state in (states.CHARGING, states.STOPPING):
        billed = _billed(known, settings)
        return billed if billed is not None else _runs(known, settings)
    if drive.state in states.STARTING:
        return Verdict()
    billed = _billed(known, settings)
    if billed is not None:
        return billed
    if drive.state == states.FAILED:
        return _failed(known, settings)
    if payment.state in paying.ENDED:
        return Verdict()
    return _without_cdr(known, settings)


def _waits(known: Known) -> Verdict:
    payment, drive = known.payment, known.drive
    if payment.state in paying.UNPAID or known.now >= drive.deadline:
        return Verdict(ZERO, UNPAID, over=True)
    return Verdict(look_at=drive.deadline)


def _failed(known: Known, settings: Payments) -> Verdict:
    """A Session may come after all, for a while; not where nobody was asked for one."""
    payment = known.payment
    if payment.state in (paying.ACTION, paying.CREATED) or payment.basis == UNPAID:
        return Verdict(ZERO, UNPAID)
    if not known.asked:
        return Verdict(ZERO, FAILED)
    end = (payment.since or known.now) + int(settings.void_after * 60 * SECOND * known.speed)
    return Verdict(ZERO, FAILED) if known.now >= end else Verdict(look_at=end)


def _runs(known: Known, settings: Payments) -> Verdict:
    """Charging: the hold must not be used up, nor end."""
    payment, now = known.payment, known.now
    end = _end(payment, settings)
    again = min(end, now + RETRY)
    if payment.state in paying.UNPAID:
        return Verdict(stop=True, look_at=now + RETRY)
    if now >= end:
        return Verdict(*_own(known), stop=True, look_at=now + RETRY)
    used = known.cost.shown if known.cost is not None else ZERO
    if used >= payment.held * Decimal(str(settings.stop_at)):
        return Verdict(stop=True, warn=True, look_at=again)
    return Verdict(warn=used >= payment.held * Decimal(str(settings.warn_at)), look_at=end)


def _without_cdr(known: Known, settings: Payments) -> Verdict:
    """The Session has ended: until its CDR comes, or it is too late to wait for it."""
    payment = known.payment
    if payment.basis and payment.due is not None:
        return Verdict(payment.due, payment.basis)
    end = min(known.ended + int(settings.cdr_wait * HOUR), _end(payment, settings))
    return Verdict(*_own(known)) if known.now >= end else Verdict(look_at=end)


def _billed(known: Known, settings: Payments) -> Verdict | None:
    """By what was billed for it; None: nothing that says what it comes to."""
    payment = known.payment
    bills = [one for one in known.bills if one.reason not in NO_MATTER]
    if not bills:
        return None
    amounts = [ZERO if one.reason == AT_HOME else _amount(one) for one in bills]
    if any(one is None for one in amounts) or any(one.sold_currency not in ("", payment.currency) for one in bills):
        return None
    due = sum((one for one in amounts if one is not None), ZERO)
    taken_back = [one.billed_at for one in bills if one.credits]
    if not taken_back:
        return Verdict(due, CDR)
    # Mostly a corrected one follows at once: what was captured, or is held, stays until then.
    end = max(taken_back) + int(settings.refund_wait * HOUR)
    if payment.state not in (paying.CAPTURED, paying.REFUNDING):
        end = min(end, _end(payment, settings))
    if known.now < end and due < (payment.kept or payment.held):
        return Verdict(payment.due, payment.basis, look_at=end)
    return Verdict(due, CREDIT)


def _own(known: Known) -> tuple[Decimal, str]:
    if known.cost is None or known.cost.currency != known.payment.currency:
        return ZERO, UNKNOWN
    return known.cost.shown, SESSION


def _amount(bill: Bill) -> Decimal | None:
    return bill.sold_net if bill.sold_gross is None else bill.sold_gross


def _end(payment: Payment, settings: Payments) -> int:
    """From when on it is too late to wait for anything: the hold ends soon."""
    expires = payment.expires_at or payment.created_at + int(settings.hold_days * 24 * HOUR)
    lasts = expires - payment.created_at
    return expires - min(int(settings.margin * HOUR), lasts // 4)

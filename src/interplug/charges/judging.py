"""What is to be said of a CDR: is the money right, can it be true, is it the only one, do we know of the charge. Pure: no store, no clock.

`judge` is handed the CDR in the newest form and what else is known, and answers with findings. Each says for itself how grave it is; the
verdicts are those of all findings together, so a CDR can be doubled and wrong at once. What concerns the money alone is in `money`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from interplug.config import Cdrs
from interplug.model.power import watts_of
from interplug.model.types import parse_time

from .findings import Finding, said
from .judgement import Judgement, Known, Other
from .money import price, total
from .signed import prove

Document = dict[str, Any]
HOUR = 3_600_000_000
DAY = 24 * HOUR
AHEAD = 600_000_000
"""Microseconds by which clocks may differ."""
SLACK = (Decimal("1.1"), Decimal("0.1"))
"""A Connector may give a little more than it says: this part, and so many kWh beyond."""


def judge(cdr: Document, known: Known, limits: Cdrs) -> Judgement:
    """A credit whose original is known is only compared with it; every other CDR goes through the money and all of `_CHECKS`."""
    if cdr.get("credit") and known.original is not None:
        return _credit(cdr, known.original, known)
    priced = price(cdr, known)
    findings = [finding for check in _CHECKS for finding in check(cdr, known, limits)]
    if cdr.get("credit"):
        findings.append(said("credit_without_original", "/cdr/credit_reference_id", cdr.get("credit_reference_id")))
    return Judgement((*priced.findings, *findings), priced.excess, cdr["currency"], priced.verified, priced.matches)


def failed() -> Judgement:
    """What is said where the check itself has a fault."""
    return Judgement((said("check_failed", ""),))


# --- credits


def _credit(cdr: Document, original: Document, known: Known) -> Judgement:
    """It takes back what was charged, all of it (10.3.1.1)."""
    findings = [said("credited_twice", "/cdr/credit_reference_id", other) for other in known.credited_by[:1]]
    mine, theirs = total(cdr), total(original)
    matches = [-amount for amount in mine] == theirs and cdr["currency"] == original["currency"]
    if not matches:
        findings.append(said("credit_differs", "/cdr/total_cost", -mine[0], f"{theirs[0]} {original['currency']}"))
    return Judgement(tuple(findings), None if matches else mine[0] + theirs[0], cdr["currency"], None, matches)


# --- whether it can be true


def _amounts(cdr: Document, known: Known, limits: Cdrs) -> Iterator[Finding]:
    """Only a credit says that something is given back."""
    if cdr.get("credit"):
        return
    for name, amount in (("total_energy", Decimal(cdr["total_energy"])), ("total_cost", total(cdr)[0])):
        if amount < 0:
            yield said("negative_amount", f"/cdr/{name}", name, amount)


def _times(cdr: Document, known: Known, limits: Cdrs) -> Iterator[Finding]:
    start, end = parse_time(cdr["start_date_time"]), parse_time(cdr["end_date_time"])
    if end < start:
        yield said("ends_before_start", "/cdr/end_date_time")
    if end > known.received_at + AHEAD:
        yield said("in_future", "/cdr/end_date_time")
    if end - start > limits.longest * HOUR:
        yield said("duration_absurd", "/cdr/end_date_time", hours(end - start))
    waited = known.received_at - max(end, known.since)
    if not known.own and waited > limits.late_after * HOUR:
        yield said("late", "/cdr/end_date_time", hours(known.received_at - end))


def hours(microseconds: int) -> str:
    return f"{Decimal(microseconds) / HOUR:.1f}"


def _capacity(cdr: Document, known: Known, limits: Cdrs) -> Iterator[Finding]:
    lasted = _lasted(cdr)
    if known.watts is None or lasted < 0:
        return
    most = _kwh(known.watts, lasted)
    part, beyond = SLACK
    if Decimal(cdr["total_energy"]) > most * part + beyond:
        yield said("energy_beyond_capacity", "/cdr/total_energy", cdr["total_energy"], hours(lasted), f"{most:.1f}")


def far_beyond(cdr: Document, watts: int) -> bool:
    """Whether a Connector of that power could not give what is claimed with a whole day more: its unit is wrong, or all of it. Powers and
    times that are a little wrong are not met by this."""
    return Decimal(cdr["total_energy"]) > _kwh(watts, max(0, _lasted(cdr)) + DAY)


def _lasted(cdr: Document) -> int:
    return parse_time(cdr["end_date_time"]) - parse_time(cdr["start_date_time"])


def _kwh(watts: int, lasted: int) -> Decimal:
    return Decimal(watts) / 1000 * Decimal(lasted) / HOUR


def capacity_of(connector: Document) -> int | None:
    """The watts that a CDR is held against; None: not known. A `max_electric_power` below 1000 W was meant in kW, and tells nothing."""
    if (connector.get("max_electric_power") or 1000) < 1000:
        connector = {**connector, "max_electric_power": None}
    return watts_of(connector) or None


def _session(cdr: Document, known: Known, limits: Cdrs) -> Iterator[Finding]:
    """Energies are compared at the precision in which people argue: a hundredth, and 50 Wh."""
    if known.session is None or known.session.get("status") != "COMPLETED":
        return
    told, claimed_ = Decimal(known.session["kwh"]), Decimal(cdr["total_energy"])
    if abs(told - claimed_) > max(told, claimed_) / 100 + Decimal("0.05"):
        yield said("session_energy", "/cdr/total_energy", told, claimed_)


def _signed(cdr: Document, known: Known, limits: Cdrs) -> Iterator[Finding]:
    proof = prove(cdr)
    if proof is not None:
        yield said(proof.verdict, "/cdr/signed_data", proof.words)


# --- whether it is the only one, and whether we know of the charge


def _others(cdr: Document, known: Known, limits: Cdrs) -> Iterator[Finding]:
    """Of two that collide, the later one is at fault; one that was taken back collides with none."""
    if cdr.get("credit"):
        return
    second = doubled(known.others)
    if second is not None:
        yield second
    earlier = [other for other in known.others if other.earlier and other.standing]
    elsewhere = next((other for other in earlier if other.same_time and not other.same_evse and not other.same_session), None)
    if elsewhere is not None:
        yield said("token_overlap", "/cdr/cdr_token", elsewhere.id)


def doubled(others: Sequence[Other]) -> Finding | None:
    """Whether one of the others is for the same charge."""
    earlier = [other for other in others if other.earlier and other.standing]
    session = next((other for other in earlier if other.same_session), None)
    if session is not None:
        return said("same_session", "/cdr/session_id", session.id)
    charge = next((other for other in earlier if other.same_evse and other.same_time), None)
    return None if charge is None else said("same_charge", "/cdr/cdr_token", charge.id)


def _origin(cdr: Document, known: Known, limits: Cdrs) -> Iterator[Finding]:
    if known.own or known.authorised:
        return
    if not known.token_known:
        yield said("token_unknown", "/cdr/cdr_token")
    elif known.session is None and (known.session_expected or cdr.get("session_id")):
        yield said("session_unknown", "/cdr/session_id")


_Check = Callable[[Document, Known, Cdrs], Iterator[Finding]]
_CHECKS: tuple[_Check, ...] = (_amounts, _times, _capacity, _session, _signed, _others, _origin)

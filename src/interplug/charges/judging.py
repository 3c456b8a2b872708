"""What is to be said of a CDR: is the money right, can it be true, is it the only one, do we know of the charge. Pure: no store, no clock.

`judge` is handed the CDR in the newest form and what else is known, and answers with findings. Each says for itself how grave it is; the
verdicts are those of all findings together, so a CDR can be doubled and wrong at once. Whether the money is right is the business of
`interplug.tariffs`; here its answer is put beside the tariff that was published when the session began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple

from interplug.config import Cdrs
from interplug.model.types import fold, parse_time
from interplug.tariffs import TariffError, Verified, compile_tariff, verify
from interplug.tariffs.same import same_prices
from interplug.tariffs.worked import CAUSES, DOUBTS, claimed

from .findings import VERDICTS, Finding, said
from .signed import prove

Document = dict[str, Any]
HOUR = 3_600_000_000
DAY = 24 * HOUR
AHEAD = 600_000_000
"""Microseconds by which clocks may differ."""
STOPPING = ("mismatch", "unverifiable")
BELIED = ("signature_wrong", "signed_energy")
MOST_WORK = 200_000
"""Charging periods times price components that are priced; a real CDR has some thousands."""
SLACK = (Decimal("1.1"), Decimal("0.1"))
"""A Connector may give a little more than it says: this part, and so many kWh beyond."""


class Other(NamedTuple):
    """Another CDR that shares the Session, or the Token and the time. `standing`: it is no credit and was not taken back."""

    id: str
    earlier: bool
    standing: bool
    same_session: bool
    same_evse: bool
    same_time: bool


@dataclass(slots=True, frozen=True)
class Known:
    """What is known besides the CDR. `published` holds by folded id the versions of a Tariff that were current when the session began,
    the most likely first; `watts` is what the Connector gives; `since` is when we began to work with the partner."""

    own: bool
    received_at: int
    since: int = 0
    zone: str | None = None
    published: dict[str, list[Document]] | None = None
    session: Document | None = None
    session_expected: bool = False
    authorised: bool = False
    token_known: bool = False
    watts: int | None = None
    others: Sequence[Other] = ()
    original: Document | None = None
    credited_by: tuple[str, ...] = ()
    """Other CDRs that take the same CDR back, and came before this one."""


@dataclass(slots=True, frozen=True)
class Judgement:
    findings: tuple[Finding, ...]
    excess: Decimal | None = None
    """What is claimed beyond what is right, before taxes where that is known; None where nothing is wrong with the money."""
    currency: str = ""
    verified: Verified | None = None
    matches: bool = False

    @property
    def verdicts(self) -> tuple[str, ...]:
        found = {finding.verdict for finding in self.findings} | ({"match"} if self.matches else set())
        return tuple(verdict for verdict in VERDICTS if verdict in found and not (verdict == "match" and "mismatch" in found))

    @property
    def against(self) -> Finding | None:
        """Why one of our own does not leave: the money is wrong, the meter says otherwise, or nobody could look. All else is for people to
        see."""
        stops = (one for one in self.findings if one.severity == "error" and (one.verdict in STOPPING or one.code in BELIED))
        return next(stops, None)

    def with_these(self, found: Sequence[Finding]) -> Judgement:
        """With what is known from elsewhere, which comes first."""
        return replace(self, findings=(*found, *self.findings)) if found else self


def judge(cdr: Document, known: Known, limits: Cdrs) -> Judgement:
    if cdr.get("credit") and known.original is not None:
        return _credit(cdr, known.original, known)
    priced = _price(cdr, known)
    findings = [finding for check in _CHECKS for finding in check(cdr, known, limits)]
    if cdr.get("credit"):
        findings.append(said("credit_without_original", "/cdr/credit_reference_id", cdr.get("credit_reference_id")))
    return Judgement((*priced.findings, *findings), priced.excess, cdr["currency"], priced.verified, priced.matches)


def failed() -> Judgement:
    """What is said where the check itself has a fault."""
    return Judgement((said("check_failed", ""),))


# --- the money


def _price(cdr: Document, known: Known) -> Judgement:
    tariffs = tariffs_of(cdr, known)
    components = sum(len(element.get("price_components") or ()) for tariff in tariffs for element in tariff.get("elements") or ())
    if len(cdr["charging_periods"]) * components > MOST_WORK:
        return Judgement((said("too_large", "/cdr/charging_periods"),), None, cdr["currency"])
    if not tariffs and not named(cdr) and not any(_total(cdr)):
        return Judgement((), None, cdr["currency"], None, matches=True)
    verified = verify(cdr, tariffs, timezone=known.zone)
    findings = list(_priced(verified))
    excess = _excess(verified) if verified.verdict == "mismatch" else None
    if verified.verdict != "mismatch" and (other := _as_published(cdr, tariffs, known)) is not None:
        findings.append(other[0])
        excess = other[1]
    return Judgement(tuple(findings), excess, cdr["currency"], verified, verified.verdict == "match")


def tariffs_of(cdr: Document, known: Known) -> list[Document]:
    """Those in the CDR, and of those published the ones that its periods name and that are not in it; without any, all published."""
    embedded, published = list(cdr.get("tariffs") or ()), known.published or {}
    if not embedded:
        return [versions[0] for versions in published.values()]
    there = {fold(tariff["id"]) for tariff in embedded}
    return embedded + [published[name][0] for name in named(cdr) if name not in there and name in published]


def named(cdr: Document) -> list[str]:
    """The Tariffs that its periods name, folded."""
    return list(dict.fromkeys(fold(period["tariff_id"]) for period in cdr["charging_periods"] if period.get("tariff_id")))


_DOUBTED = tuple(DOUBTS)
"""What weighs more comes first."""


def _priced(verified: Verified) -> Iterator[Finding]:
    codes = [problem.code for problem in verified.warnings]
    if verified.verdict == "mismatch":
        causes = verified.causes or (("not_explained",) if any(one.side for one in verified.differences) else ("volumes_differ",))
        figures = "; ".join(claimed(verified, ""))
        yield Finding(causes[0], "mismatch", "error", f"/cdr/{verified.differences[0].field}", f"{CAUSES[causes[0]]} {figures}")
        yield from (Finding(cause, "mismatch", "note", "", f"Or: {CAUSES[cause]}") for cause in causes[1:])
    elif verified.verdict == "unverifiable":
        errors = [problem for problem in verified.warnings if problem.severity == "error"]
        doubts = sorted((problem for problem in verified.warnings if problem.code in DOUBTS), key=lambda one: _DOUBTED.index(one.code))
        code, path = next(((problem.code, problem.path) for problem in (*errors, *doubts)), ("no_total", "/cdr/total_cost"))
        yield Finding(code, "unverifiable", "warning", path, DOUBTS.get(code, code))
    if "volume_mismatch" in codes:
        path = next(problem.path for problem in verified.warnings if problem.code == "volume_mismatch")
        yield Finding("volume_mismatch", "", "note", path, "It is not the sum of the charging periods.")


def _excess(verified: Verified) -> Decimal:
    found = {one.side: one.claimed - one.computed for one in verified.differences if one.field == "total_cost"}
    return found.get("excl", found.get("incl", Decimal(0)))


def _as_published(cdr: Document, tariffs: list[Document], known: Known) -> tuple[Finding, Decimal | None] | None:
    """Where a tariff in the CDR is another than the one of that id that was published: what it would cost by that one."""
    places, instead = [], list(tariffs)
    for place, tariff in enumerate(cdr.get("tariffs") or ()):
        versions = (known.published or {}).get(fold(tariff["id"]), ())
        if versions and not any(_same(tariff, version) for version in versions):
            places.append(place)
            instead[place] = {**versions[0], "id": tariff["id"]}
    if not places:
        return None
    path = f"/cdr/tariffs/{places[0]}"
    again = verify(cdr, instead, timezone=known.zone)
    if again.verdict != "mismatch":
        return said("other_tariff_text", path), None
    return said("other_tariff_version", path, "; ".join(claimed(again, ""))), _excess(again)


_ASIDE = frozenset("country_code party_id id tariff_alt_text tariff_alt_url energy_mix start_date_time end_date_time last_updated".split())
"""Fields of a Tariff that no price depends on once it is known that it applies."""


def _same(one: Document, other: Document) -> bool:
    mine, theirs = ({name: value for name, value in tariff.items() if name not in _ASIDE} for tariff in (one, other))
    if mine == theirs:
        return True
    try:
        return same_prices(*(compile_tariff({**tariff, "id": "X"}, "2.3.0") for tariff in (mine, theirs)))
    except TariffError:
        return False


# --- credits


def _credit(cdr: Document, original: Document, known: Known) -> Judgement:
    """It takes back what was charged, all of it (10.3.1.1)."""
    findings = [said("credited_twice", "/cdr/credit_reference_id", other) for other in known.credited_by[:1]]
    mine, theirs = _total(cdr), _total(original)
    matches = [-amount for amount in mine] == theirs and cdr["currency"] == original["currency"]
    if not matches:
        findings.append(said("credit_differs", "/cdr/total_cost", -mine[0], f"{theirs[0]} {original['currency']}"))
    return Judgement(tuple(findings), None if matches else mine[0] + theirs[0], cdr["currency"], None, matches)


def _total(cdr: Document) -> list[Decimal]:
    """Before taxes, and the taxes."""
    total = cdr["total_cost"]
    taxes = sum((Decimal(tax["amount"]) for tax in total.get("taxes") or ()), Decimal(0))
    return [Decimal(total["before_taxes"]), taxes]


# --- whether it can be true


def _amounts(cdr: Document, known: Known, limits: Cdrs) -> Iterator[Finding]:
    """Only a credit says that something is given back."""
    if cdr.get("credit"):
        return
    for name, amount in (("total_energy", Decimal(cdr["total_energy"])), ("total_cost", _total(cdr)[0])):
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


def watts_of(connector: Document) -> int | None:
    """What a Connector gives at most. `max_electric_power` below 1000 W is one that was meant in kW, and tells nothing."""
    stated = connector.get("max_electric_power")
    if stated and stated >= 1000:
        return int(stated)
    phases = {"AC_3_PHASE": 3, "AC_2_PHASE": 2, "AC_2_PHASE_SPLIT": 2}.get(connector["power_type"], 1)
    return int(connector["max_voltage"] * connector["max_amperage"] * phases) or None


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

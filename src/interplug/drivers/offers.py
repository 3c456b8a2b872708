"""Offers: what our eMSP charges its drivers, and where, for whom and in which order of precedence an offer holds.

An offer names conditions and has a price: a Tariff of its own, in OCPI form, or none, and then the operator's prices pass through, with a
fee on top where one is named. It holds where all its conditions do. Of those that hold the most specific one counts: one that names the
contract before one that names the group, then the operator, the partner, the power, the country; among equals the higher `priority`, then
the id in the order of the alphabet. Where none holds the operator's prices are the driver's.

Pure: what is known of a plug and of who stands before it is a `Situation`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from interplug.model.locations import PowerType
from interplug.model.types import encode_json, fold, parse_time
from interplug.model.validate import Invalid, validate
from interplug.tariffs import Fee, TariffError, compile_tariff, lint
from interplug.tariffs.retail import NOTHING
from interplug.versions.places import alpha2, alpha3

Document = dict[str, Any]
_PARTY = re.compile(r"([A-Z]{2})[-*]?([A-Z0-9]{3})")
_OWNER = {"country_code": "XX", "party_id": "XXX", "last_updated": "2000-01-01T00:00:00Z"}
"""What OCPI asks of a Tariff and what an offer need not repeat."""


class BadOffer(ValueError):
    """An offer that cannot be; the text names the field."""


class Offer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Conditions that are not there always hold; of a list one entry has to. Power in kW, from `min_kw` to below `max_kw`."""

    id: str
    contracts: list[str] = []
    groups: list[str] = []
    operators: list[str] = []
    partners: list[str] = []
    min_kw: Decimal | None = None
    max_kw: Decimal | None = None
    power_types: list[PowerType] = []
    countries: list[str] = []
    priority: int = 0
    tariff: dict[str, Any] | None = None
    fee: Fee | None = None
    missing_vat: Decimal | None = None
    """Rate, in percent, of the operators' prices that pass through and tell no tax; 2.1.1 never tells one."""

    @property
    def passes(self) -> bool:
        """Whether the operator's prices are those of the driver."""
        return self.tariff is None

    @property
    def on_top(self) -> Fee:
        return self.fee or NOTHING

    def document(self) -> Document:
        found: Document = msgspec.to_builtins(self, builtin_types=(Decimal,))
        return found


@dataclass(slots=True, frozen=True)
class Situation:
    """Who charges where, as far as it is known; None is not known. `operator` as NL-TNM, `country` by its three letters."""

    operator: str
    partner: str
    country: str | None = None
    kw: Decimal | None = None
    power_type: str | None = None
    contract: str | None = None
    group: str | None = None
    currency: str | None = None
    """Of the operator's price."""
    at: int = 0
    """When the session starts."""


@dataclass(slots=True, frozen=True)
class Weighed:
    offer: Offer
    chosen: bool
    why: str


# --- reading what somebody wrote


def read_offer(document: Any) -> Offer:
    """Raises `BadOffer` with the field and the reason."""
    try:
        offer = msgspec.convert(document, Offer)
    except msgspec.ValidationError as error:
        raise BadOffer(str(error).replace("$.", "").replace("`", "")) from None
    for check in (_check_id, _check_conditions, _check_fee, _check_missing_vat, _check_tariff):
        check(offer)
    return msgspec.structs.replace(
        offer,
        operators=["-".join(match.groups()) for one in offer.operators if (match := _PARTY.fullmatch(one.upper()))],
        countries=[code for one in offer.countries if (code := country(one))],
    )


def country(code: str | None) -> str | None:
    """Its three letters, for two or three of them, which partners mix up."""
    spelled = (code or "").upper()
    return alpha3(spelled) or (spelled if alpha2(spelled) else None)


def known(document: Document) -> Offer:
    """One that was read before, from the database."""
    return msgspec.convert(document, Offer)


def _check_id(offer: Offer) -> None:
    if not re.fullmatch(r"[\x21-\x7e]{1,36}", offer.id):
        raise BadOffer(f"id: {offer.id!r:.60} is none; 1 to 36 letters, digits or signs, without spaces")


def _check_conditions(offer: Offer) -> None:
    for one in offer.operators:
        if not _PARTY.fullmatch(one.upper()):
            raise BadOffer(f"operators: {one!r:.60} is no party; write one as NL-TNM")
    for one in offer.countries:
        if country(one) is None:
            raise BadOffer(f"countries: {one!r:.60} is no country; two or three letters of ISO 3166")
    low, high = offer.min_kw, offer.max_kw
    if any(one is not None and not (one.is_finite() and 0 <= one < 100_000) for one in (low, high)) or (
        low is not None and high is not None and low >= high
    ):
        raise BadOffer("min_kw, max_kw: from the one to below the other, in kW")


def _check_fee(offer: Offer) -> None:
    fee = offer.fee
    if fee is None:
        return
    if offer.tariff is not None:
        raise BadOffer("fee: a fee is on top of the operator's prices; an offer with a tariff has none")
    for name, value, low, high in (
        ("percentage", fee.percentage, -100, 1000),
        ("per_session", fee.per_session, 0, 10_000),
        ("per_kwh", fee.per_kwh, 0, 10_000),
        ("vat", fee.vat, 0, 100),
    ):
        _check_number(f"fee.{name}", value, low, high)
    if (fee.has_amounts or fee.currency) and not re.fullmatch(r"[A-Z]{3}", fee.currency):
        raise BadOffer("fee.currency: three capital letters of ISO 4217 have to say in which currency per_session and per_kwh are")


def _check_number(name: str, value: Decimal | None, low: int, high: int) -> None:
    if value is not None and not (value.is_finite() and low <= value <= high and value == round(value, 12)):
        raise BadOffer(f"{name}: from {low} to {high}, with twelve decimals at most")


def _check_missing_vat(offer: Offer) -> None:
    if offer.missing_vat is not None and offer.tariff is not None:
        raise BadOffer("missing_vat: it is for the operators' prices; an offer with a tariff names the vat of its prices there")
    _check_number("missing_vat", offer.missing_vat, 0, 100)


def _check_tariff(offer: Offer) -> None:
    if offer.tariff is None:
        return
    try:
        validate("tariff", {**_OWNER, "id": offer.id, **offer.tariff})
        compile_tariff(offer.tariff, "2.3.0")
    except (Invalid, TariffError) as error:
        raise BadOffer(f"tariff: {error}") from None
    for finding in lint(offer.tariff):
        if finding.severity == "error" and finding.code != "missing_required_field":
            raise BadOffer(f"tariff{finding.path}: {finding.message}")


# --- choosing


def chosen(offers: Iterable[Offer], situation: Situation) -> Offer | None:
    return next((one for one in sorted(offers, key=precedence) if not why_not(one, situation)), None)


def weigh(offers: Iterable[Offer], situation: Situation) -> list[Weighed]:
    """Every offer in the order of precedence, the one that counts marked, and why each of the others does not."""
    found: list[Weighed] = []
    winner: Offer | None = None
    for offer in sorted(offers, key=precedence):
        reason = why_not(offer, situation)
        if reason:
            found.append(Weighed(offer, False, f"does not hold: {reason}"))
        elif winner is None:
            winner = offer
            found.append(Weighed(offer, True, f"holds: {_conditions(offer)}"))
        else:
            found.append(Weighed(offer, False, f"holds, but {winner.id} goes before it: {_advantage(winner, offer)}"))
    return found


def why_not(offer: Offer, situation: Situation) -> str:
    """The first condition that does not hold; empty where all of them do."""
    return next(_failing(offer, situation), "")


def _failing(offer: Offer, here: Situation) -> Iterator[str]:
    if offer.contracts and _plain(here.contract) not in map(_plain, offer.contracts):
        yield f"not for the contract {here.contract}" if here.contract else "for certain contracts only, and the driver has none yet"
    if offer.groups and fold(here.group or "") not in map(fold, offer.groups):
        yield f"not for the group {here.group}" if here.group else "for certain groups only, and the driver is in none"
    if offer.operators and fold(here.operator) not in map(fold, offer.operators):
        yield f"not for the operator {here.operator}"
    if offer.partners and here.partner.casefold() not in (one.casefold() for one in offer.partners):
        yield f"not for stations that {here.partner} tells of"
    yield from _power(offer, here)
    if offer.countries and here.country not in offer.countries:
        yield f"not for the country {here.country or '(not known)'}"
    yield from _price(offer, here)


def _power(offer: Offer, here: Situation) -> Iterator[str]:
    if (offer.min_kw is not None or offer.max_kw is not None) and here.kw is None:
        yield "the power of the plug is not known"
    elif offer.min_kw is not None and here.kw is not None and here.kw < offer.min_kw:
        yield f"{_number(here.kw)} kW is below {_number(offer.min_kw)} kW"
    elif offer.max_kw is not None and here.kw is not None and here.kw >= offer.max_kw:
        yield f"{_number(here.kw)} kW is not below {_number(offer.max_kw)} kW"
    if offer.power_types and here.power_type not in offer.power_types:
        yield f"not for the power type {here.power_type or '(not known)'}"


def _price(offer: Offer, here: Situation) -> Iterator[str]:
    if offer.tariff is not None:
        start, end = (parse_time(offer.tariff[name]) if offer.tariff.get(name) else None for name in ("start_date_time", "end_date_time"))
        if (start is not None and here.at < start) or (end is not None and here.at >= end):
            yield "its tariff is not valid then"
    elif offer.on_top.has_amounts and here.currency is not None and here.currency != offer.on_top.currency:
        yield f"its fee is in {offer.on_top.currency}, the operator's price in {here.currency}"


CONDITIONS = ("contract", "group", "operator", "partner", "power", "country")
"""In the order of their weight."""


def _stated(offer: Offer) -> tuple[bool, ...]:
    power = offer.min_kw is not None or offer.max_kw is not None or bool(offer.power_types)
    return bool(offer.contracts), bool(offer.groups), bool(offer.operators), bool(offer.partners), power, bool(offer.countries)


def precedence(offer: Offer) -> tuple[tuple[bool, ...], int, str]:
    """What goes before others sorts first."""
    return tuple(not one for one in _stated(offer)), -offer.priority, fold(offer.id)


def _conditions(offer: Offer) -> str:
    named = [name for name, stated in zip(CONDITIONS, _stated(offer), strict=True) if stated]
    return f"{', '.join(named)} as it asks" if named else "it has no conditions"


def _advantage(winner: Offer, other: Offer) -> str:
    for name, first, second in zip(CONDITIONS, _stated(winner), _stated(other), strict=True):
        if first and not second:
            return f"it names the {name}"
    return "its priority is higher" if winner.priority > other.priority else "equal in everything, and first in the alphabet"


def _plain(contract: str | None) -> str:
    """A contract id is written with and without its separators."""
    return re.sub(r"[-*]", "", fold(contract or ""))


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"


def encoded(offer: Offer | None) -> bytes:
    return b"null" if offer is None else encode_json(offer.document())

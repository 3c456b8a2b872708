"""How things are said to a driver: statuses, plugs, ages, money. The same words on every page and in every stream, in the language of
the request.

Nothing here is nicer than the truth: an unknown status is called unknown, a price before taxes is called that. This file knows no
node and no clock; whoever asks brings the time.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup

from interplug.drivers.receipt import Amount
from interplug.tariffs import Difference
from interplug.versions.places import alpha2

from . import writing
from .languages import N_, Words, _, say, spoken
from .writing import SECOND as SECOND


class Mark(NamedTuple):
    """A status in words, and how it looks: `free`, `busy`, `out` or `unknown`."""

    text: str
    look: str


STATUSES = {
    "AVAILABLE": Mark(N_("Free"), "free"),
    "BLOCKED": Mark(N_("Blocked"), "busy"),
    "CHARGING": Mark(N_("In use"), "busy"),
    "RESERVED": Mark(N_("Reserved"), "busy"),
    "INOPERATIVE": Mark(N_("Out of service"), "out"),
    "OUTOFORDER": Mark(N_("Out of order"), "out"),
    "PLANNED": Mark(N_("Not built yet"), "out"),
    "REMOVED": Mark(N_("Taken away"), "out"),
    "UNKNOWN": Mark(N_("Not known"), "unknown"),
}

PLUGS = Words(
    {
        "IEC_62196_T1": "Type 1",
        "IEC_62196_T1_COMBO": "CCS 1",
        "IEC_62196_T2": "Type 2",
        "IEC_62196_T2_COMBO": "CCS 2",
        "IEC_62196_T3A": "Type 3A",
        "IEC_62196_T3C": "Type 3C",
        "CHADEMO": "CHAdeMO",
        "CHAOJI": "ChaoJi",
        "GBT_AC": "GB/T AC",
        "GBT_DC": "GB/T DC",
        "MCS": N_("MCS (lorries)"),
        "NEMA_14_50": "NEMA 14-50",
        "SAE_J3400": "NACS",
        "TESLA_R": "Tesla Roadster",
        "TESLA_S": "Tesla",
        "IEC_60309_2_single_16": N_("CEE blue"),
        "IEC_60309_2_three_16": N_("CEE red 16 A"),
        "IEC_60309_2_three_32": N_("CEE red 32 A"),
        "IEC_60309_2_three_64": N_("CEE red 63 A"),
        "DOMESTIC_F": "Schuko",
    }
)

STATES = Words(
    {
        "PAYING": N_("Payment first"),
        "ASKED": N_("Asking the operator …"),
        "ACCEPTED": N_("The operator is starting the station …"),
        "STARTED": N_("The station is ready. Plug in your car."),
        "UNSURE": N_("Not confirmed"),
        "CHARGING": N_("Charging"),
        "STOPPING": N_("Stopping …"),
        "FINISHED": N_("Finished. Waiting for the operator’s bill."),
        "BILLED": N_("Finished and billed"),
        "FAILED": N_("Not started"),
        "INVALID": N_("Declared invalid by the operator"),
    }
)
SHORT = Words(
    {
        **STATES.data,
        "PAYING": N_("Not paid yet"),
        "ASKED": N_("Starting"),
        "ACCEPTED": N_("Starting"),
        "STARTED": N_("Ready for the car"),
        "FINISHED": N_("Waiting for the bill"),
        "INVALID": N_("Declared invalid"),
    }
)

INVOICES = Words(
    {"paid": N_("Paid"), "card": N_("Paid by card"), "open": N_("Not paid yet"), "back": N_("Goes back to you"), "gone": N_("Gone back")}
)

PAYMENTS = Words(
    {
        "created": N_("The payment is being prepared."),
        "requires_action": N_("Nothing is held yet."),
        "held": N_("This much is held on your card. You pay what you use; the rest is let go."),
        "raising": N_("This much is held on your card. You pay what you use; the rest is let go."),
        "capturing": N_("Your payment is being made."),
        "captured": N_("Paid by card."),
        "voiding": N_("What is held on your card is being let go."),
        "voided": N_("Nothing was taken from your card."),
        "refunding": N_("Money is on its way back to your card."),
        "refunded": N_("All of it went back to your card."),
        "expired": N_("What was held on your card was let go."),
        "failed": N_("The payment did not work."),
        "disputed": N_("You have disputed this payment at your bank."),
        "lost": N_("Your bank has taken this payment back."),
    }
)

CHECKS = Words(
    {
        "match": N_("Checked: the operator’s bill is right for its tariff and for what the meter counted."),
        "mismatch": N_("Checked: the operator’s bill is not what its tariff and the meter give. You pay what they give."),
        "unverifiable": N_("The operator’s bill could not be checked: it does not tell enough."),
    }
)
SIGNED = Words(
    {
        "signed_right": N_(
            "Checked: the meter’s signature is right for the key below, and fits the bill. Compare it with the one on the meter."
        ),
        "signature_wrong": N_("The meter’s signature is wrong: it was changed, or the key is not that of this meter. Ask before you pay."),
        "signed_energy": N_("The meter has signed another amount of energy than is billed. Ask before you pay."),
        "signed_times": N_("What the meter has signed is of another time than this bill. Ask before you pay."),
        "signed_unchecked": N_("The signature of the meter could not be checked here. The transparency software may be able to."),
    }
)


SEVERITIES = Words({"info": N_("info"), "minor": N_("minor"), "major": N_("major"), "critical": N_("critical")})


FIELDS = Words(
    {
        "total_cost": N_("Total"),
        "total_fixed_cost": N_("Fixed fee"),
        "total_energy_cost": N_("Energy, its price"),
        "total_time_cost": N_("Time, its price"),
        "total_parking_cost": N_("Parking, its price"),
        "total_reservation_cost": N_("Reservation, its price"),
        "total_energy": N_("Energy in kWh"),
        "total_time": N_("Time in hours"),
        "total_parking_time": N_("Parking in hours"),
    }
)
"""What a bill can be wrong in."""


def fields(found: Iterable[Difference]) -> str:
    """In what a bill differs from its tariff and the meter. Not by how much: what an operator asks of us is no business of a driver."""
    return ", ".join(dict.fromkeys(FIELDS.get(one.field, one.field) for one in found))


def status(code: str) -> Mark:
    known = STATUSES.get(code)
    return Mark(_("Not known (%s)") % code, "unknown") if known is None else Mark(_(known.text), known.look)


def plug(standard: str) -> str:
    if standard in PLUGS:
        return PLUGS[standard]
    if standard.startswith("DOMESTIC_"):
        return _("Household %s") % standard.removeprefix("DOMESTIC_")
    return standard.replace("_", " ")


def plugs(standards: str) -> str:
    """As `store.places` keeps them: between commas."""
    return ", ".join(plug(one) for one in standards.strip(",").split(","))


def kw(watts: int | Decimal) -> str:
    return _kw(watts, spoken())


@functools.lru_cache(2048)
def _kw(watts: int | Decimal, language: str) -> str:
    return writing.number(Decimal(watts) / 1000, language, 0, 1) + " kW"


def number(value: Decimal, places: int) -> str:
    return writing.number(value, spoken(), places, places)


def plainly(value: Decimal | int) -> str:
    return writing.number(value, spoken())


def seconds(since: int, now: int) -> int:
    """Whole seconds from one time (microseconds) to another; clocks that differ make nothing negative."""
    return max(0, now - since) // SECOND


AGES = Words({"s": N_("{n} s ago"), "min": N_("{n} min ago"), "h": N_("{n} h ago"), "days": N_("{n} days ago")})


def age(since: int, now: int) -> str:
    """`live.js` counts on in the same words."""
    passed = seconds(since, now)
    if passed < 60:
        return AGES["s"].format(n=passed)
    if passed < 3600:
        return AGES["min"].format(n=passed // 60)
    return AGES["h"].format(n=passed // 3600) if passed < 48 * 3600 else AGES["days"].format(n=passed // 86_400)


def ago(since: int, now: int, old: int | None = None) -> Markup:
    """The age in a page that counts it on; `old`: seconds after which it is marked."""
    mark = Markup("") if old is None else Markup(' data-old="{}"').format(old)
    return Markup('<time data-age="{}"{}>{}</time>').format(seconds(since, now), mark, age(since, now))


def phone(number: str) -> Markup:
    """One that can be called with a touch."""
    plain = "".join(one for one in number if one.isdigit() or one == "+")
    return Markup('<a href="tel:{}">{}</a>').format(plain, number)


def strong(text: str) -> Markup:
    return Markup("<strong>{}</strong>").format(text)


def named(text: str) -> Markup:
    """An id, in letters of one width."""
    return Markup('<span class="id">{}</span>').format(text)


def ages() -> dict[str, str]:
    """For `live.js`."""
    return dict(AGES.items())


def lasting(passed: int) -> str:
    """Seconds as on a clock: 4:05, or 1:04:05."""
    minutes, rest = divmod(passed, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def hours(passed: int) -> str:
    """About so many seconds, for a plan."""
    minutes = max(1, round(passed / 60))
    if minutes < 60:
        return _("{n} min").format(n=minutes)
    whole, rest = divmod(minutes, 60)
    return _("{n} h {rest} min").format(n=whole, rest=rest) if rest else _("{n} h").format(n=whole)


def zone(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def moment(at: int, where: tzinfo) -> str:
    """A time at the station, with the name of its clock."""
    return writing.moment(at, where, spoken())


def day(at: int) -> str:
    return writing.day(at, UTC, spoken())


def clock(at: int, where: tzinfo) -> str:
    return f"{datetime.fromtimestamp(at // SECOND, UTC).astimezone(where):%H:%M:%S}"


def money(value: Decimal, currency: str, finer: int = 0) -> str:
    """In the smallest coin of the currency; `finer`: up to so many digits more where they are there."""
    return writing.money(value, currency, spoken(), finer)


def cents(value: int, currency: str) -> str:
    return money(Decimal(value) / 100, currency)


def distance(metres: int) -> str:
    if metres < 1000:
        return f"{plainly(round(metres, -1))} m"
    return f"{writing.number(Decimal(metres) / 1000, spoken(), 1, 1) if metres < 10_000 else plainly(round(metres / 1000))} km"


def country(code: str) -> str:
    """Its name, for the three letters of a Location."""
    return writing.country(alpha2(code) or code, spoken())


def cost(amount: Amount) -> str:
    return money(amount.shown, amount.currency)


def taxes(amount: Amount) -> str:
    """What of an amount is tax, as far as that is known."""
    if amount.gross is None:
        return _("before taxes")
    if amount.net is None or amount.net == amount.gross:
        return _("taxes included")
    return _("incl. {amount} VAT").format(amount=money(amount.gross - amount.net, amount.currency))


VAT = N_("VAT")
"""As bills mostly name the tax, in English."""


def vat(rates: Iterable[Decimal]) -> str:
    """The rates that are in a price, beside it; nothing where none is."""
    named = " / ".join(plainly(rate) for rate in rates if rate)
    return _("incl. {rates} % VAT").format(rates=named) if named else ""


FILTERS: dict[str, Any] = {
    "age": age,
    "ago": ago,
    "cents": cents,
    "clock": clock,
    "cost": cost,
    "country": country,
    "fields": fields,
    "distance": distance,
    "hours": hours,
    "decimal": Decimal,
    "kw": kw,
    "lasting": lasting,
    "moment": moment,
    "day": day,
    "money": money,
    "named": named,
    "number": number,
    "phone": phone,
    "plainly": plainly,
    "plug": plug,
    "plugs": plugs,
    "say": say,
    "seconds": seconds,
    "status": status,
    "strong": strong,
    "taxes": taxes,
    "vat": vat,
}

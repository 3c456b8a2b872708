"""How things are said to a driver: statuses, plugs, ages, money. The same words on every page and in every stream.

Nothing here is nicer than the truth: an unknown status is called unknown, a price before taxes is called that. This file knows no
node and no clock; whoever asks brings the time.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from interplug.drivers.receipt import Amount
from interplug.tariffs.money import exponent

SECOND = 1_000_000
SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$"}
OPERATOR_SAYS_NOT = "not told"


class Said(NamedTuple):
    """A status in words, and how it looks: `free`, `busy`, `out` or `unknown`."""

    text: str
    look: str


STATUSES = {
    "AVAILABLE": Said("Free", "free"),
    "BLOCKED": Said("Blocked", "busy"),
    "CHARGING": Said("In use", "busy"),
    "RESERVED": Said("Reserved", "busy"),
    "INOPERATIVE": Said("Out of service", "out"),
    "OUTOFORDER": Said("Out of order", "out"),
    "PLANNED": Said("Not built yet", "out"),
    "REMOVED": Said("Taken away", "out"),
    "UNKNOWN": Said("Not known", "unknown"),
}

PLUGS = {
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
    "MCS": "MCS (lorries)",
    "NEMA_14_50": "NEMA 14-50",
    "SAE_J3400": "NACS",
    "TESLA_R": "Tesla Roadster",
    "TESLA_S": "Tesla",
    "IEC_60309_2_single_16": "CEE blue",
    "IEC_60309_2_three_16": "CEE red 16 A",
    "IEC_60309_2_three_32": "CEE red 32 A",
    "IEC_60309_2_three_64": "CEE red 63 A",
    "DOMESTIC_F": "Schuko",
}

STATES = {
    "PAYING": "Payment first",
    "ASKED": "Asking the operator …",
    "ACCEPTED": "The operator is starting the station …",
    "STARTED": "The station is ready. Plug in your car.",
    "UNSURE": "Not confirmed",
    "CHARGING": "Charging",
    "STOPPING": "Stopping …",
    "FINISHED": "Finished. Waiting for the operator’s bill.",
    "BILLED": "Finished and billed",
    "FAILED": "Not started",
}
SHORT = {
    **STATES,
    "PAYING": "Not paid yet",
    "ASKED": "Starting",
    "ACCEPTED": "Starting",
    "STARTED": "Ready for the car",
    "FINISHED": "Waiting for the bill",
}

PAYMENTS = {
    "created": "The payment is being prepared.",
    "requires_action": "Nothing is held yet.",
    "held": "This much is held on your card. You pay what you use; the rest is let go.",
    "raising": "This much is held on your card. You pay what you use; the rest is let go.",
    "capturing": "Your payment is being made.",
    "captured": "Paid by card.",
    "voiding": "What is held on your card is being let go.",
    "voided": "Nothing was taken from your card.",
    "refunding": "Money is on its way back to your card.",
    "refunded": "All of it went back to your card.",
    "expired": "What was held on your card was let go.",
    "failed": "The payment did not work.",
    "disputed": "You have disputed this payment at your bank.",
    "lost": "Your bank has taken this payment back.",
}

CHECKS = {
    "match": "Checked: the operator’s bill is right for its tariff and for what the meter counted.",
    "mismatch": "Checked: the operator’s bill is not what its tariff and the meter give. You pay what they give.",
    "unverifiable": "The operator’s bill could not be checked: it does not tell enough.",
}
SIGNED = {
    "signed_right": "Checked: the meter’s signature is right for the key below, and fits the bill. Compare it with the one on the meter.",
    "signature_wrong": "The meter’s signature is wrong: it was changed, or the key is not that of this meter. Ask before you pay.",
    "signed_energy": "The meter has signed another amount of energy than is billed. Ask before you pay.",
    "signed_times": "What the meter has signed is of another time than this bill. Ask before you pay.",
    "signed_unchecked": "The signature of the meter could not be checked here. The transparency software may be able to.",
}


def status(code: str) -> Said:
    return STATUSES.get(code) or Said(f"Not known ({code})", "unknown")


def plug(standard: str) -> str:
    if standard.startswith("DOMESTIC_"):
        return PLUGS.get(standard, f"Household {standard.removeprefix('DOMESTIC_')}")
    return PLUGS.get(standard, standard.replace("_", " "))


def kw(watts: int | Decimal) -> str:
    return f"{Decimal(watts) / 1000:.1f}".removesuffix(".0") + " kW"


def number(value: Decimal, places: int) -> str:
    return f"{value:.{places}f}"


def plainly(value: Decimal) -> str:
    return f"{value.normalize():f}"


def seconds(since: int, now: int) -> int:
    """Whole seconds from one time (microseconds) to another; clocks that differ make nothing negative."""
    return max(0, now - since) // SECOND


def age(since: int, now: int) -> str:
    """`live.js` counts on in the same words."""
    passed = seconds(since, now)
    if passed < 60:
        return f"{passed} s ago"
    if passed < 3600:
        return f"{passed // 60} min ago"
    return f"{passed // 3600} h ago" if passed < 48 * 3600 else f"{passed // 86_400} days ago"


def lasting(passed: int) -> str:
    """Seconds as on a clock: 4:05, or 1:04:05."""
    minutes, rest = divmod(passed, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def zone(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def moment(at: int, where: tzinfo) -> str:
    """A time at the station, with the name of its clock."""
    return f"{datetime.fromtimestamp(at // SECOND, UTC).astimezone(where):%-d %b %Y, %H:%M %Z}"


def clock(at: int, where: tzinfo) -> str:
    return f"{datetime.fromtimestamp(at // SECOND, UTC).astimezone(where):%H:%M:%S}"


def money(value: Decimal, currency: str, finer: int = 0) -> str:
    """In the smallest coin of the currency; `finer`: up to so many digits more where they are there."""
    coin = exponent(currency)
    text = f"{abs(value):.{coin + finer}f}"
    while finer and text.endswith("0"):
        text, finer = text[:-1], finer - 1
    minus = "−" if value < 0 else ""
    return f"{minus}{SYMBOLS[currency]}{text}" if currency in SYMBOLS else f"{minus}{currency} {text}"


def cost(amount: Amount) -> str:
    return money(amount.shown, amount.currency)


def taxes(amount: Amount) -> str:
    return "before taxes" if amount.gross is None else "taxes included"


FILTERS: dict[str, Any] = {
    "age": age,
    "clock": clock,
    "cost": cost,
    "kw": kw,
    "lasting": lasting,
    "moment": moment,
    "money": money,
    "number": number,
    "plainly": plainly,
    "plug": plug,
    "seconds": seconds,
    "status": status,
    "taxes": taxes,
}

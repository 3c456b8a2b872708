"""How single values must be spelled in what we send, where an older version is narrower than the newest.

Coordinates: 2.2.1 and 2.3.0 want five to seven decimals in at most 10 and 11 characters, which seven decimals of a far longitude
overflow; 2.1.1 wants exactly six. Six are right everywhere, so whatever must be changed becomes six (8.4.13). Times: whole seconds, `Z`
(2.1.1, 1.2). Text: printable ASCII in at most the length that 2.1.1 gives the field. Money: exact decimals, in a context wide enough for
any number that the door lets in.

A value that cannot be read as what it should be is returned as it came: to refuse it is the model's business.
"""

import re
from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from anyascii import anyascii

from interplug.model.types import encode_json, format_time, parse_time

from .facts import REMOVE, Document, Facts
from .lens import every, lens

# --- Coordinates --------------------------------------------------------------------------------------------------------------------------

_SIX = Decimal("0.000001")
_FOUR = Decimal("0.0001")
_LATITUDE = re.compile(r"-?[0-9]{1,2}\.[0-9]{5,7}").fullmatch
_LONGITUDE = re.compile(r"-?[0-9]{1,3}\.[0-9]{5,7}").fullmatch
_LATITUDE_6 = re.compile(r"-?[0-9]{1,2}\.[0-9]{6}").fullmatch
_LONGITUDE_6 = re.compile(r"-?[0-9]{1,3}\.[0-9]{6}").fullmatch

# Wide enough for numbers of 30 digits with exponents of 30, the bounds of decode_json.
EXACT = Context(prec=120)


def six_decimals(text: Any) -> Any:
    try:
        number = Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        return text
    if number is None or not number.is_finite() or abs(number) > 180:
        return text
    return format(number.quantize(_SIX, context=EXACT), "f")


def _degrees(fits: Callable[[str], object], length: int) -> Callable[[Any, Facts], Any]:
    def step(text: Any, facts: Facts) -> Any:
        return text if isinstance(text, str) and len(text) <= length and fits(text) else six_decimals(text)

    return step


POSITION = lens(each={"latitude": _degrees(_LATITUDE, 10), "longitude": _degrees(_LONGITUDE, 11)})
POSITIONS = every(POSITION)
POSITION_6 = lens(each={"latitude": _degrees(_LATITUDE_6, 10), "longitude": _degrees(_LONGITUDE_6, 11)})
POSITIONS_6 = every(POSITION_6)

# --- Times --------------------------------------------------------------------------------------------------------------------------------


def whole_seconds(text: Any, facts: Facts) -> Any:
    if not isinstance(text, str) or (len(text) == 20 and text[19] == "Z"):
        return text
    try:
        return format_time(parse_time(text), whole_seconds=True)
    except ValueError:
        return text


def time_of(now: int | None) -> str:
    return format_time(now or 0, whole_seconds=True)


# --- Money --------------------------------------------------------------------------------------------------------------------------------


def is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def add(one: Any, other: Any) -> Decimal:
    return EXACT.add(Decimal(one), Decimal(other))


def subtract(one: Any, other: Any) -> Decimal:
    return EXACT.subtract(Decimal(one), Decimal(other))


def without_tax(price: Any, percent: Any) -> Decimal | None:
    """The net price in a gross one, to the four decimals that a number has (17.7)."""
    whole = add(100, percent)
    if whole <= 0:
        return None
    net = EXACT.divide(EXACT.multiply(Decimal(price), Decimal(100)), whole)
    net = net.quantize(_FOUR, context=EXACT).normalize(EXACT)
    return net.quantize(Decimal(1), context=EXACT) if net == net.to_integral_value() else net


# --- Text of 2.1.1 ------------------------------------------------------------------------------------------------------------------------

# Where 2.1.1 limits a text that may grow when it is transliterated, or is longer in later versions. Keys, not paths: each means one
# length, but for `name`, which is shorter inside a company than on a Location.
_LENGTHS = {
    "address": 45,
    "city": 45,
    "energy_product_name": 64,
    "floor_level": 4,
    "issuer": 64,
    "meter_id": 255,
    "name": 255,
    "physical_reference": 16,
    "remark": 255,
    "supplier_name": 64,
    "text": 512,
    "visual_number": 64,
}
_COMPANIES = frozenset({"operator", "suboperator", "owner", "business_details"})
_COMPANY_NAME = 100


def ascii_only(document: Document, facts: Facts) -> Document:
    """The document in printable ASCII. Whether anything is to do is asked of its JSON, which is far faster than walking it."""
    if REMOVE not in document.values():
        raw = encode_json(document)
        if raw.isascii() and b"\\" not in raw and b"\x7f" not in raw:
            return document
    plain: Document = _plain(document, "", "")
    return plain if plain != document else document


def _plain(value: Any, key: str, parent: str) -> Any:
    if isinstance(value, str):
        if value.isascii() and value.isprintable():
            return value
        return printable_ascii(value)[: _COMPANY_NAME if key == "name" and parent in _COMPANIES else _LENGTHS.get(key)]
    if isinstance(value, dict):
        return {name: _plain(item, name, key) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, key, parent) for item in value]
    return value


def printable_ascii(text: str) -> str:
    """Letters lose their accents, other scripts are romanised; what has no likeness becomes `?`, control characters a blank."""
    return "".join(char if " " <= char <= "~" else _likeness(char) for char in text)


def _likeness(char: str) -> str:
    if char.isspace() or not char.isprintable():
        return " "
    return anyascii(char) or "?"

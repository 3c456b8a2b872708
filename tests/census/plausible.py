"""Single values that look like the real thing: ids, times, prices, texts, URLs, coordinates.

A row is found by (object, field), then by field name, then by type. Everything is valid in the version asked for:
2.1.1 gets printable ASCII and whole seconds. Ids stay within 36 characters, the limit of the newest version.
"""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tests.census.facts import Field

Values = st.SearchStrategy[Any]

# country, country_code, time zone
PLACES = (
    ("NLD", "NL", "Europe/Amsterdam"),
    ("DEU", "DE", "Europe/Berlin"),
    ("FRA", "FR", "Europe/Paris"),
    ("GBR", "GB", "Europe/London"),
    ("NOR", "NO", "Europe/Oslo"),
    ("PRT", "PT", "Atlantic/Azores"),
    ("USA", "US", "America/Los_Angeles"),
)
_YEAR = datetime(2024, 1, 1, tzinfo=UTC)
_ASCII_TEXT = string.ascii_letters + string.digits + " .,-'()/&"
_ANY_TEXT = _ASCII_TEXT + "äöüßéèçñåøłčžΩЖ東京€“”"
_ID_CHARACTERS = string.ascii_letters + string.digits + "-_.*"
_LONG_TEXT = {True: "Main Street ", False: "Kärntner Straße "}


def spell(moment: datetime) -> str:
    """`Z`, and a fraction only when there is one."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{moment.microsecond // 1000:03d}Z" if moment.microsecond else f"{text}Z"


def _moment(parts: tuple[int, int]) -> str:
    seconds, milliseconds = parts
    return spell(_YEAR + timedelta(seconds=seconds, milliseconds=milliseconds))


def times(version: str, first_day: int = 0, last_day: int = 365) -> st.SearchStrategy[str]:
    seconds = st.integers(first_day * 86_400, last_day * 86_400)
    fraction = st.just(0) if version == "2.1.1" else st.sampled_from([0, 0, 0, 123, 500])
    return st.tuples(seconds, fraction).map(_moment)


def _scaled(parts: tuple[int, int]) -> Decimal:
    digits, places = parts
    return Decimal(digits).scaleb(-places)


def numbers(most: int = 1000) -> Values:
    """Whole or with up to 4 decimals, trailing zeros included."""
    fractions = st.tuples(st.integers(0, most), st.integers(1, 4)).map(_scaled)
    return st.integers(0, most) | fractions


def texts(version: str, length: int | None) -> st.SearchStrategy[str]:
    """Short as a rule; now and then as long as the field allows."""
    ascii_only = version == "2.1.1"
    short = st.text(_ASCII_TEXT if ascii_only else _ANY_TEXT, min_size=1, max_size=min(length or 16, 16))
    if length is None or not 16 < length <= 512:
        return short
    filler = _LONG_TEXT[ascii_only]
    return short | st.just((filler * (length // len(filler) + 1))[:length])


def ids(length: int | None) -> st.SearchStrategy[str]:
    return st.text(_ID_CHARACTERS, min_size=1, max_size=min(length or 36, 12))


def _degrees(parts: tuple[int, int]) -> str:
    whole, millionths = parts
    return f"{whole}.{millionths:06d}"


def _latitude() -> Values:
    return st.tuples(st.integers(-89, 89), st.integers(0, 999_999)).map(_degrees)


def _longitude() -> Values:
    return st.tuples(st.integers(-179, 179), st.integers(0, 999_999)).map(_degrees)


def _clock() -> Values:
    return st.integers(0, 24 * 60 - 1).map(lambda minutes: f"{minutes // 60:02d}:{minutes % 60:02d}")


def _dates() -> Values:
    return st.integers(0, 365).map(lambda days: (_YEAR + timedelta(days=days)).strftime("%Y-%m-%d"))


def _urls() -> Values:
    return st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=10).map(lambda slug: f"https://example.com/{slug}")


def _numbered(form: str) -> Values:
    return st.integers(1, 999_999).map(form.format)


_BY_FIELD: dict[tuple[str, str], Values] = {
    ("Image", "type"): st.sampled_from(["jpeg", "png", "svg", "gif"]),
    ("Parking", "physical_reference"): _numbered("P{}"),
    ("EVSE", "physical_reference"): _numbered("{}"),
    ("PriceComponent", "step_size"): st.sampled_from([1, 60, 300, 900, 1000]),
    ("RegularHours", "period_begin"): _clock(),
    ("RegularHours", "period_end"): _clock(),
    ("CdrDimension", "volume"): numbers(100),
    ("TaxAmount", "name"): st.sampled_from(["VAT", "GST", "QST"]),
    ("SignedValue", "nature"): st.sampled_from(["Start", "Intermediate", "End"]),
    ("CommandResponse", "timeout"): st.integers(1, 300),
    ("Credentials", "token"): st.text(string.ascii_letters + string.digits + "-._~+/=", min_size=16, max_size=64),
    ("TariffRestrictions", "min_duration"): st.integers(0, 86_400),
    ("TariffRestrictions", "max_duration"): st.integers(0, 86_400),
}
_BY_NAME: dict[str, Values] = {
    "latitude": _latitude(),
    "longitude": _longitude(),
    "start_time": _clock(),
    "end_time": _clock(),
    "start_date": _dates(),
    "end_date": _dates(),
    "country": st.sampled_from([place[0] for place in PLACES]),
    "country_code": st.sampled_from([place[1] for place in PLACES]),
    "time_zone": st.sampled_from([place[2] for place in PLACES]),
    "party_id": st.text(string.ascii_uppercase + string.digits, min_size=3, max_size=3),
    "hub_party_id": st.sampled_from(["NLHUB", "DEH42"]),
    "currency": st.sampled_from(["EUR", "GBP", "CHF", "NOK", "USD"]),
    "language": st.sampled_from(["en", "nl", "de", "fr"]),
    "evse_id": _numbered("NL*ABC*E{}"),
    "contract_id": _numbered("NLABCC{:08d}"),
    "auth_id": _numbered("NLABCC{:08d}"),
    "postal_code": _numbered("{:05d}"),
    "help_phone": _numbered("+31 20 {}"),
    "floor_level": st.sampled_from(["-2", "-1", "0", "1", "P3"]),
    "weekday": st.integers(1, 7),
    "percentage": st.integers(0, 100),
    "vat": st.sampled_from([0, 7, 19, 21, Decimal("5.5"), Decimal("20.0")]),
    "max_voltage": st.sampled_from([230, 400, 500, 920]),
    "voltage": st.sampled_from([230, 400, 500, 920]),
    "max_amperage": st.sampled_from([10, 16, 32, 63, 250, 500]),
    "amperage": st.sampled_from([10, 16, 32, 63, 250, 500]),
    "max_electric_power": st.sampled_from([3700, 11000, 22000, 50000, 350000]),
    "width": st.integers(1, 99_999),
    "height": st.integers(1, 99_999),
}


def scalar(version: str, owner: str, field: Field) -> Values:
    if (owner, field.name) in _BY_FIELD:
        return _BY_FIELD[owner, field.name]
    if field.name in _BY_NAME:
        return _BY_NAME[field.name]
    return _by_type(version, field)


def _by_type(version: str, field: Field) -> Values:
    match field.type:
        case "DateTime":
            return times(version)
        case "boolean":
            return st.booleans()
        case "number":
            return numbers()
        case "int":
            return st.integers(1, 10_000)  # a reservation_id, a version of an encoding
        case "URL":
            return _urls()
        case "CiString":
            return ids(field.length)
        case _:
            return ids(field.length) if _names_something(field.name) else texts(version, field.length)


def _names_something(name: str) -> bool:
    """Up to 2.1.1 ids are plain strings."""
    return name in ("id", "uid") or name.endswith(("_id", "_uid", "_ids", "_uids"))

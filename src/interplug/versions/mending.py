"""Single values that partners spell wrongly, by the name of their field: the first half of the tolerant reader.

OCPI uses one name for one thing, so the name of a field says what its value should be. Each function returns the very value when there is
nothing to mend, and also when it does not understand it: then the model refuses it by name. Ids keep their spelling; nothing is ever cut.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from interplug.model.locations import KNOWN_CONNECTOR_TYPES
from interplug.model.types import GRAMMAR, format_time, parse_time

from .places import alpha2, alpha3
from .spelling import is_number, six_decimals

Mend = Callable[[Any], Any]

# Returned by a mend: there is no value.
ABSENT: Final = object()

_NUMBER = re.compile(r"\s*(-?[0-9]{1,15})(?:[.,]([0-9]{1,12}))?\s*")
_CLOCK = re.compile(r"\s*([0-9]{1,2}):([0-9]{2})(?::[0-9]{2})?\s*")
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b\ufeff]+")
_WRITTEN_TIME = GRAMMAR["DateTime"].fullmatch
_WRITTEN: dict[str, tuple[Callable[[str], object], int, int]] = {
    "latitude": (GRAMMAR["latitude"].fullmatch, 10, 90),
    "longitude": (GRAMMAR["longitude"].fullmatch, 11, 180),
}


def number(value: Any) -> Any:
    """`"2.00"`, `"2,00"` -> 2.00; the spec's own 2.1.1 CDR example has a price as a string."""
    match = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    whole, fraction = match.groups()
    return Decimal(f"{whole}.{fraction}") if fraction else int(whole)


def integer(value: Any) -> Any:
    value = number(value)
    return int(value.to_integral_value()) if isinstance(value, Decimal) and abs(value) < 10**15 else value


def boolean(value: Any) -> Any:
    return {"true": True, "false": False}.get(value.strip().lower(), value) if isinstance(value, str) else value


def string(value: Any) -> Any:
    """A number where a string belongs, in the digits that it has."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def text(value: Any) -> Any:
    """Line breaks, tabs, hard blanks and control characters become one blank (17.11)."""
    if not isinstance(value, str) or (value.isprintable() and "\xa0" not in value):
        return value
    return _BLANKS.sub(" ", value).strip() or ABSENT


def time(value: Any) -> Any:
    """Offsets, needless precision and lengths over 25 (17.5), to milliseconds and `Z`."""
    if not isinstance(value, str) or (_WRITTEN_TIME(value) and len(value) <= 25):
        return value
    try:
        return format_time(parse_time(value.strip()))
    except ValueError:
        return value


def clock(value: Any) -> Any:
    """`8:00`, `08:00:00` -> 08:00."""
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    return value if match is None else f"{int(match[1]):02}:{match[2]}"


def end_of_opening(value: Any) -> Any:
    """A period of opening must end later than it begins, on the same day (8.4.25); 24:00 has no other spelling."""
    value = clock(value)
    return "23:59" if value == "24:00" else value


def end_of_price(value: Any) -> Any:
    """A price that ends at 00:00 ends with the day (11.4.6)."""
    value = clock(value)
    return "00:00" if value == "24:00" else value


def clock_or_time(value: Any) -> Any:
    """`period_begin` and `period_end` are clock times in regular_hours, moments everywhere else."""
    return end_of_opening(value) if isinstance(value, str) and len(value.strip()) <= 8 else time(value)


def degrees(field: str) -> Mend:
    """Floats, comma decimals, too few or too many decimals (8.4.16)."""
    fits, length, bound = _WRITTEN[field]

    def mend(value: Any) -> Any:
        if isinstance(value, str) and len(value) <= length and fits(value):
            return value
        found = number(value) if isinstance(value, str) else value
        if not is_number(found) or abs(found) > bound:
            return value
        return six_decimals(format(Decimal(found), "f"))

    return mend


def country(value: Any) -> Any:
    """`DE` -> DEU."""
    return (alpha3(value) or value) if isinstance(value, str) and len(value.strip()) == 2 else value


def country_code(value: Any) -> Any:
    """`DEU` -> DE."""
    return (alpha2(value) or value) if isinstance(value, str) and len(value.strip()) == 3 else value


def _bare(text: str) -> str:
    return re.sub(r"[\s_-]", "", text).upper()


# What people call plugs, and the enum itself in any spelling.
_PLUGS = {
    **{_bare(name): name for name in KNOWN_CONNECTOR_TYPES},
    "TYPE1": "IEC_62196_T1",
    "TYPE2": "IEC_62196_T2",
    "MENNEKES": "IEC_62196_T2",
    "CCS": "IEC_62196_T2_COMBO",
    "CCS2": "IEC_62196_T2_COMBO",
    "COMBO2": "IEC_62196_T2_COMBO",
    "CCS1": "IEC_62196_T1_COMBO",
    "COMBO1": "IEC_62196_T1_COMBO",
    "SCHUKO": "DOMESTIC_F",
    "NACS": "SAE_J3400",
}


def standard(value: Any) -> Any:
    return _PLUGS.get(_bare(value), value) if isinstance(value, str) else value


def listed_text(value: Any) -> Any:
    """A plain text, or a single one, where a list of texts in languages belongs. Nobody says in which language it is."""
    if isinstance(value, str):
        cleaned = text(value)
        return [{"language": "en", "text": cleaned}] if cleaned is not ABSENT else ABSENT
    return [value] if isinstance(value, dict) else value


def listed(value: Any) -> Any:
    return [value] if isinstance(value, dict | str) else value


def single(value: Any) -> Any:
    """An object that came in a list."""
    if not isinstance(value, list) or len(value) > 1:
        return value
    return value[0] if value else ABSENT


def _rows(name: str, mend: Mend, fields: str) -> dict[str, tuple[str, Mend]]:
    return dict.fromkeys(fields.split(), (name, mend))


# Field -> (name of the repair, mend), in the order in which they are tried.
MENDS: tuple[dict[str, tuple[str, Mend]], ...] = (
    {
        **_rows(
            "number as string",
            number,
            "kwh volume price vat percentage amount excl_vat incl_vat before_taxes after_taxes min_kwh max_kwh min_current max_current "
            "min_power max_power total_energy total_time total_parking_time total_cost energy_need",
        ),
        **_rows(
            "whole number",
            integer,
            "voltage amperage max_voltage max_amperage max_electric_power step_size min_duration max_duration width height weekday timeout",
        ),
        **_rows(
            "boolean as string",
            boolean,
            "publish valid twentyfourseven charging_when_closed is_green_energy credit home_charging_compensation discharge_allowed "
            "restricted_to_type reservation_required",
        ),
        **_rows(
            "string as number",
            string,
            "id uid party_id location_id evse_uid connector_id tariff_id session_id auth_id contract_id group_id postal_code floor_level "
            "physical_reference visual_number meter_id help_phone",
        ),
        **_rows(
            "time",
            time,
            "last_updated start_date_time end_date_time stop_date_time start_datetime end_datetime expiry_date departure_time",
        ),
        **_rows("time", clock_or_time, "period_begin period_end"),
        **_rows("clock time", clock, "start_time"),
        **_rows("clock time", end_of_price, "end_time"),
        **_rows("coordinates", degrees("latitude"), "latitude"),
        **_rows("coordinates", degrees("longitude"), "longitude"),
        **_rows("country", country, "country"),
        **_rows("country", country_code, "country_code"),
        **_rows("connector standard", standard, "standard connector_standard"),
        **_rows("text without language", listed_text, "directions tariff_alt_text"),
        **_rows(
            "single item",
            listed,
            "evses connectors capabilities facilities parking_restrictions images related_locations charging_periods dimensions elements "
            "price_components tariffs tariff_ids regular_hours status_schedule day_of_week roles endpoints taxes",
        ),
        **_rows("object in a list", single, "restrictions opening_times energy_mix coordinates operator suboperator owner"),
    },
    _rows(
        "control characters",
        text,
        "name address city state postal_code text floor_level physical_reference visual_number issuer meter_id remark supplier_name "
        "energy_product_name",
    ),
)

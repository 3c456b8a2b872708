"""What a column of a CSV export is called, as a field of a CDR.

A column is named as OCPI names the field, in any case and with any sign or none between its words; it may lead into an object
(`total_cost.excl_vat`, `cdr_location/country`) and into a list (`charging_periods[0].dimensions[1].volume`). Besides, it may have
one of the names below, which back-ends give to the same thing; what has another meaning somewhere is not among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_TOTALS = ("total_cost", "total", "cost", "price", "amount")
OTHERS: Mapping[str, tuple[str, ...]] = {
    "id": ("cdr_id", "cdr_number", "cdr_reference"),
    "start_date_time": ("start", "start_datetime", "start_time", "started_at", "session_start", "begin"),
    "end_date_time": ("end", "end_datetime", "end_time", "ended_at", "session_end", "stop", "stop_datetime", "stop_time"),
    "total_energy": ("energy", "energy_kwh", "kwh", "volume", "volume_kwh", "total_kwh", "consumption", "consumption_kwh"),
    "total_time": ("duration", "total_duration", "session_duration"),
    "total_parking_time": ("parking_time", "parking_duration", "idle_time"),
    "currency": ("currency_code",),
    "total_cost": ("calculated_cost",),
    "total_cost.excl_vat": (
        "net", "net_amount", "net_price", *(f"{name}_{tax}" for name in _TOTALS for tax in ("excl_vat", "ex_vat", "excl_tax", "net"))
    ),
    "total_cost.incl_vat": (
        "gross", "gross_amount", "gross_price",
        *(f"{name}_{tax}" for name in _TOTALS for tax in ("incl_vat", "inc_vat", "incl_tax", "gross")),
    ),
    "tariff_id": ("tariff", "tariff_name", "tariff_code"),
    "cdr_location.country": ("country", "charge_point_country", "location_country"),
    "cdr_location.time_zone": ("time_zone", "timezone"),
    "cdr_location.evse_id": ("evse_id", "evseid", "charge_point_id", "evse"),
    "charging_periods.start_date_time": ("period_start", "period_start_date_time"),
    "charging_periods.tariff_id": ("period_tariff_id", "period_tariff"),
    "charging_periods.dimensions.type": ("dimension_type",),
    "charging_periods.dimensions.volume": ("dimension_volume",),
    "charging_periods.energy": ("period_energy", "period_kwh", "period_energy_kwh"),
    "charging_periods.time": ("period_time", "period_duration"),
    "charging_periods.parking_time": ("period_parking_time",),
}  # fmt: skip

NEEDED: Mapping[str, str] = {
    "start_date_time": "when it began",
    "end_date_time": "when it ended",
    "currency": "the currency",
    "total_energy": "the energy in kWh",
    "total_cost": "what it cost",
}
"""Without one of these columns no row can be checked."""


def fields(head: Iterable[str], given: Mapping[str, str]) -> list[str]:
    """The field behind each column; `given` are the names of columns that somebody has translated."""
    translated = _KNOWN | {_squeezed(column): field for column, field in given.items()}
    found = [translated.get(_squeezed(column)) or _plain(column) for column in head]
    # The total of 2.1.1 is one number, before taxes; beside others it is one of them.
    apart = any(name.startswith("total_cost.") for name in found)
    return ["total_cost.excl_vat" if apart and name == "total_cost" else name for name in found]


def _plain(column: str) -> str:
    """`a/b`, `a.b` and `a[b]` are one way, `Start Date` and `startDate` one name."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column)
    parts = (re.sub(r"[^a-z0-9]+", "_", part.lower()).strip("_") for part in re.split(r"[./\[\]]+", words))
    return ".".join(part for part in parts if part)


def _squeezed(column: str) -> str:
    return _plain(column).replace("_", "")


_KNOWN = {_squeezed(name): field for field, others in OTHERS.items() for name in (field, *others)}


def missing(found: Iterable[str]) -> list[str]:
    """What stands in no column, in words."""
    tops = {"end_date_time" if name == "stop_date_time" else name.partition(".")[0] for name in found}
    if "charging_periods" in tops:
        tops.add("total_energy")
    return [f"{words} ({field})" for field, words in NEEDED.items() if field not in tops]

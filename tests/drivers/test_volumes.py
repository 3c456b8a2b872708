"""A Session that runs and a CDR that leaves things out, told so that any tariff can price them."""

from decimal import Decimal
from typing import Any

import pytest

from interplug.drivers.receipt import item
from interplug.drivers.volumes import NotTold, filled, so_far
from tests.tariffs.build import cdr, period

T = "2024-01-15T{}Z".format


def session(kwh: str, *periods: dict[str, Any], heard: str = "10:00:00") -> dict[str, Any]:
    return {"start_date_time": T("09:00:00"), "last_updated": T(heard), "kwh": Decimal(kwh), "charging_periods": list(periods)}


def told(document: dict[str, Any]) -> list[dict[str, Decimal]]:
    return [{one["type"]: one["volume"] for one in period["dimensions"]} for period in document["charging_periods"]]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        # Its own kWh and clock go ahead of its periods: the last of them goes on.
        (session("7", period(0, ENERGY=4, TIME="0.25"), period(15, ENERGY=1, TIME="0.1")), [(4, "0.25"), (3, "0.75")]),
        # What the periods say is kept where it is more.
        (session("3", period(0, ENERGY=4, TIME=2)), [(4, "2")]),
        # No periods at all: one, of charging.
        (session("5"), [(5, "1")]),
        (session("5", period(0, ENERGY=4)), [(5, None)]),
    ],
)
def test_a_session_so_far(document: dict[str, Any], expected: list[tuple[int, str | None]]) -> None:
    found = [(one["ENERGY"], one.get("TIME")) for one in told(so_far(document))]
    assert found == [(kwh, None if hours is None else Decimal(hours)) for kwh, hours in expected]


def test_a_session_that_is_parked_goes_on_parking_and_is_not_changed_itself() -> None:
    document = session("4", period(0, ENERGY=4, TIME="0.5"), period(30, PARKING_TIME="0.1"))
    assert told(so_far(document))[1] == {"PARKING_TIME": Decimal("0.5")}
    assert told(document)[1] == {"PARKING_TIME": Decimal("0.1")}


def test_a_single_period_is_filled_from_the_totals_of_its_cdr() -> None:
    document = cdr(90, period(0, ENERGY=10), total_energy=10, total_time=Decimal("1.5"), total_parking_time=Decimal("0.5"))
    assert told(filled(document, {"ENERGY", "TIME", "PARKING_TIME"})) == [{"ENERGY": 10, "TIME": 1, "PARKING_TIME": Decimal("0.5")}]
    assert filled(document, {"ENERGY"}) is document


def test_what_several_periods_leave_out_is_not_guessed() -> None:
    document = cdr(90, period(0, ENERGY=10), period(30, ENERGY=1), total_energy=11, total_time=Decimal("1.5"))
    assert filled(document, {"ENERGY"}) is document
    with pytest.raises(NotTold, match="TIME"):
        filled(document, {"TIME"})


@pytest.mark.parametrize(
    ("excl", "incl", "beside", "told"),
    [
        ("5", "6.05", True, "Energy: 10 kWh at €0.50 before taxes"),
        ("4.1322", "5", True, "Energy: 10 kWh at €0.50"),  # the Tariff says its prices with taxes
        ("5", "5", True, "Energy: 10 kWh at €0.50"),
        ("5", None, True, "Energy: 10 kWh at €0.50"),
        ("5", "6.05", False, "Energy: 10 kWh at €0.50"),
    ],
)
def test_beside_amounts_with_taxes_a_price_before_them_is_called_so(excl: str, incl: str | None, beside: bool, told: str) -> None:
    line = {"dimension": "ENERGY", "category": "energy", "price": "0.5", "billed": "10", "excl": excl, "incl": incl}
    assert item(line, "EUR", beside=beside).what == told

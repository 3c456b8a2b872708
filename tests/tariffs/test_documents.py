"""The cost fields of a CDR, in the form of each version."""

from decimal import Decimal
from typing import Any

import pytest

from interplug.tariffs import cost_documents, price, read_session, volume_documents
from tests.tariffs.build import cdr, component, element, period, tariff

FEE_AND_ENERGY = tariff(element(component("FLAT", "0.50", 1, 20), component("ENERGY", "0.25", 1, 10)), tax_included="NO")
SESSION = cdr(60, period(0, ENERGY=20, TIME=1))


def costs(document: dict[str, Any], version: str, **fields: Any) -> dict[str, Any]:
    return cost_documents(price(SESSION, [{**document, **fields}], version=version), version)


@pytest.mark.req("CDR-044", "CDR-040", "CDR-042", versions="2.3.0")
@pytest.mark.req("TAR-035", "TAR-036", versions="2.3.0")
def test_each_rate_is_a_tax_of_its_own() -> None:
    found = costs(FEE_AND_ENERGY, "2.3.0")
    vat = {"name": "VAT"}
    assert found == {
        "total_cost": {
            "before_taxes": Decimal("5.5"),
            "taxes": [
                {**vat, "percentage": 10, "amount": Decimal("0.5")},
                {**vat, "percentage": 20, "amount": Decimal("0.1")},
            ],
        },
        "total_energy_cost": {"before_taxes": 5, "taxes": [{**vat, "percentage": 10, "amount": Decimal("0.5")}]},
        "total_fixed_cost": {"before_taxes": Decimal("0.5"), "taxes": [{**vat, "percentage": 20, "amount": Decimal("0.1")}]},
    }


@pytest.mark.req("CDR-044", versions="2.2.1")
def test_the_older_price_has_both_sides_and_no_rates() -> None:
    assert costs(FEE_AND_ENERGY, "2.2.1")["total_cost"] == {"excl_vat": Decimal("5.5"), "incl_vat": Decimal("6.1")}


@pytest.mark.req("CDR-044", versions="2.1.1")
def test_the_oldest_cost_is_a_number_without_tax() -> None:
    assert costs(FEE_AND_ENERGY, "2.1.1") == {"total_cost": Decimal("5.5")}


@pytest.mark.req("TAR-032")
def test_where_no_tax_applies_none_is_stated() -> None:
    assert costs(FEE_AND_ENERGY, "2.3.0", tax_included="N/A")["total_cost"] == {"before_taxes": Decimal("5.5"), "taxes": []}


def test_taxes_and_the_amount_before_them_sum_to_what_is_paid_even_where_thirds_are_rounded() -> None:
    thirds = tariff(element(component("FLAT", "0.10", 1, 7), component("ENERGY", "0.33333", 1, 19)), tax_included="YES")
    priced = price(SESSION, [thirds])
    total = cost_documents(priced)["total_cost"]
    assert total["before_taxes"] + sum(tax["amount"] for tax in total["taxes"]) == priced.total_cost.incl


@pytest.mark.req("CDR-043")
def test_taxes_follow_a_maximum() -> None:
    found = costs(FEE_AND_ENERGY, "2.3.0", max_price={"before_taxes": 2, "after_taxes": Decimal("2.2")})["total_cost"]
    assert found["before_taxes"] == 2
    assert sum(tax["amount"] for tax in found["taxes"]) == Decimal("0.2")


@pytest.mark.req("CDR-039")
def test_volumes_of_a_session_come_from_its_periods_and_its_clock() -> None:
    session = read_session(cdr(75, period(0, ENERGY="4.5", TIME="0.75"), period(45, ENERGY="0.25", PARKING_TIME="0.5")))
    assert volume_documents(session) == {
        "total_energy": Decimal("4.75"),
        "total_time": Decimal("1.25"),
        "total_parking_time": Decimal("0.5"),
    }


@pytest.mark.parametrize(
    ("periods", "hours"),
    [
        ([period(0, ENERGY=5)], "1"),
        ([period(-30, ENERGY=5), period(0, ENERGY=5)], "1.5"),
        ([period(0, ENERGY=5), period(90, ENERGY=5)], "1.5"),
    ],
)
def test_the_time_of_a_session_holds_all_of_its_periods(periods: list[Any], hours: str) -> None:
    assert volume_documents(read_session(cdr(60, *periods)))["total_time"] == Decimal(hours)

"""Which offer holds: a table of situations, the order of precedence, and what is no offer."""

from decimal import Decimal
from typing import Any

import pytest

from interplug.drivers.offers import BadOffer, Situation, chosen, known, read_offer, weigh
from interplug.model.types import decode_json, encode_json

HERE = Situation("NL-TNM", "The New Motion", "NLD", Decimal(50), "DC", "DE-ABC-C000123", "FLEET", "EUR", at=1_767_225_600_000_000)
TARIFF = {
    "currency": "EUR",
    "tax_included": "YES",
    "elements": [{"price_components": [{"type": "ENERGY", "price": Decimal("0.59"), "vat": 19, "step_size": 1}]}],
}


def offer(id: str = "X", **more: Any) -> Any:
    return read_offer({"id": id, **more})


@pytest.mark.parametrize(
    ("conditions", "why_not"),
    [
        ({}, ""),
        ({"operators": ["NL-TNM"]}, ""),
        ({"operators": ["be*xyz", "nltnm"]}, ""),
        ({"operators": ["NL-ABC"]}, "not for the operator NL-TNM"),
        ({"partners": ["the new motion"]}, ""),
        ({"partners": ["Another"]}, "not for stations that The New Motion tells of"),
        ({"countries": ["nl"]}, ""),
        ({"countries": ["BEL", "NLD"]}, ""),
        ({"countries": ["DE"]}, "not for the country NLD"),
        ({"min_kw": 50, "max_kw": Decimal("50.1")}, ""),
        ({"min_kw": Decimal("50.5")}, "50 kW is below 50.5 kW"),
        ({"max_kw": 50}, "50 kW is not below 50 kW"),
        ({"power_types": ["DC"]}, ""),
        ({"power_types": ["AC_1_PHASE"]}, "not for the power type DC"),
        ({"contracts": ["DEABCC000123"]}, ""),
        ({"contracts": ["de-abc-c000123"]}, ""),
        ({"contracts": ["DE-ABC-C000124"]}, "not for the contract DE-ABC-C000123"),
        ({"groups": ["fleet"]}, ""),
        ({"groups": ["OTHER"]}, "not for the group FLEET"),
        ({"tariff": {**TARIFF, "start_date_time": "2026-01-01T00:00:00Z", "end_date_time": "2026-01-01T00:00:01Z"}}, ""),
        ({"tariff": {**TARIFF, "end_date_time": "2026-01-01T00:00:00Z"}}, "its tariff is not valid then"),
        ({"fee": {"per_session": 1, "currency": "EUR"}}, ""),
        ({"fee": {"per_session": 1, "currency": "SEK"}}, "its fee is in SEK, the operator's price in EUR"),
        ({"fee": {"percentage": 5}}, ""),
    ],
)  # fmt: skip
def test_an_offer_holds_where_all_its_conditions_do(conditions: dict[str, Any], why_not: str) -> None:
    (one,) = weigh([offer(**conditions)], HERE)
    assert one.chosen is not bool(why_not)
    assert one.why == f"does not hold: {why_not}" if why_not else one.why.startswith("holds")


@pytest.mark.parametrize(
    "conditions", [{"contracts": ["X"]}, {"groups": ["X"]}, {"min_kw": 1}, {"power_types": ["DC"]}, {"countries": ["NL"]}]
)
def test_what_is_not_known_is_no_match(conditions: dict[str, Any]) -> None:
    assert chosen([offer(**conditions)], Situation("NL-TNM", "The New Motion")) is None


SPECIFIC = [
    {"contracts": ["DE-ABC-C000123"]},
    {"groups": ["FLEET"]},
    {"operators": ["NL-TNM"]},
    {"partners": ["The New Motion"]},
    {"min_kw": 50},
    {"countries": ["NL"]},
    {},
]


@pytest.mark.parametrize("place", range(len(SPECIFIC) - 1))
def test_the_most_specific_offer_counts_whatever_the_priority(place: int) -> None:
    more, less = offer("MORE", **SPECIFIC[place]), offer("LESS", priority=9, **SPECIFIC[place + 1])
    assert chosen([less, more], HERE) == more
    second = weigh([less, more], HERE)[1]
    assert second.why.startswith("holds, but MORE goes before it: it names the ")


def test_among_equals_the_priority_counts_and_then_the_id() -> None:
    first, second, third = offer("B", priority=2), offer("A", priority=1), offer("C", priority=1)
    found = weigh([third, second, first], HERE)
    assert [one.offer.id for one in found] == ["B", "A", "C"]
    assert "its priority is higher" in found[1].why
    assert "B goes before it" in found[2].why
    assert "first in the alphabet" in weigh([third, second], HERE)[1].why


def test_an_offer_comes_back_from_the_database_as_it_was() -> None:
    made = offer(tariff=TARIFF, min_kw=Decimal("3.7"), countries=["nl"], priority=-1)
    assert known(decode_json(encode_json(made.document()))) == made
    fee = offer(fee={"percentage": Decimal("2.5"), "per_kwh": Decimal("0.05"), "currency": "EUR", "vat": 21})
    assert known(decode_json(encode_json(fee.document()))) == fee


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"id": "has space"}, "id"),
        ({"id": "x" * 37}, "id"),
        ({"colour": "red"}, "colour"),
        ({"operators": ["NLD-TNM"]}, "operators"),
        ({"countries": ["ZZ"]}, "countries"),
        ({"min_kw": 10, "max_kw": 10}, "min_kw"),
        ({"min_kw": Decimal("NaN")}, "min_kw"),
        ({"power_types": ["STEAM"]}, "power_types"),
        ({"fee": {"per_session": 1}}, "fee.currency"),
        ({"fee": {"per_kWh": 1, "currency": "EUR"}}, "per_kWh"),
        ({"fee": {"per_kwh": -1, "currency": "EUR"}}, "fee.per_kwh"),
        ({"fee": {"percentage": -101}}, "fee.percentage"),
        ({"fee": {"percentage": Decimal("Infinity")}}, "fee.percentage"),
        ({"fee": {"percentage": 1, "vat": 101}}, "fee.vat"),
        ({"fee": {"percentage": 1}, "tariff": TARIFF}, "fee"),
        ({"missing_vat": 21, "tariff": TARIFF}, "missing_vat"),
        ({"missing_vat": -1}, "missing_vat"),
        ({"tariff": {"currency": "EUR"}}, "tariff"),
        ({"tariff": {**TARIFF, "min_price": {"before_taxes": 5}, "max_price": {"before_taxes": 1}}}, "tariff/min_price"),
    ],
)  # fmt: skip
def test_what_is_no_offer_is_told_by_its_field(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(BadOffer, match=named):
        read_offer({"id": "X", **wrong})

"""The invented city is what a partner could have sent."""

from decimal import Decimal

import pytest

from interplug.cli.demo.stage import ALPHA, BETA
from interplug.model.types import format_time, parse_time
from interplug.model.validate import validate
from interplug.stations.city import Operator, locations, tariffs
from interplug.tariffs import Sample, compile_tariff, cut, price

NOW = 1_700_000_000_000_000
HOUR = 3_600_000_000
OPERATOR = Operator("NL", "KAD", "Kadestroom", "Waterstad", Decimal("52.1"), Decimal("4.3"))


def test_every_document_is_valid_ocpi() -> None:
    for document in locations(OPERATOR, NOW, seed=1, count=20):
        validate("location", document)
    for document in tariffs(OPERATOR, NOW):
        validate("tariff", document)


@pytest.mark.req("TAR-023")
def test_alternative_texts_repeat_no_price() -> None:
    said = [text["text"] for document in tariffs(OPERATOR, NOW) for text in document["tariff_alt_text"]]
    assert len(said) == 3 and not any(letter.isdigit() for text in said for letter in text)


def test_the_same_seed_is_the_same_city_and_another_is_not() -> None:
    city = locations(OPERATOR, NOW, seed=1, count=10)
    assert city == locations(OPERATOR, NOW, seed=1, count=10)
    assert city != locations(OPERATOR, NOW, seed=2, count=10)


@pytest.mark.req("LOC-041", "LOC-046", "LOC-047")
def test_uids_are_unique_in_the_platform_and_every_connector_has_one_tariff_that_exists() -> None:
    known = {tariff["id"] for tariff in tariffs(OPERATOR, NOW)}
    evses = [evse for location in locations(OPERATOR, NOW, seed=1, count=40) for evse in location["evses"]]
    assert len({evse["uid"] for evse in evses}) == len(evses)
    for connector in (connector for evse in evses for connector in evse["connectors"]):
        assert len(connector["tariff_ids"]) == 1 and set(connector["tariff_ids"]) <= known


@pytest.mark.parametrize("operator", [ALPHA, BETA], ids=lambda operator: operator.party_id)
def test_each_operator_of_the_demo_has_a_city_of_its_own(operator: Operator) -> None:
    places = locations(operator, NOW, seed=1, count=20)
    evses = [evse for place in places for evse in place["evses"]]
    watts = {connector["max_electric_power"] for evse in evses for connector in evse["connectors"]}
    assert len(evses) >= 40 and {11_000, 22_000, 50_000, 350_000} <= watts
    assert len({place["coordinates"]["latitude"] for place in places}) == len(places)


@pytest.mark.parametrize("id", ["STREET", "GARAGE", "FAST"])
def test_what_a_tariff_says_in_words_is_what_it_costs(id: str) -> None:
    """20 kWh in an hour, then five hours of standing there, from nine in the morning."""
    tariff = next(one for one in tariffs(OPERATOR, NOW) if one["id"].endswith(id))
    start = parse_time("2026-03-02T08:00:00Z")
    samples = [Sample(start, Decimal(0)), Sample(start + HOUR, Decimal(20), "parked"), Sample(start + 6 * HOUR, Decimal(20), "parked")]
    periods = cut(compile_tariff(tariff, "2.3.0"), samples, "Europe/Amsterdam")
    cdr = {"start_date_time": format_time(start), "end_date_time": format_time(start + 6 * HOUR), "charging_periods": periods}
    net = price(cdr, [tariff], timezone="Europe/Amsterdam").total_cost.excl
    assert net == {"STREET": Decimal("6.20"), "GARAGE": Decimal("0.35") + Decimal("6.60") + Decimal("2.40"), "FAST": Decimal("41.40")}[id]

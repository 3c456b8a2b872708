"""The invented city is what a partner could have sent."""

from decimal import Decimal

import pytest

from interplug.model.validate import validate
from interplug.stations.city import Operator, locations, tariffs

NOW = 1_700_000_000_000_000
OPERATOR = Operator("NL", "KAD", "Kadestroom", "Waterstad", Decimal("52.1"), Decimal("4.3"))


def test_every_document_is_valid_ocpi() -> None:
    for document in locations(OPERATOR, NOW, seed=1, count=20):
        validate("location", document)
    for document in tariffs(OPERATOR, NOW):
        validate("tariff", document)


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

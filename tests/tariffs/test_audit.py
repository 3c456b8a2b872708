"""Many checks added up, by partner, currency and cause."""

from decimal import Decimal
from typing import Any

import pytest

from interplug.tariffs import Audit, verify
from interplug.tariffs.audit import partner_of
from interplug.tariffs.verify import _DEVIATIONS
from interplug.tariffs.worked import CAUSES
from tests.tariffs.build import cdr, component, element, period, tariff

PRICES = tariff(element(component("ENERGY", "0.25", 1, 10), component("FLAT", 1, 1, 10)))


def audited(*cdrs: dict[str, Any]) -> Audit:
    audit = Audit()
    for one in cdrs:
        audit.add(one, verify(one, [PRICES], version="2.2.1"))
    return audit


def claiming(excl: str, **fields: Any) -> dict[str, Any]:
    owner = {"country_code": "NL", "party_id": "TNM"}
    return {**cdr(60, period(0, ENERGY=20), total_cost={"excl_vat": Decimal(excl)}), **owner, **fields}


def test_sums_by_partner_and_cause() -> None:
    # 20 kWh at 0.25 and a fee of 1.
    audit = audited(claiming("6"), claiming("5"), claiming("5"), claiming("8"), claiming("8.5", party_id="ABC"))
    assert [(a.partner, a.count, a.claimed) for a in audit.accounts()] == [("NL-ABC", 1, Decimal("8.5")), ("NL-TNM", 4, Decimal(24))]
    groups = audit.groups(audit.accounts()[1])
    assert [(group.cause, group.count, group.excess) for group in groups] == [("flat_forgotten", 2, -2), ("not_explained", 1, 2)]
    assert audit.mismatches == 4


def test_a_credit_counts_against() -> None:
    credit = claiming("-6", credit=True, credit_reference_id="C0")
    assert audited(credit).accounts()[0].claimed == -6 and audited(credit).mismatches == 0
    assert audited(claiming("6"), credit).accounts()[0].claimed == 0


def test_who_credits_too_much_has_charged_too_little() -> None:
    credit = claiming("-8", credit=True, credit_reference_id="C0")
    (group,) = audited(credit).groups(audited(credit).accounts()[0])
    assert group.excess == -2


def test_a_currency_is_one_however_it_is_spelled() -> None:
    (account,) = audited(claiming("6"), claiming("6", currency="eur")).accounts()
    assert (account.currency, account.count) == ("EUR", 2)


def test_energy_that_the_periods_do_not_sum_to() -> None:
    audit = audited(claiming("6", total_energy=25))
    (group,) = audit.groups(audit.accounts()[0])
    assert (group.cause, group.excess) == ("volumes_differ", 0)
    assert any("total_energy: 25.00 is claimed, 20.00 is right" in line for line in group.example)


def test_a_group_keeps_a_few_ids_and_one_example() -> None:
    audit = audited(*(claiming("5", id=f"C{number}") for number in range(50)))
    (group,) = audit.groups(audit.accounts()[0])
    assert (group.count, len(group.ids), group.example[0][:6]) == (50, 20, "CDR C0")


@pytest.mark.parametrize(
    ("document", "partner"),
    [
        ({"country_code": "nl", "party_id": "tnm"}, "NL-TNM"),
        ({"location": {"evses": [{"evse_id": "DE*ABC*E1"}]}}, "DE-ABC"),
        ({"cdr_location": {"evse_id": "FRXYZE1234"}}, "FR-XYZ"),
        ({"location": {"operator": {"name": "Station AG"}}}, "Station AG"),
        ({"location": {"evses": 5, "operator": 5}}, "unknown"),
        ({"country_code": 5, "cdr_location": None}, "unknown"),
    ],
)
def test_who_sent_a_cdr(document: dict[str, Any], partner: str) -> None:
    assert partner_of(document) == partner


def test_every_cause_has_its_words() -> None:
    assert {name for name, _ in _DEVIATIONS} | {"flat_forgotten", "other_tariff"} <= CAUSES.keys()

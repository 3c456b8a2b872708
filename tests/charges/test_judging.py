"""What is to be said of a CDR, as a table: the CDR, what is known besides, and the findings."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interplug.charges.findings import SAID, VERDICTS, Finding
from interplug.charges.judgement import Known, Other
from interplug.charges.judging import capacity_of, judge
from interplug.config import Cdrs
from interplug.model.types import fold, parse_time
from interplug.model.validate import validate
from tests.census.tables import object_of, strategy
from tests.model import documents

Document = dict[str, Any]
NOON = parse_time("2024-05-01T12:00:00Z")
HOUR = 3_600_000_000
TARIFF = documents.TARIFF
DEARER = {**TARIFF, "elements": [{"price_components": [{"type": "ENERGY", "price": Decimal("0.50"), "step_size": 1}]}]}


def cdr(**more: Any) -> Document:
    """Ten kWh in an hour from noon, at 0.25."""
    period = {"start_date_time": documents.T, "dimensions": [{"type": "ENERGY", "volume": 10}]}
    totals = {"total_energy": 10, "total_cost": {"before_taxes": Decimal("2.50")}}
    return {**documents.CDR, "session_id": "S1", "tariffs": [TARIFF], "charging_periods": [period], **totals, **more}


def known(**more: Any) -> Known:
    session = {"status": "COMPLETED", "kwh": 10}
    return Known(
        **{"own": False, "received_at": NOON + 2 * HOUR, "zone": "Europe/Amsterdam", "session": session, "token_known": True, **more}
    )


def other(**more: bool) -> Other:
    said = {"earlier": True, "standing": True, "same_session": False, "same_evse": False, "same_time": False, **more}
    return Other("C0", **said)


def found(document: Document, facts: Known) -> tuple[tuple[str, ...], list[str]]:
    judgement = judge(document, facts, Cdrs())
    return judgement.verdicts, [finding.code for finding in judgement.findings]


@pytest.mark.req("CDR-053")
@pytest.mark.parametrize("connector", [("UNKNOWN_TO_US", "SOCKET", "AC_1_PHASE"), ("CHADEMO", "CABLE", "DC")])
def test_the_connector_of_a_reservation_that_was_never_used_is_not_looked_at(connector: tuple[str, str, str]) -> None:
    standard, shape, power = connector
    place = {**documents.CDR["cdr_location"], "evse_uid": "#NA", "evse_id": "#NA", "connector_id": "#NA"}
    place |= {"connector_standard": standard, "connector_format": shape, "connector_power_type": power}
    reserved = {"start_date_time": documents.T, "dimensions": [{"type": "RESERVATION_TIME", "volume": 1}]}
    held = {
        **TARIFF,
        "elements": [{"price_components": [{"type": "TIME", "price": 2, "step_size": 60}], "restrictions": {"reservation": "RESERVATION"}}],
    }
    totals = {"total_energy": 0, "total_cost": {"before_taxes": Decimal(2)}}
    document = cdr(cdr_location=place, charging_periods=[reserved], tariffs=[held], **totals)
    del document["session_id"]
    assert found(document, known(session=None)) == (("match",), [])


CASES: list[tuple[str, Document, dict[str, Any], tuple[str, ...], list[str]]] = [
    ("right in every way", {}, {}, ("match",), []),
    # the money
    ("too dear", {"total_cost": {"before_taxes": Decimal(3)}}, {}, ("mismatch",), ["not_explained"]),
    ("energy is not the sum", {"total_energy": 11}, {}, ("mismatch", "implausible"), ["volumes_differ", "session_energy"]),
    ("no tariff", {"tariffs": []}, {}, ("unverifiable",), ["no_valid_tariff"]),
    ("free, and no tariff", {"tariffs": [], "total_cost": {"before_taxes": 0}}, {}, ("match",), []),
    ("no tariff in it, one is known", {"tariffs": []}, {"published": {"t1": [TARIFF]}}, ("match",), []),
    ("another currency", {"currency": "SEK"}, {}, ("unverifiable",), ["currency_mismatch"]),
    ("the tariff is as published", {}, {"published": {"t1": [TARIFF]}}, ("match",), []),
    ("as published just before", {}, {"published": {"t1": [DEARER, TARIFF]}}, ("match",), []),
    ("another version", {}, {"published": {"t1": [DEARER]}}, ("mismatch",), ["other_tariff_version"]),
    ("another text alone", {"tariffs": [{**TARIFF, "min_price": {"before_taxes": 0}}]},
     {"published": {"t1": [TARIFF]}}, ("match",), ["other_tariff_text"]),
    # whether it can be true
    ("negative energy and total",
     {"total_energy": -10, "total_cost": {"before_taxes": Decimal("-2.50")}, "session_id": None,
      "charging_periods": [{"start_date_time": documents.T, "dimensions": [{"type": "ENERGY", "volume": -10}]}]},
     {"session": None}, ("match", "implausible"), ["negative_amount", "negative_amount"]),
    ("negative total",
     {"total_cost": {"before_taxes": Decimal("-2.50")}}, {}, ("mismatch", "implausible"), ["not_explained", "negative_amount"]),
    ("ends before it starts",
     {"end_date_time": "2024-05-01T11:00:00Z"}, {}, ("mismatch", "implausible"), ["volumes_differ", "ends_before_start"]),
    ("of tomorrow", {}, {"received_at": NOON}, ("match", "implausible"), ["in_future"]),
    ("clocks differ a little", {}, {"received_at": NOON + HOUR - 60_000_000}, ("match",), []),
    ("a month long", {"end_date_time": "2024-06-01T12:00:00Z", "total_time": 744},
     {"received_at": NOON + 745 * HOUR}, ("match", "implausible"), ["duration_absurd"]),
    ("late", {}, {"received_at": NOON + 24 * 15 * HOUR}, ("match", "implausible"), ["late"]),
    ("of before we knew each other", {}, {"received_at": NOON + 24 * 15 * HOUR, "since": NOON + 24 * 14 * HOUR}, ("match",), []),
    ("an old one of our own", {}, {"received_at": NOON + 24 * 15 * HOUR, "own": True}, ("match",), []),
    ("the Connector gives enough", {}, {"watts": 11_000}, ("match",), []),
    ("more than the Connector gives", {}, {"watts": 7_400}, ("match", "implausible"), ["energy_beyond_capacity"]),
    ("in no time", {"end_date_time": documents.T, "total_time": 0},
     {"watts": 11_000}, ("match", "implausible"), ["energy_beyond_capacity"]),
    ("the Session says less", {}, {"session": {"status": "COMPLETED", "kwh": 8}}, ("match", "implausible"), ["session_energy"]),
    ("the Session is not over", {}, {"session": {"status": "ACTIVE", "kwh": 8}}, ("match",), []),
    # whether it is the only one
    ("a second for the Session", {}, {"others": [other(same_session=True)]}, ("match", "doubled"), ["same_session"]),
    ("the first for the Session", {}, {"others": [other(same_session=True, earlier=False)]}, ("match",), []),
    ("in place of one taken back", {}, {"others": [other(same_session=True, standing=False)]}, ("match",), []),
    ("a second at the EVSE", {}, {"others": [other(same_evse=True, same_time=True)]}, ("match", "doubled"), ["same_charge"]),
    ("before another at the EVSE", {}, {"others": [other(same_evse=True)]}, ("match",), []),
    ("the Token is elsewhere", {}, {"others": [other(same_time=True)]}, ("match", "implausible"), ["token_overlap"]),
    # whether we know of it
    ("a foreign Token", {}, {"token_known": False}, ("match", "orphaned"), ["token_unknown"]),
    ("authorised by us", {}, {"token_known": False, "authorised": True, "session": None}, ("match",), []),
    ("no Session", {}, {"session": None}, ("match", "orphaned"), ["session_unknown"]),
    ("a partner without Sessions", {"session_id": None}, {"session": None}, ("match",), []),
    ("2.1.1 names no Session, and none fits", {"session_id": None},
     {"session": None, "session_expected": True}, ("match", "orphaned"), ["session_unknown"]),
    ("our own needs no Token of ours", {}, {"token_known": False, "session": None, "own": True}, ("match",), []),
    # all at once
    ("wrong, doubled and orphaned", {"total_cost": {"before_taxes": Decimal(3)}},
     {"token_known": False, "others": [other(same_session=True)]},
     ("mismatch", "doubled", "orphaned"), ["not_explained", "same_session", "token_unknown"]),
]  # fmt: skip


@pytest.mark.parametrize(("document", "facts", "verdicts", "codes"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_table(document: Document, facts: dict[str, Any], verdicts: tuple[str, ...], codes: list[str]) -> None:
    said = {name: value for name, value in cdr(**document).items() if value is not None}
    assert found(said, known(**facts)) == (verdicts, codes)


def test_a_mismatch_says_what_is_right_and_how_much_is_too_much() -> None:
    judgement = judge(cdr(total_cost={"before_taxes": Decimal(3)}), known(), Cdrs())
    assert (judgement.excess, judgement.currency) == (Decimal("0.5"), "EUR")
    finding = judgement.findings[0]
    assert (finding.path, finding.severity) == ("/cdr/total_cost", "error")
    assert "3.00 is claimed, 2.50 is right, 0.50 too much" in finding.words


def test_the_cause_is_named() -> None:
    stepped = {**TARIFF, "elements": [{"price_components": [{"type": "ENERGY", "price": Decimal("0.25"), "step_size": 3000}]}]}
    judgement = judge(cdr(tariffs=[stepped]), known(), Cdrs())
    assert (judgement.findings[0].code, judgement.excess) == ("step_size_ignored", Decimal("-0.50"))


def test_another_version_of_the_tariff_says_what_it_would_cost_by_the_published_one() -> None:
    judgement = judge(cdr(), known(published={"t1": [DEARER]}), Cdrs())
    assert judgement.excess == Decimal("-2.50") and "2.50 is claimed, 5.00 is right" in judgement.findings[0].words


def credit(amount: str, *taxes: str, **more: Any) -> Document:
    total = {"before_taxes": Decimal(amount), "taxes": [{"name": "VAT", "amount": Decimal(tax)} for tax in taxes]}
    return cdr(id="C1-C", credit=True, credit_reference_id="C1", total_cost=total, **more)


@pytest.mark.req("CDR-019", "CDR-021")
@pytest.mark.parametrize(
    ("document", "facts", "verdicts", "codes"),
    [
        (credit("-2.50"), {"original": cdr()}, ("match",), []),
        (credit("-2.50", "-0.50"), {"original": cdr()}, ("mismatch",), ["credit_differs"]),
        (credit("-2.00"), {"original": cdr()}, ("mismatch",), ["credit_differs"]),
        (credit("2.50"), {"original": cdr()}, ("mismatch",), ["credit_differs"]),
        (credit("-2.50"), {"original": cdr(), "credited_by": ("C1-B",)}, ("match", "doubled"), ["credited_twice"]),
        (credit("-2.50"), {}, ("match", "orphaned"), ["credit_without_original"]),
        # It has the Session, Token and times of what it takes back, and may come late.
        (credit("-2.50"), {"original": cdr(), "received_at": NOON + 10_000 * HOUR, "others": [other(same_session=True)]}, ("match",), []),
    ],
)
def test_a_credit_takes_back_what_was_charged(
    document: Document, facts: dict[str, Any], verdicts: tuple[str, ...], codes: list[str]
) -> None:
    assert found(document, known(**facts)) == (verdicts, codes)


@pytest.mark.parametrize(
    ("connector", "watts"),
    [
        ({}, 22_080),
        ({"max_electric_power": 11_000}, 11_000),
        ({"max_electric_power": 22}, 22_080),
        ({"power_type": "AC_1_PHASE"}, 7_360),
        ({"power_type": "DC", "max_voltage": 1000, "max_amperage": 500}, 500_000),
        ({"max_voltage": 0, "max_amperage": 0}, None),
    ],
)
def test_what_a_connector_gives(connector: Document, watts: int | None) -> None:
    assert capacity_of({**documents.CONNECTOR, **connector}) == watts


def test_a_cdr_that_is_endless_work_is_not_priced() -> None:
    periods = [{"start_date_time": documents.T, "dimensions": [{"type": "TIME", "volume": 0}]}] * 2000
    elements = [{"price_components": [{"type": "TIME", "price": 1, "step_size": 1}]}] * 200
    document = cdr(charging_periods=periods, tariffs=[{**TARIFF, "elements": elements}])
    assert found(document, known()) == (("unverifiable",), ["too_large"])


def test_the_docs_name_every_finding_and_verdict() -> None:
    page = (Path(__file__).parents[2] / "docs/cdrs.md").read_text()
    assert [name for name in (*SAID, *VERDICTS) if f"`{name}`" not in page] == []


@given(data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_a_cdr_holds_there_is_a_verdict(data: st.DataObject) -> None:
    """Documents as the model takes them: any times, volumes, tariffs, and facts that fit or do not."""
    document = data.draw(strategy("2.3.0", object_of("2.3.0", "cdr")))
    validate("cdr", document)
    others = data.draw(st.lists(st.builds(other, same_time=st.booleans(), same_evse=st.booleans(), standing=st.booleans()), max_size=2))
    tariffs = document.get("tariffs") or [TARIFF]
    versions = {fold(tariff["id"]): [data.draw(strategy("2.3.0", object_of("2.3.0", "tariff")))] for tariff in tariffs}
    facts = known(
        published=data.draw(st.sampled_from([None, versions])),
        others=others,
        watts=data.draw(st.sampled_from([None, 1, 22_000])),
        original=data.draw(st.sampled_from([None, cdr(), document])),
        own=data.draw(st.booleans()),
    )
    judgement = judge(document, facts, Cdrs())
    assert judgement.verdicts and set(judgement.verdicts) <= set(VERDICTS)
    assert {finding.severity for finding in judgement.findings} <= {"error", "warning", "note"}
    assert ("mismatch" in judgement.verdicts) == (judgement.excess is not None)


def test_every_finding_says_where_and_how_grave() -> None:
    judgement = judge(cdr(total_cost={"before_taxes": Decimal(3)}), known(token_known=False), Cdrs())
    assert judgement.against is judgement.findings[0]
    assert judge(cdr(), known(token_known=False, watts=1_000), Cdrs()).against is None
    assert judgement.findings[1] == Finding(
        "token_unknown", "orphaned", "error", "/cdr/cdr_token", "The Token is none of ours, and we know of no authorisation."
    )

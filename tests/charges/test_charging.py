"""Our own Sessions and CDRs, from what a station reports."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interplug.charges import bills, charging, checking, corrections, metering
from interplug.charges.bills import Ending
from interplug.charges.pinned import NoPlace
from interplug.model.types import decode_json, encode_json, format_time
from interplug.model.validate import Invalid
from interplug.modules.node import Node
from interplug.modules.session_states import ENDED, STATES
from interplug.store.checks import Wanted
from interplug.store.keys import OWN, Key
from interplug.tariffs import cost_documents, price
from tests.charges.meters import (
    TOKEN,
    cdr,
    element,
    has_cdr,
    location,
    open_place,
    plug,
    reading,
    session,
    tariff,
    volumes,
)
from tests.nodes import SECOND, T0, Clock, Partner, befriend, close, make_node, own

HOUR = 3600


@pytest.fixture
def version() -> str:
    """The book is the same for every partner; what each version makes of it is tested with the versions."""
    return "2.3.0"


@pytest.mark.req("SES-033", "SES-035", "SES-038", "SES-001")
async def test_a_session_is_pending_until_the_meter_speaks_and_then_active_from_that_moment(
    node: Node, clock: Clock, partner: Partner
) -> None:
    await open_place(node, tariff())
    charge = await plug(node, partner)
    begun = await session(node, charge)
    assert begun["status"] == "PENDING" and begun["start_date_time"] == format_time(T0) and begun["cdr_token"] == TOKEN
    clock.move(30)
    await charging.meter(node, charge, [reading(20, "0"), reading(30, "0.5")])
    active = await session(node, charge)
    assert active["status"] == "ACTIVE" and active["start_date_time"] == format_time(T0 + 20 * SECOND)
    assert active["kwh"] == Decimal("0.5") and len(charge) <= 36


@pytest.mark.req("SES-034", "CDR-026", "CDR-039", "CDR-040", "CDR-041", "CDR-042", "CDR-043", "CDR-035", "CDR-016", "CDR-054")
async def test_an_hour_of_charging_and_half_an_hour_of_parking_is_a_bill(node: Node, clock: Clock, partner: Partner) -> None:
    await open_place(node, tariff())
    charge = await plug(node, partner)
    clock.move(5400)
    await charging.meter(node, charge, [reading(0, "0"), reading(HOUR, "11", "parked")])
    assert await charging.end(node, charge, T0 + 5400 * SECOND) == "COMPLETED"
    bill, ended = await cdr(node, charge), await session(node, charge)
    assert (bill["total_energy"], bill["total_time"], bill["total_parking_time"]) == (11, Decimal("1.5"), Decimal("0.5"))
    assert bill["total_cost"] == {"before_taxes": Decimal("4.25"), "taxes": [{"name": "VAT", "percentage": 20, "amount": Decimal("0.85")}]}
    parts = [bill[f"total_{name}_cost"]["before_taxes"] for name in ("fixed", "energy", "parking")]
    assert parts == [Decimal("0.5"), Decimal("2.75"), Decimal("1")]
    assert ended["end_date_time"] == bill["end_date_time"] == format_time(T0 + 5400 * SECOND)
    assert ended["total_cost"] == bill["total_cost"] and ended["kwh"] == bill["total_energy"]
    assert bill["session_id"] == charge and len(bill["cdr_location"]["address"]) == 45


@pytest.mark.req("CDR-026")
async def test_the_bill_shows_what_was_valid_at_the_start(node: Node, clock: Clock, partner: Partner) -> None:
    await open_place(node, tariff())
    charge = await plug(node, partner)
    await charging.meter(node, charge, [reading(0, "0")])
    clock.move(HOUR)
    await own(node, "tariffs", tariff("T1", element(("ENERGY", "9.99"))))
    await own(node, "locations", {**location("T1"), "name": "Renamed"})
    await charging.end(node, charge, clock(), readings=[reading(HOUR, "10")])
    bill = await cdr(node, charge)
    assert bill["total_cost"]["before_taxes"] == Decimal("3") and bill["cdr_location"]["name"] == "Harbour"
    assert bill["tariffs"][0]["elements"] == tariff()["elements"]


@pytest.mark.req("SES-045", "CDR-030", "CDR-029", "CDR-028")
async def test_a_price_that_changes_at_eleven_at_night_begins_a_period_at_eleven(node: Node, clock: Clock, partner: Partner) -> None:
    night = element(("ENERGY", "0.10"), start_time="23:00", end_time="07:00")
    await open_place(node, tariff("T1", night, element(("ENERGY", "0.30"))))
    clock.now = T0 + int(21.5 * HOUR) * SECOND  # 22:30 in Amsterdam
    charge = await plug(node, partner)
    start = 21.5 * HOUR
    clock.move(HOUR)
    await charging.end(node, charge, clock(), readings=[reading(start, "0"), reading(start + HOUR, "10")])
    bill = await cdr(node, charge)
    day, late = bill["charging_periods"]
    assert late["start_date_time"] == format_time(T0 + 22 * HOUR * SECOND)
    assert volumes(day)["ENERGY"] == volumes(late)["ENERGY"] == 5 and day["tariff_id"] == "T1"
    assert bill["total_cost"]["before_taxes"] == Decimal("2")


@pytest.mark.req("SES-046", "CDR-032", "CDR-033")
async def test_power_and_battery_are_for_sessions_alone(node: Node, clock: Clock, partner: Partner) -> None:
    await open_place(node, tariff())
    charge = await plug(node, partner)
    await charging.meter(node, charge, [reading(0, "0", soc=Decimal(20)), reading(HOUR, "11", soc=Decimal(38))])
    seen = volumes((await session(node, charge))["charging_periods"][-1])
    assert (seen["POWER"], seen["STATE_OF_CHARGE"]) == (11, 38)
    clock.move(HOUR)
    await charging.end(node, charge, clock())
    assert set(volumes((await cdr(node, charge))["charging_periods"][0])) == {"ENERGY", "TIME"}


@pytest.mark.req("CDR-025", "CDR-006")
async def test_only_the_partner_whose_driver_it_was_sees_session_and_bill(node: Node, clock: Clock, partner: Partner) -> None:
    await open_place(node, tariff())
    ours, theirs = await plug(node), await plug(node, partner, evse_uid="EVSE2")
    for charge in (ours, theirs):
        await charging.end(node, charge, T0 + HOUR * SECOND, readings=[reading(0, "0"), reading(HOUR, "5")])
    found = await partner.fetch("sessions?date_from=2020-01-01T00:00:00Z")
    assert [one["id"] for one in found.data] == [theirs]
    assert [one["id"] for one in (await partner.fetch("cdrs")).data] == [theirs]
    other = await befriend(node, "2.3.0", parties=[("EMSP", "FR", "OTH")], name="other")
    assert (await other.fetch("sessions?date_from=2020-01-01T00:00:00Z")).data == (await other.fetch("cdrs")).data == []


async def test_the_tariff_is_the_first_that_this_partner_sees_and_that_is_meant_for_contracts(node: Node, partner: Partner) -> None:
    hidden = await node.store.write(lambda tx: tx.parties.audience_class("others"))
    await own(node, "tariffs", tariff("HIDDEN"), audience=hidden)
    for one in (tariff("ADHOC", type="AD_HOC_PAYMENT"), tariff("OVER", end_date_time=format_time(T0)), tariff("GOOD", type="REGULAR")):
        await own(node, "tariffs", one)
    await own(node, "locations", location("HIDDEN", "ADHOC", "OVER", "NONE", "GOOD"))
    charge = await plug(node, partner)
    await charging.meter(node, charge, [reading(0, "0"), reading(60, "1")])
    assert (await session(node, charge))["charging_periods"][0]["tariff_id"] == "GOOD"


@pytest.mark.req("CDR-046", "SES-039")
async def test_a_free_session_shows_the_tariff_that_is_free(node: Node, partner: Partner) -> None:
    await open_place(node, tariff("FREE", element(("FLAT", "0"))))
    charge = await plug(node, partner)
    await charging.end(node, charge, T0 + 60 * SECOND, readings=[reading(0, "0"), reading(60, "1")])
    assert (await session(node, charge))["total_cost"]["before_taxes"] == 0
    assert [one["id"] for one in (await cdr(node, charge))["tariffs"]] == ["FREE"]


@pytest.mark.req("SES-039")
async def test_without_a_tariff_no_cost_is_told_and_the_bill_is_zero(node: Node, partner: Partner) -> None:
    await open_place(node)
    charge = await plug(node, partner)
    await charging.meter(node, charge, [reading(0, "0"), reading(60, "1")])
    assert "total_cost" not in await session(node, charge)
    await charging.end(node, charge, T0 + 60 * SECOND)
    assert (await cdr(node, charge))["total_cost"]["before_taxes"] == 0


@pytest.mark.req("SES-005")
async def test_nothing_used_is_invalid_and_has_no_bill(node: Node, partner: Partner) -> None:
    await open_place(node, tariff())
    never, faulty = await plug(node, partner), await plug(node, partner, evse_uid="EVSE2")
    assert await charging.end(node, never, T0 + 60 * SECOND) == "INVALID"
    await charging.meter(node, faulty, [reading(0, "0")])
    assert await charging.end(node, faulty, T0 + 60 * SECOND, ending=Ending("ground fault")) == "INVALID"
    assert not await has_cdr(node, never) and not await has_cdr(node, faulty)


async def test_a_fault_after_energy_is_billed_and_named(node: Node, partner: Partner) -> None:
    await open_place(node, tariff())
    charge = await plug(node, partner)
    assert (
        await charging.end(node, charge, T0 + 60 * SECOND, readings=[reading(0, "0"), reading(60, "1")], ending=Ending("GroundFailure"))
        == "COMPLETED"
    )
    assert (await cdr(node, charge))["remark"] == "GroundFailure"


@pytest.mark.req("SES-004", "CDR-001")
async def test_what_is_completed_stays_as_it_is(node: Node, clock: Clock, partner: Partner) -> None:
    await open_place(node, tariff())
    charge = await plug(node, partner)
    await charging.end(node, charge, T0 + HOUR * SECOND, readings=[reading(0, "0"), reading(HOUR, "5")])
    before = await session(node, charge), await cdr(node, charge)
    clock.move(2 * HOUR)
    await charging.meter(node, charge, [reading(2 * HOUR, "9")])
    assert await charging.end(node, charge, clock(), readings=[reading(2 * HOUR + 1, "10")]) == "COMPLETED"
    assert (await session(node, charge), await cdr(node, charge)) == before


async def test_a_session_that_the_station_forgot_is_closed_with_its_last_reading(node: Node, clock: Clock, partner: Partner) -> None:
    await open_place(node, tariff())
    silent, waiting, heard = await plug(node, partner), "", ""
    await charging.meter(node, silent, [reading(0, "0"), reading(600, "2")])
    waiting = await plug(node, partner, evse_uid="EVSE2")
    clock.move(HOUR)
    heard = await plug(node, partner, evse_uid="EVSE2")  # the end of the one before was lost
    await charging.meter(node, heard, [reading(HOUR, "0")])
    assert await charging.close_lost(node, T0 + 60 * SECOND) == [silent]
    states = [(await session(node, charge))["status"] for charge in (silent, waiting, heard)]
    assert states == ["COMPLETED", "INVALID", "ACTIVE"]
    assert (await cdr(node, silent))["end_date_time"] == format_time(T0 + 600 * SECOND) and "remark" in await cdr(node, silent)


async def test_a_reading_that_comes_late_finds_its_place(node: Node, partner: Partner) -> None:
    await open_place(node, tariff())
    charge = await plug(node, partner)
    await charging.meter(node, charge, [reading(0, "0"), reading(HOUR, "10", "parked")])
    await charging.meter(node, charge, [reading(HOUR / 2, "10", "parked")])
    periods = (await session(node, charge))["charging_periods"]
    assert [volumes(period).get("PARKING_TIME") for period in periods] == [None, Decimal("0.5")]


async def test_a_meter_that_runs_back_takes_nothing_back(node: Node, partner: Partner) -> None:
    await open_place(node, tariff())
    charge = await plug(node, partner)
    await charging.meter(node, charge, [reading(0, "0"), reading(600, "5"), reading(1200, "3", "parked"), reading(1800, "4", "parked")])
    running = await session(node, charge)
    assert running["kwh"] == 5 and sum(volumes(period).get("ENERGY", Decimal(0)) for period in running["charging_periods"]) == 5


async def test_a_place_that_is_not_ours_begins_nothing(node: Node, partner: Partner) -> None:
    await open_place(node, tariff())
    for wrong in ({"location_id": "X"}, {"evse_uid": "X"}, {"connector_id": "X"}):
        with pytest.raises(NoPlace):
            await plug(node, partner, **wrong)


@pytest.mark.req("LOC-003", "LOC-010")
async def test_an_evse_that_is_gone_stays_listed_as_removed_and_raises_its_location(node: Node, clock: Clock) -> None:
    await open_place(node)
    clock.move(60)
    assert await charging.evse_status(node, "loc1", "evse1", "REMOVED", clock())
    assert not await charging.evse_status(node, "LOC1", "EVSE1", "AVAILABLE", clock())
    stored = await node.store.read(lambda tx: tx.objects.get(Key("locations", OWN, "NL", "TNM", "LOC1")))
    assert stored is not None
    assert [evse["status"] for evse in stored.document["evses"]] == ["REMOVED", "AVAILABLE"]
    assert stored.document["last_updated"] == format_time(clock())


async def test_readings_are_forgotten_when_their_session_is_long_over(node: Node, clock: Clock) -> None:
    await open_place(node, tariff())
    over, running = await plug(node), await plug(node, evse_uid="EVSE2")
    for charge in (over, running):
        await charging.meter(node, charge, [reading(0, "0"), reading(60, "1")])
    await charging.end(node, over, T0 + 60 * SECOND)
    assert await node.store.write(lambda tx: tx.stations.forget(ENDED, clock())) == 0
    clock.move(HOUR)
    assert await node.store.write(lambda tx: tx.stations.forget(ENDED, clock())) == 2
    await charging.meter(node, running, [reading(120, "2")])
    assert (await session(node, running))["kwh"] == 2 and await has_cdr(node, over)


# --- reservations


async def held(node: Node, partner: Partner, **more: Any) -> str:
    said = {"location_id": "LOC1", "evse_uid": "EVSE1", "connector_id": None, "cdr_token": TOKEN, "connection": partner.connection.id}
    times = {"expires_at": T0 + HOUR * SECOND, "at": T0}
    return await charging.reserve(node, **{**said, **times, "reservation_id": "R1", "authorization_reference": "ref-1", **more})


RESERVABLE = (
    element(("TIME", "4"), reservation="RESERVATION_EXPIRES"),
    element(("TIME", "2"), reservation="RESERVATION"),
    element(("ENERGY", "0.25")),
)


@pytest.mark.req("SES-029", "SES-007", "SES-030", "SES-036", "SES-037", "CDR-037", "CDR-047", "CDR-050", "CDR-051", "CMD-030", "CMD-036")
async def test_a_reservation_becomes_the_charge_of_the_same_session(node: Node, clock: Clock, partner: Partner) -> None:
    await open_place(node, tariff("T1", *RESERVABLE))
    charge = await held(node, partner)
    reserved = await session(node, charge)
    assert (reserved["status"], reserved["auth_method"], reserved["authorization_reference"]) == ("RESERVATION", "COMMAND", "ref-1")
    clock.move(900)
    assert await plug(node, partner, reservation=charge, authorization_reference="ref-2") == charge
    await charging.meter(node, charge, [reading(900, "0")])
    active = await session(node, charge)
    assert active["status"] == "ACTIVE" and active["start_date_time"] == format_time(clock())
    await charging.end(node, charge, T0 + 4500 * SECOND, readings=[reading(4500, "8")])
    bill = await cdr(node, charge)
    assert volumes(bill["charging_periods"][0]) == {"RESERVATION_TIME": Decimal("0.25")}
    assert bill["start_date_time"] == format_time(T0) and bill["total_reservation_cost"]["before_taxes"] == Decimal("0.5")
    assert (bill["auth_method"], bill["authorization_reference"]) == ("WHITELIST", "ref-2")
    assert bill["total_cost"]["before_taxes"] == Decimal("2.5")


@pytest.mark.req("SES-031", "CDR-049")
async def test_a_reservation_that_runs_out_is_completed_and_billed_as_the_tariff_says(node: Node, clock: Clock, partner: Partner) -> None:
    await open_place(node, tariff("T1", *RESERVABLE))
    charge = await held(node, partner)
    clock.move(2 * HOUR)
    assert await charging.close_lost(node, 0) == [charge]
    assert (await session(node, charge))["status"] == "COMPLETED"
    bill = await cdr(node, charge)
    assert bill["total_cost"]["before_taxes"] == 4 and bill["end_date_time"] == format_time(T0 + HOUR * SECOND)


async def test_a_canceled_reservation_costs_nothing(node: Node, clock: Clock, partner: Partner) -> None:
    await open_place(node, tariff("T1", *RESERVABLE))
    charge = await held(node, partner)
    assert await charging.release(node, charge, T0 + 600 * SECOND, "canceled") == "COMPLETED"
    ended = await session(node, charge)
    assert ended["end_date_time"] == format_time(T0 + 600 * SECOND) and not await has_cdr(node, charge)


@pytest.mark.req("CMD-034")
async def test_the_same_reservation_again_replaces_it(node: Node, clock: Clock, partner: Partner) -> None:
    await open_place(node, tariff("T1", *RESERVABLE))
    charge = await held(node, partner)
    assert await held(node, partner, reservation_id="r1", evse_uid="EVSE2", expires_at=T0 + 2 * HOUR * SECOND) == charge
    assert (await session(node, charge))["evse_uid"] == "EVSE2"
    clock.move(HOUR + 1)
    assert await charging.close_lost(node, 0) == []
    other = await held(node, partner, reservation_id="R2")
    assert other != charge


@pytest.mark.req("SES-032", "CDR-052")
async def test_an_evse_is_always_named_also_where_it_has_no_emi3_id(node: Node, clock: Clock, partner: Partner) -> None:
    nameless = location("T1")
    for evse in nameless["evses"]:
        del evse["evse_id"]
    await own(node, "tariffs", tariff("T1", *RESERVABLE))
    await own(node, "locations", nameless)
    charge = await held(node, partner)
    reserved = await session(node, charge)
    assert (reserved["evse_uid"], reserved["connector_id"]) == ("EVSE1", "1")
    clock.move(2 * HOUR)
    await charging.close_lost(node, 0)
    place = (await cdr(node, charge))["cdr_location"]
    assert (place["evse_uid"], place["evse_id"], place["connector_id"]) == ("EVSE1", "NL*TNM*EEVSE1", "1")


# --- what a station or its owner adds


@pytest.mark.req("CDR-031", "CDR-038")
async def test_currents_are_sums_of_the_phases_and_may_be_negative(node: Node, partner: Partner) -> None:
    await open_place(node, tariff("T1", element(("ENERGY", "0.10"), min_current=30), element(("ENERGY", "0.30"))))
    charge = await plug(node, partner)
    amperes = [(0, "0", 48), (600, "5", 48), (1200, "6", -6), (1800, "6", -6)]
    found = [reading(seconds, kwh, current=Decimal(value)) for seconds, kwh, value in amperes]
    await charging.end(node, charge, T0 + 1800 * SECOND, readings=found)
    first, second = (volumes(period) for period in (await cdr(node, charge))["charging_periods"])
    assert first["MAX_CURRENT"] == 48 and first["MIN_CURRENT"] == 30
    assert second["MAX_CURRENT"] < 30 and second["MIN_CURRENT"] == -6


@pytest.mark.req("CDR-057")
async def test_what_the_meter_signed_goes_into_the_bill_and_is_checked_before(node: Node, partner: Partner) -> None:
    await open_place(node, tariff())
    charge, used = await plug(node, partner), [reading(0, "0"), reading(60, "1")]
    signed = {"encoding_method": "OCMF", "signed_values": [{"nature": "End", "plain_data": "x" * 5000, "signed_data": "y"}]}
    for wrong in ({"encoding_method": "OCMF", "signed_values": []}, {"signed_values": signed["signed_values"]}):
        with pytest.raises(Invalid, match=r"signed_data\."):
            await charging.end(node, charge, T0 + 60 * SECOND, readings=used, ending=Ending(None, wrong))
    assert (await session(node, charge))["status"] == "PENDING"
    await charging.end(node, charge, T0 + 60 * SECOND, readings=used, ending=Ending(None, signed))
    assert (await cdr(node, charge))["signed_data"] == signed


@pytest.mark.req("CDR-023")
async def test_energy_at_home_is_marked_for_paying_back(node: Node, partner: Partner) -> None:
    await open_place(node, tariff())
    bills_of = []
    for uid, home in (("EVSE1", True), ("EVSE2", False)):
        charge = await plug(node, partner, evse_uid=uid, home=home)
        await charging.end(node, charge, T0 + 60 * SECOND, readings=[reading(0, "0"), reading(60, "1")])
        bills_of.append((await cdr(node, charge)).get("home_charging_compensation"))
    assert bills_of == [True, None]


# --- corrections


async def billed(node: Node, partner: Partner) -> dict[str, Any]:
    await open_place(node, tariff())
    charge = await plug(node, partner)
    await charging.end(node, charge, T0 + 60 * SECOND, readings=[reading(0, "0"), reading(60, "1")])
    return await cdr(node, charge)


@pytest.mark.req("CDR-017", "CDR-019", "CDR-001")
async def test_a_credit_repeats_the_bill_with_a_negative_total_and_nothing_else(node: Node, clock: Clock, partner: Partner) -> None:
    bill = await billed(node, partner)
    clock.move(HOUR)
    credit = await cdr(node, await corrections.credit(node, bill["id"]))
    assert await corrections.credit(node, bill["id"]) == credit["id"] != bill["id"] and await cdr(node, bill["id"]) == bill
    assert credit["credit"] is True and credit["credit_reference_id"] == bill["id"] and len(credit["id"]) <= 39
    assert credit["total_cost"]["before_taxes"] == -bill["total_cost"]["before_taxes"] < 0
    assert [tax["amount"] for tax in credit["total_cost"]["taxes"]] == [-tax["amount"] for tax in bill["total_cost"]["taxes"]]
    own_fields = ("id", "credit", "credit_reference_id", "total_cost", "last_updated")
    assert {name: value for name, value in credit.items() if name not in own_fields} == {
        name: value for name, value in bill.items() if name not in own_fields
    }
    with pytest.raises(corrections.NotCreditable):
        await corrections.credit(node, credit["id"])


@pytest.mark.req("CDR-020")
async def test_a_corrected_bill_is_a_new_one_with_its_own_totals(node: Node, partner: Partner) -> None:
    bill = await billed(node, partner)
    [period] = bill["charging_periods"]
    half = {**period, "dimensions": [{"type": "ENERGY", "volume": Decimal("0.5")}, *period["dimensions"][1:]]}
    again = await cdr(node, await corrections.correct(node, bill["id"], {**bill, "charging_periods": [half]}))
    assert again["id"] not in (bill["id"], f"{bill['id']}-C") and "credit" not in again and "credit_reference_id" not in again
    assert again["total_energy"] == Decimal("0.5") and again["total_cost"]["before_taxes"] == Decimal("0.625")
    assert (await cdr(node, f"{bill['id']}-C"))["credit"] is True


async def test_a_correction_that_is_not_right_changes_nothing(node: Node, partner: Partner) -> None:
    bill = await billed(node, partner)
    with pytest.raises(corrections.NotCreditable, match="charging_periods"):
        await corrections.correct(node, bill["id"], {**bill, "charging_periods": []})
    assert not await has_cdr(node, f"{bill['id']}-C")


def test_a_bill_that_does_not_come_out_the_same_is_never_made(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = bills.figures
    monkeypatch.setattr(bills, "validate", lambda kind, document: None)
    monkeypatch.setattr(bills, "figures", lambda cdr, zone: {**figures(cdr, zone), "total_energy": Decimal(7)})
    with pytest.raises(bills.Unbillable, match="total_energy"):
        bills.checked({"id": "C1", "total_energy": Decimal(6), "charging_periods": []}, None)


async def test_a_bill_that_does_not_come_out_the_same_is_held_and_the_session_ends(
    node: Node, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = bills.figures
    totals = iter((Decimal("0.9"), Decimal("1.1")))
    monkeypatch.setattr(bills, "figures", lambda cdr, zone: {**figures(cdr, zone), "total_energy": next(totals)})
    bill = await billed(node, partner)
    assert (await session(node, bill["id"]))["status"] == "COMPLETED"
    assert (await partner.fetch("cdrs")).data == []
    (listed,) = await node.store.read(lambda tx: tx.checks.newest(Wanted(held=True)))
    assert decode_json(listed.findings)[0]["code"] == "not_reproducible"
    await checking.check(node.directory, [listed.pk])
    (again,) = await node.store.read(lambda tx: tx.checks.newest(Wanted(held=True)))
    assert decode_json(again.findings)[0]["code"] == "not_reproducible"  # judged again, it still is what its maker found


# --- laws

STEPS = st.lists(
    st.tuples(st.integers(1, 5000), st.integers(0, 3000), st.sampled_from(["charging", "charging", "parked"])), min_size=1, max_size=12
)
TARIFFS = [
    tariff(),
    tariff("T1", element(("ENERGY", "0.10"), start_time="23:00", end_time="07:00"), element(("ENERGY", "0.33"), ("TIME", "0.7"))),
    tariff("T1", element(("ENERGY", "0.10"), max_kwh=5), element(("ENERGY", "0.33"), ("PARKING_TIME", "3")), min_price={"before_taxes": 2}),
]


def as_readings(steps: list[tuple[int, int, str]]) -> list[Any]:
    found, seconds, watt_hours, phase = [reading(0, "0")], 0, 0, "charging"
    for length, used, after in steps:
        seconds, watt_hours = seconds + length, watt_hours + (used if phase == "charging" else 0)
        phase = after
        found.append(reading(seconds, str(Decimal(watt_hours) / 1000), phase))
    return found


async def charged(folder: Path, readings: list[Any], prices: dict[str, Any], *, restarts: int, backwards: bool) -> dict[str, Any]:
    """The CDR of one charge, told in pieces, with the memory of the process lost before some of them."""
    folder.mkdir()
    node = await make_node(folder, clock=Clock())
    try:
        await open_place(node, prices)
        charge = await plug(node)
        told = [readings[0], *reversed(readings[1:])] if backwards else readings
        for number, one in enumerate(told):
            if restarts and number % restarts == 0:
                metering.remembered(node.store).clear()
                await charging.meter(node, charge, told[: number + 1])
            await charging.meter(node, charge, [one])
        await charging.end(node, charge, readings[-1].at + SECOND)
        return {name: value for name, value in (await cdr(node, charge)).items() if name not in ("id", "session_id", "last_updated")}
    finally:
        await close(node)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS, prices=st.sampled_from(TARIFFS), restarts=st.integers(0, 3), backwards=st.booleans())
@pytest.mark.req("CDR-027", "CDR-058")
async def test_restarts_and_late_readings_make_the_same_bill(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, str]], prices: dict[str, Any], restarts: int, backwards: bool
) -> None:
    readings, folder = as_readings(steps), tmp_path_factory.mktemp("charge")
    straight = await charged(folder / "a", readings, prices, restarts=0, backwards=False)
    assert await charged(folder / "b", readings, prices, restarts=restarts, backwards=backwards) == straight
    assert straight["total_energy"] == readings[-1].kwh
    assert sum(volumes(period).get("ENERGY", Decimal(0)) for period in straight["charging_periods"]) == readings[-1].kwh
    again = cost_documents(price(decode_json(encode_json(straight)), timezone="Europe/Amsterdam"))
    assert {name: straight[name] for name in again} == again


def test_every_state_of_a_session_has_an_end() -> None:
    ends = {"COMPLETED", "INVALID"}
    assert {before for before, _ in STATES if before} == set(STATES.values()) - ends

"""Whole charges at stations that others have written, as the provider of the drivers sees them: OCPP 1.6J and 2.0.1, OCPI between.

The nodes are processes of their own, and so are the stations. What the drivers take is little, for it is taken within seconds, and a
meter that runs faster than its connector can deliver makes a CDR doubtful.
"""

from __future__ import annotations

from decimal import Decimal

from interplug.cli.demo.driver import Phone
from tests.foreign.pair import Pair
from tests.foreign.stations import PATIENCE, Station

UNLIKE = {
    "1.6": {"start": "RemoteStartTransaction", "stop": "RemoteStopTransaction", "fault": "GroundFailure"},
    "2.0.1": {"start": "RequestStartTransaction", "stop": "RequestStopTransaction", "fault": "GroundFailure"},
}
PLACE = {"location": "LOC1", "evse": "EVSE1"}


async def test_a_card_a_fault_a_remote_start_with_a_limit_and_a_reservation(roaming: Pair, station: Station, version: str) -> None:
    await roaming.status("AVAILABLE")
    await with_a_card(roaming, station)
    await with_a_fault(roaming, station)
    await by_command(roaming, station, version)
    await from_the_page(roaming, station, version)
    await reserved(roaming, station)
    await judged(roaming)


async def with_a_card(roaming: Pair, station: Station) -> None:
    await station.does("plug")
    assert (await station.does("card", "STRANGER"))["status"] in ("Invalid", "Unknown")
    assert (await station.does("card", "CARD1"))["status"] == "Accepted"
    await roaming.status("CHARGING")
    begun = await roaming.session("ACTIVE")
    assert begun["auth_method"] == "AUTH_REQUEST", "its provider was asked, for no list may judge this card"
    await station.does("charge", 10)
    assert (await roaming.session("ACTIVE", "0.01"))["id"] == begun["id"]
    await station.does("charge", 10)
    assert (await roaming.session("ACTIVE", "0.02"))["id"] == begun["id"]
    await station.does("card", "CARD1")
    await station.does("unplug")
    await roaming.session("COMPLETED", "0.02")
    bill = await roaming.cdr(begun["id"])
    assert (bill["total_energy"], bill["total_cost"]["before_taxes"]) == (Decimal("0.02"), Decimal("1.00")), "0.50 to begin, 25 a kWh"
    assert "remark" not in bill
    await roaming.status("AVAILABLE")


async def with_a_fault(roaming: Pair, station: Station) -> None:
    await station.does("plug")
    await station.does("card", "CARD1")
    await station.does("charge", 10)
    running = await roaming.session("ACTIVE", "0.01")
    await station.does("break", "GroundFailure", "E42")
    await roaming.status("OUTOFORDER")
    await roaming.session("COMPLETED", "0.01")
    assert "GroundFailure" in (await roaming.cdr(running["id"]))["remark"]
    shown = await roaming.cpo.command("station", "show", "CS1")
    assert "E42" in str(shown), "what the maker of the station calls it"
    await station.does("repair")
    await roaming.status("AVAILABLE")


async def by_command(roaming: Pair, station: Station, version: str) -> None:
    words = UNLIKE[version]
    assert await roaming.command("START_SESSION", **PLACE, connector="1", token="CARD1") == "ACCEPTED"
    await station.hears(words["start"])
    running = await roaming.session("ACTIVE")
    assert running["auth_method"] == "COMMAND"
    await station.does("charge", 20)
    await roaming.session("ACTIVE", "0.02")
    await limited(roaming, station, running["id"])
    assert await roaming.command("STOP_SESSION", session=running["id"]) == "ACCEPTED"
    await station.hears(words["stop"])
    assert (await roaming.cdr(running["id"]))["auth_method"] == "COMMAND"
    assert await roaming.command("UNLOCK_CONNECTOR", **PLACE, connector="1") == "ACCEPTED"
    await station.hears("UnlockConnector")
    await station.does("unplug")
    await roaming.status("AVAILABLE")


async def from_the_page(roaming: Pair, station: Station, version: str) -> None:
    """The driver's own view: pressed, begun, counted, ended, priced."""
    async with Phone(roaming.emsp.url) as phone:
        [row] = await phone.everywhere()
        place = await phone.station(row["id"])
        evse = next(one for one in place["evses"] if one["uid"] == "EVSE1")
        drive = (await phone.start(place, evse, evse["connectors"][0]))["id"]
        await station.hears(UNLIKE[version]["start"])
        await station.does("charge", 20)
        await phone.until(drive, "a live value", lambda seen: seen["kwh"] >= Decimal("0.02"), PATIENCE)
        await phone.stop(drive)
        await station.hears(UNLIKE[version]["stop"])
        await station.does("unplug")
        session = await phone.until(drive, "the receipt", lambda seen: bool(seen["receipt"]), PATIENCE)
    assert (await roaming.cdr(session["session_id"]))["total_cost"]["before_taxes"] == Decimal("1.00")


async def limited(roaming: Pair, station: Station, session: str) -> None:
    """A charging profile of the provider's reaches the plug, and goes again."""
    done = await roaming.emsp.command("profile", "set", "cpo", session, "22000", "600=11000", "--unit", "W")
    assert done["result"] == "ACCEPTED", done
    asked = (await station.hears("SetChargingProfile"))["asked"]
    profile = asked.get("csChargingProfiles") or asked["chargingProfile"]
    assert profile["chargingProfilePurpose"] == "TxProfile" and profile["transactionId"]
    schedule = profile["chargingSchedule"]
    [schedule] = schedule if isinstance(schedule, list) else [schedule]
    assert schedule["chargingRateUnit"] == "W"
    assert [(one["startPeriod"], one["limit"]) for one in schedule["chargingSchedulePeriod"]] == [(0, 22000), (600, 11000)]
    assert (await roaming.emsp.command("profile", "clear", "cpo", session))["result"] == "ACCEPTED"
    await station.hears("ClearChargingProfile")


async def reserved(roaming: Pair, station: Station) -> None:
    assert await roaming.command("RESERVE_NOW", **PLACE, token="CARD1", reservation="R-1") == "ACCEPTED"
    asked = (await station.hears("ReserveNow"))["asked"]
    assert "R-1" not in str(asked), "the provider's own name of it is not the station's business"
    await roaming.status("RESERVED")
    assert await roaming.command("CANCEL_RESERVATION", reservation="R-1") == "ACCEPTED"
    await station.hears("CancelReservation")
    await roaming.status("AVAILABLE")


async def judged(roaming: Pair) -> None:
    """The provider has worked each price again and finds it right."""
    bills = await roaming.emsp.command("cdr", "list", "--partner", "cpo")
    assert [bill["verdicts"] for bill in bills] == [["match"]] * 4, bills
    assert await roaming.cpo.command("cdr", "list", "--held") == []

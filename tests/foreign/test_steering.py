"""A company that only steers charges (SCSP) limits one at a station that others have written: three nodes in processes of their own, real
OCPI and OCPP between them. What is on the wire is read from the log of the one that steers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from interplug.cli.demo.processes import DemoFailed, NodeProcess
from interplug.model.types import decode_json, parse_time
from tests.foreign.pair import Pair, documents, steering
from tests.foreign.stations import PATIENCE, Station

Document = dict[str, Any]
OCPI = {"1.6": "2.2.1", "2.0.1": "2.3.0"}
"""Either version of OCPI that has charging profiles is tried with one of OCPP; the two do not know each other."""
ID = 41_001
START = "2026-01-01T00:00:00Z"
LIMITS = [(0, Decimal("10.5")), (600, Decimal(8))]


@pytest.mark.req("CHP-002", "CHP-003", "CHP-004", "CHP-005", "CHP-007", "CHP-008", "CHP-009", "CHP-010", "CHP-011", "CHP-014")
@pytest.mark.req("CHP-015", "CHP-019", "CHP-021", "CHP-024", "CHP-027", "CHP-028", "CHP-029")
async def test_a_charge_is_limited_planned_and_let_go(roaming: Pair, station: Station, version: str, tmp_path: Path) -> None:
    async with steering(tmp_path, roaming, OCPI[version]) as scsp:
        await station.does("plug")
        await station.does("card", "CARD1")
        transaction = (await station.does("charge", 10))["transaction"]
        session = (await roaming.session("ACTIVE", "0.01"))["id"]
        await until(lambda: documents(scsp, "sessions"), lambda found: [one["id"] for one in found] == [session])

        await limited(scsp, station, session, transaction)
        await planned(scsp, station, session, version)
        await on_the_wire(scsp, session, OCPI[version])
        with pytest.raises(DemoFailed, match="was not carried out"):
            await scsp.command("profile", "set", "cpo", session, "32")
        await limited_by_the_provider_too(roaming, scsp, station, session)
        await let_go(roaming, scsp, station, session)

        await station.does("card", "CARD1")
        await station.does("unplug")
        assert (await roaming.cdr(session))["total_energy"] == Decimal("0.01")


async def limited(scsp: NodeProcess, station: Station, session: str, transaction: object) -> None:
    """Exactly what was wished for."""
    wish = ("10.5", "600=8", "--unit", "A", "--start", START, "--duration", "86400")
    assert (await scsp.command("profile", "set", "cpo", session, *wish))["result"] == "ACCEPTED"
    schedule = {
        "startSchedule": START,
        "duration": 86400,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": Decimal("10.5")}, {"startPeriod": 600, "limit": 8}],
    }
    purpose = {"transactionId": transaction, "stackLevel": 1, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Absolute"}
    asked = (await station.hears("SetChargingProfile"))["asked"]
    if "connectorId" in asked:
        older = {"chargingProfileId": ID, **purpose, "chargingSchedule": schedule}
        assert asked == {"connectorId": 1, "csChargingProfiles": older}
    else:
        assert asked == {"evseId": 1, "chargingProfile": {"id": ID, **purpose, "chargingSchedule": [{"id": 1, **schedule}]}}


async def planned(scsp: NodeProcess, station: Station, session: str, version: str) -> None:
    """The composite schedule of the station comes back as the ActiveChargingProfile."""
    found = await scsp.command("profile", "get", "cpo", session, "--seconds", "1800")
    assert found["result"] == "ACCEPTED"
    told = await station.hears("GetCompositeSchedule")
    place = "connectorId" if version == "1.6" else "evseId"
    assert told["asked"] == {place: 1, "duration": 1800, "chargingRateUnit": "A"}
    start = told["answered"].get("scheduleStart") or told["answered"]["schedule"]["scheduleStart"]
    plan, profile = found["plan"], found["plan"]["charging_profile"]
    assert parse_time(plan["start_date_time"]) == parse_time(profile["start_date_time"]) == parse_time(start)
    assert (profile["duration"], profile["charging_rate_unit"], periods(profile)) == (1800, "A", LIMITS)


async def on_the_wire(scsp: NodeProcess, session: str, version: str) -> None:
    """Each request was answered at once, and its result came to the response_url that it had named."""
    listed = await scsp.command("message", "list", "--url", "chargingprofiles")
    said = [await scsp.command("message", "show", str(one["number"])) for one in listed]
    asked = {one["method"]: one for one in said if one["direction"] == "out" and f"/chargingprofiles/{session}" in one["url"]}
    assert set(asked) == {"PUT", "GET"} and f"/ocpi/{version}/" in asked["PUT"]["url"]
    for one in asked.values():
        answer = decode_json(one["answer"].encode())
        assert (answer["status_code"], answer["data"]["result"], type(answer["data"]["timeout"])) == (1000, "ACCEPTED", int)
    results = [one for one in said if one["direction"] == "in" and one["method"] == "POST" and "/chargingprofiles/" in one["url"]]
    of_get, of_put = [decode_json(one["body"].encode()) for one in results]
    assert of_put == {"result": "ACCEPTED"}
    assert (of_get["result"], periods(of_get["profile"]["charging_profile"])) == ("ACCEPTED", LIMITS)
    assert decode_json(asked["PUT"]["body"].encode())["response_url"].endswith(results[1]["url"])
    assert len({one["url"] for one in results}) == 2
    assert ["data" in decode_json(one["answer"].encode()) for one in results] == [False, False]


async def limited_by_the_provider_too(roaming: Pair, scsp: NodeProcess, station: Station, session: str) -> None:
    """The least counts, and the one that steers is told of it without having asked."""
    assert (await roaming.emsp.command("profile", "set", "cpo", session, "6"))["result"] == "ACCEPTED"
    asked = (await station.hears("SetChargingProfile"))["asked"]
    assert schedule_in(asked)["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 6}]
    await told(scsp, "A", [(0, Decimal(6))])


async def let_go(roaming: Pair, scsp: NodeProcess, station: Station, session: str) -> None:
    assert (await scsp.command("profile", "clear", "cpo", session))["result"] == "ACCEPTED"
    asked = (await station.hears("SetChargingProfile"))["asked"]
    assert schedule_in(asked)["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 6}], "the provider's still holds"
    assert (await roaming.emsp.command("profile", "clear", "cpo", session))["result"] == "ACCEPTED"
    cleared = await station.hears("ClearChargingProfile")
    assert (list(cleared["asked"].values()), cleared["answered"]) == ([ID], {"status": "Accepted"})
    await told(scsp, "W", [(0, Decimal(400_000))])


async def told(scsp: NodeProcess, unit: str, limits: list[tuple[int, Decimal]]) -> None:
    """The plan that it has heard last, asked for or not; where nothing limits, that is what the plug can give."""

    def plan(found: list[Document]) -> bool:
        known = [one["plan"] for one in found if one["plan"]]
        return bool(known) and (known[0]["charging_rate_unit"], periods(known[0])) == (unit, limits)

    await until(lambda: scsp.command("profile", "list"), plan)


def periods(profile: Document) -> list[tuple[int, Decimal]]:
    return [(one["start_period"], one["limit"]) for one in profile["charging_profile_period"]]


def schedule_in(asked: Document) -> Document:
    schedule = (asked.get("csChargingProfiles") or asked["chargingProfile"])["chargingSchedule"]
    return dict(schedule[0] if isinstance(schedule, list) else schedule)


async def until(look: Callable[[], Any], wanted: Callable[[Any], bool]) -> None:
    found: Any = None
    try:
        async with asyncio.timeout(PATIENCE):
            while not wanted(found := await look()):
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"still {found}") from None

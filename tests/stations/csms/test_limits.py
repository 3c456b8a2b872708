"""Charging profiles at stations that speak OCPP: exactly what is said, what comes back, and what a station that was away is told again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from interplug.model.types import decode_json, encode_json, format_time
from interplug.modules import steering
from interplug.partners import audiences
from interplug.protocol.http import Request, Response
from interplug.stations.csms import limits, schedules
from interplug.stations.csms.schedules import Ability
from interplug.stations.csms.service import Csms
from interplug.stations.ocpp.dialects import V16, V21, V201, Dialect
from interplug.stations.ocpp.link import Refused
from interplug.store.keys import OWN
from tests.modules.test_schedules import AC, profile
from tests.nodes import SECOND, T0, Clock, Partner, Wire, befriend
from tests.stations.csms.partner import Provider
from tests.stations.csms.saying16 import settled, start
from tests.stations.csms.stations import Station, station

Document = dict[str, Any]
RESULT_URL = "https://emsp.example/profiles/1"
DIALECTS = pytest.mark.parametrize("dialect", [V16, V201, V21], ids=["1.6", "2.0.1", "2.1"])


# --- what a station is told


def told(*profiles: Document, able: Ability = Ability(), now: int = T0 + 60 * SECOND) -> list[schedules.Schedule]:  # noqa: B008
    return schedules.made(profiles, AC, T0, now, able, evse=2, stack=1)


@pytest.mark.req("CHP-028")
def test_one_profile_is_passed_on_as_it_is() -> None:
    [one] = told(profile((0, Decimal("16.5")), (600, 8), unit="A", min_charging_rate=6, duration=900))
    assert one == schedules.Schedule(41_002, 1, "A", ((0, Decimal("16.5")), (600, Decimal(8))), None, 900, Decimal(6))
    [one] = told(profile((0, 5000), start_date_time=format_time(T0)))
    assert (one.start, one.duration, one.unit, one.periods) == (T0, None, "W", ((0, Decimal(5000)),))


def test_a_profile_that_begins_later_has_the_plug_before_it() -> None:
    assert told(profile((600, 8), unit="A"))[0].periods == ((0, Decimal("31.8")), (600, Decimal(8)))


@pytest.mark.req("CHP-026", "CHP-027")
@pytest.mark.parametrize(("unit", "limit", "others", "said"), [("A", 10, "W", "6900.0"), ("W", 7000, "A", "10.1")])
def test_a_unit_that_a_station_lacks_is_said_in_its_own(unit: str, limit: int, others: str, said: str) -> None:
    [one] = told(profile((0, limit), unit=unit), able=Ability(frozenset(others)))
    assert (one.unit, one.periods) == (others, ((0, Decimal(said)),))


def test_several_are_one_whose_limit_is_the_least() -> None:
    [one] = told(profile((0, 5000), (600, 9000)), profile((300, 4000), duration=900))
    assert (one.start, one.duration) == (T0 + 60 * SECOND, None)
    assert one.periods == ((0, Decimal(5000)), (240, Decimal(4000)), (840, Decimal(9000)))


def test_more_periods_than_a_station_holds_follow_each_other_on_levels_of_their_own() -> None:
    parts = told(profile(*((60 * number, 1000 + number) for number in range(5)), duration=400), able=Ability(periods=2, stack=3))
    assert [(one.id, one.stack, (one.start or 0) - T0, one.duration) for one in parts] == [
        (41_002, 1, 0, 120),
        (42_002, 0, 120 * SECOND, 120),
        (43_002, 2, 240 * SECOND, 160),
    ]
    assert [one.periods for one in parts] == [
        ((0, Decimal(1000)), (60, Decimal(1001))),
        ((0, Decimal(1002)), (60, Decimal(1003))),
        ((0, Decimal(1004)),),
    ]
    assert told(profile(*((60 * number, 1000) for number in range(5))), able=Ability(periods=1, stack=3)) == []


# --- over a socket


@dataclass
class World:
    """A car that charges at EVSE1 of a station, whose driver's eMSP may limit it."""

    csms: Csms
    emsp: Partner
    station: Station
    dialect: Dialect
    session: str
    number: str
    heard: list[tuple[str, str, Document]]

    @property
    def older(self) -> bool:
        return self.dialect is V16

    async def ask(self, method: str, one: Document | None = None) -> Document:
        """A request of the eMSP, and the result that came to its response_url."""
        path = f"chargingprofiles/{self.session}"
        if method == "PUT":
            answer = await self.emsp.send("PUT", path, {"charging_profile": one, "response_url": RESULT_URL})
        else:
            answer = await self.emsp.send(method, f"{path}?duration=600&response_url={RESULT_URL}")
        assert answer.data["result"] == "ACCEPTED", answer.message
        while self.emsp.node.tasks:
            await asyncio.gather(*self.emsp.node.tasks)
        return self.heard[-1][2]


def able(dialect: Dialect, units: str = "Current,Power", periods: str = "24") -> tuple[str, Document]:
    if dialect is V16:
        named = {"ChargingScheduleAllowedChargingRateUnit": units, "ChargingScheduleMaxPeriods": periods}
        listed = [{"key": key, "readonly": True, "value": value} for key, value in named.items()]
        return "GetConfiguration", {"configurationKey": listed, "unknownKey": ["ChargeProfileMaxStackLevel"]}
    told = [("RateUnit", units), ("PeriodsPerSchedule", periods), ("ProfileStackLevel", None)]
    return "GetVariables", {
        "getVariableResult": [
            {"component": {"name": "SmartChargingCtrlr"}, "variable": {"name": name}}
            | ({"attributeStatus": "Accepted", "attributeValue": value} if value else {"attributeStatus": "UnknownVariable"})
            for name, value in told
        ]
    }


async def charge(one: Station, dialect: Dialect, clock: Clock) -> str:
    if dialect is V16:
        return str(await start(one, clock))
    said = {
        "eventType": "Started", "timestamp": clock.text(), "triggerReason": "Authorized", "seqNo": 0,
        "transactionInfo": {"transactionId": "TX-1", "chargingState": "Charging"}, "evse": {"id": 1, "connectorId": 1},
        "idToken": {"idToken": "CARD1", "type": "ISO14443"},
    }  # fmt: skip
    await one.say("TransactionEvent", **said)
    return "TX-1"


@pytest.fixture
async def world(csms: Csms, emsp: Partner, provider: Provider, wire: Wire, clock: Clock, dialect: Dialect) -> AsyncIterator[World]:
    heard: list[tuple[str, str, Document]] = []

    async def partner(request: Request) -> Response:
        if "/authorize" in request.url:
            return await provider(request)
        heard.append((request.method, request.url, decode_json(request.body)))
        return Response(200, encode_json({"status_code": 1000, "timestamp": "2026-01-01T00:00:00Z"}))

    wire.places["https://emsp.example"] = partner
    async with station(csms, dialect) as one:
        number = await charge(one, dialect, clock)
        for tx in (0, 1):  # a first reading makes the Session ACTIVE
            clock.move(60)
            await meter(one, dialect, clock, number, 100 * tx)
        await csms.hall.posts["CS1"].carried()
        action, answer = able(dialect)
        one.answers[action] = answer
        yield World(csms, emsp, one, dialect, (await provider.session())["id"], number, heard)


async def meter(one: Station, dialect: Dialect, clock: Clock, number: str, wh: int) -> None:
    if dialect is V16:
        values = [{"timestamp": clock.text(), "sampledValue": [{"value": str(1000 + wh)}]}]
        await one.say("MeterValues", connectorId=1, transactionId=int(number), meterValue=values)
        return
    values = [{"timestamp": clock.text(), "sampledValue": [{"value": 1000 + wh}]}]
    said = {"eventType": "Updated", "timestamp": clock.text(), "triggerReason": "MeterValuePeriodic", "seqNo": 1 + wh}
    await one.say("TransactionEvent", **said, transactionInfo={"transactionId": number}, meterValue=values)


@pytest.mark.req("CHP-003", "CHP-005")
@DIALECTS
async def test_a_station_is_told_exactly_the_profile_that_was_set(world: World) -> None:
    one = profile((0, Decimal("10.5")), (600, 8), unit="A", start_date_time=format_time(T0), duration=7200, min_charging_rate=6)
    assert await world.ask("PUT", one) == {"result": "ACCEPTED"}
    asked = await world.station.asked("SetChargingProfile")
    schedule = {
        "startSchedule": format_time(T0),
        "duration": 7200,
        "chargingRateUnit": "A",
        "minChargingRate": 6,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.5}, {"startPeriod": 600, "limit": 8}],
    }
    purpose = {"stackLevel": 1, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Absolute"}
    if world.older:
        name = {"chargingProfileId": 41_001, "transactionId": int(world.number)}
        assert asked == {"connectorId": 1, "csChargingProfiles": {**name, **purpose, "chargingSchedule": schedule}}
    else:
        assert asked == {
            "evseId": 1,
            "chargingProfile": {"id": 41_001, "transactionId": "TX-1", **purpose, "chargingSchedule": [{"id": 1, **schedule}]},
        }


@pytest.mark.req("CHP-014", "CHP-016")
@DIALECTS
async def test_a_station_that_does_not(world: World) -> None:
    one = profile((0, 10), unit="A")
    world.station.answers["SetChargingProfile"] = {"status": "Rejected"}
    assert await world.ask("PUT", one) == {"result": "REJECTED"}
    assert await world.ask("DELETE") == {"result": "UNKNOWN"}
    world.station.answers["GetCompositeSchedule"] = Refused("NotSupported")
    assert await world.ask("GET") == {"result": "REJECTED"}


@pytest.mark.req("CHP-011", "CHP-024")
@DIALECTS
async def test_a_station_tells_its_plan(world: World, clock: Clock) -> None:
    periods = [{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 300, "limit": 9.55}]
    if world.older:
        schedule: Document = {"duration": 600, "chargingRateUnit": "A", "chargingSchedulePeriod": periods}
        answer: Document = {"status": "Accepted", "connectorId": 1, "scheduleStart": clock.text(), "chargingSchedule": schedule}
        periods[1]["limit"] = 9.5
    else:
        schedule = {"duration": 600, "chargingRateUnit": "A", "chargingSchedulePeriod": periods, "evseId": 1, "scheduleStart": clock.text()}
        answer = {"status": "Accepted", "schedule": schedule}
    world.station.answers["GetCompositeSchedule"] = answer
    found = await world.ask("GET")
    assert (found["result"], found["profile"]["start_date_time"]) == ("ACCEPTED", clock.text())
    assert found["profile"]["charging_profile"]["charging_profile_period"] == [
        {"start_period": 0, "limit": 16},
        {"start_period": 300, "limit": Decimal("9.5")},
    ]
    assert (await world.station.asked("GetCompositeSchedule"))["duration"] == 600


@pytest.mark.req("CHP-024")
@DIALECTS
async def test_a_station_without_a_limit_plans_what_its_plug_gives(world: World) -> None:
    world.station.answers["GetCompositeSchedule"] = {"status": "Accepted"}
    found = await world.ask("GET")
    assert found["profile"]["charging_profile"]["charging_profile_period"] == [{"start_period": 0, "limit": Decimal("22000.0")}]


@pytest.mark.req("CHP-015")
@DIALECTS
async def test_a_profile_is_cleared_by_its_number(world: World) -> None:
    await world.ask("PUT", profile((0, 10), unit="A"))
    assert await world.ask("DELETE") == {"result": "ACCEPTED"}
    assert await world.station.asked("ClearChargingProfile") == ({"id": 41_001} if world.older else {"chargingProfileId": 41_001})


@DIALECTS
async def test_what_a_station_can_take_is_asked_once(world: World) -> None:
    action, answer = able(world.dialect, units="Power", periods="1")
    world.station.answers[action] = answer
    await world.ask("PUT", profile((0, 10), (600, 8), unit="A"))
    asked = [await world.station.asked("SetChargingProfile") for _ in range(2)]
    profiles = [one["csChargingProfiles" if world.older else "chargingProfile"] for one in asked]
    said = [one["chargingSchedule"] if world.older else one["chargingSchedule"][0] for one in profiles]
    assert [one["chargingRateUnit"] for one in said] == ["W", "W"]
    assert [one["chargingSchedulePeriod"] for one in said] == [[{"startPeriod": 0, "limit": limit}] for limit in (6900, 5520)]
    assert await world.ask("DELETE") == {"result": "ACCEPTED"}
    numbers = [await world.station.asked("ClearChargingProfile") for _ in range(2)]
    assert [next(iter(one.values())) for one in numbers] == [41_001, 42_001]


@DIALECTS
async def test_a_station_that_is_back_is_told_again(world: World, clock: Clock) -> None:
    await world.ask("PUT", profile((0, 10), unit="A"))
    before = await world.station.asked("SetChargingProfile")
    await world.station.close()
    async with station(world.csms, world.dialect) as again:
        action, answer = able(world.dialect)
        again.answers[action] = answer
        await settled(again)
        assert await again.asked("SetChargingProfile") == before


async def test_a_station_without_limits_is_told_nothing(csms: Csms, provider: Provider, clock: Clock) -> None:
    async with station(csms, V16) as one:
        await start(one, clock)
        await settled(one)
        await csms.hall.posts["CS1"].carried()
        assert one._asked.empty()


@pytest.mark.req("CHP-021")
@pytest.mark.parametrize("dialect", [V201, V21], ids=["2.0.1", "2.1"])
async def test_a_limit_of_the_place_is_told_to_who_steers(world: World, clock: Clock) -> None:
    await world.ask("PUT", profile((0, 10), unit="A"))
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.0}]}
    composite = {**schedule, "evseId": 1, "duration": 1800, "scheduleStart": clock.text()}
    del composite["id"]
    world.station.answers["GetCompositeSchedule"] = {"status": "Accepted", "schedule": composite}
    await world.station.say("NotifyChargingLimit", chargingLimit={"chargingLimitSource": "EMS"}, chargingSchedule=[schedule], evseId=1)
    await steering.tell(world.emsp.node)
    method, url, plan = world.heard[-1]
    assert (method, url) == ("PUT", f"/ocpi/2.2.1/sender/chargingprofiles/{world.session}")
    assert plan["charging_profile"]["charging_profile_period"] == [{"start_period": 0, "limit": 6}]
    await world.station.say("ClearedChargingLimit", chargingLimitSource="EMS")
    await steering.tell(world.emsp.node)
    assert len([one for one in world.heard if one[0] == "PUT"]) == 2


@pytest.mark.parametrize("dialect", [V16], ids=["1.6"])
async def test_a_station_that_is_away_is_rejected(world: World) -> None:
    post = world.csms.hall.posts["CS1"]
    await world.station.close()
    await post.ended.wait()
    assert await world.ask("PUT", profile((0, 10), unit="A")) == {"result": "REJECTED"}


@pytest.mark.parametrize("dialect", [V16], ids=["1.6"])
async def test_a_station_that_has_not_read_its_transaction_yet_is_asked_again(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOMENT", 0.0)
    monkeypatch.setattr(limits, "JUST", 600.0)
    told = [{"status": "Rejected"}, {"status": "Accepted"}]

    class InTurn(dict[str, Any]):
        def get(self, action: Any, default: Any = None) -> Any:
            return told.pop(0) if action == "SetChargingProfile" else super().get(action, default)

    world.station.answers = InTurn(world.station.answers)
    assert await world.ask("PUT", profile((0, 10), unit="A")) == {"result": "ACCEPTED"}
    assert told == []


@DIALECTS
async def test_a_profile_of_which_a_station_takes_a_part_alone_leaves_it_as_it_was(world: World, clock: Clock) -> None:
    clock.move(limits.JUST)
    action, answer = able(world.dialect, periods="1")
    world.station.answers[action] = answer
    taken = {"set": [True, False, True]}

    class InTurn(dict[str, Any]):
        def get(self, action: Any, default: Any = None) -> Any:
            if action == "SetChargingProfile":
                return {"status": "Accepted" if taken["set"].pop(0) else "Rejected"}
            return super().get(action, default)

    async def said(name: str) -> Any:
        found = await world.station.asked(name)
        whole = found.get("csChargingProfiles") or found.get("chargingProfile")
        return next(iter(found.values())) if whole is None else whole[next(iter(whole.keys() & {"chargingProfileId", "id"}))]

    world.station.answers = InTurn(world.station.answers)
    two = profile((0, 10), (600, 8), unit="A")
    assert await world.ask("PUT", two) == {"result": "REJECTED"}
    assert await said("ClearChargingProfile") == 41_001, "nothing held before"
    clock.move(61)
    assert await world.ask("PUT", profile((0, 16), unit="A")) == {"result": "ACCEPTED"}
    clock.move(61)
    taken["set"] = [True, False, True]
    assert await world.ask("PUT", two) == {"result": "REJECTED"}
    asked = [await world.station.asked("SetChargingProfile") for _ in range(4)]
    last = asked[-1].get("csChargingProfiles") or asked[-1]["chargingProfile"]
    schedule = last["chargingSchedule"] if world.older else last["chargingSchedule"][0]
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 16}], "what held before"


@DIALECTS
async def test_what_a_station_may_have_taken_without_an_answer_is_taken_back_when_it_speaks_again(world: World, clock: Clock) -> None:
    """Who has set it was told that it does not hold."""
    node = world.emsp.node
    impatient = msgspec.structs.replace(node.settings.stations, call_timeout=0.3)
    await world.ask("GET")
    node.settings, patient = msgspec.structs.replace(node.settings, stations=impatient), node.settings
    late: asyncio.Future[Document] = asyncio.get_running_loop().create_future()
    world.station.answers["SetChargingProfile"] = late
    assert await world.ask("PUT", profile((0, 10), unit="A")) == {"result": "REJECTED"}
    node.settings = patient
    late.set_result({"status": "Accepted"})
    await world.station.close()
    async with station(world.csms, world.dialect) as again:
        action, answer = able(world.dialect)
        again.answers[action] = answer
        await settled(again)
        assert 41_001 in (await again.asked("ClearChargingProfile")).values()


class Restarts(dict[str, Any]):
    """The answers of a station that restarts whenever its configuration is read."""

    one: Station

    def get(self, action: Any, default: Any = None) -> Any:
        if action in ("GetConfiguration", "GetVariables"):
            self.one.socket.transport.abort()
        return super().get(action, default)


@DIALECTS
async def test_a_station_that_restarts_when_its_configuration_is_read_is_asked_for_it_once(world: World, clock: Clock) -> None:
    world.station.answers = Restarts(world.station.answers)
    world.station.answers.one = world.station
    post = world.csms.hall.posts["CS1"]
    assert (await world.ask("PUT", profile((0, 10), unit="A")))["result"] == "REJECTED"
    await post.ended.wait()
    async with station(world.csms, world.dialect) as again:
        again.answers = Restarts(again.answers)
        again.answers.one = again
        await settled(again)
        clock.move(61)
        assert await world.ask("PUT", profile((0, 10), unit="A")) == {"result": "ACCEPTED"}
        assert await again.asked("SetChargingProfile")
        assert await world.ask("DELETE") == {"result": "ACCEPTED"}


@pytest.mark.parametrize("dialect", [V201], ids=["2.0.1"])
async def test_a_station_that_comes_back_before_a_profile_is_noted_is_told_it_again(world: World) -> None:
    """What was noted when it came back is of before."""
    node, asked = world.emsp.node, world.csms.desk.limits
    assert await world.ask("PUT", profile((0, 10), unit="A")) == {"result": "ACCEPTED"}
    (noted,) = await node.store.read(lambda tx: tx.profiles.of(OWN, world.session))
    newer = profile((0, 6), unit="A")
    assert (await asked.set(world.session, newer, noted.connection)).result == "ACCEPTED"
    await world.station.close()
    async with station(world.csms, world.dialect) as again:
        action, answer = able(world.dialect)
        again.answers[action] = answer
        await settled(again)
        noted.document = encode_json(newer)
        await node.store.write(lambda tx: tx.profiles.put(noted))
        await asked.level(world.session, noted.connection)
        limits = [one["chargingProfile"]["chargingSchedule"][0] for one in [await again.asked("SetChargingProfile") for _ in range(2)]]
        assert [one["chargingSchedulePeriod"][0]["limit"] for one in limits] == [10, 6]


@pytest.mark.parametrize("dialect", [V201], ids=["2.0.1"])
async def test_a_station_that_reads_profiles_of_2_0_1_as_if_they_were_of_1_6_is_left_as_it_is(world: World, clock: Clock) -> None:
    """The profile was not taken, and whoever has set it hears so; nothing is told again as if it held, and the charge goes on."""
    words = "required property connectorId is missing"
    world.station.answers["SetChargingProfile"] = Refused("OccurrenceConstraintViolation", words)
    assert await world.ask("PUT", profile((0, 10), unit="A")) == {"result": "REJECTED"}
    assert await world.ask("DELETE") == {"result": "UNKNOWN"}
    await world.station.close()
    async with station(world.csms, world.dialect) as again:
        await settled(again)
        clock.move(60)
        await meter(again, world.dialect, clock, world.number, 200)
        await world.csms.hall.posts["CS1"].carried()
        assert "SetChargingProfile" not in [again._asked.get_nowait()[0] for _ in range(again._asked.qsize())]
    [session] = (await world.emsp.fetch("sessions?date_from=2020-01-01T00:00:00Z")).data
    assert (session["status"], session["kwh"]) == ("ACTIVE", Decimal("0.2"))


# --- several at once


async def both(world: World, other: Partner, method: str, *limits: int) -> list[tuple[str, Decimal]]:
    """The eMSP and the SCSP ask at the same moment of a station that is slow; what it was told in the end."""
    slow: asyncio.Future[Document] = asyncio.get_running_loop().create_future()
    world.station.answers["SetChargingProfile"] = world.station.answers["ClearChargingProfile"] = slow
    for partner, limit in zip((world.emsp, other), limits, strict=True):
        path, url = f"chargingprofiles/{world.session}", f"https://{partner.connection.partner}.example/profiles/1"
        if method == "PUT":
            answer = await partner.send("PUT", path, {"charging_profile": profile((0, limit), unit="A"), "response_url": url})
        else:
            answer = await partner.send("DELETE", f"{path}?response_url={url}")
        assert answer.data["result"] == "ACCEPTED", answer.message
    slow.set_result({"status": "Accepted"})
    while world.emsp.node.tasks:
        await asyncio.gather(*world.emsp.node.tasks)
    told = []
    while not world.station._asked.empty():
        action, asked = world.station._asked.get_nowait()
        if action == "SetChargingProfile":
            whole = asked.get("csChargingProfiles") or asked["chargingProfile"]
            schedule = whole["chargingSchedule"] if world.older else whole["chargingSchedule"][0]
            told.append((action, schedule["chargingSchedulePeriod"][0]["limit"]))
        elif action == "ClearChargingProfile":
            told.append((action, Decimal(0)))
    return told


@DIALECTS
async def test_of_several_who_ask_at_once_none_undoes_what_the_other_wants(world: World, wire: Wire, clock: Clock) -> None:
    node = world.emsp.node
    other = await befriend(node, "2.2.1", name="scsp", parties=(("SCSP", "NL", "SUN"),))
    wire.places["https://scsp.example"] = wire.places["https://emsp.example"]
    await audiences.join(node.directory, "all sessions", other.connection)
    assert (await both(world, other, "PUT", 8, 20))[-1] == ("SetChargingProfile", 8)
    clock.move(61)
    assert (await both(world, other, "PUT", 12, 6))[-1] == ("SetChargingProfile", 6)
    assert (await both(world, other, "DELETE", 0, 0))[-1][0] == "ClearChargingProfile"


@pytest.mark.parametrize("dialect", [V201], ids=["2.0.1"])
async def test_why_a_station_refuses_is_kept_for_the_operator(world: World) -> None:
    """OCPI has no words for it in what the partner is told."""
    world.station.answers["SetChargingProfile"] = {"status": "Rejected", "statusInfo": {"reasonCode": "TooHot"}}
    assert await world.ask("PUT", profile((0, 10), unit="A")) == {"result": "REJECTED"}
    [row] = await world.emsp.node.store.read(lambda tx: tx.commands.newest(None, 1))
    assert row.message == "the station says Rejected: TooHot"

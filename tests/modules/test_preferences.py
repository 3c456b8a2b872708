"""Charging preferences of a running Session: what the CPO answers and does, and what the eMSP sends."""

from decimal import Decimal
from typing import Any

import pytest

from interplug.model.types import decode_json, format_time
from interplug.model.validate import Invalid
from interplug.modules import call as receiver
from interplug.modules import preferences, steering
from interplug.modules.asking import NotSent
from interplug.modules.node import Node, Outcome
from interplug.modules.schedules import Plug
from interplug.store.keys import Key
from tests.modules.said import Document, connector, evse, location, session, tariff
from tests.modules.test_commands_received import Results, Stations, settle
from tests.modules.test_profiles_received import PLAN, Steering, ask
from tests.modules.test_profiles_sent import Operator, told
from tests.nodes import T0, Answer, Partner, Wire, befriend, own

LATER = pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
OLD = pytest.mark.parametrize("version", ["2.1.1"], indirect=True)
HOUR = 3_600_000_000
ABLE = ["CHARGING_PREFERENCES_CAPABLE", "CHARGING_PROFILE_CAPABLE"]
AC = Plug(Decimal(11_000), Decimal(230), 3)
EVERY = preferences.Offer(frozenset({"CHEAP", "FAST", "GREEN", "REGULAR"}), AC, True)


def wish(profile_type: str, hours: float | None = None, need: Any = None, **more: Any) -> Document:
    departure = {} if hours is None else {"departure_time": format_time(T0 + int(hours * HOUR))}
    return {"profile_type": profile_type, **departure, **({} if need is None else {"energy_need": need}), **more}


def answer(one: Document, offer: preferences.Offer = EVERY, kwh: Any = 0) -> str:
    return preferences.judge(one, offer, Decimal(kwh), T0).answer


# --- what of a wish can be done


@pytest.mark.req("SES-051")
@pytest.mark.parametrize("profile_type", ["CHEAP", "GREEN"])
def test_what_is_spread_needs_a_departure_and_an_amount(profile_type: str) -> None:
    assert answer(wish(profile_type)) == answer(wish(profile_type, need=10)) == "DEPARTURE_REQUIRED"
    assert answer(wish(profile_type, 4)) == "ENERGY_NEED_REQUIRED"
    assert answer(wish(profile_type, 4, 10)) == "ACCEPTED"


@pytest.mark.req("SES-051", "SES-053")
@pytest.mark.parametrize("profile_type", ["FAST", "REGULAR"])
def test_what_is_not_spread_needs_neither(profile_type: str) -> None:
    assert answer(wish(profile_type)) == answer(wish(profile_type, 4)) == answer(wish(profile_type, need=10)) == "ACCEPTED"


@pytest.mark.req("SES-053")
@pytest.mark.parametrize("profile_type", sorted(EVERY.types))
def test_more_than_the_plug_can_give_until_then_is_not_possible(profile_type: str) -> None:
    assert answer(wish(profile_type, 2, 22)) == "ACCEPTED"
    assert answer(wish(profile_type, 2, Decimal("22.1"))) == "NOT_POSSIBLE"
    assert answer(wish(profile_type, 2, Decimal("22.1")), kwh=1) == "ACCEPTED"
    assert answer(wish(profile_type, 0, 1)) == answer(wish(profile_type, -1, 1)) == "NOT_POSSIBLE"


@pytest.mark.req("SES-052", "SES-055")
@pytest.mark.parametrize("profile_type", sorted(EVERY.types))
def test_a_type_without_a_tariff_is_not_supported(profile_type: str) -> None:
    others = EVERY._replace(types=EVERY.types - {profile_type})
    assert answer(wish(profile_type, 4, 10), others) == "PROFILE_TYPE_NOT_SUPPORTED"


@pytest.mark.req("SES-055")
def test_the_tariffs_of_a_connector_say_what_can_be_chosen() -> None:
    def offered(*types: str | None) -> set[str]:
        return set(preferences.types_of([tariff() | ({"type": one} if one else {"type": None}) for one in types]))

    assert offered("PROFILE_CHEAP", "PROFILE_FAST", "PROFILE_GREEN") == {"CHEAP", "FAST", "GREEN"}
    assert offered(None, "REGULAR", "AD_HOC_PAYMENT") == {"REGULAR"}
    assert offered() == {"REGULAR"}


def test_what_is_spread_is_limited_evenly_until_the_departure() -> None:
    found = preferences.judge(wish("GREEN", 4, 24), EVERY, Decimal(4), T0).profile
    assert found == {
        "start_date_time": format_time(T0),
        "duration": 4 * 3600,
        "charging_rate_unit": "W",
        "charging_profile_period": [{"start_period": 0, "limit": Decimal(5500)}],
    }


@pytest.mark.parametrize(("need", "alternating", "limit"), [(1, True, 4140), (1, False, 110), (44, True, 11_000), (0, True, 4140)])
def test_what_is_spread_is_no_less_than_a_car_takes_and_no_more_than_the_plug_gives(need: int, alternating: bool, limit: int) -> None:
    hours = 10 if need < 44 else 4
    found = preferences.judge(wish("CHEAP", hours, need), EVERY._replace(alternating=alternating), Decimal(0), T0).profile
    assert found is not None and found["charging_profile_period"][0]["limit"] == limit


# --- as the CPO


@pytest.fixture
async def stations(node: Node, partner: Partner, wire: Wire) -> Stations:
    """Session S1 of a driver of the partner at a Connector with a Tariff for each type but GREEN."""
    Results(wire)
    for name in ("CHEAP", "FAST"):
        await own(node, "tariffs", tariff(name, type=f"PROFILE_{name}"))
    await own(node, "tariffs", tariff("T1", type="REGULAR"))
    plug = connector(tariff_ids=["T1", "CHEAP", "FAST"], power_type="AC_3_PHASE", max_voltage=230, max_amperage=16)
    await own(node, "locations", location(evses=[evse("E1", capabilities=ABLE, connectors=[plug])]))
    await own(node, "sessions", session(kwh=0), audience=partner.connection.id)
    made = Stations(Outcome("ACCEPTED", profile=PLAN))
    node.stations = made
    return made


async def prefer(partner: Partner, one: Document, name: str = "S1") -> Answer:
    return await partner.fetch(f"sessions/{name}/charging_preferences", "PUT", one)


@pytest.mark.req("SES-047", "SES-048", "SES-051", "SES-052", "SES-053")
@LATER
@pytest.mark.parametrize(
    ("one", "said"),
    [
        (wish("CHEAP", 4, 10), "ACCEPTED"),
        (wish("FAST"), "ACCEPTED"),
        (wish("REGULAR"), "ACCEPTED"),
        (wish("CHEAP"), "DEPARTURE_REQUIRED"),
        (wish("CHEAP", 4), "ENERGY_NEED_REQUIRED"),
        (wish("CHEAP", 4, 1000), "NOT_POSSIBLE"),
        (wish("GREEN", 4, 10), "PROFILE_TYPE_NOT_SUPPORTED"),
    ],
)
async def test_a_wish_is_answered_with_one_word(node: Node, partner: Partner, stations: Stations, one: Document, said: str) -> None:
    found = await prefer(partner, one)
    assert (found.http, found.code, found.data) == (200, 1000, said)
    await settle(node)
    assert [name for name, *_ in stations.asked] == (["set_charging_profile"] if one == wish("CHEAP", 4, 10) else [])


@pytest.mark.req("SES-047")
@LATER
async def test_the_suffix_is_mandatory(partner: Partner, stations: Stations) -> None:
    assert (await partner.fetch("sessions/S1", "PUT", wish("FAST"))).http == 404


@pytest.mark.req("SES-049")
@LATER
@pytest.mark.parametrize("body", [{}, {"profile_type": None}, {"profile_type": "SLOW"}, {"profile_type": "FAST", "energy_need": -1}])
async def test_what_is_no_wish_is_2001(partner: Partner, stations: Stations, body: Document) -> None:
    found = await prefer(partner, body)
    assert (found.http, found.code, found.data) == (200, 2001, None)


@pytest.mark.req("SES-050")
@LATER
@pytest.mark.parametrize("capabilities", [None, ["CHARGING_PROFILE_CAPABLE"]])
async def test_an_evse_that_knows_no_preferences(node: Node, partner: Partner, stations: Stations, capabilities: list[str] | None) -> None:
    await own(node, "locations", location(evses=[evse("E1", capabilities=capabilities)]))
    found = await prefer(partner, wish("FAST"))
    assert (found.http, found.code) == (404, 2001)


@pytest.mark.req("SES-056")
@LATER
async def test_an_unknown_session_and_one_of_somebody_else(node: Node, partner: Partner, stations: Stations, version: str) -> None:
    other = await befriend(node, version, name="other", parties=(("EMSP", "FR", "OTH"),))
    assert [(await prefer(partner, wish("FAST"), "S9")).http, (await prefer(other, wish("FAST"))).http] == [404, 404]


@LATER
async def test_behind_a_hub_nobody_has_a_wish_for_the_session_of_another_party(node: Node, stations: Stations, version: str) -> None:
    parties = [("OTHER", "FR", "HUB"), ("EMSP", "FR", "AAA"), ("EMSP", "FR", "BBB")]
    hub = await befriend(node, version, name="hub", parties=parties, hub="FRHUB")
    document = session("S2", kwh=0)
    document["cdr_token"] = {**document["cdr_token"], "country_code": "FR", "party_id": "AAA"}
    await own(node, "sessions", document, audience=hub.connection.id)

    async def told(sender: str) -> int:
        headers = {"ocpi_from_country_code": "FR", "ocpi_from_party_id": sender}
        return (await hub.fetch("sessions/S2/charging_preferences", "PUT", wish("FAST"), **headers)).http

    assert (await told("BBB"), await told("AAA")) == (404, 200)


@LATER
async def test_a_session_that_has_ended(node: Node, partner: Partner, stations: Stations) -> None:
    await own(node, "sessions", session(status="COMPLETED"), audience=partner.connection.id)
    assert (await prefer(partner, wish("FAST"))).data == "NOT_POSSIBLE"


@pytest.mark.req("SES-054")
@LATER
@pytest.mark.parametrize(("said", "held"), [({}, False), ({"discharge_allowed": None}, False), ({"discharge_allowed": True}, True)])
async def test_without_a_word_nothing_may_be_discharged(
    node: Node, partner: Partner, stations: Stations, said: Document, held: bool
) -> None:
    await prefer(partner, wish("FAST", **said))
    kept = await node.store.read(lambda tx: tx.profiles.preferred(0, "S1"))
    assert kept is not None and decode_json(kept.document)["discharge_allowed"] is held


@LATER
async def test_a_refused_wish_changes_nothing(node: Node, partner: Partner, stations: Stations) -> None:
    await prefer(partner, wish("CHEAP", 4, 10))
    await prefer(partner, wish("CHEAP", 4, 1000))
    await settle(node)
    kept = await node.store.read(lambda tx: tx.profiles.preferred(0, "S1"))
    assert kept is not None and decode_json(kept.document)["energy_need"] == 10 and len(stations.asked) == 1


@LATER
async def test_a_regular_wish_ends_our_own_limit_alone(node: Node, partner: Partner, stations: Stations) -> None:
    await ask(partner, "PUT")
    await prefer(partner, wish("CHEAP", 4, 10))
    await settle(node)
    await prefer(partner, wish("REGULAR"))
    await settle(node)
    assert [(name, connection) for name, _, connection in stations.asked] == [
        ("set_charging_profile", partner.connection.id),
        ("set_charging_profile", 0),
        ("clear_charging_profile", 0),
    ]


@pytest.mark.req("CHP-025")
@LATER
async def test_a_driver_in_a_hurry_ends_all_limits_and_who_set_them_is_told(
    node: Node, partner: Partner, stations: Stations, wire: Wire, version: str
) -> None:
    told = Steering(wire)
    await ask(partner, "PUT")
    await prefer(partner, wish("CHEAP", 4, 10))
    await settle(node)
    await steering.tell(node)
    assert len(told.updates) == 1  # of our own limit
    await prefer(partner, wish("FAST"))
    await settle(node)
    assert sorted(connection for name, _, connection in stations.asked if name == "clear_charging_profile") == [0, partner.connection.id]
    await steering.tell(node)
    assert [url for url, _ in told.updates] == [f"/ocpi/{version}/sender/chargingprofiles/S1"] * 2
    # It was ours to take away, so the partner may ask for the same at once.
    assert (await ask(partner, "DELETE")).data["result"] == "ACCEPTED"


@LATER
async def test_a_crash_forgets_no_wish(node: Node, partner: Partner, stations: Stations) -> None:
    stations.go.clear()
    await prefer(partner, wish("CHEAP", 4, 10))
    await node.end()
    stations.go.set()
    await receiver.restart(node)
    await settle(node)
    held = await node.store.read(lambda tx: tx.profiles.one(0, "S1", 0))
    assert held is not None and decode_json(held.document)["charging_rate_unit"] == "W"


# --- as the eMSP


@pytest.fixture
async def operator(wire: Wire) -> Operator:
    made = Operator(wire)
    made.answer = "ACCEPTED"
    return made


@pytest.mark.req("SES-047", "SES-048")
@LATER
@pytest.mark.parametrize("said", ["ACCEPTED", "DEPARTURE_REQUIRED", "ENERGY_NEED_REQUIRED", "NOT_POSSIBLE", "PROFILE_TYPE_NOT_SUPPORTED"])
async def test_a_wish_is_sent_and_the_answer_kept(node: Node, partner: Partner, operator: Operator, version: str, said: str) -> None:
    await told(node, partner)
    operator.answer = said
    one = wish("CHEAP", 4, Decimal("10.5"))
    assert (await preferences.send(node, partner.connection, "s1", one)).answer == said
    request = operator.got[0]
    assert (request.method, request.url) == ("PUT", f"/ocpi/{version}/sender/sessions/S1/charging_preferences")
    assert decode_json(request.body) == one
    assert [request.headers[f"ocpi-{side}-party-id"] for side in ("to", "from")] == ["XYZ", "ABC"]
    kept = await node.store.read(lambda tx: tx.profiles.preferred(partner.connection.id, "S1"))
    assert kept is not None and (kept.answer, decode_json(kept.document)) == (said, one)


@pytest.mark.req("SES-050", "SES-056")
@LATER
@pytest.mark.parametrize(
    ("http", "code", "data"), [(404, 2001, None), (404, 2000, None), (200, 1000, "PERHAPS"), (200, 2001, None), (500, 3000, None)]
)
async def test_what_is_no_answer(node: Node, partner: Partner, operator: Operator, http: int, code: int, data: Any) -> None:
    await told(node, partner)
    operator.http, operator.code, operator.answer = http, code, data
    found = await preferences.send(node, partner.connection, "S1", wish("FAST"))
    assert found.answer == "" and found.why
    assert await node.store.read(lambda tx: tx.profiles.preferred(partner.connection.id, "S1")) is None


@pytest.mark.req("SES-049", "SES-050")
@LATER
async def test_what_must_not_be_sent(node: Node, partner: Partner, operator: Operator) -> None:
    async def refused(one: Document | None = None) -> str:
        with pytest.raises((NotSent, Invalid)) as error:
            await preferences.send(node, partner.connection, "S1", wish("FAST") if one is None else one)
        return str(error.value)

    assert "no Session" in await refused()
    await told(node, partner, status="COMPLETED")
    assert "COMPLETED" in await refused()
    await told(node, partner)
    assert "profile_type" in await refused({})
    key = Key("locations", partner.connection.id, "BE", "XYZ", "L1")
    document = location(country_code="BE", party_id="XYZ", evses=[evse("E1", capabilities=["RFID_READER"])])
    await node.store.write(lambda tx: tx.objects.save(key, document, last_updated=0))
    assert "CHARGING_PREFERENCES_CAPABLE" in await refused()
    assert operator.got == []


@pytest.mark.req("SES-057")
@OLD
async def test_2_1_1_has_no_preferences(node: Node, partner: Partner, operator: Operator) -> None:
    await told(node, partner)
    with pytest.raises(NotSent, match=r"OCPI 2\.1\.1"):
        await preferences.send(node, partner.connection, "S1", wish("FAST"))
    assert operator.got == []

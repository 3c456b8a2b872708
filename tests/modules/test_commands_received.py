"""Commands as their receiver: written down, answered at once, carried out, reported once."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from interplug.config import Ocpi
from interplug.model.types import decode_json
from interplug.modules import call as receiver
from interplug.modules.command_states import RECEIVED
from interplug.modules.node import Node, Outcome
from interplug.protocol.http import Request, Response
from interplug.store.commands import Command
from interplug.versions.table import VERSIONS
from tests.modules.conftest import THEIRS
from tests.modules.said import Document, connector, evse, location, said, session, theirs, token
from tests.nodes import Answer, Clock, Partner, Wire, befriend, close, make_node, own

RESULT_URL = "https://partner.example/results/1?x=2"
LATER = pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
OLD = pytest.mark.parametrize("version", ["2.1.1"], indirect=True)
ABLE = ["REMOTE_START_STOP_CAPABLE", "RESERVABLE", "UNLOCK_CAPABLE"]


class Stations:
    """Stations that do what a test tells them; each command waits until it is let go."""

    def __init__(self, outcome: Outcome | Exception | None = None) -> None:
        self.outcome = outcome or Outcome("ACCEPTED")
        self.asked: list[tuple[str, Document, int]] = []
        self.go = asyncio.Event()
        self.go.set()

    async def level_charging_profiles(self, command: Document, connection: int) -> None:
        """Nobody asks at the same moment."""

    def __getattr__(self, name: str) -> Any:
        async def carried_out(command: Document, connection: int) -> Outcome:
            self.asked.append((name, command, connection))
            await self.go.wait()
            if isinstance(self.outcome, Exception):
                raise self.outcome
            return self.outcome

        return carried_out


class Results:
    """The partner's response_url."""

    def __init__(self, wire: Wire) -> None:
        self.got: list[Request] = []
        self.came = asyncio.Event()
        wire.places["https://partner.example"] = self

    async def __call__(self, request: Request) -> Response:
        self.got.append(request)
        self.came.set()
        return Response(200, b'{"status_code":1000,"timestamp":"2026-01-01T00:00:00Z"}')

    @property
    def said(self) -> list[str]:
        return [decode_json(request.body)["result"] for request in self.got]


@pytest.fixture
def results(wire: Wire) -> Results:
    return Results(wire)


@pytest.fixture
async def stations(node: Node, partner: Partner, results: Results) -> Stations:
    await own(node, "locations", location(evses=[evse("E1", capabilities=ABLE), evse("E2", connectors=[connector("1"), connector("2")])]))
    made = Stations()
    node.stations = made
    return made


def command(name: str, version: str, **more: Any) -> Document:
    """A command about Location L1 and EVSE E1, as it is said in that version."""
    documents = {
        "START_SESSION": {"token": theirs(token()), "location_id": "L1", "evse_uid": "E1"},
        "STOP_SESSION": {"session_id": "S1"},
        "RESERVE_NOW": {
            "token": theirs(token()),
            "expiry_date": "2026-01-01T01:00:00Z",
            "reservation_id": "7",
            "location_id": "L1",
            "evse_uid": "E1",
        },
        "CANCEL_RESERVATION": {"reservation_id": "7"},
        "UNLOCK_CONNECTOR": {"location_id": "L1", "evse_uid": "E1", "connector_id": "1"},
    }
    return said(name.lower(), {"response_url": RESULT_URL, **documents[name], **more}, version)


async def send(partner: Partner, name: str, document: Document | None = None, **headers: str) -> Answer:
    return await partner.send("POST", f"commands/{name}", document or command(name, partner.version), **headers)


async def settle(node: Node) -> None:
    """Until everything that was begun for requests has ended."""
    while node.tasks:
        await asyncio.gather(*node.tasks, return_exceptions=True)


# --- the answer at once, and the result


@pytest.mark.req("CMD-001", "CMD-005", "CMD-006", "CMD-009", versions="2.2.1|2.3.0")
@pytest.mark.req("CMD-002", "CMD-007", "CMD-010", versions="2.1.1")
@pytest.mark.req("CMD-003", "CMD-004", "CMD-008")
@pytest.mark.parametrize("name", ["START_SESSION", "STOP_SESSION", "RESERVE_NOW", "UNLOCK_CONNECTOR"])
async def test_a_command_is_accepted_carried_out_and_reported(
    node: Node, partner: Partner, stations: Stations, results: Results, version: str, name: str
) -> None:
    await own(node, "sessions", session(), audience=partner.connection.id)
    stations.go.clear()
    answer = await send(partner, name)
    assert (answer.http, answer.code) == (200, 1000)
    assert answer.data == ({"result": "ACCEPTED", "timeout": 30} if VERSIONS[version].command_timeout else {"result": "ACCEPTED"})
    assert results.got == []
    stations.go.set()
    await settle(node)
    assert [one[0] for one in stations.asked] == [name.lower()]
    assert results.said == ["ACCEPTED"]


@pytest.mark.req("CMD-001")
@LATER
async def test_a_reservation_is_canceled(node: Node, partner: Partner, stations: Stations, results: Results) -> None:
    for name in ("RESERVE_NOW", "CANCEL_RESERVATION"):
        assert (await send(partner, name)).data["result"] == "ACCEPTED"
        await settle(node)
    assert [one[0] for one in stations.asked] == ["reserve_now", "cancel_reservation"]


@pytest.mark.req("CMD-011", "CMD-045", versions="2.2.1|2.3.0")
@pytest.mark.req("CMD-011", versions="2.1.1")
async def test_the_result_goes_to_exactly_the_response_url_as_a_message_of_its_own(
    node: Node, partner: Partner, stations: Stations, results: Results, version: str
) -> None:
    await send(partner, "START_SESSION", x_request_id="r-1")
    await settle(node)
    request = results.got[0]
    assert (request.method, request.url) == ("POST", "/results/1?x=2")
    assert request.headers["authorization"].startswith("Token ")
    assert request.headers["x-request-id"] not in ("r-1", "")
    routed = [request.headers.get(f"ocpi-{side}-party-id") for side in ("to", "from")]
    assert routed == (["XYZ", "TNM"] if VERSIONS[version].routing_headers else [None, None])


@pytest.mark.req("CMD-008")
@pytest.mark.parametrize(
    ("name", "more"),
    [("START_SESSION", {"location_id": "L9"}), ("START_SESSION", {"evse_uid": "E9"}), ("STOP_SESSION", {}), ("DANCE", {})],
)
async def test_what_is_not_accepted_is_neither_carried_out_nor_reported(
    node: Node, partner: Partner, stations: Stations, results: Results, version: str, name: str, more: Document
) -> None:
    answer = await send(partner, name, command("STOP_SESSION" if name == "DANCE" else name, version, **more))
    assert answer.data["result"] != "ACCEPTED"
    await settle(node)
    assert (stations.asked, results.got) == ([], [])


async def test_a_place_of_a_party_that_the_partner_is_not_shown_takes_no_command(tmp_path: Path) -> None:
    """2.1.1 knows one party a connection, the first; the Location is of the second."""
    node = await make_node(tmp_path, parties=(("CPO", "NL", "ONE"), ("CPO", "NL", "TNM")))
    node.stations = stations = Stations()
    await own(node, "locations", location())
    partner = await befriend(node, "2.1.1", parties=(("EMSP", "BE", "XYZ"),))
    answer = await send(partner, "START_SESSION")
    await settle(node)
    assert (answer.data["result"], stations.asked) == ("REJECTED", [])
    await close(node)


@pytest.mark.req("CMD-045")
@LATER
async def test_the_result_goes_from_the_party_of_the_location_to_the_party_of_the_token(tmp_path: Path, version: str) -> None:
    """Both platforms have two parties, and the command is about the second of each."""
    wire = Wire()
    node = await make_node(tmp_path, parties=(("CPO", "NL", "ONE"), ("CPO", "NL", "TNM")), wire=wire)
    results = Results(wire)
    node.stations = Stations()
    await own(node, "locations", location())
    partner = await befriend(node, version, parties=(("EMSP", "BE", "ONE"), ("EMSP", "BE", "XYZ")))
    assert (await send(partner, "START_SESSION")).data["result"] == "ACCEPTED"
    await settle(node)
    routed = [results.got[0].headers.get(f"ocpi-{side}-party-id") for side in ("to", "from")]
    await close(node)
    assert routed == ["XYZ", "TNM"]


@pytest.mark.req("CMD-008", "CMD-016")
async def test_a_result_is_posted_once_also_when_that_fails(node: Node, partner: Partner, stations: Stations, wire: Wire) -> None:
    tried = []

    async def broken(request: Request) -> Response:
        tried.append(request)
        return Response(500, b"")

    wire.places["https://partner.example"] = broken
    await send(partner, "START_SESSION")
    await settle(node)
    assert len(tried) == 1


@pytest.mark.parametrize(
    ("result", "old"),
    [
        ("EVSE_OCCUPIED", "REJECTED"),
        ("EVSE_INOPERATIVE", "REJECTED"),
        ("FAILED", "REJECTED"),
        ("TIMEOUT", "TIMEOUT"),
        ("UNKNOWN_RESERVATION", "REJECTED"),
        ("NOT_SUPPORTED", "NOT_SUPPORTED"),
    ],
)
@pytest.mark.req("CMD-039", "CMD-009", versions="2.2.1|2.3.0")
@pytest.mark.req("CMD-007", versions="2.1.1")
async def test_a_station_that_cannot_is_reported_honestly(
    node: Node, partner: Partner, stations: Stations, results: Results, version: str, result: str, old: str
) -> None:
    stations.outcome = Outcome(result, "because")
    await send(partner, "UNLOCK_CONNECTOR")
    await settle(node)
    assert results.said == [result if VERSIONS[version].command_timeout else old]


async def test_a_station_that_breaks_is_failed(node: Node, partner: Partner, stations: Stations, results: Results, version: str) -> None:
    stations.outcome = RuntimeError("no such plug")
    await send(partner, "START_SESSION")
    await settle(node)
    assert results.said == ["FAILED" if VERSIONS[version].command_timeout else "REJECTED"]


@pytest.mark.req("CMD-015", versions="2.2.1|2.3.0")
async def test_a_silent_station_is_timeout_and_its_later_word_is_not_sent(tmp_path: Path, version: str) -> None:
    wire = Wire()
    results = Results(wire)
    node = await make_node(tmp_path, wire=wire, ocpi=Ocpi(command_timeout=0), name="quick")
    partner = await befriend(node, version, parties=THEIRS)
    await own(node, "locations", location(evses=[evse("E1", capabilities=ABLE)]))
    stations = node.stations = Stations()
    stations.go.clear()
    await send(partner, "START_SESSION")
    await asyncio.wait_for(results.came.wait(), 10)
    stations.go.set()
    await settle(node)
    assert results.said == ["TIMEOUT"]
    await close(node)


# --- what is refused at once


@pytest.mark.req("CMD-017", "CMD-018", "STS-016")
@pytest.mark.parametrize("place", [{"location_id": "L9"}, {"evse_uid": "E9"}])
@pytest.mark.parametrize("name", ["START_SESSION", "RESERVE_NOW", "UNLOCK_CONNECTOR"])
async def test_an_unknown_place_is_2003_with_rejected(
    node: Node, partner: Partner, stations: Stations, results: Results, version: str, place: Document, name: str
) -> None:
    answer = await send(partner, name, command(name, version, **place))
    assert (answer.http, answer.code, answer.data["result"]) == (200, 2003, "REJECTED")
    await settle(node)
    assert (stations.asked, results.got) == ([], [])


async def test_an_unknown_connector_is_refused(partner: Partner, stations: Stations, version: str) -> None:
    answer = await send(partner, "UNLOCK_CONNECTOR", command("UNLOCK_CONNECTOR", version, connector_id="9"))
    assert (answer.code, answer.data["result"]) == (2003, "REJECTED")


@pytest.mark.req("CMD-017")
async def test_a_location_that_the_partner_cannot_see_is_unknown(node: Node, partner: Partner, stations: Stations, version: str) -> None:
    await own(node, "locations", location("HIDDEN"), audience=9999)
    answer = await send(partner, "START_SESSION", command("START_SESSION", version, location_id="HIDDEN"))
    assert (answer.code, answer.data["result"]) == (2003, "REJECTED")


@pytest.mark.req("CMD-019")
async def test_an_unknown_session_is_unknown_session(partner: Partner, stations: Stations) -> None:
    answer = await send(partner, "STOP_SESSION")
    assert (answer.http, answer.code, answer.data["result"]) == (200, 1000, "UNKNOWN_SESSION")


@pytest.mark.req("CMD-020")
async def test_the_session_of_another_customer_is_rejected(node: Node, partner: Partner, stations: Stations) -> None:
    await own(node, "sessions", session(), audience=9999)
    answer = await send(partner, "STOP_SESSION")
    assert answer.data["result"] == "REJECTED"
    assert stations.asked == []


@pytest.mark.req("CMD-020")
@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
async def test_behind_a_hub_nobody_stops_the_session_of_another_party(node: Node, stations: Stations, version: str) -> None:
    hub = await befriend(
        node, version, parties=[("OTHER", "FR", "HUB"), ("EMSP", "FR", "AAA"), ("EMSP", "BE", "XYZ")], hub="FRHUB", name="hub"
    )
    wanted = session()
    wanted["cdr_token"] = {**wanted["cdr_token"], "country_code": "BE", "party_id": "XYZ"}
    await own(node, "sessions", wanted, audience=hub.connection.id)
    body = {"response_url": "https://hub.example/result", "session_id": wanted["id"]}

    async def stop(country: str, party: str) -> str:
        answer = await hub.send("POST", "commands/STOP_SESSION", body, ocpi_from_country_code=country, ocpi_from_party_id=party)
        return str(answer.data["result"])

    async def plan(country: str, party: str) -> str:
        path = f"chargingprofiles/{wanted['id']}?duration=900&response_url=https://hub.example/result"
        return str((await hub.send("GET", path, ocpi_from_country_code=country, ocpi_from_party_id=party)).data["result"])

    assert await stop("FR", "AAA") == await plan("FR", "AAA") == "REJECTED" and stations.asked == []
    assert await plan("BE", "XYZ") != "REJECTED"
    assert await stop("BE", "XYZ") == "ACCEPTED"


async def test_the_station_hears_a_session_by_the_name_that_it_has_whatever_its_case(
    node: Node, partner: Partner, stations: Stations, version: str
) -> None:
    await own(node, "sessions", session(), audience=partner.connection.id)
    name = session()["id"]
    assert name.swapcase() != name
    answer = await send(partner, "STOP_SESSION", command("STOP_SESSION", version, session_id=name.swapcase()))
    assert answer.data["result"] == "ACCEPTED"
    await settle(node)
    assert [asked["session_id"] for _, asked, _ in stations.asked] == [name]


async def test_a_session_that_has_ended_is_rejected(node: Node, partner: Partner, stations: Stations) -> None:
    await own(node, "sessions", session(status="COMPLETED"), audience=partner.connection.id)
    assert (await send(partner, "STOP_SESSION")).data["result"] == "REJECTED"


@pytest.mark.req("CMD-021")
@pytest.mark.parametrize("name", ["START_SESSION", "RESERVE_NOW", "UNLOCK_CONNECTOR"])
async def test_an_evse_that_cannot_do_that_is_not_supported(
    node: Node, partner: Partner, stations: Stations, version: str, name: str
) -> None:
    await own(node, "locations", location("L2", evses=[evse("E1", capabilities=["RFID_READER"])]))
    answer = await send(partner, name, command(name, version, location_id="L2"))
    assert (answer.code, answer.data["result"]) == (1000, "NOT_SUPPORTED")


@pytest.mark.req("CMD-021", "CMD-044")
@pytest.mark.parametrize("name", ["MAKE_COFFEE", "start_session", "CHARGE"])
async def test_an_unknown_command_is_not_supported(partner: Partner, stations: Stations, name: str) -> None:
    answer = await partner.send("POST", f"commands/{name}", {"response_url": RESULT_URL})
    assert (answer.http, answer.code, answer.data["result"]) == (200, 1000, "NOT_SUPPORTED")


@pytest.mark.req("CMD-021")
async def test_without_stations_nothing_is_supported(node: Node, partner: Partner, version: str) -> None:
    await own(node, "locations", location())
    assert (await send(partner, "START_SESSION")).data["result"] == "NOT_SUPPORTED"


@pytest.mark.req("CMD-002", "CMD-021")
@OLD
async def test_2_1_1_has_no_cancel_reservation(partner: Partner, stations: Stations) -> None:
    answer = await partner.send("POST", "commands/CANCEL_RESERVATION", {"response_url": RESULT_URL, "reservation_id": 7})
    assert answer.data == {"result": "NOT_SUPPORTED"}


async def test_the_second_start_at_a_connector_is_rejected_while_the_first_is_on_its_way(
    node: Node, partner: Partner, stations: Stations, results: Results
) -> None:
    stations.go.clear()
    first, second = await asyncio.gather(send(partner, "START_SESSION"), send(partner, "START_SESSION"))
    assert sorted([first.data["result"], second.data["result"]]) == ["ACCEPTED", "REJECTED"]
    stations.go.set()
    await settle(node)
    assert len(stations.asked) == len(results.got) == 1
    assert (await send(partner, "START_SESSION")).data["result"] == "ACCEPTED"


@LATER
async def test_starts_at_two_connectors_do_not_hinder_each_other(partner: Partner, stations: Stations, version: str) -> None:
    stations.go.clear()
    answers = [
        await send(partner, "START_SESSION", command("START_SESSION", version, evse_uid="E2", connector_id=one)) for one in ("1", "2", "2")
    ]
    assert [answer.data["result"] for answer in answers] == ["ACCEPTED", "ACCEPTED", "REJECTED"]
    stations.go.set()


# --- what is no command


@pytest.mark.req("CMD-003", "STS-014")
@pytest.mark.parametrize("field", ["response_url", "token", "location_id"])
async def test_a_missing_field_is_2001_with_its_path(partner: Partner, stations: Stations, version: str, field: str) -> None:
    document = command("START_SESSION", version)
    del document[field]
    answer = await send(partner, "START_SESSION", document)
    assert (answer.http, answer.code, f"$.{field}" in (answer.message or "")) == (200, 2001, True)


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/results",
        "http://partner.example/results",
        "https://partner.example:8443/results",
        "https://user@partner.example/results",
        "file:///etc/passwd",
        "https://169.254.169.254/latest",
        "https://partner.example.evil.example/",
        "//partner.example/results",
        "nonsense",
    ],
)
async def test_a_response_url_that_is_not_the_partners_is_refused(partner: Partner, stations: Stations, version: str, url: str) -> None:
    answer = await send(partner, "START_SESSION", {**command("START_SESSION", version), "response_url": url})
    assert (answer.http, answer.code, "$.response_url" in (answer.message or "")) == (200, 2001, True)
    assert stations.asked == []


@LATER
@pytest.mark.parametrize(("country", "party"), [("FR", "QQQ"), ("DE", "ABC")])
async def test_the_token_of_a_foreign_party_is_refused(
    partner: Partner, stations: Stations, version: str, country: str, party: str
) -> None:
    stranger = {**token(), "country_code": country, "party_id": party}
    answer = await send(partner, "START_SESSION", command("START_SESSION", version, token=stranger))
    assert (answer.code, "$.token" in (answer.message or "")) == (2001, True)


async def test_fields_of_another_command_mean_nothing(node: Node, partner: Partner, stations: Stations, version: str) -> None:
    stray = {"token": True, "session_id": 5, "reservation_id": [], "expiry_date": {}}
    answer = await send(partner, "UNLOCK_CONNECTOR", {**command("UNLOCK_CONNECTOR", version), **stray})
    await settle(node)
    assert answer.data["result"] == "ACCEPTED"
    assert stations.asked[0][1] == {"location_id": "L1", "evse_uid": "E1", "connector_id": "1"}


# --- what the station is told


@pytest.mark.req("CMD-023", "CMD-027", "CMD-028", "CMD-030")
async def test_the_token_goes_to_the_station_unchecked_and_is_not_stored(
    node: Node, partner: Partner, stations: Stations, version: str
) -> None:
    document = command("START_SESSION", version, token=theirs(token("never-seen", valid=False)), authorization_reference="ref-1")
    assert (await send(partner, "START_SESSION", document)).data["result"] == "ACCEPTED"
    await settle(node)
    _, told, connection = stations.asked[0]
    assert connection == partner.connection.id
    assert (told["token"]["uid"], told["token"]["country_code"], told["token"]["party_id"]) == ("never-seen", "BE", "XYZ")
    assert told.get("authorization_reference") == ("ref-1" if VERSIONS[version].connector_in_start_session else None)
    assert not await node.store.read(lambda tx: tx.objects.find_id("tokens", "never-seen"))


@pytest.mark.req("CMD-033")
async def test_without_an_evse_the_station_chooses(node: Node, partner: Partner, stations: Stations, version: str) -> None:
    document = command("START_SESSION", version)
    del document["evse_uid"]
    assert (await send(partner, "START_SESSION", document)).data["result"] == "ACCEPTED"
    await settle(node)
    assert "evse_uid" not in stations.asked[0][1]


@pytest.mark.parametrize("plugs", [1, 2])
async def test_an_evse_that_has_to_be_told_the_connector(
    node: Node, partner: Partner, stations: Stations, version: str, plugs: int
) -> None:
    place = evse("E3", connectors=[connector(str(number + 1)) for number in range(plugs)])
    place["capabilities"] = [*ABLE, "START_SESSION_CONNECTOR_REQUIRED"]
    await own(node, "locations", location("L3", evses=[place]))
    answer = await send(partner, "START_SESSION", command("START_SESSION", version, location_id="L3", evse_uid="E3"))
    await settle(node)
    if plugs == 1:
        assert (answer.data["result"], stations.asked[0][1]["connector_id"]) == ("ACCEPTED", "1")
    else:
        assert answer.data["result"] == ("REJECTED" if VERSIONS[version].connector_in_start_session else "NOT_SUPPORTED")


@pytest.mark.req("CMD-037")
@OLD
async def test_a_reservation_of_2_1_1_has_a_number(node: Node, partner: Partner, stations: Stations) -> None:
    document = command("RESERVE_NOW", partner.version)
    assert document["reservation_id"] == 7
    await send(partner, "RESERVE_NOW", document)
    await settle(node)
    assert stations.asked[0][1]["reservation_id"] == "7"


# --- repeats, crashes, cancellations


@LATER
async def test_a_repeated_post_gets_its_answer_and_starts_nothing(
    node: Node, partner: Partner, stations: Stations, results: Results, version: str
) -> None:
    first, again = [await send(partner, "START_SESSION", x_request_id="r-1") for _ in range(2)]
    await settle(node)
    other = await send(partner, "UNLOCK_CONNECTOR", x_request_id="r-1")
    await settle(node)
    assert (first.data, again.data, other.data["result"]) == (first.data, first.data, "ACCEPTED")
    assert [one[0] for one in stations.asked] == ["start_session", "unlock_connector"]
    assert len(results.got) == 2


async def rows(node: Node) -> list[Command]:
    return await node.store.read(lambda tx: tx.commands.in_state("working"))


@pytest.mark.parametrize(("late", "result"), [(0, "FAILED"), (3600, "TIMEOUT")])
async def test_what_a_crash_left_undone_is_reported_once_after_the_restart(tmp_path: Path, version: str, late: int, result: str) -> None:
    clock, wire = Clock(), Wire()
    results = Results(wire)
    first = await make_node(tmp_path, clock=clock, wire=wire)
    partner = await befriend(first, version, parties=THEIRS)
    await own(first, "locations", location(evses=[evse("E1", capabilities=ABLE)]))
    stations = first.stations = Stations()
    stations.go.clear()
    await send(partner, "START_SESSION")
    assert len(await rows(first)) == 1
    await close(first)
    clock.move(late)
    second = await make_node(tmp_path, clock=clock, wire=wire)
    for _ in range(2):
        await receiver.restart(second)
    expected = result if result == "TIMEOUT" or VERSIONS[version].command_timeout else "REJECTED"
    assert results.said == [expected]
    assert await rows(second) == []
    await close(second)


@pytest.mark.req("CMD-040")
@LATER
async def test_a_reservation_that_the_cpo_takes_back(node: Node, partner: Partner, stations: Stations, results: Results) -> None:
    await send(partner, "RESERVE_NOW")
    await settle(node)
    for _ in range(2):
        await receiver.cancel_reservation(node, partner.connection.id, "7", "road works")
    assert results.said == ["ACCEPTED", "CANCELED_RESERVATION"]
    assert results.got[0].url == results.got[1].url


@LATER
async def test_equal_reservation_ids_of_two_partners_are_told_apart(node: Node, partner: Partner, stations: Stations, version: str) -> None:
    other = await befriend(node, version, parties=(("EMSP", "FR", "QQQ"),), name="other")
    await send(partner, "RESERVE_NOW")
    document = command("RESERVE_NOW", version, token={**token(), "country_code": "FR", "party_id": "QQQ"})
    await send(other, "RESERVE_NOW", {**document, "response_url": "https://other.example/r"})
    await settle(node)
    assert [(one[1]["reservation_id"], one[2]) for one in stations.asked] == [("7", partner.connection.id), ("7", other.connection.id)]


def test_every_state_of_a_received_command_is_reached() -> None:
    assert {before for before, _ in RECEIVED} <= {"working", *RECEIVED.values()}
    assert set(RECEIVED.values()) == {"done", "timed_out", "failed", "refused", "canceled"}

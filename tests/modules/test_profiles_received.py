"""ChargingProfiles as their receiver: a CPO is asked by an eMSP or an SCSP, answers at once, and reports later."""

import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest

from interplug.config import Ocpi
from interplug.model.types import decode_json, format_time
from interplug.modules import call as receiver
from interplug.modules import steering
from interplug.modules.chargingprofiles import response_url
from interplug.modules.node import Node, Outcome
from interplug.partners import audiences
from interplug.protocol.http import Request, Response
from interplug.versions.table import VERSIONS
from tests.modules.conftest import THEIRS
from tests.modules.said import Document, evse, location, session
from tests.modules.test_commands_received import Results, Stations, settle
from tests.nodes import T0, Answer, Clock, Partner, Wire, befriend, close, make_node, own

pytestmark = pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
RESULT_URL = "https://partner.example/results/1?x=2"
PROFILE: Document = {"charging_rate_unit": "A", "charging_profile_period": [{"start_period": 0, "limit": 16}]}
PLAN: Document = {"start_date_time": format_time(T0), "charging_profile": {**PROFILE, "duration": 900}}
ABLE = ["CHARGING_PROFILE_CAPABLE", "REMOTE_START_STOP_CAPABLE"]
ASKED = ("PUT", "GET", "DELETE")
WORK = {"PUT": "set_charging_profile", "GET": "active_charging_profile", "DELETE": "clear_charging_profile"}


@pytest.fixture
def results(wire: Wire) -> Results:
    return Results(wire)


@pytest.fixture
async def stations(node: Node, partner: Partner, results: Results) -> Stations:
    """Session S1 of a driver of the partner at an EVSE that can be steered."""
    await own(node, "locations", location(evses=[evse("E1", capabilities=ABLE)]))
    await own(node, "sessions", session(), audience=partner.connection.id)
    made = Stations(Outcome("ACCEPTED", profile=PLAN))
    node.stations = made
    return made


async def ask(partner: Partner, method: str, name: str = "S1", url: str = RESULT_URL, document: Document | None = None) -> Answer:
    path = f"chargingprofiles/{name}"
    if method == "PUT":
        return await partner.send("PUT", path, document or {"charging_profile": PROFILE, "response_url": url})
    window = "duration=900&" if method == "GET" else ""
    return await partner.send(method, f"{path}?{window}response_url={quote(url, safe='')}")


def bodies(results: Results) -> list[Document]:
    return [decode_json(request.body) for request in results.got]


# --- the answer at once, and the result


@pytest.mark.req("CHP-003", "CHP-004", "CHP-005", "CHP-008", "CHP-011", "CHP-015")
@pytest.mark.parametrize("method", ASKED)
async def test_a_request_is_accepted_carried_out_and_reported(
    node: Node, partner: Partner, stations: Stations, results: Results, method: str
) -> None:
    stations.go.clear()
    answer = await ask(partner, method)
    assert (answer.http, answer.code, answer.data) == (200, 1000, {"result": "ACCEPTED", "timeout": 30})
    assert results.got == []
    stations.go.set()
    await settle(node)
    wish = {"PUT": {"charging_profile": PROFILE}, "GET": {"duration": 900}, "DELETE": {}}[method]
    assert stations.asked == [(WORK[method], {"session_id": "S1", **wish}, partner.connection.id)]
    assert bodies(results) == [{"result": "ACCEPTED"} | ({"profile": PLAN} if method == "GET" else {})]


@pytest.mark.req("CHP-007")
@pytest.mark.parametrize("method", ASKED)
async def test_the_result_goes_to_exactly_the_response_url(
    node: Node, partner: Partner, stations: Stations, results: Results, method: str
) -> None:
    await ask(partner, method, url="https://partner.example/r?a=1&b=%20")
    await settle(node)
    request = results.got[0]
    assert (request.method, request.url) == ("POST", "/r?a=1&b=%20")
    assert [request.headers.get(f"ocpi-{side}-party-id") for side in ("to", "from")] == ["XYZ", "TNM"]


@pytest.mark.req("CHP-014", "CHP-016")
@pytest.mark.parametrize(
    ("outcome", "said"), [("REJECTED", "REJECTED"), ("UNKNOWN", "UNKNOWN"), ("TIMEOUT", "REJECTED"), ("FAILED", "REJECTED")]
)
@pytest.mark.parametrize("method", ASKED)
async def test_a_station_that_does_not_is_reported_in_the_words_of_the_module(
    node: Node, partner: Partner, stations: Stations, results: Results, method: str, outcome: str, said: str
) -> None:
    stations.outcome = Outcome(outcome, "because", profile=PLAN if outcome == "REJECTED" else None)
    await ask(partner, method)
    await settle(node)
    assert bodies(results) == [{"result": said}]


@pytest.mark.req("CHP-014")
async def test_a_plan_that_does_not_come_is_not_accepted(node: Node, partner: Partner, stations: Stations, results: Results) -> None:
    stations.outcome = Outcome("ACCEPTED")
    await ask(partner, "GET")
    await settle(node)
    assert bodies(results) == [{"result": "REJECTED"}]


async def refused(node: Node, answer: Answer, result: str) -> None:
    """Refused at once, in a regular answer that says why, and nothing follows."""
    assert isinstance(node.stations, Stations) or node.stations is None
    assert (answer.http, answer.code, answer.data) == (200, 1000, {"result": result, "timeout": 30})
    assert answer.message and answer.message != "Success"
    await settle(node)
    assert node.stations is None or node.stations.asked == []


@pytest.mark.req("CHP-006", "CHP-017")
@pytest.mark.parametrize("method", ASKED)
async def test_an_unknown_session(node: Node, partner: Partner, stations: Stations, results: Results, method: str) -> None:
    await refused(node, await ask(partner, method, "S9"), "UNKNOWN_SESSION")
    assert results.got == []


@pytest.mark.req("CHP-006", "CHP-018")
@pytest.mark.parametrize("method", ASKED)
async def test_an_evse_that_cannot_be_steered(node: Node, partner: Partner, stations: Stations, results: Results, method: str) -> None:
    await own(node, "locations", location(evses=[evse("E1", capabilities=["RFID_READER"])]))
    await refused(node, await ask(partner, method), "NOT_SUPPORTED")
    assert results.got == []


@pytest.mark.req("CHP-018")
async def test_a_cpo_without_stations_that_could(node: Node, partner: Partner, stations: Stations) -> None:
    node.stations = None
    await refused(node, await ask(partner, "PUT"), "NOT_SUPPORTED")


@pytest.mark.req("CHP-006", "CHP-019")
@pytest.mark.parametrize("method", ASKED)
async def test_a_session_of_somebody_elses_driver(
    node: Node, partner: Partner, stations: Stations, results: Results, version: str, method: str
) -> None:
    other = await befriend(node, version, name="other", parties=(("EMSP", "FR", "OTH"),))
    await refused(node, await ask(other, method, url="https://other.example/r"), "REJECTED")


@pytest.mark.parametrize("status", ["PENDING", "RESERVATION", "COMPLETED", "INVALID"])
async def test_only_a_running_session_is_steered(node: Node, partner: Partner, stations: Stations, status: str) -> None:
    await own(node, "sessions", session(status=status), audience=partner.connection.id)
    await refused(node, await ask(partner, "PUT"), "REJECTED")


async def test_a_profile_that_limits_nothing(node: Node, partner: Partner, stations: Stations) -> None:
    empty = {"charging_profile": {"charging_rate_unit": "W"}, "response_url": RESULT_URL}
    await refused(node, await ask(partner, "PUT", document=empty), "REJECTED")


@pytest.mark.req("CHP-019")
@pytest.mark.parametrize("method", ASKED)
async def test_the_same_again_too_soon(
    node: Node, partner: Partner, stations: Stations, results: Results, clock: Clock, method: str
) -> None:
    assert (await ask(partner, method)).data["result"] == "ACCEPTED"
    await settle(node)
    clock.move(59)
    assert (await ask(partner, method)).data["result"] == "TOO_OFTEN"
    for other in ASKED:
        assert (await ask(partner, other)).data["result"] == ("TOO_OFTEN" if other == method else "ACCEPTED")
    clock.move(2)
    assert (await ask(partner, method)).data["result"] == "ACCEPTED"


async def test_how_often_is_often_can_be_said(tmp_path: Path, version: str) -> None:
    node = await make_node(tmp_path, ocpi=Ocpi(profile_interval=0))
    partner = await befriend(node, version, parties=THEIRS)
    await own(node, "locations", location(evses=[evse("E1", capabilities=ABLE)]))
    await own(node, "sessions", session(), audience=partner.connection.id)
    node.stations = Stations(Outcome("ACCEPTED"))
    answers = [(await ask(partner, "PUT")).data["result"] for _ in range(3)]
    await close(node)
    assert answers == ["ACCEPTED"] * 3


# --- what is no request


@pytest.mark.req("CHP-003", "CHP-012", "CHP-026")
@pytest.mark.parametrize(
    ("method", "query", "document", "place"),
    [
        ("PUT", "", {"response_url": RESULT_URL}, "charging_profile"),
        ("PUT", "", {"charging_profile": PROFILE}, "response_url"),
        ("PUT", "", {"charging_profile": {**PROFILE, "charging_rate_unit": "V"}, "response_url": RESULT_URL}, "charging_rate_unit"),
        ("PUT", "", {"charging_profile": {**PROFILE, "min_charging_rate": "6"}, "response_url": RESULT_URL}, "min_charging_rate"),
        ("GET", "?duration=900", None, "response_url"),
        ("GET", "?response_url=https://partner.example/r", None, "duration"),
        ("GET", "?duration=soon&response_url=https://partner.example/r", None, "duration"),
        ("GET", "?duration=0&response_url=https://partner.example/r", None, "duration"),
        ("GET", "?duration=-5&response_url=https://partner.example/r", None, "duration"),
        ("DELETE", "", None, "response_url"),
        ("DELETE", "?response_url=", None, "response_url"),
        ("DELETE", f"?response_url=https://partner.example/{'x' * 255}", None, "response_url"),
    ],
)
async def test_what_lacks_something_is_an_error(
    node: Node, partner: Partner, stations: Stations, method: str, query: str, document: Document | None, place: str
) -> None:
    answer = await partner.send(method, f"chargingprofiles/S1{query}", document)
    assert (answer.http, answer.code) == (200, 2001)
    assert place in (answer.message or "")


@pytest.mark.req("CHP-026")
async def test_a_limit_with_two_decimals_is_an_error(node: Node, partner: Partner, stations: Stations) -> None:
    body = (
        b'{"charging_profile":{"charging_rate_unit":"A","charging_profile_period":[{"start_period":0,"limit":6.25}]},"response_url":"%b"}'
    )
    answer = await partner.send("PUT", "chargingprofiles/S1", body % RESULT_URL.encode())
    assert (answer.code, answer.message) == (2001, "$.charging_profile.charging_profile_period[0].limit: has more than one decimal")


@pytest.mark.parametrize("method", ASKED)
@pytest.mark.parametrize("url", ["https://elsewhere.example/r", "http://partner.example/r", "https://u@partner.example/r", "nowhere"])
async def test_a_response_url_leads_to_the_partner_alone(node: Node, partner: Partner, stations: Stations, method: str, url: str) -> None:
    answer = await ask(partner, method, url=url)
    assert (answer.code, stations.asked) == (2001, [])
    assert "response_url" in (answer.message or "")


@pytest.mark.req("CHP-033")
async def test_other_methods_are_not_supported(partner: Partner) -> None:
    assert [(await partner.send(method, "chargingprofiles/S1", {})).http for method in ("POST", "PATCH")] == [405, 405]
    assert [(await partner.fetch("chargingprofiles/S1", method, {})).http for method in ("GET", "PATCH", "DELETE")] == [405] * 3


@pytest.mark.req("CHP-013")
@pytest.mark.parametrize(
    ("query", "url"),
    [
        ("duration=900&response_url=https%3A%2F%2Fa.example%2Fr%3Fid%3D5%26x%3D1", "https://a.example/r?id=5&x=1"),
        ("response_url=https%3A%2F%2Fa.example%2Fr%3Fid%3D5&duration=900", "https://a.example/r?id=5"),
        ("duration=900&response_url=https://a.example/r?id=5&x=1", "https://a.example/r?id=5&x=1"),
        ("response_url=https://a.example/r?id=5&x=1&duration=900", "https://a.example/r?id=5&x=1"),
        ("response_url=https://a.example/r&duration=900", "https://a.example/r"),
        ("response_url=https://a.example/r%3Fid=5", "https://a.example/r?id=5"),
        ("response_url=https://a.example/r?q=%20", "https://a.example/r?q=%20"),
        ("response_url=https://a.example/a+b", "https://a.example/a+b"),
    ],
)
def test_a_response_url_is_read_encoded_or_not(query: str, url: str, version: str) -> None:
    assert response_url(Request("GET", f"/ocpi/{version}/receiver/chargingprofiles/S1?{query}")) == url


async def test_a_request_that_is_repeated_is_carried_out_once(node: Node, partner: Partner, stations: Stations, results: Results) -> None:
    document = {"charging_profile": PROFILE, "response_url": RESULT_URL}
    for _ in range(2):
        answer = await partner.send("PUT", "chargingprofiles/S1", document, x_request_id="r-1")
        assert answer.data["result"] == "ACCEPTED"
    # Another method under the same id is another request.
    assert (await partner.send("DELETE", f"chargingprofiles/S1?response_url={RESULT_URL}", x_request_id="r-1")).data["result"] == "ACCEPTED"
    await settle(node)
    assert [name for name, *_ in stations.asked] == ["set_charging_profile", "clear_charging_profile"]
    assert len(results.got) == 2


# --- a crash, and a silent station


@pytest.mark.parametrize("method", ASKED)
async def test_after_a_crash_nothing_hangs(node: Node, partner: Partner, stations: Stations, results: Results, method: str) -> None:
    stations.go.clear()
    await ask(partner, method)
    await node.end()
    assert results.got == []
    await receiver.restart(node)
    assert bodies(results) == [{"result": "REJECTED"}]
    await receiver.restart(node)
    assert len(results.got) == 1


async def test_a_silent_station_is_rejected_in_time(tmp_path: Path, version: str) -> None:
    wire = Wire()
    results = Results(wire)
    node = await make_node(tmp_path, wire=wire, ocpi=Ocpi(command_timeout=0))
    partner = await befriend(node, version, parties=THEIRS)
    await own(node, "locations", location(evses=[evse("E1", capabilities=ABLE)]))
    await own(node, "sessions", session(), audience=partner.connection.id)
    stations = Stations(Outcome("ACCEPTED"))
    stations.go.clear()
    node.stations = stations
    assert (await ask(partner, "PUT")).data == {"result": "ACCEPTED", "timeout": 0}
    async with asyncio.timeout(5):
        await results.came.wait()
    assert bodies(results) == [{"result": "REJECTED"}]
    stations.go.set()
    await settle(node)
    assert len(results.got) == 1
    await close(node)


# --- who is told of changes


@pytest.fixture
async def scsp(node: Node, version: str, wire: Wire) -> Partner:
    """A party to which the operator has given all its Sessions to steer."""
    made = await befriend(node, version, name="scsp", parties=(("SCSP", "NL", "SUN"),))
    await audiences.join(node.directory, "all sessions", made.connection)
    connection = node.directory.by_id(made.connection.id)
    assert connection is not None
    made.connection = connection
    return made


class Steering(Results):
    """The SCSP's end."""

    def __init__(self, wire: Wire) -> None:
        self.status = 200
        super().__init__(wire)
        wire.places["https://scsp.example"] = self

    async def __call__(self, request: Request) -> Response:
        response = await super().__call__(request)
        return Response(self.status, response.body)

    @property
    def updates(self) -> list[tuple[str, Document]]:
        return [(request.url, decode_json(request.body)) for request in self.got if request.method == "PUT"]


@pytest.fixture
def steered(wire: Wire) -> Steering:
    return Steering(wire)


async def set_by(node: Node, partner: Partner) -> None:
    answer = await ask(partner, "PUT", url=f"https://{'scsp' if partner.connection.partner == 'scsp' else 'partner'}.example/r")
    assert answer.data["result"] == "ACCEPTED"
    await settle(node)


@pytest.mark.req("CHP-002", "CHP-019", "CHP-021", "CHP-023")
async def test_an_scsp_steers_and_is_told_of_what_others_change(
    node: Node, partner: Partner, stations: Stations, scsp: Partner, steered: Steering, version: str
) -> None:
    """The driver's eMSP has nothing to do with the SCSP, whom the CPO lets steer."""
    await set_by(node, scsp)
    await steering.tell(node)
    assert steered.updates == []  # it knows what it asked for
    await set_by(node, partner)
    await steering.tell(node)
    assert stations.asked[-1] == ("active_charging_profile", {"session_id": "S1", "duration": 1800}, 0)
    assert steered.updates == [(f"/ocpi/{version}/sender/chargingprofiles/S1", PLAN)]
    request = next(one for one in steered.got if one.method == "PUT")
    assert [request.headers.get(f"ocpi-{side}-party-id") for side in ("to", "from")] == ["SUN", "TNM"]
    await steering.tell(node)
    assert len(steered.updates) == 1


@pytest.mark.req("CHP-022")
async def test_who_never_set_a_profile_is_told_nothing(
    node: Node, partner: Partner, stations: Stations, scsp: Partner, steered: Steering
) -> None:
    stations.outcome = Outcome("REJECTED")
    await set_by(node, scsp)
    stations.outcome = Outcome("ACCEPTED", profile=PLAN)
    for method in ("GET", "DELETE"):
        await ask(scsp, method, url="https://scsp.example/r")
    await settle(node)
    await set_by(node, partner)
    await steering.moved(node, "S1")
    await steering.tell(node)
    # The one that was told is the eMSP, which has set one.
    told = [request.headers["ocpi-to-party-id"] for request in steered.got if request.method == "PUT"]
    assert told == ["XYZ"]


@pytest.mark.req("CHP-021")
async def test_a_change_at_the_station_is_told_to_all_who_steer_also_after_they_cleared(
    node: Node, partner: Partner, stations: Stations, scsp: Partner, steered: Steering
) -> None:
    await set_by(node, scsp)
    await ask(scsp, "DELETE", url="https://scsp.example/r")
    await settle(node)
    await steering.moved(node, "S1")
    await steering.tell(node)
    assert [document for _, document in steered.updates] == [PLAN]


async def test_a_partner_that_is_away_is_told_the_newest_once_it_is_back(
    node: Node, partner: Partner, stations: Stations, scsp: Partner, steered: Steering, clock: Clock
) -> None:
    await set_by(node, scsp)
    steered.status = 503
    for _ in range(2):
        await steering.moved(node, "S1")
        await steering.tell(node)
    assert len(steered.updates) == 2
    steered.status = 200
    newer = {**PLAN, "start_date_time": format_time(T0 + 1_000_000)}
    stations.outcome = Outcome("ACCEPTED", profile=newer)
    await steering.tell(node)
    assert len(steered.updates) == 2
    clock.move(61)
    for _ in range(2):
        await steering.tell(node)
    assert [document for _, document in steered.updates[2:]] == [newer]


async def test_after_its_end_nobody_is_told_of_a_session(
    node: Node, partner: Partner, stations: Stations, scsp: Partner, steered: Steering
) -> None:
    await set_by(node, scsp)
    await steering.moved(node, "S1")
    await own(node, "sessions", session(status="COMPLETED"), audience=partner.connection.id)
    await steering.tell(node)
    assert steered.updates == []
    assert await node.store.read(lambda tx: tx.profiles.due(node.clock())) == []


@pytest.mark.req("CHP-002")
async def test_an_scsp_sees_sessions_and_nothing_else_of_other_partners(
    node: Node, partner: Partner, stations: Stations, scsp: Partner
) -> None:
    await own(node, "sessions", session("S2"), audience=0)
    found = await scsp.fetch("sessions?date_from=2020-01-01T00:00:00Z")
    assert {one["id"] for one in found.data} == {"S1", "S2"}
    await own(node, "cdrs", {**session("C1")}, audience=partner.connection.id)
    assert (await scsp.fetch("cdrs")).data == []
    stopped = await scsp.send("POST", "commands/STOP_SESSION", {"session_id": "S1", "response_url": "https://scsp.example/r"})
    assert stopped.data["result"] == "REJECTED"


def test_the_module_is_offered_by_the_newer_versions(version: str) -> None:
    assert "chargingprofiles" in VERSIONS[version].modules and "chargingprofiles" not in VERSIONS["2.1.1"].modules

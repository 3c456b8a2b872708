"""ChargingProfiles as their sender: a row, a request, an answer at once, a result later, and changes of the plan."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from interplug.model.types import decode_json, encode_json, format_time
from interplug.model.validate import Invalid
from interplug.modules import asking, call, profiles, steering
from interplug.modules.asking import NotSent, Sent
from interplug.modules.node import Node, Outcome
from interplug.partners import audiences
from interplug.protocol.http import Request, Response
from interplug.store.commands import Command
from interplug.store.keys import Key
from interplug.sync.push import Push
from tests.modules.conftest import THEIRS
from tests.modules.said import Document, evse, location, session, theirs
from tests.modules.test_commands_received import Stations, settle
from tests.modules.test_profiles_received import ABLE, PLAN, PROFILE
from tests.nodes import CPO, EMSP, SECOND, T0, Answer, Clock, Partner, Wire, befriend, close, join, make_node, own

LATER = pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
OLD = pytest.mark.parametrize("version", ["2.1.1"], indirect=True)
ASKED = ("PUT", "GET", "DELETE")
RESULTS = {"PUT": {"result": "ACCEPTED"}, "GET": {"result": "ACCEPTED", "profile": PLAN}, "DELETE": {"result": "ACCEPTED"}}


class Operator:
    """The CPO's end."""

    def __init__(self, wire: Wire) -> None:
        self.got: list[Request] = []
        self.answer: Any = {"result": "ACCEPTED", "timeout": 45}
        self.http, self.code = 200, 1000
        wire.places["https://partner.example"] = self

    async def __call__(self, request: Request) -> Response:
        self.got.append(request)
        envelope = {"data": self.answer, "status_code": self.code, "timestamp": "2026-01-01T00:00:00Z"}
        return Response(self.http, encode_json(envelope))

    @property
    def response_url(self) -> str:
        last = self.got[-1]
        if last.body:
            return str(decode_json(last.body)["response_url"])
        return parse_qs(urlsplit(last.url).query)["response_url"][0]


@pytest.fixture
async def operator(wire: Wire) -> Operator:
    return Operator(wire)


async def told(node: Node, partner: Partner, **more: Any) -> None:
    """The partner has told us of Session S1 of a driver of ours."""
    key = Key("sessions", partner.connection.id, "BE", "XYZ", "S1")
    token = {**session()["cdr_token"], "country_code": "DE", "party_id": "ABC"}
    document = theirs(session(cdr_token=token, **more))
    await node.store.write(lambda tx: tx.objects.save(key, document, last_updated=node.clock()))


async def ask(node: Node, partner: Partner, method: str) -> Sent:
    if method == "PUT":
        return await profiles.set_profile(node, partner.connection, "s1", PROFILE)
    if method == "GET":
        return await profiles.get_profile(node, partner.connection, "s1", 900)
    return await profiles.clear_profile(node, partner.connection, "s1")


async def row(node: Node, sent: Sent) -> Command:
    found = await asking.status(node, sent.id)
    assert found is not None
    return found


async def post(partner: Partner, url: str, document: Document) -> Answer:
    return await partner.ask("POST", url.removeprefix("https://node.example"), document)


@pytest.mark.req("CHP-003", "CHP-009", "CHP-011", "CHP-013", "CHP-015")
@LATER
@pytest.mark.parametrize("method", ASKED)
async def test_each_request_has_a_response_url_of_its_own(
    node: Node, partner: Partner, operator: Operator, version: str, method: str
) -> None:
    await told(node, partner)
    urls = []
    for _ in range(2):
        assert (await ask(node, partner, method)).state == "waiting"
        urls.append(operator.response_url)
    request = operator.got[0]
    path, _, query = request.url.partition("?")
    assert (request.method, path) == (method, f"/ocpi/{version}/receiver/chargingprofiles/S1")
    assert len(set(urls)) == 2 and all(url.startswith(f"https://node.example/ocpi/{version}/sender/chargingprofiles/") for url in urls)
    assert all(len(url.rpartition("/")[2]) == 32 for url in urls)
    assert [request.headers[f"ocpi-{side}-party-id"] for side in ("to", "from")] == ["XYZ", "ABC"]
    if method == "PUT":
        assert decode_json(request.body)["charging_profile"] == PROFILE
    else:
        assert "/" not in query and ("duration=900" in query) == (method == "GET") and request.body == b""


@pytest.mark.req("CHP-001")
@OLD
async def test_2_1_1_has_no_charging_profiles(node: Node, partner: Partner, operator: Operator) -> None:
    await told(node, partner)
    with pytest.raises(NotSent, match=r"OCPI 2\.1\.1"):
        await ask(node, partner, "PUT")
    assert operator.got == []
    assert (await partner.send("PUT", "chargingprofiles/S1", {})).http == 404
    details = await partner.ask("GET", "/ocpi/2.1.1")
    assert details.ok and "chargingprofiles" not in {one["identifier"] for one in details.data["endpoints"]}


@pytest.mark.req("CHP-002")
@LATER
@pytest.mark.parametrize("more", [None, {"status": "COMPLETED"}, {"status": "INVALID"}])
async def test_only_a_running_session_that_was_told_of_is_asked_about(
    node: Node, partner: Partner, operator: Operator, more: Document | None
) -> None:
    if more is not None:
        await told(node, partner, **more)
    for method in ASKED:
        with pytest.raises(NotSent, match="Session"):
            await ask(node, partner, method)
    assert operator.got == []


@pytest.mark.req("CHP-026")
@LATER
async def test_a_profile_that_is_none_is_not_sent(node: Node, partner: Partner, operator: Operator) -> None:
    await told(node, partner)
    for wrong in ({"charging_rate_unit": "A", "charging_profile_period": [{"start_period": 0, "limit": Decimal("6.25")}]}, {}):
        with pytest.raises(Invalid):
            await profiles.set_profile(node, partner.connection, "S1", wrong)
    with pytest.raises(NotSent):
        await profiles.set_profile(node, partner.connection, "S1", {"charging_rate_unit": "A"})
    with pytest.raises(NotSent):
        await profiles.get_profile(node, partner.connection, "S1", 0)
    assert operator.got == []


@pytest.mark.req("CHP-004", "CHP-006", "CHP-017", "CHP-018", "CHP-019")
@LATER
@pytest.mark.parametrize("result", ["NOT_SUPPORTED", "REJECTED", "TOO_OFTEN", "UNKNOWN_SESSION"])
async def test_a_refusal_is_final(node: Node, partner: Partner, operator: Operator, result: str) -> None:
    await told(node, partner)
    operator.answer = {"result": result, "timeout": 30}
    sent = await ask(node, partner, "PUT")
    assert (sent.state, sent.result) == ("refused", result)
    assert (await row(node, sent)).finished_at


@LATER
@pytest.mark.parametrize("answer", [None, {}, {"result": "PERHAPS", "timeout": 1}, {"result": "ACCEPTED"}])
async def test_an_answer_that_is_none_is_failed(node: Node, partner: Partner, operator: Operator, answer: Any) -> None:
    await told(node, partner)
    operator.answer = answer
    assert (await ask(node, partner, "GET")).state == "failed"


@pytest.mark.req("CHP-008", "CHP-010", "CHP-014")
@LATER
@pytest.mark.parametrize("method", ASKED)
async def test_a_result_ends_the_request_and_is_kept(node: Node, partner: Partner, operator: Operator, method: str) -> None:
    await told(node, partner)
    sent = await ask(node, partner, method)
    answer = await post(partner, operator.response_url, RESULTS[method])
    assert (answer.http, answer.code, answer.data) == (200, 1000, None) and b'"data"' not in answer.body
    now = await row(node, sent)
    assert (now.state, now.result) == ("succeeded", "ACCEPTED")
    assert (decode_json(now.found) if now.found else None) == (PLAN if method == "GET" else None)
    kept = await node.store.read(lambda tx: tx.profiles.one(partner.connection.id, "S1", 0))
    if method == "PUT":
        assert kept is not None and decode_json(kept.document) == PROFILE
    elif method == "GET":
        assert kept is not None and decode_json(kept.active) == PLAN


@pytest.mark.req("CHP-016")
@LATER
@pytest.mark.parametrize("result", ["REJECTED", "UNKNOWN"])
async def test_a_station_that_does_not_is_failed(node: Node, partner: Partner, operator: Operator, result: str) -> None:
    await told(node, partner)
    sent = await ask(node, partner, "DELETE")
    assert (await post(partner, operator.response_url, {"result": result})).ok
    now = await row(node, sent)
    assert (now.state, now.result) == ("failed", result)


@pytest.mark.req("CHP-014")
@LATER
async def test_a_plan_that_does_not_come_is_failed(node: Node, partner: Partner, operator: Operator) -> None:
    await told(node, partner)
    sent = await ask(node, partner, "GET")
    assert (await post(partner, operator.response_url, {"result": "ACCEPTED"})).ok
    assert (await row(node, sent)).state == "failed"


@pytest.mark.req("CHP-020")
@LATER
async def test_a_result_that_does_not_come_in_time(node: Node, partner: Partner, operator: Operator, clock: Clock) -> None:
    await told(node, partner)
    sent = await ask(node, partner, "PUT")
    clock.move(44)
    await asking.expire(node)
    assert (await row(node, sent)).state == "waiting"
    clock.move(1)
    await asking.expire(node)
    assert (await row(node, sent)).state == "timed_out"


@LATER
async def test_nobody_else_and_nothing_else_ends_a_request(node: Node, partner: Partner, operator: Operator, version: str) -> None:
    await told(node, partner)
    other = await befriend(node, version, parties=THEIRS, name="other")
    sent = await ask(node, partner, "PUT")
    url = operator.response_url
    assert (await post(other, url, {"result": "REJECTED"})).http == 404
    assert (await post(partner, url[:-1] + "x", {"result": "REJECTED"})).http == 404
    assert (await post(partner, url.replace("SET_", "CLEAR_"), {"result": "REJECTED"})).http == 404
    assert (await post(partner, url.replace("SET_CHARGING_PROFILE", "DANCE"), {"result": "REJECTED"})).http == 404
    assert (await post(partner, url, {"result": "PERHAPS"})).code == 2001
    assert (await row(node, sent)).state == "waiting"


@pytest.mark.req("CHP-010", "CHP-021")
@LATER
async def test_a_change_of_the_plan_is_kept(node: Node, partner: Partner, version: str) -> None:
    url = f"/ocpi/{version}/sender/chargingprofiles/S1"
    assert (await partner.ask("PUT", url, PLAN)).http == 404
    await told(node, partner)
    answer = await partner.ask("PUT", url, PLAN)
    assert (answer.http, answer.code) == (200, 1000) and b'"data"' not in answer.body
    kept = await node.store.read(lambda tx: tx.profiles.one(partner.connection.id, "S1", 0))
    assert kept is not None and decode_json(kept.active) == PLAN
    assert (await partner.ask("PUT", url, {"start_date_time": "now"})).code == 2001


# --- an eMSP between an SCSP and a CPO


@pytest.fixture(params=["2.2.1", "2.3.0"])
async def three(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[tuple[Node, Node, Node]]:
    """A CPO with a Session S1 of a driver of an eMSP, which lets an SCSP steer."""
    clock, wire = Clock(), Wire()
    nodes = [
        await make_node(tmp_path, [party], name=name, clock=clock, wire=wire)
        for name, party in (("cpo", CPO), ("emsp", EMSP), ("scsp", ("SCSP", "NL", "SUN")))
    ]
    cpo, emsp, scsp = nodes
    seen, _ = await join(cpo, emsp, request.param, host_name="cpo", guest_name="emsp")
    let, _ = await join(emsp, scsp, request.param, host_name="emsp", guest_name="scsp")
    await audiences.join(emsp.directory, "all sessions", let)
    await own(cpo, "locations", location(evses=[evse("E1", capabilities=ABLE)]))
    pushes = [Push(node) for node in nodes]
    for push in pushes:
        await push.start()
        await push.tick()
    token = {**session()["cdr_token"], "country_code": "DE", "party_id": "ABC"}
    await own(cpo, "sessions", session(cdr_token=token), audience=seen.id)
    for push in pushes:
        await push.idle()
    cpo.stations = Stations(Outcome("ACCEPTED", profile=PLAN))
    yield cpo, emsp, scsp
    for node in nodes:
        await close(node)


async def all_settle(*nodes: Node) -> None:
    for _ in range(3):
        for node in nodes:
            await settle(node)


def stations_of(node: Node) -> Stations:
    assert isinstance(node.stations, Stations)
    return node.stations


async def asked_by(scsp: Node, method: str) -> Sent:
    emsp = scsp.directory.all()[0]
    return await ask(scsp, Partner(scsp, emsp, "", "2.3.0"), method)


@pytest.mark.req("CHP-002", "CHP-030", "CHP-031", "CHP-032")
@pytest.mark.parametrize("method", ASKED)
async def test_what_an_scsp_asks_an_emsp_passes_on_and_so_the_result(three: tuple[Node, Node, Node], method: str) -> None:
    cpo, emsp, scsp = three
    sent = await asked_by(scsp, method)
    assert (sent.state, sent.result) == ("waiting", "ACCEPTED")
    await all_settle(cpo, emsp, scsp)
    now = await row(scsp, sent)
    assert (now.state, now.result, decode_json(now.found) if now.found else None) == (
        "succeeded", "ACCEPTED", PLAN if method == "GET" else None,
    )  # fmt: skip
    [received] = await cpo.store.read(lambda tx: tx.commands.newest(None, 9))
    assert received.response_url.startswith("https://emsp.example/") and now.response_url.startswith("https://scsp.example/")
    assert received.theirs == "DE-ABC"
    assert [one[0] for one in stations_of(cpo).asked] == [received.command.lower().replace("get_", "active_")]


@pytest.mark.req("CHP-032")
@pytest.mark.parametrize("result", ["REJECTED", "NOT_SUPPORTED", "TOO_OFTEN"])
async def test_what_a_cpo_refuses_is_refused_to_the_scsp(three: tuple[Node, Node, Node], result: str) -> None:
    cpo, emsp, scsp = three
    token = {**session()["cdr_token"], "country_code": "DE", "party_id": "ABC"}
    if result == "REJECTED":
        await own(cpo, "sessions", session(cdr_token=token), audience=99)
    elif result == "NOT_SUPPORTED":
        cpo.stations = None
    else:
        await profiles.set_profile(emsp, next(one for one in emsp.directory.all() if one.partner == "cpo"), "S1", PROFILE)
        await all_settle(cpo, emsp)
    sent = await asked_by(scsp, "PUT")
    assert (sent.state, sent.result) == ("refused", result)
    await all_settle(cpo, emsp, scsp)
    [last, *_] = await emsp.store.read(lambda tx: tx.commands.in_state("refused"))
    assert last.result == result


@pytest.mark.req("CHP-020", "CHP-030")
async def test_a_result_that_the_cpo_owes_is_not_waited_for_longer(three: tuple[Node, Node, Node]) -> None:
    cpo, emsp, scsp = three
    stations_of(cpo).go.clear()
    sent = await asked_by(scsp, "PUT")
    clock = cpo.clock
    assert isinstance(clock, Clock)
    await call.restart(emsp)  # it has asked, and the CPO will answer: nothing is given up
    assert (await row(scsp, sent)).state == "waiting"
    clock.move(40)
    for _ in range(2):
        await asking.expire(emsp)
        await call.expire(emsp)
    assert (await row(scsp, sent)).result == "REJECTED"


@pytest.mark.req("CHP-021", "CHP-032")
async def test_a_change_at_the_cpo_reaches_the_scsp(three: tuple[Node, Node, Node]) -> None:
    cpo, emsp, scsp = three
    await asked_by(scsp, "PUT")
    await all_settle(cpo, emsp, scsp)
    newer = {**PLAN, "start_date_time": format_time(T0 + SECOND)}
    stations_of(cpo).outcome = Outcome("ACCEPTED", profile=newer)
    await steering.moved(cpo, "S1")
    for node in (cpo, emsp):
        await steering.tell(node)
    source = scsp.directory.all()[0].id
    kept = await scsp.store.read(lambda tx: tx.profiles.one(source, "S1", 0))
    assert kept is not None and decode_json(kept.active) == newer


async def test_without_the_grant_an_scsp_steers_nothing(three: tuple[Node, Node, Node]) -> None:
    cpo, emsp, scsp = three
    connection = next(one for one in emsp.directory.all() if one.partner == "scsp")
    await audiences.leave(emsp.directory, "all sessions", connection)
    assert (await asked_by(scsp, "PUT")).state == "refused"
    await all_settle(cpo, emsp, scsp)
    assert stations_of(cpo).asked == []


@pytest.mark.req("CHP-002")
async def test_an_scsp_is_told_of_sessions_of_the_emsps_drivers_alone(three: tuple[Node, Node, Node]) -> None:
    """A Session that a CPO has sent by mistake, of a driver of nobody here, stays with the eMSP."""
    _, emsp, scsp = three
    source = next(one for one in emsp.directory.all() if one.partner == "cpo").id
    key = Key("sessions", source, "NL", "TNM", "S2")
    stray = {**session("S2"), "cdr_token": {**session()["cdr_token"], "country_code": "FR", "party_id": "OTH"}}
    push = Push(emsp)
    await push.start()
    await push.tick()
    await emsp.store.write(lambda tx: tx.objects.save(key, stray, last_updated=T0))
    await push.idle()
    found, _ = await scsp.store.read(lambda tx: tx.objects.batch("sessions", 0, 100, 1))
    assert [stored.key.id for stored in found] == ["S1"]

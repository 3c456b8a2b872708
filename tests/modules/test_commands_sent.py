"""Commands as their sender: a row, a POST, an answer at once, a result later, or none."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interplug.model.types import decode_json, encode_json
from interplug.modules import asking, commands
from interplug.modules.asking import NotSent, Sent
from interplug.modules.command_states import OPEN, SENT
from interplug.modules.node import Node, Verdict
from interplug.protocol.headers import Party
from interplug.protocol.http import Request, Response, Unreachable, Unsent
from interplug.store.commands import Command
from interplug.store.keys import Key
from interplug.versions.table import VERSIONS
from tests.modules.conftest import THEIRS
from tests.modules.said import Document, connector, evse, location, session, theirs, token
from tests.modules.test_commands_received import Stations, settle
from tests.modules.test_tokens import Business
from tests.nodes import CPO, EMSP, Answer, Clock, Partner, Wire, befriend, close, join, make_node, own

LATER = pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
OLD = pytest.mark.parametrize("version", ["2.1.1"], indirect=True)
START: Document = {"token": token(), "location_id": "L1", "evse_uid": "E1"}
RESERVE: Document = {**START, "expiry_date": "2026-01-01T01:00:00Z", "reservation_id": "R-1"}


class Operator:
    """The CPO's end: keeps the commands and answers what a test wants."""

    def __init__(self, wire: Wire, version: str) -> None:
        self.got: list[Request] = []
        self.answer: Any = {"result": "ACCEPTED"} | ({"timeout": 45} if VERSIONS[version].command_timeout else {})
        self.code: int | None = 1000
        self.http = 200
        wire.places["https://partner.example"] = self

    async def __call__(self, request: Request) -> Response:
        self.got.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        envelope = {"data": self.answer, "status_code": self.code, "timestamp": "2026-01-01T00:00:00Z"}
        return Response(self.http, encode_json(envelope))

    @property
    def told(self) -> Document:
        document: Document = decode_json(self.got[-1].body)
        return document


@pytest.fixture
async def operator(wire: Wire, version: str) -> Operator:
    return Operator(wire, version)


async def start(node: Node, partner: Partner, name: str = "START_SESSION", document: Document = START) -> Sent:
    return await commands.send(node, partner.connection, name, document)


async def row(node: Node, sent: Sent) -> Command:
    found = await asking.status(node, sent.id)
    assert found is not None
    return found


async def post_result(partner: Partner, url: str, result: str, **more: Any) -> Answer:
    return await partner.ask("POST", url.removeprefix("https://node.example"), {"result": result, **more})


# --- what is sent


@pytest.mark.req("TRN-060")
@LATER
async def test_behind_a_hub_each_command_goes_to_the_operator_whose_place_or_session_it_is(
    node: Node, wire: Wire, operator: Operator, version: str
) -> None:
    """Two operators behind it use the same ids."""
    hub = await befriend(
        node, version, parties=[("OTHER", "FR", "HUB"), ("CPO", "FR", "AAA"), ("CPO", "FR", "BBB")], hub="FRHUB", name="hub"
    )
    wire.places["https://hub.example"] = operator
    for one in ("AAA", "BBB"):
        places = Key("locations", hub.connection.id, "FR", one, "L1")
        await node.store.write(lambda tx, at=places, one=one: tx.objects.save(at, {**location(), "party_id": one}, last_updated=0))
    at = Key("sessions", hub.connection.id, "FR", "BBB", "S1")
    await node.store.write(lambda tx: tx.objects.save(at, {**session(), "party_id": "BBB"}, last_updated=0))

    async def to(name: str, document: Document, party: Party | None = None) -> str:
        await commands.send(node, hub.connection, name, document, party=party)
        return operator.got[-1].headers["ocpi-to-party-id"]

    assert await to("START_SESSION", START, Party("FR", "BBB")) == "BBB"
    assert await to("RESERVE_NOW", RESERVE, Party("fr", "aaa")) == "AAA"
    assert await to("CANCEL_RESERVATION", {"reservation_id": "R-1"}) == "AAA"
    assert await to("STOP_SESSION", {"session_id": "S1"}) == "BBB"
    assert await to("STOP_SESSION", {"session_id": "nobody's"}) == "HUB"
    with pytest.raises(NotSent, match="several parties use: FR-AAA, FR-BBB"):
        await to("START_SESSION", START)


@pytest.mark.req("CMD-003", "CMD-012")
async def test_a_command_is_sent_in_the_words_of_its_version(node: Node, partner: Partner, operator: Operator, version: str) -> None:
    sent = [await start(node, partner) for _ in range(2)]
    assert [one.state for one in sent] == ["waiting", "waiting"]
    request = operator.got[0]
    assert (request.method, request.url) == ("POST", f"/ocpi/{version}/receiver/commands/START_SESSION")
    told = operator.told
    named = "contract_id" if VERSIONS[version].owner_in_objects else "auth_id"
    assert (told["location_id"], told["evse_uid"], told["token"][named]) == ("L1", "E1", token()["contract_id"])
    urls = [decode_json(one.body)["response_url"] for one in operator.got]
    assert len(set(urls)) == 2 and all(url.startswith(f"https://node.example/ocpi/{version}/") for url in urls)


@pytest.mark.req("CMD-029", "LOC-034")
async def test_a_token_that_is_not_ours_is_never_sent(node: Node, partner: Partner, operator: Operator) -> None:
    with pytest.raises(NotSent, match="BE-XYZ"):
        await start(node, partner, document={**START, "token": theirs(token())})
    assert operator.got == []


@pytest.mark.req("CMD-022")
async def test_a_token_that_may_not_charge_is_not_sent(node: Node, partner: Partner, operator: Operator) -> None:
    with pytest.raises(NotSent, match="BLOCKED"):
        await start(node, partner, document={**START, "token": token(valid=False)})
    node.drivers = Business(Verdict("NO_CREDIT"))
    with pytest.raises(NotSent, match="NO_CREDIT"):
        await start(node, partner)
    assert operator.got == []


async def give(partner: Partner, *plugs: str) -> None:
    """The partner's Location L1, whose EVSE has to be told the Connector."""
    capabilities = ["REMOTE_START_STOP_CAPABLE", "START_SESSION_CONNECTOR_REQUIRED"]
    document = theirs(location(evses=[evse("E1", capabilities=capabilities, connectors=[connector(one) for one in plugs])]))
    key = Key("locations", partner.connection.id, "BE", "XYZ", "L1")
    await partner.node.store.write(lambda tx: tx.objects.save(key, document, last_updated=0))


@pytest.mark.req("CMD-032")
@LATER
async def test_the_connector_is_filled_in_where_it_is_required(node: Node, partner: Partner, operator: Operator) -> None:
    await give(partner, "7")
    await start(node, partner)
    assert operator.told["connector_id"] == "7"


@pytest.mark.req("CMD-032", "CMD-031")
async def test_a_command_without_the_needed_connector_or_evse_is_not_sent(node: Node, partner: Partner, operator: Operator) -> None:
    await give(partner, "1", "2")
    with pytest.raises(NotSent, match="connector_id"):
        await start(node, partner)
    with pytest.raises(NotSent, match="evse_uid"):
        await start(node, partner, document={"token": token(), "location_id": "L1", "connector_id": "1"})
    assert operator.got == []


@pytest.mark.req("CMD-037")
@OLD
async def test_2_1_1_gets_a_number_for_each_reservation(node: Node, partner: Partner, operator: Operator) -> None:
    numbers = []
    for name in ("R-1", "R-2", "R-1"):
        await start(node, partner, "RESERVE_NOW", {**RESERVE, "reservation_id": name})
        numbers.append(operator.told["reservation_id"])
    assert numbers == [1, 2, 1]


@pytest.mark.req("CMD-038")
@LATER
async def test_a_reservation_is_canceled_by_its_id(node: Node, partner: Partner, operator: Operator) -> None:
    await start(node, partner, "RESERVE_NOW", RESERVE)
    await start(node, partner, "CANCEL_RESERVATION", {"reservation_id": "R-1"})
    assert operator.told["reservation_id"] == "R-1"


@OLD
async def test_what_2_1_1_cannot_say_is_not_supported_without_a_call(node: Node, partner: Partner, operator: Operator) -> None:
    sent = await start(node, partner, "CANCEL_RESERVATION", {"reservation_id": "R-1"})
    assert (sent.state, sent.result, operator.got) == ("refused", "NOT_SUPPORTED", [])


# --- the answer at once


@pytest.mark.req("CMD-006", "STS-010", "STS-011")
@pytest.mark.parametrize("result", ["REJECTED", "NOT_SUPPORTED", "UNKNOWN_SESSION"])
async def test_a_refusal_is_final(node: Node, partner: Partner, operator: Operator, result: str) -> None:
    operator.answer = {"result": result, "timeout": 30}
    sent = await start(node, partner)
    assert (sent.state, sent.result) == ("refused", result)


@pytest.mark.req("CMD-018", "STS-010")
async def test_a_refusal_may_come_with_an_error_code(node: Node, partner: Partner, operator: Operator) -> None:
    operator.code, operator.answer = 2003, {"result": "REJECTED", "timeout": 0}
    assert (await start(node, partner)).result == "REJECTED"


@OLD
@pytest.mark.req("CMD-007")
async def test_2_1_1_may_answer_with_a_bare_word(node: Node, partner: Partner, operator: Operator) -> None:
    operator.answer = "ACCEPTED"
    assert (await start(node, partner)).state == "waiting"


@pytest.mark.req("STS-010")
@pytest.mark.parametrize("answer", [None, {}, [], {"result": 5}, {"result": "MAYBE", "timeout": 1}, Unsent("refused")])
async def test_an_answer_that_is_none_is_failed(node: Node, partner: Partner, operator: Operator, answer: Any) -> None:
    operator.answer = answer
    sent = await start(node, partner)
    assert (sent.state, sent.result) == ("failed", "FAILED")


@pytest.mark.parametrize("http", [0, 502, 504])
async def test_whether_a_command_without_an_answer_arrived_is_not_known(
    node: Node, partner: Partner, operator: Operator, http: int
) -> None:
    """Nothing came back, or a gateway has waited in vain: until the time is over a result still counts."""
    operator.http, operator.code, operator.answer = http or 200, None, None if http else Unreachable("no answer within 30 s")
    sent = await start(node, partner)
    assert (sent.state, sent.result) == ("unanswered", "")
    assert (await post_result(partner, operator.told["response_url"], "ACCEPTED")).ok
    assert (await row(node, sent)).state == "succeeded"


async def test_a_command_that_nobody_answers_in_time_has_timed_out(node: Node, partner: Partner, operator: Operator, clock: Clock) -> None:
    operator.answer = Unreachable("no answer within 30 s")
    sent = await start(node, partner)
    clock.move(3600)
    await asking.expire(node)
    assert (await row(node, sent)).state == "timed_out"


async def test_an_http_error_is_failed(node: Node, partner: Partner, operator: Operator) -> None:
    operator.http, operator.code, operator.answer = 500, 3000, None
    assert (await start(node, partner)).state == "failed"


# --- the result


@pytest.mark.req("CMD-013")
@pytest.mark.parametrize(("result", "state"), [("ACCEPTED", "succeeded"), ("REJECTED", "failed"), ("TIMEOUT", "failed")])
async def test_a_result_ends_the_command(node: Node, partner: Partner, operator: Operator, result: str, state: str) -> None:
    sent = await start(node, partner)
    answer = await post_result(partner, operator.told["response_url"], result)
    assert (answer.http, answer.code) == (200, 1000)
    now = await row(node, sent)
    assert (now.state, now.result) == (state, result)


@pytest.mark.req("CMD-013")
async def test_a_response_url_takes_post_alone(node: Node, partner: Partner, operator: Operator) -> None:
    await start(node, partner)
    url = operator.told["response_url"].removeprefix("https://node.example")
    assert [(await partner.ask(method, url)).http for method in ("GET", "PUT", "PATCH", "DELETE")] == [405] * 4


@pytest.mark.req("STS-014")
@pytest.mark.parametrize("body", [{}, {"result": "PERHAPS"}, {"result": None}])
async def test_a_result_that_is_none_is_2001_and_changes_nothing(node: Node, partner: Partner, operator: Operator, body: Document) -> None:
    sent = await start(node, partner)
    answer = await partner.ask("POST", operator.told["response_url"].removeprefix("https://node.example"), body)
    assert (answer.http, answer.code) == (200, 2001)
    assert (await row(node, sent)).state == "waiting"


async def test_nobody_else_ends_a_command(node: Node, partner: Partner, operator: Operator, version: str) -> None:
    other = await befriend(node, version, parties=THEIRS, name="other")
    sent = await start(node, partner)
    url = operator.told["response_url"]
    assert (await post_result(other, url, "REJECTED")).http == 404
    assert (await post_result(partner, url[:-1] + "x", "REJECTED")).http == 404
    assert (await row(node, sent)).state == "waiting"


async def test_a_result_that_overtakes_the_answer_has_the_last_word(node: Node, partner: Partner, wire: Wire, operator: Operator) -> None:
    async def quick(request: Request) -> Response:
        await post_result(partner, decode_json(request.body)["response_url"], "ACCEPTED")
        return await operator(request)

    wire.places["https://partner.example"] = quick
    sent = await start(node, partner)
    assert sent.state == (await row(node, sent)).state == "succeeded"


@pytest.mark.req("CMD-014", versions="2.2.1|2.3.0")
async def test_a_result_that_does_not_come_is_timed_out_and_counts_when_it_comes_late(
    node: Node, partner: Partner, operator: Operator, clock: Clock, version: str
) -> None:
    sent = await start(node, partner)
    promised = 45 if VERSIONS[version].command_timeout else 30
    clock.move(promised - 1)
    await asking.expire(node)
    assert (await row(node, sent)).state == "waiting"
    clock.move(1)
    await asking.expire(node)
    assert (await row(node, sent)).state == "timed_out"
    await post_result(partner, operator.told["response_url"], "ACCEPTED")
    assert (await row(node, sent)).state == "succeeded"


@pytest.mark.req("CMD-041")
@LATER
async def test_a_reservation_may_be_taken_back_after_its_first_result(node: Node, partner: Partner, operator: Operator) -> None:
    sent = await start(node, partner, "RESERVE_NOW", RESERVE)
    url = operator.told["response_url"]
    for result, state in (("ACCEPTED", "succeeded"), ("CANCELED_RESERVATION", "canceled"), ("ACCEPTED", "canceled")):
        assert (await post_result(partner, url, result)).ok
        assert (await row(node, sent)).state == state


async def test_a_command_whose_answer_a_crash_swallowed_may_have_arrived(node: Node, partner: Partner, operator: Operator) -> None:
    class Killed(BaseException):
        pass

    async def dies(request: Request) -> Response:
        raise Killed

    node.client.transport = dies
    with pytest.raises(Killed):
        await start(node, partner)
    await asking.restart(node)
    left = await node.store.read(lambda tx: tx.commands.in_state("posting"))
    unsure = await node.store.read(lambda tx: tx.commands.in_state("unanswered"))
    assert (left, [one.result for one in unsure]) == ([], [""])


# --- two nodes


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[tuple[Node, Node]]:
    clock, wire = Clock(), Wire()
    cpo = await make_node(tmp_path, [CPO], name="cpo", clock=clock, wire=wire)
    emsp = await make_node(tmp_path, [EMSP], name="emsp", clock=clock, wire=wire)
    yield cpo, emsp
    await close(cpo)
    await close(emsp)


@pytest.mark.parametrize("name", ["START_SESSION", "RESERVE_NOW"])
async def test_from_the_driver_to_the_station_and_back(two: tuple[Node, Node], version: str, name: str) -> None:
    cpo, emsp = two
    cpo.stations = stations = Stations()
    _, connection = await join(cpo, emsp, version)
    await own(cpo, "locations", location())
    sent = await commands.send(emsp, connection, name, RESERVE if name == "RESERVE_NOW" else START)
    assert sent.result == "ACCEPTED"
    await settle(cpo)
    assert (await row(emsp, sent)).state == "succeeded"
    told = stations.asked[0][1]
    assert {field: told["token"][field] for field in ("country_code", "party_id", "uid", "contract_id")} == {
        field: token()[field] for field in ("country_code", "party_id", "uid", "contract_id")
    }


def test_every_open_state_has_an_end_when_its_time_is_over() -> None:
    states = {before for before, _ in SENT}
    assert states <= {"posting", *SENT.values()}
    assert all((state, "deadline") in SENT for state in OPEN if state in states)

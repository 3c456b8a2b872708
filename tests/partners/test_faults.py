"""What goes wrong in a registration: it either happens on both sides or leaves everything as it was, and trying again heals."""

import pytest

from interplug.partners import registration, states
from interplug.partners.invitations import invite, remove, resume, suspend
from interplug.partners.registration import HandshakeFailed, Wish
from interplug.partners.states import NotPossible
from interplug.protocol.http import Request, Response, Unreachable
from interplug.versions.table import VERSIONS
from tests.nodes import CPO, EMSP, Clock, Wire, close, make_node
from tests.partners.pair import Pair, Stranger, ask, envelope

ALL = pytest.mark.parametrize("version", list(VERSIONS))


def lose_answers(pair: Pair, method: str) -> None:
    """The CPO carries out requests of this method, and its answers never arrive."""
    door = pair.wire.places["https://cpo.example"]

    async def deaf(request: Request) -> Response:
        response = await door(request)
        if request.method == method:
            raise Unreachable("no answer within 30 s")
        return response

    pair.wire.places["https://cpo.example"] = deaf


async def token_of(node: object, connection: object) -> str:
    return str((await node.client.access(connection)).token)  # type: ignore[attr-defined]


# --- lost answers


@ALL
async def test_a_lost_answer_to_the_post_is_healed_by_a_new_invitation(pair: Pair, version: str) -> None:
    door = pair.wire.places["https://cpo.example"]
    lose_answers(pair, "POST")
    with pytest.raises(HandshakeFailed, match="no answer") as caught:
        await pair.register(version)
    assert caught.value.lost
    assert (pair.at_cpo().state, pair.at_emsp().state) == (states.REGISTERED, states.REGISTERING)
    # The CPO believes it is registered; its token opens versions here and nothing else.
    given = await token_of(pair.cpo, pair.at_cpo())
    base64 = VERSIONS[version].base64_token
    assert (await ask(pair.emsp, given, "GET", "/ocpi/versions", base64=base64)).ok
    door_at_emsp = "sender" if VERSIONS[version].endpoint_roles else "emsp"
    assert (await ask(pair.emsp, given, "GET", f"/ocpi/{version}/{door_at_emsp}/tokens", base64=base64)).http == 401
    pair.restore("cpo", door)
    numbers = pair.at_cpo().id, pair.at_emsp().id
    await pair.register(version)
    assert (pair.at_cpo().id, pair.at_emsp().id) == numbers
    assert await pair.works()


@ALL
async def test_a_lost_answer_to_a_rotation_locks_nobody_out(pair: Pair, version: str) -> None:
    await pair.register(version)
    door = pair.wire.places["https://cpo.example"]
    old = await token_of(pair.emsp, pair.at_emsp())
    lose_answers(pair, "PUT")
    with pytest.raises(HandshakeFailed) as caught:
        await registration.rotate(pair.emsp.directory, pair.emsp.client, pair.at_emsp())
    assert caught.value.lost
    assert await token_of(pair.emsp, pair.at_emsp()) == old
    pair.restore("cpo", door)
    # The eMSP goes on with its old token, the CPO with the new one that it was sent; both are accepted.
    assert await pair.works()
    await registration.rotate(pair.emsp.directory, pair.emsp.client, pair.at_emsp())
    assert await pair.works()
    assert (await ask(pair.cpo, old, "GET", "/ocpi/versions", base64=VERSIONS[version].base64_token)).ok


@pytest.mark.req("CRD-029")
async def test_after_the_overlap_the_old_token_is_gone(pair: Pair) -> None:
    await pair.register("2.3.0")
    old = await token_of(pair.emsp, pair.at_emsp())
    lose_answers(pair, "PUT")
    with pytest.raises(HandshakeFailed):
        await registration.rotate(pair.emsp.directory, pair.emsp.client, pair.at_emsp())
    pair.clock.move(86_399)
    assert (await ask(pair.cpo, old, "GET", "/ocpi/versions")).ok
    pair.clock.move(2)
    assert (await ask(pair.cpo, old, "GET", "/ocpi/versions")).http == 401


async def test_the_old_token_ends_when_the_new_one_is_used_and_what_was_under_way_has_arrived(pair: Pair) -> None:
    await pair.register("2.3.0")
    old = await token_of(pair.emsp, pair.at_emsp())
    await registration.rotate(pair.emsp.directory, pair.emsp.client, pair.at_emsp())
    assert (await ask(pair.cpo, old, "GET", "/ocpi/versions")).ok
    assert await pair.works()
    assert (await ask(pair.cpo, old, "GET", "/ocpi/versions")).ok
    pair.clock.move(11)
    assert (await ask(pair.cpo, old, "GET", "/ocpi/versions")).http == 401


# --- the call back fails


@ALL
@pytest.mark.req("CRD-024", "CRD-029")
@pytest.mark.parametrize("what", ["versions", "details"])
async def test_a_500_in_the_call_back_changes_nothing(pair: Pair, version: str, what: str) -> None:
    await pair.register(version)
    await pair.works()
    before = await token_of(pair.cpo, pair.at_cpo()), await token_of(pair.emsp, pair.at_emsp())
    door = pair.wire.places["https://emsp.example"]

    async def broken(request: Request) -> Response | None:
        wanted = request.path.endswith("versions") if what == "versions" else not request.path.endswith("versions")
        return Response(500, b"<html>") if request.method == "GET" and wanted else None

    pair.between("emsp", broken)
    with pytest.raises(HandshakeFailed, match="3001") as caught:
        await registration.rotate(pair.emsp.directory, pair.emsp.client, pair.at_emsp())
    assert (caught.value.code, caught.value.lost) == (3001, False)
    pair.restore("emsp", door)
    assert (await token_of(pair.cpo, pair.at_cpo()), await token_of(pair.emsp, pair.at_emsp())) == before
    assert await pair.works()


@pytest.mark.parametrize(
    "answer",
    [
        Response(200, b"not json"),
        Response(200, b"[]"),
        Response(302, b"", {"location": "https://elsewhere.example/"}),
        envelope(None),
        envelope("2.2.1"),
        envelope([], code=2000),
        envelope([None, 3, {"version": 2, "url": []}]),
    ],
)
async def test_a_versions_list_that_cannot_be_read_is_refused(pair: Pair, answer: Response) -> None:
    invitation, stranger = await pair.invited(), Stranger(pair.wire)
    stranger.answers["/versions"] = answer
    reply = await ask(pair.cpo, invitation.token, "POST", "/ocpi/2.2.1/credentials", stranger.credentials())
    assert reply.http == 200 and reply.code in (3001, 3002)
    assert pair.at_cpo().state == states.INVITED
    # The invitation is not used up: repaired, it goes through.
    stranger.answers.clear()
    assert (await ask(pair.cpo, invitation.token, "POST", "/ocpi/2.2.1/credentials", stranger.credentials())).ok


@pytest.mark.req("CRD-014", versions="2.2.1")
async def test_a_version_that_the_client_does_not_list_is_3002(pair: Pair) -> None:
    invitation, stranger = await pair.invited(), Stranger(pair.wire)
    stranger.versions = [{"version": "2.1.1", "url": stranger.base}, {"version": "9.0", "url": stranger.base}]
    reply = await ask(pair.cpo, invitation.token, "POST", "/ocpi/2.2.1/credentials", stranger.credentials())
    assert (reply.http, reply.code) == (200, 3002)


@pytest.mark.parametrize("version", ["2.1.1", "2.3.0"])
@pytest.mark.req("CRD-014", versions="2.1.1|2.3.0")
async def test_a_version_that_the_client_does_not_list_is_3002_in_the_others_too(pair: Pair, version: str) -> None:
    invitation, stranger = await pair.invited(), Stranger(pair.wire, version=version)
    stranger.versions = []
    path = "/ocpi/2.1.1/cpo/credentials" if version == "2.1.1" else f"/ocpi/{version}/credentials"
    assert (await ask(pair.cpo, invitation.token, "POST", path, stranger.credentials())).code == 3002


@ALL
@pytest.mark.req("CRD-025")
async def test_a_platform_without_the_endpoints_that_we_need_is_3003(pair: Pair, version: str) -> None:
    invitation, stranger = await pair.invited(), Stranger(pair.wire, version=version)
    stranger.endpoints = stranger.endpoints[:1]
    path = "/ocpi/2.1.1/cpo/credentials" if version == "2.1.1" else f"/ocpi/{version}/credentials"
    reply = await ask(pair.cpo, invitation.token, "POST", path, stranger.credentials())
    assert (reply.http, reply.code) == (200, 3003)
    assert "tokens (SENDER) or cdrs (RECEIVER)" in (reply.message or "")
    assert pair.at_cpo().state == states.INVITED


@ALL
@pytest.mark.req("CRD-026")
async def test_we_do_not_post_to_a_platform_without_the_endpoints_that_we_need(pair: Pair, version: str) -> None:
    stranger = Stranger(pair.wire, version=version)
    with pytest.raises(HandshakeFailed, match="locations") as caught:
        await registration.register(pair.emsp.directory, pair.emsp.client, f"{stranger.base}/versions", "a-token")
    assert caught.value.code == 3003
    assert {request.method for request in stranger.asked} == {"GET"}
    assert pair.emsp.directory.all() == []


async def test_a_refused_post_takes_the_offered_token_back(pair: Pair) -> None:
    stranger = Stranger(pair.wire)
    stranger.endpoints += [stranger.endpoint("locations", "SENDER")]
    stranger.answers["/2.2.1/credentials"] = envelope(None, code=3001)
    with pytest.raises(HandshakeFailed) as caught:
        await registration.register(pair.emsp.directory, pair.emsp.client, f"{stranger.base}/versions", "a-token")
    assert (caught.value.code, caught.value.lost, pair.at_emsp().state) == (3001, False, states.UNREGISTERED)
    assert await pair.emsp.store.read(lambda tx: tx.partners.tokens()) == []


async def test_an_answer_with_unusable_credentials_registers_nobody(pair: Pair) -> None:
    stranger = Stranger(pair.wire)
    stranger.endpoints += [stranger.endpoint("locations", "SENDER")]
    stranger.answers["/2.2.1/credentials"] = envelope({"token": "", "url": "x", "roles": []})
    with pytest.raises(HandshakeFailed, match="unusable"):
        await registration.register(pair.emsp.directory, pair.emsp.client, f"{stranger.base}/versions", "a-token")
    assert pair.at_emsp().state == states.REGISTERING


# --- again, and in the middle


@ALL
async def test_a_new_invitation_leaves_the_link_working_until_it_is_used(pair: Pair, version: str) -> None:
    await pair.register(version)
    first = await pair.invited()
    assert await pair.works()
    door = "sender" if VERSIONS[version].endpoint_roles else "cpo"
    assert (await ask(pair.cpo, first.token, "GET", f"/ocpi/{version}/{door}/locations")).http == 401
    second = await pair.invited()
    assert (await ask(pair.cpo, first.token, "GET", "/ocpi/versions")).http == 401
    assert pair.at_cpo().id == second.connection
    await pair.register(version, second)
    assert await pair.works()


@ALL
async def test_a_node_that_is_restarted_in_the_middle_goes_on(pair: Pair, version: str) -> None:
    """The eMSP dies after its POST was carried out: the token that it offered is in its database, not in its memory."""
    lose_answers(pair, "POST")
    with pytest.raises(HandshakeFailed):
        await pair.register(version)
    await close(pair.emsp)
    pair.emsp = await make_node(pair.folder, [EMSP], name="emsp", clock=pair.clock, wire=pair.wire)
    given = await token_of(pair.cpo, pair.at_cpo())
    assert (await ask(pair.emsp, given, "GET", "/ocpi/versions", base64=VERSIONS[version].base64_token)).ok
    pair.restore("cpo", _door(pair))
    await pair.register(version)
    assert await pair.works()


def _door(pair: Pair) -> object:
    from interplug.modules.server import serve

    async def answer(request: Request) -> Response:
        return await serve(pair.cpo, request)

    return answer


async def test_a_suspended_partner_is_shut_out_until_it_is_resumed(pair: Pair) -> None:
    connection = await pair.register("2.2.1")
    await suspend(pair.cpo.directory, pair.at_cpo().id)
    assert (await pair.emsp.client.call(connection, "GET", "locations", "SENDER")).http == 401
    assert (await pair.cpo.client.call(pair.at_cpo(), "GET", "tokens", "SENDER")).fault == "emsp is suspended"
    with pytest.raises(NotPossible, match="suspended cannot invite"):
        await pair.invited()
    await resume(pair.cpo.directory, pair.at_cpo().id)
    assert await pair.works()


async def test_a_removed_partner_is_gone_and_a_new_one_of_the_name_has_another_number(pair: Pair) -> None:
    connection = await pair.register("2.2.1")
    number = pair.at_cpo().id
    await remove(pair.cpo.directory, number)
    assert pair.cpo.directory.all() == []
    assert (await pair.emsp.client.call(connection, "GET", "locations", "SENDER")).http == 401
    assert (await pair.invited()).connection != number


@pytest.mark.parametrize("parties", [[CPO, EMSP]])
async def test_a_platform_of_both_roles_shows_the_one_that_it_was_set_up_for(parties: list[tuple[str, str, str]], pair: Pair) -> None:
    wire, clock = Wire(), Clock()
    both = await make_node(pair.folder, parties, name="both", clock=clock, wire=wire)
    invitation = await invite(both.directory, "partner", role="EMSP")
    shown = await ask(both, invitation.token, "GET", "/ocpi/2.2.1/credentials")
    assert [role["role"] for role in shown.data["roles"]] == ["EMSP"]
    assert invitation.versions_url == "https://both.example/ocpi/emsp/versions"
    await close(both)


async def test_who_has_no_party_registers_with_nobody(pair: Pair) -> None:
    with pytest.raises(NotPossible, match="no party"):
        await registration.register(pair.emsp.directory, pair.emsp.client, "https://cpo.example/ocpi/versions", "a", Wish(role="CPO"))


async def test_further_hosts_of_a_platform_that_we_register_with_are_added_to_its_own(pair: Pair) -> None:
    stranger = Stranger(pair.wire)
    stranger.endpoints.append({"identifier": "locations", "role": "SENDER", "url": "https://eu.cloud.example/locations"})
    stranger.answers["/2.2.1/credentials"] = envelope(stranger.credentials())
    wish = Wish(hosts=("eu.cloud.example",))
    for again in (wish, Wish()):
        made = await registration.register(pair.emsp.directory, pair.emsp.client, f"{stranger.base}/versions", "a-token", again)
        assert made.endpoint("locations", "SENDER") == "https://eu.cloud.example/locations"
        assert made.hosts == {"stranger.example:443", "eu.cloud.example"}
    assert pair.at_emsp() == made


async def test_a_versions_url_in_the_answer_that_leads_elsewhere_is_not_taken(pair: Pair) -> None:
    stranger = Stranger(pair.wire)
    stranger.endpoints.append(stranger.endpoint("locations", "SENDER"))
    stranger.answers["/2.2.1/credentials"] = envelope(stranger.credentials(url="https://victim.example/versions"))
    made = await registration.register(pair.emsp.directory, pair.emsp.client, f"{stranger.base}/versions", "a-token")
    assert (made.versions_url, made.hosts) == (f"{stranger.base}/versions", {"stranger.example:443"})


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_who_is_suspended_while_it_asks_is_shut_out(pair: Pair, method: str) -> None:
    connection = await pair.register("2.2.1")
    reached = pair.at_cpo().id

    async def in_the_middle(request: Request) -> None:
        if request.path == "/ocpi/versions":
            await suspend(pair.cpo.directory, reached)

    pair.between("emsp", in_the_middle)
    if method == "PUT":
        with pytest.raises(HandshakeFailed, match="401"):
            await registration.rotate(pair.emsp.directory, pair.emsp.client, connection)
    else:
        await suspend(pair.cpo.directory, reached)
        reply = await pair.emsp.client.call(connection, "DELETE", "credentials", "SENDER")
        assert reply.http == 401
    assert pair.at_cpo().state == states.SUSPENDED

"""Chapter 7 between two nodes, in every version: register, renew, change version, leave."""

import pytest

from interplug.partners import registration, states
from interplug.partners.registration import HandshakeFailed
from interplug.protocol.headers import authorization
from interplug.protocol.http import Request
from interplug.versions.table import VERSIONS
from tests.census.tables import check
from tests.partners.pair import Pair, Stranger, ask, envelope

CPO_ROLE = [{"role": "CPO", "country_code": "FR", "party_id": "STR", "business_details": {"name": "Stranger"}}]
ALL = pytest.mark.parametrize("version", list(VERSIONS))


def credentials_url(version: str, role: str = "cpo") -> str:
    return f"/ocpi/{version}/credentials" if VERSIONS[version].endpoint_roles else f"/ocpi/{version}/{role}/credentials"


@ALL
@pytest.mark.req("CRD-001", "CRD-002", "CRD-003", "CRD-004", "CRD-005", "CRD-006", "CRD-007", "CRD-008", "CRD-010", "CRD-013")
async def test_two_platforms_register(pair: Pair, version: str) -> None:
    invitation = await pair.invited(role="CPO")
    order: list[tuple[str, str]] = []

    async def note(request: Request) -> None:
        order.append((request.method, request.path))

    pair.between("cpo", note)
    pair.between("emsp", note)
    theirs = await pair.register(version, invitation)

    details = f"/ocpi/{version}" if VERSIONS[version].endpoint_roles else f"/ocpi/{version}/cpo"
    back = ("/ocpi/versions", f"/ocpi/{version}") if VERSIONS[version].endpoint_roles else ("/ocpi/emsp/versions", f"/ocpi/{version}/emsp")
    assert order == [
        ("GET", "/ocpi/cpo/versions"),
        ("GET", details),
        ("POST", credentials_url(version)),
        ("GET", back[0]),
        ("GET", back[1]),
    ]
    ours = pair.at_cpo()
    assert (ours.state, ours.version, theirs.state, theirs.version) == (states.REGISTERED, version) * 2
    assert [(one.role, str(one.party)) for one in ours.parties] == [("EMSP", "DE-ABC")]
    assert [(one.role, str(one.party)) for one in theirs.parties] == [("CPO", "NL-TNM")]
    assert await pair.works()


@ALL
@pytest.mark.req("TRN-003", "TRN-005")
async def test_a_partner_that_takes_any_spelling_is_called_with_that_of_the_agreed_version(pair: Pair, version: str) -> None:
    """Before a version is agreed nobody knows the spelling, and Base64 is tried first."""
    stranger = Stranger(pair.wire, version=version)
    stranger.endpoints.append(stranger.endpoint("locations", "SENDER"))
    if version != "2.1.1":
        stranger.endpoints.append(stranger.endpoint("cdrs", "SENDER"))
    theirs = stranger.credentials() if version == "2.1.1" else stranger.credentials(roles=CPO_ROLE)
    stranger.answers = {f"/{version}/credentials": envelope(theirs), f"/{version}/locations": envelope([])}
    connection = await registration.register(pair.emsp.directory, pair.emsp.client, f"{stranger.base}/versions", "a-token")
    await pair.emsp.client.call(connection, "GET", "locations", "SENDER")
    first, *then = [request.headers["authorization"] for request in stranger.asked]
    base64 = VERSIONS[version].base64_token
    assert first == authorization("a-token", base64_token=True)
    assert then == [authorization(token, base64_token=base64) for token in ("a-token", "a-token", stranger.token)]


@ALL
@pytest.mark.req("TRN-003", "TRN-005")
async def test_who_registers_with_us_is_called_with_the_spelling_of_its_version(pair: Pair, version: str) -> None:
    invitation, stranger = await pair.invited(), Stranger(pair.wire, version=version)
    stranger.answers[f"/{version}/tokens"] = envelope([])
    assert (await ask(pair.cpo, invitation.token, "POST", credentials_url(version), stranger.credentials())).ok
    await pair.cpo.client.call(pair.at_cpo(), "GET", "tokens", "SENDER")
    spelled = authorization(stranger.token, base64_token=VERSIONS[version].base64_token)
    assert [request.headers["authorization"] for request in stranger.asked] == [spelled] * 3


@pytest.mark.req("VER-015")
async def test_the_highest_common_version_is_taken(pair: Pair) -> None:
    assert (await pair.register()).version == "2.3.0"


async def test_a_pinned_version_is_taken_and_no_other_is_served(pair: Pair) -> None:
    invitation = await pair.invited("2.2.1")
    listed = await ask(pair.cpo, invitation.token, "GET", invitation.versions_url)
    assert [entry["version"] for entry in listed.data] == ["2.2.1"]
    assert (await pair.register(invitation=invitation)).version == "2.2.1"


async def test_a_partner_may_not_register_for_another_version_than_agreed(pair: Pair) -> None:
    invitation = await pair.invited("2.3.0")
    answer = await ask(pair.cpo, invitation.token, "POST", "/ocpi/2.2.1/credentials", Stranger(pair.wire).credentials())
    assert (answer.http, answer.code) == (200, 3002)


@ALL
@pytest.mark.req("CRD-009", "TRN-008")
async def test_a_registration_token_is_used_once(pair: Pair, version: str) -> None:
    invitation = await pair.invited()
    await pair.register(version, invitation)
    for method in ("GET", "POST"):
        answer = await ask(pair.cpo, invitation.token, method, credentials_url(version), Stranger(pair.wire).credentials())
        assert answer.http == 401


@ALL
@pytest.mark.req("TRN-009")
async def test_a_registration_token_opens_nothing_else(pair: Pair, version: str) -> None:
    invitation = await pair.invited()
    door = "sender" if VERSIONS[version].endpoint_roles else "cpo"
    assert (await ask(pair.cpo, invitation.token, "GET", f"/ocpi/{version}/{door}/locations")).http == 401


@ALL
@pytest.mark.req("CRD-012")
async def test_posting_twice_is_405(pair: Pair, version: str) -> None:
    connection = await pair.register(version)
    reply = await pair.emsp.client.call(connection, "POST", "credentials", "SENDER", document={})
    assert (reply.http, reply.headers["allow"]) == (405, "DELETE, GET, PUT")


@ALL
@pytest.mark.req("CRD-015", "CRD-021")
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_renewing_or_leaving_before_registering_is_405(pair: Pair, version: str, method: str) -> None:
    invitation = await pair.invited()
    answer = await ask(pair.cpo, invitation.token, method, credentials_url(version), Stranger(pair.wire).credentials())
    assert (answer.http, answer.headers["allow"]) == (405, "GET, POST")


@ALL
@pytest.mark.req("CRD-023")
async def test_there_is_no_patch(pair: Pair, version: str) -> None:
    connection = await pair.register(version)
    assert (await pair.emsp.client.call(connection, "PATCH", "credentials", "SENDER", document={})).http == 405


@ALL
@pytest.mark.req("CRD-011", "CRD-030", "CRD-031", "CRD-032", "CRD-034", "CRD-039")
async def test_get_shows_the_credentials_that_the_caller_uses(pair: Pair, version: str) -> None:
    invitation = await pair.invited(role="CPO")
    before = await ask(pair.cpo, invitation.token, "GET", credentials_url(version))
    assert (before.data["token"], before.data["url"]) == (invitation.token, _versions_of_cpo(version))
    connection = await pair.register(version, invitation)
    shown = (await pair.emsp.client.call(connection, "GET", "credentials", "SENDER")).data
    assert check(version, "Credentials", shown) == []
    assert shown["token"] != invitation.token
    party = shown if version == "2.1.1" else shown["roles"][0]
    assert (party["country_code"], party["party_id"]) == ("NL", "TNM")
    assert all("!" <= letter <= "~" for letter in shown["token"]) and len(shown["token"]) <= 64


def _versions_of_cpo(version: str) -> str:
    return "https://cpo.example/ocpi/cpo/versions" if version == "2.1.1" else "https://cpo.example/ocpi/versions"


@ALL
@pytest.mark.req("CRD-017", "CRD-018", "CRD-019", "CRD-020", "CRD-027")
async def test_a_rotation_renews_both_tokens_and_reads_the_endpoints_again(pair: Pair, version: str) -> None:
    await pair.register(version)
    before = {
        connection.id: await _outbound(node, connection) for node, connection in ((pair.cpo, pair.at_cpo()), (pair.emsp, pair.at_emsp()))
    }
    pair.wire.sent.clear()
    await registration.rotate(pair.emsp.directory, pair.emsp.client, pair.at_emsp())
    calls_back = [request.url for request in pair.wire.sent if request.url.startswith("https://emsp.example")]
    assert len(calls_back) == 2
    assert await _outbound(pair.cpo, pair.at_cpo()) not in before.values()
    assert await _outbound(pair.emsp, pair.at_emsp()) not in before.values()
    assert await pair.works()


async def _outbound(node: object, connection: object) -> str:
    access = await node.client.access(connection)  # type: ignore[attr-defined]
    return str(access.token)


@pytest.mark.parametrize(("first", "then"), [("2.1.1", "2.2.1"), ("2.2.1", "2.3.0"), ("2.3.0", "2.1.1")])
@pytest.mark.req("CRD-016")
async def test_a_put_at_another_version_changes_the_version(pair: Pair, first: str, then: str) -> None:
    await pair.register(first)
    number = pair.at_cpo().id
    await registration.rotate(pair.emsp.directory, pair.emsp.client, pair.at_emsp(), then)
    assert (pair.at_cpo().version, pair.at_emsp().version, pair.at_cpo().id) == (then, then, number)
    assert await pair.works()


@ALL
@pytest.mark.req("CRD-022")
async def test_who_leaves_is_unknown_on_both_sides(pair: Pair, version: str) -> None:
    connection = await pair.register(version)
    held = await _outbound(pair.emsp, connection)
    given = await _outbound(pair.cpo, pair.at_cpo())
    await registration.unregister(pair.emsp.directory, pair.emsp.client, connection)
    assert (pair.at_cpo().state, pair.at_emsp().state) == (states.UNREGISTERED, states.UNREGISTERED)
    base64 = VERSIONS[version].base64_token
    assert (await ask(pair.cpo, held, "GET", "/ocpi/versions", base64=base64)).http == 401
    assert (await ask(pair.emsp, given, "GET", "/ocpi/versions", base64=base64)).http == 401
    assert (await pair.cpo.client.call(pair.at_cpo(), "GET", "tokens", "SENDER")).fault == "emsp is unregistered"
    # Being invited again does not bring the old tokens back.
    await pair.invited()
    assert (await ask(pair.cpo, held, "GET", "/ocpi/versions", base64=base64)).http == 401


@ALL
async def test_an_unregistered_partner_is_invited_again_and_keeps_its_number(pair: Pair, version: str) -> None:
    number = (await pair.register(version)).id
    await registration.unregister(pair.emsp.directory, pair.emsp.client, pair.at_emsp())
    assert (await pair.register(version)).id == number
    assert await pair.works()


async def test_the_oldest_tokens_are_named_after_a_month(pair: Pair) -> None:
    await pair.register()
    assert registration.overdue(pair.emsp.directory) == []
    pair.clock.move(31 * 86_400)
    assert registration.overdue(pair.emsp.directory) == [pair.at_emsp()]


@pytest.mark.req("CRD-028")
async def test_renewing_what_is_overdue_starts_the_month_again(pair: Pair) -> None:
    await pair.register()
    pair.clock.move(31 * 86_400)
    await registration.rotate(pair.emsp.directory, pair.emsp.client, pair.at_emsp())
    assert registration.overdue(pair.emsp.directory) == []


async def test_nobody_registers_with_a_wrong_token(pair: Pair) -> None:
    invitation = await pair.invited()
    with pytest.raises(HandshakeFailed, match="HTTP 401"):
        await registration.register(pair.emsp.directory, pair.emsp.client, invitation.versions_url, "no-such-token")
    assert pair.emsp.directory.all() == []

"""A partner that means harm: URLs that lead elsewhere, credentials that are none, and tokens that must appear nowhere."""

import logging
from typing import Any

import pytest

from interplug.partners import registration, states
from interplug.partners.invitations import invite, permit
from interplug.partners.registration import HandshakeFailed
from interplug.protocol.http import Response
from interplug.versions.table import VERSIONS
from tests.partners.pair import Pair, Stranger, ask, envelope

ALL = pytest.mark.parametrize("version", list(VERSIONS))


def path_of(version: str) -> str:
    return "/ocpi/2.1.1/cpo/credentials" if version == "2.1.1" else f"/ocpi/{version}/credentials"


# --- where it would send us


@ALL
@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/latest/meta-data/",
        "https://127.0.0.1/versions",
        "https://[::1]/versions",
        "http://stranger.example/versions",
        "file:///etc/passwd",
        "https://user@stranger.example/versions",
    ],
)
async def test_a_registration_that_leads_inside_is_refused_without_a_call(pair: Pair, version: str, url: str) -> None:
    invitation, stranger = await pair.invited(), Stranger(pair.wire, version=version)
    reply = await ask(pair.cpo, invitation.token, "POST", path_of(version), stranger.credentials(url=url))
    assert reply.http == 200 and reply.code in (3001, 2001)
    assert pair.wire.sent == [] and pair.at_cpo().state == states.INVITED


async def test_a_redirect_in_the_call_back_is_not_followed(pair: Pair) -> None:
    invitation, stranger, victim = await pair.invited(), Stranger(pair.wire), Stranger(pair.wire, "victim")
    stranger.answers["/versions"] = Response(307, b"", {"location": f"{victim.base}/versions"})
    assert (await ask(pair.cpo, invitation.token, "POST", "/ocpi/2.2.1/credentials", stranger.credentials())).code == 3001
    assert victim.asked == []


async def test_version_details_on_a_foreign_host_are_not_fetched(pair: Pair) -> None:
    invitation, stranger, victim = await pair.invited(), Stranger(pair.wire), Stranger(pair.wire, "victim")
    stranger.versions = [{"version": "2.2.1", "url": f"{victim.base}/2.2.1"}]
    reply = await ask(pair.cpo, invitation.token, "POST", "/ocpi/2.2.1/credentials", stranger.credentials())
    assert reply.code == 3001 and "no registered host" in (reply.message or "")
    assert victim.asked == []


async def test_endpoints_on_a_foreign_host_are_left_out_and_noted(pair: Pair) -> None:
    invitation, stranger = await pair.invited(), Stranger(pair.wire)
    stranger.endpoints.append({"identifier": "sessions", "role": "RECEIVER", "url": "https://victim.example/sessions"})
    assert (await ask(pair.cpo, invitation.token, "POST", "/ocpi/2.2.1/credentials", stranger.credentials())).ok
    connection = pair.at_cpo()
    assert connection.endpoint("sessions", "RECEIVER") is None and connection.endpoint("cdrs", "RECEIVER") is not None
    assert connection.flags["elsewhere"] == ["sessions at https://victim.example/sessions"]


async def test_the_operator_may_name_further_hosts_of_a_partner(pair: Pair) -> None:
    invitation, stranger = await pair.invited(hosts=["stranger.example", "*.cloud.example"]), Stranger(pair.wire)
    stranger.endpoints.append({"identifier": "sessions", "role": "RECEIVER", "url": "https://eu.cloud.example/sessions"})
    assert (await ask(pair.cpo, invitation.token, "POST", "/ocpi/2.2.1/credentials", stranger.credentials())).ok
    assert pair.at_cpo().endpoint("sessions", "RECEIVER") == "https://eu.cloud.example/sessions"


async def test_a_partner_whose_hosts_are_named_registers_from_nowhere_else(pair: Pair) -> None:
    invitation, stranger = await pair.invited(hosts=["partner.example"]), Stranger(pair.wire)
    reply = await ask(pair.cpo, invitation.token, "POST", "/ocpi/2.2.1/credentials", stranger.credentials())
    assert reply.code == 3001 and stranger.asked == []
    await permit(pair.cpo.directory, pair.at_cpo().id, hosts=["stranger.example"])
    assert (await ask(pair.cpo, invitation.token, "POST", "/ocpi/2.2.1/credentials", stranger.credentials())).ok


async def test_a_url_of_a_partner_is_called_at_its_own_hosts_alone(pair: Pair) -> None:
    await pair.register("2.2.1")
    victim = Stranger(pair.wire, "victim")
    reply = await pair.cpo.client.call(pair.at_cpo(), "POST", "commands", "SENDER", document={}, url=f"{victim.base}/result")
    assert (reply.http, victim.asked) == (0, [])
    assert "no registered host" in (reply.fault or "")


# --- what it would have us believe

ROLE = {"role": "EMSP", "country_code": "FR", "party_id": "STR", "business_details": {"name": "Stranger"}}


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"token": ""}, "$.token"),
        ({"token": None}, "$.token"),
        ({"token": "x" * 65}, "$.token"),
        ({"token": "with blank"}, "$.token"),
        ({"token": "line\nfeed"}, "$"),
        ({"token": "ümlaut"}, "$.token"),
        ({"url": 5}, "$.url"),
        ({"url": None}, "$.url"),
        ({"roles": []}, "$.roles"),
        ({"roles": None}, "$.roles"),
        ({"roles": {}}, "$.roles"),
        ({"roles": [5]}, "$.roles[0]"),
        ({"roles": [{**ROLE, "party_id": "LONG"}]}, "$.roles[0].party_id"),
        ({"roles": [{**ROLE, "country_code": None}]}, "$.roles[0].country_code"),
        ({"roles": [{**ROLE, "business_details": "x"}]}, "$.roles[0].business_details"),
        ({"roles": [ROLE, {**ROLE, "party_id": "str"}]}, "$.roles"),
    ],
)
@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
@pytest.mark.req("CRD-030", "CRD-032", versions="2.2.1|2.3.0")
async def test_credentials_that_are_none_are_2001_with_the_path(pair: Pair, version: str, wrong: dict[str, Any], path: str) -> None:
    invitation, stranger = await pair.invited(), Stranger(pair.wire, version=version)
    reply = await ask(pair.cpo, invitation.token, "POST", path_of(version), stranger.credentials(**wrong))
    assert (reply.http, reply.code) == (200, 2001)
    assert (reply.message or "").startswith(path) and stranger.asked == []


@pytest.mark.parametrize("wrong", [{"token": ""}, {"party_id": None}, {"country_code": 5}, {"business_details": None}, {"url": None}])
async def test_211_credentials_that_are_none_are_2001(pair: Pair, wrong: dict[str, Any]) -> None:
    invitation, stranger = await pair.invited(), Stranger(pair.wire, version="2.1.1")
    reply = await ask(pair.cpo, invitation.token, "POST", path_of("2.1.1"), stranger.credentials(**wrong))
    assert (reply.code, stranger.asked) == (2001, [])


@pytest.mark.parametrize("document", [[], "text", 5, True])
async def test_a_body_that_is_no_object_is_2001(pair: Pair, document: Any) -> None:
    invitation = await pair.invited()
    assert (await ask(pair.cpo, invitation.token, "POST", "/ocpi/2.2.1/credentials", document)).code == 2001


@ALL
async def test_a_body_that_is_no_json_is_400(pair: Pair, version: str) -> None:
    invitation = await pair.invited()
    reply = await ask(pair.cpo, invitation.token, "POST", path_of(version), b"{not json")
    assert (reply.http, reply.code) == (400, 2001)


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
@pytest.mark.req("CRD-033")
async def test_a_platform_of_several_parties_in_one_role_registers(pair: Pair, version: str) -> None:
    invitation, stranger = await pair.invited(), Stranger(pair.wire, version=version)
    roles = [{**ROLE, "party_id": name} for name in ("AAA", "BBB", "CCC")]
    assert (await ask(pair.cpo, invitation.token, "POST", path_of(version), stranger.credentials(roles=roles))).ok
    connection = pair.at_cpo()
    assert [one.party_id for one in connection.parties] == ["AAA", "BBB", "CCC"]
    assert pair.cpo.directory.may_write(connection, "fr", "bbb")


@pytest.mark.parametrize("version", ["2.1.1", "2.2.1"])
async def test_a_field_of_another_version_makes_no_hub(pair: Pair, version: str) -> None:
    invitation, stranger = await pair.invited(), Stranger(pair.wire, version=version)
    assert (await ask(pair.cpo, invitation.token, "POST", path_of(version), stranger.credentials(hub_party_id="FRHUB"))).ok
    assert pair.at_cpo().hub is None


@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])
async def test_no_hub_has_our_name(pair: Pair, version: str) -> None:
    ours = pair.cpo.directory.our_parties()[0]
    invitation, stranger = await pair.invited(), Stranger(pair.wire, version=version)
    hub = {**ROLE, "role": "HUB", "country_code": ours.country_code.lower(), "party_id": ours.party_id}
    named = {"roles": [hub]} if version == "2.2.1" else {"hub_party_id": f"{ours.country_code.lower()}{ours.party_id}"}
    reply = await ask(pair.cpo, invitation.token, "POST", path_of(version), stranger.credentials(**named))
    assert reply.code == 2001 and "party of this platform" in (reply.message or "")


@pytest.mark.parametrize("details", [None, [], {"endpoints": None}, {"endpoints": []}, {"endpoints": [None, 5, {"identifier": 1}]}])
async def test_version_details_that_are_none_are_3001(pair: Pair, details: Any) -> None:
    invitation, stranger = await pair.invited(), Stranger(pair.wire)
    stranger.answers["/2.2.1"] = envelope(details)
    assert (await ask(pair.cpo, invitation.token, "POST", "/ocpi/2.2.1/credentials", stranger.credentials())).code == 3001


@ALL
@pytest.mark.req("VER-013", "VER-009")
async def test_unknown_versions_modules_and_roles_of_credentials_do_no_harm(pair: Pair, version: str) -> None:
    invitation, stranger = await pair.invited(), Stranger(pair.wire, version=version)
    stranger.versions = [{"version": "3.0", "url": "https://elsewhere.example"}, {"version": "x"}, None, *stranger.versions]
    first, *rest = stranger.endpoints
    other = {**first, "role": "RECEIVER"} if "role" in first else first
    stranger.endpoints = [
        other,
        {"identifier": "x-payments", "url": f"{stranger.base}/x", **({"role": "SENDER"} if "role" in first else {})},
        *rest,
    ]
    assert (await ask(pair.cpo, invitation.token, "POST", path_of(version), stranger.credentials())).ok
    assert pair.at_cpo().endpoint("credentials", "SENDER") == first["url"]


# --- secrets


@ALL
async def test_no_token_is_printed_or_stored_anywhere(pair: Pair, version: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    invitation = await pair.invited()
    await pair.register(version, invitation)
    await registration.rotate(pair.emsp.directory, pair.emsp.client, pair.at_emsp())
    assert await pair.works()
    stranger = Stranger(pair.wire, token="stranger-token-that-is-secret")
    second = await invite(pair.cpo.directory, "stranger")
    stranger.answers["/versions"] = Response(500, b"x")
    await ask(pair.cpo, second.token, "POST", "/ocpi/2.2.1/credentials", stranger.credentials())
    with pytest.raises(HandshakeFailed) as caught:
        await registration.register(pair.emsp.directory, pair.emsp.client, f"{stranger.base}/versions", "token-from-outside")
    secrets = {invitation.token, second.token, stranger.token, "token-from-outside"}
    for node in (pair.cpo, pair.emsp):
        for connection in node.directory.all(registered=True):
            secrets.add((await node.client.access(connection)).token)  # type: ignore[union-attr]
        await node.messages.flush()
    printed = caplog.text + str(caught.value) + repr(invitation) + repr(pair.cpo.directory.all())
    for node in (pair.cpo, pair.emsp):
        printed += repr(await node.client.access(node.directory.all(registered=True)[0]))
    stored = b"".join(file.read_bytes() for file in pair.folder.iterdir())
    assert len(secrets) == 6
    assert not [secret for secret in secrets if secret in printed or secret.encode() in stored]
    assert await _logged(pair) > 10


async def _logged(pair: Pair) -> int:
    return len(await pair.cpo.store.read(lambda tx: tx.messages.search()))

"""May this card charge? Our copy, its whitelist, the eMSP's word, and commands that speak for a Token."""

from typing import Any

import pytest

from interplug.model.types import decode_json, encode_json
from interplug.modules.authorise import authorise
from interplug.modules.node import Node
from interplug.protocol.http import Request, Response, Unreachable
from interplug.store.keys import Key
from interplug.versions.table import VERSIONS
from tests.modules.said import evse, location, said, theirs, token
from tests.modules.test_commands_received import Results, Stations, command, settle
from tests.nodes import Clock, Partner, Wire, befriend, own

LATER = pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
UID = "012345"


class Provider:
    """The eMSP's end: answers authorisations as a test wants, or not at all."""

    def __init__(self, wire: Wire) -> None:
        self.asked: list[Request] = []
        self.data: Any = None
        self.code, self.http = 1000, 200
        self.away = False
        wire.places["https://partner.example"] = self

    async def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        if self.away:
            raise Unreachable("away")
        return Response(self.http, encode_json({"data": self.data, "status_code": self.code, "timestamp": "2026-01-01T00:00:00Z"}))

    def says(self, allowed: str, version: str, **more: Any) -> None:
        self.data = said("authorization_info", {"allowed": allowed, "token": theirs(token()), **more}, version)


@pytest.fixture
async def provider(wire: Wire, node: Node, version: str) -> Provider:
    await own(node, "locations", location())
    made = Provider(wire)
    made.says("ALLOWED", version, authorization_reference="ref-1")
    return made


async def hold(partner: Partner, **more: Any) -> None:
    """The partner gave us its Token before."""
    document = theirs(token(**more))
    key = Key("tokens", partner.connection.id, "BE", "XYZ", UID, document["type"])
    await partner.node.store.write(lambda tx: tx.objects.save(key, document, last_updated=0))


@pytest.mark.req("TOK-032")
@pytest.mark.parametrize("valid", [True, False])
async def test_always_goes_by_our_copy_and_asks_nobody(node: Node, partner: Partner, provider: Provider, valid: bool) -> None:
    await hold(partner, whitelist="ALWAYS", valid=valid)
    answer = await authorise(node, UID, "RFID", "L1", "E1")
    assert (answer.allowed, answer.method, answer.connection) == ("ALLOWED" if valid else "BLOCKED", "WHITELIST", partner.connection.id)
    assert provider.asked == []


async def test_of_two_with_the_same_uid_the_one_that_was_here_first_is_meant(node: Node, partner: Partner, provider: Provider) -> None:
    first = await befriend(node, "2.2.1", name="other", parties=(("EMSP", "FR", "OTH"),))
    document = {**theirs(token(whitelist="ALWAYS")), "country_code": "FR", "party_id": "OTH"}
    key = Key("tokens", first.connection.id, "FR", "OTH", UID, document["type"])
    await node.store.write(lambda tx: tx.objects.save(key, document, last_updated=0))
    await hold(partner, whitelist="ALWAYS")
    assert partner.connection.id < first.connection.id
    assert (await authorise(node, UID, "RFID", "L1", "E1")).connection == first.connection.id


@pytest.mark.req("TOK-033")
async def test_allowed_goes_by_a_valid_copy(node: Node, partner: Partner, provider: Provider) -> None:
    await hold(partner, whitelist="ALLOWED")
    assert (await authorise(node, UID)).method == "WHITELIST"
    assert provider.asked == []


@pytest.mark.req("TOK-036", versions="2.2.1|2.3.0")
@pytest.mark.parametrize("whitelist", ["ALLOWED", "ALLOWED_OFFLINE", "NEVER"])
async def test_an_invalid_copy_is_asked_about(node: Node, partner: Partner, provider: Provider, whitelist: str) -> None:
    await hold(partner, whitelist=whitelist, valid=False)
    assert (await authorise(node, UID)).granted
    assert len(provider.asked) == 1


@pytest.mark.req("TOK-034", "TOK-035")
@pytest.mark.parametrize("whitelist", ["ALLOWED_OFFLINE", "NEVER"])
@pytest.mark.parametrize("allowed", ["ALLOWED", "BLOCKED", "NO_CREDIT"])
async def test_these_ask_the_emsp_and_do_as_it_says(
    node: Node, partner: Partner, provider: Provider, version: str, whitelist: str, allowed: str
) -> None:
    await hold(partner, whitelist=whitelist)
    provider.says(allowed, version)
    answer = await authorise(node, UID, "RFID", "L1", "E1")
    assert (answer.allowed, answer.method, len(provider.asked)) == (allowed, "AUTH_REQUEST", 1)


@pytest.mark.req("TOK-034", "TOK-035")
@pytest.mark.parametrize(
    ("whitelist", "valid", "allowed"),
    [("ALLOWED_OFFLINE", True, "ALLOWED"), ("ALLOWED_OFFLINE", False, "BLOCKED"), ("NEVER", True, "NOT_ALLOWED")],
)
@pytest.mark.parametrize("how", ["away", "error", "html"])
async def test_without_an_answer_only_allowed_offline_goes_by_our_copy(
    node: Node, partner: Partner, provider: Provider, whitelist: str, valid: bool, allowed: str, how: str
) -> None:
    await hold(partner, whitelist=whitelist, valid=valid)
    provider.away = how == "away"
    if how == "error":
        provider.http, provider.code, provider.data = 500, 3000, None
    if how == "html":
        provider.data = "<html>"
        provider.http = 502
    assert (await authorise(node, UID)).allowed == allowed


async def test_a_token_that_the_emsp_does_not_know_is_refused_also_offline(node: Node, partner: Partner, provider: Provider) -> None:
    await hold(partner, whitelist="ALLOWED_OFFLINE")
    provider.http, provider.code, provider.data = 404, 2004, None
    assert (await authorise(node, UID)).allowed == "NOT_ALLOWED"


@pytest.mark.req("TOK-006", versions="2.2.1|2.3.0")
@pytest.mark.req("TOK-030", versions="2.2.1|2.3.0")
async def test_an_unknown_card_is_asked_about_at_emsps_that_give_us_no_tokens(
    node: Node, partner: Partner, provider: Provider, version: str
) -> None:
    answer = await authorise(node, UID, "RFID", "L1", "E1")
    assert answer.granted and answer.connection == partner.connection.id
    assert answer.token is not None and answer.token["uid"] == UID
    assert answer.reference == ("ref-1" if VERSIONS[version].owner_in_objects else None)
    request = provider.asked[0]
    assert request.url == f"/ocpi/{version}/sender/tokens/{UID}/authorize" + ("?type=RFID" if VERSIONS[version].token_type_param else "")
    assert decode_json(request.body) == {"location_id": "L1", "evse_uids": ["E1"]}


async def test_an_unknown_card_is_not_asked_about_where_all_tokens_are_given(node: Node, partner: Partner, provider: Provider) -> None:
    key = Key("tokens", partner.connection.id, "BE", "XYZ", "other", "RFID")
    await node.store.write(lambda tx: tx.objects.save(key, theirs(token("other")), last_updated=0))
    assert (await authorise(node, UID)).allowed == "NOT_ALLOWED"
    assert provider.asked == []


@LATER
@pytest.mark.req("TRN-075", "TOK-030")
async def test_behind_a_hub_an_unknown_card_is_asked_about_without_naming_an_emsp(
    node: Node, wire: Wire, provider: Provider, version: str
) -> None:
    hub = await befriend(node, version, parties=(("OTHER", "FR", "HUB"),), hub="FRHUB", name="hub")
    wire.places["https://hub.example"] = provider
    behind = {"country_code": "BE", "party_id": "XYZ", "role": "EMSP", "status": "CONNECTED", "last_updated": "2026-01-01T00:00:00Z"}

    async def asked(*parties: str) -> list[tuple[str | None, str | None]]:
        """TO and FROM of the questions, where the eMSP behind the hub and these others have come to it and the others gave Tokens."""
        for one in ("XYZ", *parties):
            assert (await hub.send("PUT", f"hubclientinfo/BE/{one}", {**behind, "party_id": one})).ok
        for one in parties:
            card, at = {**theirs(token("other")), "party_id": one}, Key("tokens", hub.connection.id, "BE", one, "other", "RFID")
            await node.store.write(lambda tx, at=at, card=card: tx.objects.save(at, card, last_updated=0))
        provider.asked.clear()
        assert (await authorise(node, UID, "RFID", "L1", "E1")).granted
        return [(one.headers.get("ocpi-to-party-id"), one.headers.get("ocpi-from-party-id")) for one in provider.asked]

    assert await asked() == [(None, "TNM")]
    assert await asked("AAA") == [(None, "TNM")], "another eMSP behind the hub gives its Tokens, this one does not"


@LATER
@pytest.mark.parametrize(("country", "party"), [("FR", "QQQ"), ("DE", "ABC")])
async def test_an_answer_about_a_token_of_somebody_else_counts_as_none(
    node: Node, partner: Partner, provider: Provider, version: str, country: str, party: str
) -> None:
    provider.data = said(
        "authorization_info", {"allowed": "ALLOWED", "token": {**token(), "country_code": country, "party_id": party}}, version
    )
    assert not (await authorise(node, UID)).granted


# --- commands that speak for a Token


async def commanded(node: Node, partner: Partner, kind: str, name: str = "START_SESSION") -> None:
    node.stations = Stations()
    document = command(name, partner.version, token=theirs(token(type=kind, whitelist="NEVER")), authorization_reference="ref-9")
    assert (await partner.send("POST", f"commands/{name}", document)).data["result"] == "ACCEPTED"
    await settle(node)


@pytest.mark.req("CMD-025", "CMD-026")
@LATER
@pytest.mark.parametrize("name", ["START_SESSION", "RESERVE_NOW"])
async def test_a_card_is_good_for_fifteen_minutes_after_its_command(
    node: Node, partner: Partner, provider: Provider, clock: Clock, wire: Wire, name: str
) -> None:
    Results(wire)
    await commanded(node, partner, "RFID", name)
    wire.places["https://partner.example"] = provider
    clock.move(15 * 60 - 1)
    answer = await authorise(node, UID, "RFID", "L1", "E1")
    assert (answer.allowed, answer.method, answer.reference, answer.connection) == ("ALLOWED", "COMMAND", "ref-9", partner.connection.id)
    assert provider.asked == []
    clock.move(1)
    assert (await authorise(node, UID, "RFID", "L1", "E1")).method == "AUTH_REQUEST"
    assert len(provider.asked) == 1


@pytest.mark.req("CMD-025")
@LATER
async def test_a_command_speaks_for_its_evse_alone(node: Node, partner: Partner, provider: Provider, wire: Wire) -> None:
    await own(node, "locations", location(evses=[evse("E1"), evse("E2")]))
    Results(wire)
    await commanded(node, partner, "RFID")
    wire.places["https://partner.example"] = provider
    assert (await authorise(node, UID, "RFID", "L1", "E2")).method == "AUTH_REQUEST"


@pytest.mark.req("CMD-024")
@LATER
@pytest.mark.parametrize("kind", ["APP_USER", "AD_HOC_USER"])
async def test_an_app_needs_no_question_after_its_command(
    node: Node, partner: Partner, provider: Provider, clock: Clock, wire: Wire, kind: str
) -> None:
    Results(wire)
    await commanded(node, partner, kind)
    wire.places["https://partner.example"] = provider
    clock.move(3600)
    assert (await authorise(node, UID, kind, "L1", "E1")).method == "COMMAND"
    assert provider.asked == []


@LATER
@pytest.mark.parametrize("kind", ["OTHER", "EMAID"])
async def test_other_types_are_asked_about_as_ever(node: Node, partner: Partner, provider: Provider, wire: Wire, kind: str) -> None:
    Results(wire)
    await commanded(node, partner, kind)
    wire.places["https://partner.example"] = provider
    await authorise(node, UID, kind, "L1", "E1")
    assert len(provider.asked) == 1

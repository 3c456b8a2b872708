"""HubClientInfo at its receiver: what a hub says about the parties behind it, and what follows from it."""

import pytest

from interplug.modules import asking, commands
from interplug.modules.authorise import authorise
from interplug.modules.node import Node
from tests.modules.said import Document, T, location, said, token
from tests.nodes import Clock, Partner, Wire, befriend

URL = "hubclientinfo/FR/QQQ"
LATER = pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)


def client(role: str = "CPO", status: str = "CONNECTED", at: str = T, **more: str) -> Document:
    return {"country_code": "FR", "party_id": "QQQ", "role": role, "status": status, "last_updated": at, **more}


@pytest.fixture
async def hub(node: Node, version: str) -> Partner:
    return await befriend(node, version, parties=(("CPO", "BE", "HUB"),), name="hub", hub="BEHUB")


@pytest.mark.req("HCI-005", "HCI-006")
@LATER
async def test_put_creates_and_replaces(hub: Partner, clock: Clock) -> None:
    first = await hub.send("PUT", URL, client())
    again = await hub.send("PUT", URL, client(status="OFFLINE", at=clock.text(1)))
    assert (first.http, again.http) == (201, 200)
    assert (await hub.send("GET", URL)).data == client(status="OFFLINE", at=clock.text(1))
    assert (await hub.send("GET", "hubclientinfo/FR/ZZZ")).http == 404


@pytest.mark.req("HCI-004", "HCI-009")
@LATER
async def test_other_methods_and_the_list_are_not_available(hub: Partner) -> None:
    assert [(await hub.send(method, URL)).http for method in ("POST", "PATCH", "DELETE")] == [405] * 3
    assert (await hub.fetch("hubclientinfo")).http == 404


@pytest.mark.req("HCI-007")
@LATER
async def test_a_party_may_have_several_roles_and_get_shows_the_newest(hub: Partner, clock: Clock) -> None:
    await hub.send("PUT", URL, client("CPO"))
    assert (await hub.send("PUT", URL, client("EMSP", "PLANNED", clock.text(1)))).http == 201
    assert (await hub.send("PUT", URL, client("NSP"))).http == 201, "older than what is known of another role, and new all the same"
    assert (await hub.send("PUT", URL, client("CPO", "OFFLINE", clock.text(2)))).http == 200
    assert (await hub.send("GET", URL)).data["role"] == "CPO"


@pytest.mark.req("HCI-011")
@LATER
async def test_objects_of_a_reachable_party_are_accepted(hub: Partner, version: str) -> None:
    document = said("location", {**location(), "country_code": "FR", "party_id": "QQQ"}, version)
    assert (await hub.send("PUT", "locations/FR/QQQ/L1", document)).http == 404
    await hub.send("PUT", URL, client())
    assert (await hub.send("PUT", "locations/FR/QQQ/L1", document)).http == 201


@LATER
async def test_a_hub_cannot_make_us_a_client_that_it_writes_for(hub: Partner, version: str) -> None:
    ours = {**client(), "country_code": "NL", "party_id": "TNM"}
    await hub.send("PUT", "hubclientinfo/NL/TNM", ours)
    assert (await hub.send("PUT", "locations/NL/TNM/L1", said("location", location(), version))).http == 404


@LATER
async def test_only_a_hub_has_clients(partner: Partner) -> None:
    answers = [await partner.send("PUT", URL, client()), await partner.send("GET", URL)]
    assert [answer.http for answer in answers] == [404, 404]


@LATER
async def test_what_arrives_late_is_not_applied(hub: Partner, clock: Clock) -> None:
    await hub.send("PUT", URL, client(status="OFFLINE", at=clock.text(60)))
    assert (await hub.send("PUT", URL, client())).ok
    assert (await hub.send("GET", URL)).data["status"] == "OFFLINE"


@pytest.mark.req("TRN-047", "STS-014")
@LATER
@pytest.mark.parametrize("bad", [{"party_id": "ZZZ"}, {"status": "MAYBE"}, {"role": "KING"}, {"last_updated": "now"}])
async def test_what_is_no_client_info_is_2001(hub: Partner, bad: dict[str, str]) -> None:
    answer = await hub.send("PUT", URL, {**client(), **bad})
    assert (answer.http, answer.code) == (200, 2001)


@pytest.mark.parametrize("version", ["2.1.1"], indirect=True)
async def test_2_1_1_has_no_such_module(hub: Partner) -> None:
    assert (await hub.send("PUT", URL, client())).http == 404


ABSENT = pytest.mark.parametrize("status", ["OFFLINE", "PLANNED", "SUSPENDED"])


@pytest.mark.req("HCI-012", "HCI-014", "HCI-015")
@LATER
@ABSENT
async def test_no_command_is_sent_to_a_party_that_is_not_there(
    node: Node, hub: Partner, version: str, wire: Wire, clock: Clock, status: str
) -> None:
    await hub.send("PUT", URL, client())
    place = {**location(), "country_code": "FR", "party_id": "QQQ"}
    assert (await hub.send("PUT", "locations/FR/QQQ/L1", said("location", place, version))).http == 201
    await hub.send("PUT", URL, client(status=status, at=clock.text(1)))
    behind = node.directory.by_id(hub.connection.id)
    assert behind is not None
    with pytest.raises(asking.NotSent, match=f"FR-QQQ is {status.lower()}"):
        await commands.send(node, behind, "UNLOCK_CONNECTOR", {"location_id": "L1", "evse_uid": "E1", "connector_id": "1"})
    assert wire.sent == []


@pytest.mark.req("HCI-012", "HCI-014", "HCI-015")
@LATER
@ABSENT
async def test_a_party_that_is_not_there_is_not_asked_about_its_cards(
    node: Node, hub: Partner, version: str, wire: Wire, clock: Clock, status: str
) -> None:
    await hub.send("PUT", URL, client("EMSP"))
    for uid, whitelist in (("NO", "NEVER"), ("YES", "ALLOWED_OFFLINE")):
        card = {**token(uid, type="RFID", whitelist=whitelist), "country_code": "FR", "party_id": "QQQ"}
        assert (await hub.send("PUT", f"tokens/FR/QQQ/{uid}", said("token", card, version))).http == 201
    await hub.send("PUT", URL, client("EMSP", status=status, at=clock.text(1)))
    assert [(await authorise(node, uid)).granted for uid in ("NO", "YES")] == [False, True]
    assert wire.sent == []

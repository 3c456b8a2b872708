"""Who is who: tokens, who may write what, what is seen of whom, and how soon a change is noticed."""

import base64
from pathlib import Path

import pytest

from interplug.modules.node import Node
from interplug.partners.directory import Directory
from interplug.partners.invitations import invite, permit, remove
from interplug.protocol.headers import Party
from interplug.store.store import Store
from tests import nodes
from tests.nodes import CPO, EMSP, Clock, Partner, befriend, close, make_node
from tests.partners.pair import Pair, ask


@pytest.fixture
async def node(tmp_path: Path):  # type: ignore[no-untyped-def]
    made = await make_node(tmp_path, [("CPO", "NL", "TNM"), ("CPO", "NL", "TWO"), ("EMSP", "NL", "TNM")])
    yield made
    await close(made)


def encoded(token: str) -> str:
    return base64.b64encode(token.encode()).decode()


@pytest.mark.parametrize("version", ["2.1.1", "2.2.1", "2.3.0"])
@pytest.mark.req("TRN-004", "TRN-005", "TRN-006", "TRN-012")
async def test_a_token_is_read_raw_and_encoded_whatever_the_version(node: Node, version: str) -> None:
    partner = await befriend(node, version)
    for header in (
        f"Token {partner.token}",
        f"Token {encoded(partner.token)}",
        f"token   {encoded(partner.token)} ",
        f"Token {encoded(partner.token + chr(10))}",
    ):
        found = await node.directory.authenticate(header)
        assert found is not None and (found[0].id, found[1]) == (partner.connection.id, False)


@pytest.mark.parametrize(
    "header", [None, "", "Token", "Token ", "Bearer abc", "Token !!!", "Token " + "A" * 600, "Token \x00", "Basic YTpi"]
)
@pytest.mark.req("TRN-007", "TRN-008", "TRN-012")
async def test_anything_else_is_nobody(node: Node, header: str | None) -> None:
    await befriend(node, "2.2.1")
    assert await node.directory.authenticate(header) is None


async def test_a_known_token_costs_no_database(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    partner = await befriend(node, "2.2.1")
    header = f"Token {encoded(partner.token)}"
    await node.directory.authenticate(header)

    async def never(work: object) -> object:
        raise AssertionError("the database was read")

    monkeypatch.setattr(node.store, "read", never)
    monkeypatch.setattr(node.directory, "_timer", lambda: float("-inf"))
    assert await node.directory.authenticate(header) is not None


async def test_what_another_process_changes_is_seen(tmp_path: Path) -> None:
    """A command on the same database: its invitation at once, its suspension at the next look."""
    node = await make_node(tmp_path, [CPO])
    partner = await befriend(node, "2.2.1")
    now = 0.0
    node.directory._timer = lambda: now  # the only clock that spaces the looks
    await node.directory.refresh()
    store = Store.open(nodes.database(tmp_path, "node"), clock=node.clock)
    other = Directory(store, node.directory.key, node.settings, clock=node.clock)
    invitation = await invite(other, "new")
    assert (await ask(node, invitation.token, "GET", "/ocpi/versions")).ok
    header = f"Token {encoded(partner.token)}"
    assert await node.directory.authenticate(header) is not None
    await other.write(lambda tx: tx.partners.change(partner.connection.id, state="SUSPENDED"))
    now = 1.0
    assert await node.directory.authenticate(header) is None
    await store.close()
    await close(node)


# --- who may write


async def test_a_partner_writes_for_its_parties_and_nobody_else(node: Node) -> None:
    partner = await befriend(node, "2.2.1", parties=[("CPO", "DE", "AAA"), ("CPO", "FR", "BBB")])
    may = node.directory.may_write
    assert may(partner.connection, "DE", "AAA") and may(partner.connection, "fr", "bbb")
    assert not may(partner.connection, "DE", "BBB") and not may(partner.connection, "DE", "CCC")


async def test_a_partner_never_writes_for_a_party_of_ours(node: Node) -> None:
    partner = await befriend(node, "2.2.1", parties=[("CPO", "DE", "AAA"), ("CPO", "BE", "NEW")])
    assert node.directory.may_write(partner.connection, "BE", "NEW")
    await node.directory.write(lambda tx: tx.parties.add("CPO", "be", "new"))
    assert not node.directory.may_write(_again(node, partner), "BE", "NEW")


async def test_the_operators_list_cuts_what_a_partner_names(node: Node) -> None:
    partner = await befriend(node, "2.2.1", parties=[("CPO", "DE", "AAA"), ("CPO", "DE", "BBB")])
    await permit(node.directory, partner.connection.id, allow=["DE-bbb", "DE-ZZZ"])
    may, connection = node.directory.may_write, _again(node, partner)
    assert [name for name in ("AAA", "BBB", "ZZZ") if may(connection, "DE", name)] == ["BBB"]


async def test_a_hub_writes_for_the_parties_that_it_reaches(node: Node) -> None:
    partner = await befriend(node, "2.2.1", parties=[("OTHER", "DE", "HUB")], hub="DEHUB")
    client = {"party_id": "AAA", "country_code": "SE", "role": "CPO", "status": "CONNECTED", "last_updated": "2026-01-01T00:00:00Z"}
    assert await node.directory.write(lambda tx: tx.partners.put_client(partner.connection.id, client, 5))
    connection = _again(node, partner)
    assert connection.hub == Party("DE", "HUB")
    assert node.directory.may_write(connection, "SE", "AAA") and not node.directory.may_write(connection, "SE", "BBB")
    assert [one.id for one in node.directory.of_party("SE", "AAA", "CPO")] == [connection.id]
    assert node.directory.of_party("SE", "AAA", "EMSP") == []


async def test_older_news_of_a_client_changes_nothing(node: Node) -> None:
    partner = await befriend(node, "2.2.1", hub="DEHUB")

    async def say(status: str, at: int) -> None:
        client = {"party_id": "AAA", "country_code": "SE", "role": "CPO", "status": status}
        await node.directory.write(lambda tx: tx.partners.put_client(partner.connection.id, client, at))

    await say("CONNECTED", 5)
    await say("OFFLINE", 4)
    known = await node.store.read(lambda tx: tx.partners.client(partner.connection.id, "se", "aaa"))
    assert known is not None and known["status"] == "CONNECTED"
    await say("OFFLINE", 6)
    known = await node.store.read(lambda tx: tx.partners.client(partner.connection.id, "se", "aaa"))
    assert known is not None and known["status"] == "OFFLINE"


# --- who speaks


async def test_the_party_that_speaks_is_the_one_of_that_role(node: Node) -> None:
    partner = await befriend(node, "2.2.1", parties=[("EMSP", "DE", "AAA"), ("CPO", "DE", "BBB")])
    directory, connection = node.directory, partner.connection
    assert directory.party_for(connection, "CPO") == Party("NL", "TNM")
    assert directory.their_party(connection, "CPO") == Party("DE", "BBB")
    assert directory.their_party(connection, "NSP") == Party("DE", "AAA")
    assert directory.their_roles(connection) == ("EMSP", "CPO")
    assert directory.is_ours(Party("nl", "two")) and not directory.is_ours(Party("DE", "AAA"))
    assert [party.party_id for party in directory.our_parties("CPO")] == ["TNM", "TWO"]


async def test_a_connection_sees_the_party_that_it_was_set_up_for(node: Node) -> None:
    partner = await befriend(node, "2.1.1", our_party=("NL", "TWO"))
    shown = node.directory.shown(partner.connection)
    assert [(party.role, party.party_id) for party in shown] == [("CPO", "TWO")]
    assert node.directory.party_for(partner.connection, "EMSP") == Party("NL", "TWO")


async def test_audiences_are_its_own_number_everybody_and_its_classes(node: Node) -> None:
    partner = await befriend(node, "2.2.1", classes=["gold", "silver"])
    gold, silver = sorted((await node.store.read(lambda tx: tx.parties.classes())).items())
    assert (gold[1], silver[1]) == ("gold", "silver")
    assert partner.connection.audiences == (partner.connection.id, 0, gold[0], silver[0])
    await node.directory.write(lambda tx: tx.parties.leave(gold[0], partner.connection.id))
    assert _again(node, partner).audiences == (partner.connection.id, 0, silver[0])


async def test_numbers_of_connections_and_classes_never_meet(node: Node) -> None:
    first = await befriend(node, "2.2.1", name="first", classes=["gold"])
    second = await befriend(node, "2.2.1", name="second")
    classes = await node.store.read(lambda tx: tx.parties.classes())
    assert len({first.connection.id, second.connection.id, 0, *classes}) == 4


async def test_a_party_is_added_once_and_keeps_its_spelling(node: Node) -> None:
    assert not await node.directory.write(lambda tx: tx.parties.add("CPO", "nl", "tnm", {"name": "Tenement"}))
    first = node.directory.our_parties("CPO")[0]
    assert (first.country_code, first.party_id, first.business_details) == ("NL", "TNM", {"name": "Tenement"})
    assert await node.directory.write(lambda tx: tx.parties.remove("CPO", "NL", "two"))
    assert [party.party_id for party in node.directory.our_parties("CPO")] == ["TNM"]


async def test_a_node_with_another_key_knows_nobody(pair: Pair) -> None:
    await pair.register("2.2.1")
    await close(pair.emsp)
    pair.emsp = await make_node(pair.folder, [EMSP], name="emsp", clock=Clock(), wire=pair.wire, key=b"x" * 32)
    reply = await pair.emsp.client.call(pair.at_emsp(), "GET", "locations", "SENDER")
    assert "not the node key" in (reply.fault or "")
    assert (await pair.cpo.client.call(pair.at_cpo(), "GET", "tokens", "SENDER")).http == 401


def _again(node: Node, partner: Partner):  # type: ignore[no-untyped-def]
    return node.directory.by_id(partner.connection.id)


async def test_a_removed_connection_is_shown_only_where_it_is_asked_for(node: Node) -> None:
    made = await invite(node.directory, "gone")
    await remove(node.directory, made.connection)
    assert made.connection not in {one.id for one in node.directory.all()}
    assert made.connection in {one.id for one in node.directory.all(removed=True)}
    assert made.connection not in {one.id for one in node.directory.all(registered=True, removed=True)}

"""A party that somebody has registered is his: another platform does not get it by being quick, nor by calling itself a hub."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from interplug.partners import registration, states
from interplug.partners.claims import TAKEN
from interplug.partners.invitations import invite, remove, resume, suspend
from interplug.partners.registration import HandshakeFailed, Wish
from interplug.protocol.http import Request, Response
from interplug.store.partners import ConnectionRow
from interplug.store.tx import Tx
from tests.nodes import Answer
from tests.partners.pair import Pair, Stranger, ask

CREDENTIALS = "/ocpi/2.2.1/credentials"
T = "2026-01-01T00:00:00Z"


@dataclass
class Slow(Stranger):
    """Answers the call back to its versions only when it is let."""

    asked_back: asyncio.Event = field(default_factory=asyncio.Event)
    let: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: Request) -> Response:
        self.asked_back.set()
        await self.let.wait()
        return await super().answer(request)


def naming(stranger: Stranger, party: str, role: str = "EMSP", country: str = "FR", **more: Any) -> dict[str, Any]:
    return stranger.credentials(
        roles=[{"role": role, "country_code": country, "party_id": party, "business_details": {"name": party}}], **more
    )


async def registered(pair: Pair, stranger: Stranger, party: str) -> str:
    """The token of a partner that has registered with that party."""
    invitation = await invite(pair.cpo.directory, stranger.name)
    answer = await ask(pair.cpo, invitation.token, "POST", CREDENTIALS, naming(stranger, party))
    assert answer.ok
    return str(answer.data["token"])


def driver(country: str, party: str) -> dict[str, Any]:
    """A Token of that party."""
    return {
        "country_code": country, "party_id": party, "uid": "CARD", "type": "RFID", "contract_id": f"{country}{party}C1", "issuer": party,
        "valid": True, "whitelist": "ALLOWED", "last_updated": T,
    }  # fmt: skip


def refused(answer: Answer, party: str) -> bool:
    return answer.code == 2001 and f"{party} {TAKEN}" in (answer.message or "")


@pytest.mark.usefixtures("engine")
async def test_of_two_that_register_one_party_at_once_one_has_it(pair: Pair) -> None:
    slow, quick = Slow(pair.wire, "slow"), Stranger(pair.wire, "quick", token="another")
    invitation = await invite(pair.cpo.directory, "slow")
    first = asyncio.create_task(ask(pair.cpo, invitation.token, "POST", CREDENTIALS, naming(slow, "VIC")))
    await slow.asked_back.wait()
    token = await registered(pair, quick, "VIC")
    slow.let.set()
    assert refused(await first, "EMSP FR-VIC")
    assert [one.partner for one in pair.cpo.directory.of_party("FR", "VIC")] == ["quick"]
    assert (await ask(pair.cpo, token, "PUT", CREDENTIALS, naming(quick, "VIC"))).ok, "who has it goes on with it"
    assert (await ask(pair.cpo, invitation.token, "POST", CREDENTIALS, naming(slow, "OWN"))).ok, "who was refused may say it better"


@pytest.mark.usefixtures("engine")
async def test_who_renews_gets_no_party_that_another_registers_meanwhile(pair: Pair) -> None:
    slow, quick = Slow(pair.wire, "slow"), Stranger(pair.wire, "quick", token="another")
    slow.let.set()
    token = await registered(pair, slow, "OWN")
    slow.asked_back.clear()
    slow.let.clear()
    renewal = asyncio.create_task(ask(pair.cpo, token, "PUT", CREDENTIALS, naming(slow, "VIC")))
    await slow.asked_back.wait()
    await registered(pair, quick, "VIC")
    slow.let.set()
    assert refused(await renewal, "EMSP FR-VIC")
    assert [one.partner for one in pair.cpo.directory.of_party("FR", "OWN")] == ["slow"]
    assert (await ask(pair.cpo, token, "GET", CREDENTIALS)).ok, "the link stays as it was"


async def by_another_process(pair: Pair, role: str, country: str, party: str, *, at_emsp: bool = False) -> None:
    """A connection is registered past the directory of this process, as another one on the same database does it."""
    node = pair.emsp if at_emsp else pair.cpo

    async def work(tx: Tx) -> None:
        row = ConnectionRow(
            partner=await tx.partners.partner("elsewhere", 1),
            name="elsewhere",
            state=states.REGISTERED,
            credentials={"roles": [{"role": role, "country_code": country, "party_id": party}]},
            created_at=1,
        )
        await tx.partners.add(row)

    await node.store.write(work)


@pytest.mark.usefixtures("engine")
async def test_what_another_process_registered_a_moment_ago_counts(pair: Pair) -> None:
    slow = Slow(pair.wire, "slow")
    invitation = await invite(pair.cpo.directory, "slow")
    answer = asyncio.create_task(ask(pair.cpo, invitation.token, "POST", CREDENTIALS, naming(slow, "VIC")))
    await slow.asked_back.wait()
    await by_another_process(pair, "EMSP", "fr", "vic")
    assert "elsewhere" not in {one.partner for one in pair.cpo.directory.all()}, "this process has not looked again"
    slow.let.set()
    assert refused(await answer, "EMSP FR-VIC")


@pytest.mark.usefixtures("engine")
async def test_whom_we_register_with_gets_no_party_that_another_registered_meanwhile(pair: Pair) -> None:
    invitation = await pair.invited()

    async def meanwhile(request: Request) -> None:
        if request.method == "POST":
            await by_another_process(pair, "CPO", "NL", "TNM", at_emsp=True)

    pair.between("cpo", meanwhile)
    with pytest.raises(HandshakeFailed, match=f"CPO NL-TNM {TAKEN}"):
        await registration.register(pair.emsp.directory, pair.emsp.client, invitation.versions_url, invitation.token, Wish(name="cpo"))
    assert [one.partner for one in pair.emsp.directory.of_party("NL", "TNM")] == ["elsewhere"]


async def test_who_is_suspended_keeps_its_parties(pair: Pair) -> None:
    stranger, other = Stranger(pair.wire, "stranger"), Stranger(pair.wire, "other", token="another")
    await registered(pair, stranger, "VIC")
    (connection,) = pair.cpo.directory.all()
    await suspend(pair.cpo.directory, connection.id)
    invitation = await invite(pair.cpo.directory, "other")
    assert refused(await ask(pair.cpo, invitation.token, "POST", CREDENTIALS, naming(other, "VIC")), "EMSP FR-VIC")
    await resume(pair.cpo.directory, connection.id)
    await remove(pair.cpo.directory, connection.id)
    assert (await ask(pair.cpo, invitation.token, "POST", CREDENTIALS, naming(other, "VIC"))).ok, "whose partner is gone is free"


# --- one party, two platforms, each in its own role


@pytest.mark.parametrize("role", ["CPO", "NSP", "OTHER"])
async def test_another_role_brings_nothing_of_what_belongs_to_the_first(pair: Pair, role: str) -> None:
    stranger, invitation = Stranger(pair.wire), await invite(pair.cpo.directory, "stranger")
    answer = await ask(pair.cpo, invitation.token, "POST", CREDENTIALS, naming(stranger, "ABC", role, "DE"))
    assert answer.ok
    (connection,) = pair.cpo.directory.all()
    theirs = Link(pair, "2.2.1", answer.data["token"])
    await pair.register()
    connection = pair.cpo.directory.by_id(connection.id) or connection
    assert not await theirs.writes("DE", "ABC")
    start = await ask(pair.cpo, theirs.token, "POST", "/ocpi/2.2.1/receiver/commands/START_SESSION", {
        "response_url": f"{stranger.base}/back", "token": driver("DE", "ABC"), "location_id": "L1"})  # fmt: skip
    assert start.code == 2001 and "DE-ABC is no party of this connection" in (start.message or "")
    may = pair.cpo.directory.may_write
    assert [may(connection, "de", "abc", one) for one in ("CPO", "EMSP")] == [True, False]
    assert [may(pair.at_cpo(), "de", "abc", one) for one in ("CPO", "EMSP")] == [role != "CPO", True]


# --- hubs

HUB = {"role": "HUB", "country_code": "NL", "party_id": "HUB", "business_details": {"name": "A hub"}}
VERSIONS = pytest.mark.parametrize("version", ["2.2.1", "2.3.0"])


def as_hub(stranger: Stranger, version: str, *, role: str = "EMSP", country: str = "DE", party: str = "ABC") -> dict[str, Any]:
    """Credentials of a hub that names one party besides itself."""
    document = naming(stranger, party, role, country)
    if version == "2.3.0":
        return document | {"hub_party_id": "NLHUB"}
    return document | {"roles": [*document["roles"], HUB]}


async def post(pair: Pair, token: str, version: str, document: dict[str, Any]) -> Answer:
    return await ask(pair.cpo, token, "POST", f"/ocpi/{version}/credentials", document)


@VERSIONS
@pytest.mark.parametrize("role", ["EMSP", "NSP"])
async def test_no_hub_takes_over_a_party_that_is_registered_itself(pair: Pair, version: str, role: str) -> None:
    await pair.register()
    hub, invitation = Stranger(pair.wire, "hub", version), await invite(pair.cpo.directory, "hub")
    assert refused(await post(pair, invitation.token, version, as_hub(hub, version, role=role)), f"{role} DE-ABC")
    assert [one.partner for one in pair.cpo.directory.of_party("DE", "ABC")] == ["emsp"]


async def test_no_hub_has_the_name_of_a_party_that_is_registered_itself(pair: Pair) -> None:
    await pair.register()
    hub, invitation = Stranger(pair.wire, "hub", "2.3.0"), await invite(pair.cpo.directory, "hub")
    assert refused(await post(pair, invitation.token, "2.3.0", naming(hub, "AAA", hub_party_id="deABC")), "de-ABC")


@VERSIONS
async def test_the_operator_may_allow_a_hub_a_party_that_is_registered_itself(pair: Pair, version: str) -> None:
    await pair.register()
    hub, invitation = Stranger(pair.wire, "hub", version), await invite(pair.cpo.directory, "hub", allow=["DE-ABC"])
    assert (await post(pair, invitation.token, version, as_hub(hub, version))).ok
    assert [one.partner for one in pair.cpo.directory.of_party("DE", "ABC")] == ["emsp", "hub"]


@dataclass
class Link:
    pair: Pair
    version: str
    token: str

    @classmethod
    async def opened(cls, pair: Pair, version: str, **named: str) -> "Link":
        hub, invitation = Stranger(pair.wire, "hub", version), await invite(pair.cpo.directory, "hub")
        answer = await post(pair, invitation.token, version, as_hub(hub, version, **named))
        assert answer.ok
        return cls(pair, version, answer.data["token"])

    async def renews(self, **named: str) -> Answer:
        document = as_hub(Stranger(self.pair.wire, "hub", self.version), self.version, **named)
        answer = await ask(self.pair.cpo, self.token, "PUT", f"/ocpi/{self.version}/credentials", document)
        self.token = answer.data["token"] if answer.ok else self.token
        return answer

    async def put(self, path: str, document: dict[str, Any]) -> int:
        answer = await ask(self.pair.cpo, self.token, "PUT", f"/ocpi/{self.version}/receiver/{path}", document)
        assert answer.ok or answer.http == 404
        return answer.http

    async def names(self, country: str, party: str, role: str = "EMSP") -> None:
        client = {"country_code": country, "party_id": party, "role": role, "status": "CONNECTED", "last_updated": T}
        assert await self.put(f"hubclientinfo/{country}/{party}", client) == 201

    async def writes(self, country: str, party: str) -> bool:
        return await self.put(f"tokens/{country}/{party}/CARD", driver(country, party)) in (200, 201)

    @property
    def left_out(self) -> set[str]:
        (connection,) = (one for one in self.pair.cpo.directory.all() if one.partner == "hub")
        return {"-".join(key) for key in connection.left_out}


@VERSIONS
@pytest.mark.parametrize("role", ["EMSP", "CPO"])
async def test_a_party_that_is_registered_itself_is_left_out_of_the_clients_of_a_hub(pair: Pair, version: str, role: str) -> None:
    await pair.register()
    hub = await Link.opened(pair, version, country="FR", party="AAA")
    await hub.names("DE", "ABC", role)
    await hub.names("FR", "BBB")
    assert [await hub.writes(*party) for party in (("DE", "ABC"), ("FR", "AAA"), ("FR", "BBB"))] == [False, True, True]
    assert hub.left_out == {"DE-ABC"}
    assert [one.partner for one in pair.cpo.directory.of_party("DE", "ABC")] == ["emsp"]
    # When the party leaves it is the hub's to speak for, without being named again.
    await registration.unregister(pair.emsp.directory, pair.emsp.client, pair.at_emsp())
    assert await hub.writes("DE", "ABC")
    assert hub.left_out == set()


@VERSIONS
async def test_a_party_that_registers_later_is_no_longer_the_hubs(pair: Pair, version: str) -> None:
    hub = await Link.opened(pair, version)
    await hub.names("DE", "QQQ")
    assert await hub.writes("DE", "ABC")
    await pair.register()
    assert not await hub.writes("DE", "ABC")
    assert await hub.writes("DE", "QQQ")
    assert hub.left_out == {"DE-ABC"}
    assert [one.partner for one in pair.cpo.directory.of_party("DE", "ABC")] == ["emsp"]
    assert await pair.works()
    # Its tokens are renewed as before, and bring nothing back.
    assert (await hub.renews()).ok
    assert not await hub.writes("DE", "ABC")


@VERSIONS
async def test_a_hub_that_renews_does_not_name_a_registered_party_anew(pair: Pair, version: str) -> None:
    hub = await Link.opened(pair, version, country="FR", party="AAA")
    await pair.register()
    assert refused(await hub.renews(), "EMSP DE-ABC")


@VERSIONS
async def test_a_partner_does_not_become_a_hub_to_have_another_party(pair: Pair, version: str) -> None:
    await pair.register()
    stranger, invitation = Stranger(pair.wire, "hub", version), await invite(pair.cpo.directory, "hub")
    plain = naming(stranger, "ABC", "NSP", "DE")
    answer = await post(pair, invitation.token, version, plain)
    assert answer.ok
    assert refused(await Link(pair, version, answer.data["token"]).renews(role="NSP"), "NSP DE-ABC")

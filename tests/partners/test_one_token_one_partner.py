"""A registration token speaks for its own connection, once, and for no party of another platform or of ours."""

import asyncio

import pytest

from interplug.partners.invitations import invite
from tests.partners.pair import Pair, Stranger, ask


async def test_of_two_posts_with_one_token_one_wins(pair: Pair) -> None:
    invitation = await pair.invited()
    first, second = Stranger(pair.wire, "first"), Stranger(pair.wire, "second", token="another")
    answers = await asyncio.gather(
        *(ask(pair.cpo, invitation.token, "POST", "/ocpi/2.2.1/credentials", one.credentials()) for one in (first, second))
    )
    assert sorted(answer.http for answer in answers) == [200, 401]


async def test_two_partners_that_register_at_once_do_not_meet(pair: Pair) -> None:
    one, two = await invite(pair.cpo.directory, "one"), await invite(pair.cpo.directory, "two")
    first, second = Stranger(pair.wire, "first"), Stranger(pair.wire, "second", token="another")
    other = second.credentials()
    other["roles"][0]["party_id"] = "TWO"
    answers = await asyncio.gather(
        ask(pair.cpo, one.token, "POST", "/ocpi/2.2.1/credentials", first.credentials()),
        ask(pair.cpo, two.token, "POST", "/ocpi/2.2.1/credentials", other),
    )
    assert all(answer.ok for answer in answers)
    assert answers[0].data["token"] != answers[1].data["token"]
    assert [str(one.parties[0].party) for one in pair.cpo.directory.all()] == ["FR-STR", "FR-TWO"]


@pytest.mark.req("TRN-010")
async def test_every_token_that_is_issued_is_another(pair: Pair) -> None:
    tokens = {(await invite(pair.cpo.directory, f"partner {number}")).token for number in range(20)}
    assert len(tokens) == 20


async def test_an_unused_token_cannot_take_over_another_partner(pair: Pair) -> None:
    await pair.register("2.2.1")
    invitation, stranger = await invite(pair.cpo.directory, "stranger"), Stranger(pair.wire)
    claim = stranger.credentials()
    claim["roles"][0] |= {"country_code": "de", "party_id": "abc"}
    reply = await ask(pair.cpo, invitation.token, "POST", "/ocpi/2.2.1/credentials", claim)
    assert (reply.http, reply.code) == (200, 2001)
    assert await pair.works()


async def test_the_operator_may_allow_a_party_to_move(pair: Pair) -> None:
    await pair.register("2.2.1")
    invitation, stranger = await invite(pair.cpo.directory, "stranger", allow=["DE-ABC"]), Stranger(pair.wire)
    claim = stranger.credentials()
    claim["roles"][0] |= {"country_code": "DE", "party_id": "ABC"}
    assert (await ask(pair.cpo, invitation.token, "POST", "/ocpi/2.2.1/credentials", claim)).ok


async def test_a_partner_that_names_one_of_our_parties_is_refused(pair: Pair) -> None:
    invitation, stranger = await pair.invited(), Stranger(pair.wire)
    claim = stranger.credentials()
    claim["roles"][0] |= {"country_code": "nl", "party_id": "tnm"}
    reply = await ask(pair.cpo, invitation.token, "POST", "/ocpi/2.2.1/credentials", claim)
    assert (reply.http, reply.code) == (200, 2001)

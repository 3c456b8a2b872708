"""Terminals between their provider and an operator: created, assigned, activated, deactivated, level on both sides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interplug.modules import assigning
from interplug.modules.payments import invoice_base_url
from interplug.modules.server import serve
from interplug.protocol.http import Request, Response, Unreachable
from interplug.store.keys import OWN, Key
from interplug.sync.pull import pull
from tests.modules import said
from tests.nodes import own
from tests.stories.paying import Street


@pytest.fixture
async def street(engine: str, tmp_path: Path) -> AsyncIterator[Street]:
    joined = await Street.join(tmp_path)
    for name, uid in (("L1", "E1"), ("L2", "E2")):
        await own(joined.cpo, "locations", said.location(name, evses=[said.evse(uid)]))
    await joined.settle()
    yield joined
    await joined.close()


@pytest.mark.req("PAY-002")
async def test_credentials_with_the_role_ptp_are_taken_and_told(street: Street) -> None:
    assert [party.role for party in street.at_cpo.parties] == ["PTP"]
    assert street.at_cpo.endpoint("payments", "SENDER") == "https://ptp.example/ocpi/2.3.0/sender/payments"
    assert street.at_ptp.endpoint("terminals", "RECEIVER") == "https://cpo.example/ocpi/2.3.0/receiver/payments/terminals"
    # What a PTP needs of a CPO is there, and Tokens, which it has none of, are nobody's business.
    mine = {(one.identifier, one.role) for one in street.at_cpo.endpoints}
    assert mine >= {
        ("locations", "RECEIVER"),
        ("tariffs", "RECEIVER"),
        ("sessions", "RECEIVER"),
        ("cdrs", "RECEIVER"),
        ("commands", "SENDER"),
    }
    assert "tokens" not in {name for name, _ in mine}


async def test_a_terminal_that_is_shipped_comes_to_the_operator_and_is_assigned(street: Street) -> None:
    await street.terminal(city="Wien")
    ours, theirs = await street.both("terminals", "TM-1")
    assert ours == theirs and "location_ids" not in ours
    stored = await street.at(street.cpo, "terminals", "TM-1")
    assert stored is not None
    street.clock.move(60)
    await assigning.change(street.cpo, stored, {"location_ids": ["L1"], "evse_uids": ["E2"]})
    assert (await street.both("terminals", "TM-1"))[0]["location_ids"] == ["L1"]
    await street.settle()
    ours, theirs = await street.both("terminals", "TM-1")
    assert ours == theirs and (ours["location_ids"], ours["evse_uids"], ours["city"]) == (["L1"], ["E2"], "Wien")


async def test_billing_data_go_by_put_and_name_our_own_address(street: Street) -> None:
    await street.terminal()
    stored = await street.at(street.cpo, "terminals", "TM-1")
    assert stored is not None
    base = invoice_base_url(street.cpo, street.at_cpo)
    await assigning.change(street.cpo, stored, {"invoice_creator": "CPO", "invoice_base_url": base})
    (sent,) = [one for one in street.wire.sent if one.method == "PUT" and "/payments/" in one.url]
    assert sent.url == "https://ptp.example/ocpi/2.3.0/sender/payments/terminals/TM-1"
    await street.settle()
    ours, theirs = await street.both("terminals", "TM-1")
    assert ours == theirs and (theirs["invoice_creator"], theirs["invoice_base_url"], theirs["reference"]) == ("CPO", base, "SN-1")


@pytest.mark.req("PAY-010", "PAY-011")
async def test_an_activation_makes_the_terminal_at_both_sides(street: Street) -> None:
    found = await assigning.activate(street.cpo, street.at_cpo, {"reference": "SN-9", "location_ids": ["L1"]})
    (sent,) = [one for one in street.wire.sent if one.url.endswith("/terminals/activate")]
    assert b"SN-9" in sent.body and b"L1" in sent.body and b"terminal_id" not in sent.body
    await street.settle()
    posted = [one.url for one in street.wire.sent if one.method == "POST" and one.url.startswith("https://cpo.example")]
    assert "https://cpo.example/ocpi/2.3.0/receiver/payments/terminals" in posted
    ours, theirs = await street.both("terminals", found["terminal_id"])
    assert ours == theirs and theirs["reference"] == "SN-9"


async def test_a_deactivated_terminal_serves_nothing_at_either_side(street: Street) -> None:
    await street.terminal(location_ids=["L1"])
    stored = await street.at(street.cpo, "terminals", "TM-1")
    assert stored is not None
    await assigning.deactivate(street.cpo, stored)
    await street.settle()
    ours, theirs = await street.both("terminals", "TM-1")
    assert ours == theirs and (ours["location_ids"], ours["evse_uids"]) == ([], [])


async def test_what_the_provider_does_not_take_is_not_ours_either(street: Street) -> None:
    await street.terminal()
    stored = await street.at(street.cpo, "terminals", "TM-1")
    assert stored is not None
    with pytest.raises(assigning.NotPossible, match="no Location 'L9'"):
        await assigning.change(street.cpo, stored, {"location_ids": ["L9"]})

    async def nobody(request: Request) -> Response:
        raise Unreachable("refused")

    street.wire.places["https://ptp.example"] = nobody
    with pytest.raises(assigning.NotTaken, match="refused"):
        await assigning.change(street.cpo, stored, {"location_ids": ["L1"]})
    assert (await street.both("terminals", "TM-1"))[0] == stored.document


async def test_an_operator_that_was_away_has_the_newest_terminal_when_it_is_back(street: Street) -> None:
    async def nobody(request: Request) -> Response:
        raise Unreachable("refused")

    async def answer(request: Request) -> Response:
        return await serve(street.cpo, request)

    street.wire.places["https://cpo.example"] = nobody
    await street.terminal(city="Wien")
    await street.terminal(city="Linz")
    assert await street.at(street.cpo, "terminals", "TM-1") is None
    street.wire.places["https://cpo.example"] = answer
    sent = len(street.wire.sent)
    await street.settle()
    ours, theirs = await street.both("terminals", "TM-1")
    assert ours == theirs and ours["city"] == "Linz"
    assert sum(one.url.endswith("/payments/terminals") for one in street.wire.sent[sent:]) == 1


async def test_an_operator_that_only_pulls_is_level_too_and_forgets_what_the_list_lacks(street: Street) -> None:
    key = await street.terminal()
    for push in street.pushes:
        await push.stop()
    street.clock.move(60)
    document = {"terminal_id": "TM-2", "last_updated": street.clock.text()}
    other = Key("terminals", OWN, "AT", "PAY", "TM-2")
    await street.ptp.store.write(lambda tx: tx.objects.save(other, document, last_updated=street.clock.now, audience=street.at_ptp.id))
    await street.ptp.store.write(lambda tx: tx.objects.remove(key))
    (report,) = await pull(street.cpo, street.at_cpo, ("terminals",), full=True, believe=True)
    assert (report.fault, report.read, report.ended) == (None, 1, 1)
    assert await street.at(street.cpo, "terminals", "TM-1") is None
    stored = await street.at(street.cpo, "terminals", "TM-2")
    assert stored is not None and stored.key.source == street.at_cpo.id and stored.document == document

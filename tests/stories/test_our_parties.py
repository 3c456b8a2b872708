"""Which of our parties a partner is shown: in 2.1.1 the one that the credentials name, later all; and how it learns of a new one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from interplug.cli.partners import show_partner
from interplug.cli.untold import lines, untold
from interplug.modules.authorise import authorise
from interplug.modules.node import Node
from interplug.partners import registration
from interplug.store.cursors import Refused
from interplug.store.keys import Key
from interplug.sync.push import SETTLE
from tests.modules import said
from tests.nodes import own
from tests.stories.level import CPO, Roaming

SECOND = ("CPO", "NL", "UB2")


@pytest.fixture
async def old(tmp_path: Path) -> AsyncIterator[Roaming]:
    """A CPO with two parties, and an eMSP that registered in 2.1.1."""
    async for roaming in joined(tmp_path, "2.1.1"):
        await add(roaming.cpo, SECOND)
        yield roaming


@pytest.fixture
async def new(tmp_path: Path) -> AsyncIterator[Roaming]:
    """A CPO and an eMSP that speak 2.2.1; the second party is not there yet."""
    async for roaming in joined(tmp_path, "2.2.1"):
        yield roaming


async def joined(folder: Path, version: str) -> AsyncIterator[Roaming]:
    roaming = await Roaming.join(folder, version)
    yield roaming
    await roaming.close()


async def add(node: Node, party: tuple[str, str, str]) -> None:
    await node.directory.write(lambda tx: tx.parties.add(*party))


def of(party: tuple[str, str, str], document: dict[str, Any], name: str) -> dict[str, Any]:
    return {**document, "country_code": party[1], "party_id": party[2], "id": name}


async def fill(roaming: Roaming) -> None:
    for party, name in ((CPO, "A"), (SECOND, "B")):
        await own(roaming.cpo, "tariffs", of(party, said.tariff(), f"T-{name}"))
        await own(roaming.cpo, "locations", of(party, said.location(), f"L-{name}"))
        for module, document in (("sessions", {**said.session(), "location_id": f"L-{name}"}), ("cdrs", said.cdr())):
            await own(roaming.cpo, module, of(party, document, f"{module}-{name}"), audience=roaming.connection("cpo").id)


async def listed(roaming: Roaming, module: str) -> list[str]:
    return sorted(one["id"] for one in await roaming.offered(module))


async def held(roaming: Roaming, module: str, at: str = "emsp") -> list[str]:
    """What one has of the other."""
    node, connection = roaming.node(at), roaming.connection(at).id
    found: list[tuple[int, Key]] = await node.store.read(lambda tx: tx.objects.keys(0, 100, module=module, source=connection))
    return sorted(key.id for _, key in found)


async def refused(roaming: Roaming) -> list[Refused]:
    rows: list[Refused] = await roaming.cpo.store.read(lambda tx: tx.cursors.refused())
    return rows


@pytest.mark.parametrize("module", ["locations", "tariffs", "sessions", "cdrs"])
async def test_a_211_partner_is_given_the_objects_of_the_one_party_that_its_credentials_name(old: Roaming, module: str) -> None:
    await fill(old)
    await old.settle()
    theirs = old.connection("emsp").parties
    assert [str(one.party) for one in theirs] == ["NL-KAD"]
    (name,) = await listed(old, module)
    assert name.endswith("A") and await held(old, module) == [name]
    assert [one.module for one in await refused(old)] == ["cdrs"]


async def test_show_names_the_party_that_a_211_partner_sees(old: Roaming) -> None:
    assert show_partner(old.cpo, old.connection("cpo"))["sees"] == ["CPO NL-KAD"]


async def test_a_cdr_that_a_211_partner_cannot_be_sent_is_no_silence(old: Roaming) -> None:
    await fill(old)
    await old.settle()
    (row,) = await refused(old)
    assert row.reason == "NL-UB2 is no party that emsp is shown"


async def test_a_single_object_of_the_other_party_is_not_there_for_a_211_partner(old: Roaming) -> None:
    await fill(old)
    client, connection = old.emsp.client, old.connection("emsp")
    answers = [await client.call(connection, "GET", "locations", "SENDER", name) for name in ("L-A", "L-B")]
    assert [one.http for one in answers] == [200, 404]


async def test_a_211_partner_that_comes_to_speak_a_newer_version_is_told_of_all_parties(old: Roaming) -> None:
    await fill(old)
    await old.settle()
    cpo, number = old.cpo, old.connection("cpo").id
    await cpo.directory.write(lambda tx: tx.partners.change(number, pinned=None))
    await registration.rotate(old.emsp.directory, old.emsp.client, old.connection("emsp"), "2.2.1")
    old.timer.now += SETTLE
    await old.settle()
    old.version = "2.2.1"
    assert [str(one.party) for one in old.connection("emsp").parties] == ["NL-KAD", "NL-UB2"]
    assert await listed(old, "locations") == await held(old, "locations") == ["L-A", "L-B"]
    assert await held(old, "tariffs") == ["T-A", "T-B"]
    assert show_partner(old.cpo, old.connection("cpo"))["sees"] == ["CPO NL-KAD", "CPO NL-UB2"]


async def test_a_211_partner_is_shown_the_tokens_of_one_provider(tmp_path: Path) -> None:
    async for roaming in joined(tmp_path, "2.1.1"):
        await add(roaming.emsp, ("EMSP", "DE", "TWO"))
        for party, uid in (("ABC", "01"), ("TWO", "02")):
            await own(roaming.emsp, "tokens", {**said.token(uid=uid), "country_code": "DE", "party_id": party})
        await roaming.settle()
        assert [one["uid"] for one in await roaming.offered("tokens")] == ["01"]
        assert await held(roaming, "tokens", "cpo") == ["01"]


async def test_nobody_charges_at_a_party_whose_cdr_the_211_provider_could_not_take(old: Roaming) -> None:
    await fill(old)
    token = {**said.token(), "country_code": "DE", "party_id": "ABC", "whitelist": "ALWAYS"}
    await own(old.emsp, "tokens", token)
    await old.settle()
    answers = [await authorise(old.cpo, token["uid"], "RFID", place, "E1") for place in ("L-A", "L-B")]
    assert [one.allowed for one in answers] == ["ALLOWED", "NOT_ALLOWED"]


# --- a new party


async def test_a_partner_takes_the_objects_of_a_new_party_when_the_tokens_were_renewed(new: Roaming) -> None:
    await add(new.cpo, SECOND)
    await own(new.cpo, "locations", of(SECOND, said.location(), "L-B"))
    await new.settle()
    assert [one.module for one in await refused(new)] == ["locations"] and await held(new, "locations") == []
    number = new.connection("cpo").id
    (row,) = untold(new.cpo, ["CPO NL-UB2"])
    assert row["commands"] == [f"interplug partner rotate {number}"]
    await registration.rotate(new.cpo.directory, new.cpo.client, new.connection("cpo"))
    await new.settle()
    assert await refused(new) == [] and await held(new, "locations") == ["L-B"]


async def test_a_211_partner_needs_another_connection_for_a_new_party(old: Roaming) -> None:
    rows = untold(old.cpo, ["CPO NL-UB2"])
    assert [one["commands"] for one in rows] == [["interplug partner invite NAME --party NL-UB2 --version 2.1.1"]]
    assert "one party a connection" in "\n".join(lines(rows))
    assert untold(old.cpo, []) == [] and untold(old.cpo, ["EMSP NL-KAD"]) == []

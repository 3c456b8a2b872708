"""Files become our own objects: what is taken, what is repaired by name, what is refused, and whose it is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from interplug.model.types import decode_json, encode_json, format_time
from interplug.modules.node import Node
from interplug.partners.audiences import STOCK
from interplug.protocol.headers import Party
from interplug.store.keys import OWN, Key
from interplug.sync.files import Unreadable
from interplug.sync.importing import BATCH, Report, bring_in
from interplug.sync.intake import Wish
from tests.nodes import EMSP, Partner, befriend, close, make_node

CONNECTOR = {
    "id": "1",
    "standard": "IEC_62196_T2",
    "format": "SOCKET",
    "power_type": "AC_3_PHASE",
    "max_voltage": 230,
    "max_amperage": 16,
    "last_updated": "2026-01-01T00:00:00Z",
}


def location(id: str = "L1", **more: Any) -> dict[str, Any]:
    evse = {"uid": f"{id}-1", "status": "AVAILABLE", "connectors": [CONNECTOR], "last_updated": "2026-01-01T00:00:00Z"}
    return {
        "country_code": "NL",
        "party_id": "TNM",
        "id": id,
        "publish": True,
        "address": "Kade 1",
        "city": "Havenstad",
        "country": "NLD",
        "coordinates": {"latitude": "51.920000", "longitude": "4.480000"},
        "evses": [evse],
        "time_zone": "Europe/Amsterdam",
        "last_updated": "2026-01-01T00:00:00Z",
        **more,
    }


def token(**more: Any) -> dict[str, Any]:
    return {
        "country_code": "DE",
        "party_id": "XYZ",
        "uid": "0102",
        "type": "RFID",
        "contract_id": "DEXYZC1",
        "issuer": "Xyz",
        "valid": True,
        "whitelist": "ALLOWED",
        "last_updated": "2026-01-01T00:00:00Z",
        **more,
    }


@pytest.fixture
async def node(tmp_path: Path):
    made = await make_node(tmp_path, [("CPO", "NL", "TNM")])
    yield made
    await close(made)


async def take(node: Node, documents: list[Any] | bytes, **wish: Any) -> Report:
    report = Report()
    content = documents if isinstance(documents, bytes) else encode_json(documents)
    await bring_in(node.directory, io.BytesIO(content), Wish(**wish), report)
    return report


async def stored(node: Node, module: str, id: str) -> list[Any]:
    return await node.store.read(lambda tx: tx.objects.find_id(module, id, OWN))


async def test_what_is_in_the_file_is_ours_and_says_the_same(node: Node) -> None:
    report = await take(node, [location("L1", extra={"kept": "as it was"}), location("L2")])
    assert (report.accepted, report.created, report.refused) == (2, 2, 0)
    assert (await stored(node, "locations", "L1"))[0].document == location("L1", extra={"kept": "as it was"})


async def test_the_same_file_again_changes_nothing(node: Node) -> None:
    await take(node, [location()])
    head = await node.store.look()
    report = await take(node, [location()])
    assert (report.accepted, report.unchanged) == (1, 1)
    assert await node.store.look() == head


async def test_a_changed_object_is_told_to_readers_of_the_log(node: Node) -> None:
    await take(node, [location("L1"), location("L2")])
    head = await node.store.look()
    report = await take(node, [location("L1"), location("L2", name="New", last_updated="2026-01-02T00:00:00Z")])
    assert (report.changed, report.unchanged) == (1, 1)
    assert [change.key.id for change in await node.store.read(lambda tx: tx.objects.changes(head, 10))] == ["L2"]


async def test_a_bad_object_costs_itself_alone_and_is_kept_with_its_reason(node: Node) -> None:
    bad = location(
        "L2",
        evses=[{"uid": "E1", "status": "AVAILABLE", "connectors": [{**CONNECTOR, "id": "x" * 40}], "last_updated": "2026-01-01T00:00:00Z"}],
    )
    report = await take(node, [location("L1"), bad, location("L3")])
    assert (report.accepted, report.refused) == (2, 1)
    (reason,) = report.document()["reasons"]
    assert reason == {
        "module": "locations",
        "path": "$.evses[].connectors[].id",
        "reason": "is longer than 36 characters",
        "count": 1,
        "example": "L2",
    }
    (held,) = await node.store.read(lambda tx: tx.quarantine.list())
    assert (held.id, held.path, decode_json(held.original)) == ("L2", "$.evses[0].connectors[0].id", bad)
    assert await stored(node, "locations", "L2") == []


@pytest.mark.parametrize("line", [b"{broken", b"17", b'{"id":"1"}', b"[" * 5000 + b"]" * 5000])
async def test_a_line_that_is_no_object_of_ocpi_is_refused_with_its_bytes(node: Node, line: bytes) -> None:
    report = await take(node, encode_json(location()) + b"\n" + line + b"\n")
    assert (report.accepted, report.refused) == (1, 1)
    (held,) = await node.store.read(lambda tx: tx.quarantine.list())
    assert held.original == line


async def test_repairs_are_named_and_counted(node: Node) -> None:
    report = await take(node, [location(coordinates={"latitude": "51.92", "longitude": "4.48"}), location("L2")])
    assert (report.accepted, report.repaired) == (2, 1)
    assert report.repairs["coordinates"] >= 1


async def test_a_party_that_nobody_knows_becomes_ours_in_the_role_of_its_objects(node: Node) -> None:
    report = await take(node, [token()])
    assert report.parties == ["EMSP DE-XYZ"]
    assert [(one.role, one.party_id) for one in node.directory.our_parties("EMSP")] == [("EMSP", "XYZ")]
    assert (await stored(node, "tokens", "0102"))[0].key == Key("tokens", OWN, "DE", "XYZ", "0102", "RFID")


async def test_a_partners_party_stays_the_partners(node: Node) -> None:
    await befriend(node, "2.2.1", parties=[EMSP])
    report = await take(node, [token(country_code="DE", party_id="ABC")])
    assert (report.accepted, report.refused, report.parties) == (0, 1, [])
    assert "partner's party" in report.document()["reasons"][0]["reason"]


async def test_only_the_parties_that_were_named(node: Node) -> None:
    report = await take(node, [location("L1"), location("L2", party_id="OTH")], parties=(Party("nl", "tnm"),))
    assert (report.accepted, report.refused, report.parties) == (1, 1, [])


async def test_objects_that_name_no_owner_belong_to_the_only_party(node: Node) -> None:
    older = {name: value for name, value in location().items() if name not in ("country_code", "party_id", "publish", "time_zone")}
    report = await take(node, [{**older, "type": "ON_STREET"}])
    assert report.versions == {"2.1.1": 1}
    found = (await stored(node, "locations", "L1"))[0]
    assert (found.key.country, found.key.party, found.document["parking_type"]) == ("NL", "TNM", "ON_STREET")


async def test_without_a_party_nobody_knows_whose_a_211_object_is(tmp_path: Path) -> None:
    node = await make_node(tmp_path, [("CPO", "NL", "TNM"), ("CPO", "NL", "OTH")], name="two")
    older = {name: value for name, value in location().items() if name not in ("country_code", "party_id", "publish")}
    assert "--party" in (await take(node, [{**older, "type": "ON_STREET"}])).document()["reasons"][0]["reason"]
    assert (await take(node, [{**older, "type": "ON_STREET"}], parties=(Party("NL", "OTH"),))).accepted == 1
    await close(node)


async def test_the_version_may_be_told_instead_of_recognised(node: Node) -> None:
    report = await take(node, [location()], version="2.3.0")
    assert report.versions == {"2.3.0": 1}


async def test_more_than_a_transaction_and_a_broken_end(node: Node) -> None:
    whole = encode_json([location(f"L{number}") for number in range(BATCH * 2 + 3)])
    report = Report()
    with pytest.raises(Unreadable):
        await bring_in(node.directory, io.BytesIO(whole[:-1]), Wish(), report)
    assert report.created == BATCH * 2 + 3
    assert (await node.store.read(lambda tx: tx.objects.counts()))[("locations", OWN)] == BATCH * 2 + 3


async def test_tariffs_are_kept_as_evidence_as_they_came(node: Node) -> None:
    tariff = {
        "country_code": "NL",
        "party_id": "TNM",
        "id": "T1",
        "currency": "EUR",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0.25, "step_size": 1}]}],
        "last_updated": "2026-01-01T00:00:00Z",
    }
    raw = encode_json(tariff)
    await take(node, raw)
    (kept,) = await node.store.read(lambda tx: tx.history.versions_of(Key("tariffs", OWN, "NL", "TNM", "T1")))
    assert (kept.document, kept.version) == (raw, "2.2.1")


# --- partners who ask by date


YEARS_AGO = "2019-05-01T00:00:00Z"


def old(id: str) -> dict[str, Any]:
    evse = {"uid": f"{id}-1", "status": "AVAILABLE", "connectors": [{**CONNECTOR, "last_updated": YEARS_AGO}], "last_updated": YEARS_AGO}
    return location(id, evses=[evse], last_updated=YEARS_AGO)


async def since(partner: Partner, moment: str) -> list[str]:
    return sorted(one["id"] for one in (await partner.fetch(f"locations?date_from={moment}")).data)


@pytest.mark.req("LOC-009")
async def test_a_partner_who_asks_by_date_hears_of_what_came_since_however_old_it_says_it_is(node: Node) -> None:
    await take(node, [old("OLD"), old("SAME")])
    assert (await stored(node, "locations", "OLD"))[0].document == old("OLD"), "nobody has asked yet"
    partner = await befriend(node, "2.3.0")
    asked = format_time(node.clock())
    assert await since(partner, asked) == []
    evse = {
        "uid": "E1",
        "status": "AVAILABLE",
        "connectors": [{**CONNECTOR, "last_updated": YEARS_AGO}],
        "last_updated": "2020-01-01T00:00:00Z",
    }
    report = await take(
        node,
        [
            old("NEW"),
            location("OLD", name="Renamed", last_updated="2021-01-01T00:00:00Z", evses=[evse]),
            old("SAME"),
        ],
    )
    assert (report.created, report.changed, report.unchanged, report.dated) == (1, 1, 1, 2)
    assert await since(partner, asked) == ["NEW", "OLD"]
    (found,) = await stored(node, "locations", "OLD")
    assert evse in found.document["evses"], "an EVSE has its own time"


async def test_the_same_file_again_is_no_change_with_partners_either(node: Node) -> None:
    await befriend(node, "2.3.0")
    await take(node, [old("L1")])
    head = await node.store.look()
    report = await take(node, [old("L1")])
    assert (report.unchanged, report.dated, await node.store.look()) == (1, 0, head)


async def test_the_times_of_the_file_can_be_kept_and_those_ahead_are(node: Node) -> None:
    await befriend(node, "2.3.0")
    await take(node, [old("L1")], keep_times=True)
    assert (await stored(node, "locations", "L1"))[0].document["last_updated"] == YEARS_AGO
    await take(node, [location("L2", last_updated="2099-01-01T00:00:00Z")])
    assert (await stored(node, "locations", "L2"))[0].document["last_updated"] == "2099-01-01T00:00:00Z"


async def test_tokens_that_come_later_reach_who_asks_by_date(node: Node) -> None:
    partner = await befriend(node, "2.3.0")
    asked = format_time(node.clock())
    await node.directory.write(lambda tx: tx.parties.add("EMSP", "NL", "TNM"))
    report = await take(node, [token(last_updated=YEARS_AGO)])
    assert (report.created, report.dated) == (1, 1)
    assert len((await partner.fetch(f"tokens?date_from={asked}")).data) == 1


# --- payment terminals


def terminal(**more: Any) -> dict[str, Any]:
    return {"terminal_id": "TM-1", "reference": "SN-1", "city": "Wien", "last_updated": "2026-01-01T00:00:00Z", **more}


@pytest.fixture
async def provider(tmp_path: Path):
    made = await make_node(tmp_path, [("PTP", "AT", "PAY")])
    yield made
    await close(made)


async def test_terminals_are_those_of_our_ptp_and_in_stock_until_an_operator_has_them(provider: Node) -> None:
    report = await take(provider, [terminal(), terminal(terminal_id="TM-2")])
    assert (report.created, dict(report.modules), report.parties) == (2, {"terminals": 2}, [])
    (one,) = await stored(provider, "terminals", "TM-1")
    stock = await provider.store.write(lambda tx: tx.parties.audience_class(STOCK))
    assert (one.key.country, one.key.party, one.audience, one.document) == ("AT", "PAY", stock, terminal())


async def test_a_terminal_goes_to_the_operator_that_it_names(provider: Node) -> None:
    partner = await befriend(provider, "2.3.0", parties=[("CPO", "NL", "TNM")])
    await take(provider, [terminal(country_code="NL", party_id="TNM"), terminal(terminal_id="TM-2", country_code="BE", party_id="XXX")])
    assert (await stored(provider, "terminals", "TM-1"))[0].audience == partner.connection.id
    assert (await stored(provider, "terminals", "TM-2"))[0].audience != partner.connection.id


async def test_what_an_operator_has_said_about_a_terminal_stays(provider: Node) -> None:
    await take(provider, [terminal()])
    (known,) = await stored(provider, "terminals", "TM-1")
    assigned = {**known.document, "location_ids": ["L1"], "invoice_creator": "CPO"}
    await provider.store.write(lambda tx: tx.objects.save(known.key, assigned, last_updated=provider.clock()))
    assert (await take(provider, [terminal(city="Linz", last_updated="2030-01-02T00:00:00Z")])).changed == 1
    (now,) = await stored(provider, "terminals", "TM-1")
    assert (now.document["city"], now.document["location_ids"], now.audience) == ("Linz", ["L1"], known.audience)


async def test_a_terminal_of_nobody_of_ours_is_refused(node: Node) -> None:
    report = await take(node, [terminal()])
    assert report.refused == 1 and "role PTP" in report.document()["reasons"][0]["reason"]
    report = await take(node, [terminal()], parties=(Party("NL", "TNM"),))
    assert report.refused == 1

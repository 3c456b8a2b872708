"""Tariffs at their receiver: replaced as a whole, deleted, patched in 2.1.1 alone."""

from decimal import Decimal

import pytest

from interplug.modules.node import Node
from interplug.modules.rows import MODULES
from interplug.store.keys import Key
from tests.modules.said import said, tariff, theirs
from tests.nodes import Clock, Partner

URL = "tariffs/BE/XYZ/T1"


@pytest.mark.req("TAR-010", "TAR-003")
async def test_put_and_get(partner: Partner, version: str) -> None:
    document = said("tariff", theirs(tariff()), version)
    put = await partner.send("PUT", URL, document)
    assert (put.http, put.code) == (201, 1000)
    assert (await partner.send("GET", URL)).data == document
    assert (await partner.send("GET", "tariffs/BE/XYZ/T2")).http == 404


@pytest.mark.req("TAR-008")
async def test_a_deleted_tariff_is_gone_and_may_come_back(node: Node, partner: Partner, version: str) -> None:
    document = said("tariff", theirs(tariff()), version)
    await partner.send("PUT", URL, document)
    assert (await partner.send("DELETE", URL)).ok
    assert [(await partner.send(method, URL)).http for method in ("GET", "DELETE")] == [404, 404]
    assert (await partner.send("PUT", URL, document)).ok
    assert (await partner.send("GET", URL)).ok
    kept = await node.store.read(lambda tx: tx.history.versions_of(Key("tariffs", partner.connection.id, "BE", "XYZ", "T1")))
    assert kept


@pytest.mark.req("TAR-005", "TAR-004")
@pytest.mark.parametrize(("field", "value"), [("id", "T2"), ("party_id", "ABC")])
async def test_ids_that_contradict_the_url_are_2001(partner: Partner, version: str, field: str, value: str) -> None:
    answer = await partner.send("PUT", URL, {**said("tariff", theirs(tariff()), version), field: value})
    assert (answer.http, answer.code) == (200, 2001)


@pytest.mark.req("TAR-006")
@pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
async def test_patch_is_not_supported(partner: Partner, version: str, clock: Clock) -> None:
    await partner.send("PUT", URL, said("tariff", theirs(tariff()), version))
    assert (await partner.send("PATCH", URL, {"currency": "SEK", "last_updated": clock.text(1)})).http == 405
    assert (await partner.send("GET", URL)).data["currency"] == "EUR"


@pytest.mark.req("TAR-007")
@pytest.mark.parametrize("version", ["2.1.1"], indirect=True)
async def test_2_1_1_patches_and_replaces_the_list_of_elements(partner: Partner, version: str, clock: Clock) -> None:
    await partner.send("PUT", URL, said("tariff", theirs(tariff()), version))
    elements = [{"price_components": [{"type": "TIME", "price": Decimal("2.50"), "step_size": 60}]}]
    answer = await partner.send("PATCH", URL, {"elements": elements, "last_updated": clock.text(1)})
    assert answer.ok, answer.message
    shown = (await partner.send("GET", URL)).data
    assert (shown["elements"], shown["currency"]) == (elements, "EUR")


@pytest.mark.req("TAR-011", "STS-014")
@pytest.mark.parametrize("elements", [[], [{"price_components": []}], None])
async def test_a_tariff_without_elements_or_components_is_refused(partner: Partner, version: str, elements: object) -> None:
    answer = await partner.send("PUT", URL, {**said("tariff", theirs(tariff()), version), "elements": elements})
    assert (answer.http, answer.code) == (200, 2001)
    assert "elements" in (answer.message or "")


async def test_every_version_of_a_tariff_is_kept_as_it_came(node: Node, partner: Partner, version: str, clock: Clock) -> None:
    for seconds, currency in enumerate(("EUR", "SEK")):
        document = theirs(tariff(currency=currency, last_updated=clock.text(seconds)))
        await partner.send("PUT", URL, said("tariff", document, version))
    kept = await node.store.read(lambda tx: tx.history.versions_of(Key("tariffs", partner.connection.id, "BE", "XYZ", "T1")))
    assert [(one.version, one.connection, b'"SEK"' in one.document) for one in kept] == [
        (version, partner.connection.id, False),
        (version, partner.connection.id, True),
    ]


@pytest.mark.req("LOC-007")
@pytest.mark.parametrize("version", ["2.1.1", "2.2.1", "2.3.0"])
def test_whoever_takes_locations_takes_their_tariffs(version: str) -> None:
    """Connectors name Tariffs; a receiver of the one without the other could show no price."""
    served = {(module.id, role) for module in MODULES for role in module.roles("RECEIVER") if module.served(version, "RECEIVER")}
    for role in ("EMSP", "NSP", "HUB"):
        assert (("locations", role) in served) == (("tariffs", role) in served)
    assert ("tariffs", "EMSP") in served

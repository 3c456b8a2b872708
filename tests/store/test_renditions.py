"""Bytes for a version: known, handed back, dropped with the change, never kept late."""

from typing import Any

import pytest

from interplug.model.types import decode_json
from tests.store.conftest import Desk
from tests.store.samples import evse, key, location, tariff

LOC = key("LOC1", "locations")


async def body(desk: Desk, version: str, module: str = "tariffs") -> bytes | None:
    page = await desk.page(module, version=version)
    bytes_or_none = page.bodies[0]
    return bytes_or_none


async def keep(desk: Desk, pk: int, version: str, raw: bytes | None, changed_no: int | None = None) -> None:
    async def work(tx: Any) -> None:
        _, number = await tx.objects.whole(pk)
        await tx.objects.keep([(pk, version, changed_no or number, raw)])

    await desk.write(work)


async def test_what_was_saved_is_right_for_the_newest_version_only(desk: Desk) -> None:
    await desk.save(key("T1"), tariff("T1"))
    assert decode_json(await body(desk, "2.3.0") or b"") == tariff("T1")
    assert await body(desk, "2.2.1") is None


async def test_the_newest_bytes_can_be_right_for_older_versions(desk: Desk) -> None:
    saved = await desk.save(key("T1"), tariff("T1"))
    await keep(desk, saved.pk, "2.2.1", None)
    assert await body(desk, "2.2.1") == await body(desk, "2.3.0")
    assert await body(desk, "2.1.1") is None


async def test_a_rendition_is_kept_until_the_object_changes(desk: Desk) -> None:
    saved = await desk.save(key("T1"), tariff("T1"))
    await keep(desk, saved.pk, "2.1.1", b"{}")
    await keep(desk, saved.pk, "2.2.1", b"[]")
    assert (await body(desk, "2.1.1"), await body(desk, "2.2.1")) == (b"{}", b"[]")
    await desk.save(key("T1"), tariff("T1", 1, currency="SEK"), 1)
    assert (await body(desk, "2.1.1"), await body(desk, "2.2.1")) == (None, None)
    assert await desk.read(lambda tx: tx.db.one("select count(*) from body")) == (1,)


async def test_a_rendition_of_a_state_that_has_passed_is_not_kept(desk: Desk) -> None:
    saved = await desk.save(key("T1"), tariff("T1"))
    _, before = await desk.read(lambda tx: tx.objects.whole(saved.pk))
    await desk.save(key("T1"), tariff("T1", 1, currency="SEK"), 1)
    await keep(desk, saved.pk, "2.1.1", b"{}", before)
    await keep(desk, saved.pk, "2.2.1", None, before)
    assert (await body(desk, "2.1.1"), await body(desk, "2.2.1")) == (None, None)


async def test_an_empty_rendition_means_withheld(desk: Desk) -> None:
    saved = await desk.save(key("T1"), tariff("T1"))
    await keep(desk, saved.pk, "2.1.1", b"")
    assert await body(desk, "2.1.1") == b""


async def test_the_whole_of_a_location_is_a_rendition_too(desk: Desk) -> None:
    document = location("LOC1", 1, [evse("A", 1)])
    saved = await desk.save(LOC, document, 1)
    assert await body(desk, "2.3.0", "locations") is None
    await keep(desk, saved.pk, "2.2.1", None)
    assert decode_json(await body(desk, "2.2.1", "locations") or b"") == document
    assert decode_json(await body(desk, "2.3.0", "locations") or b"") == document
    assert await body(desk, "2.1.1", "locations") is None


@pytest.mark.parametrize("version", ["2.3.0", "2.2.1", "2.1.1"])
@pytest.mark.parametrize("raw", [None, b'{"id":"LOC1"}'])
async def test_every_touch_of_a_location_drops_them(desk: Desk, version: str, raw: bytes | None) -> None:
    saved = await desk.save(LOC, location("LOC1", 1, [evse("A", 1)]), 1)
    touches = [
        lambda: desk.save_evse(LOC, evse("A", 2, "CHARGING"), 2),
        lambda: desk.save_evse(LOC, evse("B", 3), 3),
        lambda: desk.save(LOC, location("LOC1", 4, city="Assen"), 4, whole=False),
        lambda: desk.save(LOC, location("LOC1", 5, [evse("B", 3)], city="Assen"), 5),
        lambda: desk.save(LOC, location("LOC1", 6, [evse("B", 3), evse("A", 6)], city="Assen"), 6),
    ]
    for touch in touches:
        await keep(desk, saved.pk, version, raw)
        assert await body(desk, version, "locations") is not None
        await touch()
        assert await body(desk, version, "locations") is None
    assert await desk.read(lambda tx: tx.db.one("select count(*) from body")) == (1,)


async def test_a_page_of_kept_bodies_is_one_statement_for_the_feeds_and_one_for_the_rows(desk: Desk) -> None:
    for n in range(20):
        await desk.save(key(f"T{n}"), tariff(f"T{n}"))
    with desk.statements() as statements:
        await desk.page(limit=20)
    assert [sql.split()[0] for sql in statements] == ["select", "select"]

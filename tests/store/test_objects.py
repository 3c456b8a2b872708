"""What `save` promises, for every module."""

from decimal import Decimal

import pytest

from interplug.store.keys import GONE, OWN, Evidence, Key
from tests.store.conftest import Desk, Opener
from tests.store.samples import at, key, tariff

PARTNER = 7


async def test_what_was_saved_is_read_with_its_unknown_fields(desk: Desk) -> None:
    document = tariff("T1", 5, vendor={"x": [1, Decimal("0.10")]})
    saved = await desk.save(key("T1"), document, 5)
    stored = await desk.get(key("T1"))
    assert (saved.created, saved.changed, saved.stale) == (True, True, False)
    assert stored is not None and stored.pk == saved.pk
    assert (stored.document, stored.last_updated, stored.audience) == (document, at(5), 0)


@pytest.mark.req("TRN-044")
@pytest.mark.parametrize("other", [{"party": "XYZ"}, {"source": 8}, {"module": "tokens"}])
async def test_equal_ids_of_other_parties_sources_and_modules_are_other_objects(desk: Desk, other: dict[str, object]) -> None:
    mine, theirs = key("T1", source=PARTNER), key("T1", **({"source": PARTNER} | other))  # type: ignore[arg-type]
    await desk.save(mine, tariff("T1", currency="EUR"))
    await desk.save(theirs, tariff("T1", currency="SEK"))
    assert ((await desk.document(mine))["currency"], (await desk.document(theirs))["currency"]) == ("EUR", "SEK")


async def test_tokens_are_told_apart_by_their_type(desk: Desk) -> None:
    card, app = (Key("tokens", OWN, "NL", "ABC", "0123", kind) for kind in ("RFID", "APP_USER"))
    await desk.save(card, tariff("0123", type="RFID"))
    await desk.save(app, tariff("0123", type="APP_USER"))
    assert (await desk.document(card))["type"] == "RFID"


async def test_ids_compare_without_case_and_keep_the_spelling_of_the_first(desk: Desk) -> None:
    await desk.save(Key("tariffs", OWN, "NL", "ABC", "Night-1"), tariff("Night-1"))
    saved = await desk.save(Key("tariffs", OWN, "nl", "abc", "NIGHT-1"), tariff("NIGHT-1", 1), 1)
    stored = await desk.get(Key("tariffs", OWN, "nl", "Abc", "night-1"))
    assert stored is not None and not saved.created
    assert stored.key == Key("tariffs", OWN, "NL", "ABC", "Night-1")


async def test_strictly_older_is_stale_counted_and_not_applied(desk: Desk) -> None:
    place = key("T1", source=PARTNER)
    await desk.save(place, tariff("T1", 10), 10)
    head = desk.store.head
    saved = await desk.save(place, tariff("T1", 9, currency="SEK"), 9)
    assert (saved.stale, saved.changed, desk.store.head) == (True, False, head)
    assert (await desk.document(place))["currency"] == "EUR"
    assert await desk.read(lambda tx: tx.objects.stale("tariffs", PARTNER)) == 1


async def test_a_time_far_ahead_does_not_freeze_what_it_came_with(desk: Desk) -> None:
    place, ahead, now = key("T1", source=PARTNER), 10**9, 100.0
    await desk.save(place, tariff("T1", ahead), ahead)
    assert (await desk.save(place, tariff("T1", 1, currency="SEK"), 1, evidence=arrived(now + 3600))).stale
    assert (await desk.save(place, tariff("T1", now, currency="SEK"), now, evidence=arrived(now))).changed
    assert await desk.document(place) == tariff("T1", now, currency="SEK")
    assert (await desk.save(place, tariff("T1", now - 1), now - 1, evidence=arrived(now))).stale


def arrived(seconds: float) -> Evidence:
    return Evidence(b"{}", PARTNER, "2.3.0", at(seconds))


async def test_older_is_applied_when_forced(desk: Desk) -> None:
    place = key("T1", source=PARTNER)
    await desk.save(place, tariff("T1", 10), 10)
    assert (await desk.save(place, tariff("T1", 9, currency="SEK"), 9, force=True)).changed
    assert await desk.document(place) == tariff("T1", 9, currency="SEK")


async def test_as_old_as_what_is_stored_is_not_stale(desk: Desk) -> None:
    place = key("T1", source=PARTNER)
    await desk.save(place, tariff("T1", 10), 10)
    assert (await desk.save(place, tariff("T1", 10, currency="SEK"), 10)).changed


async def test_the_same_content_takes_no_number(desk: Desk) -> None:
    await desk.save(key("T1"), {"price": Decimal("1.50"), **tariff("T1")})
    head = desk.store.head
    saved = await desk.save(key("T1"), {**tariff("T1"), "price": Decimal("1.5")})
    assert (saved.changed, saved.stale, desk.store.head) == (False, False, head)


@pytest.mark.parametrize("seconds", [10, 3])
async def test_our_own_last_updated_always_grows(open_store: Opener, seconds: int) -> None:
    desk = Desk(open_store(clock=lambda: at(10)))
    await desk.save(key("T1"), tariff("T1", 10), 10)
    assert (await desk.save(key("T1"), tariff("T1", seconds, currency="SEK"), seconds)).changed
    stored = await desk.get(key("T1"))
    assert stored is not None and stored.last_updated == at(10.001)
    assert stored.document == tariff("T1", 10.001, currency="SEK")


async def test_our_own_change_is_as_new_as_the_moment_at_which_it_came(open_store: Opener) -> None:
    """Whatever its owner wrote there; who asks for what has changed since yesterday has to hear of it."""
    desk = Desk(open_store(clock=lambda: at(86_400.5)))
    await desk.save(key("T1"), tariff("T1", 10), 10)
    await desk.save(key("T1"), tariff("T1", 10, currency="SEK"), 10)
    assert await desk.document(key("T1")) == tariff("T1", 86_400.5, currency="SEK")


async def test_where_our_clock_was_set_back_every_state_has_a_second_of_its_own(open_store: Opener) -> None:
    """2.1.1 knows no fractions, and an older state of the same second would pass for as new; but nothing runs far ahead of the clock."""
    now = [at(60)]
    desk = Desk(open_store(clock=lambda: now[0]))
    await desk.save(key("T1"), tariff("T1", 60), 60)
    now[0] = at(10)
    seen = []
    for number in range(400):
        await desk.save(key("T1"), {**tariff("T1", 10), "number": number}, 10)
        stored = await desk.get(key("T1"))
        assert stored is not None
        seen.append(stored.last_updated)
    assert seen[:3] == [at(61), at(62), at(63)]
    assert seen == sorted(set(seen)) and seen[-1] < at(311)


async def test_our_own_content_said_again_with_an_older_time_is_no_change(desk: Desk) -> None:
    await desk.save(key("T1"), tariff("T1", 10), 10)
    assert not (await desk.save(key("T1"), tariff("T1", 3), 3)).changed


@pytest.mark.req("TRN-083")
async def test_the_last_updated_of_others_is_kept_as_it_was_spelled(desk: Desk) -> None:
    document = {**tariff("T1"), "last_updated": "2026-01-01T01:00:00.120+01:00"}
    await desk.save(key("T1", source=PARTNER), document, 0.12)
    assert (await desk.document(key("T1", source=PARTNER)))["last_updated"] == "2026-01-01T01:00:00.120+01:00"


async def test_received_at_stands_apart_from_last_updated(desk: Desk) -> None:
    await desk.save(key("T1"), tariff("T1", 10), 10)
    stored = await desk.get(key("T1"))
    assert stored is not None and stored.received_at > at(10)


async def test_a_removed_object_is_seen_by_nobody_and_can_come_back(desk: Desk) -> None:
    await desk.save(key("T1"), tariff("T1"))
    after = desk.store.head
    assert await desk.write(lambda tx: tx.objects.remove(key("T1")))
    assert await desk.get(key("T1")) is None
    assert (await desk.page()).total == 0
    [gone] = await desk.read(lambda tx: tx.objects.changes(after, 10))
    assert (gone.what, gone.audience, gone.was) == ("audience", GONE, (0,))
    assert not await desk.write(lambda tx: tx.objects.remove(key("T1")))
    assert (await desk.save(key("T1"), tariff("T1", 1), 1)).created
    assert (await desk.page()).total == 1


async def test_an_id_is_found_over_all_sources(desk: Desk) -> None:
    for source in (PARTNER, OWN, 9):
        await desk.save(key("t1", source=source), tariff("t1"))
    found = await desk.read(lambda tx: tx.objects.find_id("tariffs", "T1"))
    assert [stored.key.source for stored in found] == [OWN, PARTNER, 9]
    assert [stored.key.source for stored in await desk.read(lambda tx: tx.objects.find_id("tariffs", "T1", 9))] == [9]


async def test_each_walks_everything_in_the_order_of_creation(desk: Desk) -> None:
    async def many(tx):  # type: ignore[no-untyped-def]
        for n in range(450):
            await tx.objects.save(key(f"T{n}", source=n % 2), tariff(f"T{n}"), last_updated=at(0))

    async def walk(tx):  # type: ignore[no-untyped-def]
        return [stored.key.id async for stored in tx.objects.each("tariffs")], [s.key.id async for s in tx.objects.each("tariffs", 1)]

    await desk.write(many)
    everything, ours = await desk.read(walk)
    assert everything == [f"T{n}" for n in range(450)]
    assert ours == [f"T{n}" for n in range(1, 450, 2)]

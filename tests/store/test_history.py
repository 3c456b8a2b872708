"""What was not kept on day one cannot be had on day 365."""

import hashlib
from typing import Any

import pytest

from interplug.store.history import Version
from interplug.store.keys import Evidence
from tests.store.conftest import Desk
from tests.store.samples import at, key, tariff

PARTNER = 7


async def versions(desk: Desk, module: str, source: int = PARTNER) -> list[Version]:
    return list(await desk.read(lambda tx: tx.history.versions_of(key("X", module, source))))


def session(seconds: float, status: str, *starts: str) -> dict[str, Any]:
    return tariff("X", seconds, status=status, charging_periods=[{"start_date_time": start} for start in starts])


@pytest.mark.parametrize("module", ["tariffs", "cdrs"])
async def test_every_version_is_kept_as_it_arrived(desk: Desk, module: str) -> None:
    for n in range(3):
        raw = b'{"n": %d}' % n
        evidence = Evidence(raw, PARTNER, "2.1.1", at(100 + n))
        await desk.save(key("X", module, PARTNER), tariff("X", n, n=n), n, evidence=evidence)
    kept = await versions(desk, module)
    assert [(one.document, one.why, one.no) for one in kept] == [
        (b'{"n": 0}', "new", 1),
        (b'{"n": 1}', "changed", 2),
        (b'{"n": 2}', "changed", 3),
    ]
    assert {(one.connection, one.version) for one in kept} == {(PARTNER, "2.1.1")}
    assert [one.received_at for one in kept] == [at(100), at(101), at(102)]
    assert kept[0].sha256 == hashlib.sha256(b'{"n": 0}').digest()


async def test_our_own_are_kept_too_and_what_was_not_applied_is_not(desk: Desk) -> None:
    await desk.save(key("X"), tariff("X", 5), 5)
    await desk.save(key("X"), tariff("X", 5), 5)
    await desk.save(key("X", source=PARTNER), tariff("X", 5), 5)
    await desk.save(key("X", source=PARTNER), tariff("X", 4, currency="SEK"), 4)
    assert [len(await versions(desk, "tariffs", source)) for source in (0, PARTNER)] == [1, 1]


async def test_the_version_known_at_a_time(desk: Desk) -> None:
    for n in range(3):
        await desk.save(key("X"), tariff("X", n), n, evidence=Evidence(b"%d" % n, 0, "2.3.0", at(10 * n)))
    found = [await desk.read(lambda tx, s=s: tx.history.at(key("X"), at(s))) for s in (-1, 0, 9, 10, 99)]
    assert [None if one is None else one.document for one in found] == [None, b"0", b"0", b"1", b"2"]


async def test_sessions_keep_each_change_of_status_and_each_new_period(desk: Desk) -> None:
    steps = [
        session(0, "PENDING"),
        session(1, "ACTIVE", "10:00"),
        {**session(2, "ACTIVE", "10:00"), "kwh": 3},
        session(3, "ACTIVE", "10:00", "10:15"),
        session(4, "COMPLETED", "10:00", "10:15"),
    ]
    for n, document in enumerate(steps):
        await desk.save(key("X", "sessions", PARTNER), document, n)
    assert [one.why for one in await versions(desk, "sessions")] == ["new", "status", "period", "status"]


async def test_locations_and_tokens_have_no_history(desk: Desk) -> None:
    for module in ("locations", "tokens"):
        await desk.save(key("X", module, PARTNER), tariff("X"))
        assert await versions(desk, module) == []


async def test_history_is_undone_with_its_transaction(desk: Desk) -> None:
    async def work(tx: Any) -> None:
        await tx.objects.save(key("X", source=PARTNER), tariff("X"), last_updated=at(0))
        raise LookupError

    with pytest.raises(LookupError):
        await desk.write(work)
    assert await versions(desk, "tariffs") == []


async def test_a_document_that_contradicts_ours_can_be_kept_as_evidence(desk: Desk) -> None:
    place = key("X", "cdrs", PARTNER)
    await desk.save(place, tariff("X"))
    conflict = Evidence(b"other", PARTNER, "2.2.1", at(9))
    await desk.write(lambda tx: tx.history.add(place, 0, "conflict", conflict))
    assert [one.why for one in await versions(desk, "cdrs")] == ["new", "conflict"]


async def test_only_retention_removes(desk: Desk) -> None:
    for n in range(4):
        await desk.save(key("X", source=PARTNER), tariff("X", n), n, evidence=Evidence(b"%d" % n, PARTNER, "2.2.1", at(n)))
    assert await desk.write(lambda tx: tx.history.forget("tariffs", at(2))) == 2
    assert [one.document for one in await versions(desk, "tariffs")] == [b"2", b"3"]


async def test_that_a_tariff_was_removed_and_came_back_is_known_with_its_times(desk: Desk) -> None:
    def said(seconds: float) -> Evidence:
        return Evidence(b"%d" % seconds, PARTNER, "2.2.1", at(seconds))

    where = key("X", source=PARTNER)
    await desk.save(where, tariff("X", 1), 1, evidence=said(1))
    await desk.write(lambda tx: tx.objects.remove(where, said(2)))
    await desk.save(where, tariff("X", 1), 1, evidence=said(3))
    await desk.write(lambda tx: tx.objects.remove(where, said(4)))
    await desk.save(where, tariff("X", 5, currency="SEK"), 5, evidence=said(5))
    kept = await versions(desk, "tariffs")
    assert [(one.why, one.received_at) for one in kept] == [
        ("new", at(1)),
        ("removed", at(2)),
        ("returned", at(3)),
        ("removed", at(4)),
        ("changed", at(5)),
    ]

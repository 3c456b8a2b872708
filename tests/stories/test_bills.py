"""A bill from the operator's back-end to the provider and back: wrong ones do not leave, and what leaves wrong is found out."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from interplug.charges import corrections, holding
from interplug.charges.checking import Checker
from interplug.charges.missing import missing
from interplug.model.types import decode_json, encode_json, format_time
from interplug.store.checks import Listed, Wanted
from interplug.store.keys import OWN, Stored
from interplug.sync import files
from interplug.sync.importing import Report, bring_in
from interplug.sync.intake import Wish
from interplug.sync.pull import pull
from tests.model import documents
from tests.nodes import SECOND, T0, own
from tests.stories.level import Roaming

Document = dict[str, Any]
OURS = {"country_code": "NL", "party_id": "KAD"}
TARIFF = {**documents.TARIFF, **OURS, "last_updated": format_time(T0)}
HOURS = 3600.0


@pytest.fixture(params=["2.1.1", "2.2.1", "2.3.0"])
async def roaming(request: pytest.FixtureRequest, engine: str, tmp_path: Path) -> AsyncIterator[Roaming]:
    joined = await Roaming.join(tmp_path, request.param)
    await own(joined.emsp, "tokens", {**documents.TOKEN, "last_updated": format_time(T0)})
    place = {**documents.LOCATION, **OURS, "evses": [documents.EVSE]}
    await own(joined.cpo, "locations", place)
    await own(joined.cpo, "tariffs", TARIFF)
    await joined.settle()
    joined.clock.move(4 * HOURS)
    yield joined
    await joined.close()


LATER = pytest.mark.parametrize("roaming", ["2.2.1", "2.3.0"], indirect=True)


def at(hours: float) -> str:
    return format_time(T0 + int(hours * HOURS * SECOND))


def cdr(name: str = "C1", cost: str = "2.50", **more: Any) -> Document:
    """Ten kWh in an hour, at 0.25."""
    period = {"start_date_time": at(1), "tariff_id": "T1", "dimensions": [{"type": "ENERGY", "volume": 10}, {"type": "TIME", "volume": 1}]}
    times = {"start_date_time": at(1), "end_date_time": at(2), "last_updated": at(2)}
    figures = {"total_energy": 10, "total_time": 1, "total_cost": {"before_taxes": Decimal(cost)}}
    said = {"session_id": f"S-{name}", "tariffs": [TARIFF], "charging_periods": [period]}
    return {**documents.CDR, **OURS, "id": name, **times, **figures, **said, **more}


async def bring(roaming: Roaming, *objects: Document) -> Document:
    report = Report()
    await bring_in(roaming.cpo.directory, files.opened(io.BufferedReader(io.BytesIO(encode_json(list(objects))))), Wish(), report)
    await roaming.settle()
    return report.document()


async def there(roaming: Roaming) -> list[str]:
    """The CDRs that have come to the provider, judged."""
    checker = Checker(roaming.emsp)
    await checker.start()
    await checker.tick()
    found = await roaming.emsp.store.read(lambda tx: tx.objects.batch("cdrs", 0, 100))
    return [one.key.id for one in found[0]]


async def stored(roaming: Roaming, name: str = "C1", side: str = "cpo") -> Stored:
    (found,) = await roaming.node(side).store.read(lambda tx: tx.objects.find_id("cdrs", name))
    return found


async def listed(roaming: Roaming, side: str = "cpo", **wanted: Any) -> dict[str, Listed]:
    async def work(tx: Any) -> dict[str, Listed]:
        found = [(one, await tx.objects.get_pk(one.pk)) for one in await tx.checks.newest(Wanted(**wanted))]
        return {cdr.key.id: one for one, cdr in found if cdr is not None}

    return await roaming.node(side).store.read(work)


def codes(one: Listed) -> list[str]:
    return [finding["code"] for finding in decode_json(one.findings)]


@pytest.mark.req("CDR-058")
async def test_a_bill_that_is_right_leaves_and_the_provider_finds_it_right(roaming: Roaming) -> None:
    report = await bring(roaming, cdr())
    assert (report["accepted"], report["held"]) == (1, [])
    assert await there(roaming) == ["C1"]
    assert (await listed(roaming))["C1"].verdicts == ("match",)
    other = (await listed(roaming, "emsp"))["C1"]
    # No Session was sent before it.
    assert other.verdicts == ("match", "orphaned") and codes(other) == ["session_unknown"]


async def test_a_bill_that_is_wrong_stays_here_with_the_reason(roaming: Roaming) -> None:
    report = await bring(roaming, cdr("C1", "3.00"), cdr("C2"))
    assert report["held"] == [{"code": "not_explained", "count": 1, "example": "C1"}]
    assert await there(roaming) == ["C2"]
    assert [one["id"] for one in await roaming.offered("cdrs")] == ["C2"]
    held = await listed(roaming, held=True)
    assert list(held) == ["C1"] and (held["C1"].verdicts, held["C1"].excess) == (("mismatch",), "0.50")
    (note,) = await roaming.cpo.store.read(lambda tx: tx.holds.notes(held["C1"].pk))
    assert note.what == "held" and "0.50 too much" in note.reason
    await bring(roaming, cdr("C1", "3.00"))
    assert await there(roaming) == ["C2"] and list(await listed(roaming, held=True)) == ["C1"]


async def test_one_that_is_held_leaves_when_the_right_one_comes_in_its_place(roaming: Roaming) -> None:
    await bring(roaming, cdr("C1", "3.00"))
    await bring(roaming, cdr("C1", "2.75"))
    assert await there(roaming) == []
    roaming.clock.move(60)
    now = roaming.clock.now
    await bring(roaming, cdr("C1", "2.50"))
    assert await there(roaming) == ["C1"] and await listed(roaming, held=True) == {}
    assert (await stored(roaming)).last_updated == now


async def test_one_that_is_held_leaves_when_somebody_says_so_and_the_provider_finds_out(roaming: Roaming) -> None:
    await bring(roaming, cdr("C1", "3.00"))
    roaming.clock.move(60)
    await holding.release(roaming.cpo.directory, await stored(roaming), "agreed by telephone", "Ada")
    await roaming.settle()
    assert await there(roaming) == ["C1"]
    found = (await listed(roaming, "emsp"))["C1"]
    assert (found.verdicts[0], found.excess, codes(found)[0]) == ("mismatch", "0.50", "not_explained")
    # The same file once more does not take it back.
    await bring(roaming, cdr("C1", "3.00", last_updated=at(3)))
    assert await listed(roaming, held=True) == {}
    with pytest.raises(holding.NotPossible, match="is not held"):
        await holding.release(roaming.cpo.directory, await stored(roaming), "", "Ada")


async def test_who_pulls_what_has_changed_since_gets_what_was_released(roaming: Roaming) -> None:
    await bring(roaming, cdr("C1", "3.00"), cdr("C2"))
    roaming.cut("emsp")
    roaming.clock.move(7 * 24 * HOURS)
    await bring(roaming, cdr("C3", last_updated=at(170)))
    await pull(roaming.emsp, roaming.connection("emsp"), ("cdrs",))
    assert set(await there(roaming)) == {"C2", "C3"}
    await holding.release(roaming.cpo.directory, await stored(roaming), "", "Ada")
    await pull(roaming.emsp, roaming.connection("emsp"), ("cdrs",))
    assert set(await there(roaming)) == {"C1", "C2", "C3"}


@pytest.mark.req("CDR-001")
async def test_a_bill_that_has_left_is_never_changed(roaming: Roaming) -> None:
    await bring(roaming, cdr())
    left = (await stored(roaming)).document
    report = await bring(roaming, cdr(remark="again"), cdr())
    assert (report["refused"], report["unchanged"]) == (1, 1)
    assert "take it back" in report["reasons"][0]["reason"]
    assert (await stored(roaming)).document == left == decode_json(encode_json(cdr(last_updated=left["last_updated"])))


async def test_one_is_held_by_hand_as_long_as_it_has_not_left(roaming: Roaming) -> None:
    roaming.cut("emsp")
    await bring(roaming, cdr())
    await holding.hold(roaming.cpo.directory, await stored(roaming), "ask the driver first", "Ada")
    with pytest.raises(holding.NotPossible, match="held already"):
        await holding.hold(roaming.cpo.directory, await stored(roaming), "", "Ada")
    roaming.mend("emsp")
    await roaming.settle()
    assert await there(roaming) == [] and list(await listed(roaming, held=True)) == ["C1"]
    await holding.release(roaming.cpo.directory, await stored(roaming), "", "Ada")
    await roaming.settle()
    assert await there(roaming) == ["C1"]
    with pytest.raises(holding.NotPossible, match="has been sent"):
        await holding.hold(roaming.cpo.directory, await stored(roaming), "", "Ada")


@LATER
@pytest.mark.req("CDR-017", "CDR-021")
async def test_a_bill_that_was_taken_back_is_so_on_both_sides(roaming: Roaming) -> None:
    await bring(roaming, cdr())
    await corrections.credit(roaming.cpo, "C1", "billed twice", "Ada")
    await roaming.settle()
    assert await there(roaming) == ["C1", "C1-C"]
    for side in ("cpo", "emsp"):
        found = await listed(roaming, side)
        assert (found["C1"].credited, found["C1-C"].credited, found["C1-C"].verdicts) == (True, False, ("match",))
    first = await stored(roaming)
    assert [(one.what, one.who) for one in await roaming.cpo.store.read(lambda tx: tx.holds.notes(first.pk))] == [("credited", "Ada")]


@LATER
async def test_a_credit_that_is_held_takes_nothing_back_until_it_leaves(roaming: Roaming) -> None:
    await bring(roaming, cdr())
    wrong = {"credit": True, "credit_reference_id": "C1"}
    report = await bring(roaming, cdr("CR1", "-2.00", session_id="S-C1", **wrong))
    assert report["held"] == [{"code": "credit_differs", "count": 1, "example": "CR1"}]
    assert not (await listed(roaming))["C1"].credited
    with pytest.raises(corrections.NotCreditable, match="the credit CR1 of CDR C1 is held"):
        await corrections.credit(roaming.cpo, "C1", "billed twice", "Ada")
    roaming.clock.move(60)
    await holding.release(roaming.cpo.directory, await stored(roaming, "CR1"), "agreed", "Ada")
    await roaming.settle()
    assert await there(roaming) == ["C1", "CR1"] and (await listed(roaming))["C1"].credited
    assert await corrections.credit(roaming.cpo, "C1") == "CR1"
    assert await there(roaming) == ["C1", "CR1"]


@LATER
async def test_a_credit_that_is_held_does_not_leave_beside_another(roaming: Roaming) -> None:
    await bring(roaming, cdr())
    named = {"session_id": "S-C1", "credit": True, "credit_reference_id": "C1"}
    await bring(roaming, cdr("CR1", "-2.00", **named), cdr("CR2", "-2.50", **named))
    found = await listed(roaming)
    assert (found["C1"].credited, found["CR1"].held, found["CR2"].verdicts) == (True, True, ("match",))
    with pytest.raises(holding.NotPossible, match="takes back what CR2 has taken back already"):
        await holding.release(roaming.cpo.directory, await stored(roaming, "CR1"), "", "Ada")
    assert await there(roaming) == ["C1", "CR2"]


async def test_what_is_held_cannot_be_taken_back(roaming: Roaming) -> None:
    await bring(roaming, cdr("C1", "3.00"))
    with pytest.raises(corrections.NotCreditable, match="has not left"):
        await corrections.credit(roaming.cpo, "C1")


async def test_a_dispute_is_a_note_on_either_side_until_it_is_settled(roaming: Roaming) -> None:
    await bring(roaming, cdr())
    await there(roaming)
    received = await stored(roaming, side="emsp")
    await holding.dispute(roaming.emsp.directory, received, "the car was elsewhere", "Bob")
    assert list(await listed(roaming, "emsp", disputed=True)) == ["C1"]
    assert await roaming.emsp.store.read(lambda tx: tx.holds.disputed()) == 1
    await holding.dispute(roaming.emsp.directory, received, "it was the neighbour's", "Bob", settled=True)
    assert await listed(roaming, "emsp", disputed=True) == {}
    with pytest.raises(holding.NotPossible, match="not in dispute"):
        await holding.dispute(roaming.emsp.directory, received, "", "Bob", settled=True)
    notes = await roaming.emsp.store.read(lambda tx: tx.holds.notes(received.pk))
    assert [(one.what, one.who) for one in notes] == [("disputed", "Bob"), ("settled", "Bob")]
    for word in (holding.hold, holding.release):
        with pytest.raises(holding.NotPossible, match="a partner's"):
            await word(roaming.emsp.directory, received, "", "Bob")


async def test_sessions_from_the_back_end_without_a_bill_are_listed_here_and_there(roaming: Roaming) -> None:
    session = {**documents.SESSION, **OURS, "start_date_time": at(1), "end_date_time": at(2), "status": "COMPLETED", "kwh": 10}
    await bring(roaming, {**session, "last_updated": at(2)})
    for node in (roaming.cpo, roaming.emsp):
        checker = Checker(node)
        await checker.start()
        await checker.tick()
    roaming.clock.move(49 * HOURS)
    assert [[one.key.id for one in await missing(node)] for node in (roaming.cpo, roaming.emsp)] == [["S1"], ["S1"]]
    assert await missing(roaming.cpo, source=OWN + 1) == []

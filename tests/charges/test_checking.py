"""What is sent to us is judged when it has arrived: by what the CDR says, and by what we were told before."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from interplug.charges import checking
from interplug.charges.checking import Checker
from interplug.charges.missing import missing
from interplug.model.types import decode_json, format_time
from interplug.modules.node import Node
from interplug.store.checks import Check, Wanted
from interplug.store.keys import Key
from tests.modules import said
from tests.modules.said import Document, theirs, token
from tests.nodes import SECOND, T0, Answer, Clock, Partner, befriend, own

LATER = pytest.mark.parametrize("version", ["2.2.1", "2.3.0"], indirect=True)
HOURS = 3600.0
TOKEN = {"country_code": "DE", "party_id": "ABC", "uid": "0123", "type": "RFID", "contract_id": "DE-ABC-C00000001-2"}


@pytest.fixture
async def checker(node: Node, clock: Clock) -> Checker:
    await own(node, "tokens", token("0123"))
    clock.move(3 * HOURS)
    made = Checker(node)
    await made.start()
    return made


def tariff(price: str = "0.25", **more: Any) -> Document:
    component = {"type": "ENERGY", "price": Decimal(price), "step_size": 1, "vat": 20}
    return theirs(said.tariff(elements=[{"price_components": [component]}], **more))


def at(hours: float) -> str:
    return format_time(T0 + int(hours * HOURS * SECOND))


def cdr(name: str = "C1", *, start: float = 0, cost: str = "2.50", tax: str = "0.50", **more: Any) -> Document:
    """Ten kWh in an hour, at 0.25 and VAT."""
    period = {
        "start_date_time": at(start),
        "dimensions": [{"type": "ENERGY", "volume": 10}, {"type": "TIME", "volume": 1}],
        "tariff_id": "T1",
    }
    total = {"before_taxes": Decimal(cost), "taxes": [{"name": "VAT", "amount": Decimal(tax)}]}
    times = {"start_date_time": at(start), "end_date_time": at(start + 1)}
    named = {"session_id": "S1", "tariffs": [tariff()], "charging_periods": [period], "total_energy": 10, "total_cost": total}
    return theirs(said.cdr(name, **{**times, **named, **more}))


def session(name: str = "S1", *, start: float = 0, **more: Any) -> Document:
    document = said.session(name, start_date_time=at(start), end_date_time=at(start + 1), kwh=10, cdr_token=TOKEN, status="COMPLETED")
    return theirs({**document, **more})


async def tell(partner: Partner, module: str, document: Document) -> None:
    spoken = said.said(module.removesuffix("s"), document, partner.version, location=theirs(said.location()))
    if module == "cdrs":
        answer: Answer = await partner.send("POST", "cdrs", spoken)
    else:
        answer = await partner.send("PUT", f"{module}/BE/XYZ/{document['id']}", spoken)
    assert answer.ok, answer.message


async def checked(node: Node, name: str = "C1", source: int | None = None) -> Check:
    async def read(tx: Any) -> Check | None:
        found = await tx.objects.find_id("cdrs", name, source)
        return await tx.checks.get(found[0].pk)

    check = await node.store.read(read)
    assert check is not None
    return check


def codes(check: Check) -> list[str]:
    return [finding["code"] for finding in decode_json(check.findings)]


async def test_a_cdr_is_acknowledged_first_and_judged_then(node: Node, partner: Partner, checker: Checker) -> None:
    await tell(partner, "tariffs", tariff())
    await tell(partner, "sessions", session())
    await tell(partner, "cdrs", cdr())
    assert await node.store.read(lambda tx: tx.checks.unchecked()) == 1
    await checker.tick()
    assert await node.store.read(lambda tx: tx.checks.unchecked()) == 0
    check = await checked(node)
    assert (check.verdicts, codes(check), check.checked_at) == (("match",), [], node.clock())


async def test_what_is_wrong_is_stored_with_cause_and_amount(node: Node, partner: Partner, checker: Checker) -> None:
    await tell(partner, "sessions", session())
    await tell(partner, "cdrs", cdr(cost="3.00", tax="0.60"))
    await checker.tick()
    check = await checked(node)
    assert (check.verdicts, check.excess, check.currency) == (("mismatch",), "0.50", "EUR")
    assert "0.50 too much" in decode_json(check.findings)[0]["words"]


async def test_a_crash_before_the_verdict_loses_none(node: Node, partner: Partner, checker: Checker) -> None:
    await tell(partner, "cdrs", cdr())
    after = Checker(node)
    await after.start()
    await after.tick()
    assert (await checked(node)).verdicts
    again = Checker(node)
    await again.start()
    assert again.reached["cdrs"] == after.reached["cdrs"]


async def test_a_fault_of_the_check_stops_no_other(node: Node, partner: Partner, checker: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = checking.judge

    def faulty(document: Document, *rest: Any) -> Any:
        if document["id"] == "C1":
            raise ZeroDivisionError
        return judge(document, *rest)

    monkeypatch.setattr(checking, "judge", faulty)
    await tell(partner, "sessions", session())
    await tell(partner, "cdrs", cdr())
    await tell(partner, "cdrs", cdr("C2"))
    await checker.tick()
    assert codes(await checked(node)) == ["check_failed"]
    assert (await checked(node, "C2")).verdicts == ("match", "doubled")


async def test_a_fault_in_what_is_known_stops_no_other(
    node: Node, partner: Partner, checker: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = checking.facts.known

    async def faulty(tx: Any, directory: Any, about: Any, key: Key, *rest: Any) -> Any:
        if key.id == "C1":
            raise ZeroDivisionError
        return await known(tx, directory, about, key, *rest)

    monkeypatch.setattr(checking.facts, "known", faulty)
    await tell(partner, "cdrs", cdr())
    await tell(partner, "cdrs", cdr("C2"))
    await checker.tick()
    assert (codes(await checked(node)), (await checked(node, "C2")).verdicts[0]) == (["check_failed"], "match")


# --- the tariff of that time


@LATER
async def test_a_cdr_without_tariffs_is_checked_by_what_was_published_then(
    node: Node, partner: Partner, checker: Checker, clock: Clock
) -> None:
    """The price was raised while the CDR was on its way."""
    clock.now = T0 - 3600 * SECOND
    await tell(partner, "tariffs", tariff())
    clock.now = T0 + 2 * 3600 * SECOND
    await tell(partner, "tariffs", tariff("0.50", last_updated=at(2)))
    await tell(partner, "sessions", session())
    await tell(partner, "cdrs", {name: value for name, value in cdr().items() if name != "tariffs"})
    await tell(partner, "cdrs", {**cdr("C2", cost="5.00", tax="1"), "tariffs": None})
    await checker.tick()
    assert (await checked(node)).verdicts == ("match",)
    assert "mismatch" in (await checked(node, "C2")).verdicts


@LATER
async def test_another_version_of_the_tariff_is_a_finding_of_its_own(node: Node, partner: Partner, checker: Checker, clock: Clock) -> None:
    clock.now = T0 - 3600 * SECOND
    await tell(partner, "tariffs", tariff("0.20"))
    clock.now = T0 + 2 * 3600 * SECOND
    await tell(partner, "sessions", session())
    await tell(partner, "cdrs", cdr())
    await checker.tick()
    check = await checked(node)
    assert (check.verdicts, codes(check), check.excess) == (("mismatch",), ["other_tariff_version"], "0.50")


@LATER
async def test_a_tariff_that_changed_within_minutes_may_be_either(node: Node, partner: Partner, checker: Checker, clock: Clock) -> None:
    """It is pinned when the cable is in, and the first energy may flow after it changed."""
    clock.now = T0 - 3600 * SECOND
    await tell(partner, "tariffs", tariff())
    clock.now = T0 - 300 * SECOND
    await tell(partner, "tariffs", tariff("0.20", last_updated=at(-0.1)))
    clock.now = T0 + 2 * 3600 * SECOND
    await tell(partner, "sessions", session())
    await tell(partner, "cdrs", cdr())
    await checker.tick()
    assert (await checked(node)).verdicts == ("match",)


@LATER
async def test_a_tariff_that_we_heard_of_later_counts_where_it_had_not_changed(node: Node, partner: Partner, checker: Checker) -> None:
    await tell(partner, "sessions", session())
    await tell(partner, "tariffs", tariff(last_updated=at(-5)))
    await tell(partner, "cdrs", {**cdr(), "tariffs": None})
    await tell(partner, "tariffs", tariff("0.30", id="T2", last_updated=at(2)))
    period = {**cdr()["charging_periods"][0], "tariff_id": "T2"}
    await tell(partner, "cdrs", {**cdr("C2", session_id="S2", charging_periods=[period]), "tariffs": None})
    await checker.tick()
    assert (await checked(node)).verdicts == ("match",)
    assert codes(await checked(node, "C2"))[0] == "unknown_tariff" or "unverifiable" in (await checked(node, "C2")).verdicts


# --- the only one, and known


async def test_more_energy_than_the_connector_gives_is_implausible(node: Node, partner: Partner, checker: Checker) -> None:
    evse = said.evse(connectors=[said.connector(max_amperage=10)])
    await tell(partner, "locations", theirs(said.location(evses=[evse])))
    await tell(partner, "sessions", session())
    await tell(partner, "cdrs", cdr())
    await checker.tick()
    assert (await checked(node)).verdicts == ("match", "implausible")


async def test_a_token_charges_at_one_evse_at_a_time_whoever_says_so(node: Node, partner: Partner, checker: Checker, version: str) -> None:
    other = await befriend(node, version, parties=(("CPO", "FR", "QQQ"),), name="other")
    await tell(partner, "cdrs", cdr())
    document = {**cdr("C2", start=0.5, session_id="S7"), "country_code": "FR", "party_id": "QQQ"}
    answer = await other.send("POST", "cdrs", said.said("cdr", document, version, location=theirs(said.location())))
    assert answer.ok, answer.message
    await checker.tick()
    assert "token_overlap" in codes(await checked(node, "C2"))
    assert "token_overlap" not in codes(await checked(node, "C1"))


async def test_a_second_bill_for_one_charge_is_doubled(node: Node, partner: Partner, checker: Checker) -> None:
    await tell(partner, "sessions", session())
    await tell(partner, "cdrs", cdr())
    await tell(partner, "cdrs", cdr("C2"))
    await checker.tick()
    assert ((await checked(node)).verdicts, (await checked(node, "C2")).verdicts) == (("match",), ("match", "doubled"))


@pytest.mark.parametrize(("second", "verdicts"), [(1, ("match",)), (3, ("match", "doubled"))], ids=["of rounding", "more"])
async def test_a_charge_that_follows_another_at_once_is_another_one(
    node: Node, partner: Partner, checker: Checker, second: int, verdicts: tuple[str, ...]
) -> None:
    """The first may end in the second in which the next one begins."""
    start = 1 - second / 3600
    await tell(partner, "sessions", session())
    await tell(partner, "sessions", session("S2", start=start))
    await tell(partner, "cdrs", cdr())
    await tell(partner, "cdrs", cdr("C2", start=start, session_id="S2"))
    await checker.tick()
    assert ((await checked(node)).verdicts, (await checked(node, "C2")).verdicts) == (("match",), verdicts)


@LATER
@pytest.mark.req("CDR-021")
@pytest.mark.parametrize("order", [("C1", "C1-C", "C2"), ("C1", "C2", "C1-C"), ("C1-C", "C1", "C2")])
async def test_a_bill_in_place_of_one_taken_back_is_right_in_any_order(
    node: Node, partner: Partner, checker: Checker, order: tuple[str, ...]
) -> None:
    await tell(partner, "sessions", session())
    total = {"before_taxes": Decimal("-2.50"), "taxes": [{"name": "VAT", "amount": Decimal("-0.50")}]}
    bills = {"C1": cdr(), "C2": cdr("C2"), "C1-C": {**cdr("C1-C"), "credit": True, "credit_reference_id": "C1", "total_cost": total}}
    for name in order:
        await tell(partner, "cdrs", bills[name])
        await checker.tick()
    assert [(await checked(node, name)).verdicts for name in bills] == [("match",)] * 3
    listed = await node.store.read(lambda tx: tx.checks.newest(Wanted()))
    assert [one.credited for one in sorted(listed, key=lambda one: one.pk)] == [name == "C1" for name in order]


async def test_a_token_that_is_none_of_ours_is_orphaned(node: Node, partner: Partner, checker: Checker) -> None:
    await tell(partner, "cdrs", cdr(cdr_token={**TOKEN, "uid": "9999", "contract_id": "DE-ABC-C9"}))
    await checker.tick()
    assert "token_unknown" in codes(await checked(node))


@LATER
async def test_a_uid_of_ours_under_another_party_is_none_of_ours(node: Node, partner: Partner, checker: Checker) -> None:
    await tell(partner, "cdrs", cdr(cdr_token={**TOKEN, "party_id": "ZZZ"}))
    await checker.tick()
    assert "token_unknown" in codes(await checked(node))


async def test_a_session_that_comes_late_is_no_orphan_any_more(node: Node, partner: Partner, checker: Checker) -> None:
    await tell(partner, "cdrs", cdr())
    await checker.tick()
    assert (await checked(node)).verdicts == ("match", "orphaned")
    await tell(partner, "sessions", session())
    await checker.tick()
    assert (await checked(node)).verdicts == ("match",)
    assert await missing(node) == []


async def test_a_cdr_is_judged_anew_by_command_with_the_same_result(node: Node, partner: Partner, checker: Checker) -> None:
    await tell(partner, "sessions", session())
    await tell(partner, "cdrs", cdr())
    await checker.tick()
    before = await checked(node)
    await checking.check(node.directory, [before.object])
    assert await checked(node) == before


# --- Sessions without a CDR


async def test_a_session_without_a_cdr_is_listed_after_a_while(node: Node, partner: Partner, checker: Checker, clock: Clock) -> None:
    await tell(partner, "sessions", session())
    await checker.tick()
    clock.move(47 * HOURS)
    assert await missing(node) == []
    clock.move(2 * HOURS)
    assert [one.key.id for one in await missing(node)] == ["S1"]
    assert await missing(node, source=0) == []
    await tell(partner, "cdrs", cdr())
    await checker.tick()
    assert await missing(node) == []


@pytest.mark.parametrize(
    ("more", "listed"),
    [({"status": "ACTIVE"}, True), ({"status": "INVALID"}, False), ({"status": "PENDING"}, False), ({"kwh": 0}, False)],
)
async def test_only_what_used_something_lacks_a_cdr(
    node: Node, partner: Partner, checker: Checker, clock: Clock, more: Document, listed: bool
) -> None:
    await tell(partner, "sessions", session(**more))
    await checker.tick()
    clock.move(50 * HOURS)
    assert bool(await missing(node)) == listed


async def test_our_own_sessions_are_looked_at_too(node: Node, checker: Checker, clock: Clock) -> None:
    document = {**session(), "country_code": "NL", "party_id": "TNM"}
    await node.store.write(lambda tx: tx.objects.save(Key("sessions", 0, "NL", "TNM", "S1"), document, last_updated=T0))
    await checker.tick()
    clock.move(50 * HOURS)
    assert [one.key.source for one in await missing(node)] == [0]

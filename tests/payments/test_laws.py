"""Whatever order things come in, however often, and wherever the process ends: never more is taken than was held, and no hold is left
without an end."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interplug import faults
from interplug.payments import states
from interplug.payments.port import coins
from tests.nodes import close
from tests.payments.standing import CHALLENGED, DECLINED, DISPUTED, FIXED, GOOD, SHORT, Standing, open_standing

PLACES = [place for place in faults.PLACES if place.startswith("payments.")]
AMOUNTS = st.sampled_from(["0", "0.004", "7", "12.345", "49.99", "50", "80", "200"])
STEPS = st.one_of(
    st.tuples(st.just("card"), st.sampled_from([GOOD, DECLINED, CHALLENGED, SHORT, FIXED, DISPUTED])),
    st.tuples(st.just("due"), AMOUNTS),
    st.tuples(st.just("raise"), st.sampled_from(["60", "80"])),
    st.tuples(st.just("settle"), st.integers(1, 2)),
    st.tuples(st.just("webhook"), st.integers(0, 20)),
    st.tuples(st.just("line"), st.sampled_from(["ok", "lost", "silent"])),
    st.tuples(st.just("crash"), st.sampled_from(PLACES)),
    st.tuples(st.just("time"), st.sampled_from([1, 45, 4000, 8 * 86_400])),
)


class Crash(BaseException):
    """The process ends here."""


@contextmanager
def crashing(wanted: list[str]) -> Iterator[None]:
    """Ends at the next such place, once for each that is wanted."""
    real = faults.at

    def at(place: str) -> None:
        if place in wanted:
            wanted.remove(place)
            raise Crash(place)

    faults.at = at
    try:
        yield
    finally:
        faults.at = real


async def tried(work: Any) -> None:
    for ended in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(ended, BaseException) and not isinstance(ended, Crash):
            raise ended


class Story:
    def __init__(self, standing: Standing) -> None:
        self.standing, self.wanted = standing, list[str]()
        self.dues: list[Decimal] = []

    async def take(self, step: tuple[str, Any]) -> None:
        what, value = step
        standing, till = self.standing, self.standing.till
        payment = await till.get("p1")
        if what == "line":
            standing.line.fate = lambda request: str(value)
        elif what == "crash":
            self.wanted.append(value)
        elif what == "time":
            standing.clock.move(value)
        elif what == "due":
            self.dues.append(Decimal(value))
            await standing.due("p1", value)
        elif what == "settle":
            await tried([till.settle("p1") for _ in range(value)])
        elif what == "raise":
            await tried([till.increase("p1", Decimal(value))])
        elif what == "webhook":
            # A hint: which event it is, how old and how often it came does not matter.
            await tried([till.look("p1")])
        elif payment.reference and standing.account(payment.reference)["status"] == "action":
            fate, standing.line.fate = standing.line.fate, lambda request: "ok"
            await standing.enter(payment.reference, value)
            standing.line.fate = fate
        self.law(payment.reference)

    def law(self, reference: str) -> None:
        for name in self.standing.ledger.documents:
            if name.startswith("th_"):
                held, captured, refunded = self.standing.moves(name)
                assert 0 <= refunded <= captured <= held

    async def end(self) -> None:
        """All is well again, and what it comes to is known."""
        self.wanted.clear()
        await self.standing.calm("p1")
        if not self.dues:
            self.dues.append(Decimal(0))
            await self.standing.due("p1", "0")
        self.standing.clock.move(7200)
        payment = await self.standing.calm("p1")
        payment, _ = await self.standing.till.look("p1")
        payment = await self.standing.calm("p1")
        assert payment.state in (*states.ENDED, states.CAPTURED, states.DISPUTED, states.ACTION), payment
        if payment.state == states.ACTION:
            assert self.dues[-1] > 0, "a driver who has not paid owes nothing, which the cashier says"
        if payment.reference:
            _, captured, refunded = self.standing.moves(payment.reference)
            assert payment.kept == captured - refunded
            assert (await self.standing.provider.find(payment.reference)).status != "held"
        if payment.state in (states.CAPTURED, states.REFUNDED):
            assert payment.kept <= max(coins(self.dues[-1], "EUR"), Decimal())
        assert payment.kept <= max(coins(due, "EUR") for due in self.dues)


async def told(steps: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        standing = await open_standing(Path(folder))
        story = Story(standing)
        try:
            with crashing(story.wanted):
                await standing.payment()
                await tried([standing.till.begin(await standing.till.get("p1"))])
                for step in steps:
                    await story.take(step)
                await story.end()
        finally:
            await close(standing.node)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, max_size=25))
def test_never_more_than_held_and_never_without_an_end(steps: list[tuple[str, Any]]) -> None:
    asyncio.run(told([("settle", 1), *steps]))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(PLACES), st.sampled_from(PLACES), st.sampled_from(["ok", "lost", "silent"]), AMOUNTS, AMOUNTS)
def test_a_crash_between_any_two_steps(first: str, second: str, line: str, due: str, later: str) -> None:
    steps = [("card", GOOD), ("webhook", 0), ("crash", first), ("line", line), ("due", due), ("settle", 1), ("line", "ok")]
    again = [("time", 45), ("settle", 2), ("crash", second), ("due", later), ("settle", 1), ("time", 4000), ("settle", 1)]
    asyncio.run(told([*steps, *again]))

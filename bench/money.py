"""How many CDRs a second one core prices, and checks; and how that compares with only reading the same bytes.

The rates are in seconds of CPU, not of the clock, and the best of the rounds counts: whatever else runs on the machine can make a round
slower, never faster. `json.loads` with decimals is the least that anybody spends on the text of a CDR.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from bench.rows import Plan, Row
from interplug.model.types import decode_json, encode_json, format_time, parse_time
from interplug.tariffs import Compiler, compile_tariff, cost_documents, price, price_session, read_session, verify

START = parse_time("2026-01-15T00:00:00Z")
MINUTE = 60_000_000
VERSION = "2.2.1"
SMALL, LARGE = (3, 3), (48, 24)


def rows(plan: Plan) -> Iterator[Row]:
    small, large = (Case(plan, *size) for size in (SMALL, LARGE))
    yield _rate(small, "small CDRs priced from typed objects", 30_000, small.typed)
    yield _rate(small, "small CDRs priced from JSON text", 10_000, small.priced)
    yield _rate(large, "CDRs of 48 periods and 24 elements priced from typed objects", 1_500, large.typed)
    yield _rate(large, "CDRs of 48 periods and 24 elements priced from JSON text", 1_500, large.priced)
    yield _rate(small, "small CDRs verified from documents", 2_000, small.verified)
    yield _growth(plan)


class Case:
    """A CDR of so many periods with its tariff of so many elements, in each form in which it may come."""

    def __init__(self, plan: Plan, periods: int, elements: int) -> None:
        self._plan = plan
        tariff, cdr = made(periods, elements)
        self._tariff = compile_tariff(tariff, VERSION)
        self._session = read_session(cdr)
        self._compiler = Compiler()
        self._cdr = {**cdr, **cost_documents(price(cdr, version=VERSION), VERSION)}
        self.text = encode_json(self._cdr)

    def typed(self) -> object:
        return price_session(self._session, [self._tariff]).total_cost

    def priced(self) -> object:
        return price(decode_json(self.text), version=VERSION, compiler=self._compiler).total_cost

    def loaded(self) -> object:
        return json.loads(self.text, parse_float=Decimal)

    def verified(self) -> object:
        found = verify(self._cdr, version=VERSION)
        assert found.verdict == "match"
        return found

    def rate(self, work: Callable[[], object]) -> float:
        """Times a second of CPU, the best of the rounds."""
        work()
        best = 0.0
        for _ in range(self._plan.rounds):
            done, began = 0, time.process_time()
            while (spent := time.process_time() - began) < self._plan.seconds / 2:
                for _ in range(20):
                    work()
                done += 20
            best = max(best, done / spent)
        return best


def made(periods: int, elements: int) -> tuple[dict[str, Any], dict[str, Any]]:
    hours = range(elements - 1)
    listed: list[dict[str, Any]] = [
        {
            "price_components": [_component("ENERGY", f"0.{20 + hour}", 1)],
            "restrictions": {"start_time": f"{hour:02}:00", "end_time": f"{hour + 1:02}:00"},
        }
        for hour in hours
    ]
    listed.append({"price_components": [_component("ENERGY", "0.50", 1), _component("TIME", "1.00", 60)]})
    owner = {"country_code": "NL", "party_id": "TNM", "currency": "EUR", "last_updated": format_time(START)}
    tariff = {**owner, "id": "T1", "elements": listed}
    used = [{"type": "ENERGY", "volume": Decimal("1.234")}, {"type": "TIME", "volume": Decimal("0.25")}]
    cdr = {
        **owner,
        "id": "C1",
        "start_date_time": format_time(START),
        "end_date_time": format_time(START + 15 * MINUTE * periods),
        "cdr_location": {"country": "NLD", "time_zone": "Europe/Amsterdam"},
        "charging_periods": [{"start_date_time": format_time(START + 15 * MINUTE * n), "dimensions": used} for n in range(periods)],
        "tariffs": [tariff],
    }
    return tariff, cdr


def _component(kind: str, price: str, step: int) -> dict[str, Any]:
    return {"type": kind, "price": Decimal(price), "step_size": step, "vat": Decimal(21)}


def _rate(case: Case, what: str, at_least: int, work: Callable[[], object]) -> Row:
    rate, loads = case.rate(work), case.rate(case.loaded)
    return Row(
        f"{what}: at least {at_least:,}/s",
        f"{rate:,.0f}/s",
        rate >= at_least,
        f"{rate / loads:.2f} of json.loads with decimals, which reads the same {len(case.text)} bytes {loads:,.0f} times a second",
        numbers={"rate": rate, "loads": loads, "ratio": rate / loads},
    )


def _growth(plan: Plan) -> Row:
    """Four times the periods and four times the elements, with what a tariff remembers thrown away each time."""
    cases = [Case(plan, *size) for size in ((12, 6), (48, 24))]
    costs = [1 / case.rate(lambda case=case: price(decode_json(case.text), version=VERSION).total_cost) for case in cases]  # type: ignore[misc]
    factor = costs[1] / costs[0]
    return Row(
        "16 times the periods times elements, priced anew: at most 16 times the cost",
        f"{factor:.1f}",
        factor <= 16,
        numbers={"factor": factor},
    )

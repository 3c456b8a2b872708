"""One story: a driver finds a station, starts, watches, stops, and gets a receipt; and in its middle, perhaps, the operator dies.

What is told at the end was read at both ends, and differs nowhere, or the story has failed; what the provider bought stands beside what
it sold. A node that is killed loses nothing that it had said: its stations went on charging, and the provider's page said what it last
knew and since when.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from . import ends
from .driver import Phone
from .processes import DemoFailed, NodeProcess
from .stage import OFFER, Stage

Document = dict[str, Any]
Tell = Callable[[str], None]
ATTEMPTS = 3
UPDATES = 3
"""Figures that have to be seen moving before the driver stops."""
DARK = 3.0
"""Seconds that a killed node stays away in a story that is told once."""
STARTS, MOVES, BILLS, RETURNS = 40.0, 40.0, 40.0, 60.0
"""Seconds, on a machine that has other things to do: until charging, until the figures move, until the bill, until it goes on."""


def clock() -> str:
    return datetime.now(UTC).strftime("%H:%M:%S")


async def ride(
    stage: Stage, operator: NodeProcess, seed: int, tell: Tell, middle: Callable[[Phone, Document], Awaitable[Document]] | None = None
) -> Document:
    """The whole story at one operator; `middle` happens while the car charges and returns what there is to tell of it."""
    began = time.monotonic()
    async with Phone(stage.provider.url) as phone:
        station, evse, connector, charging = await _charging(phone, operator, random.Random(f"{seed}/{operator.name}"))
        tell(f"{operator.name}: charging at {station['name']}, EVSE {evse['evse_id'] or evse['uid']}, {connector['price']}")
        updates = await _watched(phone, charging)
        told = {} if middle is None else await middle(phone, updates[-1])
        await phone.stop(charging["id"])
        done = await phone.until(charging["id"], "the receipt", _settled, BILLS)
    receipt = done["receipt"]
    both = await ends.of_drive(operator, stage.provider, done["session_id"], receipt["cdr_id"])
    sale = await ends.sale(stage.provider, operator, receipt["cdr_id"])
    _check(operator, done, both, sale)
    paid = f"{done['payment']['paid']} taken of {done['payment']['asked']} that were held"
    tell(f"{operator.name}: stopped, {receipt['kwh']} kWh, {priced(receipt)}, CDR {receipt['verdict']}, {paid}")
    return {
        "operator": operator.name,
        "station": station["name"],
        "evse": evse["uid"],
        "connector": connector["id"],
        "price": connector["price"],
        "seconds": round(time.monotonic() - began, 1),
        "updates": [{name: update[name] for name in ("updated_at", "kwh", "cost")} for update in updates],
        "ends": both,
        "payment": {name: done["payment"][name] for name in ("state", "currency", "asked", "paid")},
        "receipt": {name: receipt[name] for name in ("cdr_id", "kwh", "began_at", "ended_at", "total", "computed", "verdict")},
        **sale,
        **told,
    }


async def _charging(phone: Phone, operator: NodeProcess, chance: random.Random) -> tuple[Document, Document, Document, Document]:
    """The station, EVSE and connector, and the drive once energy flows. Somebody else may have been quicker at the plug."""
    attempts = 0
    while True:
        attempts += 1
        station, evse, connector = await phone.choose(operator.name, chance)
        try:
            asked = await phone.start(station, evse, connector)
            await phone.pay(asked["id"])
            return station, evse, connector, await phone.until(asked["id"], "charging", lambda seen: bool(seen["kwh"]), STARTS)
        except DemoFailed:
            if attempts == ATTEMPTS:
                raise


def _settled(seen: Document) -> bool:
    """The bill has come, and the money that was held is taken."""
    return seen["receipt"] is not None and seen["payment"]["state"] in ("captured", "voided")


def priced(receipt: Document) -> str:
    return f"{receipt['total']['after_taxes']} {receipt['total']['currency']} with taxes"


async def _watched(phone: Phone, seen: Document) -> list[Document]:
    """The page, as often as its figures moved."""
    updates = [seen]
    while len(updates) < UPDATES:
        before = Decimal(updates[-1]["kwh"])
        updates.append(await phone.until(seen["id"], "the next figure", lambda now, before=before: now["kwh"] > before, MOVES))  # type: ignore[misc]
    return updates


def _check(operator: NodeProcess, done: Document, both: dict[str, Document], sale: Document) -> None:
    """Nothing may differ between the two ends, and between what was sold and the receipt."""
    ours, theirs, receipt = both["operator"], both["provider"], done["receipt"]
    wrong = [name for name in ("session", "status", "kwh", "cdr", "cdr_kwh") if ours[name] != theirs[name] or ours[name] is None]
    wrong += [name for name in ("cost", "cdr_cost") if _net(ours[name]) != _net(theirs[name])]
    if done["payment"]["paid"] != _coins(receipt["total"]):
        wrong.append("payment")
    if ours["cdr_kwh"] != receipt["kwh"] or ours["kwh"] != ours["cdr_kwh"] or sale["retail"] != receipt["total"]:
        wrong.append("receipt")
    if sale["purchase"]["before_taxes"] != _net(ours["cdr_cost"]) or (sale["offer"] != OFFER and sale["margin"] != 0):
        wrong.append("margin")
    if receipt["verdict"] != "match":
        wrong.append(f"verdict {receipt['verdict']}")
    if wrong:
        raise DemoFailed(f"{operator.name}: the two ends differ in {', '.join(wrong)}: {both}, receipt {receipt}")


def _net(cost: Document | None) -> Decimal | None:
    """Without taxes, which 2.1.1 cannot say."""
    return None if cost is None else Decimal(cost["before_taxes"])


def _coins(total: Document) -> Decimal:
    """What of a receipt is paid: with its taxes, also where the operator cannot tell them."""
    return Decimal(total["after_taxes"]).quantize(Decimal("0.01"), ROUND_HALF_UP)


def death_of(stage: Stage, operator: NodeProcess, tell: Tell, dark: float = DARK) -> Callable[[Phone, Document], Awaitable[Document]]:
    """A middle: the operator's process is killed, stays away for so many seconds, and comes back."""

    async def middle(phone: Phone, before: Document) -> Document:
        killed_at, began = clock(), time.monotonic()
        pid = await operator.kill()
        tell(f"{operator.name}: killed (pid {pid}) at {before['kwh']} kWh")
        await asyncio.sleep(dark)
        away = await phone.drive(before["id"])
        await operator.start()
        back = time.monotonic() - began
        tell(f"{operator.name}: back after {back:.1f} s (pid {operator.pids[-1]})")
        after = await phone.until(before["id"], "going on after the death", lambda now: now["kwh"] > away["kwh"], RETURNS)
        moved = time.monotonic() - began
        level = await ends.level(operator, stage.provider)
        tell(f"{operator.name}: going on at {after['kwh']} kWh; level again, {level['evses']} EVSEs compared")
        return {
            "death": {
                "killed_at": killed_at,
                "pid_before": pid,
                "pid_after": operator.pids[-1],
                "away_seconds": round(back, 1),
                "page_meanwhile": {name: away[name] for name in ("state", "kwh", "updated_at")},
                "kwh_before": before["kwh"],
                "kwh_after": after["kwh"],
                "going_on_after_seconds": round(moved, 1),
                "level": level,
            }
        }

    return middle

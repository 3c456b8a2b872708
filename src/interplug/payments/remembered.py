"""What the test provider remembers of its customers: cards that somebody wanted to be remembered, by numbers with a known fate."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any, Protocol

from .port import DECLINED, EXPIRED, WITHDRAWN

Document = dict[str, Any]
SECOND = 1_000_000
BRANDS = {"4": "visa", "5": "mastercard", "3": "amex"}
SPENT, AGED = "4000000000000341", "4000000000000069"
"""Good once, and when it is used again it is declined; or it has expired a month before."""
GOOD_FOR = 3
"""Years."""


class Accounts(Protocol):
    """Documents by name, in a transaction."""

    async def get(self, name: str) -> Document | None: ...

    async def put(self, name: str, document: Document) -> None: ...


class No(Exception):
    """The request is refused; the text says why."""

    def __init__(self, text: str, status: int = 402) -> None:
        super().__init__(text)
        self.status = status


def customer(asked: Document) -> Document:
    return {"id": f"tc_{secrets.token_hex(12)}", "payer": str(asked["payer"]), "methods": []}


async def told(accounts: Accounts, name: str) -> Document:
    """A customer with what is remembered, the newest first."""
    found = await _customer_of(accounts, name)
    names = ("brand", "last4", "month", "year", "mark")
    kept = [one for name in reversed(found["methods"]) if (one := await accounts.get(name)) is not None]
    return {"id": found["id"], "methods": [{"reference": one["id"], **{name: one[name] for name in names}} for one in kept]}


async def remember(accounts: Accounts, name: str, number: str, now: int) -> None:
    """Nothing of somebody who was forgotten meanwhile."""
    found = await accounts.get(name)
    if found is None or found.get("forgotten"):
        return
    month, year = _expiry(number, now)
    made: Document = {
        "id": f"tm_{secrets.token_hex(12)}",
        "customer": name,
        "card": number,
        "brand": BRANDS.get(number[:1], ""),
        "last4": number[-4:],
        "month": month,
        "year": year,
        "mark": f"print-{number[:6]}-{number[-4:]}",
    }
    await accounts.put(made["id"], made)
    await accounts.put(name, {**found, "methods": [*found["methods"], made["id"]]})


async def detached(accounts: Accounts, name: str) -> Document:
    method = await accounts.get(name) if name.startswith("tm_") else None
    if method is None or not method["customer"]:
        raise No("there is no such card", 404)
    found = await accounts.get(method["customer"])
    if found is not None:
        await accounts.put(found["id"], {**found, "methods": [one for one in found["methods"] if one != name]})
    await accounts.put(name, {**method, "customer": "", "card": ""})
    return {"id": name}


async def forgotten(accounts: Accounts, name: str) -> Document:
    for method in (await _customer_of(accounts, name))["methods"]:
        await detached(accounts, method)
    await accounts.put(name, {"id": name, "payer": "", "methods": [], "forgotten": True})
    return {"id": name}


async def again(accounts: Accounts, name: str, method: str, now: int) -> tuple[str, str]:
    """The number of a remembered card, and why it is refused; empty: it is not."""
    found = await accounts.get(method) if method.startswith("tm_") else None
    if found is None or not name or found["customer"] != name:
        return "", WITHDRAWN
    today = datetime.fromtimestamp(now // SECOND, UTC)
    if (found["year"], found["month"]) < (today.year, today.month):
        return found["card"], EXPIRED
    return found["card"], DECLINED if found["card"] == SPENT else ""


def _expiry(number: str, now: int) -> tuple[int, int]:
    today = datetime.fromtimestamp(now // SECOND, UTC)
    if number == AGED:
        return (today.month - 1, today.year) if today.month > 1 else (12, today.year - 1)
    return 12, today.year + GOOD_FOR


async def _customer_of(accounts: Accounts, name: str) -> Document:
    found = await accounts.get(name) if name.startswith("tc_") else None
    if found is None or found.get("forgotten"):
        raise No("there is no such customer", 404)
    return found

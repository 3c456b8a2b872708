"""Accounts: a driver who can come back from another browser. A guest who makes one, or signs in to one, brings along what is his.

Erasing an account takes away who the driver is, and leaves what the law wants kept: bills, invoices and CDRs, by the number of a contract
that leads to nobody any more. The Tokens of the contract are good no longer, and every CPO is told.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from interplug.config import Settings
from interplug.model.said import said
from interplug.modules.node import Node
from interplug.store.accounts import Account
from interplug.store.cards import Card
from interplug.store.tx import Tx

from .cards import tokens_of, void
from .drives import in_the_way, new_driver
from .plugs import NotPossible

APP_USER = "APP_USER"
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\\[\]\x00-\x1f\x7f]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")
DAY = 86_400 * 1_000_000


class Taken(ValueError):
    """The e-mail address has an account."""


def email_of(text: str) -> str | None:
    """An address of e-mail as it is kept and compared; None: this is none."""
    text = text.strip()
    return text.lower() if len(text) <= 254 and text.isascii() and _EMAIL.fullmatch(text) else None


def sender(settings: Settings) -> str:
    """The address that e-mails to drivers come from; empty: none can be sent."""
    return (settings.accounts.mail_from or settings.alerts.mail_from) if settings.alerts.smtp_host else ""


async def open_account(node: Node, guest: str, *, email: str | None = None, password: str = "", language: str = "en") -> Account:
    """For the guest driver of that id, or for a new driver. Raises Taken."""
    driver = await node.store.read(lambda tx: tx.drivers.driver(guest)) if guest else None
    if driver is None:
        driver = await new_driver(node)
    account = Account(driver.id, email, password, language, node.clock())

    async def work(tx: Tx) -> None:
        if email is not None and await tx.accounts.by_email(email) is not None:
            raise Taken(email)
        if await tx.accounts.get(account.driver) is not None:
            raise NotPossible(said("This browser's charges belong to an account already."))
        await tx.accounts.add(account)

    await node.store.write(work)
    return account


async def bring(tx: Tx, guest: str, driver: str) -> None:
    """What a guest has becomes that of a driver with an account: drives, Token and favourites. Of a driver with an account nothing does."""
    found = await tx.drivers.driver(guest) if guest and guest != driver else None
    if found is None or await tx.accounts.get(guest) is not None:
        return
    await tx.cards.add(Card(APP_USER, found.token_uid, guest, found.contract_id, "", found.created_at))
    await tx.cards.hand_over(guest, driver)
    await tx.favourites.hand_over(guest, driver)
    await tx.drivers.hand_over(guest, driver)


@dataclass(slots=True, frozen=True)
class Erased:
    """What stays: `contracts` are the numbers by which it is kept."""

    contracts: tuple[str, ...]
    drives: int


async def erase(node: Node, driver: str) -> Erased:
    """Raises NotPossible while something charges."""

    async def work(tx: Tx) -> Erased:
        found = await tx.drivers.driver(driver)
        if found is None:
            raise NotPossible(said("There is no such driver."))
        drives = await tx.drivers.of_driver(driver, 1_000_000)
        if any(in_the_way(node, drive) for drive in drives):
            raise NotPossible(said("You are charging at the moment. End that first."))
        for token in await tokens_of(tx, node, found):
            await void(tx, node, token)
        account = await tx.accounts.get(driver)
        if account is not None and account.email is not None:
            await tx.letters.drop_to(account.email)
        await tx.accounts.erase(driver)
        await tx.methods.erase(driver, node.clock())
        await tx.cards.forget_orders(driver)
        cards = await tx.cards.of_driver(driver)
        for card in cards:
            await tx.cards.label(card, "")
        # Nobody's cookie and no link knows the new name; a CDR that comes late still finds its drive.
        nobody = secrets.token_hex(16)
        await tx.cards.hand_over(driver, nobody)
        await tx.drivers.rename(driver, nobody)
        return Erased(tuple(dict.fromkeys([found.contract_id, *(card.contract_id for card in cards)])), len(drives))

    return await node.store.write(work)

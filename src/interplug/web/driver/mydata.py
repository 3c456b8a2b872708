"""Everything that is kept about a driver, as one document: what the law lets him ask for."""

from __future__ import annotations

from typing import Any

from interplug.drivers.cards import tokens_of
from interplug.model.types import decode_json, format_time
from interplug.modules.node import Node
from interplug.store.accounts import Account
from interplug.store.drivers import Drive
from interplug.store.tx import Tx

from . import invoices, methods, rides

Document = dict[str, Any]
MOST = 100_000


async def of(node: Node, account: Account) -> Document:
    driver, now = account.driver, node.clock()

    async def work(tx: Tx) -> Document:
        found = await tx.drivers.driver(driver)
        assert found is not None
        orders, watches = await tx.cards.orders_of(driver), await tx.favourites.watched_by(driver, now)
        passkeys, identities = await tx.accounts.passkeys(driver), await tx.accounts.identities(driver)
        return {
            "told_at": format_time(now),
            "account": {
                "email": account.email,
                "has_password": bool(account.password),
                "language": account.language,
                "made_at": format_time(account.created_at),
                "signed_in_browsers": await tx.accounts.sessions.count(driver, now),
                "passkeys": [{"label": one.label, "made_at": format_time(one.created_at)} for one in passkeys],
                "signs_in_with": [{"issuer": one.issuer, "subject": one.subject, "as": one.label} for one in identities],
            },
            "contract": found.contract_id,
            "tokens": [one.document for one in await tokens_of(tx, node, found)],
            "card_orders": [
                {"label": one.label, "address": one.address or None, "state": one.state, "ordered_at": format_time(one.ordered_at)}
                for one in orders
            ],
            "favourites": [await _place(tx, one) for one in await tx.favourites.of_driver(driver)],
            "waits_for": [await _place(tx, one.object) for one in watches],
        }

    document = await node.store.read(work)
    document["payment_methods"] = [one.document() for one in await methods.cards(node, driver)]
    document["invoices"] = [one.document() for one in (await invoices.found(node, driver, MOST))[1]]
    drives = await node.store.read(lambda tx: tx.drivers.of_driver(driver, MOST))
    return {**document, "charges": [await _drive(node, drive) for drive in drives]}


async def _place(tx: Tx, pk: int) -> Document:
    stored = await tx.objects.get_pk(pk)
    found = {} if stored is None else stored.document
    return {"station": pk, "name": found.get("name"), "address": found.get("address"), "city": found.get("city")}


async def _drive(node: Node, drive: Drive) -> Document:
    """As its page says it, with what the operator has told and what was invoiced."""

    async def work(tx: Tx) -> Document:
        session = await tx.objects.get_pk(drive.session) if drive.session else None
        cdr = await tx.objects.get_pk(drive.cdr) if drive.cdr else None
        invoices = await tx.invoices.of_drive(drive.id)
        return {
            "session": None if session is None else session.document,
            "cdr": None if cdr is None else cdr.document,
            "invoices": [decode_json(one.document) for one in invoices],
        }

    return {**(await rides.ride(node, drive)).document(), "card": drive.token or None, **await node.store.read(work)}

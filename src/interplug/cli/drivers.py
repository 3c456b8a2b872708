"""`interplug driver`: the drivers of our provider who have an account, and their cards."""

from __future__ import annotations

from typing import Any

from interplug.drivers import accounts, cards
from interplug.model.types import format_time
from interplug.modules.node import Node
from interplug.store.accounts import Account
from interplug.store.cards import ORDERED, RFID, Card, Order
from interplug.store.drivers import Driver
from interplug.store.tx import Tx

from .ending import columns, end, show
from .opening import REPORTING, Reporting, with_node
from .options import Limit

Document = dict[str, Any]
MOST = 10_000


def list_(*, limit: Limit = 50, common: Reporting = REPORTING) -> None:
    """List drivers who have an account, the newest first."""

    async def work(tx: Tx) -> list[Document]:
        return [await _told(tx, one) for one in await tx.accounts.newest(limit)]

    found = with_node(common, lambda node: node.store.read(work))
    rows = [(one["driver"], one["email"] or "-", one["contract"], one["since"], ", ".join(one["signs_in_with"])) for one in found]
    lines = columns(("driver", "e-mail", "contract", "since", "signs in with"), rows)
    show(found, lines if found else ["no driver has an account"], json=common.json)


def show_(driver: str, /, *, common: Reporting = REPORTING) -> None:
    """Show a driver: account, cards, orders, the last charges.

    Parameters
    ----------
    driver
        An e-mail address, a contract, the uid of a card, or the id that the list shows.
    """
    found = with_node(common, lambda node: _whole(node, driver))
    if found is None:
        end(f"there is no driver {driver!r}")
    lines = [f"{name.replace('_', ' ')}: {found[name] or '-'}" for name in ("driver", "email", "contract", "since")]
    lines.append(f"signs in with: {', '.join(found['signs_in_with']) or '-'}")
    lines += ["", *columns(("card", "uid", "state"), [(one["label"], one["uid"], one["state"]) for one in found["cards"]])]
    lines += ["", *columns(("charge", "when", "state"), [(one["id"], one["when"], one["state"]) for one in found["charges"]])]
    show(found, lines, json=common.json)


def remove(driver: str, /, *, common: Reporting = REPORTING) -> None:
    """Erase a driver: account and all that is personal. Bills stay, Tokens are invalid, partners are told.

    Parameters
    ----------
    driver
        An e-mail address, a contract, the uid of a card, or the id that the list shows.
    """

    async def work(node: Node) -> accounts.Erased | None:
        found = await node.store.read(lambda tx: _find(tx, driver))
        return None if found is None else await accounts.erase(node, found.id)

    erased = with_node(common, work)
    if erased is None:
        end(f"there is no driver {driver!r}")
    told = {"contracts": list(erased.contracts), "charges_kept": erased.drives}
    show(told, [f"erased; {erased.drives} charges stay, under {', '.join(erased.contracts)}"], json=common.json)


# --- cards


def card_orders(*, common: Reporting = REPORTING) -> None:
    """List cards that drivers have ordered and that are still to be sent, the oldest first, with where they go."""
    found = with_node(common, lambda node: node.store.read(lambda tx: tx.cards.orders_in(ORDERED, MOST)))
    documents = [_order(one) for one in found]
    rows = [(one.id, format_time(one.ordered_at), one.label or "-", one.address.replace("\n", ", ")) for one in found]
    lines = columns(("order", "ordered", "name", "goes to"), rows)
    show(documents, lines if found else ["no card is to be sent"], json=common.json)


def card_sent(order: str, uid: str, /, *, common: Reporting = REPORTING) -> None:
    """Say which card was sent for an order. From here on it charges; the address is forgotten.

    Parameters
    ----------
    order
        As the list of orders shows it.
    uid
        The uid of the card, as stations read it: 8, 14 or 20 hexadecimal digits.
    """
    card = with_node(common, lambda node: cards.sent(node, order, uid))
    show(_card(card, True), [f"{uid} charges for {card.contract_id}"], json=common.json)


def card_block(uid: str, /, *, common: Reporting = REPORTING) -> None:
    """Refuse a card from now on; every partner is told.

    Parameters
    ----------
    uid
        The uid of the card.
    """
    _set(uid, True, common)


def card_unblock(uid: str, /, *, common: Reporting = REPORTING) -> None:
    """Let a card that was blocked charge again.

    Parameters
    ----------
    uid
        The uid of the card.
    """
    _set(uid, False, common)


def _set(uid: str, blocked: bool, common: Reporting) -> None:
    async def work(node: Node) -> Card | None:
        async def change(tx: Tx) -> Card | None:
            card = await tx.cards.get(RFID, uid)
            if card is not None:
                await cards.block(tx, node, card, blocked)
            return card

        return await node.store.write(change)

    card = with_node(common, work)
    if card is None:
        end(f"there is no card {uid!r}")
    show(_card(card, not blocked), [f"{uid} {'is blocked' if blocked else 'charges'}"], json=common.json)


# --- looking


async def _find(tx: Tx, name: str) -> Driver | None:
    email = accounts.email_of(name)
    account = await tx.accounts.by_email(email) if email is not None else None
    if account is not None:
        return await tx.drivers.driver(account.driver)
    return await tx.drivers.driver(name) or await tx.drivers.with_contract(name) or await tx.drivers.with_token(name)


async def _told(tx: Tx, account: Account) -> Document:
    driver = await tx.drivers.driver(account.driver)
    ways = ["password"] if account.password else []
    ways += ["passkey"] if await tx.accounts.passkeys(account.driver) else []
    ways += [one.issuer for one in await tx.accounts.identities(account.driver)]
    return {
        "driver": account.driver,
        "email": account.email,
        "contract": "" if driver is None else driver.contract_id,
        "since": format_time(account.created_at),
        "signs_in_with": ways,
    }


async def _whole(node: Node, name: str) -> Document | None:
    async def work(tx: Tx) -> Document | None:
        driver = await _find(tx, name)
        if driver is None:
            return None
        account = await tx.accounts.get(driver.id)
        guest = {"driver": driver.id, "email": None, "contract": driver.contract_id, "since": format_time(driver.created_at)}
        told = {**guest, "signs_in_with": []} if account is None else await _told(tx, account)
        held = [_card(one.card, one.valid) for one in await cards.cards_of(tx, node, driver.id)]
        ordered = [_order(one) for one in await tx.cards.orders_of(driver.id) if one.state == ORDERED]
        drives = await tx.drivers.of_driver(driver.id, 10)
        charges = [{"id": one.id, "when": format_time(one.created_at), "state": one.state, "card": one.token or None} for one in drives]
        return {**told, "cards": held, "orders": ordered, "charges": charges}

    return await node.store.read(work)


def _card(card: Card, valid: bool) -> Document:
    return {"uid": card.uid, "label": card.label, "contract": card.contract_id, "state": "good" if valid else "blocked"}


def _order(order: Order) -> Document:
    told = {"order": order.id, "label": order.label, "address": order.address, "driver": order.driver}
    return {**told, "ordered_at": format_time(order.ordered_at)}

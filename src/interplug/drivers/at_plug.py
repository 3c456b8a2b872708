"""What a drive and a reservation have in common: a driver has chosen a plug at a known price, and its operator is asked for something.

First a row, then the network: what is asked is written down in one with the row of its command. A slow operator is waited for only as
long as a driver likes to wait; he sees that it is being asked, and the answer is followed when it comes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from interplug.model.said import said
from interplug.model.types import encode_json
from interplug.modules import asking, commands
from interplug.modules.node import Node
from interplug.partners.directory import Connection
from interplug.protocol.headers import Party
from interplug.store.commands import Command
from interplug.store.drivers import Driver

from .offers import Offer, encoded
from .plugs import NotPossible, Plug, priced
from .tokens import token_of

T = TypeVar("T")
Document = dict[str, Any]
PROMPT = 2.0
"""Seconds for which the driver waits for an operator's answer before he sees that it is waited for."""


class Overtaken(Exception):
    """Somebody else has just asked for the same, or it is over."""


@dataclass(slots=True, frozen=True)
class Choice:
    """A plug, who has chosen it, and what its price is made of: the operator's Tariffs and our offer."""

    driver: Driver
    token: Document
    plug: Plug
    shown: list[Document]
    offer: Offer | None

    def columns(self) -> Document:
        """As a drive or a reservation keeps it (`store/at_plug.py`)."""
        return {"driver": self.driver.id, **self.plug.columns(), "shown": encode_json(self.shown), "offer": encoded(self.offer)}


async def choose(node: Node, driver: Driver, plug: Plug) -> Choice:
    """At the price of now; `NotPossible` where the driver is known no more."""
    token = await node.store.read(lambda tx: token_of(tx, node, driver))
    if token is None:
        raise NotPossible(said("You are not known here any more; reload the page."))
    shown, offer = await node.store.read(lambda tx: priced(tx, node, plug, token))
    return Choice(driver, token, plug, shown, offer)


async def ask(
    node: Node,
    connection: Connection,
    command: str,
    document: Document,
    party: Party,
    noting: asking.Noting,
    happened: Callable[[str, str], Awaitable[T]],
    answered: Callable[[Command], Awaitable[T]],
    unsent: str,
) -> T:
    """Sends a command for a drive or a reservation, and tells how that stands after PROMPT at the latest.

    `party` is the operator. `noting` writes down what is asked, or raises `Overtaken`. `happened` moves it on with an event and its reason
    (an empty event: as it is), `answered` with the row of the command; `unsent` is the event where nothing could be sent.
    """

    async def asked() -> T:
        try:
            sent = await commands.send(node, connection, command, document, noting, party)
        except Overtaken:
            return await happened("", "")
        except (asking.NotSent, ValueError) as error:
            return await happened(unsent, str(error))
        row = await asking.status(node, sent.id)
        assert row is not None
        return await answered(row)

    return await node.begun(asked(), PROMPT) or await happened("", "")

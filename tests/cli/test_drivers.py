"""`interplug driver`: who has an account, their cards, and the end of an account, on the command line."""

from __future__ import annotations

import asyncio
from pathlib import Path

from interplug.config import Settings, StoreSettings
from interplug.drivers import accounts, cards
from interplug.modules.node import Node
from interplug.modules.opening import opened
from tests.cli.conftest import Command

UID = "04A1B2C3"
HOME = "Ann Example\nStreet 1\n10115 Berlin"


def ordered(folder: Path) -> str:
    """A driver with an account who has ordered a card; the contract."""

    async def work() -> str:
        async with opened(Settings(store=StoreSettings(url=f"sqlite:///{folder / 'node.db'}"))) as node:
            return await _order(node)

    return asyncio.run(work())


async def _order(node: Node) -> str:
    account = await accounts.open_account(node, "", email="ann@example.org", password="a hash")
    driver = await node.store.read(lambda tx: tx.drivers.driver(account.driver))
    assert driver is not None
    await cards.order(node, driver, "The blue car", HOME)
    return driver.contract_id


def test_a_card_is_sent_blocked_and_found_again(interplug: Command, tmp_path: Path) -> None:
    assert interplug("party", "add", "EMSP", "DE-ABC").code == 0
    assert interplug("driver", "card", "orders").out == "no card is to be sent\n"
    contract = ordered(tmp_path)
    (order,) = interplug("driver", "card", "orders", "--json").json
    assert order["address"] == HOME and "Street 1" in interplug("driver", "card", "orders").out
    assert interplug("driver", "card", "sent", order["order"], "nonsense").code == 1
    sent = interplug("driver", "card", "sent", order["order"], UID, "--json").json
    assert (sent["contract"], sent["state"]) == (contract, "good")
    assert interplug("driver", "card", "orders", "--json").json == []
    assert interplug("driver", "card", "sent", order["order"], UID).code == 1
    assert interplug("driver", "card", "block", UID.lower()).code == 0
    for name in ("Ann@example.org", contract, UID):
        (card,) = interplug("driver", "show", name, "--json").json["cards"]
        assert card["state"] == "blocked"
    assert interplug("driver", "card", "unblock", UID).out == f"{UID} charges\n"
    assert interplug("driver", "card", "block", "FFFFFFFF").code == 1


def test_drivers_are_listed_and_erased(interplug: Command, tmp_path: Path) -> None:
    assert interplug("party", "add", "EMSP", "DE-ABC").code == 0
    assert interplug("driver", "list").out == "no driver has an account\n"
    contract = ordered(tmp_path)
    (found,) = interplug("driver", "list", "--json").json
    assert (found["email"], found["contract"], found["signs_in_with"]) == ("ann@example.org", contract, ["password"])
    assert contract in interplug("driver", "show", "ann@example.org").out
    assert interplug("driver", "remove", "ann@example.org", "--json").json == {"contracts": [contract], "charges_kept": 0}
    assert interplug("driver", "list", "--json").json == []
    assert interplug("driver", "remove", "ann@example.org").code == 1

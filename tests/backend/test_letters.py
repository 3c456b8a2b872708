"""Letters to drivers over a real socket: sent once, tried again, given up, and gone from here when they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from interplug.backend.letters import Letters
from interplug.config import AlertSettings, Delivery
from interplug.modules.node import Node
from tests.backend.test_telling import Box, box
from tests.nodes import SECOND, Clock, close, make_node

__all__ = ["box"]


@pytest.fixture
async def node(tmp_path: Path, clock: Clock, box: Box) -> AsyncIterator[Node]:
    settings = AlertSettings(smtp_host="127.0.0.1", smtp_port=box.port, smtp_security="none", timeout=2)
    made = await make_node(tmp_path, clock=clock, alerts=settings, delivery=Delivery(back_off=10))
    yield made
    await close(made)


@pytest.fixture
def letters(node: Node) -> Letters:
    return Letters(node, "Charging <charging@node.example>")


async def write(node: Node, text: str = "Here: https://node.example/account/new/secret\n", seconds: int = 3600) -> None:
    now = node.clock()
    await node.store.write(lambda tx: tx.letters.add("ann@example.org", "Grüße", text, now, now + seconds * SECOND))


async def left(node: Node) -> int:
    return len(await node.store.read(lambda tx: tx.letters.due(2**62, 10)))


async def test_a_letter_is_sent_and_gone(node: Node, letters: Letters, box: Box) -> None:
    await write(node)
    assert await letters.tick() and not await letters.tick()
    (mail,) = box.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == ("Charging <charging@node.example>", "ann@example.org", "Grüße")
    assert "https://node.example/account/new/secret" in box.texts()[0]
    assert await left(node) == 0


async def test_a_mail_server_that_is_away_is_asked_again_and_logs_no_address(
    node: Node, letters: Letters, box: Box, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    box.failing = 1
    await write(node)
    await letters.tick()
    assert box.mails == [] and not await letters.tick()  # not at once
    assert "ann@" not in caplog.text and "secret" not in caplog.text
    clock.move(11)
    await letters.tick()
    assert len(box.mails) == 1 and await left(node) == 0


async def test_a_letter_whose_link_is_worth_nothing_any_more_is_not_sent(node: Node, letters: Letters, box: Box, clock: Clock) -> None:
    box.failing = 1
    await write(node, seconds=60)
    await letters.tick()
    clock.move(61)
    await letters.tick()
    assert box.mails == [] and await left(node) == 0


async def test_a_mailbox_that_does_not_exist_is_not_asked_for_ever(node: Node, letters: Letters, box: Box) -> None:
    async def handle_RCPT(*_: object) -> str:
        return "550 nobody here"

    box.handle_RCPT = handle_RCPT  # type: ignore[attr-defined]
    await write(node)
    await letters.tick()
    assert await left(node) == 0

"""The mailbox of the demo takes what a node sends, and tells the link that stands in it."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage

from interplug import config
from interplug.backend.smtp import hand_over
from interplug.cli.demo.mailbox import mailbox
from interplug.drivers.accounts import sender


def letter(number: int) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "demo@interplug.invalid", "ann@example.org", "Grüße"
    mail.set_content(f"Hello.\n\nhttp://127.0.0.1:8080/account/new/secret{number}\n\n.a dot\n-- \nhttp://127.0.0.1:8080\n")
    return mail


async def test_a_letter_is_told_with_its_link() -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    async with mailbox(told.put_nowait) as environment:
        settings = config.load(None, environment)
        assert sender(settings) and settings.accounts.cards
        for number in range(2):
            await hand_over(settings.alerts, letter(number))
        async with asyncio.timeout(5):
            said = [await told.get() for _ in range(2)]
    assert said == [f"e-mail to ann@example.org: Grüße  http://127.0.0.1:8080/account/new/secret{number}" for number in range(2)]

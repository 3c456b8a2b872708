"""Tells of alerts, by webhook and e-mail: everything that stands in the database as unsent, until it is taken.

Each target has a loop of its own, so that one which is slow or away holds up no other. Of one alert a target gets the messages in their
order. What one message is refused for keeps back the rest of its alert alone; a target that is away is tried again with pauses that grow.
A process that ends in the middle is continued by the next one, so the same message may come twice, with the same id.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from typing import Protocol

from interplug.config import AlertSettings, BadSettings
from interplug.modules.node import Node
from interplug.partners.presentation import root
from interplug.store.alerts import Message
from interplug.store.tx import Tx

from .mail import Mail
from .targets import Away, Refused, pause
from .webhook import Webhook

log = logging.getLogger(__name__)
TICK = 0.5


class Target(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def together(self) -> int:
        """How many messages it takes at a time."""

    @property
    def spacing(self) -> float:
        """Seconds between two times that it is told anything."""

    async def send(self, messages: Sequence[Message]) -> None:
        """Raises `Refused` or `Away`."""

    async def aclose(self) -> None: ...


def wanted(settings: AlertSettings) -> dict[str, str]:
    """The targets that are configured, and the least severity of which each is told."""
    found: dict[str, str] = dict.fromkeys(settings.webhooks, settings.webhook_severity)
    return found | ({Mail.name: settings.mail_severity} if settings.mail_to else {})


def targets(node: Node) -> list[Target]:
    """Raises BadSettings where one cannot be told as it is configured."""
    settings = node.settings.alerts
    if settings.webhooks and not settings.webhook_secret:
        raise BadSettings("alerts.webhooks need alerts.webhook_secret, with which what they are told is signed")
    if settings.mail_to and not (settings.smtp_host and settings.mail_from):
        raise BadSettings("alerts.mail_to needs alerts.smtp_host and alerts.mail_from")
    found: list[Target] = [Webhook(url, settings, node.settings.network) for url in dict.fromkeys(settings.webhooks)]
    if settings.mail_to:
        found.append(Mail(settings, f"{root(node.settings)}/console" if node.settings.surfaces.console else ""))
    return found


class Telling:
    def __init__(self, node: Node, targets: Sequence[Target]) -> None:
        self.node, self.targets = node, targets

    async def run(self) -> None:
        await self.node.store.write(self._forget)
        async with asyncio.TaskGroup() as group:
            for target in self.targets:
                group.create_task(self._serve(target))

    async def _forget(self, tx: Tx) -> None:
        """What was for targets that are configured no longer."""
        for name in (await tx.alerts.unsent()).keys() - {target.name for target in self.targets}:
            log.warning("%d messages about alerts were for a target that is configured no longer", await tx.alerts.drop(name))

    async def _serve(self, target: Target) -> None:
        failures = 0
        async with aclosing(target):
            while True:
                try:
                    wait = target.spacing if await self.look(target) else TICK
                    failures = 0
                except Away:
                    failures += 1
                    wait = pause(self.node.settings.delivery, failures)
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    return  # what sends mail waits with `wait_for`, which in Python 3.11 gives an answer that comes just then, and no end
                await asyncio.sleep(wait)

    async def look(self, target: Target) -> bool:
        """Tells what is next; whether there was anything. Raises `Away`, which is noted."""
        node = self.node
        due = await node.store.read(lambda tx: tx.alerts.due(target.name, node.clock(), target.together), snapshot=False)
        if not due:
            return False
        try:
            await target.send(due)
        except Refused as error:
            tries = max(one.tries for one in due) + 1
            await self._failed(due, str(error), node.after(pause(node.settings.delivery, tries)))
            return True
        except Away as error:
            await self._failed(due, str(error), 0)
            raise
        now = node.clock()

        async def work(tx: Tx) -> None:
            for one in due:
                await tx.alerts.sent(one.no, now)

        await node.store.write(work)
        return True

    async def _failed(self, due: Sequence[Message], why: str, again: int) -> None:
        log.warning("alerts: %s", why)

        async def work(tx: Tx) -> None:
            for one in due:
                await tx.alerts.failed(one.no, why[:500], again)

        await self.node.store.write(work)

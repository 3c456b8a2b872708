"""How long what grows is kept: one place, with a setting for each kind, looked at once an hour; messages, of which there may be millions
an hour, once a minute.

Evidence (versions of Tariffs, CDRs and Sessions, readings of meters) is kept for years, what helps to find a fault (messages, what
could not be taken) for weeks. Objects themselves are not touched. Which audiences an object has left is forgotten once every
partner that is still to be told of changes has been told.
"""

from __future__ import annotations

from interplug.partners import states
from interplug.store.cursors import LOG
from interplug.store.tx import Tx

from .command_states import OPEN
from .node import Node
from .session_states import ENDED

DAY = 86_400_000_000
MOST_MESSAGES = 5_000_000


async def forget(node: Node) -> None:
    """Removes everything whose time is over."""
    await node.store.write(lambda tx: _forget(tx, node))


async def forget_messages(node: Node) -> None:
    """Of the message log alone, so that no hour's worth has to go at once."""
    await node.store.write(lambda tx: _forget_messages(tx, node))


async def _forget_messages(tx: Tx, node: Node) -> None:
    await tx.messages.forget(before=_before(node, node.settings.store.message_days), most=MOST_MESSAGES)


def _before(node: Node, days: float) -> int:
    return node.clock() - int(days * DAY)


async def _forget(tx: Tx, node: Node) -> None:
    kept = node.settings.store
    for module, days in (("tariffs", kept.tariff_days), ("cdrs", kept.cdr_days), ("sessions", kept.session_days)):
        await tx.history.forget(module, _before(node, days))
    await tx.statuses.forget(_before(node, kept.status_days))
    await tx.stations.forget(ENDED, _before(node, kept.reading_days))
    await tx.drivers.forget_readings(_before(node, kept.reading_days))
    await _forget_messages(tx, node)
    await tx.pulses.sum_up(node.clock())
    await tx.ocpp.forget(_before(node, node.settings.stations.frame_days))
    await tx.alerts.forget(_before(node, node.settings.alerts.days))
    await tx.problems.forget(_before(node, node.settings.alerts.days))
    await tx.quarantine.forget(_before(node, kept.quarantine_days))
    await tx.commands.forget(OPEN, _before(node, kept.command_days))
    await tx.profiles.forget(_before(node, kept.command_days))
    await tx.replies.forget(node.clock())
    await tx.partners.drop_expired(node.clock())
    await tx.objects.forget_moves(await _told(tx, node) + 1)


async def _told(tx: Tx, node: Node) -> int:
    """The number of the change log up to which every partner has been told."""
    cursors = await tx.cursors.all()
    waiting = [one.id for one in node.directory.all() if one.state in (states.REGISTERED, states.SUSPENDED)]
    return min((cursors[one, LOG] for one in waiting if (one, LOG) in cursors), default=await node.store.look())

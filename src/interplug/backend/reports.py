"""Problems that drivers report, as alerts of the provider: one alert for one kind of problem at one plug, however many report it.

The station is a partner's, so no fault log says when it is over: the alert closes when somebody has closed the last of its problems.
"""

from __future__ import annotations

from interplug.modules.node import Node
from interplug.store.alerts import Alert
from interplug.store.problems import Problem
from interplug.store.tx import Tx

from . import telling
from .alerts import CLOSED, Following

CODE = "DriverReport"
SOURCE = "driver"
SEVERITY = {"DANGER": "major"}
LONGEST = 500


async def report(tx: Tx, node: Node, problem: Problem) -> None:
    """Writes the problem down, opens its alert or counts it there, and has it told."""
    following = Following(node, telling.wanted(node.settings.alerts))
    station, code = problem.evse_id or problem.evse or problem.place, code_of(problem)
    info = ": ".join(part for part in (problem.name, problem.said) if part)[:LONGEST]
    alert = await tx.alerts.same(station, 0, 0, code)
    if alert is None:
        alert = Alert(
            station=station,
            evse=0,
            connector=0,
            code=code,
            severity=SEVERITY.get(problem.kind, "minor"),
            vendor_code=reference(problem.id),
            info=info,
            source=SOURCE,
            country=problem.country,
            party=problem.party,
            place=problem.place,
            evse_uid=problem.evse,
            opened_at=problem.created_at,
        )
        await tx.alerts.open(alert)
    else:
        alert.times, alert.vendor_code, alert.info = alert.times + 1, reference(problem.id), info
        await tx.alerts.update(alert)
    problem.alert = alert.no
    await tx.problems.add(problem)
    await following.tell_opened(tx, alert)


async def close(tx: Tx, node: Node, problem: Problem, by: str) -> bool:
    """False: somebody has closed it already. With its last problem an alert ends."""
    now = node.clock()
    if not await tx.problems.close(problem.id, by, now):
        return False
    alert = await tx.alerts.get(problem.alert)
    if alert is not None and not alert.closed_at and not await tx.problems.left(alert.no):
        following = Following(node, telling.wanted(node.settings.alerts))
        alert.closed_at = now
        await tx.alerts.update(alert)
        await following.tell(tx, alert, CLOSED, await following.told(tx, alert))
    return True


def code_of(problem: Problem) -> str:
    """Of its alert."""
    return f"{CODE}{problem.kind.title().replace('_', '')}"


def reference(id: str) -> str:
    """What a driver quotes of a drive, a reservation or a problem: the beginning of its id, as one says it on the telephone."""
    return f"{id[:4]}-{id[4:8]}".upper()

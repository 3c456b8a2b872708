"""`interplug profile`: limit the power of a Session at a partner's station, see what the station plans, and take the limit away.

Like a command, a request is a row before it is sent: the running node takes its result, and this process only looks at the row.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from interplug.model.types import decode_json, format_time
from interplug.modules import asking, preferences, profiles
from interplug.modules.node import Node
from interplug.partners.directory import Connection
from interplug.store.commands import Command
from interplug.store.profiles import Profile

from .commanding import check_running, report, result_of, sent
from .ending import FAILED, NETWORK, USAGE, columns, end, show
from .opening import DASH, REPORTING, Reporting, with_node
from .options import Amount, Limit, Partner
from .partners import named
from .reading import documents

Unit = Literal["A", "W"]
Type = Literal["CHEAP", "FAST", "GREEN", "REGULAR"]
Ask = Callable[[Node, Connection], Awaitable[asking.Sent]]


def set_(
    partner: Partner,
    session: str,
    /,
    *limits: str,
    unit: Annotated[Unit, Parameter(help="A: amperes of each phase; W: watts in all.")] = "A",
    duration: Annotated[int | None, Parameter(help="Seconds after which the limits end; without it, the last one stays.")] = None,
    start: Annotated[str | None, Parameter(help="When the limits begin, as 2026-01-01T12:00:00Z; without it, when charging began.")] = None,
    file: Annotated[Path | None, DASH, Parameter(help="A ChargingProfile as JSON instead; - is standard input.")] = None,
    common: Reporting = REPORTING,
) -> None:
    """Limit a Session; a limit that we have set for it before ends.

    Parameters
    ----------
    session
        Id of a Session that the partner has told us of.
    limits
        16 for a limit from the start on, 600=8 for one from second 600 on.
    """
    if bool(limits) == (file is not None):
        end("name limits, or a --file", USAGE)
    if file is not None:
        profile = _read(file)
    else:
        profile = {"charging_rate_unit": unit, "charging_profile_period": [_period(text) for text in limits]}
        profile |= {} if duration is None else {"duration": duration}
        profile |= {} if start is None else {"start_date_time": start}
    _ask(partner, lambda node, connection: profiles.set_profile(node, connection, session, profile), common)


def _read(file: Path) -> dict[str, Any]:
    found = list(documents([file]))
    if len(found) != 1 or "unreadable" in found[0]:
        end(f"{file}: one ChargingProfile is needed", USAGE)
    return found[0]


def _period(text: str) -> dict[str, Any]:
    start, equals, limit = text.rpartition("=")
    try:
        return {"start_period": int(start) if equals else 0, "limit": Decimal(limit)}
    except (ValueError, InvalidOperation):
        end(f"{text!r} is no limit: 16, or 600=8", USAGE)


def get(
    partner: Partner,
    session: str,
    /,
    *,
    seconds: Annotated[int, Parameter(validator=Number(gte=1, lte=31_622_400), help="Of how much time from now on.")] = 3600,
    common: Reporting = REPORTING,
) -> None:
    """Ask what the station plans for a Session.

    Parameters
    ----------
    session
        Id of a Session that the partner has told us of.
    """
    _ask(partner, lambda node, connection: profiles.get_profile(node, connection, session, seconds), common)


def clear(partner: Partner, session: str, /, *, common: Reporting = REPORTING) -> None:
    """Take the limit away that we have set for a Session.

    Parameters
    ----------
    session
        Id of a Session that the partner has told us of.
    """
    _ask(partner, lambda node, connection: profiles.clear_profile(node, connection, session), common)


def _ask(partner: str, ask: Ask, common: Reporting) -> None:
    async def work(node: Node) -> Command:
        connection = named(node, partner)
        await check_running(node)
        return await result_of(node, ask(node, connection))

    row = with_node(common, work)
    plan = decode_json(row.found) if row.found else None
    report(row, {"plan": plan} if plan is not None else {}, _lines(plan), json=common.json)


def _lines(plan: dict[str, Any] | None) -> list[str]:
    if plan is None:
        return []
    profile = plan["charging_profile"]
    listed = [(f"{one['start_period']} s", f"{one['limit']} {profile['charging_rate_unit']}") for one in profile["charging_profile_period"]]
    return [f"from {plan['start_date_time']} on:", *columns(("after", "at most"), listed)]


def prefer(
    partner: Partner,
    session: str,
    type: Type,
    /,
    *,
    departure: Annotated[str | None, Parameter(help="When the driver leaves, as 2026-01-01T12:00:00Z.")] = None,
    energy: Annotated[Amount | None, Parameter(help="kWh that the driver wants in all.")] = None,
    discharge: Annotated[bool, Parameter(negative=(), help="The car may be discharged meanwhile.")] = False,
    common: Reporting = REPORTING,
) -> None:
    """Tell a partner what the driver of a Session wants.

    Parameters
    ----------
    session
        Id of a Session of a driver of ours.
    type
        CHEAP, FAST, GREEN or REGULAR.
    """
    wish: dict[str, Any] = {"profile_type": type}
    wish |= {} if departure is None else {"departure_time": departure}
    wish |= {} if energy is None else {"energy_need": energy}
    wish |= {"discharge_allowed": True} if discharge else {}

    async def work(node: Node) -> preferences.Preferred:
        return await sent(preferences.send(node, named(node, partner), session, wish))

    found = with_node(common, work)
    show({"answer": found.answer or None, "message": found.why}, [found.answer or found.why], json=common.json)
    if found.answer != "ACCEPTED":
        end(f"the preferences were not accepted: {found.answer or found.why}", FAILED if found.answer else NETWORK)


def list_(*, limit: Limit = 50, common: Reporting = REPORTING) -> None:
    """List the profiles that were set, by partners at our stations and by us at theirs, newest first."""

    async def work(node: Node) -> list[dict[str, Any]]:
        names = {one.id: one.partner for one in node.directory.all(removed=True)} | {0: "ourselves"}
        rows = await node.store.read(lambda tx: tx.profiles.newest(limit))
        return [_described(row, names) for row in rows]

    found = with_node(common, work)
    shown = ("set_at", "session", "of", "set_by", "limits", "plan")
    table = [[one["set_at"] or "-", one["session"], one["of"], one["set_by"], *map(_short, (one["profile"], one["plan"]))] for one in found]
    show(found, columns(shown, table) if table else ["no charging profile yet"], json=common.json)


def _described(row: Profile, names: dict[int, str]) -> dict[str, Any]:
    plan = decode_json(row.active) if row.active else None
    return {
        "session": row.name,
        "of": names.get(row.source, str(row.source)),
        "set_by": names.get(row.connection, str(row.connection)),
        "set_at": format_time(row.set_at) if row.set_at else None,
        "profile": decode_json(row.document) if row.document else None,
        "plan": plan["charging_profile"] if plan else None,
    }


def _short(profile: dict[str, Any] | None) -> str:
    periods = (profile or {}).get("charging_profile_period") or ()
    unit = (profile or {}).get("charging_rate_unit", "")
    return " ".join(f"{one['start_period']}={one['limit']}{unit}" for one in periods) or "-"

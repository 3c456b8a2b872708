"""What was said about one charge: the commands and the messages of the log that concern it, for somebody who was not there.

A message concerns it if its URL or its bodies name the Session, the CDR, the authorisation or one of the commands; real-time
authorisation of its Token just before it began; and what has the correlation id of one of those. Of a list with the objects of other
charges only those are shown that belong to this one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec

from interplug.model.types import BadJson, decode_json, fold, format_time
from interplug.store.commands import Command
from interplug.store.messages import Message
from interplug.store.tx import Tx

from . import facts
from .matter import Matter

Document = dict[str, Any]
DAY = 86_400_000_000
LONG = 8
"""Ids of so many letters are taken for themselves wherever they stand; shorter ones only where Sessions or CDRs are spoken of."""
FEW = 50
"""More messages than this under one correlation id: the partner does not vary it, and it says nothing."""
_FIELDS = ("id", "session_id", "authorization_reference", "credit_reference_id", "authorization_id")


class Names(NamedTuple):
    """`ids` are of CDR, Session and authorisation, `commands` what stands in URLs of commands."""

    ids: tuple[str, ...]
    commands: tuple[str, ...]
    token: str
    asked_until: int


async def converse(matter: Matter) -> None:
    """Shows the commands and the messages."""
    await _messages(matter, await _commands(matter))


async def _commands(matter: Matter) -> list[Command]:
    if matter.connection is None:
        return []
    until = matter.about.end_at + DAY
    rows = [one for one in await matter.tx.commands.between(matter.connection.id, matter.began, until) if _belongs(matter, one)]
    if rows:
        listed = [{**msgspec.structs.asdict(one), "document": decode_json(one.document)} for one in rows]
        times = ("created_at", "deadline", "finished_at")
        listed = [{**one, **{name: format_time(one[name]) if one[name] else None for name in times}} for one in listed]
        matter.show("commands.json", "The commands to the station that concern the session, and how they went.", listed)
    elif matter.began < matter.node.clock() - matter.node.settings.store.command_days * DAY:
        matter.lack("commands", matter.kept("command_days"))
    return rows


def _belongs(matter: Matter, command: Command) -> bool:
    document, cdr = decode_json(command.document), matter.cdr.document
    if matter.session_id is not None and fold(str(document.get("session_id") or "")) == fold(matter.session_id):
        return True
    if matter.reference is not None and document.get("authorization_reference") == matter.reference:
        return True
    place = cdr["cdr_location"]
    same = command.token == fold(cdr["cdr_token"]["uid"]) and command.evse in ("", fold(place["evse_uid"]))
    return same and command.created_at <= matter.about.start_at + facts.GRACE


async def _messages(matter: Matter, commands: Iterable[Command]) -> None:
    if matter.connection is None:
        matter.lack("messages", "no partner is known with whom the CDR was exchanged")
        return
    days, since = matter.node.settings.store.message_days, matter.began
    oldest = matter.node.clock() - int(days * DAY)
    if since < oldest:
        matter.lack(f"messages before {format_time(oldest)}", f"they are kept for {days:g} days (store.message_days)")
    names = _names(matter, commands)
    found = await _concerning(matter.tx, matter.connection.id, since, names)
    if not found:
        matter.lack("messages", "none in the log concerns the CDR")
        return
    limit = matter.node.settings.store.message_body
    listed = [_quoted(one, limit, names) for one in found]
    matter.show("messages.json", "What was said with the partner about it, in both directions, in the order in which it was said.", listed)
    if cut := sum(one["body_cut"] or one["answer_cut"] for one in listed):
        matter.lack(f"the ends of {cut} messages", f"the log keeps {limit} bytes of each (store.message_body)")


def _names(matter: Matter, commands: Iterable[Command]) -> Names:
    cdr = matter.cdr.document
    ids = (cdr["id"], matter.session_id, matter.reference)
    return Names(
        ids=tuple(dict.fromkeys(name for name in ids if name)),
        commands=tuple(name for one in commands if (name := one.id if one.direction == "out" else one.response_url)),
        token=cdr["cdr_token"]["uid"],
        asked_until=matter.about.start_at + facts.GRACE,
    )


# --- the log


async def _concerning(tx: Tx, connection: int, since: int, names: Names) -> list[Message]:
    """In the order in which they were said."""
    candidates = await tx.messages.naming(connection, since, (*names.ids, *names.commands, names.token))
    found = {one.number: one for one in candidates if _concerns(one, names)}
    for correlation in dict.fromkeys(one.correlation_id for one in found.values() if one.correlation_id):
        same = await tx.messages.search(connection=connection, correlation_id=correlation, limit=FEW + 1)
        found |= {one.number: one for one in same if len(same) <= FEW and one.started_at >= since}
    return [found[number] for number in sorted(found)]


def _concerns(message: Message, names: Names) -> bool:
    way = [fold(unquote(part)) for part in urlsplit(message.url).path.split("/") if part]
    if any(name in message.url or _held(message, name.encode()) for name in names.commands):
        return True
    if "authorize" in way and fold(names.token) in way and message.started_at <= names.asked_until:
        return True
    charging = any("session" in part or "cdr" in part for part in way)
    return any((charging or len(name) >= LONG) and (fold(name) in way or _named(message, name)) for name in names.ids)


def _held(message: Message, text: bytes) -> bool:
    return text in message.body or text in message.answer


def _named(message: Message, name: str) -> bool:
    spelled = rb'"(?:%b)"\s*:\s*"%b"' % ("|".join(_FIELDS).encode(), re.escape(name.encode()))
    return any(re.search(spelled, body, re.IGNORECASE) for body in (message.body, message.answer))


def described(message: Message) -> Document:
    """What was said, without the words: when, by which way, where, how it ended."""
    return {
        "number": message.number,
        "at": format_time(message.started_at),
        "direction": message.direction,
        "method": message.method,
        "url": message.url,
        "http": message.http,
        "ocpi": message.ocpi,
        "milliseconds": message.took_us // 1000,
        "request_id": message.request_id,
        "correlation_id": message.correlation_id,
    }


def _quoted(message: Message, limit: int, names: Names) -> Document:
    answer, left_out = _only(message.answer, names)
    return {
        **described(message),
        "headers": message.headers,
        "body": message.body.decode(errors="replace"),
        "body_cut": len(message.body) >= limit,
        "answer": answer,
        "answer_cut": len(message.answer) >= limit,
        "left_out": left_out,
    }


def _only(answer: bytes, names: Names) -> tuple[Any, str | None]:
    """The answer as text; a list as JSON, without what belongs to others, and what was left out, in words."""
    if not re.search(rb'"data"\s*:\s*\[', answer):
        return answer.decode(errors="replace"), None
    try:
        envelope = decode_json(answer)
    except BadJson:
        return None, "a list of objects, of which the log holds the beginning only"
    listed = envelope["data"]
    ours = [one for one in listed if isinstance(one, dict) and any(fold(str(one.get(field))) in map(fold, names.ids) for field in _FIELDS)]
    return {**envelope, "data": ours}, f"{len(listed) - len(ours)} objects of other charges"

"""How a partner is, as `interplug partner show` and `doctor` tell it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from interplug.model.types import format_time
from interplug.sync.health import Health, Stuck, Way

from .ending import columns


def described(one: Health) -> dict[str, Any]:
    """For programs."""
    pause = one.pause
    return {
        "in": _way(one.incoming),
        "out": _way(one.outgoing),
        "last_heard": _time(one.contact.heard),
        "silent_since": _time(one.contact.silent),
        "cursor": one.cursor,
        "distance": one.distance,
        "unsent": one.unsent.objects,
        "unsent_is_lower_bound": one.unsent.more,
        "lag_seconds": round(one.lag, 3),
        "refused": len(one.refused),
        "needs_full_pull": one.needs_full_pull,
        "paused": pause
        and {"failures": pause.failures, "since": _time(pause.since), "next_attempt": _time(pause.until), "reason": pause.why},
        "pulled": {module: _time(time) for module, time in sorted(one.pulled.items())},
        "pushed": one.pushed,
        "read": {module: _time(time) for module, time in sorted(one.read.items())},
        "unread": one.unread,
    }


def refusals(one: Health) -> list[dict[str, Any]]:
    return [_refusal(stuck) for stuck in one.refused]


def lines(document: dict[str, Any]) -> Iterator[str]:
    """For people, of what `described` says."""
    for way, name in (("in", "requests in"), ("out", "requests out")):
        one = document[way]
        last = one["last_success"] or "none known"
        yield f"{name:14} last success {last}; {one['calls']} in this hour and the last, {one['failed']} failed ({one['error_rate']:.1%})"
    if document["silent_since"]:
        yield f"{'silent since':14} {document['silent_since']}"
    yield f"{'push':14} {_push(document)}"
    if document["read"]:
        yield f"{'lists read':14} {', '.join(f'{module} {time}' for module, time in document['read'].items())}"
    if document["unread"]:
        yield f"{'never read':14} {', '.join(document['unread'])}: what was there before the partner came it finds in our lists alone"
    if paused := document["paused"]:
        yield f"{'left alone':14} until {paused['next_attempt']}, {paused['failures']} failures since {paused['since']}: {paused['reason']}"
    if document["needs_full_pull"]:
        yield f"{'full pull':14} needed: the partner was behind for so long that it has to read our whole lists"
    if document["pulled"]:
        yield f"{'pulled up to':14} {', '.join(f'{module} {time}' for module, time in document['pulled'].items())}"


def refused_lines(rows: list[dict[str, Any]]) -> list[str]:
    names = ("module", "object", "reason", "since", "attempts", "next_attempt")
    return ["", *columns(("refused", *names[1:-1], "next attempt"), [[row[name] for name in names] for row in rows])] if rows else []


def _push(document: dict[str, Any]) -> str:
    if not document["pushed"]:
        return "nothing, for it takes nothing"
    if not document["unsent"]:
        return f"level, except for what it refused ({document['refused']})" if document["refused"] else "level"
    many = f"at least {document['unsent']}" if document["unsent_is_lower_bound"] else document["unsent"]
    behind = timedelta(seconds=int(document["lag_seconds"]))
    return f"{many} objects are unsent, the oldest change for {behind} (cursor {document['cursor']}, {document['distance']} behind)"


def _way(one: Way) -> dict[str, Any]:
    return {"last_success": _time(one.last_success), "calls": one.calls, "failed": one.failed, "error_rate": round(one.error_rate, 4)}


def _refusal(stuck: Stuck) -> dict[str, Any]:
    row, key = stuck.refused, stuck.key
    return {
        "module": row.module,
        "object": None if key is None else "/".join(part for part in (key.country, key.party, key.id, row.evse) if part),
        "reason": row.reason,
        "since": format_time(row.since),
        "attempts": row.attempts,
        "next_attempt": format_time(row.next_at),
    }


def _time(us: int) -> str | None:
    return format_time(us) if us else None

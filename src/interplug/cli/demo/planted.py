"""A planted fault: one CDR whose maker read the hours of the tariff as UTC, from the operator to the provider, over real OCPI.

The operator's node would not send it: what its back-end made is imported, checked and held, with the reason. Then a person overrules
the check, as operators without one do every day (`cdr release`), and it goes its way like any other CDR. The provider's node finds the
cause and the amount by itself; all other CDRs that it has were right.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from interplug.model.types import encode_json, format_time, parse_time
from interplug.tariffs import Options, cost_documents, price, read_session, volume_documents
from interplug.tariffs.money import plain

from . import ends
from .processes import DemoFailed, NodeProcess
from .stage import Stage
from .story import Tell

Document = dict[str, Any]
NAME = "PLANTED-FAULT"
REASON = "sent in spite of the check: this is the demo's planted fault"
FAULT = Options(clock="utc")
BEGAN, LASTED = time(23, 5), timedelta(minutes=50)
"""Local time of a winter's or a summer's evening: the night rate holds from 23:00, which in UTC is an hour or two later."""
KWH = Decimal(8)
JUDGED = 40.0
LOOK = 0.5


async def plant(built: Stage, tell: Tell) -> Document:
    """What was claimed and what is right, as the provider's node found it."""
    operator, provider = built.beta, built.provider
    here, tokens = await asyncio.gather(ends.held(operator, "locations", "tariffs"), provider.lines("export", "tokens"))
    location = next(one for one in here["location"].values() if _night(here, one) is not None)
    tariff = _night(here, location)
    card = next(one for one in reversed(tokens) if one["type"] == "RFID")
    assert tariff is not None
    files = []
    for name, document in zip(("session", "cdr"), faulty(tariff, location, card, datetime.now(UTC)), strict=True):
        files.append(operator.folder / f"{NAME}-{name}.json")
        files[-1].write_bytes(encode_json(document))
    await operator.command("import", *map(str, files), "--version", "2.3.0")
    held = await _one(operator, "-")
    if not held["held"]:
        raise DemoFailed(f"{operator.name} did not hold the planted CDR: {held}")
    tell(f"{operator.name}: CDR {NAME} is held: {', '.join(finding['code'] for finding in held['findings'])}")
    await operator.command("cdr", "release", NAME, "--reason", REASON, "--by", "demo")
    tell(f"{operator.name}: CDR {NAME} was released by hand and goes to {provider.name}")
    return _told(operator, await _judged(operator, provider), tell)


def _night(here: ends.Objects, location: Document) -> Document | None:
    """The tariff of its first Connector, if it has a night rate."""
    named = location["evses"][0]["connectors"][0].get("tariff_ids") or ()
    found = [here["tariff"][name] for name in named if name in here["tariff"]]
    nightly = (one for one in found if any((element.get("restrictions") or {}).get("start_time") for element in one["elements"]))
    return next((one for one in nightly if one["elements"][0]["price_components"][0]["type"] == "ENERGY"), None)


def faulty(tariff: Document, location: Document, card: Document, now: datetime) -> tuple[Document, Document]:
    """A Session of the last evening that is long over, and its CDR with the fault."""
    zone, evse = ZoneInfo(location["time_zone"]), location["evses"][0]
    connector = evse["connectors"][0]
    day = (now - timedelta(hours=2) - LASTED).astimezone(zone).date() - timedelta(days=1)
    start = datetime.combine(day, BEGAN, zone).astimezone(UTC)
    began, ended = (format_time(parse_time(moment.isoformat())) for moment in (start, start + LASTED))
    owned = {name: location[name] for name in ("country_code", "party_id")}
    shared = {
        **owned,
        "id": NAME,
        "start_date_time": began,
        "end_date_time": ended,
        "cdr_token": {name: card[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")},
        "auth_method": "WHITELIST",
        "currency": tariff["currency"],
        "charging_periods": [{"start_date_time": began, "dimensions": [{"type": "ENERGY", "volume": KWH}], "tariff_id": tariff["id"]}],
        "last_updated": ended,
    }
    place = {name: location[name] for name in ("id", "name", "address", "city", "postal_code", "country", "coordinates")}
    standing = {"evse_uid": evse["uid"], "evse_id": evse["evse_id"], "connector_id": connector["id"]}
    plug = {f"connector_{name}": connector[name] for name in ("standard", "format", "power_type")}
    cdr = {**shared, "session_id": NAME, "cdr_location": {**place, **standing, **plug}, "tariffs": [tariff]}
    cdr |= volume_documents(read_session(cdr)) | cost_documents(price(cdr, timezone=location["time_zone"], options=FAULT))
    told = {"location_id": location["id"], **{name: standing[name] for name in ("evse_uid", "connector_id")}}
    session = {**shared, **told, "kwh": KWH, "status": "COMPLETED", "total_cost": cdr["total_cost"]}
    return session, cdr


async def _one(node: NodeProcess, partner: str) -> Document:
    """The planted CDR as this node lists it."""
    listed = await node.command("cdr", "list", "--partner", partner, "--limit", "10000")
    return next((one for one in listed if one["id"] == NAME), {"verdicts": [], "held": False})


async def _judged(operator: NodeProcess, provider: NodeProcess) -> Document:
    try:
        async with asyncio.timeout(JUDGED):
            while True:
                found = await _one(provider, operator.name)
                if found["verdicts"]:
                    break
                await asyncio.sleep(LOOK)
    except TimeoutError:
        raise DemoFailed(f"{provider.name} had no verdict on the planted CDR after {JUDGED:.0f} s") from None
    if found["verdicts"] != ["mismatch"]:
        raise DemoFailed(f"{provider.name} judged the planted CDR otherwise: {found['verdicts']} {_words(found)}")
    return found


def _words(listed: Document) -> str:
    return "; ".join(finding["words"] for finding in listed["findings"])


def _told(operator: NodeProcess, found: Document, tell: Tell) -> Document:
    claimed, difference = Decimal(str(found["total_cost"])), Decimal(found["excess"])
    cause = next(finding for finding in found["findings"] if finding["verdict"] == "mismatch")
    told = {
        "cdr": NAME,
        "operator": operator.name,
        "cause": cause["code"],
        "words": cause["words"],
        "currency": found["currency"],
        "claimed": _short(claimed),
        "computed": _short(claimed - difference),
        "difference": _short(difference),
    }
    tell(line(told))
    return told


def _short(amount: Decimal) -> Decimal:
    return Decimal(plain(amount))


def line(told: Document) -> str:
    money = f"{told['claimed']} is claimed, {told['computed']} is right, {told['difference']} {told['currency']} too much, before taxes"
    return f"CDR {told['cdr']} of {told['operator']} is wrong: {told['cause']}: {money}"


async def checked(provider: NodeProcess) -> Document:
    """How many CDRs the provider has judged, and that all but the planted one are right."""
    listed = [one for one in await provider.command("cdr", "list", "--limit", "10000") if one["verdicts"] and one["id"] != NAME]
    wrong = [one for one in listed if one["verdicts"] != ["match"]]
    if wrong:
        raise DemoFailed(f"CDR {wrong[0]['id']} of {wrong[0]['from']} is {', '.join(wrong[0]['verdicts'])}: {_words(wrong[0])}")
    return {"checked": len(listed), "match": len(listed), "of": dict(Counter(one["from"] for one in listed))}

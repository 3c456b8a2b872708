"""What a Session and its CDR say, made from what was pinned and what was measured. Pure: no store, no clock.

The running cost, the CDR and the check of a partner's CDR come from one engine. The CDR is priced from itself, and before it
leaves it is read back as its receiver will read it and priced again; one that does not come out the same is a fault of ours and
is held (`holding`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from interplug.model.types import decode_json, encode_json, format_time, parse_time
from interplug.model.validate import validate
from interplug.tariffs import TariffError, cost_documents, price, price_session, read_session, volume_documents

from .metering import Metered
from .pinned import Pinned

Document = dict[str, Any]
FREE: Document = {"total_cost": {"before_taxes": 0, "taxes": []}}
_FOUR = Decimal("0.0001")
_COPIED = ("country_code", "party_id", "id", "cdr_token", "auth_method", "authorization_reference", "meter_id", "currency")


class Unbillable(RuntimeError):
    """The CDR that we made does not come out the same when it is read and priced again."""


def short(value: Decimal) -> Decimal:
    """Four decimals at most, without zeros that say nothing."""
    rounded = value.quantize(_FOUR).normalize()
    return rounded.quantize(Decimal(1)) if rounded == rounded.to_integral_value() else rounded


def running(session: Document, pinned: Pinned, metered: Metered) -> Document:
    """The Session with its periods, energy and cost so far (SES-035, SES-039: no cost at all where nothing prices it)."""
    periods = metered.periods()
    document = {**session, "kwh": short(metered.kwh), "charging_periods": periods}
    document.pop("total_cost", None)
    if metered.cutter.tariff is not None and periods:
        document["total_cost"] = _cost(document, metered, pinned)
    document["charging_periods"] = [_watched(period, metered if period is periods[-1] else None) for period in periods]
    return document


def _cost(document: Document, metered: Metered, pinned: Pinned) -> Document:
    assert metered.cutter.tariff is not None
    priced = price_session(read_session(document), [metered.cutter.tariff], timezone=pinned.time_zone)
    cost: Document = cost_documents(priced)["total_cost"]
    return cost


def _watched(period: Document, now: Metered | None) -> Document:
    """With what only Sessions may say: the average power of the period, and how full the battery is at its newest end (SES-046)."""
    volumes = {dimension["type"]: dimension["volume"] for dimension in period["dimensions"]}
    seen: list[Document] = []
    if volumes.get("TIME") and "ENERGY" in volumes:
        seen.append({"type": "POWER", "volume": (volumes["ENERGY"] / volumes["TIME"]).quantize(Decimal("0.001"))})
    if now is not None and now.last is not None and now.last.soc is not None:
        seen.append({"type": "STATE_OF_CHARGE", "volume": now.last.soc})
    return {**period, "dimensions": [*period["dimensions"], *seen]} if seen else period


class Ending(NamedTuple):
    """What a station says when a charge is over, besides the time: what ended it where no driver did, and what its meter signed.
    `doubt`: why a person has to look at the CDR before it leaves. `untimed`: why it may have been over at another time; who looks at the
    CDR can read it, and somebody has to where its price depends on that."""

    fault: str | None = None
    signed_data: dict[str, Any] | None = None
    doubt: str = ""
    untimed: str = ""


STOPPED = Ending()
"""By the driver, or for the driver."""


def bill(session: Document, pinned: Pinned, metered: Metered, now: int, ending: Ending) -> Document:
    """The CDR of a Session that has ended; `session` says when. It has the Session's id, so that there is one at most."""
    end = parse_time(session["end_date_time"])
    # With a reservation before it, a CDR starts when that did (CDR-051).
    start = min(parse_time(session["start_date_time"]), metered.first or end)
    cdr: Document = {name: session[name] for name in _COPIED if name in session}
    cdr |= {
        "start_date_time": format_time(start),
        "end_date_time": session["end_date_time"],
        "session_id": session["id"],
        "cdr_location": pinned.place,
        "charging_periods": metered.periods(),
        "last_updated": format_time(now),
    }
    if pinned.tariff is not None:
        cdr["tariffs"] = [pinned.tariff]
    if pinned.home:
        cdr["home_charging_compensation"] = True
    if ending.signed_data is not None:
        cdr["signed_data"] = ending.signed_data
    if ending.fault:
        cdr["remark"] = ending.fault[:255]
    cdr |= figures(cdr, pinned.time_zone)
    validate("cdr", cdr)
    return cdr


def figures(cdr: Document, zone: str | None) -> Document:
    """Every total of a CDR, from its own periods and tariffs; what no tariff prices is free."""
    volumes = volume_documents(read_session(cdr))
    return volumes | (cost_documents(price(cdr, timezone=zone)) if cdr.get("tariffs") else FREE)


def differing(cdr: Document, zone: str | None) -> list[str]:
    """The totals that come out otherwise when the CDR is read back and priced again."""
    read = decode_json(encode_json(cdr))
    try:
        again = figures(read, zone)
    except TariffError as error:
        return [str(error)]
    return [name for name, value in again.items() if read.get(name) != value]


def checked(cdr: Document, zone: str | None) -> Document:
    validate("cdr", cdr)
    if wrong := differing(cdr, zone):
        raise Unbillable(f"CDR {cdr['id']}: {', '.join(wrong)} differ when it is priced again")
    return cdr


# --- corrections


def credited(cdr: Document, now: int) -> Document:
    """The credit CDR that takes `cdr` back: all of it again, with a negative total and nothing else changed (CDR-019)."""
    total = cdr["total_cost"]
    taxes = [{**tax, "amount": -tax["amount"]} for tax in total.get("taxes") or ()]
    negative = {**total, "before_taxes": -total["before_taxes"]} | ({"taxes": taxes} if "taxes" in total else {})
    named = {"id": f"{cdr['id']}-C", "credit": True, "credit_reference_id": cdr["id"], "total_cost": negative}
    document = {**cdr, **named, "last_updated": format_time(now)}
    validate("cdr", document)
    return document


def corrected(cdr: Document, id: str, zone: str | None, now: int) -> Document:
    """What replaces a credited CDR: with an id of its own and every total priced anew (CDR-020)."""
    kept = {name: value for name, value in cdr.items() if not name.startswith("total_") and name not in ("credit", "credit_reference_id")}
    document = {**kept, "id": id, "last_updated": format_time(now)}
    return checked(document | figures(document, zone), zone)

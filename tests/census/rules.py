"""Rules between fields of one object, where the text states them as such ("SHALL", "only when", "required when").

A rule is a function from the object to `(where, reason)` pairs; it may trust nothing about the object's shape, because
the shape is judged elsewhere and both are asked. Rows name the versions that state the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from tests.census.facts import Table

Broken = Iterator[tuple[str, str]]
Rule = Callable[[Table, dict[str, Any]], Broken]


def broken_rules(facts: Table, name: str, value: dict[str, Any]) -> Broken:
    for rule in _RULES.get(name, ()):
        yield from rule(facts, value)


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _present(value: dict[str, Any], *names: str) -> bool:
    return all(value.get(name) is not None for name in names)


def _twice(items: Iterable[object]) -> list[str]:
    seen: set[str] = set()
    folded = [str(item).lower() for item in items if item is not None]
    return [item for item in folded if item in seen or seen.add(item)]  # type: ignore[func-returns-value]


@cache
def time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(facts: Table, value: dict[str, Any]) -> Broken:
    zone = value.get("time_zone")
    if isinstance(zone, str) and zone not in time_zones():
        yield ".time_zone", f"{zone!r} is not a name of the IANA time zone database"


def _allow_list(facts: Table, value: dict[str, Any]) -> Broken:
    if value.get("publish") is not False and value.get("publish_allowed_to"):
        yield ".publish_allowed_to", "only with publish=false"


def _parking_places(facts: Table, value: dict[str, Any]) -> Broken:
    """Ids of parking places are unique within the Location; an EVSE refers to places of its own Location."""
    ids = [place.get("id") for place in _dicts(value.get("parking_places"))]
    yield from ((".parking_places", f"id {twice!r} twice") for twice in _twice(ids))
    known = {str(i).lower() for i in ids}
    for number, evse in enumerate(_dicts(value.get("evses"))):
        for place in _dicts(evse.get("parking")):
            if str(place.get("parking_id")).lower() not in known:
                yield f".evses[{number}].parking", f"{place.get('parking_id')!r} is no parking place of this Location"


def _evse_uids(facts: Table, value: dict[str, Any]) -> Broken:
    yield from ((".evses", f"uid {twice!r} twice") for twice in _twice(e.get("uid") for e in _dicts(value.get("evses"))))


def _connector_ids(facts: Table, value: dict[str, Any]) -> Broken:
    yield from ((".connectors", f"id {twice!r} twice") for twice in _twice(c.get("id") for c in _dicts(value.get("connectors"))))


def _hours(facts: Table, value: dict[str, Any]) -> Broken:
    """Either all day and week, or at least one row of regular hours."""
    always, rows = value.get("twentyfourseven"), value.get("regular_hours")
    if always is True and rows:
        yield ".regular_hours", "only with twentyfourseven=false"
    elif always is not True and not rows:
        yield ".regular_hours", "needed unless twentyfourseven=true"


def _period(facts: Table, value: dict[str, Any]) -> Broken:
    begin, end = value.get("period_begin"), value.get("period_end")
    if isinstance(begin, str) and isinstance(end, str) and end <= begin:
        yield ".period_end", "not later than period_begin"


def _publish_token(facts: Table, value: dict[str, Any]) -> Broken:
    if not any(_present(value, name) for name in ("uid", "visual_number", "group_id")):
        yield "", "one of uid, visual_number and group_id is needed"
    if _present(value, "uid") and not _present(value, "type"):
        yield ".type", "needed beside uid"
    if _present(value, "visual_number") and not _present(value, "issuer"):
        yield ".issuer", "needed beside visual_number"


def _credit(facts: Table, value: dict[str, Any]) -> Broken:
    if value.get("credit") is True:
        if not _present(value, "credit_reference_id"):
            yield ".credit_reference_id", "needed in a credit CDR"
        elif str(value["credit_reference_id"]).lower() == str(value.get("id")).lower():
            yield ".credit_reference_id", "is the CDR itself"
    elif isinstance(value.get("id"), str) and len(value["id"]) > 36:
        yield ".id", "only a credit CDR's id may be longer than 36 characters"


def _session_only(facts: Table, value: dict[str, Any]) -> Broken:
    """Some dimensions belong in Sessions and not in CDRs."""
    for number, period in enumerate(_dicts(value.get("charging_periods"))):
        for dimension in _dicts(period.get("dimensions")):
            if dimension.get("type") in facts.enums["CdrDimensionType"].session_only:
                yield f".charging_periods[{number}].dimensions", f"{dimension['type']} is for Sessions only"


def _state_of_charge(facts: Table, value: dict[str, Any]) -> Broken:
    volume = value.get("volume")
    if value.get("type") == "STATE_OF_CHARGE" and isinstance(volume, (int, float, Decimal)) and not 0 <= volume <= 100:
        yield ".volume", f"{volume} is not a percentage"


def _connector_needs_evse(facts: Table, value: dict[str, Any]) -> Broken:
    if _present(value, "connector_id") and not _present(value, "evse_uid"):
        yield ".evse_uid", "needed beside connector_id"


def _reservation_dimensions(facts: Table, value: dict[str, Any]) -> Broken:
    """A reservation is priced by FLAT and TIME alone."""
    restrictions = value.get("restrictions")
    if isinstance(restrictions, dict) and _present(restrictions, "reservation"):
        for number, part in enumerate(_dicts(value.get("price_components"))):
            if part.get("type") not in ("FLAT", "TIME"):
                yield f".price_components[{number}].type", f"{part.get('type')} in a reservation"


def _roles(facts: Table, value: dict[str, Any]) -> Broken:
    """Every role is a combination of its own of role, party_id and country_code."""
    keys = [[role.get(name) for name in ("role", "party_id", "country_code")] for role in _dicts(value.get("roles"))]
    yield from ((".roles", f"{twice} twice") for twice in _twice(keys))


def _used_evse(facts: Table, value: dict[str, Any]) -> Broken:
    """The whole Location inside a Session or CDR of 2.1.1 includes only the EVSE and Connector that were used."""
    evses = _dicts(value["location"].get("evses")) if isinstance(value.get("location"), dict) else []
    if len(evses) > 1 or any(len(_dicts(evse.get("connectors"))) > 1 for evse in evses):
        yield ".location.evses", "only the EVSE and the Connector that were used"


_RULES: dict[str, tuple[Rule, ...]] = {
    "Location": (_zone, _allow_list, _parking_places, _evse_uids),
    "EVSE": (_connector_ids,),
    "Hours": (_hours,),
    "RegularHours": (_period,),
    "PublishTokenType": (_publish_token,),
    "Session": (_used_evse,),
    "CDR": (_credit, _session_only, _used_evse),
    "CdrDimension": (_state_of_charge,),
    "StartSession": (_connector_needs_evse,),
    "TariffElement": (_reservation_dimensions,),
    "Credentials": (_roles,),
}

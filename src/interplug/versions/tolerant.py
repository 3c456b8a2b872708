"""Repairs of what real partners send, before it is translated and validated: the tolerant reader.

Each repair mends one known deviation and has a name; what it did stands in a `Repair` with the path and both values, so that nothing is
mended in silence. Nothing is guessed about identity: over-long or malformed ids are left for the model to refuse, and no text is cut. It
runs where documents are pulled or imported; a push of a well-behaved partner never meets it.

A document comes and stays in the version that its partner speaks. Single values are mended by mending.py; here are the rules about
objects, which look at several fields: fields under the name of another version, required fields that can be told from others, prices in
the shape of another version. The argument is not changed, and where nothing is mended the very same document comes back.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from interplug.model.types import format_time

from .charges import COSTS, limit_down, limit_up, price_down, price_up
from .facts import NO_FACTS, Document, Facts
from .mending import ABSENT, MENDS, time
from .places import zone_of
from .spelling import is_number
from .table import VERSIONS, Version
from .v221 import credentials_up


class Repair(NamedTuple):
    name: str
    path: str
    before: Any
    after: Any


# Shape of the objects under a field; a rule is about a shape.
_INSIDE = {
    "evses": "evse",
    "connectors": "connector",
    "tariffs": "tariff",
    "charging_periods": "charging_period",
    "opening_times": "hours",
    "price_components": "component",
    "token": "token",
    "location": "location",
}


# An empty text says nothing, but where a text is required it must not cost the whole object.
_NEVER_ABSENT = frozenset({"address", "city", "issuer", "text"})
_COMPANIES = frozenset({"operator", "suboperator", "owner"})


def _shape(key: str, value: Document) -> str | None:
    # An AuthorizationInfo has a `location` too, which is none: it only refers to one.
    return None if key == "location" and "location_id" in value else _INSIDE.get(key)


def repair(kind: str, document: Any, version: str, facts: Facts = NO_FACTS) -> tuple[Any, list[Repair]]:
    """The document without the deviations that are known, and what was mended."""
    bench = _Bench(VERSIONS[version], facts)
    if isinstance(document, str) and kind in ("command_response", "command_result"):
        # 2.1.1-d1 answers a command with a bare word.
        return {"result": document}, [Repair("bare result", "$", document, {"result": document})]
    if not isinstance(document, dict):
        return document, []
    mended = bench.whole(kind, document, "$", None)
    return (mended, bench.done) if bench.done else (document, [])


class _Bench:
    """One document under repair: what is known of it, and what was done."""

    def __init__(self, version: Version, facts: Facts) -> None:
        self.version = version
        self.facts = facts
        self.done: list[Repair] = []

    def note(self, name: str, path: str, before: Any, after: Any) -> None:
        self.done.append(Repair(name, path, before, after))

    def whole(self, shape: str | None, document: Document, path: str, parent: Document | None) -> Document:
        """A mended copy: first the names of its fields, then their values, then what is still missing."""
        out = dict(document)
        for rule in _NAMES.get(shape or "", ()):
            rule(self, out, path)
        for key in list(out):
            value = self.value(key, out[key], f"{path}.{key}", out)
            if value is ABSENT:
                del out[key]
            else:
                out[key] = value
        for rule in _WHOLE.get(shape or "", ()):
            rule(self, out, path)
        if shape in _DATED:
            _last_updated(self, out, path, parent)
        return out

    def value(self, key: str, value: Any, path: str, holder: Document) -> Any:
        if value is None:
            return None
        if value == "" and key not in _NEVER_ABSENT:
            self.note("empty string", path, value, None)
            return ABSENT
        for mends in MENDS:
            name, mend = mends.get(key, ("", None))
            if mend is None:
                continue
            mended = mend(value)
            if mended is not value and (mended != value or type(mended) is not type(value)):
                self.note(name, path, value, None if mended is ABSENT else mended)
                value = mended
            if value is ABSENT:
                return ABSENT
        if isinstance(value, dict):
            return self.thing(key, value, path, holder)
        return self.several(key, value, path, holder) if isinstance(value, list) else value

    def thing(self, key: str, value: Document, path: str, holder: Document) -> Any:
        mended = self.whole(_shape(key, value), value, path, holder)
        if key in _COMPANIES and mended.get("name") is None:
            self.note("company without a name", path, value, None)
            return ABSENT
        return mended

    def several(self, key: str, items: list[Any], path: str, holder: Document) -> list[Any]:
        kept = [item for item in items if item is not None]
        if len(kept) < len(items):
            self.note("null in a list", path, items, kept)
        return [
            self.whole(_shape(key, item), item, f"{path}[{place}]", holder) if isinstance(item, dict) else item
            for place, item in enumerate(kept)
        ]


Rule = Callable[[_Bench, Document, str], None]

# --- Fields under another name ------------------------------------------------------------------------------------------------------------


def _called(old: str, new: str) -> Rule:
    """The field `new` came as `old`. When both came, the right one counts and the other is just an unknown field."""

    def rule(bench: _Bench, document: Document, path: str) -> None:
        if document.get(new) is None and document.get(old) is not None:
            document[new] = document.pop(old)
            bench.note(f"{old} for {new}", f"{path}.{new}", None, document[new])

    return rule


def _in(owner_in_objects: bool, *rules: Rule) -> Rule:
    """Rules that hold in 2.1.1 alone (False), or in all versions after it (True)."""

    def rule(bench: _Bench, document: Document, path: str) -> None:
        if bench.version.owner_in_objects is owner_in_objects:
            for inner in rules:
                inner(bench, document, path)

    return rule


def _one_tariff(bench: _Bench, document: Document, path: str) -> None:
    if document.get("tariff_ids") is None and isinstance(document.get("tariff_id"), str):
        document["tariff_ids"] = [document.pop("tariff_id")]
        bench.note("tariff_id for tariff_ids", f"{path}.tariff_ids", None, document["tariff_ids"])


def _power(bench: _Bench, document: Document, path: str) -> None:
    """`max_power`, which is no field of a Connector, in kW or W: no connector gives less than 1 kW or more than 1 MW."""
    power = document.get("max_power")
    if document.get("max_electric_power") is None and power is not None and is_number(power) and power > 0:
        document["max_electric_power"] = int(Decimal(document.pop("max_power")) * (1000 if power < 1000 else 1))
        bench.note("max_power for max_electric_power", f"{path}.max_electric_power", power, document["max_electric_power"])


_NAMES: dict[str, tuple[Rule, ...]] = {
    "evse": (_called("id", "uid"),),
    "connector": (
        _in(True, _called("voltage", "max_voltage"), _called("amperage", "max_amperage"), _called("ampere", "max_amperage")),
        _in(True, _one_tariff, _power),
        _in(False, _called("max_voltage", "voltage"), _called("max_amperage", "amperage"), _called("ampere", "amperage")),
    ),
    "token": (_in(True, _called("auth_id", "contract_id")), _in(False, _called("contract_id", "auth_id"))),
    "session": (
        _in(True, _called("start_datetime", "start_date_time"), _called("end_datetime", "end_date_time")),
        _in(False, _called("start_date_time", "start_datetime"), _called("end_date_time", "end_datetime")),
    ),
    "cdr": (_in(True, _called("stop_date_time", "end_date_time")), _in(False, _called("end_date_time", "stop_date_time"))),
}

# --- What can be told from other fields ---------------------------------------------------------------------------------------------------

_DATED = frozenset(
    {"location", "evse", "connector", "tariff", "session", "cdr", "token", "client_info", "terminal", "financial_advice_confirmation"}
)


def _last_updated(bench: _Bench, document: Document, path: str, parent: Document | None) -> None:
    """From the object around it, else from when it arrived."""
    if document.get("last_updated") is not None:
        return
    known = (parent or {}).get("last_updated")
    arrived = bench.facts.received_at
    value = time(known) if known is not None else None if arrived is None else format_time(arrived, whole_seconds=True)
    if value is not None:
        document["last_updated"] = value
        bench.note("last_updated missing", f"{path}.last_updated", None, value)


def _time_zone(bench: _Bench, document: Document, path: str) -> None:
    zone = bench.facts.time_zone or zone_of(document.get("country"))
    if document.get("time_zone") is None and zone is not None:
        document["time_zone"] = zone
        bench.note("time_zone missing", f"{path}.time_zone", None, zone)


def _always_open(bench: _Bench, document: Document, path: str) -> None:
    """Who gives no regular hours means round the clock; 2.1.1 may leave it out beside regular hours."""
    if document.get("twentyfourseven") is not None or (document.get("regular_hours") and not bench.version.owner_in_objects):
        return
    document["twentyfourseven"] = not document.get("regular_hours")
    bench.note("twentyfourseven missing", f"{path}.twentyfourseven", None, document["twentyfourseven"])


def _step_size(bench: _Bench, document: Document, path: str) -> None:
    if document.get("step_size") is None:
        document["step_size"] = 1
        bench.note("step_size missing", f"{path}.step_size", None, 1)


def _periods(bench: _Bench, document: Document, path: str) -> None:
    """A CDR without periods still has its energy, which is all that can then be priced."""
    if document.get("charging_periods") or document.get("start_date_time") is None or document.get("total_energy") is None:
        return
    energy = {"type": "ENERGY", "volume": document["total_energy"]}
    before = document.get("charging_periods")
    document["charging_periods"] = [{"start_date_time": document["start_date_time"], "dimensions": [energy]}]
    bench.note("charging_periods missing", f"{path}.charging_periods", before, document["charging_periods"])


def _vendor_status(bench: _Bench, document: Document, path: str) -> None:
    """States of one large operator in which the vehicle is still connected, and billed."""
    status = document.get("status")
    if status in ("IDLING", "CONGESTED"):
        document["status"] = "ACTIVE"
        bench.note("session status", f"{path}.status", status, "ACTIVE")


# --- Prices in the shape of another version -----------------------------------------------------------------------------------------------


def _price(value: Any, version: Version) -> Any:
    """One amount in the shape of `version`; the keys tell which shape it has (17.8)."""
    if is_number(value):
        value = {"excl_vat": value}
    if not isinstance(value, dict):
        return value
    if version.taxes:
        return price_up(value, NO_FACTS) if "excl_vat" in value else value
    net = price_down(value, NO_FACTS)
    return net.get("excl_vat") if not version.owner_in_objects else net


def _costs(bench: _Bench, document: Document, path: str) -> None:
    for key in COSTS:
        value = document.get(key)
        if value is None:
            continue
        shaped = _price(value, bench.version) if bench.version.owner_in_objects or not is_number(value) else value
        if shaped != value:
            document[key] = shaped
            bench.note("price shape", f"{path}.{key}", value, shaped)


def _captured(bench: _Bench, document: Document, path: str) -> None:
    """The examples of Payments have prices in the shape of 2.2.1, and nothing of the card where nothing was captured."""
    value = document.get("total_costs")
    shaped = _price(value, bench.version)
    if value is not None and shaped != value:
        document["total_costs"] = shaped
        bench.note("price shape", f"{path}.total_costs", value, shaped)
    if document.get("capture_status_code") == "FAILED" and not document.get("eft_data"):
        before, document["eft_data"] = document.get("eft_data"), [document.get("capture_status_message") or "FAILED"]
        bench.note("eft_data missing", f"{path}.eft_data", before, document["eft_data"])


def _limits(bench: _Bench, document: Document, path: str) -> None:
    for key in ("min_price", "max_price"):
        value = document.get(key)
        if is_number(value):
            value = {"excl_vat": value}
        if not isinstance(value, dict):
            continue
        shaped = limit_up(value, NO_FACTS) if bench.version.taxes else limit_down(value, NO_FACTS)
        if shaped != document[key]:
            bench.note("price shape", f"{path}.{key}", document[key], shaped)
            document[key] = shaped


# --- Roles --------------------------------------------------------------------------------------------------------------------------------


def _roles(bench: _Bench, document: Document, path: str) -> None:
    """HUB is no role of 2.3.0 (14, 7.4.2); a list that names it still says who is there."""
    if not isinstance(document.get("roles"), list):
        return
    raised = credentials_up(document, document, NO_FACTS) if bench.version.hub_party_id else document
    if raised is not document:
        bench.note("role HUB", f"{path}.roles", document["roles"], raised["roles"])
        document.update(raised)


def _client_role(bench: _Bench, document: Document, path: str) -> None:
    if document.get("role") == "HUB" and bench.version.hub_party_id:
        document["role"] = "OTHER"
        bench.note("role HUB", f"{path}.role", "HUB", "OTHER")


_WHOLE: dict[str, tuple[Rule, ...]] = {
    "location": (_in(True, _time_zone),),
    "hours": (_always_open,),
    "component": (_step_size,),
    "tariff": (_limits,),
    "session": (_costs, _vendor_status),
    "cdr": (_costs, _periods),
    "credentials": (_roles,),
    "client_info": (_client_role,),
    "financial_advice_confirmation": (_captured,),
}

"""What OCPI 2.1.1 says differently from 2.2.1: locations, tokens, commands, credentials, and the rows of all kinds.

The documents here are already in 2.2.1 form (v221.py came before, or comes after), while what `facts` holds is in the newest form. 2.1.1
has no owner inside its objects, one party and one role a connection, older words for connectors and parking, printable ASCII and whole
seconds, and it requires some fields that later became optional. Sessions, CDRs and Tariffs, which 2.1.1 builds differently, stand in
v211_charges.py.
"""

from typing import Any

from interplug.model import commands, credentials, tokens, versions

from . import v211_charges as charges
from .facts import WITHHELD, Document, Facts
from .lens import Difference, Fill, Step, fields, lens, spelled
from .places import zone_of
from .spelling import ascii_only, time_of, whole_seconds
from .v211_locations import CONNECTOR, CONNECTOR_UP, EVSE, EVSE_UP, LOCATION, LOCATION_UP, fill_location, same_id
from .v211_tokens import TOKEN, TOKEN_UP, command_token, with_owner

NUMBER = "2.1.1"
LATER_MODULES = frozenset({"chargingprofiles", "hubclientinfo", "payments"})


def never(document: Document, facts: Facts) -> Any:
    """2.1.1 has no such thing."""
    return WITHHELD


# --- Locations (8) ------------------------------------------------------------------------------------------------------------------------


def public(document: Document, facts: Facts) -> Any:
    """2.1.1 cannot say that a Location must not be shown, so it is not sent at all."""
    return WITHHELD if document.get("publish") is False else LOCATION(document, facts)


def fill_location_up(document: Document, facts: Facts) -> Document:
    zone = document.get("time_zone") or facts.time_zone or zone_of(document.get("country"))
    filled = with_owner(document, facts.owner)
    filled.setdefault("publish", True)
    return {**filled, "time_zone": zone} if zone else filled


# --- Tokens (12) --------------------------------------------------------------------------------------------------------------------------


def fill_authorization_up(document: Document, facts: Facts) -> Document:
    """2.1.1 answers without a Token. One that nobody remembers is described as far as it is known, which is `#NA` (12.3.1)."""
    return document if document.get("token") else {**document, "token": facts.token or _unknown_token(document, facts)}


def _unknown_token(document: Document, facts: Facts) -> Document:
    token: Document = {
        "uid": "#NA",
        "type": "OTHER",
        "contract_id": "#NA",
        "issuer": "#NA",
        "valid": document.get("allowed") == "ALLOWED",
        "whitelist": "NEVER",
        "last_updated": time_of(facts.now),
    }
    return with_owner(token, facts.token_owner or facts.owner)


# --- Commands (13) ------------------------------------------------------------------------------------------------------------------------


def reservation_down(id: Any, facts: Facts) -> Any:
    """2.1.1 counts reservations. Only a number that is spelled as one stands for itself."""
    if facts.reservation_number is not None:
        return facts.reservation_number
    return int(id) if id.isascii() and id.isdecimal() and str(int(id)) == id else WITHHELD


def reservation_up(number: Any, facts: Facts) -> Any:
    if facts.reservation_id is not None:
        return facts.reservation_id
    return str(number) if type(number) is int else number


def only_connector(document: Document, facts: Facts) -> Document:
    """An EVSE may want to be told which Connector to start (START_SESSION_CONNECTOR_REQUIRED); 2.1.1 can mean only the single one."""
    if document.get("connector_id") is not None or facts.location is None:
        return document
    for evse in facts.location.get("evses") or ():
        if not same_id(evse.get("uid"), document.get("evse_uid")):
            continue
        connectors = evse.get("connectors") or []
        if len(connectors) == 1 and "START_SESSION_CONNECTOR_REQUIRED" in (evse.get("capabilities") or ()):
            return {**document, "connector_id": connectors[0]["id"]}
    return document


def fill_response_up(document: Document, facts: Facts) -> Document:
    return document if document.get("timeout") is not None else {**document, "timeout": facts.command_timeout}


RESULTS_DOWN = dict.fromkeys(("FAILED", "EVSE_OCCUPIED", "EVSE_INOPERATIVE", "UNKNOWN_RESERVATION", "CANCELED_RESERVATION"), "REJECTED")

# --- Credentials (7) and versions (6) -----------------------------------------------------------------------------------------------------


def credentials_down(document: Document, out: Document, facts: Facts) -> Any:
    """The one party that this connection shows: the owner, when it is named, else the first."""
    roles = document.get("roles") or ()
    ours = [role for role in roles if facts.owner and _party(role) == tuple(map(str.upper, facts.owner))]
    with_role = [role for role in ours or roles if role.get("role") == facts.role]
    chosen = next(iter(with_role or ours or roles), None)
    if chosen is None:
        return WITHHELD
    return {**out, **{key: chosen[key] for key in ("business_details", "party_id", "country_code")}}


def _party(role: Document) -> tuple[str, str]:
    return str(role.get("country_code")).upper(), str(role.get("party_id")).upper()


def credentials_up(document: Document, out: Document, facts: Facts) -> Document:
    keys = ("business_details", "party_id", "country_code")
    party = {key: out[key] for key in keys if out.get(key) is not None}
    rest = {key: value for key, value in out.items() if key not in keys}
    return {**rest, "roles": [{"role": facts.role or "OTHER", **party}]} if party else out


def side(identifier: str, role: str | None) -> str | None:
    """On which side of a module somebody of this market role stands (3.2, typical roles); None: not told."""
    sends = {"CPO": ("cdrs", "locations", "sessions", "tariffs"), "EMSP": ("tokens", "commands")}.get(role or "")
    return None if sends is None else "SENDER" if identifier in sends else "RECEIVER"


def details_down(document: Document, out: Document, facts: Facts) -> Any:
    """Each role has its own list in 2.1.1, so a module stands in it once, without a side."""
    chosen: dict[str, Document] = {}
    for endpoint in document.get("endpoints") or ():
        identifier = endpoint["identifier"]
        # The side of the credentials module means nothing (6.2.2).
        sides = (None, endpoint.get("role")) if identifier != "credentials" else (None, "SENDER", "RECEIVER")
        if identifier not in LATER_MODULES and side(identifier, facts.role) in sides:
            chosen.setdefault(identifier, {"identifier": identifier, "url": endpoint["url"]})
    return {**out, "version": NUMBER, "endpoints": list(chosen.values())} if chosen else WITHHELD


def details_up(document: Document, out: Document, facts: Facts) -> Document:
    """Without a known role an endpoint is taken for both sides."""
    endpoints = out.get("endpoints")
    if not isinstance(endpoints, list):
        return out
    both: list[Any] = []
    for endpoint in endpoints:
        if not isinstance(endpoint, dict) or "role" in endpoint:
            both.append(endpoint)
            continue
        identifier = str(endpoint.get("identifier"))
        told = "SENDER" if identifier == "credentials" else side(identifier, facts.role)
        both += [{**endpoint, "role": role} for role in ((told,) if told else ("SENDER", "RECEIVER"))]
    return {**out, "endpoints": both}


# --- The rows -----------------------------------------------------------------------------------------------------------------------------

DOWN: dict[str, Step] = {
    "location": public,
    "evse": EVSE,
    "connector": CONNECTOR,
    "tariff": charges.current,
    "charging_period": charges.PERIOD,
    "charging_preferences": never,
    "session": charges.SESSION,
    "cdr": charges.CDR,
    "token": TOKEN,
    "authorization_info": lens(fields(tokens.AuthorizationInfo, "token", "authorization_reference")),
    "location_references": lens(fields(tokens.LocationReferences)),
    "credentials": lens(fields(credentials.Credentials, "hub_party_id", "roles"), whole=credentials_down),
    "version": lens(fields(versions.Version)),
    "version_details": lens(fields(versions.VersionDetails), whole=details_down),
    "start_session": lens(fields(commands.StartSession, "connector_id", "authorization_reference"), each={"token": TOKEN}),
    "stop_session": lens(fields(commands.StopSession)),
    "reserve_now": lens(
        fields(commands.ReserveNow, "authorization_reference"),
        each={"token": TOKEN, "expiry_date": whole_seconds, "reservation_id": reservation_down},
    ),
    "cancel_reservation": never,
    "unlock_connector": lens(fields(commands.UnlockConnector)),
    "command_response": lens(fields(commands.CommandResponse, "timeout", "message")),
    "command_result": lens(fields(commands.CommandResult, "message"), each={"result": spelled(RESULTS_DOWN)}),
    "active_charging_profile": never,
    "active_charging_profile_result": never,
    "charging_profile": never,
    "charging_profile_response": never,
    "charging_profile_result": never,
    "clear_profile_result": never,
    "set_charging_profile": never,
    "client_info": never,
    "terminal": never,
    "financial_advice_confirmation": never,
}

UP: dict[str, Step] = {
    **dict.fromkeys(DOWN, lens()),
    "location": LOCATION_UP,
    "evse": EVSE_UP,
    "connector": CONNECTOR_UP,
    "tariff": charges.TARIFF_UP,
    "charging_period": charges.PERIOD_UP,
    "session": charges.SESSION_UP,
    "cdr": charges.CDR_UP,
    "token": TOKEN_UP,
    "credentials": lens(whole=credentials_up),
    "version_details": lens(whole=details_up),
    "start_session": lens(each={"token": command_token}),
    "reserve_now": lens(each={"token": command_token, "reservation_id": reservation_up}),
    "command_response": lens(each={"result": spelled({"TIMEOUT": "REJECTED"})}),
    "command_result": lens(each={"result": spelled({"UNKNOWN_SESSION": "FAILED"})}),
}


def owned(document: Document, facts: Facts) -> Document:
    return with_owner(document, facts.owner)


def fill_cdr_up(document: Document, facts: Facts) -> Document:
    filled = owned(document, facts)
    tariffs = filled.get("tariffs")
    if isinstance(tariffs, list):
        filled["tariffs"] = [owned(tariff, facts) if isinstance(tariff, dict) else tariff for tariff in tariffs]
    return filled


FILL_UP: dict[str, Fill] = {
    "location": fill_location_up,
    "tariff": owned,
    "session": owned,
    "cdr": fill_cdr_up,
    "token": owned,
    "authorization_info": fill_authorization_up,
    "start_session": only_connector,
    "command_response": fill_response_up,
}

_SHOWN = frozenset({"tariffs", "now"})
_CONNECTOR = dict.fromkeys(("location", "evse", "connector"), _SHOWN)
_OWNED = frozenset({"owner"})
_HELD = frozenset({"owner", "token", "token_owner"})

DIFFERENCE = Difference(
    number=NUMBER,
    down=DOWN,
    up=UP,
    fill_down={"location": fill_location},
    last=dict.fromkeys(DOWN, ascii_only),
    fill_up=FILL_UP,
    needs_down={
        **_CONNECTOR,
        "tariff": frozenset({"now"}),
        "session": _SHOWN | {"location"},
        "cdr": frozenset({"location"}),
        "reserve_now": frozenset({"reservation_number"}),
        "credentials": frozenset({"owner", "role"}),
        "version_details": frozenset({"role"}),
    },
    needs_up={
        "location": frozenset({"owner", "time_zone"}),
        "tariff": _OWNED,
        "token": _OWNED | {"token"},
        "session": _HELD,
        "cdr": _HELD,
        "authorization_info": _HELD | {"now"},
        "start_session": _HELD | {"location"},
        "reserve_now": _HELD | {"reservation_id"},
        "credentials": frozenset({"role"}),
        "version_details": frozenset({"role"}),
    },
)

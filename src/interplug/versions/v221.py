"""What OCPI 2.2.1 says differently from 2.3.0. The newest is the model; here stands only the difference, one row a kind.

Down: fields that 2.2.1 does not have are dropped, values outside its closed enums too, where the field is optional. Where it is required,
the object around it is withheld (a Connector of an unknown standard; 8.4.3), or a neutral word stands in (Token type OTHER). Taxes
collapse into one gross amount (17.5 Price). Up: almost nothing, for 2.3.0 is wider.

A restriction that 2.2.1 does not know must never be dropped alone: its tariff element would become unconditional. See `charges.py`.
"""

from typing import Any, get_args

from interplug.model import cdrs, chargingprofiles, commands, credentials, hubclientinfo, locations, sessions, tariffs, tokens, versions
from interplug.model.energy import KNOWN_ENVIRONMENTAL_IMPACT_CATEGORIES
from interplug.model.types import KNOWN_IMAGE_CATEGORIES, Role, fold

from . import charges
from .facts import WITHHELD, Document, Facts
from .lens import SAME, Difference, Step, every, fields, known, lens, only, some, spelled
from .spelling import POSITION, POSITIONS

NUMBER = "2.2.1"


# --- Closed enums of 2.2.1 that 2.3.0 has opened and lengthened ---------------------------------------------------------------------------

CAPABILITIES = frozenset(locations.KNOWN_CAPABILITIES)
STANDARDS = frozenset(locations.KNOWN_CONNECTOR_TYPES) - {"MCS", "SAE_J3400"}
FACILITIES = frozenset(locations.KNOWN_FACILITIES)
PARKING_RESTRICTIONS = frozenset(locations.KNOWN_PARKING_RESTRICTIONS) - {"EMPLOYEES", "TAXIS", "TENANTS"}
PARKING_TYPES = frozenset(locations.KNOWN_PARKING_TYPES)
IMAGE_CATEGORIES = frozenset(KNOWN_IMAGE_CATEGORIES)
ENVIRONMENTAL_IMPACTS = frozenset(KNOWN_ENVIRONMENTAL_IMPACT_CATEGORIES)
TOKEN_TYPES = frozenset(tokens.KNOWN_TOKEN_TYPES) - {"EMAID"}
ROLES = frozenset(get_args(Role)) - {"PTP"} | {"HUB"}

# --- Locations (8) ------------------------------------------------------------------------------------------------------------------------


def standard_down(standard: str, facts: Facts) -> Any:
    if standard in STANDARDS:
        return standard
    return "TESLA_S" if standard == "SAE_J3400" and facts.sae_j3400_as_tesla_s else WITHHELD


def _impact(impact: Document, facts: Facts) -> Document | None:
    return impact if impact.get("category") in ENVIRONMENTAL_IMPACTS else None


IMAGE = lens(each={"category": only(IMAGE_CATEGORIES, "OTHER")})
COMPANY = lens(each={"logo": IMAGE})
ENERGY_MIX = lens(each={"environ_impact": every(_impact)})
PUBLISH_TOKEN = lens(each={"type": only(TOKEN_TYPES, "OTHER")})
CONNECTOR = lens(fields(locations.Connector, "capabilities"), each={"standard": standard_down})
EVSE = lens(
    fields(locations.EVSE, "parking", "accepted_service_providers"),
    each={
        "connectors": some(CONNECTOR),
        "capabilities": known(CAPABILITIES),
        "coordinates": POSITION,
        "parking_restrictions": known(PARKING_RESTRICTIONS),
        "images": every(IMAGE),
    },
)
LOCATION = lens(
    fields(locations.Location, "parking_places", "help_phone"),
    each={
        "evses": every(EVSE),
        "coordinates": POSITION,
        "related_locations": POSITIONS,
        "facilities": known(FACILITIES),
        "publish_allowed_to": every(PUBLISH_TOKEN),
        "operator": COMPANY,
        "suboperator": COMPANY,
        "owner": COMPANY,
        "images": every(IMAGE),
        "energy_mix": ENERGY_MIX,
    },
)

# A custom parking type goes on to 2.1.1, where it is OTHER; in 2.2.1 itself it has no word.
LAST: dict[str, Step] = {"location": lens(each={"parking_type": only(PARKING_TYPES)})}

# --- Tokens (12), commands (13) and what carries a Token ----------------------------------------------------------------------------------


def type_again(types: frozenset[str], rename: dict[str, str] | None = None) -> Step:
    """A Token type that went down as OTHER comes back as what it is, when the caller still knows the Token."""

    def restored(token: Document, out: Document, facts: Facts) -> Document:
        stored = facts.token
        if stored is None or out.get("type") != "OTHER" or stored.get("type") in types:
            return out
        if fold(str(stored.get("uid"))) != fold(str(out.get("uid"))):
            return out
        return {**out, "type": stored["type"]}

    return lens(rename=rename, whole=restored)


TOKEN = lens(fields(tokens.Token), each={"type": only(TOKEN_TYPES, "OTHER")})
TOKEN_UP = type_again(TOKEN_TYPES)

# --- Tariffs (11), Sessions (9) and CDRs (10) ---------------------------------------------------------------------------------------------


def tariff_down(document: Document, out: Document, facts: Facts) -> Any:
    """Prices of 2.2.1 are net. Where 2.3.0 says that tax does not apply, a rate of VAT has no meaning and would be charged."""
    step = {"YES": charges.net_prices, "N/A": charges.no_vat}.get(document.get("tax_included") or "NO")
    if step is None or not out.get("elements"):
        return out
    items = step(out["elements"], facts)
    return WITHHELD if items is WITHHELD else {**out, "elements": items}


def tariff_up(document: Document, out: Document, facts: Facts) -> Document:
    return {**out, "tax_included": "NO"} if "elements" in out and "tax_included" not in out else out


COMPONENT = lens(fields(tariffs.PriceComponent))
ELEMENT = lens(
    fields(tariffs.TariffElement),
    each={"restrictions": charges.conditional(fields(tariffs.TariffRestrictions)), "price_components": every(COMPONENT)},
)
TARIFF = lens(
    fields(tariffs.Tariff, "tax_included", "preauthorize_amount"),
    each={
        "elements": charges.elements(ELEMENT),
        "min_price": charges.limit_down,
        "max_price": charges.limit_down,
        "energy_mix": ENERGY_MIX,
    },
    whole=tariff_down,
)
TARIFF_UP = lens(each={"min_price": charges.limit_up, "max_price": charges.limit_up}, whole=tariff_up)
PERIOD = lens(fields(cdrs.ChargingPeriod))
CDR_TOKEN = lens(fields(cdrs.CdrToken), each={"type": only(TOKEN_TYPES, "OTHER")})
CDR_LOCATION = lens(fields(cdrs.CdrLocation), each={"coordinates": POSITION}, whole=charges.standing_in(STANDARDS))

# --- ChargingProfiles (15): the same in both versions -------------------------------------------------------------------------------------

PROFILE = lens(
    fields(chargingprofiles.ChargingProfile), each={"charging_profile_period": every(lens(fields(chargingprofiles.ChargingProfilePeriod)))}
)
ACTIVE = lens(fields(chargingprofiles.ActiveChargingProfile), each={"charging_profile": PROFILE})

# --- Credentials (7), versions (6), hub clients (14) --------------------------------------------------------------------------------------


def credentials_down(document: Document, out: Document, facts: Facts) -> Document:
    """A hub of 2.3.0 lists whom it reaches; one of 2.2.1 presents itself alone, and the others through HubClientInfo."""
    hub = document.get("hub_party_id")
    if not isinstance(hub, str):
        return out
    party = {"role": "HUB", "country_code": hub[:2], "party_id": hub[2:]}
    details = next((role["business_details"] for role in out.get("roles") or () if _is(role, hub)), {"name": hub})
    return {**out, "roles": [{**party, "business_details": details}]}


def credentials_up(document: Document, out: Document, facts: Facts) -> Document:
    """The role HUB becomes hub_party_id. The list of roles may not be empty, so the hub stands in it as OTHER."""
    roles = out.get("roles")
    if not isinstance(roles, list):
        return out
    hub = next((role for role in roles if isinstance(role, dict) and role.get("role") == "HUB"), None)
    if hub is None:
        return out
    others = [{**role, "role": "OTHER"} if isinstance(role, dict) and role.get("role") == "HUB" else role for role in roles]
    return {**out, "hub_party_id": f"{hub.get('country_code')}{hub.get('party_id')}", "roles": others}


def _is(role: Document, hub: str) -> bool:
    return fold(f"{role.get('country_code')}{role.get('party_id')}") == fold(hub)


def never(document: Document, facts: Facts) -> Any:
    """2.2.1 has no such thing."""
    return WITHHELD


def details_down(document: Document, out: Document, facts: Facts) -> Document:
    return {**out, "version": NUMBER} if "version" in out and out["version"] != NUMBER else out


CREDENTIALS_ROLE = lens(fields(credentials.CredentialsRole), each={"role": only(ROLES, "OTHER"), "business_details": COMPANY})

# --- The rows -----------------------------------------------------------------------------------------------------------------------------

DOWN: dict[str, Step] = {
    "location": LOCATION,
    "evse": EVSE,
    "connector": CONNECTOR,
    "tariff": TARIFF,
    "charging_period": PERIOD,
    "charging_preferences": lens(fields(sessions.ChargingPreferences)),
    "session": lens(
        fields(sessions.Session),
        each={"cdr_token": CDR_TOKEN, "charging_periods": every(PERIOD), "total_cost": charges.price_down},
    ),
    "cdr": lens(
        fields(cdrs.CDR),
        each={
            "cdr_token": CDR_TOKEN,
            "cdr_location": CDR_LOCATION,
            "tariffs": every(TARIFF),
            "charging_periods": every(PERIOD),
            **dict.fromkeys(charges.COSTS, charges.price_down),
        },
        whole=charges.untaxed_down,
    ),
    "token": TOKEN,
    "authorization_info": lens(fields(tokens.AuthorizationInfo), each={"token": TOKEN}),
    "location_references": lens(fields(tokens.LocationReferences)),
    "credentials": lens(fields(credentials.Credentials, "hub_party_id"), each={"roles": every(CREDENTIALS_ROLE)}, whole=credentials_down),
    "version": lens(fields(versions.Version)),
    "version_details": lens(fields(versions.VersionDetails), whole=details_down),
    "start_session": lens(fields(commands.StartSession), each={"token": TOKEN}),
    "stop_session": lens(fields(commands.StopSession)),
    "reserve_now": lens(fields(commands.ReserveNow), each={"token": TOKEN}),
    "cancel_reservation": lens(fields(commands.CancelReservation)),
    "unlock_connector": lens(fields(commands.UnlockConnector)),
    "command_response": lens(fields(commands.CommandResponse)),
    "command_result": lens(fields(commands.CommandResult)),
    "active_charging_profile": ACTIVE,
    "active_charging_profile_result": lens(fields(chargingprofiles.ActiveChargingProfileResult), each={"profile": ACTIVE}),
    "charging_profile": PROFILE,
    "charging_profile_response": lens(fields(chargingprofiles.ChargingProfileResponse)),
    "charging_profile_result": lens(fields(chargingprofiles.ChargingProfileResult)),
    "clear_profile_result": lens(fields(chargingprofiles.ClearProfileResult)),
    "set_charging_profile": lens(fields(chargingprofiles.SetChargingProfile), each={"charging_profile": PROFILE}),
    "client_info": lens(fields(hubclientinfo.ClientInfo), each={"role": only(ROLES, "OTHER")}),
    "terminal": never,
    "financial_advice_confirmation": never,
}

UP: dict[str, Step] = {
    **dict.fromkeys(DOWN, SAME),
    "tariff": TARIFF_UP,
    "session": lens(each={"cdr_token": TOKEN_UP, "total_cost": charges.price_up}),
    "cdr": lens(each={"cdr_token": TOKEN_UP, "tariffs": every(TARIFF_UP), **dict.fromkeys(charges.COSTS, charges.price_up)}),
    "token": TOKEN_UP,
    "authorization_info": lens(each={"token": TOKEN_UP}),
    "credentials": lens(whole=credentials_up),
    "start_session": lens(each={"token": TOKEN_UP}),
    "reserve_now": lens(each={"token": TOKEN_UP}),
    "client_info": lens(each={"role": spelled({"HUB": "OTHER"})}),
}

DIFFERENCE = Difference(number=NUMBER, down=DOWN, up=UP, last=LAST)

"""What each version can do, as data.

The rest of the program asks a capability of a `Version` record (`version.base64_token`) and never compares version strings; this is the
one file that may. The order of `VERSIONS` is the chain: each version stands after its next newer neighbour. A record knows nothing about
documents; how those differ is said in v221.py and v211.py.
"""

from dataclasses import dataclass, replace

from interplug.model.versions import KNOWN_MODULE_IDS

NEWEST = "2.3.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    number: str
    # Transport (4.1). The token stands Base64-encoded behind `Token ` (4.1.2); 2.1.1 sends it raw.
    base64_token: bool = True
    # OCPI-to-/from-* headers on functional modules (4.1.9.2).
    routing_headers: bool = True
    # 2004 "unknown token" (5.4).
    unknown_token_code: int = 2004
    # A PATCH without last_updated is answered 2001 (4.1.4.3).
    patch_needs_last_updated: bool = True
    # Charging periods in a Session PATCH are appended (9.2.2.3); 2.1.1 leaves it open, so it is sent a PUT.
    session_patch: bool = True
    # The Receiver of tariffs takes PATCH (2.1.1 only).
    tariff_patch: bool = False
    sessions_need_date_from: bool = True
    # X-Limit is the most that the server can return (4.1.4.1.2); in 2.1.1 it is the most that this page can hold.
    limit_is_maximum: bool = True
    # Several roles and parties on one connection (7.4.2), with a role on each endpoint (6.2.2).
    roles_in_credentials: bool = True
    endpoint_roles: bool = True
    # A hub names itself in `hub_party_id` and lists whom it reaches (7.4.1); 2.2.1 has the role HUB instead.
    hub_party_id: bool = True
    # country_code and party_id inside the objects, not only in the URL.
    owner_in_objects: bool = True
    # ?type= on tokens (12.2.2); the parameter that 2.1.1 also reads is token_type.
    token_type_param: bool = True
    # Tokens of an app have types of their own (12.4.4); in 2.1.1 whatever is no card is OTHER.
    app_tokens: bool = True
    # The result of a command has a class of its own, and the response says how long to wait (13.3).
    command_timeout: bool = True
    cancel_reservation: bool = True
    connector_in_start_session: bool = True
    # A driver's wishes for a running Session (9.2.1).
    charging_preferences: bool = True
    # Types (17).
    fractional_seconds: bool = True
    ascii_only: bool = False
    open_enums: bool = True
    taxes: bool = True
    credit_cdrs: bool = True
    private_locations: bool = True
    modules: tuple[str, ...] = KNOWN_MODULE_IDS


_V230 = Version(number=NEWEST)
_V221 = replace(
    _V230,
    number="2.2.1",
    hub_party_id=False,
    open_enums=False,
    taxes=False,
    modules=tuple(module for module in _V230.modules if module != "payments"),
)
_V211 = replace(
    _V221,
    number="2.1.1",
    base64_token=False,
    routing_headers=False,
    unknown_token_code=2001,
    patch_needs_last_updated=False,
    session_patch=False,
    tariff_patch=True,
    limit_is_maximum=False,
    roles_in_credentials=False,
    endpoint_roles=False,
    owner_in_objects=False,
    token_type_param=False,
    app_tokens=False,
    command_timeout=False,
    cancel_reservation=False,
    connector_in_start_session=False,
    charging_preferences=False,
    fractional_seconds=False,
    ascii_only=True,
    credit_cdrs=False,
    private_locations=False,
    modules=("cdrs", "commands", "credentials", "locations", "sessions", "tariffs", "tokens"),
)

# Newest first: the chain that chain.py walks.
VERSIONS: dict[str, Version] = {version.number: version for version in (_V230, _V221, _V211)}


def best(offered: list[str]) -> str | None:
    """The highest version that both sides speak (7.1.1)."""
    return next((number for number in VERSIONS if number in offered), None)

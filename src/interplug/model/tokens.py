"""The tokens module (chapter 13): Token, and the answer to a real-time authorisation."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .types import CiString2, CiString3, CiString36, DateTime, DisplayText, String2, String64

AllowedType = Literal["ALLOWED", "BLOCKED", "EXPIRED", "NO_CREDIT", "NOT_ALLOWED"]
WhitelistType = Literal["ALWAYS", "ALLOWED", "ALLOWED_OFFLINE", "NEVER"]
ProfileType = Literal["CHEAP", "FAST", "GREEN", "REGULAR"]

TokenType = Annotated[str, Meta(extra={"open_enum": "TokenType"})]
KNOWN_TOKEN_TYPES = (
    "AD_HOC_USER",
    "APP_USER",
    "EMAID",
    "OTHER",
    "RFID",
)


class EnergyContract(Struct, kw_only=True, omit_defaults=True, gc=False):
    supplier_name: String64
    contract_id: String64 | None = None


class Token(Struct, kw_only=True, omit_defaults=True, gc=False):
    country_code: CiString2
    party_id: CiString3
    uid: CiString36
    type: TokenType
    contract_id: CiString36
    visual_number: String64 | None = None
    issuer: String64
    group_id: CiString36 | None = None
    valid: bool
    whitelist: WhitelistType
    language: String2 | None = None
    default_profile_type: ProfileType | None = None
    energy_contract: EnergyContract | None = None
    last_updated: DateTime


class LocationReferences(Struct, kw_only=True, omit_defaults=True, gc=False):
    location_id: CiString36
    evse_uids: list[CiString36] | None = None


class AuthorizationInfo(Struct, kw_only=True, omit_defaults=True, gc=False):
    allowed: AllowedType
    token: Token
    location: LocationReferences | None = None
    authorization_reference: CiString36 | None = None
    info: DisplayText | None = None

"""The cdrs module (chapter 10): CDR, and the parts that a Session shares with it."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .locations import ConnectorFormat, ConnectorType, GeoLocation, PowerType
from .tariffs import Tariff
from .tokens import TokenType
from .types import (
    CiString2,
    CiString3,
    CiString32,
    CiString36,
    CiString39,
    CiString48,
    DateTime,
    Int,
    Number,
    Price,
    String3,
    String10,
    String20,
    String45,
    String255,
    String512,
    String5000,
)

AuthMethod = Literal["AUTH_REQUEST", "COMMAND", "WHITELIST"]
CdrDimensionType = Literal[
    "CURRENT",
    "ENERGY",
    "ENERGY_EXPORT",
    "ENERGY_IMPORT",
    "MAX_CURRENT",
    "MIN_CURRENT",
    "MAX_POWER",
    "MIN_POWER",
    "PARKING_TIME",
    "POWER",
    "RESERVATION_TIME",
    "STATE_OF_CHARGE",
    "TIME",
]


class CdrToken(Struct, kw_only=True, omit_defaults=True, gc=False):
    country_code: CiString2
    party_id: CiString3
    uid: CiString36
    type: TokenType
    contract_id: CiString36


class CdrDimension(Struct, kw_only=True, omit_defaults=True, gc=False):
    type: CdrDimensionType
    volume: Number


class ChargingPeriod(Struct, kw_only=True, omit_defaults=True, gc=False):
    start_date_time: DateTime
    dimensions: Annotated[list[CdrDimension], Meta(min_length=1)]
    tariff_id: CiString36 | None = None


class SignedValue(Struct, kw_only=True, omit_defaults=True, gc=False):
    nature: CiString32
    plain_data: String5000
    signed_data: String5000


class SignedData(Struct, kw_only=True, omit_defaults=True, gc=False):
    encoding_method: CiString36
    encoding_method_version: Int | None = None
    public_key: String512 | None = None
    signed_values: Annotated[list[SignedValue], Meta(min_length=1)]
    url: String512 | None = None


class CdrLocation(Struct, kw_only=True, omit_defaults=True, gc=False):
    id: CiString36
    name: String255 | None = None
    address: String45
    city: String45
    postal_code: String10 | None = None
    state: String20 | None = None
    country: String3
    coordinates: GeoLocation
    evse_uid: CiString36
    evse_id: CiString48
    connector_id: CiString36
    connector_standard: ConnectorType
    connector_format: ConnectorFormat
    connector_power_type: PowerType


class CDR(Struct, kw_only=True, omit_defaults=True, gc=False):
    country_code: CiString2
    party_id: CiString3
    id: CiString39
    start_date_time: DateTime
    end_date_time: DateTime
    session_id: CiString36 | None = None
    cdr_token: CdrToken
    auth_method: AuthMethod
    authorization_reference: CiString36 | None = None
    cdr_location: CdrLocation
    meter_id: String255 | None = None
    currency: String3
    tariffs: list[Tariff] | None = None
    charging_periods: Annotated[list[ChargingPeriod], Meta(min_length=1)]
    signed_data: SignedData | None = None
    total_cost: Price
    total_fixed_cost: Price | None = None
    total_energy: Number
    total_energy_cost: Price | None = None
    total_time: Number
    total_time_cost: Price | None = None
    total_parking_time: Number | None = None
    total_parking_cost: Price | None = None
    total_reservation_cost: Price | None = None
    remark: String255 | None = None
    invoice_reference_id: CiString39 | None = None
    credit: bool | None = None
    credit_reference_id: CiString39 | None = None
    home_charging_compensation: bool | None = None
    last_updated: DateTime

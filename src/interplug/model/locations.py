"""The locations module (chapter 8): Location, EVSE, Connector, Parking and what they are made of."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .energy import EnergyMix
from .tokens import TokenType
from .types import (
    URL,
    BusinessDetails,
    CiString,
    CiString2,
    CiString3,
    CiString25,
    CiString36,
    CiString48,
    DateTime,
    DisplayText,
    Image,
    Int,
    Latitude,
    LocalTime,
    Longitude,
    Number,
    String3,
    String4,
    String10,
    String12,
    String16,
    String45,
    String50,
    String64,
    String255,
)

# --- Enums: 2.3.0 refuses other values only where the list is closed ---

Status = Literal["AVAILABLE", "BLOCKED", "CHARGING", "INOPERATIVE", "OUTOFORDER", "PLANNED", "REMOVED", "RESERVED", "UNKNOWN"]
ConnectorFormat = Literal["SOCKET", "CABLE"]
PowerType = Literal["AC_1_PHASE", "AC_2_PHASE", "AC_2_PHASE_SPLIT", "AC_3_PHASE", "DC"]
EVSEPosition = Literal["LEFT", "RIGHT", "CENTER"]
ParkingDirection = Literal["PARALLEL", "PERPENDICULAR", "ANGLE"]

Capability = Annotated[str, Meta(extra={"open_enum": "Capability"})]
KNOWN_CAPABILITIES = (
    "CHARGING_PROFILE_CAPABLE",
    "CHARGING_PREFERENCES_CAPABLE",
    "CHIP_CARD_SUPPORT",
    "CONTACTLESS_CARD_SUPPORT",
    "CREDIT_CARD_PAYABLE",
    "DEBIT_CARD_PAYABLE",
    "PED_TERMINAL",
    "REMOTE_START_STOP_CAPABLE",
    "RESERVABLE",
    "RFID_READER",
    "START_SESSION_CONNECTOR_REQUIRED",
    "TOKEN_GROUP_CAPABLE",
    "UNLOCK_CAPABLE",
)

ConnectorCapability = Annotated[str, Meta(extra={"open_enum": "ConnectorCapability"})]
KNOWN_CONNECTOR_CAPABILITIES = (
    "ISO_15118_2_PLUG_AND_CHARGE",
    "ISO_15118_20_PLUG_AND_CHARGE",
)

ConnectorType = Annotated[str, Meta(extra={"open_enum": "ConnectorType"})]
KNOWN_CONNECTOR_TYPES = (
    "CHADEMO",
    "CHAOJI",
    "DOMESTIC_A",
    "DOMESTIC_B",
    "DOMESTIC_C",
    "DOMESTIC_D",
    "DOMESTIC_E",
    "DOMESTIC_F",
    "DOMESTIC_G",
    "DOMESTIC_H",
    "DOMESTIC_I",
    "DOMESTIC_J",
    "DOMESTIC_K",
    "DOMESTIC_L",
    "DOMESTIC_M",
    "DOMESTIC_N",
    "DOMESTIC_O",
    "GBT_AC",
    "GBT_DC",
    "IEC_60309_2_single_16",
    "IEC_60309_2_three_16",
    "IEC_60309_2_three_32",
    "IEC_60309_2_three_64",
    "IEC_62196_T1",
    "IEC_62196_T1_COMBO",
    "IEC_62196_T2",
    "IEC_62196_T2_COMBO",
    "IEC_62196_T3A",
    "IEC_62196_T3C",
    "MCS",
    "NEMA_5_20",
    "NEMA_6_30",
    "NEMA_6_50",
    "NEMA_10_30",
    "NEMA_10_50",
    "NEMA_14_30",
    "NEMA_14_50",
    "PANTOGRAPH_BOTTOM_UP",
    "PANTOGRAPH_TOP_DOWN",
    "SAE_J3400",
    "TESLA_R",
    "TESLA_S",
)

Facility = Annotated[str, Meta(extra={"open_enum": "Facility"})]
KNOWN_FACILITIES = (
    "HOTEL",
    "RESTAURANT",
    "CAFE",
    "MALL",
    "SUPERMARKET",
    "SPORT",
    "RECREATION_AREA",
    "NATURE",
    "MUSEUM",
    "BIKE_SHARING",
    "BUS_STOP",
    "TAXI_STAND",
    "TRAM_STOP",
    "METRO_STATION",
    "TRAIN_STATION",
    "AIRPORT",
    "PARKING_LOT",
    "CARPOOL_PARKING",
    "FUEL_STATION",
    "WIFI",
)

ParkingRestriction = Annotated[str, Meta(extra={"open_enum": "ParkingRestriction"})]
KNOWN_PARKING_RESTRICTIONS = (
    "CUSTOMERS",
    "DISABLED",
    "EMPLOYEES",
    "EV_ONLY",
    "MOTORCYCLES",
    "PLUGGED",
    "TAXIS",
    "TENANTS",
)

ParkingType = Annotated[str, Meta(extra={"open_enum": "ParkingType"})]
KNOWN_PARKING_TYPES = (
    "ALONG_MOTORWAY",
    "PARKING_GARAGE",
    "PARKING_LOT",
    "ON_DRIVEWAY",
    "ON_STREET",
    "UNDERGROUND_GARAGE",
)

VehicleType = Annotated[str, Meta(extra={"open_enum": "VehicleType"})]
KNOWN_VEHICLE_TYPES = (
    "MOTORCYCLE",
    "PERSONAL_VEHICLE",
    "PERSONAL_VEHICLE_WITH_TRAILER",
    "VAN",
    "SEMI_TRACTOR",
    "RIGID",
    "TRUCK_WITH_TRAILER",
    "BUS",
    "DISABLED",
)

Weekday = Annotated[int, Meta(ge=1, le=7)]

# --- Where and when ---


class GeoLocation(Struct, kw_only=True, omit_defaults=True, gc=False):
    latitude: Latitude
    longitude: Longitude


class AdditionalGeoLocation(Struct, kw_only=True, omit_defaults=True, gc=False):
    latitude: Latitude
    longitude: Longitude
    name: DisplayText | None = None


class RegularHours(Struct, kw_only=True, omit_defaults=True, gc=False):
    weekday: Weekday
    period_begin: LocalTime
    period_end: LocalTime


class ExceptionalPeriod(Struct, kw_only=True, omit_defaults=True, gc=False):
    period_begin: DateTime
    period_end: DateTime


class Hours(Struct, kw_only=True, omit_defaults=True, gc=False):
    twentyfourseven: bool
    regular_hours: list[RegularHours] | None = None
    exceptional_openings: list[ExceptionalPeriod] | None = None
    exceptional_closings: list[ExceptionalPeriod] | None = None


class StatusSchedule(Struct, kw_only=True, omit_defaults=True, gc=False):
    period_begin: DateTime
    period_end: DateTime | None = None
    status: Status


class PublishTokenType(Struct, kw_only=True, omit_defaults=True, gc=False):
    uid: CiString36 | None = None
    type: TokenType | None = None
    visual_number: String64 | None = None
    issuer: String64 | None = None
    group_id: CiString36 | None = None


# --- The objects ---


class Connector(Struct, kw_only=True, omit_defaults=True, gc=False):
    id: CiString36
    standard: ConnectorType
    format: ConnectorFormat
    power_type: PowerType
    max_voltage: Int
    max_amperage: Int
    max_electric_power: Int | None = None
    tariff_ids: list[CiString36] | None = None
    terms_and_conditions: URL | None = None
    capabilities: list[ConnectorCapability] | None = None
    last_updated: DateTime


class EVSEParking(Struct, kw_only=True, omit_defaults=True, gc=False):
    parking_id: CiString36
    evse_position: EVSEPosition | None = None


class EVSE(Struct, kw_only=True, omit_defaults=True, gc=False):
    uid: CiString36
    evse_id: CiString48 | None = None
    status: Status
    status_schedule: list[StatusSchedule] | None = None
    capabilities: list[Capability] | None = None
    connectors: Annotated[list[Connector], Meta(min_length=1)]
    floor_level: String4 | None = None
    coordinates: GeoLocation | None = None
    physical_reference: String16 | None = None
    directions: list[DisplayText] | None = None
    parking_restrictions: list[ParkingRestriction] | None = None
    parking: list[EVSEParking] | None = None
    images: list[Image] | None = None
    accepted_service_providers: list[String50] | None = None
    last_updated: DateTime


class Parking(Struct, kw_only=True, omit_defaults=True, gc=False):
    id: CiString36
    physical_reference: String12 | None = None
    vehicle_types: Annotated[list[VehicleType], Meta(min_length=1)]
    max_vehicle_weight: Number | None = None
    max_vehicle_height: Number | None = None
    max_vehicle_length: Number | None = None
    max_vehicle_width: Number | None = None
    parking_space_length: Number | None = None
    parking_space_width: Number | None = None
    dangerous_goods_allowed: bool | None = None
    direction: ParkingDirection | None = None
    drive_through: bool | None = None
    restricted_to_type: bool
    reservation_required: bool
    time_limit: Number | None = None
    roofed: bool | None = None
    images: list[Image] | None = None
    lighting: bool | None = None
    refrigeration_outlet: bool | None = None
    standards: list[CiString36] | None = None
    apds_reference: CiString | None = None


class Location(Struct, kw_only=True, omit_defaults=True, gc=False):
    country_code: CiString2
    party_id: CiString3
    id: CiString36
    publish: bool
    publish_allowed_to: list[PublishTokenType] | None = None
    name: String255 | None = None
    address: String255
    city: String45
    postal_code: String10 | None = None
    state: String45 | None = None
    country: String3
    coordinates: GeoLocation
    related_locations: list[AdditionalGeoLocation] | None = None
    parking_type: ParkingType | None = None
    evses: list[EVSE] | None = None
    parking_places: list[Parking] | None = None
    directions: list[DisplayText] | None = None
    operator: BusinessDetails | None = None
    suboperator: BusinessDetails | None = None
    owner: BusinessDetails | None = None
    facilities: list[Facility] | None = None
    time_zone: String255
    opening_times: Hours | None = None
    charging_when_closed: bool | None = None
    images: list[Image] | None = None
    energy_mix: EnergyMix | None = None
    help_phone: CiString25 | None = None
    last_updated: DateTime

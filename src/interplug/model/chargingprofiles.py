"""The chargingprofiles module (chapter 15): limits over time, the answer at once, and the three results later."""

from typing import Literal

from msgspec import Struct

from .types import URL, DateTime, Int, Number

ChargingRateUnit = Literal["A", "W"]
ChargingProfileResponseType = Literal["ACCEPTED", "NOT_SUPPORTED", "REJECTED", "TOO_OFTEN", "UNKNOWN_SESSION"]
ChargingProfileResultType = Literal["ACCEPTED", "REJECTED", "UNKNOWN"]


class ChargingProfilePeriod(Struct, kw_only=True, omit_defaults=True, gc=False):
    start_period: Int
    limit: Number


class ChargingProfile(Struct, kw_only=True, omit_defaults=True, gc=False):
    start_date_time: DateTime | None = None
    duration: Int | None = None
    charging_rate_unit: ChargingRateUnit
    min_charging_rate: Number | None = None
    charging_profile_period: list[ChargingProfilePeriod] | None = None


class ActiveChargingProfile(Struct, kw_only=True, omit_defaults=True, gc=False):
    start_date_time: DateTime
    charging_profile: ChargingProfile


class SetChargingProfile(Struct, kw_only=True, omit_defaults=True, gc=False):
    charging_profile: ChargingProfile
    response_url: URL


class ChargingProfileResponse(Struct, kw_only=True, omit_defaults=True, gc=False):
    result: ChargingProfileResponseType
    timeout: Int


class ChargingProfileResult(Struct, kw_only=True, omit_defaults=True, gc=False):
    result: ChargingProfileResultType


class ActiveChargingProfileResult(Struct, kw_only=True, omit_defaults=True, gc=False):
    result: ChargingProfileResultType
    profile: ActiveChargingProfile | None = None


class ClearProfileResult(Struct, kw_only=True, omit_defaults=True, gc=False):
    result: ChargingProfileResultType

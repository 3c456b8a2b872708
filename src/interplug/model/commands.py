"""The commands module (chapter 14): the five requests, the answer at once and the result later."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .tokens import Token
from .types import URL, CiString36, DateTime, DisplayText, Int

CommandResponseType = Literal["NOT_SUPPORTED", "REJECTED", "ACCEPTED", "UNKNOWN_SESSION"]
CommandResultType = Literal[
    "ACCEPTED",
    "CANCELED_RESERVATION",
    "EVSE_OCCUPIED",
    "EVSE_INOPERATIVE",
    "FAILED",
    "NOT_SUPPORTED",
    "REJECTED",
    "TIMEOUT",
    "UNKNOWN_RESERVATION",
]

CommandType = Annotated[str, Meta(extra={"open_enum": "CommandType"})]
KNOWN_COMMAND_TYPES = (
    "CANCEL_RESERVATION",
    "RESERVE_NOW",
    "START_SESSION",
    "STOP_SESSION",
    "UNLOCK_CONNECTOR",
)


class CancelReservation(Struct, kw_only=True, omit_defaults=True, gc=False):
    response_url: URL
    reservation_id: CiString36


class ReserveNow(Struct, kw_only=True, omit_defaults=True, gc=False):
    response_url: URL
    token: Token
    expiry_date: DateTime
    reservation_id: CiString36
    location_id: CiString36
    evse_uid: CiString36 | None = None
    authorization_reference: CiString36 | None = None


class StartSession(Struct, kw_only=True, omit_defaults=True, gc=False):
    response_url: URL
    token: Token
    location_id: CiString36
    evse_uid: CiString36 | None = None
    connector_id: CiString36 | None = None
    authorization_reference: CiString36 | None = None


class StopSession(Struct, kw_only=True, omit_defaults=True, gc=False):
    response_url: URL
    session_id: CiString36


class UnlockConnector(Struct, kw_only=True, omit_defaults=True, gc=False):
    response_url: URL
    location_id: CiString36
    evse_uid: CiString36
    connector_id: CiString36


class CommandResponse(Struct, kw_only=True, omit_defaults=True, gc=False):
    result: CommandResponseType
    timeout: Int
    message: list[DisplayText] | None = None


class CommandResult(Struct, kw_only=True, omit_defaults=True, gc=False):
    result: CommandResultType
    message: list[DisplayText] | None = None

"""The hubclientinfo module (chapter 16): which parties stand behind a hub, and whether they are there."""

from typing import Literal

from msgspec import Struct

from .types import CiString2, CiString3, DateTime, Role

ConnectionStatus = Literal["CONNECTED", "OFFLINE", "PLANNED", "SUSPENDED"]


class ClientInfo(Struct, kw_only=True, omit_defaults=True, gc=False):
    party_id: CiString3
    country_code: CiString2
    role: Role
    status: ConnectionStatus
    last_updated: DateTime

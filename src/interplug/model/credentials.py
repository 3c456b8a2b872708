"""The credentials module (chapter 7): what two platforms tell each other when they register."""

from typing import Annotated

from msgspec import Meta, Struct

from .types import URL, BusinessDetails, CiString2, CiString3, CiString5, Role, String64


class CredentialsRole(Struct, kw_only=True, omit_defaults=True, gc=False):
    role: Role
    business_details: BusinessDetails
    party_id: CiString3
    country_code: CiString2


class Credentials(Struct, kw_only=True, omit_defaults=True, gc=False):
    token: String64
    url: URL
    hub_party_id: CiString5 | None = None
    roles: Annotated[list[CredentialsRole], Meta(min_length=1)]

"""The versions module (chapter 6): which versions a platform speaks and where each module of a version is.

Module ids and version numbers are OpenEnums: a platform may list more than this text knows.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .types import URL

ModuleID = Annotated[str, Meta(extra={"open_enum": "ModuleID"})]
KNOWN_MODULE_IDS = (
    "cdrs",
    "chargingprofiles",
    "commands",
    "credentials",
    "hubclientinfo",
    "locations",
    "payments",
    "sessions",
    "tariffs",
    "tokens",
)

VersionNumber = Annotated[str, Meta(extra={"open_enum": "VersionNumber"})]
KNOWN_VERSION_NUMBERS = (
    "2.0",
    "2.1",
    "2.1.1",
    "2.2",
    "2.2.1",
    "2.3.0",
)

InterfaceRole = Literal["SENDER", "RECEIVER"]


class Version(Struct, kw_only=True, omit_defaults=True, gc=False):
    version: VersionNumber
    url: URL


class Endpoint(Struct, kw_only=True, omit_defaults=True, gc=False):
    identifier: ModuleID
    role: InterfaceRole
    url: URL


class VersionDetails(Struct, kw_only=True, omit_defaults=True, gc=False):
    version: VersionNumber
    endpoints: Annotated[list[Endpoint], Meta(min_length=1)]

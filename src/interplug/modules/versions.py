"""The versions module (chapter 6): which versions we speak, and where each module of a version is.

Both answers are made from the rows, for the parties that the caller sees, so they name what is served and nothing else. URLs are absolute
and built from `public_url`. In 2.1.1 an endpoint has no side: whose it is follows from the URL, so each of our roles has a list of its
own at `/ocpi/{role}/versions` (VER-017); who begins at the common URL sees its own role, or all.
"""

from __future__ import annotations

from typing import Any

from interplug.partners.presentation import root
from interplug.protocol.envelope import Answer
from interplug.protocol.http import join
from interplug.protocol.routes import ROLES_BY_URL, Module, Route, Side
from interplug.protocol.status import SERVER_ERROR, UNSUPPORTED_VERSION, OcpiError
from interplug.versions import chain
from interplug.versions.table import VERSIONS as SPOKEN

from . import addresses
from .node import Call

SIDES: tuple[Side, ...] = ("SENDER", "RECEIVER")


async def list_versions(call: Call) -> Answer:
    """Those that are offered; to a partner with whom one is agreed, that one."""
    base, role = root(call.node.settings), _role(call)
    pinned = call.connection.pinned
    numbers = [number for number in SPOKEN if number in call.node.settings.ocpi.versions and pinned in (None, number)]
    return Answer([{"version": number, "url": _details_url(base, number, role)} for number in numbers])


def _details_url(base: str, number: str, role: str | None) -> str:
    return join(base, "ocpi", number, *([role.lower()] if role and not SPOKEN[number].endpoint_roles else []))


def _role(call: Call) -> str | None:
    """As which of our roles the caller sees us in 2.1.1: by the URL, or as the connection was set up."""
    named = call.params.get("role")
    return named.upper() if named else call.connection.our_role


async def details(call: Call) -> Answer:
    """In 2.1.1 role by role, each with its own URLs."""
    number, by_side = call.version.number, call.version.endpoint_roles
    shown = call.node.directory.offered(call.connection, None if by_side else _role(call))
    roles = tuple(dict.fromkeys(party.role for party in shown))
    groups = [roles] if by_side else [(role,) for role in roles if role in ROLES_BY_URL]
    told = [_told(number, _endpoints(call, group), None if by_side else group[0]) for group in groups]
    if not told:
        raise OcpiError(SERVER_ERROR, "this platform has no party to present yet")
    return Answer({"version": number, "endpoints": [endpoint for part in told for endpoint in part["endpoints"]]})


def _told(number: str, endpoints: list[dict[str, Any]], role: str | None) -> dict[str, Any]:
    document = chain.down("version_details", {"version": number, "endpoints": endpoints}, number, chain.Facts(role=role))
    if document is None:
        raise OcpiError(UNSUPPORTED_VERSION, f"nothing is served in {number}")
    return document


def _endpoints(call: Call, roles: tuple[str, ...]) -> list[dict[str, Any]]:
    """Credentials once, as SENDER (VER-008), then each side of each module that one of these roles serves."""
    settings, number = call.node.settings, call.version.number
    role = None if call.version.endpoint_roles else roles[0]
    credentials = join(_details_url(root(settings), number, role), "credentials")
    found = [{"identifier": "credentials", "role": "SENDER", "url": credentials}]
    for module in call.node.modules:
        if module.kind in ("version", "version_details", "credentials"):
            continue
        for side in SIDES:
            if module.served(number, side) and not set(roles).isdisjoint(module.roles(side)):
                url = addresses.whole(settings, number, module, side, role=role)
                found.append({"identifier": module.endpoint, "role": side, "url": url})
    return list({(one["identifier"], one["role"]): one for one in found}.values())


VERSIONS = Module(
    id="versions",
    kind="version",
    sender=("CPO", "EMSP"),
    receiver=("CPO", "EMSP"),
    key=(),
    routes=(Route("SENDER", "GET", "", list_versions),),
    configuration=True,
)
VERSION_DETAILS = Module(
    id="version_details",
    kind="version_details",
    sender=("CPO", "EMSP"),
    receiver=("CPO", "EMSP"),
    key=(),
    routes=(Route("SENDER", "GET", "", details),),
    configuration=True,
)

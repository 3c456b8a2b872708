"""How we present ourselves: the URL at which partners begin, and the Credentials object that they are given.

Everything is built from `server.public_url`, never from a Host header. A 2.1.1 platform begins at a URL of its own for each of our
roles (VER-017), all others at one. This file knows our parties and no partner's secrets but the token that it is handed.
"""

from __future__ import annotations

from typing import Any

from interplug.config import Settings
from interplug.protocol.http import join
from interplug.protocol.status import SERVER_ERROR, OcpiError
from interplug.store.parties import OurParty
from interplug.versions import chain
from interplug.versions.table import VERSIONS

from .directory import Connection, Directory


def root(settings: Settings) -> str:
    """How partners reach this node, without a final slash."""
    server = settings.server
    scheme = "https" if server.tls_certificate else "http"
    return server.public_url.rstrip("/") or f"{scheme}://{server.host}:{server.port}"


def versions_url(settings: Settings, role: str | None = None) -> str:
    return join(root(settings), "ocpi", *([role.lower()] if role else []), "versions")


def credentials(
    directory: Directory, connection: Connection, version: str, token: str, role: str | None = None, *, pays: bool = False
) -> dict[str, Any]:
    """What `connection` is shown in `version`: our parties, and `token` to reach us with. `role` is the role of a 2.1.1 URL; `pays` says
    that the partner has the Payments module: the role PTP is a word of that document alone, and to others such a party is OTHER."""
    parties = directory.shown(connection, role.upper() if role else None, version)
    if not parties:
        raise OcpiError(SERVER_ERROR, "this platform has no party to present yet")
    single = None if VERSIONS[version].roles_in_credentials else parties[0].role
    document = {"token": token, "url": versions_url(directory.settings, single), "roles": [_role(party, pays) for party in parties]}
    spelled = chain.down("credentials", document, version, chain.Facts(role=single))
    if spelled is None:
        raise OcpiError(SERVER_ERROR, f"no party of this platform can be presented in {version}")
    return spelled


def _role(party: OurParty, pays: bool) -> dict[str, Any]:
    return {
        "role": party.role if pays or party.role != "PTP" else "OTHER",
        "business_details": party.business_details,
        "party_id": party.party_id,
        "country_code": party.country_code,
    }

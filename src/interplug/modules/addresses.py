"""The URLs of our own endpoints that we hand out while the work goes on: Location of a CDR, response_url of a command.

They are built from `server.public_url`, never from a Host header, so they survive a proxy and cannot be forged by a caller.
"""

from __future__ import annotations

from interplug.config import Settings
from interplug.partners.presentation import root
from interplug.protocol.http import join
from interplug.protocol.routes import Module, Router, Side
from interplug.versions.table import VERSIONS


def whole(settings: Settings, version: str, module: Module, side: Side, *, role: str | None = None) -> str:
    """The URL that version details tell of a module's side in a version; 2.1.1 has one for each of our roles."""
    doors = list(Router.doors(module, version, side))
    door = role if role in doors and not VERSIONS[version].endpoint_roles else doors[0]
    return join(root(settings), "ocpi", version, door, module.endpoint)


def endpoint(settings: Settings, version: str, module: Module, side: Side, *segments: str, role: str | None = None) -> str:
    """The URL of a module's objects on a side, with `segments` behind it."""
    inside = () if module.endpoint == module.id else (module.id,)
    return join(whole(settings, version, module, side, role=role), *inside, *segments)

"""`interplug routes`: every URL that partners may call, read from the rows of the modules as the router reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from interplug.modules.rows import MODULES
from interplug.protocol.routes import ALL, Module, Route, Router, Side
from interplug.versions.table import VERSIONS

from .ending import columns, show
from .opening import REPORTING, Reporting, check_version

SIDES: tuple[Side, ...] = ("SENDER", "RECEIVER")
OPEN = {"versions": "/ocpi/versions", "version_details": "/ocpi/{version}", "credentials": "/ocpi/{version}/credentials"}
"""Where a partner begins; these have no side in their URL."""


def routes(
    *,
    version: Annotated[str | None, Parameter(help="Only those of this OCPI version.")] = None,
    common: Reporting = REPORTING,
) -> None:
    """Every URL that partners may call, and the function behind it."""
    check_version(version)
    found = [one for one in rows() if version in (None, one["version"])]
    lines = columns(("OCPI", "method", "path", "function"), [one.values() for one in found])
    show(found, lines, json=common.json)


def rows() -> Iterator[dict[str, str]]:
    for version in ALL:
        for module in MODULES:
            for side in SIDES:
                for route in module.routes:
                    if route.side == side and version in route.versions:
                        for path in _paths(version, module, side, route):
                            handler = f"{route.handler.__module__.removeprefix('interplug.')}.{route.handler.__name__}"
                            yield {"version": version, "method": route.method, "path": path, "handler": handler}


def _paths(version: str, module: Module, side: Side, route: Route) -> list[str]:
    doors = list(Router.doors(module, version, side))
    if module.id not in OPEN:
        inside = module.id if module.endpoint != module.id else ""
        return ["/".join(part for part in (f"/ocpi/{version}/{door}/{module.endpoint}", inside, route.path) if part) for door in doors]
    path = OPEN[module.id].replace("{version}", version)
    if VERSIONS[version].endpoint_roles:
        return [path]
    # 2.1.1 names our role, because its documents cannot (VER-017).
    head, tail = ("/ocpi", "/versions") if module.id == "versions" else (f"/ocpi/{version}", path.removeprefix(f"/ocpi/{version}"))
    return [path, *(f"{head}/{door}{tail}" for door in doors)]

"""`interplug serve`: the node, in this process or in several, until it is told to stop."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from interplug import __version__, app
from interplug.config import BadSettings, Settings
from interplug.modules.node import Node
from interplug.partners.keys import NodeKey
from interplug.partners.presentation import root, versions_url
from interplug.store.urls import place_of
from interplug.telemetry import logs
from interplug.web import siblings
from interplug.web.server import bound

from .ending import end
from .opening import COMMON, Common, settings_of
from .workers import Parent

MOST_WORKERS = 256


def serve(
    *,
    workers: Annotated[
        int, Parameter(validator=Number(gte=1, lte=MOST_WORKERS), help="Processes that answer at this address; several need PostgreSQL.")
    ] = 1,
    common: Common = COMMON,
) -> None:
    """Run the node until it is told to stop (Ctrl-C, SIGTERM)."""
    settings = settings_of(common)
    logs.set_up(settings.logging.format, settings.logging.level)
    if workers > 1:
        _allow(settings)
    listener, settings = bound(settings)
    number, others = 0, None
    if workers > 1:
        theirs = siblings.sockets(workers)
        number = Parent().divide(workers)
        others = siblings.Siblings(number, theirs)
    try:
        app.run(settings, listener, _started if number == 0 else lambda _: None, others)
    except app.Unfinished as error:
        end(str(error))


def _allow(settings: Settings) -> None:
    """What several processes need, made before they are there."""
    place = place_of(settings.store.url)
    if not place.shared:
        raise BadSettings(f"several workers need PostgreSQL (store.url is {place.shown}): one process serves a SQLite database")
    place.prepare()
    NodeKey.load(settings.store)


def _started(node: Node) -> None:
    settings = node.settings
    print(f"Interplug {__version__} is ready")
    print(f"  partners    {versions_url(settings)}")
    if settings.surfaces.driver:
        print(f"  drivers     {root(settings)}/")
    if settings.surfaces.console:
        print(f"  operators   {root(settings)}/console")
    if settings.stations.enabled:
        for scheme, port in (("ws", settings.stations.port), ("wss", settings.stations.tls_port)):
            if port > 0:
                print(f"  stations    {scheme}://{settings.stations.host}:{port}/IDENTITY")
    print(f"  database    {node.store.place.shown}")
    if not node.directory.our_parties():
        print("  This node has no party yet: interplug party add CPO NL-ABC --name 'Your company'")
    sys.stdout.flush()

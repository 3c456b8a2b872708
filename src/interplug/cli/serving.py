"""`interplug serve`: the node in this process, until it is told to stop."""

from __future__ import annotations

import sys

from interplug import __version__, app
from interplug.modules.node import Node
from interplug.partners.presentation import root, versions_url
from interplug.telemetry import logs

from .opening import COMMON, Common, settings_of


def serve(*, common: Common = COMMON) -> None:
    """Run the node until it is told to stop (Ctrl-C, SIGTERM)."""
    settings = settings_of(common)
    logs.set_up(settings.logging.format, settings.logging.level)
    app.run(settings, _started)


def _started(node: Node) -> None:
    settings = node.settings
    print(f"Interplug {__version__} is ready")
    print(f"  partners    {versions_url(settings)}")
    if settings.surfaces.driver:
        print(f"  drivers     {root(settings)}/")
    print(f"  database    {node.store.place.shown}")
    if not node.directory.our_parties():
        print("  This node has no party yet: interplug party add CPO NL-ABC --name 'Your company'")
    sys.stdout.flush()

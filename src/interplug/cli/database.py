"""`interplug db`: the schema of the database. `serve` and every command that writes bring it up to date by themselves."""

from __future__ import annotations

from interplug.store import schema
from interplug.store.store import path_of

from .ending import CONFIGURATION, end, show
from .opening import REPORTING, Reporting, settings_of


def status(*, common: Reporting = REPORTING) -> None:
    """Which schema the database has, and which this Interplug wants."""
    url = settings_of(common).store.url
    path = path_of(url)
    if not path.exists():
        end(f"there is no database at {url}", CONFIGURATION)
    found, newest = schema.found(path), schema.newest()
    document = {"database": url, "schema": found, "newest": newest, "current": found == newest, "bytes": path.stat().st_size}
    verdict = "up to date" if found == newest else f"to be upgraded to {newest}"
    show(document, [f"{url}: schema {found or 'none'}, {verdict}, {path.stat().st_size / 1e6:.1f} MB"], json=common.json)


def upgrade(*, common: Reporting = REPORTING) -> None:
    """Bring the schema of the database up to date (make the database if there is none)."""
    url = settings_of(common).store.url
    path = path_of(url)
    before = schema.found(path) if path.exists() else None
    schema.prepare(path)
    document = {"database": url, "before": before, "schema": schema.found(path)}
    changed = "was up to date" if before == document["schema"] else f"upgraded from {before or 'nothing'}"
    show(document, [f"{url}: schema {document['schema']}, {changed}"], json=common.json)

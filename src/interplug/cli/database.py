"""`interplug db`: the schema of the database. `serve` and every command that writes bring it up to date by themselves."""

from __future__ import annotations

from interplug.store import schema
from interplug.store.urls import place_of

from .ending import CONFIGURATION, end, show
from .opening import REPORTING, Reporting, settings_of


def status(*, common: Reporting = REPORTING) -> None:
    """Which schema the database has, and which this Interplug wants."""
    place = place_of(settings_of(common).store.url)
    if not place.there():
        end(f"there is no database at {place.shown}", CONFIGURATION)
    found, newest, size, fits = place.found(), schema.newest(), place.size(), place.fits()
    document = {"database": place.shown, "schema": found, "newest": newest, "current": found == newest, "fits": fits, "bytes": size}
    if found is None or found < newest:
        verdict = f"to be upgraded to {newest}"
    elif found == newest:
        verdict = "up to date"
    else:
        verdict = "of a newer Interplug, " + ("which this one can work beside" if fits else f"which this one ({newest}) cannot work with")
    show(document, [f"{place.shown}: schema {found or 'none'}, {verdict}, {size / 1e6:.1f} MB"], json=common.json)


def upgrade(*, common: Reporting = REPORTING) -> None:
    """Bring the schema of the database up to date (make the database if there is none; on a server, a person makes it)."""
    place = place_of(settings_of(common).store.url)
    before = place.found() if place.there() else None
    place.prepare()
    document = {"database": place.shown, "before": before, "schema": place.found()}
    changed = "was up to date" if before == document["schema"] else f"upgraded from {before or 'nothing'}"
    show(document, [f"{place.shown}: schema {document['schema']}, {changed}"], json=common.json)

"""What a station is, beside its plugs: when it is open, what is there, how one gets to it, whom one can ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from babel.dates import get_day_names

from interplug.config import Help
from interplug.drivers.hours import can_charge, exceptions, is_open, week
from interplug.web import wording
from interplug.web.languages import _, spoken

from . import words

Document = dict[str, Any]


@dataclass(slots=True, frozen=True)
class Hours:
    """`days` are name and times, Monday first; `apart` what is different on certain days. Empty: nothing is told."""

    now: str
    open: bool
    days: tuple[tuple[str, str], ...]
    apart: tuple[str, ...]


@dataclass(slots=True, frozen=True)
class About:
    hours: Hours
    facilities: tuple[str, ...]
    parking: tuple[str, ...]
    """Kind of parking, who may stand there, what fits."""
    way: tuple[str, ...]
    """The operator's directions."""
    coordinates: tuple[str, str]
    phone: str
    """The operator's help line; empty: not told."""
    help: Help
    """Ours."""
    green: bool
    photos: int

    @property
    def geo(self) -> str:
        """What opens the map of the telephone."""
        place = ",".join(self.coordinates)
        return f"geo:{place}?q={place}"

    @property
    def map(self) -> str:
        latitude, longitude = map(quote, self.coordinates)
        return f"https://www.openstreetmap.org/directions?to={latitude}%2C{longitude}"

    def document(self) -> Document:
        return {
            "open": self.hours.open,
            "hours": [{"day": day, "times": times} for day, times in self.hours.days],
            "facilities": list(self.facilities),
            "directions": list(self.way),
            "help_phone": self.phone or None,
            "photos": self.photos,
        }


def about(location: Document, help: Help, now: int) -> About:
    place = location["coordinates"]
    return About(
        hours=_hours(location, now),
        facilities=tuple(words.said(words.FACILITIES, one) for one in location.get("facilities") or ()),
        parking=tuple(_parking(location)),
        way=tuple(texts(location.get("directions"))),
        coordinates=(str(place["latitude"]), str(place["longitude"])),
        phone=str(location.get("help_phone") or ""),
        help=help,
        green=bool((location.get("energy_mix") or {}).get("is_green_energy")),
        photos=len(images(location)) if help.photos else 0,
    )


def images(location: Document) -> list[Document]:
    """Those that show the place; logos are not asked for."""
    named = [*(location.get("images") or ()), *(one for evse in location.get("evses") or () for one in evse.get("images") or ())]
    return [one for one in named if one["category"] in ("LOCATION", "ENTRANCE", "CHARGER", "OTHER")][:6]


def texts(told: list[Document] | None) -> list[str]:
    """Those in the language of the visitor; else the first one that there is."""
    found = told or []
    ours = [one["text"] for one in found if one.get("language", "").lower().startswith(spoken())]
    return ours or [one["text"] for one in found[:1]]


def _hours(location: Document, now: int) -> Hours:
    hours, zone = location.get("opening_times"), wording.zone(location.get("time_zone"))
    names = get_day_names("wide", locale=spoken())
    days = tuple(
        (names[day], ", ".join(f"{begin}–{end}" for begin, end in times) or _("closed")) for day, times in enumerate(week(location))
    )
    apart = tuple(
        (_("Open from %(begin)s to %(end)s") if opens else _("Closed from %(begin)s to %(end)s"))
        % {"begin": wording.moment(begin, zone), "end": wording.moment(end, zone)}
        for opens, begin, end in exceptions(location, now)[:6]
    )
    return Hours(_now(location, hours, now), is_open(location, now), days, apart)


def _now(location: Document, hours: Document | None, now: int) -> str:
    if hours is None:
        return ""
    if is_open(location, now):
        return _("Open day and night") if hours.get("twentyfourseven") and not hours.get("exceptional_closings") else _("Open now")
    return _("Closed now, but one can charge") if can_charge(location, now) else _("Closed now")


def _parking(location: Document) -> list[str]:
    found = [words.said(words.PARKING, location["parking_type"])] if location.get("parking_type") else []
    limits = {one for evse in location.get("evses") or () for one in evse.get("parking_restrictions") or ()}
    found += [words.said(words.RESTRICTIONS, one) for one in sorted(limits)]
    places = location.get("parking_places") or ()
    vehicles = {one for place in places for one in place.get("vehicle_types") or ()}
    if vehicles:
        found.append(_("room for %(vehicles)s") % {"vehicles": ", ".join(words.said(words.VEHICLES, one) for one in sorted(vehicles))})
    if any(place.get("roofed") for place in places):
        found.append(_("roofed"))
    if any(place.get("lighting") for place in places):
        found.append(_("lit"))
    if any(place.get("drive_through") for place in places):
        found.append(_("one can drive through"))
    heights = [place["max_vehicle_height"] for place in places if place.get("max_vehicle_height")]
    if heights:
        found.append(_("up to %(height)s m high") % {"height": f"{min(heights) / 100:g}"})
    return found

"""The time zone of a place that does not say it: from its coordinates (2.1.1 may leave `time_zone` out; prices go by the local clock).

The map of zones is large and is loaded when it is first needed. Where it cannot tell, the country may (`versions.places`).
"""

from __future__ import annotations

from typing import Any


def zone_at(location: dict[str, Any]) -> str | None:
    """The IANA name for a Location without `time_zone`; None where it has one, or its coordinates are no place on Earth."""
    place = location.get("coordinates")
    if location.get("time_zone") or not isinstance(place, dict):
        return None
    try:
        latitude, longitude = float(place["latitude"]), float(place["longitude"])
    except (KeyError, TypeError, ValueError):
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    import tzfpy

    return tzfpy.get_tz(longitude, latitude) or None

"""Which Tariff a 2.1.1 partner sees: 2.1.1 knows neither types nor validity, so it is shown the regular one that is valid now."""

from typing import Any

from interplug.model.types import parse_time

from .facts import Document, Facts


def shown(tariff: Document, facts: Facts) -> bool:
    return tariff.get("type") in (None, "REGULAR") and _valid(tariff, facts.now)


def _valid(tariff: Document, now: int | None) -> bool:
    if now is None:
        return True
    start, end = tariff.get("start_date_time"), tariff.get("end_date_time")
    return not (start and parse_time(start) > now) and not (end and parse_time(end) <= now)


def one_tariff(ids: Any, facts: Facts) -> Any:
    """The first of `tariff_ids` that is shown; an id that the caller knows nothing of comes after those, a hidden one never."""
    unknown = None
    for tariff_id in ids:
        tariff = facts.tariff(tariff_id) if isinstance(tariff_id, str) else None
        if tariff is None:
            unknown = unknown or tariff_id
        elif shown(tariff, facts):
            return tariff_id
    return unknown

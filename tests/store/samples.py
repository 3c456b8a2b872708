"""Small documents for the store, which validates nothing: only the fields that it reads matter here."""

from typing import Any

from interplug.model.types import format_time
from interplug.store.evses import evse_of
from interplug.store.keys import OWN, Key

T0 = 1_767_225_600_000_000
SECOND = 1_000_000


def at(seconds: float) -> int:
    return T0 + round(seconds * SECOND)


def key(id: str, module: str = "tariffs", source: int = OWN, party: str = "ABC") -> Key:
    return Key(module, source, "NL", party, id)


def tariff(id: str, seconds: float = 0, **more: Any) -> dict[str, Any]:
    return {"country_code": "NL", "party_id": "ABC", "id": id, "currency": "EUR", **more, "last_updated": format_time(at(seconds))}


def evse(uid: str, seconds: float = 0, status: str = "AVAILABLE", **more: Any) -> dict[str, Any]:
    return {"uid": uid, "status": status, "connectors": [{"id": "1"}], **more, "last_updated": format_time(at(seconds))}


def location(id: str, seconds: float = 0, evses: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    document = {"country_code": "NL", "party_id": "ABC", "id": id, "city": "Gieten", **more}
    if evses is not None:
        document["evses"] = evses
    return {**document, "last_updated": format_time(at(seconds))}


def saving(id: str) -> Any:
    """A transaction that saves a Tariff."""
    return lambda tx: tx.objects.save(key(id), tariff(id), last_updated=1)


LOC = key("LOC1", "locations")


def status(uid: str, seconds: float, status: str) -> Any:
    """A transaction that changes the status of an EVSE of LOC1; `look` is what it looks at."""

    def work(tx: Any) -> Any:
        return tx.objects.save_evse(LOC, uid, evse(uid, seconds, status), last_updated=at(seconds))

    work.look = evse_of(LOC, uid)  # type: ignore[attr-defined]
    return work

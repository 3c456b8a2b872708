"""Which of our own objects a version cannot say at all, known when they are saved.

Such objects stand in feeds of their own, so that the lists and totals of a partner of that version leave them out without
looking at any document (4.1.4.1: only what is available to the client is counted). What is withheld for a while only, a
Tariff outside its time, is not this file's business: the list leaves it out when it is asked for.
"""

from typing import Any

from interplug.store.keys import OWN, Key
from interplug.versions import chain
from interplug.versions.table import VERSIONS

_BITS = {number: 1 << place for place, number in enumerate(VERSIONS)}


def bit(version: str) -> int:
    return _BITS[version]


def withheld(key: Key, document: dict[str, Any]) -> int:
    """One bit for each version that cannot say this object."""
    if key.source != OWN or key.module not in _SAYABLE:
        return 0
    return sum(bit for number, bit in _BITS.items() if not _SAYABLE[key.module](document, number))


def _location(document: dict[str, Any], number: str) -> bool:
    return VERSIONS[number].private_locations or document.get("publish") is not False


def _cdr(document: dict[str, Any], number: str) -> bool:
    return VERSIONS[number].credit_cdrs or document.get("credit") is not True


def _tariff(document: dict[str, Any], number: str) -> bool:
    return chain.down("tariff", document, number) is not None


_SAYABLE = {"locations": _location, "cdrs": _cdr, "tariffs": _tariff}

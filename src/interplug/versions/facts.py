"""What a step may be told besides the document, and the marks with which it answers.

A step is pure: `(document, facts)`. A 2.1.1 Session holds a whole Location, a 2.1.1 Tariff is shown only while it is valid; such things
are not in the document, so the caller hands them in. Each fact may be missing, and what then happens is said beside it. Facts about the
stored objects are in the newest form. This file reads no clock and no store; the caller has done that.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

Document = dict[str, Any]


class _Mark:
    """A value that is no JSON, so that no document can contain it by accident."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    def __copy__(self) -> "_Mark":
        return self

    def __deepcopy__(self, memo: object) -> "_Mark":
        return self


# As a value in a patch: take this field away. `null` cannot say it, for null equals absent (4.1.4.3, 17).
REMOVE: Final = _Mark("REMOVE")

# Returned by a step: this object, or a required part of it, cannot be said in that version.
WITHHELD: Final = _Mark("WITHHELD")


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    # (country_code, party_id) of the owner of an object in a version whose objects do not carry it: from the URL, or from the connection.
    # Missing: the fields stay absent and the newest model will refuse the document.
    owner: tuple[str, str] | None = None
    # The partner's role on a 2.1.1 connection, which has no field for it. Missing: OTHER in credentials, both sides in endpoints.
    role: str | None = None
    # (country_code, party_id) to whom Tokens belong that 2.1.1 names only by auth_id. Missing: `owner`.
    token_owner: tuple[str, str] | None = None
    # The Location that a Session, a CDR or a START_SESSION names. Missing: a Session is withheld from 2.1.1, a CDR says UNKNOWN and 0.
    location: Document | None = None
    # The Token that a Session, a CDR, a command or an authorisation is about. Missing: contract_id from auth_id, uid "#NA", type OTHER.
    token: Document | None = None
    # Tariffs by id, a mapping or a function. Missing: the first of several tariff_ids is taken, known or not.
    tariffs: Mapping[str, Document] | Callable[[str], Document | None] | None = None
    # Microseconds UTC. Missing: validity of Tariffs is not looked at.
    now: int | None = None
    # Number of a reservation towards 2.1.1 (the caller keeps the pairs), and the id that it stands for on the way back.
    # Missing: an id that is spelled as a number stands for itself, another RESERVE_NOW is withheld.
    reservation_number: int | None = None
    reservation_id: str | None = None
    # IANA zone of a Location that names none. Missing: the zone of its country's capital.
    time_zone: str | None = None
    # When the document arrived, for a partner who leaves last_updated out (tolerant.py). Missing: nothing is filled in.
    received_at: int | None = None
    # Configuration.
    postal_code_filler: str = "-"
    command_timeout: int = 30
    sae_j3400_as_tesla_s: bool = False

    def tariff(self, id: str) -> Document | None:
        if self.tariffs is None:
            return None
        return self.tariffs(id) if callable(self.tariffs) else self.tariffs.get(id)


NO_FACTS: Final = Facts()

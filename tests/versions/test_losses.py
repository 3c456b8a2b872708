"""LOSSES is true: random documents lose nothing that it does not list, and every row can be shown to happen."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from interplug.model.validate import validate
from interplug.versions.chain import KINDS, down, up
from interplug.versions.facts import Facts
from interplug.versions.losses import LOSSES, listed
from tests.census.tables import object_of, strategy
from tests.versions.differences import differences
from tests.versions.documents import EVSE, LOCATION
from tests.versions.lossy import LOSSY

Document = dict[str, Any]
LINKS = [("2.3.0", "2.2.1"), ("2.2.1", "2.1.1"), ("2.2.1", "2.3.0"), ("2.1.1", "2.2.1")]
CASES = [(kind, *link) for kind in sorted(KINDS - {"version"}) for link in LINKS if object_of(link[0], kind)]


def there_and_back(kind: str, document: Document, source: str, target: str, facts: Facts) -> Document | None:
    """`document`, which is in version `source`, as it is after it was said in `target`."""
    newest = up(kind, document, source, facts)
    validate(kind, newest)
    said = down(kind, newest, target, facts)
    return None if said is None else down(kind, up(kind, said, target, facts), source, facts)


def facts_about(kind: str, document: Document, source: str) -> Facts:
    """What a node knows that holds everything the document names, but for the Token behind an auth_id."""
    place = document.get("cdr_location") or document
    location = {**LOCATION, "id": place.get("location_id", place.get("id"))}
    if "evse_uid" in place and kind in ("session", "cdr"):
        connector = {**EVSE["connectors"][0], "id": place["connector_id"]}
        location["evses"] = [{**EVSE, "uid": place["evse_uid"], "connectors": [connector]}]
    if kind in ("session", "cdr") and "location" in document:
        location = up("location", document["location"], source, Facts(owner=("NL", "TST")))
    holder = document["token"] if isinstance(document.get("token"), dict) else document
    owner = (holder.get("country_code", "NL"), holder.get("party_id", "TST"))
    reservation = document.get("reservation_id")
    number = reservation if isinstance(reservation, int) else 7
    return Facts(owner=owner, location=location, reservation_number=number, reservation_id=str(reservation))


def fates(kind: str, document: Document, source: str, target: str, **changed: Any) -> Iterator[str]:
    """Paths of what a document loses; `$` when it is withheld."""
    back = there_and_back(kind, document, source, target, replace(facts_about(kind, document, source), **changed))
    if back is None:
        yield "$"
    else:
        yield from (path for path in differences(document, back) if (kind, path) != ("version_details", "version"))


@pytest.mark.parametrize(("kind", "source", "target"), CASES)
def test_nothing_is_lost_that_is_not_listed(kind: str, source: str, target: str) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(strategy(source, object_of(source, kind)))
    def losses(document: Document) -> None:
        assert [path for path in fates(kind, document, source, target) if listed(kind, source, target, path) is None] == []

    losses()


def test_every_row_is_real() -> None:
    proved = {
        listed(*case, path)
        for case, documents in LOSSY.items()
        for document, known in documents
        for path in fates(case[0], document, *case[1:], **known)
    }
    assert [row for row in LOSSES if row not in proved] == []
    assert None not in proved

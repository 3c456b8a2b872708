"""The three laws of the bridge, for every kind and each older version, with random objects of the newest.

1. What we send conforms to the version that it is sent in.
2. Raising what was sent and sending it again says the same.
3. Raising a patch and merging it says, in the older version, what the patch said.

The census under tests/census judges conformity; it was written from the text and knows nothing of the code.
"""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from interplug.model.types import fold
from interplug.model.validate import validate, validate_patch
from interplug.versions.chain import KINDS, REMOVE, Facts, down, same, up
from interplug.versions.losses import listed
from interplug.versions.table import NEWEST, VERSIONS
from tests.census.tables import check, object_of, strategy
from tests.versions.differences import differences

NEWER = dict(zip(list(VERSIONS)[1:], VERSIONS, strict=False))
OLDER = [number for number in VERSIONS if number != NEWEST]
# The list of versions is read before a version is agreed, so it is the same list in all of them.
PAIRS = [(kind, version) for kind in sorted(KINDS - {"version"}) for version in OLDER if object_of(version, kind)]
PATCHED = [(kind, version) for kind, version in PAIRS if kind in ("location", "evse", "connector", "token", "session", "tariff")]
LAW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)

Document = dict[str, Any]


def newest(kind: str) -> st.SearchStrategy[Document]:
    return strategy(NEWEST, object_of(NEWEST, kind))


def facts_for(kind: str, document: Document, data: st.DataObject) -> Facts:
    """What a node would know about this very object."""
    location = token = None
    if kind in ("session", "cdr"):
        location = data.draw(newest("location"))
        token = {**data.draw(newest("token")), **{key: document["cdr_token"][key] for key in ("uid", "type", "contract_id")}}
        place = document.get("cdr_location", document)
        location["id"] = place.get("location_id", place.get("id"))
        location["evses"] = [{**data.draw(newest("evse")), "uid": place["evse_uid"]}]
        used, *others = location["evses"][0]["connectors"]
        others = [one for one in others if fold(one["id"]) != fold(place["connector_id"])]
        location["evses"][0]["connectors"] = [{**used, "id": place["connector_id"]}, *others]
    if "token" in document:
        token = document["token"]
    return Facts(owner=("NL", "TST"), location=location, token=token, time_zone="Europe/Amsterdam", reservation_number=7)


# Fields whose patch can hide the object from an older version.
HIDES = {"location": {"publish"}}


@pytest.mark.parametrize(("kind", "version"), PAIRS)
def test_what_is_sent_conforms_and_comes_back_the_same(kind: str, version: str) -> None:
    @LAW
    @given(st.data())
    def laws_one_and_two(data: st.DataObject) -> None:
        document = data.draw(newest(kind))
        before = copy.deepcopy(document)
        facts = facts_for(kind, document, data)

        view = down(kind, document, version, facts)

        assert document == before, "the argument was changed"
        if same(kind, document, version):
            assert view == document
        assume(view is not None)
        assert check(version, object_of(version, kind), view, strict_fields=True) == []
        raised = up(kind, view, version, facts)
        validate(kind, raised)
        assert down(kind, raised, version, facts) == view

    laws_one_and_two()


@pytest.mark.parametrize(("kind", "version"), PATCHED)
def test_a_patch_is_raised_and_merged(kind: str, version: str) -> None:
    @LAW
    @given(st.data())
    def law_three(data: st.DataObject) -> None:
        document = data.draw(newest(kind))
        facts = facts_for(kind, document, data)
        view = down(kind, document, version, facts)
        assume(view is not None)
        full = data.draw(strategy(version, object_of(version, kind)))
        # Ids come from the URL, and children have their own URL; the Location of a Session stays what it is.
        names = sorted(full.keys() - {"id", "uid", "country_code", "party_id", "evses", "connectors", "location"} - HIDES.get(kind, set()))
        patch = {name: full[name] for name in data.draw(st.lists(st.sampled_from(names), unique=True))}

        raised = up(kind, patch, version, facts, patch=True)

        validate_patch(kind, raised, REMOVE)
        merged = {name: value for name, value in {**document, **raised}.items() if value is not REMOVE}
        # What no newer version can hold of the patch itself is listed; all else comes back as it was said.
        kept = down(kind, raised, version, facts, patch=True)
        assert kept is not None
        assert [path for path in differences(patch, kept) if listed(kind, version, NEWER[version], path) is None] == []
        assert down(kind, merged, version, facts) == {**view, **kept}

    law_three()

"""What `interplug.versions` knows of 2.2.1 and 2.1.1 against the census of those versions.

The word lists that the steps use, then whole documents and patches both ways: what is sent conforms to the older
version even where the newest holds words of its own, and what an older partner may send conforms to the newest once raised.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interplug.model.validate import validate, validate_patch
from interplug.versions import table as capabilities
from interplug.versions import v211, v211_charges, v211_locations, v211_tokens, v221
from interplug.versions.chain import KINDS, REMOVE, Facts, down, up
from tests.census.tables import check, object_of, strategy, table, values

NEWEST = "2.3.0"
OLDER = ("2.2.1", "2.1.1")
# The list of versions is the same for all: nothing is bridged in it.
PAIRS = [(kind, version) for kind in sorted(KINDS - {"version"}) for version in OLDER if object_of(version, kind)]
PATCHED = [(kind, version) for kind, version in PAIRS if kind in ("location", "evse", "connector", "session", "tariff", "token")]
LAW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)

Document = dict[str, Any]


# --- Words ---


@pytest.mark.parametrize(
    ("known", "enum"),
    [
        (v221.CAPABILITIES, "Capability"),
        (v221.STANDARDS, "ConnectorType"),
        (v221.FACILITIES, "Facility"),
        (v221.PARKING_RESTRICTIONS, "ParkingRestriction"),
        (v221.PARKING_TYPES, "ParkingType"),
        (v221.IMAGE_CATEGORIES, "ImageCategory"),
        (v221.ENVIRONMENTAL_IMPACTS, "EnvironmentalImpactCategory"),
        (v221.TOKEN_TYPES, "TokenType"),
        (v221.ROLES, "Role"),
    ],
)
def test_words_of_2_2_1(known: frozenset[str], enum: str) -> None:
    assert known == set(values("2.2.1", enum))


@pytest.mark.parametrize(
    ("known", "enum"),
    [
        (v211_locations.CAPABILITIES, "Capability"),
        (v211_locations.STANDARDS, "ConnectorType"),
        (v211_locations.FACILITIES, "Facility"),
        (v211_locations.TYPES, "LocationType"),
        (v211_tokens.TYPES, "TokenType"),
    ],
)
def test_words_of_2_1_1(known: frozenset[str], enum: str) -> None:
    assert known == set(values("2.1.1", enum))


def test_phases_are_the_ones_that_2_1_1_lacks_and_become_ones_that_it_has() -> None:
    old, new = set(values("2.1.1", "PowerType")), set(values("2.2.1", "PowerType"))
    assert v211_locations.PHASES.keys() == new - old
    assert set(v211_locations.PHASES.values()) <= old


def test_dimensions_are_those_of_both_sides() -> None:
    assert set(values("2.1.1", "CdrDimensionType")) & set(values("2.2.1", "CdrDimensionType")) == v211_charges.DIMENSIONS


def test_results_of_commands_become_words_of_2_1_1() -> None:
    old = set(values("2.1.1", "CommandResponseType"))
    assert v211.RESULTS_DOWN.keys() == set(values("2.2.1", "CommandResultType")) - old
    assert set(v211.RESULTS_DOWN.values()) <= old


def test_lengths_of_2_1_1() -> None:
    rows = table("2.1.1").objects
    assert rows["Location"]["address"].length == v211_locations.ADDRESS_LENGTH
    assert rows["CDR"]["id"].length == v211_charges.CDR_ID_LENGTH


@pytest.mark.parametrize("version", [NEWEST, *OLDER])
def test_what_a_version_can_do_agrees_with_its_objects(version: str) -> None:
    facts, record = table(version), capabilities.VERSIONS[version]
    assert record.modules == tuple(sorted(values(version, "ModuleID")))
    assert record.owner_in_objects == ("country_code" in facts.objects["Location"])
    assert record.roles_in_credentials == ("CredentialsRole" in facts.objects)
    assert record.endpoint_roles == ("role" in facts.objects["Endpoint"])
    assert record.hub_party_id == ("hub_party_id" in facts.objects["Credentials"])
    assert record.command_timeout == ("timeout" in facts.objects["CommandResponse"])
    assert record.cancel_reservation == ("CancelReservation" in facts.objects)
    assert record.connector_in_start_session == ("connector_id" in facts.objects["StartSession"])
    assert record.taxes == ("TaxAmount" in facts.objects)
    assert record.credit_cdrs == ("credit" in facts.objects["CDR"])
    assert record.private_locations == ("publish" in facts.objects["Location"])
    assert record.open_enums == facts.enums["ConnectorType"].open


# --- Documents ---


def _facts(document: Document, data: st.DataObject) -> Facts:
    """What a node knows of the Location and the Token that a newest document names."""
    location = token = None
    place = document.get("cdr_location", document)
    if "cdr_token" in document and "connector_id" in place:
        location = data.draw(strategy(NEWEST, "Location", custom=True)) | {"id": place.get("location_id", place.get("id"))}
        evse = data.draw(strategy(NEWEST, "EVSE", custom=True)) | {"uid": place["evse_uid"]}
        location["evses"] = [evse | {"connectors": [evse["connectors"][0] | {"id": place["connector_id"]}]}]
        location.pop("parking_places", None)
    return Facts(owner=("NL", "TST"), location=location, token=token, time_zone="Europe/Amsterdam", reservation_number=7)


@pytest.mark.parametrize(("kind", "version"), PAIRS)
def test_what_is_sent_conforms_even_with_words_that_only_the_newest_allows(kind: str, version: str) -> None:
    @LAW
    @given(st.data())
    def law(data: st.DataObject) -> None:
        document = data.draw(strategy(NEWEST, object_of(NEWEST, kind), custom=True))
        view = down(kind, document, version, _facts(document, data))
        assert view is None or check(version, object_of(version, kind), view, strict_fields=True) == []

    law()


@pytest.mark.parametrize(("kind", "version"), PATCHED)
def test_a_patch_that_is_sent_conforms(kind: str, version: str) -> None:
    @LAW
    @given(st.data())
    def law(data: st.DataObject) -> None:
        document = data.draw(strategy(NEWEST, object_of(NEWEST, kind), custom=True))
        keys = data.draw(st.sets(st.sampled_from(sorted(document)), min_size=1, max_size=4))
        patch = {key: document[key] for key in keys}
        view = down(kind, patch, version, _facts(document, data), patch=True)
        assert view is None or check(version, object_of(version, kind), view, strict_fields=True, partial=True) == []

    law()


@pytest.mark.parametrize(("kind", "version"), PAIRS)
def test_what_an_older_partner_may_send_conforms_once_raised(kind: str, version: str) -> None:
    facts = Facts(owner=("NL", "TST"), role="CPO", time_zone="Europe/Amsterdam", reservation_id="R1")

    @LAW
    @given(strategy(version, object_of(version, kind)))
    def law(document: Document) -> None:
        raised = up(kind, document, version, facts)
        validate(kind, raised)
        assert check(NEWEST, object_of(NEWEST, kind), raised) == []

    law()


@pytest.mark.parametrize(("kind", "version"), PATCHED)
def test_a_patch_of_an_older_partner_conforms_once_raised(kind: str, version: str) -> None:
    @LAW
    @given(strategy(version, object_of(version, kind)), st.data())
    def law(document: Document, data: st.DataObject) -> None:
        keys = data.draw(st.sets(st.sampled_from(sorted(document)), min_size=1, max_size=4))
        raised = up(kind, {key: document[key] for key in keys}, version, Facts(owner=("NL", "TST")), patch=True)
        kept = {key: value for key, value in raised.items() if value is not REMOVE}
        validate_patch(kind, raised, REMOVE)
        assert check(NEWEST, object_of(NEWEST, kind), kept, partial=True) == []

    law()

"""Tokens, commands and credentials between the versions: the bridging rules one by one."""

from typing import Any

import pytest

from interplug.model.types import parse_time
from interplug.versions.chain import NO_FACTS, Facts, down, up
from tests.versions.documents import EVSE, LOCATION, TOKEN, WHEN
from tests.versions.views import said

OWNER = Facts(owner=("NL", "TST"))


# --- Tokens and authorisations ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type", "in_221", "in_211"),
    [
        ("RFID", "RFID", "RFID"),
        ("APP_USER", "APP_USER", "OTHER"),
        ("AD_HOC_USER", "AD_HOC_USER", "OTHER"),
        ("EMAID", "OTHER", "OTHER"),
        ("VOICE", "OTHER", "OTHER"),
    ],
)
def test_token_types_go_down_and_come_back_for_who_remembers(type: str, in_221: str, in_211: str) -> None:
    token = {**TOKEN, "type": type}
    for version, expected in (("2.2.1", in_221), ("2.1.1", in_211)):
        view = said("token", token, version)
        assert view["type"] == expected
        assert up("token", view, version, Facts(owner=("DE", "EMP"), token=token)) == token


def test_a_token_of_2_1_1_has_an_auth_id_and_no_owner() -> None:
    view = said("token", {**TOKEN, "group_id": "G"}, "2.1.1")
    assert view["auth_id"] == TOKEN["contract_id"]
    assert view.keys().isdisjoint({"country_code", "party_id", "contract_id", "group_id"})


def test_an_authorisation_of_2_1_1_gets_the_token_that_was_asked_about() -> None:
    answer = {"allowed": "ALLOWED"}
    assert up("authorization_info", answer, "2.1.1", Facts(token=TOKEN))["token"] == TOKEN
    unknown = up("authorization_info", answer, "2.1.1", Facts(owner=("DE", "EMP"), now=parse_time(WHEN)))["token"]
    assert (unknown["uid"], unknown["type"], unknown["contract_id"], unknown["issuer"]) == ("#NA", "OTHER", "#NA", "#NA")
    assert (unknown["valid"], unknown["last_updated"]) == (True, WHEN)
    assert said("authorization_info", {**answer, "token": TOKEN, "authorization_reference": "R"}, "2.1.1") == answer


# --- Commands -----------------------------------------------------------------------------------------------------------------------------

START = {"response_url": "https://example.com/r", "token": TOKEN, "location_id": "L1", "evse_uid": "E1", "connector_id": "1"}


def test_start_session_loses_its_connector_and_finds_the_single_one() -> None:
    view = said("start_session", START, "2.1.1")
    assert "connector_id" not in view
    asking = {**LOCATION, "evses": [{**EVSE, "capabilities": ["START_SESSION_CONNECTOR_REQUIRED"]}]}
    assert up("start_session", view, "2.1.1", Facts(owner=("DE", "EMP"), location=asking)) == START
    assert "connector_id" not in up("start_session", view, "2.1.1", Facts(owner=("DE", "EMP"), location=LOCATION))


@pytest.mark.req("CMD-037")
def test_reservations_are_counted_in_2_1_1() -> None:
    order = {"response_url": "https://example.com/r", "token": TOKEN, "expiry_date": WHEN, "reservation_id": "R1", "location_id": "L1"}
    assert down("reserve_now", order, "2.1.1") is None
    view = said("reserve_now", order, "2.1.1", Facts(reservation_number=17))
    assert view["reservation_id"] == 17
    assert up("reserve_now", view, "2.1.1", OWNER)["reservation_id"] == "17"
    assert up("reserve_now", view, "2.1.1", Facts(reservation_id="R1"))["reservation_id"] == "R1"
    assert said("reserve_now", {**order, "reservation_id": "23"}, "2.1.1")["reservation_id"] == 23


def test_2_1_1_cannot_cancel_a_reservation() -> None:
    assert down("cancel_reservation", {"response_url": "https://example.com", "reservation_id": "1"}, "2.1.1") is None


@pytest.mark.parametrize(
    ("result", "in_211"),
    [
        ("ACCEPTED", "ACCEPTED"),
        ("FAILED", "REJECTED"),
        ("EVSE_OCCUPIED", "REJECTED"),
        ("EVSE_INOPERATIVE", "REJECTED"),
        ("UNKNOWN_RESERVATION", "REJECTED"),
        ("CANCELED_RESERVATION", "REJECTED"),
        ("TIMEOUT", "TIMEOUT"),
        ("NOT_SUPPORTED", "NOT_SUPPORTED"),
    ],
)
def test_command_results(result: str, in_211: str) -> None:
    assert said("command_result", {"result": result, "message": []}, "2.1.1") == {"result": in_211}


@pytest.mark.req("CMD-007")
def test_answers_to_commands_from_2_1_1() -> None:
    assert up("command_result", {"result": "UNKNOWN_SESSION"}, "2.1.1") == {"result": "FAILED"}
    assert up("command_response", {"result": "TIMEOUT"}, "2.1.1", Facts(command_timeout=45)) == {"result": "REJECTED", "timeout": 45}
    assert said("command_response", {"result": "ACCEPTED", "timeout": 30}, "2.1.1") == {"result": "ACCEPTED"}


# --- Credentials, version details, hub clients --------------------------------------------------------------------------------------------


def role(name: str, party: str) -> dict[str, Any]:
    return {"role": name, "country_code": "NL", "party_id": party, "business_details": {"name": f"{party} {name}"}}


CREDENTIALS = {
    "token": "secret",
    "url": "https://example.com/ocpi/versions",
    "roles": [role("CPO", "ABC"), role("EMSP", "ABC"), role("CPO", "DEF")],
}


@pytest.mark.req("CRD-034")
@pytest.mark.parametrize(
    ("facts", "name"),
    [
        (NO_FACTS, "ABC CPO"),
        (Facts(owner=("nl", "def")), "DEF CPO"),
        (Facts(owner=("NL", "ABC"), role="EMSP"), "ABC EMSP"),
        (Facts(role="EMSP"), "ABC EMSP"),
        (Facts(owner=("XX", "YYY")), "ABC CPO"),
    ],
)
def test_2_1_1_sees_one_party(facts: Facts, name: str) -> None:
    view = said("credentials", CREDENTIALS, "2.1.1", facts)
    assert view["business_details"] == {"name": name}
    assert "roles" not in view


def test_a_party_of_2_1_1_has_the_role_that_is_known_of_it() -> None:
    view = said("credentials", CREDENTIALS, "2.1.1")
    assert up("credentials", view, "2.1.1", Facts(role="CPO"))["roles"] == [role("CPO", "ABC")]
    assert up("credentials", view, "2.1.1")["roles"][0]["role"] == "OTHER"


@pytest.mark.req("CRD-035", "CRD-038", "CRD-039")
def test_a_hub_presents_itself_by_a_role_in_2_2_1_and_by_its_id_in_2_3_0() -> None:
    hub = {**CREDENTIALS, "hub_party_id": "NLHUB", "roles": [role("OTHER", "HUB"), role("CPO", "ABC")]}
    view = said("credentials", hub, "2.2.1")
    assert view["roles"] == [{**role("OTHER", "HUB"), "role": "HUB"}]
    raised = up("credentials", view, "2.2.1")
    assert (raised["hub_party_id"], raised["roles"]) == ("NLHUB", [role("OTHER", "HUB")])
    nameless = said("credentials", {**hub, "roles": [role("CPO", "ABC")]}, "2.2.1")
    assert nameless["roles"][0]["business_details"] == {"name": "NLHUB"}


@pytest.mark.req("VER-005")
def test_2_1_1_lists_a_module_once_from_the_side_of_the_role() -> None:
    def endpoint(identifier: str, side: str) -> dict[str, Any]:
        return {"identifier": identifier, "role": side, "url": f"https://example.com/{identifier}/{side}"}

    both = [endpoint(module, side) for module in ("locations", "tokens", "hubclientinfo") for side in ("SENDER", "RECEIVER")]
    details = {"version": "2.3.0", "endpoints": [endpoint("credentials", "SENDER"), *both]}

    def urls(facts: Facts) -> list[str]:
        view = said("version_details", details, "2.1.1", facts)
        assert view["version"] == "2.1.1"
        assert all(entry.keys() == {"identifier", "url"} for entry in view["endpoints"])
        return [entry["url"].removeprefix("https://example.com/") for entry in view["endpoints"]]

    assert urls(Facts(role="CPO")) == ["credentials/SENDER", "locations/SENDER", "tokens/RECEIVER"]
    assert urls(Facts(role="EMSP")) == ["credentials/SENDER", "locations/RECEIVER", "tokens/SENDER"]


def test_endpoints_of_2_1_1_get_their_side() -> None:
    details = {"version": "2.1.1", "endpoints": [{"identifier": "locations", "url": "https://example.com/l"}]}
    sides = lambda facts: [entry["role"] for entry in up("version_details", details, "2.1.1", facts)["endpoints"]]  # noqa: E731
    assert sides(Facts(role="CPO")) == ["SENDER"]
    assert sides(Facts(role="EMSP")) == ["RECEIVER"]
    assert sides(NO_FACTS) == ["SENDER", "RECEIVER"]


def test_a_hub_client_is_never_told_to_2_1_1() -> None:
    client = {"country_code": "NL", "party_id": "ABC", "role": "HUB", "status": "CONNECTED", "last_updated": WHEN}
    assert down("client_info", client, "2.1.1") is None
    assert up("client_info", client, "2.2.1")["role"] == "OTHER"

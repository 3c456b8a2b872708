"""Payloads against the schemas of each version."""

import pytest

from interplug.stations.ocpp import schemas
from interplug.stations.ocpp.dialects import DIALECTS, V16, V21, V201, Dialect

START = {"connectorId": 1, "idTag": "0123", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_every_action_of_a_version_has_a_schema_that_compiles(dialect: Dialect) -> None:
    for action in schemas.actions(dialect):
        schemas.check_request(dialect, action, {})
        schemas.check_response(dialect, action, {})
    assert {"Heartbeat", "BootNotification"} <= schemas.actions(dialect)


WRONG = [
    ({}, "OccurrenceConstraintViolation"),
    ({**START, "connectorId": "1"}, "TypeConstraintViolation"),
    ({**START, "idTag": "x" * 21}, "PropertyConstraintViolation"),
    ({**START, "more": 1}, "FormatViolation"),
]


@pytest.mark.parametrize(("payload", "code"), WRONG, ids=[row[1] for row in WRONG])
def test_what_is_wrong_has_the_code_that_ocpp_gives_it(payload: dict[str, object], code: str) -> None:
    problem = schemas.check_request(V16, "StartTransaction", payload)
    assert problem is not None
    assert problem.code == code


def test_a_time_without_a_zone_is_not_the_schemas_business() -> None:
    assert schemas.check_request(V16, "StartTransaction", {**START, "timestamp": "2026-01-01 00:00"}) is None


def test_an_answer_is_held_against_its_own_schema() -> None:
    assert schemas.check_response(V201, "Heartbeat", {"currentTime": "2026-01-01T00:00:00Z"}) is None
    assert schemas.check_response(V201, "Heartbeat", {}) is not None


def test_what_2_1_sends_without_an_answer_has_a_schema_too() -> None:
    assert "NotifyPeriodicEventStream" in schemas.actions(V21)
    assert schemas.check_request(V21, "NotifyPeriodicEventStream", {}) is not None
    assert schemas.check_response(V21, "NotifyPeriodicEventStream", {}) is None

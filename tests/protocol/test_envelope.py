"""The envelope, written and read."""

import msgspec
import pytest

from interplug.protocol.envelope import Answer, Bodies, failure, read, respond
from interplug.protocol.http import Request, Response
from interplug.protocol.status import invalid, malformed, method_not_allowed, not_found, unauthorized

NOW = 1_700_000_000_000_000
ASKED = Request("GET", "/x", {"x-request-id": "r1", "x-correlation-id": "c1"})


@pytest.mark.req("TRN-050", "TRN-089", "STS-012")
def test_a_success_has_code_timestamp_and_the_ids_of_the_request() -> None:
    response = respond(Answer({"id": "1"}), ASKED, NOW)
    envelope = msgspec.json.decode(response.body)
    assert (envelope["status_code"], envelope["timestamp"], envelope["data"]) == (1000, "2023-11-14T22:13:20Z", {"id": "1"})
    assert (response.headers["x-request-id"], response.headers["x-correlation-id"]) == ("r1", "c1")
    assert response.headers["content-type"] == "application/json"


@pytest.mark.req("TRN-053")
def test_data_is_left_out_where_nothing_is_said() -> None:
    assert "data" not in msgspec.json.decode(respond(Answer(), ASKED, NOW).body)


@pytest.mark.req("TRN-051")
@pytest.mark.parametrize("data", [[], Bodies([b'{"id":"1"}', b'{"id":"2"}']), Bodies(), [{"id": "1"}]])
def test_a_list_stays_a_list_also_when_it_is_empty_or_stored_bytes(data: list[object]) -> None:
    envelope = msgspec.json.decode(respond(Answer(data), ASKED, NOW).body)
    assert isinstance(envelope["data"], list) and len(envelope["data"]) == len(data)


@pytest.mark.req("TRN-052")
@pytest.mark.parametrize(
    ("error", "http"),
    [
        (malformed("x"), 400),
        (unauthorized("x"), 401),
        (not_found("x"), 404),
        (method_not_allowed("PUT", ["GET"]), 405),
        (invalid("x"), 200),
    ],
)
def test_every_error_has_the_envelope(error, http: int) -> None:  # type: ignore[no-untyped-def]
    response = failure(error, ASKED, NOW)
    envelope = msgspec.json.decode(response.body)
    assert response.status == http and 2000 <= envelope["status_code"] < 4000 and envelope["timestamp"]


@pytest.mark.req("STS-010", "STS-011")
@pytest.mark.req("TRN-054")
@pytest.mark.parametrize(
    ("status", "body", "ok"),
    [
        (200, b'{"status_code":1000,"timestamp":"2024-01-01T00:00:00Z"}', True),
        (201, b'{"status_code":1001,"data":null}', True),
        (200, b'{"status_code":"1000"}', True),
        (200, b'{"status_code":2001}', False),
        (200, b'{"status_code":2001,"data":null}', False),
        (404, b'{"status_code":2999,"data":"see the manual"}', False),
        (200, b'{"status_code":3000}', False),
        (500, b'{"status_code":1000}', False),
        (200, b"<html>busy</html>", False),
        (200, b"[]", False),
        (200, b'{"data":[]}', False),
        (200, b'{"status_code":true}', False),
        (200, b"", False),
        (200, b"\xff\xfe", False),
        (200, b"[" * 100_000, False),
    ],
)
def test_success_is_http_2xx_and_ocpi_1xxx(status: int, body: bytes, ok: bool) -> None:
    reply = read(Response(status, body))
    assert reply.ok is ok
    assert ok or reply.why()
    assert (reply.code is not None) is (b'"status_code":' in body and b"true" not in body)

"""Authorization, message ids and routing headers, without a socket."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplug.protocol.headers import Party, authorization, echoed, routing, routing_headers, token_readings

tokens = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64)


@pytest.mark.req("TRN-003", "TRN-004")
@given(tokens)
def test_an_encoded_token_is_read_as_what_was_meant(token: str) -> None:
    header = authorization(token, base64_token=True)
    assert base64.b64decode(header.removeprefix("Token "), validate=True).decode() == token
    assert token in token_readings(header)


@pytest.mark.req("TRN-005", "TRN-006")
@given(tokens)
def test_a_raw_token_is_read_as_it_is(token: str) -> None:
    assert authorization(token, base64_token=False) == f"Token {token}"
    assert token in token_readings(f"Token {token}")


@pytest.mark.req("TRN-012")
@pytest.mark.parametrize("header", [None, "", "Token", "Token ", "Bearer abc", "Basic YTpi", "Token \u00e9", "Token " + "x" * 600])
def test_what_is_no_token_has_no_reading(header: str | None) -> None:
    assert token_readings(header) == ()


@pytest.mark.parametrize("header", ["token abc", "TOKEN   abc", "  Token abc  "])
def test_scheme_and_blanks_are_read_with_tolerance(header: str) -> None:
    assert "abc" in token_readings(header)


def test_base64_of_a_token_and_a_line_feed_means_the_token() -> None:
    header = "Token " + base64.b64encode(b"secret-token\n").decode()
    assert "secret-token" in token_readings(header)


@pytest.mark.req("TRN-089")
def test_only_the_message_ids_are_echoed() -> None:
    assert echoed({"x-request-id": "a", "x-correlation-id": "b", "cookie": "c"}) == {"x-request-id": "a", "x-correlation-id": "b"}
    assert echoed({"x-request-id": "a" * 1000}) == {}


@pytest.mark.req("TRN-057", "TRN-059")
def test_routing_headers_name_both_parties_and_compare_without_case() -> None:
    to, sender = Party("NL", "abc"), Party("DE", "XYZ")
    headers = routing_headers(to, sender)
    assert headers == {
        "ocpi-to-country-code": "NL",
        "ocpi-to-party-id": "abc",
        "ocpi-from-country-code": "DE",
        "ocpi-from-party-id": "XYZ",
    }
    assert routing(headers) == (to, sender)
    assert to.key == Party("nl", "ABC").key


@pytest.mark.req("TRN-075")
def test_an_open_routing_request_names_no_receiver() -> None:
    assert routing_headers(None, Party("DE", "XYZ")) == {"ocpi-from-country-code": "DE", "ocpi-from-party-id": "XYZ"}

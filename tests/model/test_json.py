"""JSON at the door: exact numbers, and nothing that could hurt later gets past or escapes as another exception."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplug.model.types import MAX_DEPTH, MAX_DIGITS, MAX_EXPONENT, BadJson, decode_json, encode_json

BRACKETS_AND_QUOTES = st.text(alphabet='[]{}"\\ab1\n', max_size=8)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.decimals(-(10**20), 10**20, allow_nan=False, places=4)
    | BRACKETS_AND_QUOTES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(BRACKETS_AND_QUOTES, inner, max_size=4),
    max_leaves=20,
)


def nested(levels: int, core: str = "") -> bytes:
    return ("[" * levels + core + "]" * levels).encode()


@given(VALUES)
def test_what_is_written_reads_back_the_same(value: object) -> None:
    assert decode_json(encode_json(value)) == value


@pytest.mark.req("TYP-010")
def test_numbers_stay_exact_and_are_written_as_numbers() -> None:
    assert decode_json(b'{"price":0.1,"kwh":10.0,"volts":230}') == {"price": Decimal("0.1"), "kwh": Decimal("10.0"), "volts": 230}
    assert encode_json({"price": Decimal("0.10"), "volts": 230}) == b'{"price":0.10,"volts":230}'


def test_no_number_becomes_a_float() -> None:
    read = decode_json(b"[1.5, 1e2, -0.0, 2E-3, 12345678901234567890]")
    assert [type(number) for number in read] == [Decimal, Decimal, Decimal, Decimal, int]


def test_depth_is_bounded() -> None:
    assert decode_json(nested(MAX_DEPTH, "1"))
    for levels in (MAX_DEPTH + 1, 500, 100_000):
        with pytest.raises(BadJson, match="nested"):
            decode_json(nested(levels))


@given(st.lists(BRACKETS_AND_QUOTES, max_size=30), st.integers(MAX_DEPTH - 2, MAX_DEPTH + 2))
def test_brackets_and_quotes_in_strings_are_no_levels(texts: list[str], levels: int) -> None:
    raw = nested(levels - 1, encode_json(texts).decode())
    if levels <= MAX_DEPTH:
        decode_json(raw)
    else:
        with pytest.raises(BadJson, match="nested"):
            decode_json(raw)


def test_closing_brackets_in_strings_do_not_hide_depth() -> None:
    levels = MAX_DEPTH + 20
    raw = b'["]",' * levels + b"0" + b',"["]' * levels
    with pytest.raises(BadJson, match="nested"):
        decode_json(raw)


@pytest.mark.parametrize(
    "number", ["9" * MAX_DIGITS, "-" + "9" * MAX_DIGITS, f"1e{MAX_EXPONENT}", f"1e-{MAX_EXPONENT}", "0." + "1" * (MAX_DIGITS - 1)]
)
def test_large_numbers_pass(number: str) -> None:
    assert Decimal(decode_json(f'{{"a":[{number}]}}'.encode())["a"][0]) == Decimal(number)


@pytest.mark.parametrize(
    "number",
    [
        "1" * (MAX_DIGITS + 1),
        "-" + "1" * 5000,
        "0." + "1" * MAX_DIGITS,
        f"1e{MAX_EXPONENT + 1}",
        f"1E-{MAX_EXPONENT + 1}",
        "1e999999999",
        "1e" + "9" * 30,
    ],
)
def test_numbers_beyond_all_use_are_refused(number: str) -> None:
    with pytest.raises(BadJson):
        decode_json(f'{{"a":[{number}]}}'.encode())


def test_digits_in_a_string_are_no_number() -> None:
    assert decode_json(b'"' + b"1" * 100 + b'"') == "1" * 100


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"NaN", b"Infinity", b"01", b"'a'", b'{"a":1}x', b'"\xff"', b"\xff", b'"\\ud800"', b'"a\nb"', b"\xef\xbb\xbf{}", b"\x00"],
)
def test_what_is_no_json_is_refused_with_a_reason(raw: bytes) -> None:
    with pytest.raises(BadJson) as caught:
        decode_json(raw)
    assert caught.value.reason


@given(st.binary(max_size=60) | st.text(alphabet='[]{}",:0123456789.eE-+ntf\\u', max_size=60).map(str.encode))
def test_bytes_are_refused_or_say_the_same_when_they_are_written_again(raw: bytes) -> None:
    try:
        value = decode_json(raw)
    except BadJson:
        return
    assert decode_json(encode_json(value)) == value

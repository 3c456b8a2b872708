"""How times are read and spelled (17.5), and when two ids are the same (17.4)."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplug.model.types import GRAMMAR, fold, format_time, parse_time

NOON = 1_714_564_800_000_000  # 2024-05-01T12:00:00Z
MOMENTS = st.datetimes().map(lambda moment: parse_time(moment.isoformat()[:19]))


@pytest.mark.req("TYP-007", "TYP-008")
@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("2024-05-01T12:00:00Z", NOON),
        ("2024-05-01T12:00:00", NOON),
        ("2024-05-01T12:00:00.5", NOON + 500_000),
        ("2024-05-01T12:00:00.25Z", NOON + 250_000),
        ("2024-05-01T12:00:00.123456789Z", NOON + 123_456),
        ("2024-05-01T14:00:00+02:00", NOON),
        ("2024-05-01T06:30:00-05:30", NOON),
        ("2024-05-01T12:00:00+00:00", NOON),
        ("2024-05-01t12:00:00z", NOON),
        ("1969-12-31T23:59:59Z", -1_000_000),
    ],
)
def test_times_of_partners_are_read(text: str, us: int) -> None:
    assert parse_time(text) == us


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2024-05-01",
        "2024-02-30T12:00:00Z",
        "2024-05-01T25:00:00Z",
        "20240501T120000Z",
        "2024-W18-3T12:00:00Z",
        "1714564800",
        "x" * 30,
    ],
)
def test_what_is_no_time_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse_time(text)


@pytest.mark.req("TYP-006")
@given(MOMENTS, st.integers(0, 999_999))
def test_times_are_sent_in_utc_with_z_and_at_most_25_characters(second: int, rest: int) -> None:
    spelled = format_time(second + rest)
    assert GRAMMAR["DateTime"].fullmatch(spelled) and spelled.endswith("Z") and len(spelled) <= 25
    assert parse_time(spelled) == second + rest // 1000 * 1000


@pytest.mark.req("TYP-006")
@pytest.mark.parametrize("text", ["2024-05-01T12:00:00+00:00", "2024-05-01T12:00:00.123456Z", "2024-05-01 12:00:00Z", "2024-05-01T12:00Z"])
def test_the_grammar_knows_what_may_not_be_sent(text: str) -> None:
    assert not GRAMMAR["DateTime"].fullmatch(text)


@pytest.mark.req("TYP-009")
def test_whole_seconds_are_rounded_down() -> None:
    assert format_time(NOON + 999_999, whole_seconds=True) == "2024-05-01T12:00:00Z"
    assert format_time(NOON + 999_999) == "2024-05-01T12:00:00.999Z"


@given(st.datetimes(timezones=st.timezones() | st.just(UTC)) | st.datetimes())
def test_every_time_that_the_model_accepts_can_be_read_and_spelled_again(moment: datetime) -> None:
    text = msgspec.json.encode(moment).decode().strip('"')
    msgspec.convert(text, datetime)
    assert parse_time(format_time(parse_time(text))) <= parse_time(text)


def test_sums_beyond_the_calendar_stop_at_its_edge() -> None:
    assert parse_time("0001-01-01T00:00:00+14:00") == parse_time("0001-01-01T00:00:00Z")
    assert format_time(parse_time("9999-12-31T23:59:59Z") + 10**15) == "9999-12-31T23:59:59.999Z"


@pytest.mark.req("TYP-001")
@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_ids_are_the_same_in_any_case(text: str) -> None:
    assert fold(text.upper()) == fold(text.lower()) == fold(fold(text))


def test_only_ascii_letters_fold() -> None:
    assert fold("NL*TNM*é") == "nl*tnm*é"
    assert fold("\u212a1") != fold("k1")  # the Kelvin sign is no k
    assert fold("É") != fold("é")

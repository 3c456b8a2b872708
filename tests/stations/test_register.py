"""Energy from the registers of real meters: each row is a way in which some of them behave."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplug.stations.csms.register import Register

MINUTE = 60_000_000
WATTS = 22_000
LIFE = 5_432_100

# The register at the beginning, the values a minute apart, the Wh at the end, whether a person has to look.
METERS = [
    ("of its life", LIFE, [LIFE + 100, LIFE + 300, LIFE + 350], 350, False),
    ("reset at each transaction", 0, [100, 300, 350], 350, False),
    ("of its life at the ends, of the charge between", LIFE, [0, 120, 300, LIFE + 350], 350, False),
    ("of the charge between, and small at the ends", 1000, [0, 300, 600, 1700], 700, False),
    ("reset by a restart in the middle", LIFE, [LIFE + 200, LIFE + 400, 50, 250, 350], 700, False),
    ("reset to nothing, and at nothing again", LIFE, [LIFE + 200, 0, 0, 100], 300, False),
    ("truncated at the beginning, rounded at the end", LIFE, [LIFE + 200, LIFE + 199], 200, False),
    ("-1 at the end", LIFE, [LIFE + 200, -1], 200, True),
    ("below its beginning at the end, by rounding", LIFE, [LIFE - 1], 0, False),
    ("all ones at the end", LIFE, [LIFE + 200, 2**64 - 1], 200, True),
    ("all ones at the beginning", 2**64 - 1, [LIFE, LIFE + 300], 300, False),
    ("a leap", LIFE, [LIFE + 200, LIFE + 2_000_000], 2_000_000, True),
    ("unknown at the beginning", None, [LIFE, LIFE + 300], 300, False),
    ("-1 at the beginning", -1, [LIFE, LIFE + 300], 300, False),
]


@pytest.mark.parametrize(("name", "start", "values", "wh", "doubtful"), METERS, ids=[row[0] for row in METERS])
def test_a_meter(name: str, start: int | None, values: list[int], wh: int, doubtful: bool) -> None:
    register = Register(at=0)
    register.begin(None if start is None else Decimal(start))
    for minute, value in enumerate(values, 1):
        register.take(Decimal(value), minute * MINUTE, WATTS)
    assert (register.total, bool(register.doubt)) == (wh, doubtful)


@given(st.lists(st.integers(0, 360), max_size=30), st.integers(0, 10**9))
def test_a_good_meter_is_believed_to_the_last_wh(steps: list[int], start: int) -> None:
    register, value = Register(at=0), start
    register.begin(Decimal(start))
    for minute, step in enumerate(steps, 1):
        value += step
        register.take(Decimal(value), minute * MINUTE, WATTS)
    assert register.total == sum(steps)
    assert not register.doubt


@given(st.lists(st.integers(-1, 10**7), max_size=30), st.integers(-1, 10**7) | st.none())
def test_no_meter_takes_energy_back(values: list[int], start: int | None) -> None:
    register, before = Register(at=0), Decimal(0)
    register.begin(None if start is None else Decimal(start))
    for minute, value in enumerate(values, 1):
        register.take(Decimal(value), minute * MINUTE, WATTS)
        assert register.total >= before
        before = register.total


def test_a_reading_that_comes_late_counts_for_its_time_and_changes_nothing_else() -> None:
    register = Register(at=0)
    register.begin(Decimal(1000))
    register.take(Decimal(1600), 3 * MINUTE, WATTS)
    assert register.take(Decimal(1200), MINUTE, WATTS) == 200
    assert register.total == 600
    assert register.take(Decimal(9999), 2 * MINUTE, WATTS) is None


def test_an_end_counts_whatever_its_time() -> None:
    register = Register(at=0)
    register.begin(Decimal(1000))
    register.take(Decimal(1010), 3 * MINUTE, WATTS)
    register.end(Decimal(1030), 2 * MINUTE, WATTS, 4 * MINUTE)
    assert (register.total, register.at, register.doubt) == (30, 3 * MINUTE, "")
    register.end(Decimal(1020), 2 * MINUTE, WATTS, 4 * MINUTE)
    assert register.total == 30, "nothing lowers it"


@pytest.mark.parametrize(("heard", "doubtful"), [(13, False), (4, True)], ids=["ten minutes", "one minute"])
def test_an_end_shows_no_more_than_can_have_flown_until_it_was_told(heard: int, doubtful: bool) -> None:
    register = Register(at=0)
    register.begin(Decimal(1000))
    register.take(Decimal(1010), 3 * MINUTE, WATTS)
    register.end(Decimal(4000), MINUTE, WATTS, heard * MINUTE)
    assert (register.total, bool(register.doubt)) == (3000, doubtful)


def assumed(first: int) -> Register:
    """Nobody has told the register at the beginning."""
    register = Register(at=0)
    register.begin(None)
    register.take(Decimal(first), 3 * MINUTE, WATTS)
    return register


def test_a_beginning_that_is_told_late_counts_once() -> None:
    register = assumed(LIFE + 300)
    for _ in range(2):
        register.began(Decimal(LIFE), 0, WATTS)
    assert register.take(Decimal(LIFE + 500), 5 * MINUTE, WATTS) == 500
    assert not register.doubt


@pytest.mark.parametrize("value", [0, LIFE - 100_000, LIFE + 301, -1], ids=["of the charge", "too far", "later", "minus one"])
def test_a_beginning_that_is_told_late_and_cannot_be_counts_for_nothing(value: int) -> None:
    register = assumed(LIFE + 300)
    register.began(Decimal(value), 0, WATTS)
    assert register.take(Decimal(LIFE + 500), 5 * MINUTE, WATTS) == 200


def test_a_beginning_that_was_told_is_not_told_again() -> None:
    register = Register(at=0)
    register.begin(Decimal(1000))
    register.take(Decimal(1300), 3 * MINUTE, WATTS)
    register.began(Decimal(900), 0, WATTS)
    assert register.total == 300


def test_a_meter_that_tells_only_intervals() -> None:
    register = Register(at=0)
    for minute in (1, 2, 2, 3):
        register.add(Decimal(100), minute * MINUTE)
    assert register.total == 300

"""A car at a plug, without a clock."""

from hypothesis import given
from hypothesis import strategies as st

from interplug.stations.simulator.physics import Charge, Vehicle, advance, meter, power

CAR = Vehicle(battery=60_000)


def test_a_car_ramps_up_holds_and_tapers() -> None:
    start = Charge(CAR, "DC", 150_000, soc=0.2)
    steady = advance(start, 60)
    assert power(start) < power(steady) == 150_000
    assert power(advance(steady, 1200)) < 150_000


def test_a_full_car_draws_nothing_and_the_meter_stands() -> None:
    full = advance(Charge(CAR, "AC_3_PHASE", 22_000, soc=0.97), 4 * 3600)
    assert full.full and power(full) == 0
    assert meter(advance(full, 600)) == meter(full) <= 0.03 * 60_000 + 1


def test_the_car_limits_an_ac_plug_and_the_plug_limits_the_car() -> None:
    assert power(Charge(CAR, "AC_3_PHASE", 22_000, 0.3, elapsed=60)) == 11_000
    assert power(Charge(CAR, "DC", 50_000, 0.3, elapsed=60)) == 50_000


@given(st.lists(st.integers(0, 300), max_size=12), st.floats(0.05, 0.99))
def test_whoever_asks_often_gets_the_same_energy_as_who_asks_once(steps: list[int], soc: float) -> None:
    often = once = Charge(CAR, "DC", 50_000, soc)
    for seconds in steps:
        often = advance(often, seconds)
    assert often == advance(once, sum(steps))


def test_one_phase_gives_a_third_of_what_the_car_takes_from_three() -> None:
    single = Charge(CAR, "AC_1_PHASE", 7_400, 0.3, elapsed=60)
    assert power(single) == 11_000 / 3


@given(st.floats(0.05, 0.99), st.sampled_from(["AC_1_PHASE", "AC_3_PHASE", "DC"]))
def test_the_meter_never_runs_back_and_never_gives_more_than_fits(soc: float, power_type: str) -> None:
    charge, before = Charge(CAR, power_type, 50_000, soc), 0
    for _ in range(40):
        charge = advance(charge, 180)
        assert before <= meter(charge) <= (1 - soc) * CAR.battery + 1
        before = meter(charge)

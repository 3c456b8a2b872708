"""Charging profiles as arithmetic, checked by hand."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplug.model.types import format_time
from interplug.model.validate import Invalid, validate
from interplug.modules import schedules
from interplug.modules.schedules import SECOND, Plug
from tests.nodes import T0

Document = dict[str, Any]
AC = Plug(Decimal(22_000), Decimal(230), 3)
DC = Plug(Decimal(50_000), Decimal(400), 1)


def profile(*periods: tuple[int, Any], unit: str = "W", **more: Any) -> Document:
    listed = [{"start_period": start, "limit": limit} for start, limit in periods]
    return {"charging_rate_unit": unit, "charging_profile_period": listed, **more}


def held(one: Document, *seconds: int, plug: Plug = AC) -> list[Decimal | None]:
    """The limits at so many seconds after the charge began."""
    found = schedules.steps(one, T0, plug)
    return [schedules.limit_at(found, T0 + second * SECOND) for second in seconds]


@pytest.mark.req("CHP-027")
@pytest.mark.parametrize(("plug", "watts"), [(AC, 11_040), (DC, 6_400), (Plug(Decimal(7_400), Decimal(230), 1), 3_680)])
def test_amperes_are_those_of_each_phase(plug: Plug, watts: int) -> None:
    assert held(profile((0, 16), unit="A"), 0, plug=plug) == [watts]
    assert held(profile((0, 16), unit="W"), 0, plug=plug) == [16]


@pytest.mark.req("CHP-028")
def test_a_profile_without_a_start_counts_from_when_charging_began() -> None:
    assert held(profile((0, 5000), (600, 7000)), -1, 0, 599, 600, 10**9) == [None, 5000, 5000, 7000, 7000]


@pytest.mark.req("CHP-028")
def test_a_profile_with_a_start_counts_from_that() -> None:
    one = profile((0, 5000), start_date_time=format_time(T0 + 100 * SECOND))
    assert held(one, 0, 99, 100, 10**9) == [None, None, 5000, 5000]


@pytest.mark.req("CHP-028")
def test_a_profile_with_a_duration_ends() -> None:
    assert held(profile((0, 5000), (600, 7000), (900, 1), duration=900), 0, 600, 899, 900) == [5000, 7000, 7000, None]


def test_of_several_profiles_the_least_limit_holds() -> None:
    several = [
        schedules.steps(one, T0, AC)
        for one in (profile((0, 5000), (600, 9000)), profile((300, 4000), (400, 8000)), profile((0, 6000), duration=700))
    ]
    assert [(at - T0) // SECOND for at, _ in schedules.least(several)] == [0, 300, 400, 600, 700]
    assert [watts for _, watts in schedules.least(several)] == [5000, 4000, 5000, 6000, 8000]
    assert schedules.least([]) == []


@pytest.mark.req("CHP-029")
def test_an_active_profile_counts_from_its_own_start() -> None:
    found = schedules.active(schedules.steps(profile((0, 5000), (600, 7000)), T0, AC), AC, T0 + 500 * SECOND, 300, "W")
    assert found["start_date_time"] == format_time(T0 + 500 * SECOND)
    assert found["charging_profile"]["duration"] == 300
    assert found["charging_profile"]["charging_profile_period"] == [
        {"start_period": 0, "limit": Decimal("5000.0")},
        {"start_period": 100, "limit": Decimal("7000.0")},
    ]
    validate("active_charging_profile", found)


@pytest.mark.req("CHP-024")
@pytest.mark.parametrize(("unit", "limit"), [("W", "22000.0"), ("A", "31.8")])
def test_where_nothing_limits_the_plug_does(unit: str, limit: str) -> None:
    found = schedules.active([], AC, T0, 1800, unit)
    assert found["charging_profile"]["charging_profile_period"] == [{"start_period": 0, "limit": Decimal(limit)}]
    wide = schedules.steps(profile((0, 10**9)), T0, AC)
    assert schedules.periods(wide, AC, T0, 60, unit) == [{"start_period": 0, "limit": Decimal(limit)}]


@pytest.mark.req("CHP-026")
@pytest.mark.parametrize("limit", [16, Decimal("16.5"), Decimal("16.50"), Decimal("1E+3"), 0])
def test_limits_have_one_decimal(limit: Any) -> None:
    schedules.check(profile((0, limit)))
    schedules.check(profile((0, 6), min_charging_rate=limit))


@pytest.mark.req("CHP-026")
@pytest.mark.parametrize("limit", [Decimal("16.55"), Decimal("0.001"), -1, Decimal("1." + "1" * 28), Decimal("-0.05")])
def test_finer_limits_are_wrong(limit: Any) -> None:
    with pytest.raises(Invalid, match=r"charging_profile_period\[0\].limit"):
        schedules.check(profile((0, limit)))
    with pytest.raises(Invalid, match="min_charging_rate"):
        schedules.check(profile((0, 6), min_charging_rate=limit))


@pytest.mark.parametrize(
    "wrong",
    [
        profile((-1, 6)),
        profile((0, 6), (0, 7)),
        profile((60, 6), (0, 7)),
        profile((0, 6), duration=-1),
        profile(*((start, 6) for start in range(schedules.MOST_PERIODS + 1))),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: Document) -> None:
    with pytest.raises(Invalid):
        schedules.check(wrong)


FAST: Document = {"power_type": "DC", "max_voltage": 920, "max_amperage": 500, "max_electric_power": 350_000}


@pytest.mark.parametrize(
    ("connector", "plug"),
    [
        ({"power_type": "AC_3_PHASE", "max_voltage": 230, "max_amperage": 32}, Plug(Decimal(22_080), Decimal(230), 3)),
        (
            {"power_type": "DC", "max_voltage": 920, "max_amperage": 500, "max_electric_power": 350_000},
            Plug(Decimal(350_000), Decimal(920), 1),
        ),
    ],
)
def test_what_a_connector_can_give(connector: Document, plug: Plug) -> None:
    assert schedules.plug_of(connector) == plug


LIMITS = st.lists(st.tuples(st.integers(0, 3000), st.decimals(0, 30_000, places=1)), unique_by=lambda period: period[0]).map(sorted)


@given(several=st.lists(st.tuples(LIMITS, st.none() | st.integers(0, 4000)), max_size=4), second=st.integers(0, 5000))
def test_the_least_of_several_is_at_every_moment_the_least(several: list[Any], second: int) -> None:
    lists = [
        schedules.steps(profile(*periods) | ({} if duration is None else {"duration": duration}), T0, AC) for periods, duration in several
    ]
    moment = T0 + second * SECOND
    limits = [limit for one in lists if (limit := schedules.limit_at(one, moment)) is not None]
    assert schedules.limit_at(schedules.least(lists), moment) == min(limits, default=None)


@given(periods=LIMITS, start=st.integers(0, 3000), unit=st.sampled_from("AW"))
def test_what_is_planned_never_allows_more_than_was_set(periods: list[tuple[int, Decimal]], start: int, unit: str) -> None:
    one = schedules.steps(profile(*periods, unit=unit), T0, AC)
    planned = schedules.active(one, AC, T0 + start * SECOND, 1000, unit)
    validate("active_charging_profile", planned)
    schedules.check(planned["charging_profile"])
    again = schedules.steps(planned["charging_profile"], T0, AC)
    for second in range(start, start + 1000, 50):
        limit = schedules.limit_at(one, T0 + second * SECOND)
        shown = schedules.limit_at(again, T0 + second * SECOND)
        assert shown is not None and shown <= min(AC.watts if limit is None else limit, AC.watts)

"""From what is told of a transaction to readings: since when a car stands there."""

from __future__ import annotations

from decimal import Decimal

from interplug.stations.csms.course import Course
from interplug.stations.csms.events import Phase, Sample, Told
from interplug.stations.csms.ledger import _together

SECOND = 1_000_000


def begun() -> Course:
    course = Course.begun(Told(kind="begun", number="1", at=0, began_with=Decimal(0)))
    course.follow(told(60, (60, 1000), phase="charging"), 60 * SECOND)
    return course


def told(at: int, *samples: tuple[int, int], phase: Phase | None = None) -> Told:
    read = tuple(Sample(at=second * SECOND, register=Decimal(wh)) for second, wh in samples)
    return Told(kind="went on", number="1", at=at * SECOND, samples=read, phase=phase)


def phases(course: Course, one: Told) -> list[tuple[int, str]]:
    return [(reading.at // SECOND, reading.phase) for reading in course.follow(one, one.at)]


def test_what_was_measured_before_the_car_was_full_was_measured_while_it_charged() -> None:
    assert phases(begun(), told(120, (90, 1500), (120, 2000), phase="parked")) == [(90, "charging"), (120, "parked")]


def test_what_was_measured_after_it_is_of_a_car_that_stands_there() -> None:
    assert phases(begun(), told(120, (150, 2000), phase="parked")) == [(120, "parked"), (150, "parked")]


def test_of_messages_that_are_carried_together_the_first_says_since_when() -> None:
    """They say the same of the phase, or they would not be."""
    full, standing = told(120, (120, 2000), phase="parked"), told(180, (180, 2000), phase="parked")
    [(together, number, _)] = _together([(full, 1, None), (standing, 2, None)])
    assert number == 2 and together is not None
    assert phases(begun(), together) == [(120, "parked"), (180, "parked")]


def test_an_end_in_the_second_of_the_newest_reading_is_where_it_is() -> None:
    """The next charge may begin in the same second."""
    course = begun()
    course.follow(told(120, (120, 2000)), 120 * SECOND)
    end = 120 * SECOND + 529_000
    last = Sample(at=end, register=Decimal(2100), context="Transaction.End")
    readings = course.follow(Told(kind="ended", number="1", at=end, samples=(last,)), end)
    assert (readings[-1].at, readings[-1].kwh) == (end, Decimal("2.1"))


def of_intervals() -> Course:
    """At a meter that tells only what went through since it last told."""
    course = Course.begun(Told(kind="begun", number="1", at=0))
    sample = Sample(at=900 * SECOND, interval=Decimal(2500))
    course.follow(Told(kind="went on", number="1", at=900 * SECOND, samples=(sample,)), 900 * SECOND)
    return course


def ended(at: int, *intervals: tuple[int, int, str]) -> Told:
    samples = tuple(Sample(at=second * SECOND, interval=Decimal(wh), context=context) for second, wh, context in intervals)
    return Told(kind="ended", number="1", at=at * SECOND, samples=samples)


def test_the_last_interval_counts_once_also_where_the_clock_was_set_back_before_it() -> None:
    last = "Transaction.End"
    for at, told_at in ((1200, 1200), (600, 1200)):
        course = of_intervals()
        readings = course.follow(ended(at, (at, 800, last)), told_at * SECOND)
        assert readings[-1].kwh == Decimal("3.3"), at


def test_an_interval_that_an_end_repeats_or_that_cannot_have_flown_does_not_count_again() -> None:
    last = "Transaction.End"
    for said in ((900, 2500, "Sample.Periodic"), (900, 2500, last), (600, 900_000, last), (600, -5, last)):
        readings = of_intervals().follow(ended(1200, said), 1200 * SECOND)
        assert readings[-1].kwh == Decimal("2.5"), said

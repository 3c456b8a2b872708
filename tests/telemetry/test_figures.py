"""Counting: what happened is told as it was, and nobody outside decides how much memory it takes."""

from __future__ import annotations

from itertools import product

from interplug.telemetry.figures import MOST, OTHER, Requests, Spread, well


def test_a_value_is_counted_at_the_first_bound_that_it_does_not_exceed() -> None:
    spread = Spread((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 9.0):
        spread.add(value)
    assert (spread.counts, spread.sum) == ([2, 1, 1], 12.0)


def test_requests_are_told_apart_by_how_they_ended_and_by_partner() -> None:
    requests = Requests()
    requests.add(7, ("locations", "PATCH", "2.2.1", 200, 1000), 0.002)
    requests.add(7, ("locations", "PATCH", "2.2.1", 200, 1000), 0.004)
    requests.add(7, ("locations", "PATCH", "2.2.1", 200, 2001), 0.2)
    requests.add(0, ("", "GET", "", 401, 2001), 0.001)
    assert requests.counts()["locations", "PATCH", "2.2.1", 200, 1000] == 2
    assert requests.counts()["", "GET", "", 401, 2001] == 1
    assert sum(requests.spreads["locations", "PATCH"].counts) == 3
    assert requests.partners == {7: [2, 1], 0: [0, 1]}


def test_success_is_http_and_ocpi_together() -> None:
    assert well(200, 1000) and well(201, 1001)
    assert not any((well(200, 2001), well(200, 0), well(500, 1000), well(0, 0)))


def test_what_partners_make_up_is_counted_within_bounds() -> None:
    requests = Requests()
    for http, ocpi in product(range(100, 600), range(1000, 5000, 100)):
        requests.add(1, ("cdrs", "POST", "2.2.1", http, ocpi), 0.001)
    requests.add(1, ("cdrs", "BREW", "2.2.1", 200, 123_456_789), 0.001)
    counts = requests.counts()
    assert sum(counts.values()) == 500 * 40 + 1
    assert len(counts) < MOST + 50
    assert {method for _, method, *_ in counts} == {"POST", OTHER}
    assert all(ocpi < 5000 for *_, ocpi in counts)

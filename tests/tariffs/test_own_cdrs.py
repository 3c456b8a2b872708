"""What we write, a partner's check accepts: samples, periods, costs, verified."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interplug.model.types import decode_json, encode_json, format_time
from interplug.tariffs import Sample, compile_tariff, cost_documents, cut, price, read_session, verify, volume_documents
from tests.tariffs.build import MINUTE, codes, component, element, tariff
from tests.tariffs.test_simulate import NINE, ZONE, courses, tariffs


@pytest.mark.req("CDR-058", "CDR-030")
@pytest.mark.parametrize("version", ["2.1.1", "2.2.1", "2.3.0"])
@settings(max_examples=30)
@given(document=tariffs(), samples=courses())
def test_a_cdr_of_ours_always_matches(version: str, document: dict[str, Any], samples: list[Sample]) -> None:
    stop = "stop_date_time" if version == "2.1.1" else "end_date_time"
    cdr: dict[str, Any] = {
        "start_date_time": format_time(samples[0].us),
        stop: format_time(samples[-1].us),
        "currency": "EUR",
        "tariffs": [{**document, "tax_included": "N/A"}],
        "charging_periods": cut(compile_tariff(document, "2.2.1"), samples, ZONE),
    }
    priced = price(cdr, version=version, timezone=ZONE)
    cdr |= {**volume_documents(read_session(cdr)), **cost_documents(priced, version)}
    verified = verify(decode_json(encode_json(cdr)), version=version, timezone=ZONE)
    assert (verified.verdict, verified.differences, verified.causes) == ("match", (), ())
    assert not codes(verified) & {"volume_mismatch", "volume_missing", "period_spans_price_change", "periods_outside_session"}


@st.composite
def powered(draw: st.DrawFn) -> list[Sample]:
    us, kwh = NINE, Decimal(0)
    samples = []
    metered = draw(st.booleans())
    for _ in range(draw(st.integers(2, 5))):
        phase = draw(st.sampled_from(["charging", "charging", "charging", "parked"]))
        watts = Decimal(draw(st.integers(0, 80))) * 1000
        samples.append(Sample(us, kwh, phase, watts, draw(st.integers(6, 64).map(Decimal)) if metered else None))
        us += draw(st.integers(1, 40)) * MINUTE
        kwh += draw(st.integers(0, 60)) * Decimal("0.1")
    return samples


@st.composite
def by_power(draw: st.DrawFn) -> dict[str, Any]:
    elements = []
    for _ in range(draw(st.integers(1, 4))):
        bounds = {draw(st.sampled_from(["min_power", "max_power", "min_current", "max_current"])): draw(st.sampled_from([11, 22, 50]))}
        if draw(st.booleans()):
            bounds[draw(st.sampled_from(["min_power", "max_power", "max_kwh", "min_duration"]))] = draw(st.sampled_from([4, 22, 43]))
        elements.append(element(component("ENERGY", draw(st.integers(1, 9))), component("TIME", draw(st.integers(0, 9))), **bounds))
    return tariff(*elements)


@settings(max_examples=60)
@given(document=by_power(), samples=powered())
def test_power_and_current_never_leave_a_period_in_doubt(document: dict[str, Any], samples: list[Sample]) -> None:
    periods = cut(compile_tariff(document, "2.2.1"), samples, ZONE)
    cdr = {"start_date_time": format_time(samples[0].us), "end_date_time": format_time(samples[-1].us), "charging_periods": periods}
    said = codes(price(cdr, [document], version="2.2.1", timezone=ZONE))
    # A current that no meter reads cannot be cut at.
    assert "period_spans_price_change" not in said or "current_unknown" in said


def test_a_current_that_no_meter_reads_matches_nothing_for_us_as_for_whoever_reads_the_cdr() -> None:
    unread = tariff(element(component("TIME", 1), max_current=11), element(component("TIME", 2), min_power=11, min_duration=4))
    slowing = [Sample(NINE, Decimal(0), power=Decimal(12_000)), Sample(NINE + MINUTE, Decimal(0), power=Decimal(0))]
    periods = cut(compile_tariff(unread, "2.2.1"), slowing, ZONE)
    assert [period["start_date_time"][14:19] for period in periods] == ["00:00", "00:04", "00:05"]

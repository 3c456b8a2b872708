"""What is read from the text at once says what it says when it is read with care; everything else is not read at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplug.model.types import parse_time
from interplug.stations.csms import plain, v201
from interplug.stations.csms.clocks import StationClock
from interplug.stations.ocpp.dialects import V201
from interplug.stations.ocpp.frames import Call, parse

NOW = "2026-01-01T12:00:00Z"


class Ear:
    """As much of a station's counterpart as reading needs."""

    def time(self, text: object) -> int:
        return StationClock().time(text, parse_time(NOW))


EAR: Any = Ear()


def event(**more: Any) -> dict[str, Any]:
    said = {"eventType": "Updated", "timestamp": NOW, "triggerReason": "MeterValuePeriodic", "seqNo": 3}
    return {**said, "transactionInfo": {"transactionId": "T1", "chargingState": "Charging"}, **more}


def text(payload: Any) -> str:
    return json.dumps([2, "1", "TransactionEvent", payload])


TIMES = st.sampled_from([NOW, "2026-01-01T11:59:00.5Z", "2026-01-01 11:59:00", "1970-01-01T00:00:00Z", "never", ""])
NUMBERS = st.one_of(
    st.integers(-(10**13), 10**13),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["5", "2,5", "NaN", "Infinity", "1e-400", "x", None, True, [], 10**31, 10**40, 2**64 - 1]),
)
MEASURANDS = st.sampled_from(
    ["Energy.Active.Import.Register", "Energy.Active.Import.Interval", "Power.Active.Import", "Current.Import", "SoC", "Voltage"]
)
UNITS = st.fixed_dictionaries({}, optional={"unit": st.sampled_from(["Wh", "kWh", "kW", "?"]), "multiplier": st.integers(-12, 12)})
VALUES = st.fixed_dictionaries(
    {"value": NUMBERS},
    optional={
        "measurand": MEASURANDS,
        "context": st.sampled_from(["Sample.Periodic", "Transaction.Begin", "Other"]),
        "phase": st.sampled_from(["L1", "L2-N", "N", "L1-L2"]),
        "location": st.sampled_from(["Outlet", "EV", "Inlet"]),
        "unitOfMeasure": UNITS,
        "customData": st.just({"vendorId": "x"}),
    },
)
METERS = st.lists(st.fixed_dictionaries({"timestamp": TIMES, "sampledValue": st.lists(VALUES, max_size=6)}), max_size=3)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "timestamp": TIMES,
        "evse": st.fixed_dictionaries({"id": st.integers(-1, 9)}, optional={"connectorId": st.integers(-1, 3)}),
        "meterValue": METERS,
        "offline": st.booleans(),
        "idToken": st.just({"idToken": "CARD1", "type": "ISO14443"}),
        "eventType": st.sampled_from(["Started", "Ended", "Updated"]),
        "reservationId": st.integers(0, 5),
        "transactionInfo": st.fixed_dictionaries(
            {"transactionId": st.text(max_size=5)},
            optional={"chargingState": st.sampled_from(["SuspendedEV", "Idle", "?"]), "stoppedReason": st.just("Remote")},
        ),
    },
)


@given(EVENTS)
def test_law_what_is_read_at_once_is_what_it_is_with_care(more: dict[str, Any]) -> None:
    said = text(event(**more))
    told = plain.quick(EAR, said)
    if told is not None:
        frame = parse(said, V201)
        assert isinstance(frame, Call)
        assert told == v201.transaction(EAR, frame.payload)


LONG = ["0." + "12345" * 12, "0.00000" + "12345" * 12, "5000." + "9" * 60, "1" * 5000, "1e400", "-1e-400", "0e99", "1e" + "9" * 30]


@pytest.mark.parametrize("number", LONG)
def test_a_number_that_is_longer_than_what_we_compute_with_is_the_same_in_both(number: str) -> None:
    said = text(event(meterValue=[{"timestamp": NOW, "sampledValue": [{"value": "?"}]}])).replace('"?"', number)
    frame = parse(said, V201)
    assert isinstance(frame, Call)
    assert plain.quick(EAR, said) in (None, v201.transaction(EAR, frame.payload))


def test_a_plain_message_is_read_at_once() -> None:
    sampled = [{"value": 5000}, {"value": 11.04, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "kW"}}]
    told = plain.quick(EAR, text(event(evse={"id": 1}, meterValue=[{"timestamp": NOW, "sampledValue": sampled}])))
    assert told is not None and told.number == "T1"
    [sample] = told.samples
    assert (sample.register, sample.power) == (5000, 11040)


@pytest.mark.parametrize(
    "said",
    [
        text(event(idToken={"idToken": "CARD1", "type": "ISO14443"})),
        text(event(eventType="Ended")),
        text(event(vendorThing=1)),
        text(event(meterValue=[{"timestamp": NOW, "sampledValue": [{"value": 1, "signedMeterValue": {}}]}])),
        text(event(evse={"id": 10**40})),
        text([]),
        "[2, 1]",
        "\ud800",
        "[" * 100_000,
    ],
    ids=range(9),
)
def test_what_is_not_plain_is_read_with_care(said: str) -> None:
    assert plain.quick(EAR, said) is None

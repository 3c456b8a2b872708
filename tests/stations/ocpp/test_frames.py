"""OCPP-J frames: what is one, what is none, and what the other end is told."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interplug.stations.ocpp.dialects import DIALECTS, V16, V21, V201
from interplug.stations.ocpp.frames import Broken, Call, Error, Frame, Result, Send, glimpse, parse, spell

ids = st.text(min_size=1, max_size=36)
payloads = st.dictionaries(st.text(max_size=9), st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20), max_size=4)
frames = st.one_of(
    st.builds(Call, ids, st.text(), payloads),
    st.builds(Send, ids, st.text(), payloads),
    st.builds(Result, ids, payloads),
    st.builds(Error, ids, st.text(), st.text(max_size=255), payloads, st.booleans()),
)


@given(frames)
def test_what_is_spelled_is_read_as_it_was(frame: Frame) -> None:
    assert parse(spell(frame), V21) == frame


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner)).map(repr))
def test_nothing_that_is_received_raises(text: str) -> None:
    for dialect in DIALECTS.values():
        parse(text, dialect)


BROKEN = [
    ("", 0, "-1", "RpcFrameworkError"),
    ("hello", 0, "-1", "RpcFrameworkError"),
    ("{}", 0, "-1", "RpcFrameworkError"),
    ("[]", 0, "-1", "RpcFrameworkError"),
    ("[2]", 0, "-1", "RpcFrameworkError"),
    ('[2,null,"Heartbeat",{}]', 2, "-1", "RpcFrameworkError"),
    ('[2,"","Heartbeat",{}]', 2, "-1", "RpcFrameworkError"),
    (f'[2,"{"x" * 37}","Heartbeat",{{}}]', 2, "-1", "RpcFrameworkError"),
    ('[2,"7"]', 2, "7", "FormatViolation"),
    ('[2,"7",{}]', 2, "7", "FormatViolation"),
    ('[2,"7","Heartbeat"]', 2, "7", "FormatViolation"),
    ('[2,"7","Heartbeat",[]]', 2, "7", "FormatViolation"),
    ('[3,"7"]', 3, "7", "FormatViolation"),
    ('[4,"7",8]', 4, "7", "FormatViolation"),
    ('[9,"7","Heartbeat",{}]', 0, "7", "MessageTypeNotSupported"),
    ('["2","7","Heartbeat",{}]', 0, "7", "MessageTypeNotSupported"),
    ("[" * 100_000, 0, "-1", "RpcFrameworkError"),
    (f'[2,"7","Heartbeat",{{"a":{"[" * 80}{"]" * 80}}}]', 0, "-1", "RpcFrameworkError"),
    ('[2,"7","MeterValues",{"value":1e999999}]', 0, "-1", "RpcFrameworkError"),
]


@pytest.mark.parametrize(("text", "kind", "id", "code"), BROKEN, ids=[row[0][:24] for row in BROKEN])
def test_what_is_no_frame_says_whom_to_tell_what(text: str, kind: int, id: str, code: str) -> None:
    broken = parse(text, V201)
    assert isinstance(broken, Broken)
    assert (broken.kind, broken.id, broken.code) == (kind, id, code)


def test_send_and_its_kin_exist_since_2_1() -> None:
    text = '[6,"7","NotifyPeriodicEventStream",{}]'
    assert parse(text, V21) == Send("7", "NotifyPeriodicEventStream", {})
    assert isinstance(parse(text, V201), Broken)


def test_numbers_keep_their_decimals() -> None:
    frame = parse('[3,"7",{"limit":6.10}]', V16)
    assert isinstance(frame, Result)
    assert frame.payload["limit"] == Decimal("6.10")
    assert spell(frame) == '[3,"7",{"limit":6.10}]'


def test_the_error_codes_of_1_6_have_its_spelling() -> None:
    assert V16.code("OccurrenceConstraintViolation") == "OccurenceConstraintViolation"
    assert V16.code("FormatViolation") == "FormationViolation"
    assert V201.code("FormatViolation") == "FormatViolation"


def test_a_glimpse_sees_what_is_surely_a_call() -> None:
    for text in (spell(Call("7", "MeterValues", {"a": [1]})), ' [ 2 , "7" , "MeterValues" , { "a" : [ 1 ] } ] '):
        seen = glimpse(text)
        assert seen is not None and seen[:2] == ("7", "MeterValues")
    for frame in (Send("7", "NotifyPeriodicEventStream", {}), Result("7", {}), Error("7", "InternalError")):
        assert glimpse(spell(frame)) is None
    assert glimpse('[2,"7","MeterValues",{"a":"\ud800"}]') is None


@pytest.mark.parametrize("text", [row[0] for row in BROKEN], ids=[row[0][:24] for row in BROKEN])
def test_a_glimpse_is_not_taken_in_by_what_is_no_call(text: str) -> None:
    """Only what stands deep in a payload may be seen later."""
    assert glimpse(text) is None or text.startswith(('[2,"7","MeterValues",{"value":1e', '[2,"7","Heartbeat",{"a":[[[['))

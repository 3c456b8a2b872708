"""OCPP-J frames: what is one, what is none, and what the other end is told."""

import json
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
    ('[3,"7",{"limit":1e999999}]', 3, "7", "PropertyConstraintViolation"),
    ("[2" + "0" * 40 + ',"7","Heartbeat",{}]', 0, "7", "MessageTypeNotSupported"),
    ('[2,"7","Heartbeat",{"a":' + "1" * 40 + "]", 0, "-1", "RpcFrameworkError"),
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


FLOAT = "0.1000000000000000055511151231257827021181583404541015625"
"""All that the float 0.1 holds, as some stations print it."""
NUMBERS = [
    (FLOAT, Decimal("0.1000000000000000055511151231"), False),
    ("-1.5e-400", 0, False),
    ("1e999999", None, True),
    ("1e" + "9" * 30, None, True),
    ("1e-" + "9" * 30, None, True),
    ("1" * 21, None, True),
    (str(2**64 - 1), 2**64 - 1, False),
    ("-" + "1" * 5000, None, True),
    ("1" * 31 + ".5", None, True),
    (f'"{FLOAT} \\" {"1" * 40}"', f'{FLOAT} " {"1" * 40}', False),
]


@pytest.mark.parametrize(("said", "read", "wrong"), NUMBERS, ids=[row[0][:24] for row in NUMBERS])
def test_a_number_that_nobody_computes_with_is_said_to_be_one(said: str, read: object, wrong: bool) -> None:
    frame = parse(f'[2,"7","MeterValues",{{"value":{said}, "more":{FLOAT}}}]', V201)
    assert isinstance(frame, Call)
    assert (frame.payload["value"], bool(frame.wrong)) == (read, wrong)


measured = st.integers(-(10**15), 10**15) | st.integers(-(10**9), 10**9).map(lambda thousandths: thousandths / 1000) | st.text()


@given(st.recursive(measured, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_a_long_number_beside_it_changes_nothing_else(value: object) -> None:
    text = json.dumps({"a": value})
    with_one, without = (parse(f'[2,"7","X",{text}{more}]', V201) for more in (f",{FLOAT}", ""))
    assert with_one == without


@pytest.mark.parametrize("text", ['"' + '\\"' * 200_000 + "1" * 20, '{"a":' * 1000 + '"' + "9" * 500_000])
def test_a_text_without_an_end_is_soon_known_to_be_none(text: str) -> None:
    assert isinstance(parse(text, V201), Broken)


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
    assert glimpse(text) is None or text.startswith('[2,"7","Heartbeat",{"a":[[[[')

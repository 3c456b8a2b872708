"""OCPP-J frames as values (OCPP-J 1.6 section 4.2, 2.x part 4 section 4.2). No socket, no clock.

`parse` raises nothing: what is no frame is a `Broken`, which says what to answer, and to whom. The spelling of the payload is
left as it was; numbers with a fraction are Decimals. One with more decimals than we compute with is cut, for some stations print all
that their float holds; one so large that nobody measures it is null, and the call says so.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from interplug.model.types import BadJson, BadNumber, decode_json, encode_json

from .dialects import Dialect

Payload = dict[str, Any]

CALL: Final = 2
RESULT: Final = 3
ERROR: Final = 4
RESULT_ERROR: Final = 5
SEND: Final = 6
NOBODY: Final = "-1"
"""The id of an answer to a message whose id could not be read."""
LONGEST_ID = 36


class Call(msgspec.Struct, frozen=True):
    id: str
    action: str
    payload: Payload
    wrong: str = ""
    """What is wrong with a number that is null in the payload; empty: there is none."""


class Send(msgspec.Struct, frozen=True):
    """2.1: said without waiting for an answer."""

    id: str
    action: str
    payload: Payload


class Result(msgspec.Struct, frozen=True, array_like=True, tag=RESULT):
    """Spelled as it stands here: by far the most of what a CSMS says."""

    id: str
    payload: Payload


class Error(msgspec.Struct, frozen=True):
    """The answer to a CALL; with `to_result`, 2.1's complaint about an answer (CALLRESULTERROR)."""

    id: str
    code: str
    description: str = ""
    details: Payload = {}
    to_result: bool = False


class Broken(msgspec.Struct, frozen=True):
    """`kind` is that of the message as far as it could be read, else 0; `code` is named as 2.x does."""

    kind: int
    id: str
    code: str
    description: str


Frame = Call | Send | Result | Error
KINDS = {CALL: "CALL", RESULT: "CALLRESULT", ERROR: "CALLERROR", RESULT_ERROR: "CALLRESULTERROR", SEND: "SEND"}


def parse(raw: str | bytes, dialect: Dialect) -> Frame | Broken:
    """What came over the socket. Never raises: what is no frame is `Broken`, with the error that OCPP has for it; a CALL with numbers that
    nobody can compute with says so in `wrong`."""
    try:
        value, wrong = _value(raw.encode() if isinstance(raw, str) else raw)
    except (BadJson, UnicodeEncodeError) as error:
        return Broken(0, NOBODY, "RpcFrameworkError", f"not JSON: {error}")
    frame = _frame(value, dialect)
    if not wrong or isinstance(frame, Broken):
        return frame
    if isinstance(frame, Call):
        return msgspec.structs.replace(frame, wrong=wrong)
    return Broken(value[0], frame.id, "PropertyConstraintViolation", wrong)


def _frame(value: object, dialect: Dialect) -> Frame | Broken:
    if not isinstance(value, list) or len(value) < 2:
        return Broken(0, NOBODY, "RpcFrameworkError", "a message is an array of a type, an id and what the type asks for")
    kind, identity, *rest = value
    known = isinstance(kind, int) and kind in KINDS and (kind < RESULT_ERROR or dialect.sends)
    if not isinstance(identity, str) or not 0 < len(identity) <= LONGEST_ID:
        return Broken(kind if known else 0, NOBODY, "RpcFrameworkError", f"the id is a string of 1 to {LONGEST_ID} characters")
    if not known:
        return Broken(0, identity, "MessageTypeNotSupported", f"no such message type: {kind!r:.40}")
    return _call(kind, identity, rest) if kind in (CALL, SEND) else _answer(kind, identity, rest)


def _value(text: bytes) -> tuple[Any, str]:
    """What the text says, and what is wrong with a number in it."""
    if text.translate(_DIGITS_TO_ZERO).find(_LONG_RUN) < 0:
        try:
            return decode_json(text), ""
        except BadNumber:
            pass  # it has an exponent
    wrong: list[str] = []

    def bounded(match: re.Match[bytes]) -> bytes:
        found = match[0] if match[0].startswith(b'"') else _bounded(match[0])
        if found == b"null":
            wrong.append(f"a number is too large: {match[0][:40].decode()}")
        return found

    return decode_json(_TOKEN.sub(bounded, text)), next(iter(wrong), "")


def _bounded(number: bytes) -> bytes:
    try:
        value = +Decimal(number.decode())  # no longer than what we compute with
    except ArithmeticError:
        return b"null"
    if not value or value.adjusted() < -LARGEST:
        return b"0"
    if value.adjusted() >= LARGEST:
        return b"null"
    return number if number.lstrip(b"-").isdigit() else f"{value:e}".encode()


LARGEST = 20
"""Digits before the point; a register of 64 bits has no more."""
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
_LONG_RUN = b"0" * (LARGEST + 1)
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?', re.DOTALL)
"""A text, or a number. One that has no end goes as far as there is something, for else each mark in it would be tried as its beginning."""


def glimpse(raw: str) -> tuple[str, str, bytes] | None:
    """Id, action and payload of what is surely a CALL and is JSON all through; the payload is an object that nobody has looked into,
    which costs a tenth of what `parse` does, and may hold numbers or depths that `parse` refuses. None: it has to be parsed."""
    try:
        _kind, identity, action, payload = _glimpse(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return None
    text = bytes(payload)
    return (identity, action, text) if 0 < len(identity) <= LONGEST_ID and text.lstrip().startswith(b"{") else None


_glimpse = msgspec.json.Decoder(tuple[Literal[2], str, str, msgspec.Raw]).decode


def _call(kind: int, id: str, rest: list[Any]) -> Call | Send | Broken:
    if not rest or not isinstance(rest[0], str):
        return Broken(kind, id, "FormatViolation", "the third element is the name of the action")
    if len(rest) < 2 or not isinstance(rest[1], dict):
        return Broken(kind, id, "FormatViolation", "the fourth element is the payload, an object")
    return Call(id, rest[0], rest[1]) if kind == CALL else Send(id, rest[0], rest[1])


def _answer(kind: int, id: str, rest: list[Any]) -> Result | Error | Broken:
    if kind == RESULT:
        if rest and isinstance(rest[0], dict):
            return Result(id, rest[0])
        return Broken(kind, id, "FormatViolation", "the third element is the payload, an object")
    if not rest or not isinstance(rest[0], str):
        return Broken(kind, id, "FormatViolation", "the third element is the code of the error")
    description = rest[1] if len(rest) > 1 and isinstance(rest[1], str) else ""
    details = rest[2] if len(rest) > 2 and isinstance(rest[2], dict) else {}
    return Error(id, rest[0], description, details, to_result=kind == RESULT_ERROR)


def spell(frame: Frame) -> str:
    return encode_json(frame if isinstance(frame, Result) else _parts(frame)).decode()


def _parts(frame: Call | Send | Error) -> list[Any]:
    match frame:
        case Call():
            return [CALL, frame.id, frame.action, frame.payload]
        case Send():
            return [SEND, frame.id, frame.action, frame.payload]
        case Error():
            return [RESULT_ERROR if frame.to_result else ERROR, frame.id, frame.code, frame.description[:255], frame.details]

"""Does this document say what its kind must say? One answer: nothing, or `Invalid` with the path and the reason.

Documents are checked against the Struct of their kind and then left as they are: nothing is converted, filled or dropped,
unknown fields pass (4.1.8), `null` in an optional field is the same as its absence. Beyond types, lengths and closed
enums only those rules make a document invalid which the text lets a receiver refuse. Characters are looked at last and
almost for free: a document that was encoded to plain ASCII without an escape cannot hold a wrong one, and only
the others are walked (17.4 CiString, 17.11 string).

This file does not know where a document came from, what it replaces or who may send it.
"""

import ast
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any, Literal, NamedTuple, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from .cdrs import CDR, ChargingPeriod
from .chargingprofiles import (
    ActiveChargingProfile,
    ActiveChargingProfileResult,
    ChargingProfile,
    ChargingProfileResponse,
    ChargingProfileResult,
    ClearProfileResult,
    SetChargingProfile,
)
from .commands import CancelReservation, CommandResponse, CommandResult, ReserveNow, StartSession, StopSession, UnlockConnector
from .credentials import Credentials
from .hubclientinfo import ClientInfo
from .locations import EVSE, Connector, Location
from .payments import FinancialAdviceConfirmation, Terminal
from .sessions import ChargingPreferences, Session
from .tariffs import Tariff
from .tokens import AuthorizationInfo, LocationReferences, Token
from .types import DEGREES, GRAMMAR, LOCAL_DATE, LOCAL_TIME, encode_json
from .versions import Version, VersionDetails

OBJECTS: dict[str, type[Struct]] = {
    "version": Version,
    "version_details": VersionDetails,
    "credentials": Credentials,
    "location": Location,
    "evse": EVSE,
    "connector": Connector,
    "tariff": Tariff,
    "session": Session,
    "charging_period": ChargingPeriod,
    "charging_preferences": ChargingPreferences,
    "cdr": CDR,
    "token": Token,
    "authorization_info": AuthorizationInfo,
    "location_references": LocationReferences,
    "start_session": StartSession,
    "stop_session": StopSession,
    "reserve_now": ReserveNow,
    "cancel_reservation": CancelReservation,
    "unlock_connector": UnlockConnector,
    "command_response": CommandResponse,
    "command_result": CommandResult,
    "active_charging_profile": ActiveChargingProfile,
    "active_charging_profile_result": ActiveChargingProfileResult,
    "charging_profile": ChargingProfile,
    "charging_profile_response": ChargingProfileResponse,
    "charging_profile_result": ChargingProfileResult,
    "clear_profile_result": ClearProfileResult,
    "set_charging_profile": SetChargingProfile,
    "client_info": ClientInfo,
    "terminal": Terminal,
    "financial_advice_confirmation": FinancialAdviceConfirmation,
}


class Invalid(ValueError):
    """The document breaks its kind at `path`, for `reason`."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def validate(kind: str, document: dict[str, Any], raw: bytes | None = None) -> None:
    """`raw` is what all texts of the document were read from, where it is known: if it is clean, so are they."""
    checked = _convert("$", document, OBJECTS[kind])
    if raw is None or not _clean(raw):
        _check_characters("$", checked)
    if isinstance(checked, CDR):
        _check_credit(checked)


def validate_patch(kind: str, patch: dict[str, Any], remove: object = None, raw: bytes | None = None) -> None:
    """Checks the keys that are there, each as in the whole object. `remove` is the caller's mark for "take this field away"."""
    _check_patch("$", kind, patch, remove, clean=raw is not None and _clean(raw))


def _check_patch(path: str, kind: str, patch: Any, remove: object, *, clean: bool) -> None:
    if not isinstance(patch, dict):
        raise Invalid(path, "expected an object")
    fields, said = _fields(OBJECTS[kind]), {}
    for name, value in patch.items():
        field = fields.get(name)
        if field is None:
            continue
        if value is None or value is remove:
            if field.required:
                raise Invalid(f"{path}.{name}", "is required and cannot be taken away")
        elif (kind, name) in _MERGED and isinstance(value, list):
            if not value and field.required:  # merged, it would seem to be accepted and change nothing
                raise Invalid(f"{path}.{name}", "needs at least one entry")
            for number, part in enumerate(value):
                _check_part(f"{path}.{name}[{number}]", part, *_MERGED[kind, name], remove, clean=clean)
        else:
            said[name] = value
    checked = _convert(path, said, _partial(OBJECTS[kind]))
    if not clean:
        _check_characters(path, checked)


def _check_part(path: str, part: Any, kind: str, key: str, remove: object, *, clean: bool) -> None:
    _check_patch(path, kind, part, remove, clean=clean)
    if part.get(key) is None:
        raise Invalid(f"{path}.{key}", "is required")


# Lists that a PATCH of their holder merges entry by entry, so that each entry is a patch again; the key says which entry is meant.
_MERGED = {("location", "evses"): ("evse", "uid"), ("evse", "connectors"): ("connector", "id")}


class _Field(NamedTuple):
    type: Any
    required: bool
    folds: bool  # holds CiStrings: printable ASCII alone


@cache
def _fields(struct: type[Struct]) -> dict[str, _Field]:
    return {field.name: _Field(field.type, field.required, _folds(field.type)) for field in msgspec.structs.fields(struct)}


@cache
def _partial(struct: type[Struct]) -> type[Struct]:
    """The same fields, none of which has to be there."""
    optional = [(name, field.type | None, None) for name, field in _fields(struct).items()]
    return msgspec.defstruct(struct.__name__, optional, omit_defaults=True, gc=False)


def _folds(annotation: Any) -> bool:
    metas = getattr(annotation, "__metadata__", ())
    if any(isinstance(meta, Meta) and (meta.extra or {}).get("ci") for meta in metas):
        return True
    return any(_folds(inner) for inner in get_args(annotation))


# --- Types, lengths, closed enums ---------------------------------------------------------------------------------------


def _convert(path: str, value: Any, wanted: Any) -> Any:
    try:
        # Decimal counts as built in, so that a number in a string is not taken for a number (17.7).
        return msgspec.convert(value, wanted, builtin_types=_BUILTIN)
    except msgspec.ValidationError as error:
        raise _readable(path, str(error)) from None


_BUILTIN = (Decimal,)
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_WORDS = (
    (re.compile(r"Expected `str(?: \| null)?` of length <= (\d+)"), r"is longer than \1 characters"),
    (re.compile(r"Expected `array(?: \| null)?` of length >= 1"), "needs at least one entry"),
    (re.compile(r"Expected `int(?: \| null)?` ([<>]=) (\d+)"), r"must be \1 \2"),
    (re.compile(r"Invalid enum value (.*)", re.DOTALL), r"\1 is not one of the values of this field"),
    (re.compile(r"Invalid RFC3339 encoded datetime"), "is not a time of RFC 3339"),
)
_FORM = re.compile(r"Expected `str(?: \| null)?` matching regex (.*)")
_FORMS = {DEGREES: "is not a number of degrees", LOCAL_TIME: "is not a time HH:MM", LOCAL_DATE: "is not a date YYYY-MM-DD"}
_EXPECTED = re.compile(r"Expected `(.*)`, got `(.*)`")
_NAMES = {"str": "a string", "bool": "true or false", "int": "a whole number", "int | decimal": "a number", "datetime": "a time",
          "array": "a list", "object": "an object", "null": "null", "decimal": "a number with decimals"}  # fmt: skip


def _readable(path: str, message: str) -> Invalid:
    reason, _, place = message.rpartition(" - at `")
    path = path + place.rstrip("`").removeprefix("$") if reason else path
    reason = reason or message
    if missing := _MISSING.fullmatch(reason):
        return Invalid(f"{path}.{missing[1]}", "is required")
    if expected := _EXPECTED.fullmatch(reason):
        wanted, got = (name.removesuffix(" | null") for name in expected.groups())
        if got == "null" and not path.endswith("]"):
            return Invalid(path, "is required")
        return Invalid(path, f"expected {_NAMES.get(wanted, wanted)}, got {_NAMES.get(got, got)}")
    if form := _FORM.fullmatch(reason):
        return Invalid(path, _FORMS[ast.literal_eval(form[1])])
    for pattern, words in _WORDS:
        if match := pattern.fullmatch(reason):
            return Invalid(path, match.expand(words))
    return Invalid(path, reason)


# --- Characters ---------------------------------------------------------------------------------------------------------

_CI_STRING, _STRING = GRAMMAR["CiString"], GRAMMAR["string"]


def _check_characters(path: str, checked: Any, *, folds: bool = False) -> None:
    if _surely_clean(checked):
        return
    for place, text, ascii_only in _texts(path, checked, folds):
        if ascii_only and not _CI_STRING.fullmatch(text):
            raise Invalid(place, "holds a character that is not printable ASCII")
        if not _STRING.fullmatch(text):
            raise Invalid(place, "holds a line break or another control character")


def _clean(raw: bytes) -> bool:
    """JSON in which no string can hold a wrong character: those below a blank would have to be escaped."""
    return raw.isascii() and b"\\" not in raw and b"\x7f" not in raw


def _surely_clean(checked: Any) -> bool:
    try:
        spelled = encode_json(checked)
    except UnicodeEncodeError:
        return False
    if _clean(spelled):
        return True
    if not isinstance(checked, Struct):
        return False
    # An umlaut in an address or a quote in a name: all CiStrings at once, then all other texts at once.
    ids: list[str] = []
    texts: list[str] = []
    _collect(checked, ids, texts)
    folded, free = "".join(ids), "".join(texts)
    # What Python calls printable is a part of what OCPI calls so, and is seen faster.
    return folded.isascii() and folded.isprintable() and (free.isprintable() or _STRING.fullmatch(free) is not None)


def _collect(holder: Struct, ids: list[str], texts: list[str]) -> None:
    for name, folds in _text_fields(type(holder)):
        value = getattr(holder, name)
        if value is None:
            continue
        if type(value) is str:
            (ids if folds else texts).append(value)
        elif type(value) is not list:
            _collect(value, ids, texts)
        elif value and type(value[0]) is str:
            (ids if folds else texts).extend(value)
        else:
            for item in value:
                _collect(item, ids, texts)


@cache
def _text_fields(struct: type[Struct]) -> tuple[tuple[str, bool], ...]:
    return tuple((name, field.folds) for name, field in _fields(struct).items() if _holds_text(field.type))


def _holds_text(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, str | Struct):
        return True
    return get_origin(annotation) is not Literal and any(map(_holds_text, get_args(annotation)))


def _texts(path: str, value: Any, folds: bool) -> Iterator[tuple[str, str, bool]]:
    if isinstance(value, str):
        yield path, value, folds
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(f"{path}[{number}]", item, folds)
    elif isinstance(value, Struct):
        for name, field in _fields(type(value)).items():
            yield from _texts(f"{path}.{name}", getattr(value, name), field.folds)


# --- Rules between fields -----------------------------------------------------------------------------------------------


def _check_credit(cdr: CDR) -> None:
    if cdr.credit and cdr.credit_reference_id is None:
        raise Invalid("$.credit_reference_id", "is required in a credit CDR")

"""The small words of OCPI: JSON, times, comparison of ids, and the types that every module shares.

Documents are plain dicts. They come in through `decode_json`, which turns numbers with a fraction into `Decimal` and
refuses, as `BadJson`, whatever would hurt later arithmetic or recursion: deep nesting, numbers with many digits or a
far exponent. Nothing else may escape from it.

The Structs here and in the files beside it are the newest OCPI. They check a document, they do not carry it: the
document is what is stored. So they are as liberal as the text allows (unknown fields pass, `null` is the same as
absent, OpenEnums are strings, any RFC 3339 time is read), while the narrower forms that we ourselves must send stand
in `GRAMMAR`.

This file knows no module, no version but the newest, and no clock.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

# --- JSON ---------------------------------------------------------------------------------------------------------------------------------

MAX_DEPTH = 64
MAX_DIGITS = 30
MAX_EXPONENT = 30


class BadJson(ValueError):
    """The bytes are not JSON that we are willing to compute with."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadNumber(BadJson):
    """A number with more digits, or of another magnitude, than anything measured or paid."""


def decode_json(raw: bytes) -> Any:
    """Numbers are int or Decimal, never float. Raises BadJson, and BadNumber for one that nobody measures or pays."""
    try:
        value = _DECODER.decode(raw)
    except RecursionError:
        raise BadJson(f"nested deeper than {MAX_DEPTH} levels") from None
    except UnicodeDecodeError:
        raise BadJson("not valid UTF-8") from None
    except (msgspec.DecodeError, ValueError) as error:
        kind = BadNumber if isinstance(error.__cause__, BadNumber) else BadJson
        raise kind(str(error)) from None
    if not _surely_shallow(raw):
        _refuse_deep(value)
    if raw.translate(_DIGITS_TO_ZERO).find(_LONG_RUN) >= 0:  # in a number, or in a text
        _refuse_long_integers(value)
    return value


def encode_json(value: Any) -> bytes:
    return _ENCODER.encode(value)


def _number(text: str) -> Decimal:
    # Without an exponent and this short, a number cannot be out of bounds; nearly all take this way.
    if len(text) <= MAX_DIGITS and "e" not in text and "E" not in text:
        return Decimal(text)
    mantissa, _, exponent = text.lower().partition("e")
    if sum(map(str.isdigit, mantissa)) > MAX_DIGITS:
        raise BadNumber(f"a number has more than {MAX_DIGITS} digits")
    if exponent and (len(exponent) > 6 or abs(int(exponent)) > MAX_EXPONENT):
        raise BadNumber(f"a number has an exponent beyond {MAX_EXPONENT}")
    return Decimal(text)


def _surely_shallow(raw: bytes) -> bool:
    """Counts levels on the brackets alone, several times as fast as a walk. False also where a string holds a bracket.

    What has few brackets is not nested deep. Otherwise every string without a bracket leaves two neighbouring quotes; one with a bracket
    leaves an odd one, and then nothing is proved.
    """
    if len(raw.translate(None, _NO_OPENING)) <= MAX_DEPTH:
        return True
    if b"\\" in raw:
        raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = raw.translate(_ONE_PAIR, _NO_STRUCTURE).replace(b'""', b"")
    if b'"' in brackets:
        return False
    for _ in range(MAX_DEPTH):
        if not brackets:
            break
        brackets = brackets.replace(b"{}", b"")
    return not brackets


def _refuse_deep(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [item for holder in level for item in _items(holder) if isinstance(item, dict | list)]
    if level:
        raise BadJson(f"nested deeper than {MAX_DEPTH} levels")


def _refuse_long_integers(value: Any) -> None:
    level = [value]
    while level:
        if any(type(item) is int and abs(item) >= 10**MAX_DIGITS for item in level):
            raise BadNumber(f"a number has more than {MAX_DIGITS} digits")
        level = [item for holder in level for item in _items(holder)]


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


_DECODER = msgspec.json.Decoder(float_hook=_number)


def _plain(value: object) -> object:
    if isinstance(value, str):  # one that knows its parts (`said.py`)
        return str(value)
    raise NotImplementedError


_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=_plain)
_NO_OPENING = bytes(set(range(256)) - set(b"{["))
_ONE_PAIR = bytes.maketrans(b"[]", b"{}")
_NO_STRUCTURE = bytes(set(range(256)) - set(b'{}[]"'))
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
_LONG_RUN = b"0" * (MAX_DIGITS + 1)

# --- Times (17.5 DateTime) ----------------------------------------------------------------------------------------------------------------

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


@lru_cache(maxsize=4096)
def parse_time(text: str) -> int:
    """Microseconds UTC. Reads more than OCPI allows: any offset, any number of decimals; no designator means UTC."""
    if len(text) < 19 or text[4] + text[7] + text[13] + text[16] != "--::":
        raise ValueError(f"not an RFC 3339 time: {text!r:.60}")
    moment = datetime.fromisoformat(text.upper())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _within_calendar((moment - _EPOCH) // _MICROSECOND)


def format_time(us: int, *, whole_seconds: bool = False) -> str:
    """At most 24 characters: milliseconds only where they are not zero, rounded down, never an offset."""
    seconds, rest = divmod(_within_calendar(us), 1_000_000)
    spelled = (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]
    milliseconds = 0 if whole_seconds else rest // 1000
    return f"{spelled}.{milliseconds:03}Z" if milliseconds else f"{spelled}Z"


def _within_calendar(us: int) -> int:
    # An offset or an addition can carry the first and the last day of the calendar out of it; the edge can still be spelled.
    return min(max(us, _FIRST), _LAST)


# --- Strings ------------------------------------------------------------------------------------------------------------------------------


def fold(text: str) -> str:
    """The form in which CiStrings are compared. Only ASCII letters fold: U+212A must not become the `k` of somebody else's id."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}

# CiString(n): printable ASCII, compared through `fold`. `ci` is read by validate.py, which refuses other characters.
_CI: dict[str, Any] = {"ci": True}
CiString = Annotated[str, Meta(extra=_CI)]
CiString2 = Annotated[str, Meta(max_length=2, extra=_CI)]
CiString3 = Annotated[str, Meta(max_length=3, extra=_CI)]
CiString4 = Annotated[str, Meta(max_length=4, extra=_CI)]
CiString5 = Annotated[str, Meta(max_length=5, extra=_CI)]
CiString10 = Annotated[str, Meta(max_length=10, extra=_CI)]
CiString25 = Annotated[str, Meta(max_length=25, extra=_CI)]
CiString32 = Annotated[str, Meta(max_length=32, extra=_CI)]
CiString36 = Annotated[str, Meta(max_length=36, extra=_CI)]
CiString39 = Annotated[str, Meta(max_length=39, extra=_CI)]
CiString48 = Annotated[str, Meta(max_length=48, extra=_CI)]
CiString255 = Annotated[str, Meta(max_length=255, extra=_CI)]

# string(n): printable UTF-8, compared as it is.
String = str
String2 = Annotated[str, Meta(max_length=2)]
String3 = Annotated[str, Meta(max_length=3)]
String4 = Annotated[str, Meta(max_length=4)]
String10 = Annotated[str, Meta(max_length=10)]
String12 = Annotated[str, Meta(max_length=12)]
String16 = Annotated[str, Meta(max_length=16)]
String20 = Annotated[str, Meta(max_length=20)]
String45 = Annotated[str, Meta(max_length=45)]
String50 = Annotated[str, Meta(max_length=50)]
String64 = Annotated[str, Meta(max_length=64)]
String100 = Annotated[str, Meta(max_length=100)]
String255 = Annotated[str, Meta(max_length=255)]
String512 = Annotated[str, Meta(max_length=512)]
String5000 = Annotated[str, Meta(max_length=5000)]
URL = Annotated[str, Meta(max_length=255, extra={"url": True})]

DateTime = datetime
LOCAL_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
LOCAL_DATE = r"^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
LocalTime = Annotated[str, Meta(max_length=5, pattern=LOCAL_TIME)]
LocalDate = Annotated[str, Meta(max_length=10, pattern=LOCAL_DATE)]

# 8.4.16 wants five to seven decimals in 10 and 11 characters, which together cannot say -10.1234567. Partners send
# everything from two decimals to sixteen, so here it only has to be a number; `GRAMMAR` is what we send.
DEGREES = r"^[+-]?[0-9]{1,3}([.][0-9]{1,20})?$"
Latitude = Annotated[str, Meta(pattern=DEGREES, extra={"spec_length": 10})]
Longitude = Annotated[str, Meta(pattern=DEGREES, extra={"spec_length": 11})]

# OCPI sets no bound; this one keeps seconds, volts and watts within what can be added to a time or stored in a column.
Int = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]

# A JSON number without a fraction arrives as int, one with a fraction as Decimal; a string is neither (17.7).
Number = int | Decimal

# What we send ourselves, where it is narrower than what we read (17.5, 8.4.16).
GRAMMAR: dict[str, re.Pattern[str]] = {
    "DateTime": re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,5})?Z?", re.ASCII),
    "latitude": re.compile(r"-?[0-9]{1,2}\.[0-9]{5,7}"),
    "longitude": re.compile(r"-?[0-9]{1,3}\.[0-9]{5,7}"),
    "CiString": re.compile(r"[\x20-\x7e]*"),
    "string": re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]*"),
}

# --- Shared classes -----------------------------------------------------------------------------------------------------------------------

Role = Literal["CPO", "EMSP", "NAP", "NSP", "OTHER", "PTP", "SCSP"]

ImageCategory = Annotated[str, Meta(extra={"open_enum": "ImageCategory"})]
KNOWN_IMAGE_CATEGORIES = ("CHARGER", "ENTRANCE", "LOCATION", "NETWORK", "OPERATOR", "OTHER", "OWNER")


class DisplayText(Struct, kw_only=True, omit_defaults=True, gc=False):
    language: String2
    text: String512


class Image(Struct, kw_only=True, omit_defaults=True, gc=False):
    url: URL
    thumbnail: URL | None = None
    category: ImageCategory
    type: CiString4
    width: Int | None = None
    height: Int | None = None


class BusinessDetails(Struct, kw_only=True, omit_defaults=True, gc=False):
    name: String100
    website: URL | None = None
    logo: Image | None = None


class TaxAmount(Struct, kw_only=True, omit_defaults=True, gc=False):
    name: String
    account_number: String | None = None
    percentage: Number | None = None
    amount: Number


class Price(Struct, kw_only=True, omit_defaults=True, gc=False):
    before_taxes: Number
    taxes: list[TaxAmount] | None = None


class PriceLimit(Struct, kw_only=True, omit_defaults=True, gc=False):
    before_taxes: Number
    after_taxes: Number | None = None

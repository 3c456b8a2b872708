"""Reading numbers, times and lists from documents that somebody else wrote.

Everything is read that has one meaning only (a number in a string, a time without its Z), with a note. What has no meaning is a
`TariffError` with its path, never another exception. Magnitudes are limited, and the limits are part of the interface: a number stays
below 10^12 and keeps 20 decimals; more decimals than that can only be the noise of binary fractions and are cut with a note.
"""

import re
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

from interplug.model.types import parse_time
from interplug.tariffs.problems import Note, Problem, TariffError

LIMIT = Decimal(10) ** 12
_FINEST = Decimal("1e-20")
_STRICT = Context(prec=60, traps=[Inexact, InvalidOperation])
_LOOSE = Context(prec=60, traps=[InvalidOperation])
ZERO = Decimal(0)
_ONE_DIGIT = re.compile(r"(?<=-)([0-9])(?=[-T ])")
_NO_SECONDS = re.compile(r"([T ][0-9]{2}:[0-9]{2})([Z+-]|$)", re.IGNORECASE)


def number(value: Any, path: str, note: Note) -> Decimal | None:
    """A number, however a document spells it; None: there is none. A text counts, with a note. Raises TariffError with the path."""
    if value is None:
        return None
    if type(value) is Decimal:
        found = value
    elif type(value) is int:
        found = _from_text(str(value) if abs(value) < 10**30 else "1e30", path)
    elif type(value) is float:
        found = _from_text(repr(value), path)
    elif isinstance(value, str):
        found = _from_text(value.strip(), path)
        note(Problem("number_as_string", path, "note"))
    else:
        raise TariffError("invalid_field", f"{path} is not a number", path)
    if found.is_finite() and -LIMIT < found < LIMIT:
        return _limited(found, path, note)
    raise TariffError("out_of_range", f"{path}: numbers must be below 10^12", path)


def _from_text(text: str, path: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise TariffError("invalid_field", f"{path} is not a number", path) from None


def _limited(found: Decimal, path: str, note: Note) -> Decimal:
    try:
        found.quantize(_FINEST, context=_STRICT)
    except Inexact:
        note(Problem("precision_reduced", path, "note"))
        return found.quantize(_FINEST, context=_LOOSE)
    return found or ZERO


def time(value: Any, path: str, note: Note) -> int | None:
    """Microseconds UTC; a time that names no zone means UTC (2.1.1 examples leave the Z out)."""
    if value is None:
        return None
    try:
        found = parse_time(value)
    except (ValueError, TypeError):
        return _respelled(value, path, note)
    if value[-1] not in "Zz":
        note(Problem("timestamp_spelling", path, "note"))
    return found


def _respelled(value: Any, path: str, note: Note) -> int:
    """Days of one digit (OCPI itself writes 1970-1-1) and times without seconds have one meaning only."""
    try:
        found = parse_time(_NO_SECONDS.sub(r"\1:00\2", _ONE_DIGIT.sub(r"0\1", value)))
    except (ValueError, TypeError):
        raise TariffError("invalid_field", f"{path} is not a time", path) from None
    note(Problem("timestamp_spelling", path, "note"))
    return found


def text(value: Any, path: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TariffError("invalid_field", f"{path} is not a string", path)


def record(value: Any, path: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise TariffError("invalid_field", f"{path} is not an object", path)


def records(value: Any, path: str) -> list[dict[str, Any]]:
    """A list of objects; absent and null are the empty list."""
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise TariffError("invalid_field", f"{path} is not a list", path)
    return [record(item, f"{path}/{index}") for index, item in enumerate(value)]

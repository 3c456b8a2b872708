"""CDRs from a CSV export: a row for each CDR, or one for each of its charging periods where those rows stand together.

Fields are parted by comma, semicolon or tab; the text is UTF-8, or UTF-16 where it says so. A cell may hold JSON (`charging_periods`).
Read is what has one meaning only: where fields are parted by another sign, a comma in a number is its decimal point; where they are parted
by commas, `1,234` stays text, which makes that CDR not checkable rather than wrong. A row that is no row costs that row.

An export without charging periods is read as one of charging and one of parking, made from the totals: less than a CDR says, so
that a price that changes within them makes it unverifiable, not wrong.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import IO, Any, NamedTuple

from interplug.model.types import BadJson, decode_json, format_time, parse_time
from interplug.sync.files import LARGEST, Unreadable

from . import headings

_HOUR = 3_600_000_000
_FOUR = Decimal("0.0001")
_PLAIN = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_COMMA = re.compile(r"-?\d+,\d+")
_GROUPED = re.compile(r"-?\d{1,3}(?:(?P<comma>(?:,\d{3})+\.\d+)|(?P<point>(?:\.\d{3})+,\d+))")
_CLOCK = re.compile(r"(\d+):([0-5]\d)(?::([0-5]\d))?")
_DATE = r"(?:(\d{4})-(\d\d)-(\d\d)|(\d\d?)[.-](\d\d?)[.-](\d{4}))"
_MOMENT = re.compile(_DATE + r"[T ]+(\d\d?:\d\d)(:\d\d(?:\.\d+)?)? ?(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE)
_LINES = 200
"""Most lines of one row."""
_LONG = 40
"""Most signs of a number."""

Document = dict[str, Any]


class Spelling(NamedTuple):
    """What an export does not say itself: the fields behind columns of its own names, and the currency of all its rows."""

    columns: Mapping[str, str] = {}
    currency: str | None = None


PLAIN = Spelling()


def rows(file: IO[bytes], spelling: Spelling = PLAIN) -> Iterator[Document]:
    """What is no row comes as `{"unreadable": reason}`."""
    csv.field_size_limit(LARGEST)
    encoding = "utf-16" if file.peek(2)[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"  # type: ignore[attr-defined]
    text = io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")
    try:
        yield from _joined(_documents(text, spelling))
    except csv.Error as error:
        raise Unreadable(str(error)) from None
    finally:
        # The file belongs to the caller.
        text.detach()


def _documents(text: io.TextIOWrapper, spelling: Spelling) -> Iterator[Document]:
    head = text.readline(LARGEST)
    named = re.fullmatch(r'"?sep=(.)"?', head.strip())  # as spreadsheets write it
    head = text.readline(LARGEST) if named else head
    delimiter = named[1] if named else max(",;\t", key=head.count)
    columns = next(csv.reader([head], delimiter=delimiter), [])
    names = headings.fields(columns, spelling.columns)
    always = {} if spelling.currency is None else {"currency": spelling.currency}
    if lacking := headings.missing([*names, *always]):
        raise Unreadable(f"it has no column for {', '.join(lacking)}; its columns are {', '.join(map(repr, columns))}")
    for cells in _records(text, delimiter, len(names)):
        if not isinstance(cells, list):
            yield {"unreadable": cells}
        elif any(cell.strip() for cell in cells):
            yield {**always, **_document(zip(names, cells, strict=False), delimiter)}


def _records(lines: Iterable[str], delimiter: str, width: int) -> Iterator[list[str] | str]:
    """The cells of each row, or why it is none. A quote that nobody closed takes its own line with it, and not those that follow."""
    following = _Lines(lines)
    while first := following.take():
        row = _Row(first, following)
        cells = next(csv.reader(row, delimiter=delimiter), [])
        if row.unfinished or (len(row.taken) > 1 and len(cells) != width):
            following.give_back(row.taken[1:])
            yield "a quote is not closed"
        elif any(cells[width:]):
            yield f"the row has {len(cells)} fields, the head {width}"
        else:
            yield cells


class _Lines:
    """The lines of a text, of which some may be given back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._following = iter(lines)
        self._back: deque[str] = deque()

    def take(self) -> str:
        return self._back.popleft() if self._back else next(self._following, "")

    def give_back(self, lines: list[str]) -> None:
        self._back.extendleft(reversed(lines))


class _Row:
    """One line, and as many more as a cell goes on for; `unfinished`: there are not so many."""

    def __init__(self, first: str, following: _Lines) -> None:
        self.taken = [first]
        self.unfinished = False
        self._following = following

    def __iter__(self) -> Iterator[str]:
        yield self.taken[0]
        while len(self.taken) < _LINES and (line := self._following.take()):
            self.taken.append(line)
            yield line
        self.unfinished = True


# --- one row ------------------------------------------------------------------------------------------------------------------------------


def _document(row: Iterable[tuple[str, str]], delimiter: str) -> Document:
    found: Document = {}
    for name, cell in row:
        value = _value(name, cell.strip(), decimal_comma=delimiter != ",")
        if value is None:
            continue
        *way, last = name.split(".")
        place = found
        for part in way:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                inner = place[part] = {}
            place = inner
        place[last] = value
    return {name: _listed(value) for name, value in found.items()}


def _listed(value: Any) -> Any:
    """What stands under numbers only is a list."""
    if not isinstance(value, dict):
        return value
    if value and all(name.isdecimal() for name in value):
        return [_listed(value[name]) for name in sorted(value, key=int)]
    return {name: _listed(inner) for name, inner in value.items()}


def _value(name: str, cell: str, *, decimal_comma: bool) -> Any:
    if cell[:1] in ("{", "["):
        try:
            return decode_json(cell.encode())
        except BadJson:
            return cell
    if name.endswith("date_time"):
        return _moment(cell)
    if name.endswith(("id", "type")):
        return cell or None
    if name.endswith("time") and (clock := _CLOCK.fullmatch(cell)):
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return (Decimal(hours * 3600 + minutes * 60 + seconds) / 3600).quantize(_FOUR)
    number = _number(cell, decimal_comma=decimal_comma)
    return Decimal(number) if number is not None else cell or None


def _number(cell: str, *, decimal_comma: bool) -> str | None:
    if len(cell) > _LONG:
        return None
    if _PLAIN.fullmatch(cell):
        return cell
    if (grouped := _GROUPED.fullmatch(cell)) is not None:
        return cell.replace(",", "") if grouped["comma"] else cell.replace(".", "").replace(",", ".")
    if _COMMA.fullmatch(cell) and (decimal_comma or len(cell.rpartition(",")[2]) != 3):
        return cell.replace(",", ".")
    return None


def _moment(cell: str) -> str | None:
    """As RFC 3339, where day and month cannot be taken for each other; a time that names no zone stays one that names none."""
    found = _MOMENT.fullmatch(cell)
    if found is None:
        return cell or None
    year, month, day, other_day, other_month, other_year, minute, second, zone = found.groups()
    date = f"{year or other_year}-{(month or other_month).zfill(2)}-{(day or other_day).zfill(2)}"
    return f"{date}T{minute.zfill(5)}{second or ':00'}{zone or ''}"


# --- charging periods ---------------------------------------------------------------------------------------------------------------------


def _joined(documents: Iterable[Document]) -> Iterator[Document]:
    """Rows of one CDR that follow each other are its charging periods."""
    open_: Document | None = None
    for document in documents:
        period = document.get("charging_periods")
        if open_ is not None and isinstance(period, dict) and _same(open_, document):
            _add(open_["charging_periods"], _period(period))
            continue
        if open_ is not None:
            yield open_
        open_ = None
        if isinstance(period, dict):
            open_ = {**document, "charging_periods": [_period(period)]}
        else:
            yield document if "unreadable" in document else _with_periods(document)
    if open_ is not None:
        yield open_


def _same(one: Document, other: Document) -> bool:
    return one.get("id") is not None and all(one.get(name) == other.get(name) for name in ("id", "country_code", "party_id"))


def _period(cells: Document) -> Document:
    """A column for each dimension, or one for its name and one for its volume."""
    named = cells.get("dimensions")
    rest: Document = {name: cells[name] for name in ("start_date_time", "tariff_id") if name in cells}
    columns = [{"type": name.upper(), "volume": volume} for name, volume in cells.items() if name not in (*rest, "dimensions")]
    return {**rest, "dimensions": [*columns, *([named] if isinstance(named, dict) else named or [])]}


def _add(periods: list[Document], period: Document) -> None:
    if periods[-1].get("start_date_time") == period.get("start_date_time"):
        periods[-1]["dimensions"] += period["dimensions"]
    else:
        periods.append(period)


def _with_periods(cdr: Document) -> Document:
    tariff = cdr.pop("tariff_id", None)
    if cdr.get("charging_periods"):
        return cdr
    try:
        start, end = parse_time(cdr["start_date_time"]), parse_time(cdr.get("end_date_time") or cdr["stop_date_time"])
        parked = Decimal(cdr.get("total_parking_time", 0))
        charged = Decimal(cdr.get("total_time", (Decimal(end - start) / _HOUR).quantize(_FOUR))) - parked
    except (LookupError, ValueError, TypeError, ArithmeticError):
        return cdr
    # A total that is not there is not zero: the empty text makes the CDR unreadable, and not wrong.
    charging = [{"type": "ENERGY", "volume": cdr.get("total_energy", "")}, {"type": "TIME", "volume": charged}]
    periods: list[Document] = [{"start_date_time": cdr["start_date_time"], "dimensions": charging}]
    if parked > 0:
        begun = format_time(max(start, end - int(parked * _HOUR)))
        periods.append({"start_date_time": begun, "dimensions": [{"type": "PARKING_TIME", "volume": parked}]})
    named = [{**period, "tariff_id": tariff} for period in periods] if tariff is not None else periods
    return {**cdr, "charging_periods": named}

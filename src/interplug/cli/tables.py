"""CDRs from a CSV export: a row each, columns named as the fields of OCPI.

A column may lead into an object (`total_cost.excl_vat`, `cdr_location/country`) and a cell may hold JSON (`charging_periods`). An export
without charging periods is read as one of charging and one of parking, made from the totals: less than a CDR says, so that a price that
changes within them makes it unverifiable, not wrong.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import IO, Any

from interplug.model.types import BadJson, decode_json, format_time, parse_time
from interplug.sync.files import LARGEST

_COMMA = re.compile(r"-?\d+,\d+")
_HOUR = 3_600_000_000
_FOUR = Decimal("0.0001")


def rows(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(LARGEST)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
    try:
        yield from _rows(text)
    finally:
        # The file belongs to the caller.
        text.detach()


def _rows(text: io.TextIOWrapper) -> Iterator[dict[str, Any]]:
    head = text.readline()
    delimiter = max(",;\t", key=head.count)
    names = [name.strip().lower().replace(" ", "_") for name in next(csv.reader([head], delimiter=delimiter), [])]
    for cells in csv.reader(text, delimiter=delimiter):
        if any(cells):
            yield _with_periods(_document(dict(zip(names, cells, strict=False)), delimiter))


def _document(row: Mapping[str, str], delimiter: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, cell in row.items():
        value = _value(cell.strip(), delimiter)
        if value is None:
            continue
        *way, last = re.split(r"[./]", name)
        place = found
        for part in way:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                inner = place[part] = {}
            place = inner
        place[last] = value
    return found


def _value(cell: str, delimiter: str) -> Any:
    """Where fields are parted by semicolons, a comma in a number is its decimal point."""
    if cell[:1] in ("{", "["):
        try:
            return decode_json(cell.encode())
        except BadJson:
            return cell
    if delimiter != "," and _COMMA.fullmatch(cell):
        cell = cell.replace(",", ".")
    try:
        return Decimal(cell) if re.fullmatch(r"-?\d+(\.\d+)?", cell) and not re.match(r"-?0\d", cell) else cell or None
    except InvalidOperation:
        return cell


def _with_periods(cdr: dict[str, Any]) -> dict[str, Any]:
    tariff = cdr.pop("tariff_id", None)
    if cdr.get("charging_periods"):
        return cdr
    try:
        start = parse_time(cdr["start_date_time"])
        end = parse_time(next(cdr[name] for name in ("end_date_time", "stop_date_time") if name in cdr))
        parked = Decimal(cdr.get("total_parking_time", 0))
        charged = Decimal(cdr.get("total_time", (Decimal(end - start) / _HOUR).quantize(_FOUR))) - parked
    except (LookupError, StopIteration, ValueError, TypeError, InvalidOperation):
        return cdr
    charging = [{"type": "ENERGY", "volume": cdr.get("total_energy", 0)}, {"type": "TIME", "volume": charged}]
    periods = [{"start_date_time": cdr["start_date_time"], "dimensions": charging}]
    if parked > 0:
        begun = format_time(max(start, end - int(parked * _HOUR)))
        periods.append({"start_date_time": begun, "dimensions": [{"type": "PARKING_TIME", "volume": parked}]})
    named = [{**period, "tariff_id": str(tariff)} if tariff is not None else period for period in periods]
    return {**cdr, "charging_periods": named}

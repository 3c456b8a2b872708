"""Does a document say only what its version of OCPI can say? `check` answers with a list of violations, empty if none.

It reads the tables and the cross-field rules, nothing else. Null counts as absent (OCPI 4.1.5: an absent value is
either), unknown fields are fine unless `strict_fields`, values outside an open enum are fine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.census.facts import Field, Table, table
from tests.census.rules import broken_rules

# Printable: no C0/C1 control character and none of the separators that break a line.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ASCII = re.compile(r"[ -~]*")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?", re.ASCII)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
MAX_TIME_LENGTH = 25
MAX_DECIMALS = 4


@dataclass(frozen=True)
class _Asked:
    """What is asked of the object at hand and of those inside it."""

    strict: bool
    rules: bool
    partial: bool


def check(
    version: str, name: str, document: object, *, strict_fields: bool = False, partial: bool = False, rules: bool = True
) -> list[str]:
    """Violations of `document` as object `name` of `version`, each `path: reason`.

    `partial` is for a PATCH: required fields of the outermost object may be missing, and rules between its fields are not asked.
    Without `rules` each field is looked at alone.
    """
    return list(_object(table(version), name, document, "$", _Asked(strict_fields, rules, partial)))


def _object(facts: Table, name: str, value: object, path: str, asked: _Asked) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {name} is not an object"
        return
    fields = facts.objects[name]
    for field in fields.values():
        yield from _field(facts, field, value.get(field.name), f"{path}.{field.name}", asked)
    if asked.strict:
        yield from (f"{path}.{key}: {name} of {facts.version} has no such field" for key in value if key not in fields)
    if asked.rules and not asked.partial:
        yield from (f"{path}{where}: {reason}" for where, reason in broken_rules(facts, name, value))


def _field(facts: Table, field: Field, value: object, path: str, asked: _Asked) -> Iterator[str]:
    inside = replace(asked, partial=False)
    if value is None:
        if field.required and not asked.partial:
            yield f"{path}: required"
    elif not field.many:
        yield from _value(facts, field, value, path, inside)
    elif not isinstance(value, list):
        yield f"{path}: not a list"
    elif field.card == "+" and not value:
        yield f"{path}: empty list"
    else:
        for index, item in enumerate(value):
            yield from _value(facts, field, item, f"{path}[{index}]", inside)


def _value(facts: Table, field: Field, value: object, path: str, asked: _Asked) -> Iterator[str]:
    if field.type in facts.objects:
        yield from _object(facts, field.type, value, path, asked)
        return
    if field.type in facts.enums:
        reasons = _enum(facts, field.type, value)
    else:
        reasons = _SCALAR[field.type](facts.version, field, value)
    yield from (f"{path}: {reason}" for reason in reasons)


def _enum(facts: Table, name: str, value: object) -> Iterator[str]:
    enum = facts.enums[name]
    if not isinstance(value, str):
        yield f"{name} is not a string"
    elif value not in enum.values and not enum.open:
        yield f"{value!r} is not a {name} of {facts.version}"
    elif _CONTROL.search(value) or not value:
        yield f"{value!r} is not printable"


def _text(version: str, field: Field, value: object, *, ascii_only: bool) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"not a {field.type}"
        return
    if field.length is not None and len(value) > field.length:
        yield f"{len(value)} characters, at most {field.length} allowed"
    if _CONTROL.search(value):
        yield "control character"
    elif ascii_only and not _ASCII.fullmatch(value):
        yield "not printable ASCII"
    if field.grammar is not None and not re.fullmatch(field.grammar, value):
        yield f"{value!r} does not follow {field.grammar}"


def _ci_string(version: str, field: Field, value: object) -> Iterator[str]:
    return _text(version, field, value, ascii_only=True)


def _string(version: str, field: Field, value: object) -> Iterator[str]:
    return _text(version, field, value, ascii_only=version == "2.1.1")


def _url(version: str, field: Field, value: object) -> Iterator[str]:
    yield from _string(version, field, value)
    if isinstance(value, str) and not _URL.fullmatch(value):
        yield f"{value!r} is not a URL"


def _date_time(version: str, field: Field, value: object) -> Iterator[str]:
    if not isinstance(value, str):
        yield "not a DateTime"
        return
    form = _TIME.fullmatch(value)
    if form is None or not _on_the_calendar(value[:19]):
        yield f"{value!r} is not a UTC time"
    elif form[1] and version == "2.1.1":
        # The change log of 2.2 says that fractions are allowed from then on.
        yield f"{value!r} has a fraction of a second"
    if len(value) > MAX_TIME_LENGTH:
        yield f"{len(value)} characters, at most {MAX_TIME_LENGTH} allowed"


def _on_the_calendar(text: str) -> bool:
    # A leap second is a UTC time that Python's calendar does not know.
    text = f"{text[:-2]}59" if text.endswith(":60") else text
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _number(version: str, field: Field, value: object) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        yield "not a number"
        return
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite():
        yield "not a finite number"
        return
    exponent = exact.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -MAX_DECIMALS:
        yield f"{value} has more than {MAX_DECIMALS} decimals"
    yield from _range(field, exact)


def _int(version: str, field: Field, value: object) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int):
        yield "not an int"
        return
    if field.length is not None and len(str(abs(value))) > field.length:
        yield f"{value} has more than {field.length} digits"
    yield from _range(field, value)


def _range(field: Field, value: int | Decimal) -> Iterator[str]:
    if (field.min is not None and value < field.min) or (field.max is not None and value > field.max):
        yield f"{value} is not within {field.min}..{field.max}"


def _boolean(version: str, field: Field, value: object) -> Iterator[str]:
    if not isinstance(value, bool):
        yield "not a boolean"


_SCALAR: dict[str, Any] = {
    "CiString": _ci_string,
    "string": _string,
    "URL": _url,
    "DateTime": _date_time,
    "number": _number,
    "int": _int,
    "boolean": _boolean,
}

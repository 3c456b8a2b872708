"""The model against the census: every object, field and enum of 2.3.0, and what a document may and may not be.

First by reading the Structs: name, type, length, cardinality, open or closed, values. Then by behaviour: random documents
are accepted, and a document with one thing wrong is refused exactly where the tables say so. Where the model is wider than
the text on purpose, `LIBERTIES` says why; an entry that is no longer needed fails.
"""

from __future__ import annotations

import datetime
import importlib
import pkgutil
import re
import types
from decimal import Decimal
from itertools import product
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import interplug.model
from interplug.model.types import GRAMMAR
from interplug.model.validate import OBJECTS, Invalid, validate, validate_patch
from tests.census.tables import KINDS, SCALARS, Field, check, strategy, table

NEWEST = table("2.3.0")
MODULES = [importlib.import_module(f"interplug.model.{module.name}") for module in pkgutil.iter_modules(interplug.model.__path__)]
STRUCTS = {
    name: value
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, msgspec.Struct) and value is not msgspec.Struct
}
EVERY_FIELD = [(name, field) for name, fields in NEWEST.objects.items() for field in fields.values()]
CLOSED = [name for name, enum in NEWEST.enums.items() if not enum.open]
OPEN = [name for name, enum in NEWEST.enums.items() if enum.open]

# Grammar and ranges that the model does not ask for: it reads partners, who are not that exact; what we send is held to them elsewhere.
LIBERTIES = {
    "latitude": "partners send from two to sixteen decimals; the strict form is GRAMMAR",
    "longitude": "partners send from two to sixteen decimals; the strict form is GRAMMAR",
    "language": "the text names ISO 639-1 and no form",
    "currency": "the text names ISO 4217 and no form",
    "country": "the text names ISO 3166 and no form",
    "country_code": "the text names ISO 3166 and no form",
    "token": "a token with other characters is the client's to refuse, in the answer to the handshake",
    "hub_party_id": "the text names its two parts and no form",
    "width": "an image of more than 99999 pixels harms nobody's Location",
    "height": "an image of more than 99999 pixels harms nobody's Location",
    "percentage": "a share beyond 0..100 harms nobody's Location",
}


# --- Reading a Struct as rows of a table ---


def _rows(struct: type) -> dict[str, Field]:
    return {field.encode_name: _row(field) for field in msgspec.structs.fields(struct)}


def _row(field: Any) -> Field:
    inner, metas, optional = _unwrap(field.type)
    if get_origin(inner) is list:
        card = "+" if any(meta.min_length == 1 for meta in metas) else "*"
        assert (card == "+") == field.required, f"{field.name}: a `+` list is required, a `*` list is not"
        inner, metas, _ = _unwrap(get_args(inner)[0])
    else:
        card = "1" if field.required else "?"
    assert optional == (card in "?*"), f"{field.name}: null is absent, so it is allowed exactly where the field may be absent"
    return Field(
        field.encode_name,
        _type(inner, metas),
        card,
        length=_length(metas),
        grammar=_pattern(metas),
        min=_meta(metas, "ge"),
        max=_meta(metas, "le"),
    )


def _unwrap(annotation: Any) -> tuple[Any, list[msgspec.Meta], bool]:
    """The bare type, what is annotated to it, and whether null may stand for it."""
    metas: list[msgspec.Meta] = []
    optional = False
    while True:
        if get_origin(annotation) is Annotated:
            metas += [meta for meta in annotation.__metadata__ if isinstance(meta, msgspec.Meta)]
            annotation = annotation.__origin__
        elif get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation):
            optional = True
            annotation = Union[tuple(arg for arg in get_args(annotation) if arg is not type(None))]  # noqa: UP007
        else:
            return annotation, metas, optional


def _type(inner: Any, metas: list[msgspec.Meta]) -> str:
    extra: dict[str, Any] = {key: value for meta in metas for key, value in (meta.extra or {}).items()}
    if "open_enum" in extra:
        return str(extra["open_enum"])
    if inner is str:
        return "CiString" if extra.get("ci") else "URL" if extra.get("url") else "string"
    if get_origin(inner) is Literal:
        return _enum_named(set(get_args(inner)))
    if get_origin(inner) in (Union, types.UnionType) and set(get_args(inner)) == {int, Decimal}:
        return "number"
    names: dict[Any, str] = {bool: "boolean", int: "int", datetime.datetime: "DateTime"}
    return names.get(inner) or str(inner.__name__)


def _enum_named(listed: set[str]) -> str:
    """An alias has no name at run time, but no two closed enums of OCPI list the same values."""
    return next(name for name in CLOSED if set(NEWEST.enums[name].values) == listed)


def _length(metas: list[msgspec.Meta]) -> int | None:
    spec = next((meta.extra["spec_length"] for meta in metas if meta.extra and "spec_length" in meta.extra), None)
    return spec or _meta(metas, "max_length")


def _pattern(metas: list[msgspec.Meta]) -> str | None:
    """Without the anchors, which a table does not need."""
    pattern = _meta(metas, "pattern")
    return None if pattern is None else str(pattern).removeprefix("^").removesuffix("$")


def _meta(metas: list[msgspec.Meta], name: str) -> Any:
    return next((getattr(meta, name) for meta in metas if getattr(meta, name) is not None), None)


# --- The Structs ---


def test_the_model_has_exactly_the_objects_of_the_text() -> None:
    assert STRUCTS.keys() == NEWEST.objects.keys()


@pytest.mark.parametrize("name", NEWEST.objects)
def test_an_object_has_exactly_its_fields_in_the_order_of_the_text(name: str) -> None:
    assert list(_rows(STRUCTS[name])) == list(NEWEST.objects[name])


@pytest.mark.parametrize(("name", "field"), EVERY_FIELD, ids=lambda part: part if isinstance(part, str) else part.name)
def test_a_field_is_as_in_the_text(name: str, field: Field) -> None:
    row = _rows(STRUCTS[name])[field.name]
    assert (row.type, row.card) == (field.type, field.card)
    assert field.type == "int" or row.length == field.length


def test_the_model_is_wider_than_the_text_only_where_it_says_why() -> None:
    wider = {field.name for name, field in EVERY_FIELD if _is_wider(_rows(STRUCTS[name])[field.name], field)}
    assert wider == LIBERTIES.keys()


def _is_wider(row: Field, field: Field) -> bool:
    digits = 10**field.length - 1 if field.type == "int" and field.length else None
    most = digits if field.max is None else field.max
    # The same in fewer characters: the text groups the year and spells a range of two.
    grammar = field.grammar and field.grammar.replace("[0-1]", "[01]").replace("([12][0-9]{3})", "[12][0-9]{3}")
    return row.grammar != grammar or (most is not None and row.max != most) or (field.min is not None and row.min != field.min)


def _alias(name: str) -> Any:
    return next(vars(module)[name] for module in MODULES if name in vars(module))


@pytest.mark.parametrize("name", CLOSED)
def test_a_closed_enum_lists_the_values_of_the_text(name: str) -> None:
    assert get_args(_alias(name)) == NEWEST.enums[name].values


@pytest.mark.parametrize("name", OPEN)
def test_an_open_enum_knows_the_values_of_the_text(name: str) -> None:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()
    plural = words[:-1] + "IES" if words.endswith("Y") else words + "S"
    assert _alias(f"KNOWN_{plural}") == NEWEST.enums[name].values
    assert _unwrap(_alias(name))[0] is str


def test_the_grammar_of_what_we_send_is_that_of_the_text() -> None:
    rows = NEWEST.objects["GeoLocation"]
    assert (GRAMMAR["latitude"].pattern, GRAMMAR["longitude"].pattern) == (rows["latitude"].grammar, rows["longitude"].grammar)


@pytest.mark.parametrize("field", ["start_time", "end_time"])
def test_the_clock_of_tariffs_is_that_of_the_text(field: str) -> None:
    clocks = [f"{hour:02}:{minute:02}" for hour, minute in product(range(30), range(70))] + ["8:00", "24:00", "0800", "08:00:00"]
    assert all(_accepted("tariff", _restricted(field, clock)) == _follows(field, clock) for clock in clocks)


@pytest.mark.parametrize("field", ["start_date", "end_date"])
def test_the_calendar_of_tariffs_is_that_of_the_text(field: str) -> None:
    dates = [f"{year}-{month:02}-{day:02}" for year, month, day in product((999, 1000, 2024, 3000), range(20), range(40))]
    assert all(_accepted("tariff", _restricted(field, date)) == _follows(field, date) for date in dates)


def _follows(field: str, value: str) -> bool:
    grammar = NEWEST.objects["TariffRestrictions"][field].grammar
    return grammar is not None and re.fullmatch(grammar, value) is not None


def _restricted(field: str, value: str) -> dict[str, Any]:
    element = {"price_components": [{"type": "FLAT", "price": 1, "step_size": 1}], "restrictions": {field: value}}
    return TARIFF | {"elements": [element]}


TARIFF: dict[str, Any] = {
    "country_code": "NL",
    "party_id": "ABC",
    "id": "T1",
    "currency": "EUR",
    "tax_included": "NO",
    "elements": [{"price_components": [{"type": "ENERGY", "price": Decimal("0.25"), "step_size": 1}]}],
    "last_updated": "2024-01-01T00:00:00Z",
}

# --- Behaviour ---


def _accepted(kind: str, document: dict[str, Any]) -> bool:
    try:
        validate(kind, document)
    except Invalid:
        return False
    return True


def test_every_kind_is_the_object_of_the_text() -> None:
    assert {kind: struct.__name__ for kind, struct in OBJECTS.items()} == KINDS


@pytest.mark.req("TYP-013", versions="2.3.0")
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_text_allows_is_accepted(kind: str) -> None:
    @settings(max_examples=40, deadline=None, database=None)
    @given(strategy("2.3.0", KINDS[kind], custom=True))
    def holds(document: dict[str, Any]) -> None:
        validate(kind, document)
        validate(kind, document | {"x_unknown": {"of": ["a", "later", "version"]}})
        validate_patch(kind, document)

    holds()


def _wrong_values(field: Field) -> list[Any]:
    """Values that might be wrong for a field; whether they are is for the tables to say."""
    texts = (
        ["x" * (field.length or 0) + "x", "two\nlines", "\u2028", "é", "", "X"] if field.type in SCALARS | NEWEST.enums.keys() else ["X"]
    )
    times = ["2024-01-01", "2024-01-01T00:00:00Z", "2024-13-01T00:00:00Z"] if field.type == "DateTime" else []
    return [*texts, *times, 8, 100_000, Decimal("1.5"), True, {}, [], [7]]


# What the model reads although the text does not allow it: decimals, empty open enum values and addresses that are no URL.
_LIBERAL_REASONS = re.compile("does not follow|is not a URL|more than 4 decimals|is not printable$")


@pytest.mark.req("TYP-002", "TYP-004", "TYP-012", versions="2.3.0")
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_text_does_not_allow_is_refused(kind: str) -> None:
    name = KINDS[kind]
    cases = [(field, wrong) for field in NEWEST.objects[name].values() for wrong in [*_wrong_values(field), None]]

    @settings(max_examples=len(cases) // 2 + 20, deadline=None, database=None)
    @given(strategy("2.3.0", name), st.sampled_from(cases))
    def holds(document: dict[str, Any], case: tuple[Field, Any]) -> None:
        field, wrong = case
        value = [wrong] if field.many and not isinstance(wrong, list) and wrong is not None else wrong
        changed = {**document, field.name: value}
        broken = [
            reason
            for reason in check("2.3.0", name, changed, rules=False)
            if f"$.{field.name}" in reason and not _LIBERAL_REASONS.search(reason)
        ]
        if not _accepted(kind, changed):
            assert check("2.3.0", name, changed), f"{field.name}={value!r} is refused and the text allows it"
        else:
            assert not broken, f"{field.name}={value!r} is accepted"

    holds()

"""The fields of a Tariff in each version: which must stand, which are known, and what a misspelt one was probably meant to be.

Restated from the Tariffs chapters. Findings here are about single fields; what elements mean together is in `lint.py`.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple


class Finding(NamedTuple):
    code: str
    path: str
    severity: str
    message: str
    # A JSON patch operation, where there is one obvious thing to do.
    fix: dict[str, Any] | None = None

    def to_document(self) -> dict[str, Any]:
        return self._asdict()


class Shape(NamedTuple):
    required: frozenset[str]
    optional: frozenset[str]


def _shape(required: str, optional: str = "") -> Shape:
    return Shape(frozenset(required.split()), frozenset(optional.split()))


_OWNER = "country_code party_id id currency elements last_updated"
_MORE = "type tariff_alt_text tariff_alt_url min_price max_price start_date_time end_date_time energy_mix"
_TARIFF = {
    "2.1.1": _shape("id currency elements last_updated", "tariff_alt_text tariff_alt_url energy_mix"),
    "2.2.1": _shape(_OWNER, _MORE),
    "2.3.0": _shape(f"{_OWNER} tax_included", f"{_MORE} preauthorize_amount"),
}
_ELEMENT = _shape("price_components", "restrictions")
_COMPONENT = {"2.1.1": _shape("type price step_size"), "2.2.1": _shape("type price step_size", "vat")}
_RESTRICTIONS_211 = "start_time end_time start_date end_date min_kwh max_kwh min_power max_power min_duration max_duration day_of_week"
_RESTRICTIONS = {
    "2.1.1": _shape("", _RESTRICTIONS_211),
    "2.2.1": _shape("", f"{_RESTRICTIONS_211} min_current max_current reservation"),
    "2.3.0": _shape("", f"{_RESTRICTIONS_211} min_current max_current reservation booking"),
}
_LIMIT = {"2.2.1": _shape("excl_vat", "incl_vat"), "2.3.0": _shape("before_taxes", "after_taxes")}
_TEXT = _shape("language text")


def look(tariff: Mapping[str, Any], version: str) -> Iterator[Finding]:
    yield from _object(tariff, "", _TARIFF[version])
    for index, text in _listed(tariff.get("tariff_alt_text")):
        yield from _object(text, f"/tariff_alt_text/{index}", _TEXT)
    for name in ("min_price", "max_price"):
        if version in _LIMIT and isinstance(tariff.get(name), Mapping):
            yield from _object(tariff[name], f"/{name}", _LIMIT[version])
    for index, element in _listed(tariff.get("elements")):
        yield from _element(element, f"/elements/{index}", version)


def _element(element: Mapping[str, Any], path: str, version: str) -> Iterator[Finding]:
    yield from _object(element, path, _ELEMENT)
    for index, component in _listed(element.get("price_components")):
        yield from _object(component, f"{path}/price_components/{index}", _COMPONENT.get(version, _COMPONENT["2.2.1"]))
    restrictions = element.get("restrictions")
    if isinstance(restrictions, Mapping):
        yield from _object(restrictions, f"{path}/restrictions", _RESTRICTIONS[version])


def _object(document: Mapping[str, Any], path: str, shape: Shape) -> Iterator[Finding]:
    for name in sorted(shape.required):
        if document.get(name) is None or document[name] == []:
            yield Finding("missing_required_field", f"{path}/{name}", "error", f"{name} is required")
    known = shape.required | shape.optional
    for name, value in document.items():
        where = f"{path}/{_pointer(name)}"
        if name not in known:
            yield _unknown(name, where, known)
        elif value is None and name not in shape.required:
            yield Finding("null_field", where, "info", "null says the same as leaving the field out", {"op": "remove", "path": where})


def _unknown(name: str, where: str, known: frozenset[str]) -> Finding:
    plain = {field.replace("_", ""): field for field in known}
    near = get_close_matches(name.lower().replace("_", ""), plain, n=1, cutoff=0.75)
    hint = f"; perhaps {plain[near[0]]} is meant" if near else ""
    return Finding("unknown_field", where, "warning", f"{name:.60} is no field of this version, and changes no price{hint}")


def _listed(value: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if isinstance(value, list):
        yield from ((index, entry) for index, entry in enumerate(value) if isinstance(entry, Mapping))


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
